import numpy as np
import pytest
import torch
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import GeometryError, ParameterError
from engine.geometry.topology import boundary_edges, measure_topology
from engine.surfaces import kinds
from engine.surfaces.flexicubes import FlexiCubes
from engine.surfaces.gshell import TEMPLATES, GShell
from engine.surfaces.starts import node_axis
from engine.surfaces.surface import GridField, OpenField, Stroke
from engine.surfaces.verification_gshell import closed_shape, gradient, manifold, one_piece, planar_cut, shaken

CPU = Device("cpu")


def bowl(resolution: int = 16, *, height: float = 0.2, template: str = "flexicubes", **options: object) -> GShell:
    """A ball of radius 0.6 without what is above `height`."""
    axis = node_axis(resolution)
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
    return GShell((x * x + y * y + z * z).sqrt() - 0.6, height - z, template=template, **options)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("closed", [True, False])
def test_gradients_of_every_leaf(template: str, closed: bool) -> None:
    result = gradient(template=template, closed=closed, samples=25)
    assert result.passed, result.detail


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_planar_msdf_is_cut_on_its_plane(template: str) -> None:
    assert planar_cut(template=template).passed


def test_random_signs_are_manifold_with_closed_borders() -> None:
    assert manifold(resolution=8, seeds=2).passed


@pytest.mark.parametrize("template", TEMPLATES)
def test_an_open_ball_is_one_piece(template: str) -> None:
    assert one_piece(template=template).passed


def test_nowhere_open_is_flexicubes() -> None:
    assert closed_shape(resolution=8).passed


def test_gamma_receives_a_gradient_where_only_the_border_is_asked() -> None:
    surface = shaken(6, 2, "flexicubes")
    found = surface.extract()
    (found.vertices[found.boundary.reshape(-1).long()] ** 2).sum().backward()
    weights = surface.tensors()["weights"].grad
    assert weights is not None and float(weights[:, 20].abs().max()) > 1e-4


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_regularisers_msdf_moves_no_vertex(template: str) -> None:
    surface = shaken(6, 1, template)
    found = surface.extract()
    (found.msdf.square().sum() + found.template_msdf.sum()).backward()
    leaves = surface.tensors()
    msdf = leaves.pop("msdf").grad
    assert msdf is not None and float(msdf.abs().max()) > 0.0
    assert all(leaf.grad is None or not leaf.grad.any() for leaf in leaves.values())
    assert float(found.msdf.detach()[found.boundary.reshape(-1).long()].abs().max()) < 1e-12


def test_shown_and_trained_rows_are_the_same_points() -> None:
    surface = bowl()
    found = surface.extract()
    vertices, triangles = surface.output()
    assert len(vertices) == found.dual_vertex_count
    assert np.array_equal(vertices, found.vertices.detach().numpy()[: len(vertices)].astype(np.float32))
    shown = measure_topology(triangles)
    assert (shown.boundary_loops, shown.euler_characteristic, shown.parts) == (1, 1, 1)
    assert len(found.regularity) <= found.dual_vertex_count


def test_a_border_at_the_grids_side_is_named_too() -> None:
    surface = GShell(torch.full((7, 7, 7), 1.0).index_fill(0, torch.arange(3), -1.0), closed=False)
    found = surface.extract()
    edges = boundary_edges(found.triangles.numpy())
    assert len(edges) and np.array_equal(edges, found.boundary.numpy())
    assert measure_topology(found.triangles.numpy()).vertices == len(found.vertices)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_state_comes_back_bit_for_bit(template: str) -> None:
    surface = bowl(template=template)
    for leaf in surface.tensors().values():
        leaf.data.add_(0.03 * torch.randn(leaf.shape, generator=torch.Generator().manual_seed(0)))
    surface.prepare()
    saved, expected = surface.state(), surface.present_output()
    other = kinds.restored(saved, CPU)
    assert isinstance(other, GShell) and other.template == template
    assert all(np.array_equal(a, b) for a, b in zip(other.present_output(), expected, strict=True))
    assert torch.equal(other.msdf_at_nodes(), surface.msdf_at_nodes())


def test_states_of_others_are_refused() -> None:
    with pytest.raises(ParameterError):
        bowl().restore(FlexiCubes.sphere(4).state())
    with pytest.raises(ParameterError, match="template"):
        bowl().restore({**bowl().state(), "template": "octahedra"})


def test_a_missing_msdf_is_refused_and_nothing_changes() -> None:
    surface = bowl()
    before = surface.present_output()
    state = bowl(template="tetrahedra").state()
    with pytest.raises(ParameterError, match="msdf"):
        surface.restore({**state, "msdf": np.zeros(3, np.float32)})
    assert surface.template == "flexicubes"
    assert all(np.array_equal(a, b) for a, b in zip(surface.present_output(), before, strict=True))


def test_closed_and_back_without_loss() -> None:
    plain = FlexiCubes.sphere(12)
    plain.tensors()["weights"].data.normal_(generator=torch.Generator().manual_seed(4))
    shell = kinds.convert(plain, "g-shell", {}, CPU)
    back = kinds.convert(shell, "flexicubes", {}, CPU)
    for surface in (shell, back):
        assert all(np.array_equal(a, b) for a, b in zip(surface.present_output(), plain.present_output(), strict=True))


@pytest.mark.parametrize("template", TEMPLATES)
def test_resampling_keeps_the_border(template: str) -> None:
    surface = bowl(24, template=template)
    surface.resample(40)
    vertices, triangles = surface.present_output()
    border = vertices[np.unique(boundary_edges(triangles))]
    assert measure_topology(triangles).boundary_loops == 1
    assert np.abs(border[:, 2] - 0.2).max() < 0.1 * 2.0 / 24
    assert np.abs(np.linalg.norm(vertices, axis=1) - 0.6).max() < 0.1 * 2.0 / 24


def test_setting_the_msdf_opens_and_closes() -> None:
    surface = bowl()
    assert isinstance(surface, GridField) and isinstance(surface, OpenField)
    index = torch.arange(17**3)
    surface.set_msdf(index, torch.full((17**3,), 0.1))
    surface.prepare()
    assert measure_topology(surface.present_output()[1]).boundary_loops == 0
    surface.set_msdf(index, surface.node_positions(index)[:, 0])
    surface.prepare()
    vertices, triangles = surface.present_output()
    assert measure_topology(triangles).boundary_loops == 1 and vertices[:, 0].min() > -1e-6


def test_a_frozen_border_stays() -> None:
    surface = bowl()
    before = surface.msdf_at_nodes()
    surface.freeze(Stroke(np.array([[0.6, 0.0, 0.2]]), 0.3))
    surface.extract().vertices.sum().backward()
    surface.mask_gradients()
    leaf = surface.tensors()["msdf"]
    leaf.data.add_(1.0)
    surface.after_step()
    change = surface.msdf_at_nodes() - before
    assert bool((change == 0).any()) and bool((change > 0.5).any())
    node = torch.tensor([13 * 17 * 17 + 8 * 17 + 9])
    assert float(change.reshape(-1)[node]) == 0.0


def test_wrong_shapes_and_tetrahedra_are_refused() -> None:
    with pytest.raises(GeometryError, match="mSDF"):
        GShell(torch.zeros(5, 5, 5), torch.zeros(4, 4, 4))
    with pytest.raises(GeometryError, match="inside"):
        bowl(8).extract_tetrahedra()


def volume_gradient(surface: GShell) -> Tensor:
    found = surface.extract()
    a, b, c = found.vertices[found.triangles.long()].unbind(1)
    torch.linalg.vector_norm(torch.linalg.cross(b - a, c - a), dim=1).sum().mul(0.5).backward()
    gradient = surface.tensors()["msdf"].grad
    assert gradient is not None
    return gradient


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_area_changes_as_the_border_moves(template: str) -> None:
    """dA/dν of a uniform shift: the border of a bowl cut at height c moves up by dν along the sphere; on a sphere the
    area between two heights is 2πR Δz (Archimedes), so Σ dA/dν = 2πR with ν = c − z. The facets that the border
    crosses are off by a hundredth."""
    surface = bowl(40, height=0.213, template=template, dtype=torch.float64)
    assert float(volume_gradient(surface).sum()) == pytest.approx(2 * np.pi * 0.6, rel=1e-2)
