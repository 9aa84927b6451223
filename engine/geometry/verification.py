"""Checks of the geometry room against theory."""

from __future__ import annotations

import math

import numpy as np
import torch

from engine.core.checks import CheckResult, check, compare
from engine.core.device import Device
from engine.geometry.curvature import principal_curvatures
from engine.geometry.distance import TriangleIndex
from engine.geometry.mesh import Mesh
from engine.geometry.quality import angle_defects, enclosed_volume, vertex_normals
from engine.geometry.sampling import sample_mesh
from engine.geometry.start import mesh_distance_field
from engine.geometry.topology import measure_topology

CPU = Device("cpu")


def sphere_mesh(rings: int, radius: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """A sphere of `rings` circles of latitude, closed at the poles, outward: vertices and triangles."""
    segments = 2 * rings
    polar = np.pi * np.arange(1, rings) / rings
    around = 2.0 * np.pi * np.arange(segments) / segments
    circle = np.stack([np.cos(around), np.sin(around)], axis=1)
    rows = [np.column_stack([math.sin(t) * circle, np.full(segments, math.cos(t))]) for t in polar]
    vertices = radius * np.concatenate([*rows, [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]])
    north, south = len(vertices) - 2, len(vertices) - 1
    triangles = []
    for j in range(segments):
        k = (j + 1) % segments
        triangles.append((north, j, k))
        triangles.append((south, (rings - 2) * segments + k, (rings - 2) * segments + j))
        for i in range(rings - 2):
            upper, lower = i * segments, (i + 1) * segments
            triangles += [(upper + j, lower + j, lower + k), (upper + j, lower + k, upper + k)]
    return vertices, np.array(triangles, np.int32)


def box_mesh(half: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """A box about the origin of 12 outward triangles."""
    vertices = np.array([[x, y, z] for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)], np.float64) * half
    quads = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    return vertices, np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))], np.int32)


def torus_mesh(large: float, small: float, segments: int) -> tuple[np.ndarray, np.ndarray]:
    """A torus about z, outward, `segments` round the axis and as many round the tube."""
    angle = 2.0 * np.pi * np.arange(segments) / segments
    u, v = np.meshgrid(angle, angle, indexing="ij")
    ring = large + small * np.cos(v)
    vertices = np.stack([ring * np.cos(u), ring * np.sin(u), small * np.sin(v)], axis=-1).reshape(-1, 3)
    i, j = (index.reshape(-1) for index in np.meshgrid(np.arange(segments), np.arange(segments), indexing="ij"))
    here, across = i * segments + j, (i + 1) % segments * segments + j
    up, both = i * segments + (j + 1) % segments, (i + 1) % segments * segments + (j + 1) % segments
    triangles = np.concatenate([np.stack([here, across, both], axis=1), np.stack([here, both, up], axis=1)])
    return vertices, triangles.astype(np.int32)


@check(
    "geometry.sphere-distance",
    title="The signed distance to a faceted sphere agrees with the sphere's",
    source="|x| − r, with the chord's sagitta",
)
def sphere_distance(*, rings: int = 64, points: int = 2000, seed: int = 0) -> CheckResult:
    """The largest error may be the sagitta of the faceted sphere, r (1 − cos²(π / 2 rings))."""
    vertices, triangles = sphere_mesh(rings)
    queries = np.random.default_rng(seed).uniform(-1.5, 1.5, (points, 3))
    measured = TriangleIndex(vertices, triangles, CPU, winding=True).signed_distance(queries).numpy()
    radius = np.linalg.norm(queries, axis=1)
    clear = np.abs(radius - 1.0) > 0.01
    error = np.abs(measured - (radius - 1.0))[clear].max()
    sagitta = 1.0 - math.cos(math.pi / (2 * rings)) ** 2
    return compare("geometry.sphere-distance", float(error), 0.0, 1.05 * sagitta, points=points)


@check(
    "geometry.box-distance",
    title="The signed distance to a box's mesh agrees with the formula",
    source="exact formula of a box, all three kinds",
)
def box_distance(*, points: int = 4000, seed: int = 0, offset: float = 0.0) -> CheckResult:
    """Largest difference from |max(q, 0)| + min(max q, 0), q = |x| − half; `offset` moves both far from the origin."""
    half = np.array([0.5, 0.3, 0.8])
    vertices, triangles = box_mesh((0.5, 0.3, 0.8))
    queries = np.random.default_rng(seed).uniform(-1.2, 1.2, (points, 3))
    measured = TriangleIndex(vertices + offset, triangles, CPU, winding=True).signed_distance(queries + offset).numpy()
    q = np.abs(queries) - half
    exact = np.linalg.norm(np.maximum(q, 0.0), axis=1) + np.minimum(q.max(axis=1), 0.0)
    return compare("geometry.box-distance", float(np.abs(measured - exact).max()), 0.0, 1e-6)


@check("geometry.sphere-volume-order", title="The volume of a faceted sphere converges with order 2", source="4/3 π r³")
def sphere_volume_order(*, rings: int = 24) -> CheckResult:
    errors = [4.0 / 3.0 * math.pi - enclosed_volume(*sphere_mesh(count)) for count in (rings, 2 * rings)]
    return compare("geometry.sphere-volume-order", math.log2(errors[0] / errors[1]), 2.0, 0.05, errors=errors)


@check(
    "geometry.gauss-bonnet",
    title="Angle defects of closed meshes sum to 2πχ",
    source="Gauss–Bonnet, exact on polyhedra",
)
def gauss_bonnet(*, segments: int = 24) -> CheckResult:
    """The largest difference over a sphere, a box and a torus, all three also against the counted χ."""
    error = 0.0
    shapes = (sphere_mesh(segments), box_mesh((1.0, 2.0, 3.0)), torus_mesh(1.0, 0.4, segments))
    for (vertices, triangles), euler in zip(shapes, (2, 2, 0), strict=True):
        counted = measure_topology(triangles).euler_characteristic
        defect = float(angle_defects(vertices, triangles).sum()) / (2.0 * math.pi)
        error = max(error, abs(defect - euler), abs(counted - euler))
    return compare("geometry.gauss-bonnet", error, 0.0, 1e-10)


@check("geometry.vertex-normals", title="Vertex normals of a sphere point away from its centre", source="n = x / r")
def sphere_normals(*, rings: int = 48) -> CheckResult:
    vertices, triangles = sphere_mesh(rings)
    cosine = (vertex_normals(vertices, triangles) * vertices).sum(axis=1).min()
    return compare("geometry.vertex-normals", math.degrees(math.acos(min(cosine, 1.0))), 0.0, 180.0 / rings, unit="°")


@check(
    "geometry.winding-hemisphere",
    title="The winding number on the axis of an open hemisphere agrees with its solid angle",
    source="4π less the solid angle of the opening's disc",
)
def winding_hemisphere(*, rings: int = 64, height: float = 0.3) -> CheckResult:
    """On the axis, `height` above the opening's plane, the opening takes the solid angle 2π (1 − h/√(1 + h²)), and
    the hemisphere the rest of 4π: w = (1 + h/√(1 + h²))/2."""
    vertices, triangles = sphere_mesh(rings)
    upper = triangles[(vertices[triangles][:, :, 2] > -1e-9).all(axis=1)]
    value = float(TriangleIndex(vertices, upper, CPU).winding_number(np.array([[0.0, 0.0, height]]))[0])
    return compare("geometry.winding-hemisphere", value, 0.5 * (1.0 + height / math.hypot(1.0, height)), 1e-3)


@check(
    "geometry.sample-moments",
    title="Points drawn evenly on a sphere have the sphere's second moment",
    source="⟨z²⟩ = r²/3",
)
def sample_moments(*, samples: int = 20000, seed: int = 0) -> CheckResult:
    vertices, triangles = sphere_mesh(96)
    positions = sample_mesh(Mesh(vertices, triangles), samples, seed)[0]
    # Standard deviation of z² on a sphere is √(4/45); four of its means.
    tolerance = 4.0 * math.sqrt(4.0 / 45.0 / samples) + 1e-3
    return compare("geometry.sample-moments", float((positions[:, 2] ** 2).mean()), 1.0 / 3.0, tolerance)


@check(
    "geometry.start-field",
    title="The start field of a sphere is its signed distance near the surface",
    source="|x| − r",
)
def start_field(*, resolution: int = 32, radius: float = 0.7) -> CheckResult:
    """Largest error within two cells of the surface."""
    vertices, triangles = sphere_mesh(96, radius)
    field = mesh_distance_field(vertices, triangles, resolution, CPU).numpy()
    axis = np.linspace(-1.0, 1.0, resolution + 1)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    exact = np.sqrt(x * x + y * y + z * z) - radius
    near = np.abs(exact) < 4.0 / resolution
    error = float(np.abs(field - exact)[near].max())
    return compare("geometry.start-field", error, 0.0, 1.05 * radius * (1.0 - math.cos(math.pi / 192) ** 2))


@check(
    "geometry.curvature",
    title="Principal curvatures of a torus agree with the closed form",
    source="1 / r and cos v / (R + r cos v); Cazals and Pouget, osculating jets, 2005",
)
def curvature(*, segments: int = 60, large: float = 1.0, small: float = 0.35) -> CheckResult:
    """Largest error times the tube's radius; it falls nearly with the square of the segments: 0.20, 0.064 and 0.019 at
    30, 60 and 120."""
    vertices, triangles = torus_mesh(large, small, segments)
    found = principal_curvatures(torch.from_numpy(vertices), triangles).numpy()
    from_axis = np.hypot(vertices[:, 0], vertices[:, 1])
    round_axis = (from_axis - large) / (small * from_axis)
    true = np.stack([np.full(len(vertices), 1.0 / small), round_axis], axis=1)
    error = small * float(np.abs(found - true).max())
    return compare("geometry.curvature", error, 0.0, 300.0 / segments**2)
