"""Vases: a family of closed shapes to learn a shape space from, generated, and a scan that saw only a part of one."""

from __future__ import annotations

import numpy as np

from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.sampling import sample_mesh

HEIGHTS = (70.0, 110.0)
BELLIES = (18.0, 34.0)
NECKS = (7.0, 16.0)
SQUARENESS = (2.0, 5.0)
"""Ranges: height [mm], radius of belly and neck [mm], exponent of the superellipse of the cross-sections."""


def vase(height: float, belly: float, neck: float, squareness: float, *, rings: int = 40, sides: int = 48) -> Mesh:
    """One of the family, standing on z = 0 round the z axis, closed and outward.

    height, belly, neck : [mm]
    squareness : 2 for round cross-sections, more for squarer ones
    """
    t = np.linspace(0.0, 1.0, rings)
    swell = np.sin(np.pi * np.clip(t / 0.7, 0.0, 1.0)) ** 2
    radius = neck + (belly - neck) * swell + 0.25 * belly * (1.0 - np.clip(t / 0.35, 0.0, 1.0)) ** 2
    angle = np.linspace(0.0, 2.0 * np.pi, sides, endpoint=False)
    cosine, sine = np.cos(angle), np.sin(angle)
    stretch = (np.abs(cosine) ** squareness + np.abs(sine) ** squareness) ** (-1.0 / squareness)
    outline = np.stack([cosine * stretch, sine * stretch], axis=1)
    body = np.concatenate(
        [radius[:, None, None] * outline, np.broadcast_to((height * t)[:, None, None], (rings, sides, 1))], axis=2
    ).reshape(-1, 3)
    vertices = np.concatenate([body, [[0.0, 0.0, 0.0], [0.0, 0.0, height]]])
    j = np.arange(sides)
    k = (j + 1) % sides
    i = np.arange(rings - 1)[:, None] * sides
    side = np.stack([i + j, i + k, i + sides + k, i + j, i + sides + k, i + sides + j], axis=-1).reshape(-1, 3)
    top = (rings - 1) * sides
    bottom_cap = np.stack([np.full(sides, len(body)), k, j], axis=1)
    top_cap = np.stack([np.full(sides, len(body) + 1), top + j, top + k], axis=1)
    triangles = np.concatenate([side, bottom_cap, top_cap]).astype(np.int32)
    return Mesh(vertices, triangles, name=f"vase {height:.0f}x{belly:.0f}")


def vases(count: int = 16, *, seed: int = 0) -> list[Mesh]:
    """`count` different ones, spread evenly over the family (Latin hypercube)."""
    random = np.random.default_rng(seed)
    places = (np.stack([random.permutation(count) for _ in range(4)], axis=1) + random.random((count, 4))) / count
    low, high = np.array([HEIGHTS, BELLIES, NECKS, SQUARENESS]).T
    meshes = []
    for number, row in enumerate(low + places * (high - low)):
        made = vase(*row.tolist())
        meshes.append(Mesh(made.vertices, made.triangles, name=f"vase {number + 1:02d}"))
    return meshes


def partial_scan(
    mesh: Mesh,
    *,
    count: int = 3000,
    towards: tuple[float, float, float] = (1.0, 0.4, 0.2),
    noise: float = 0.1,
    seed: int = 0,
) -> Points:
    """What a scanner sees of a mesh from one side: points with normals where the surface faces it.

    towards : direction to the scanner
    noise : standard deviation along the normal [mm]
    """
    positions, normals, _ = sample_mesh(mesh, 3 * count, seed)
    direction = np.asarray(towards, np.float64)
    seen = np.flatnonzero(normals @ (direction / np.linalg.norm(direction)) > 0.3)
    random = np.random.default_rng(seed)
    chosen = np.sort(random.permutation(seen)[:count])
    moved = positions[chosen] + noise * random.standard_normal((len(chosen), 1)) * normals[chosen]
    return Points(moved, normals=normals[chosen], name=f"scan of {mesh.name}")
