import igl
import numpy as np
import pytest
import torch
from torch import Tensor

from engine.core.errors import GeometryError
from engine.geometry.quality import enclosed_volume
from engine.geometry.tet_mesh import FACES, TetMesh, boundary_triangles
from engine.surfaces.flexicubes import FlexiCubes
from engine.surfaces.verification_flexicubes import extreme, partition, tetrahedra_gradient


@pytest.mark.parametrize("inside_fraction", [0.1, 0.5, 0.9])
def test_random_fields_are_partitioned_exactly(inside_fraction: float) -> None:
    result = partition(seeds=3, inside_fraction=inside_fraction)
    assert result.passed, result
    if inside_fraction == 0.9:
        assert result.detail["inverted_cells"] > 50  # the cells with two dual vertices round one inside were there


def test_gradient_agrees_with_central_differences() -> None:
    result = tetrahedra_gradient(samples=25, seed=4)
    assert result.passed, result


def test_faces_match_and_every_vertex_is_used(torus_and_ball: Tensor) -> None:
    found = FlexiCubes(torus_and_ball, dtype=torch.float64).extract_tetrahedra()
    tets = found.tets.numpy()
    faces = np.sort(tets[:, FACES].reshape(-1, 3), axis=1)
    counts = np.unique(faces, axis=0, return_counts=True)[1]
    assert set(counts.tolist()) == {1, 2}
    assert len(np.unique(tets)) == len(found.vertices)
    outer = boundary_triangles(tets)
    assert igl.is_edge_manifold(outer)[0]
    assert igl.euler_characteristic(outer) == 2  # a torus and a ball


def test_a_ball_has_the_volume_of_its_surface_and_makes_a_body() -> None:
    surface = FlexiCubes.sphere(24, dtype=torch.float64)
    body = TetMesh(*surface.tetrahedral_output())
    assert body.volumes.sum() == pytest.approx(4 / 3 * np.pi * 0.6**3, rel=0.03)
    assert body.volumes.sum() == pytest.approx(enclosed_volume(body.vertices, body.surface), rel=1e-12)
    assert body.smallest_dihedral > 2.0


def test_the_border_is_filled_with_no_flat_tetrahedra() -> None:
    surface = FlexiCubes(torch.full((6, 6, 6), -1.0), dtype=torch.float64)
    body = TetMesh(*surface.tetrahedral_output())
    assert body.volumes.sum() == pytest.approx(8.0, rel=1e-12)
    assert body.volumes.min() > 0.04 * surface.cell_size**3


def test_moved_nodes_may_invert_and_are_counted() -> None:
    surface = extreme(FlexiCubes.random(8, seed=0, inside_fraction=0.5, dtype=torch.float64), 0)
    found = surface.extract_tetrahedra()
    assert found.inverted_count > 0
    with pytest.raises(GeometryError, match="inverted"):
        TetMesh(found.vertices.detach().numpy(), found.tets.numpy())


def test_looking_leaves_the_design_as_it_is(torus_and_ball: Tensor) -> None:
    surface = FlexiCubes(torus_and_ball)
    before = surface.tensors()
    surface.tetrahedral_output()
    assert all(surface.tensors()[name] is leaf for name, leaf in before.items())


def test_an_open_surface_has_no_inside(torus_and_ball: Tensor) -> None:
    with pytest.raises(GeometryError, match="open at the border"):
        FlexiCubes(torus_and_ball, closed=False).extract_tetrahedra()
