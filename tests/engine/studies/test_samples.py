"""The gallery's inputs are what they claim to be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from engine.core.errors import FormwrightError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io.assemble import edge_uses
from engine.rendering.verification import icosphere
from engine.studies.samples import GALLERY, bracket_mesh, frog_mesh, knot_mesh, noisy_scan, nut_scan, sample_named


def euler(mesh: Mesh) -> int:
    return mesh.vertex_count - len(edge_uses(mesh.triangles)) + mesh.triangle_count


def volume(mesh: Mesh) -> float:
    corner = mesh.vertices[mesh.triangles]
    return float(np.einsum("ij,ij->", corner[:, 0], np.cross(corner[:, 1], corner[:, 2])) / 6.0)


def test_noise_outliers_holes_and_normals_are_as_asked() -> None:
    vertices, triangles = icosphere(5)
    ball = Mesh(vertices * 50.0, triangles)
    scan = noisy_scan(ball, noise=0.002, outliers=0.1, holes=2, hole_radius=0.15, points=20_000, seed=4)
    assert scan.point_count == 20_000 and scan.normals is not None
    inliers = scan.positions[:18_000]
    radius = np.linalg.norm(inliers, axis=1)
    # Of the noise only the radial part changes the radius.
    assert radius.std() == pytest.approx(0.002 * ball.diagonal, rel=0.05)
    facing = (inliers / radius[:, None] * scan.normals[:18_000]).sum(axis=1)
    assert facing.min() > 0.7
    # Two caps of chord radius r are missing: together 2·πr² of 4πR² (Archimedes), where they do not overlap.
    seen = cKDTree(inliers).query(ball.vertices)[0] < 4.0
    chord = 0.15 * ball.diagonal
    assert 1.0 - seen.mean() == pytest.approx(2 * chord**2 / (4 * 50.0**2), abs=0.06)


def test_scans_repeat_with_their_seed() -> None:
    np.testing.assert_array_equal(nut_scan(points=500, seed=1).positions, nut_scan(points=500, seed=1).positions)
    assert not np.array_equal(nut_scan(points=500, seed=1).positions, nut_scan(points=500, seed=2).positions)
    assert noisy_scan(Mesh(np.eye(3), np.array([[0, 1, 2]])), points=50, holes=0, normals=False).normals is None


@pytest.mark.parametrize(("mesh", "expected"), [(bracket_mesh(2.0), 2 - 2 * 3), (knot_mesh(2.0), 0)])
def test_generated_parts_are_closed_and_of_their_genus(mesh: Mesh, expected: int) -> None:
    """The bracket has a bore and two mounting holes (genus 3); the knot is a torus."""
    assert (edge_uses(mesh.triangles) == 2).all()
    assert euler(mesh) == expected
    assert volume(mesh) > 0


@pytest.mark.slow
def test_the_frog_is_one_closed_outward_surface() -> None:
    frog = frog_mesh()
    assert (edge_uses(frog.triangles) == 2).all() and volume(frog) > 0
    assert 400.0 < np.ptp(frog.vertices, axis=0).max() < 520.0


def test_gallery_names_are_found() -> None:
    assert [sample_named(item.name) for item in GALLERY] == list(GALLERY)
    assert isinstance(sample_named("nut").make(), Points)
    with pytest.raises(FormwrightError, match="knot"):
        sample_named("teapot")
