"""Checks of pictures against exact projections."""

from __future__ import annotations

import numpy as np

from engine.core.checks import CheckResult, check, compare
from engine.rendering.camera import Camera
from engine.rendering.picture import RayCaster


@check(
    "rendering.sphere_outline",
    title="A sphere covers the part of the picture that perspective says",
    source="A sphere of radius r at distance d fills a cone of half angle asin(r/d)",
)
def sphere_outline(
    radius: float = 30.0, distance: float = 100.0, pixels: int = 600, subdivisions: int = 5
) -> CheckResult:
    """Share of the picture that a sphere covers, from a camera that looks at its centre."""
    vertices, triangles = icosphere(subdivisions)
    view = Camera((0.0, -distance, 0.0), (0.0, 0.0, 0.0), field_of_view=60.0)
    image = RayCaster(vertices * radius, triangles, np.ones((1, 3))).cast((pixels, pixels), view)
    edge = np.tan(np.radians(30.0))
    outline = radius / np.sqrt(distance**2 - radius**2) / edge
    expected = np.pi * outline**2 / 4.0
    # Chords of the facets lie inside the circle by about (edge angle)²/8;
    # the pixels add their width along the outline.
    facet_angle = 1.107 / 2**subdivisions
    tolerance = expected * (facet_angle**2 / 3.0 + 2.0 / (outline * pixels))
    measured = float((image.colours[..., 3] > 0).mean())
    return compare("rendering.sphere_outline", measured, expected, tolerance)


@check(
    "rendering.plane_depth",
    title="Rays through all pixels meet a tilted plane at the distance of the formula",
    source="Ray o + t·d meets n·x = h at t = (h − n·o) / n·d",
)
def plane_depth(offset: float = 1e6, tilt: float = 35.0, pixels: int = 64) -> CheckResult:
    """Largest error of the depth of a plane, in parts of its distance, with the scene `offset` mm from the origin."""
    angle = np.radians(tilt)
    normal = np.array([np.sin(angle), -np.cos(angle), 0.0])
    along = np.array([np.cos(angle), np.sin(angle), 0.0])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * 100.0
    plane = corners[:, :1] * along + corners[:, 1:] * np.array([0.0, 0.0, 1.0])
    view = Camera((offset, offset - 50.0, offset), (offset, offset, offset), field_of_view=40.0)
    caster = RayCaster(plane + offset, np.array([[0, 1, 2], [0, 2, 3]]), np.ones((1, 3)))
    depths = caster.cast((pixels, pixels), view).depths
    right, up, forward = view.axes()
    side = ((np.arange(pixels) + 0.5) / pixels * 2.0 - 1.0) * np.tan(np.radians(20.0))
    rays = forward + side[None, :, None] * right - side[:, None, None] * up
    rays /= np.linalg.norm(rays, axis=2, keepdims=True)
    exact = normal @ np.array([0.0, 50.0, 0.0]) / (rays @ normal)
    measured = float(np.abs(depths / exact - 1.0).max())
    return compare("rendering.plane_depth", measured, 0.0, 1e-5)


def icosphere(subdivisions: int) -> tuple[np.ndarray, np.ndarray]:
    """The unit sphere: an icosahedron whose triangles are split into four, `subdivisions` times."""
    golden = (1.0 + np.sqrt(5.0)) / 2.0
    vertices = np.array([(0, side, up * golden) for side in (-1.0, 1.0) for up in (-1.0, 1.0)])
    vertices = np.concatenate([np.roll(vertices, shift, axis=1) for shift in range(3)])
    gaps = np.linalg.norm(vertices[:, None] - vertices[None], axis=2) < 2.1
    triangles = np.array(
        [(a, b, c) for a in range(12) for b in range(a) for c in range(b) if gaps[a, b] and gaps[b, c] and gaps[a, c]]
    )
    corner = vertices[triangles]
    outward = np.einsum("ij,ij->i", corner[:, 0], np.cross(corner[:, 1], corner[:, 2])) > 0
    triangles = np.where(outward[:, None], triangles, triangles[:, ::-1])
    for _ in range(subdivisions):
        edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
        unique, inverse = np.unique(edges, axis=0, return_inverse=True)
        middle = (inverse.reshape(3, -1) + len(vertices)).T
        vertices = np.concatenate([vertices, vertices[unique].mean(axis=1)])
        a, b, c = triangles.T
        ab, bc, ca = middle.T
        triangles = np.concatenate([np.stack(row, 1) for row in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
        vertices /= np.linalg.norm(vertices, axis=1, keepdims=True)
    return vertices / np.linalg.norm(vertices, axis=1, keepdims=True), triangles.astype(np.int32)
