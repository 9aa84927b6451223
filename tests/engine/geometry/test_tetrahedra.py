from __future__ import annotations

from collections.abc import Callable

import igl
import numpy as np
import pytest
import trimesh

from engine.core.errors import GeometryError
from engine.geometry.primitives import ball_surface, box_surface, cylinder_surface, square
from engine.geometry.quality import area_vectors, enclosed_volume, smallest_angle
from engine.geometry.sheets import disk_sheet
from engine.geometry.stuffing import stuffed, tetrahedralise
from engine.geometry.tet_mesh import TetMesh
from engine.geometry.tetrahedral import ball_tets, box_tets, cylinder_tets
from engine.geometry.topology import measure_topology

ONE = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])


def test_one_tetrahedron() -> None:
    mesh = TetMesh(ONE, np.array([[0, 1, 2, 3]]))
    assert mesh.volumes == pytest.approx([1 / 6])
    assert enclosed_volume(mesh.vertices, mesh.surface) == pytest.approx(1 / 6)
    assert sorted(mesh.dihedral_angles[0]) == pytest.approx([np.degrees(np.arccos(3**-0.5))] * 3 + [90.0] * 3)


@pytest.mark.parametrize(
    ("tets", "vertices", "said", "place"),
    [
        ([[0, 2, 1, 3]], ONE, r"tetrahedron 0 \(vertices 0, 2, 1, 3\) is inverted", (0, 2, 1, 3)),
        ([[0, 1, 2, 3], [1, 0, 2, 3], [0, 2, 1, 3]], ONE, "tetrahedron 1 .* is inverted, and 1 more", (1, 0, 2, 3)),
        ([[0, 1, 2, 3]], ONE * [1, 1, 0], "has no volume", (0, 1, 2, 3)),
        ([[0, 1, 2, 2]], ONE, "has no volume", (0, 1, 2, 2)),
        ([[0, 1, 2, 4]], ONE, "does not exist", ()),
        ([], ONE, "empty", ()),
        ([[0, 1, 2, 3]], ONE * [1, 1, np.nan], "vertex 0 has a coordinate that is not a number", (0,)),
    ],
)
def test_bad_meshes_name_their_place(tets: list, vertices: np.ndarray, said: str, place: tuple[int, ...]) -> None:
    with pytest.raises(GeometryError, match=said) as caught:
        TetMesh(vertices, np.array(tets))
    assert caught.value.place == place


def test_tiny_bodies_are_not_flat() -> None:
    assert TetMesh(1e-6 * ONE, np.array([[0, 1, 2, 3]])).volumes[0] > 0


SURFACES: dict[str, tuple[Callable[[int], tuple[np.ndarray, np.ndarray]], float]] = {
    "box": (lambda cells: box_surface((0.4, 0.3, 0.2), cells), 0.024),
    "ball": (lambda cells: ball_surface(0.5, cells), np.pi / 6),
    "cylinder": (lambda cells: cylinder_surface(0.5, 0.7, cells), 0.7 * np.pi / 4),
}
BODIES: dict[str, tuple[Callable[[int], TetMesh], float]] = {
    "box": (lambda cells: box_tets((0.4, 0.3, 0.2), cells), 0.024),
    "ball": (lambda cells: ball_tets(0.5, cells), np.pi / 6),
    "cylinder": (lambda cells: cylinder_tets(0.5, 0.7, cells), 0.7 * np.pi / 4),
}


@pytest.mark.parametrize("shape", SURFACES)
@pytest.mark.parametrize("cells", [2, 3, 12])
def test_surfaces_are_closed_and_wound_outwards(shape: str, cells: int) -> None:
    make, volume = SURFACES[shape]
    vertices, triangles = make(cells)
    found = measure_topology(triangles)
    assert found.watertight and found.consistent_winding and found.vertex_manifold and found.euler_characteristic == 2
    assert found.vertices == len(vertices)
    assert enclosed_volume(vertices, triangles) == pytest.approx(
        volume, rel=1e-12 if shape == "box" else 3.0 / cells**2
    )
    assert enclosed_volume(vertices, triangles) <= volume * (1 + 1e-12)
    assert smallest_angle(vertices, triangles) > 28.0


def test_a_square_faces_up() -> None:
    vertices, triangles = square(2.0, 3)
    assert (area_vectors(vertices, triangles)[:, 2] > 0).all()
    assert len(triangles) == 18 and np.ptp(vertices, axis=0).tolist() == [2.0, 2.0, 0.0]


@pytest.mark.parametrize("shape", BODIES)
@pytest.mark.parametrize("cells", [2, 3, 6, 11])
def test_bodies_fill_their_shape_with_good_tetrahedra(shape: str, cells: int) -> None:
    make, volume = BODIES[shape]
    mesh = make(cells)
    found = measure_topology(mesh.surface)
    assert found.watertight and found.consistent_winding and found.vertex_manifold and found.euler_characteristic == 2
    assert mesh.volumes.sum() == pytest.approx(enclosed_volume(mesh.vertices, mesh.surface), rel=1e-12)
    assert mesh.volumes.sum() == pytest.approx(volume, rel=1e-12 if shape == "box" else 2.0 / cells**2)
    assert len(np.unique(mesh.tets)) == mesh.vertex_count
    assert mesh.smallest_dihedral > {"box": 30.0, "ball": 10.7, "cylinder": 25.0}[shape]


def test_the_surface_of_a_ball_is_on_the_sphere() -> None:
    mesh = ball_tets(0.5, 9)
    radius = np.linalg.norm(mesh.vertices[np.unique(mesh.surface)], axis=1)
    np.testing.assert_allclose(radius, 0.5, atol=1e-6)


def test_a_disk_has_its_border_on_the_circle() -> None:
    positions, triangles = disk_sheet(0.3, 0.05)
    radius = np.linalg.norm(positions, axis=1)
    assert (radius < 0.3 * (1 + 1e-12)).all() and (radius > 0.3 * (1 - 1e-12)).sum() == 36
    assert (area_vectors(positions, triangles)[:, 2] > 0).all() and smallest_angle(positions, triangles) > 40.0
    found = measure_topology(triangles)
    assert found.euler_characteristic == 1 and found.boundary_edges == 36 and found.consistent_winding


def test_any_cut_keeps_the_bound_on_angles() -> None:
    """Spheres anywhere relative to the lattice: the least angle of the method is 10.7°, the largest 164.8°."""
    worst = [180.0, 0.0]
    for seed in range(6):
        centre = np.random.default_rng(seed).uniform(-0.5, 0.5, 3)
        mesh = stuffed(
            lambda points, c=centre: np.linalg.norm(points - c, axis=1) - 2.3, np.array([[-3.0] * 3, [3.0] * 3]), 0.9
        )
        worst = [min(worst[0], mesh.dihedral_angles.min()), max(worst[1], mesh.dihedral_angles.max())]
    assert worst[0] > 10.7 and worst[1] < 164.8


@pytest.mark.parametrize("flipped", [False, True])
def test_a_torus_is_filled(flipped: bool) -> None:
    torus = trimesh.creation.torus(1.0, 0.35, major_sections=48, minor_sections=24)
    triangles = np.asarray(torus.faces)[:, ::-1] if flipped else np.asarray(torus.faces)
    mesh = tetrahedralise(np.asarray(torus.vertices), triangles, 24)
    found = measure_topology(mesh.surface)
    assert found.watertight and found.vertex_manifold and found.euler_characteristic == 0
    assert mesh.volumes.sum() == pytest.approx(abs(torus.volume), rel=0.04)
    assert mesh.smallest_dihedral > 10.7
    skin = mesh.vertices[np.unique(mesh.surface)]
    squares = igl.point_mesh_squared_distance(skin, np.asarray(torus.vertices), np.asarray(torus.faces))[0]
    assert np.sqrt(squares).max() < 1e-4


def test_what_cannot_be_filled_is_refused() -> None:
    vertices, triangles = box_surface((1.0, 1.0, 1.0), 2)
    with pytest.raises(GeometryError, match="no solid: its surface has 1 holes"):
        tetrahedralise(vertices, triangles[1:])
    with pytest.raises(GeometryError, match="too many"):
        tetrahedralise(vertices, triangles, 1000)
    with pytest.raises(GeometryError, match="thinner than a cell"):
        tetrahedralise(vertices * [1, 1, 1e-3] + [0, 0, 0.31], triangles, 5)


def test_what_a_thin_part_leaves_is_no_body_of_its_own() -> None:
    """A ball with a spike that is thinner than a cell, and as thick as one here and there."""

    def distance(points: np.ndarray) -> np.ndarray:
        ball = np.linalg.norm(points, axis=1) - 1.0
        along = np.clip(points[:, 0], 0.0, 2.9)
        thickness = 0.07 + 0.06 * np.sin(9.0 * along)
        spike = np.hypot(np.hypot(points[:, 0] - along, points[:, 1] - 0.03), points[:, 2] - 0.05) - thickness
        return np.asarray(np.minimum(ball, spike))

    mesh = stuffed(distance, np.array([[-1.0, -1, -1], [3, 1, 1]]), 0.25)
    found = measure_topology(mesh.surface)
    assert found.watertight and found.vertex_manifold and found.parts == 1
    assert mesh.volumes.sum() == pytest.approx(4 / 3 * np.pi, rel=0.05)


@pytest.mark.parametrize("make", [cylinder_surface, cylinder_tets])
def test_a_needle_of_a_million_layers_is_refused(make: Callable[[float, float, int], object]) -> None:
    with pytest.raises(GeometryError, match="less slender"):
        make(1e-9, 1.0, 6)
