import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

from engine.core.device import Device
from engine.geometry.distance import TriangleIndex
from engine.surfaces.flexicubes import FlexiCubes
from engine.surfaces.grid import Grid
from engine.surfaces.resampling import interpolate_field, parent_cells, sample_nodes
from engine.surfaces.surface import Stroke


def distance_between(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> float:
    """Mean distance of the vertices of a to the mesh b."""
    return float(TriangleIndex(*b, Device("cpu")).closest(a[0]).distances.mean())


@pytest.mark.parametrize("resolution", [17, 36, 48])
def test_the_surface_stays_where_it_is(torus_and_ball: Tensor, resolution: int) -> None:
    surface = FlexiCubes(torus_and_ball)
    generator = torch.Generator().manual_seed(0)
    for name in ("offsets", "weights"):
        surface.tensors()[name].data.normal_(generator=generator)
    before, coarser = surface.output(), max(surface.cell_size, 2.0 / resolution)
    old = surface.tensors()
    remaps = surface.resample(resolution)
    after = surface.output()
    # Spikes of random weights are cut off where the grid is too coarse for them.
    assert distance_between(after, before) < 0.08 * coarser
    assert distance_between(before, after) < 0.2 * coarser
    body = trimesh.Trimesh(*after, process=False)
    assert body.is_watertight
    assert body.euler_number == 2
    for remap in remaps:
        assert remap.old is old[remap.name]
        assert remap.moments(torch.zeros_like(remap.old)).shape == remap.new.shape
    assert surface.prepare() == []


def test_refining_keeps_the_surface_closer_than_interpolation(torus_and_ball: Tensor) -> None:
    surface = FlexiCubes(torus_and_ball)
    generator = torch.Generator().manual_seed(0)
    for name in ("offsets", "weights"):
        surface.tensors()[name].data.normal_(generator=generator)
    before = surface.output()
    plain = FlexiCubes(interpolate_field(Grid(24), Grid(48), surface._dense("field")))
    surface.resample(48)
    assert distance_between(surface.output(), before) < 0.5 * distance_between(plain.output(), before)


def test_moments_of_the_field_are_interpolated() -> None:
    surface = FlexiCubes.sphere(8, radius=0.6, dtype=torch.float64)
    surface.activate_nodes(np.arange(9**3))
    surface.prepare()
    slope = torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64)
    linear = surface._grid.positions(surface._active.node_ids, torch.float64) @ slope
    remaps = {remap.name: remap for remap in surface.resample(11)}
    expected = surface._grid.positions(surface._active.node_ids, torch.float64) @ slope
    assert torch.allclose(remaps["field"].moments(linear), expected, atol=1e-12)


def test_moments_of_a_cell_come_from_its_parent() -> None:
    surface = FlexiCubes.sphere(8, radius=0.6)
    parents = surface._active.cell_ids.clone()
    (remap,) = (remap for remap in surface.resample(16) if remap.name == "weights")
    marked = remap.moments(parents[:, None].float().expand(-1, 21).contiguous())[:, 0].to(torch.int64)
    expected = parent_cells(Grid(8), Grid(16), surface._active.cell_ids)
    had = torch.isin(expected, parents)
    assert had.sum() > 100
    assert torch.equal(marked[had], expected[had])
    assert not marked[~had].any()


def test_a_box_on_the_border_stays_there() -> None:
    axis = torch.linspace(-1.0, 1.0, 17)
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
    surface = FlexiCubes(torch.maximum(torch.maximum(x.abs() - 0.3, y.abs() - 0.5), z - 0.55))
    before = trimesh.Trimesh(*surface.output(), process=False)
    surface.resample(40)
    after = trimesh.Trimesh(*surface.output(), process=False)
    assert after.is_watertight
    assert after.bounds[0, 2] == -1.0
    assert after.volume == pytest.approx(before.volume, rel=0.01)


def test_an_open_surface_keeps_its_hole() -> None:
    axis = torch.linspace(-1.0, 1.0, 13)
    field = axis[None, None, :].expand(13, 13, 13) - 0.1
    surface = FlexiCubes(field, closed=False)
    surface.resample(20)
    vertices, triangles = surface.output()
    assert len(triangles) == 2 * 19 * 19
    assert np.allclose(vertices[:, 2], 0.1, atol=1e-6)


def test_frozen_cells_are_inherited() -> None:
    surface = FlexiCubes.sphere(10, radius=0.5)
    surface.freeze(Stroke(np.array([[0.5, 0.0, 0.0]]), 0.2))
    surface.resample(20)
    centres = surface._grid.cell_centres(surface._frozen.cell_ids, torch.float64)
    gaps = torch.linalg.norm(centres - centres.new_tensor([0.5, 0.0, 0.0]), dim=1)
    assert len(gaps) >= 64
    assert gaps.max() < 0.2 + 0.2 * 3**0.5


def test_the_same_resolution_changes_nothing() -> None:
    surface = FlexiCubes.sphere(8)
    before = surface.tensors()["field"]
    assert surface.resample(8) == []
    assert surface.tensors()["field"] is before


def test_interpolation_is_exact_for_linear_fields() -> None:
    grid = Grid(6)
    ids = grid.from_node_index(torch.arange(7**3))
    flat = torch.zeros(grid.id_count, dtype=torch.float64)
    slope = torch.tensor([1.0, 2.0, -0.5], dtype=torch.float64)
    flat[ids] = grid.positions(ids, torch.float64) @ slope
    points = torch.rand(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1
    assert torch.allclose(sample_nodes(grid, flat, points), points @ slope, atol=1e-12)
