import igl
import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

from engine.core.errors import GeometryError, NotDifferentiableError, ParameterError
from engine.surfaces.flexicubes import FlexiCubes
from engine.surfaces.verification import enclosed_volume, gradient


def stirred(surface: FlexiCubes, seed: int = 0) -> FlexiCubes:
    """With random offsets and weights."""
    generator = torch.Generator().manual_seed(seed)
    for name in ("offsets", "weights"):
        surface.tensors()[name].data.normal_(generator=generator)
    return surface


@pytest.mark.parametrize("seed", range(5))
def test_random_signs_give_a_manifold(seed: int) -> None:
    surface = stirred(FlexiCubes.random(16, seed=seed, inside_fraction=0.5), seed)
    mesh = surface.extract()
    training = (mesh.vertices.detach().numpy(), mesh.triangles.numpy())
    for vertices, triangles in (training, surface.output()):
        body = trimesh.Trimesh(vertices, triangles, process=False)
        assert body.is_watertight
        assert body.is_winding_consistent
        assert body.volume > 0
        assert igl.is_edge_manifold(triangles.astype(np.int64))[0]
        assert np.all(igl.is_vertex_manifold(triangles.astype(np.int64)))
        assert len(np.unique(triangles)) == len(vertices)


@pytest.mark.parametrize("closed", [True, False])
def test_gradient_agrees_with_central_differences(closed: bool) -> None:
    result = gradient(closed=closed, samples=40, seed=5)
    assert result.passed, result


def test_two_backwards_in_a_row_give_the_same(torus_and_ball: Tensor) -> None:
    surface = stirred(FlexiCubes(torus_and_ball))
    mesh = surface.extract()
    loss = (mesh.vertices**2).sum() + mesh.regularity.sum() + (mesh.crossing_values**2).sum()
    leaves = list(surface.tensors().values())
    first = torch.autograd.grad(loss, leaves, retain_graph=True)
    second = torch.autograd.grad(loss, leaves)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(a.abs().max() > 0 for a in first)


def test_second_derivatives_are_refused(torus_and_ball: Tensor) -> None:
    surface = FlexiCubes(torus_and_ball)
    (slope,) = torch.autograd.grad(
        (surface.extract().vertices ** 2).sum(), surface.tensors()["field"], create_graph=True
    )
    with pytest.raises(NotDifferentiableError, match="FlexiCubes"):
        slope.sum().backward()


def test_neutral_weights_give_the_mean_of_the_crossings() -> None:
    field = torch.ones(3, 3, 3, dtype=torch.float64)
    field[1, 1, 1] = -1.0
    surface = FlexiCubes(field, dtype=torch.float64)
    mesh = surface.extract()
    duals = mesh.vertices[: mesh.dual_vertex_count].detach()
    # The centre node of 2^3 cells is inside: each cell averages three crossings half-way along its edges.
    assert len(duals) == 8
    assert torch.allclose(duals.abs(), torch.full((8, 3), 1 / 6, dtype=torch.float64), atol=1e-15)
    assert torch.allclose(mesh.regularity, torch.zeros(8, dtype=torch.float64), atol=1e-15)


def test_regularity_is_the_mean_absolute_deviation_of_plain_crossings() -> None:
    field = torch.ones(3, 3, 3, dtype=torch.float64)
    field[1, 1, 1] = -1.0
    field[2, 1, 1] = 3.0
    surface = FlexiCubes(field, dtype=torch.float64)
    surface.tensors()["weights"].data[:, :8] = 0.7  # alpha moves the dual vertices' crossings, not those of L_dev
    mesh = surface.extract()
    duals = mesh.vertices[:8].detach()
    crossings = torch.tensor([[0.25, 0, 0], [0, 0.5, 0], [0, 0, 0.5]], dtype=torch.float64)
    corner = int(torch.argmax(duals.sum(dim=1)))
    distance = torch.linalg.norm(crossings - duals[corner], dim=1)
    assert mesh.regularity[corner].item() == pytest.approx((distance - distance.mean()).abs().mean().item(), abs=1e-15)


def test_quad_centre_follows_gamma(torus_and_ball: Tensor) -> None:
    surface = stirred(FlexiCubes(torus_and_ball, dtype=torch.float64))
    mesh = surface.extract()
    vertices, fans = mesh.vertices.detach(), mesh.triangles.reshape(-1, 4, 3).to(torch.int64)
    corners, centres = vertices[fans[:, :, 0]], vertices[fans[:, 0, 2]]
    even, odd = (corners[:, 0] + corners[:, 2]) / 2, (corners[:, 1] + corners[:, 3]) / 2
    along = even - odd
    share = ((centres - odd) * along).sum(dim=1) / (along * along).sum(dim=1)
    assert torch.allclose(odd + share[:, None] * along, centres, atol=1e-12)
    assert 0 < share.min() < 0.3
    assert 0.7 < share.max() < 1


def test_output_shares_the_dual_vertices(torus_and_ball: Tensor) -> None:
    surface = stirred(FlexiCubes(torus_and_ball))
    mesh = surface.extract()
    vertices, triangles = surface.output()
    assert np.array_equal(vertices, mesh.vertices[: mesh.dual_vertex_count].detach().numpy())
    assert triangles.dtype == np.int32
    assert 2 * len(triangles) == len(mesh.triangles)
    body = trimesh.Trimesh(vertices, triangles, process=False)
    assert body.euler_number == 2
    assert body.body_count == 2


def test_dual_vertices_stay_in_their_cells() -> None:
    surface = FlexiCubes.random(8, seed=1, inside_fraction=0.5)
    surface.tensors()["weights"].data.normal_(std=3.0, generator=torch.Generator().manual_seed(2))
    connectivity = surface.connectivity
    mesh = surface.extract()
    first = connectivity.first_dual.to(torch.int64)
    centres = surface._grid.cell_centres(connectivity.cells, torch.float32)
    gap = (mesh.vertices.detach()[first] - centres).abs()
    assert gap.max() <= surface.cell_size / 2 + 1e-6


def test_closed_at_the_border_and_open_by_the_switch() -> None:
    axis = torch.linspace(-1.0, 1.0, 17, dtype=torch.float64)
    x, y, _ = torch.meshgrid(axis, axis, axis, indexing="ij")
    field = torch.sqrt(x * x + y * y) - 0.6
    closed = FlexiCubes(field, dtype=torch.float64)
    mesh = closed.extract()
    body = trimesh.Trimesh(*closed.output(), process=False)
    assert body.is_watertight
    assert body.bounds[:, 2].tolist() == [-1.0, 1.0]
    assert body.volume == pytest.approx(2 * np.pi * 0.36, rel=0.03)
    cap = mesh.vertices[:, 2].abs() == 1.0
    assert cap.sum() > 50
    # The cap cannot leave the border: nothing that is optimised moves it along z.
    for slope in torch.autograd.grad(mesh.vertices[cap][:, 2].sum(), list(closed.tensors().values())):
        assert not slope.any()
    opened = FlexiCubes(field, closed=False)
    hole = trimesh.Trimesh(*opened.output(), process=False)
    assert not hole.is_watertight
    assert hole.is_winding_consistent


def test_crossing_values_are_real_nodes_of_opposite_signs() -> None:
    surface = FlexiCubes(torch.full((5, 5, 5), -0.5))
    assert surface.extract().crossing_values.shape == (0, 2)
    mesh = FlexiCubes.random(6, seed=0, inside_fraction=0.5).extract()
    assert (mesh.crossing_values[:, 0] < 0).ne(mesh.crossing_values[:, 1] < 0).all()


def test_a_field_with_no_surface_gives_an_empty_mesh() -> None:
    surface = FlexiCubes(torch.ones(6, 6, 6))
    mesh = surface.extract()
    assert mesh.vertices.shape == (0, 3)
    (mesh.vertices.sum() + mesh.regularity.sum()).backward()
    vertices, triangles = surface.output()
    assert (len(vertices), len(triangles)) == (0, 0)


def test_values_that_all_but_vanish_have_a_finite_gradient() -> None:
    values = np.full((5, 5, 5), 1e-25, np.float32)
    values[2, 2, 2] = -1e-25
    surface = FlexiCubes(values)
    extracted = surface.extract()
    (extracted.vertices.square().sum() + extracted.regularity.sum()).backward()
    for leaf in surface.tensors().values():
        assert leaf.grad is not None and bool(torch.isfinite(leaf.grad).all())


def test_volume_gradient_moves_the_sphere() -> None:
    surface = FlexiCubes.sphere(20, radius=0.5, dtype=torch.float64)
    leaves = surface.tensors()
    optimizer = torch.optim.SGD([leaves["field"]], lr=0.05)
    before = enclosed_volume(surface.extract().vertices, surface.extract().triangles).item()
    for _ in range(3):
        mesh = surface.extract()
        optimizer.zero_grad()
        (-enclosed_volume(mesh.vertices, mesh.triangles)).backward()
        optimizer.step()
        surface.after_step()
        surface.prepare()
    mesh = surface.extract()
    assert enclosed_volume(mesh.vertices, mesh.triangles).item() > before


@pytest.mark.parametrize("values", [np.zeros((3, 3)), np.zeros((3, 4, 3)), np.full((4, 4, 4), np.nan)])
def test_senseless_fields_are_refused(values: np.ndarray) -> None:
    with pytest.raises(GeometryError):
        FlexiCubes(values)


def test_a_grid_needs_two_cells() -> None:
    with pytest.raises(ParameterError, match="resolution"):
        FlexiCubes(np.zeros((2, 2, 2)))


def test_random_start_depends_on_its_seed_alone() -> None:
    a, b, c = (FlexiCubes.random(6, seed=seed).field() for seed in (1, 1, 2))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_the_cpu(torus_and_ball: Tensor) -> None:
    from engine.core.device import choose_device

    meshes = []
    for name in ("cpu", "cuda"):
        surface = FlexiCubes(torus_and_ball, device=choose_device(name), dtype=torch.float64)
        mesh = surface.extract()
        (mesh.vertices**2).sum().backward()
        slope = surface.tensors()["field"].grad
        assert slope is not None
        meshes.append((mesh.vertices.detach().cpu(), mesh.triangles.cpu(), slope.cpu()))
    assert torch.allclose(meshes[0][0], meshes[1][0], atol=1e-12)
    assert torch.equal(meshes[0][1], meshes[1][1])
    assert torch.allclose(meshes[0][2], meshes[1][2], atol=1e-10)


@pytest.mark.parametrize("closed", [True, False])
def test_the_parts_of_the_grid_say_where_they_are(closed: bool) -> None:
    surface = FlexiCubes.random(6, seed=1, inside_fraction=0.4, closed=closed)
    crossing, cells = surface.crossing_positions(), surface.cell_positions()
    assert len(crossing) == len(surface.extract().crossing_values)
    assert len(cells) == len(surface.tensors()["weights"])
    # Middles of edges: two coordinates on nodes, one between; middles of cells inside the grid: all three between.
    steps = (crossing + 1.0) / surface.cell_size
    between = (steps - steps.round()).abs() > 0.25
    assert bool((between.sum(dim=1) == 1).all())
    inside = cells[(cells.abs() < 1.0 - 0.25 * surface.cell_size).all(dim=1)]
    steps = (inside + 1.0) / surface.cell_size
    torch.testing.assert_close(steps, steps.floor() + 0.5, atol=1e-5, rtol=0.0)
