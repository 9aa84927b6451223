"""A filled hole is closed, manifold, wound like its surroundings, and goes on with their curvature."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.geometry.hole_patch import least_area
from engine.geometry.holes import fill_holes, holes
from engine.geometry.mesh import Mesh
from engine.geometry.quality import enclosed_volume, triangle_areas
from engine.geometry.topology import measure_topology
from engine.geometry.verification import box_mesh, sphere_mesh, torus_mesh


def without_cap(mesh: Mesh, direction: np.ndarray, share: float) -> Mesh:
    """The mesh without the triangles that reach farthest in a direction: all above this share of the height."""
    height = mesh.vertices @ direction
    kept = height[mesh.triangles].max(axis=1) < height.min() + (1.0 - share) * np.ptp(height)
    return replace(mesh, triangles=mesh.triangles[kept])


def closed(mesh: Mesh) -> bool:
    topology = measure_topology(mesh.triangles)
    return topology.watertight and topology.vertex_manifold and topology.consistent_winding


@pytest.mark.parametrize("share", [0.05, 0.15, 0.3])
def test_the_patch_goes_on_with_the_curvature(share: float) -> None:
    ball = Mesh(*sphere_mesh(32))
    holed = without_cap(ball, np.array([0.3, -0.5, 0.8]) / np.sqrt(0.98), share)
    filled = fill_holes(holed)
    assert filled.found == "1 hole" and closed(filled.mesh)
    new = filled.mesh.vertices[len(holed.vertices) :]
    radius = np.linalg.norm(new, axis=1)
    # A flat lid would lie at 1 − 2·share in its middle, and take the volume of a cap away.
    assert np.abs(radius - 1.0).max() < 0.3 * 2.0 * share
    height = 2.0 * share
    cap = np.pi * height**2 * (3.0 - height) / 3.0
    lost = enclosed_volume(ball.vertices, ball.triangles) - enclosed_volume(filled.mesh.vertices, filled.mesh.triangles)
    assert abs(lost) < 0.3 * cap


def test_the_patch_is_as_fine_as_its_border() -> None:
    holed = without_cap(Mesh(*sphere_mesh(40)), np.array([0.0, 0.6, 0.8]), 0.2)
    filled = fill_holes(holed).mesh
    new = filled.triangles[holed.triangle_count :]
    edges = filled.vertices[new] - filled.vertices[np.roll(new, 1, axis=1)]
    border = np.array(holes(holed)[0])
    typical = np.linalg.norm(holed.vertices[border] - holed.vertices[np.roll(border, 1)], axis=1).mean()
    assert np.linalg.norm(edges, axis=2).max() < 2.5 * typical
    assert (triangle_areas(filled.vertices, new) > 0.01 * typical**2).all()


def test_a_flat_hole_is_filled_flat() -> None:
    box = Mesh(*box_mesh((1.0, 2.0, 3.0)))
    top = (box.vertices[box.triangles][:, :, 2] > 0).all(axis=1)
    filled = fill_holes(replace(box, triangles=box.triangles[~top])).mesh
    assert closed(filled) and enclosed_volume(filled.vertices, filled.triangles) == pytest.approx(48.0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(0.01, 0.6), kind=st.sampled_from(["ball", "torus"]))
def test_filling_makes_a_torn_mesh_watertight(seed: int, share: float, kind: str) -> None:
    """Whatever is torn out, as long as what is left is manifold and every hole is small enough."""
    mesh = Mesh(*(sphere_mesh(8) if kind == "ball" else torus_mesh(2.0, 0.7, 12)))
    torn = replace(mesh, triangles=mesh.triangles[np.random.default_rng(seed).random(mesh.triangle_count) > share])
    repaired = fill_holes(torn, 10_000)
    topology = measure_topology(repaired.mesh.triangles)
    assert repaired.count == len(holes(torn, 10_000))
    assert topology.nonmanifold_edges == 0 and topology.consistent_winding
    # A triangle that is left alone has no hole.
    assert topology.boundary_edges % 3 == 0
    if not topology.boundary_edges:
        assert topology.watertight
    assert np.isfinite(repaired.mesh.vertices).all()


def test_the_rim_of_a_lone_triangle_is_no_hole() -> None:
    lone = Mesh(np.eye(3), np.array([[0, 1, 2]]))
    assert holes(lone) == [] and not fill_holes(lone).changed


def test_a_chord_that_is_there_already_is_not_doubled() -> None:
    """A tetrahedron without two faces: the one diagonal of its hole is the edge between the two others."""
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    open_half = Mesh(corners, np.array([[0, 2, 1], [0, 1, 3]]))
    filled = fill_holes(open_half).mesh
    topology = measure_topology(filled.triangles)
    assert topology.watertight and topology.edge_manifold and topology.euler_characteristic == 2


@settings(max_examples=30, deadline=None)
@given(radii=st.lists(st.floats(0.3, 3.0), min_size=3, max_size=14))
def test_a_flat_polygon_has_its_own_area(radii: list[float]) -> None:
    angle = 2.0 * np.pi * np.arange(len(radii)) / len(radii)
    border = np.stack([radii * np.cos(angle), radii * np.sin(angle), np.zeros(len(radii))], axis=1)
    triangles = least_area(border, np.zeros((len(radii), len(radii)), bool))
    assert triangles is not None and triangles.shape == (len(radii) - 2, 3)
    expected = 0.5 * np.sin(2.0 * np.pi / len(radii)) * np.dot(radii, np.roll(radii, -1))
    if len(radii) > 4:  # with fewer the origin may lie outside of the polygon
        assert triangle_areas(border, triangles).sum() == pytest.approx(expected, rel=1e-9)
