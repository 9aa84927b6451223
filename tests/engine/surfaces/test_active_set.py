import numpy as np
import pytest
import torch
from torch import Tensor

from engine.surfaces.active_set import ActiveSet
from engine.surfaces.flexicubes import FlexiCubes
from engine.surfaces.grid import Grid
from engine.surfaces.surface import Stroke


def loss_of(surface: FlexiCubes) -> Tensor:
    """Pulls the surface outwards in x, so that it sweeps through new cells."""
    mesh = surface.extract()
    target = mesh.vertices.detach() * mesh.vertices.new_tensor([1.6, 0.8, 1.0])
    return ((mesh.vertices - target) ** 2).sum() + 0.1 * mesh.regularity.sum()


def adam_step(optimizer: torch.optim.Adam) -> None:
    optimizer.step()
    optimizer.zero_grad()


def test_descent_equals_a_dense_adam() -> None:
    resolution, steps = 10, 40
    start = FlexiCubes.sphere(resolution, radius=0.45, dtype=torch.float64)

    surface = FlexiCubes(start.field(), dtype=torch.float64)
    optimizer = torch.optim.Adam(
        [{"params": [leaf], "name": name} for name, leaf in surface.tensors().items()], lr=0.02
    )
    rows_before = len(surface.tensors()["weights"])
    for _ in range(steps):
        for remap in surface.prepare():
            group = next(group for group in optimizer.param_groups if group["name"] == remap.name)
            moments = optimizer.state.pop(group["params"][0])
            group["params"] = [remap.new]
            optimizer.state[remap.new] = {
                "step": moments["step"],
                **{key: remap.moments(moments[key]) for key in ("exp_avg", "exp_avg_sq")},
            }
        loss_of(surface).backward()
        adam_step(optimizer)
        surface.after_step()
    surface.prepare()
    assert len(surface.tensors()["weights"]) > rows_before + 20

    grid = Grid(resolution)
    dense = {
        "field": grid.pad(start.field(), 1.0),
        "offsets": torch.zeros(grid.id_count, 3, dtype=torch.float64),
        "weights": torch.zeros(grid.id_count, 21, dtype=torch.float64),
    }
    for leaf in dense.values():
        leaf.requires_grad_()
    reference = torch.optim.Adam(list(dense.values()), lr=0.02)
    for _ in range(steps):
        now = FlexiCubes(grid.unpad(dense["field"].detach()), dtype=torch.float64)
        ids = {"field": now._active.node_ids, "offsets": now._active.node_ids, "weights": now._active.cell_ids}
        for name, leaf in now.tensors().items():
            leaf.data.copy_(dense[name].detach()[ids[name]])
        loss_of(now).backward()
        for name, leaf in now.tensors().items():
            dense[name].grad = torch.zeros_like(dense[name])
            assert leaf.grad is not None
            dense[name].grad[ids[name]] = leaf.grad
        adam_step(reference)

    assert torch.allclose(surface.field(), grid.unpad(dense["field"].detach()), rtol=0, atol=1e-13)
    rows = surface._active.cell_ids
    assert torch.allclose(surface.tensors()["weights"], dense["weights"][rows], rtol=0, atol=1e-13)
    untouched = torch.ones(grid.id_count, dtype=torch.bool)
    untouched[rows] = False
    assert not dense["weights"][untouched].any()


def test_rows_are_appended_and_maps_agree() -> None:
    grid = Grid(5)
    active = ActiveSet(grid, torch.device("cpu"))
    first = active.append_cells(torch.tensor([grid.ids(torch.tensor([2, 2, 2])).item()]))
    assert len(first) == 8
    kept = active.node_ids.clone()
    active.append_cells(torch.tensor([grid.ids(torch.tensor([3, 2, 2])).item()]))
    assert torch.equal(active.node_ids[:8], kept)
    assert len(active.node_ids) == 12
    assert torch.equal(active.node_row[active.node_ids], torch.arange(12, dtype=torch.int32))


def test_virtual_nodes_lie_on_their_real_neighbours() -> None:
    grid = Grid(4)
    active = ActiveSet(grid, torch.device("cpu"))
    corner = grid.ids(torch.tensor([0, 0, 0]))
    active.append_cells(corner[None])
    assert len(active.node_ids) == 1
    rows = active.node_row[corner + active.corner_offsets]
    assert rows.tolist() == [-2] * 7 + [0]
    assert torch.equal(grid.positions(active.node_ids, torch.float64), -torch.ones(1, 3, dtype=torch.float64))


def test_further_nodes_become_leaves_at_the_next_prepare() -> None:
    surface = FlexiCubes.sphere(8, radius=0.5)
    index = torch.arange(9**3)
    assert not surface.node_values(index[:1]).requires_grad or surface.node_values(index[:1]).detach() > 0
    values = surface.node_values(index).detach()
    assert torch.equal(values, surface.field().reshape(-1))
    surface.activate_nodes(index)
    (field, _offsets) = surface.prepare()
    assert field.name == "field"
    assert len(field.new) == 9**3
    assert torch.equal(field.moments(torch.ones(len(field.old)))[len(field.old) :], torch.zeros(9**3 - len(field.old)))
    surface.node_values(index).sum().backward()
    assert torch.equal(surface.tensors()["field"].grad, torch.ones(9**3))
    assert torch.equal(surface.node_values(index).detach(), values)
    assert surface.prepare() == []


def test_node_positions_follow_the_offsets() -> None:
    surface = FlexiCubes.sphere(4, radius=0.6, dtype=torch.float64)
    surface.activate_nodes(np.arange(125))
    surface.prepare()
    surface.tensors()["offsets"].data.fill_(20.0)
    positions = surface.node_positions(np.arange(125)).reshape(5, 5, 5, 3)
    assert positions[2, 2, 2].tolist() == pytest.approx([0.5 * 0.5 * 0.999] * 3)
    assert positions[0, 2, 4].tolist() == pytest.approx([-1.0, 0.5 * 0.5 * 0.999, 1.0])


def test_an_overwritten_field_moves_the_surface_and_forgets_its_moments() -> None:
    surface = FlexiCubes.sphere(8, radius=0.5)
    index = torch.arange(9**3).reshape(9, 9, 9)[:4].reshape(-1)
    assert torch.equal(surface.field().reshape(-1)[surface.active_nodes()], surface.tensors()["field"].detach())
    surface.set_field(index, torch.full((len(index),), 0.25))
    remaps = surface.prepare()
    assert (surface.field()[:4] == 0.25).all()
    assert surface.output()[0][:, 0].min() > -0.26
    old_nodes = surface.active_nodes()[: len(remaps[0].old)]
    assert torch.equal(remaps[0].moments(torch.ones(len(old_nodes))) == 0, torch.isin(old_nodes, index))


def test_frozen_nodes_are_not_overwritten() -> None:
    surface = FlexiCubes.sphere(8, radius=0.5)
    before = surface.output()[0]
    surface.freeze(Stroke(np.zeros((1, 3)), 0.9))
    surface.set_field(np.arange(9**3), torch.ones(9**3))
    surface.prepare()
    assert np.array_equal(surface.output()[0], before)
