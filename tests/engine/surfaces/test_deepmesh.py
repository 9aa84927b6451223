"""Level sets of networks: they follow, sweep, come back bit for bit, and refuse what they cannot do."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import NotDifferentiableError, ParameterError
from engine.geometry.topology import euler_and_parts
from engine.surfaces.deepmesh import SWEEP_INTERVAL, DeepMesh
from engine.surfaces.deepmesh_verification import CPU, blob
from engine.surfaces.implicit import ImplicitFunction
from engine.surfaces.level_set import LevelSet
from engine.surfaces.network_field import NetworkField
from engine.surfaces.networks import Architecture
from engine.surfaces.starts import sphere_field
from engine.surfaces.surface import Stroke
from engine.surfaces.verification import count_defects, enclosed_volume


class Balls(ImplicitFunction):
    """Distance to balls, whose radii are the leaf; `slope` is a factor on the field near a place of the first."""

    def __init__(self, centres: list[tuple[float, float, float]], radii: list[float], slope: float = 1.0) -> None:
        self.centres = torch.tensor(centres, dtype=torch.float64)
        self.radii = torch.tensor(radii, dtype=torch.float64, requires_grad=True)
        self.slope = slope

    def leaves(self) -> dict[str, Tensor]:
        return {"radii": self.radii}

    def values_at(self, positions: Tensor) -> Tensor:
        away = torch.linalg.vector_norm(positions[:, None] - self.centres, dim=2) - self.radii
        flat = torch.where(positions[:, 2] > 0.4, self.slope, 1.0)
        return away.min(dim=1).values * flat


def level_set(function: ImplicitFunction, resolution: int = 24) -> LevelSet:
    found = LevelSet(function, resolution, dtype=torch.float64, device=CPU)
    found.find()
    return found


def surface(seed: int = 0) -> DeepMesh:
    return DeepMesh(blob(seed=seed), 16)


def stepped(design: DeepMesh, count: int) -> np.ndarray:
    """After so many steps down the volume: all leaves in a row."""
    for _ in range(count):
        design.prepare()
        mesh = design.extract()
        volume = enclosed_volume(mesh.vertices, mesh.triangles)
        leaves = list(design.tensors().values())
        with torch.no_grad():
            for leaf, gradient in zip(leaves, torch.autograd.grad(volume, leaves), strict=True):
                leaf -= 1e-3 * gradient
    return np.concatenate([leaf.detach().numpy() for leaf in design.tensors().values()])


def test_following_finds_what_a_sweep_finds_and_looks_at_less() -> None:
    balls = Balls([(0.0, 0.0, 0.0)], [0.5])
    followed = level_set(balls)
    everything = followed.evaluated_count
    with torch.no_grad():
        balls.radii += 0.12  # more than a cell
    followed.find()
    assert followed.evaluated_count < everything / 3
    swept = level_set(balls)
    assert torch.equal(followed.signs, swept.signs)
    assert torch.equal(followed.extract().vertices, swept.extract().vertices)


def test_a_part_that_comes_up_elsewhere_is_found_by_a_sweep() -> None:
    balls = Balls([(-0.5, 0.0, 0.0), (0.5, 0.0, 0.0)], [0.3, -0.5])
    found = level_set(balls)
    with torch.no_grad():
        balls.radii[1] = 0.25
    found.find()
    assert euler_and_parts(found.extract().triangles.numpy())[1] == 1
    found.find(sweep=True)
    assert euler_and_parts(found.extract().triangles.numpy())[1] == 2


def test_vertices_lie_on_the_level() -> None:
    found = level_set(Balls([(0.1, 0.0, 0.05)], [0.6]))
    mesh = found.extract()
    assert float(found.function.values_at(mesh.vertices.detach()).abs().max().detach()) < 1e-12
    assert count_defects(len(mesh.vertices), mesh.triangles.numpy()) == 0


def test_a_level_that_leaves_the_grid_is_closed_there() -> None:
    found = level_set(Balls([(0.0, 0.0, 0.0)], [3.0]), 6)
    mesh = found.extract()
    assert float(enclosed_volume(mesh.vertices.detach(), mesh.triangles)) == pytest.approx(8.0, abs=1e-9)
    assert count_defects(len(mesh.vertices), mesh.triangles.numpy()) == 0
    volume = enclosed_volume(mesh.vertices, mesh.triangles)
    (gradient,) = torch.autograd.grad(volume, found.function.leaves()["radii"])
    assert float(gradient[0]) == 0.0


def test_where_the_gradient_vanishes_there_is_none_and_no_infinity() -> None:
    balls = Balls([(0.0, 0.0, 0.0)], [0.6], slope=1e-6)
    mesh = level_set(balls).extract()
    assert 0 < mesh.stationary_count < len(mesh.vertices)
    volume = enclosed_volume(mesh.vertices, mesh.triangles)
    (gradient,) = torch.autograd.grad(volume, balls.radii)
    # The cap above z = 0.4 does not move: of the sphere's area 2 π r (r + 0.4) is left.
    assert float(gradient[0]) == pytest.approx(2 * np.pi * 0.6 * 1.0, rel=0.03)


def test_a_second_derivative_is_refused() -> None:
    design = surface()
    design.prepare()
    mesh = design.extract()
    leaf = design.tensors()["network"]
    (gradient,) = torch.autograd.grad((mesh.vertices**2).sum(), leaf, create_graph=True)
    with pytest.raises(NotDifferentiableError, match="level set"):
        torch.autograd.grad(gradient.sum(), leaf)


def test_a_state_comes_back_bit_for_bit_and_goes_on_alike() -> None:
    design = surface()
    stepped(design, 3)
    saved = pickle.loads(pickle.dumps(design.state()))
    expected = stepped(design, SWEEP_INTERVAL + 2)
    other = DeepMesh.blank(Device("cpu"))
    other.restore(saved)
    assert np.array_equal(stepped(other, SWEEP_INTERVAL + 2), expected)


def test_looking_changes_nothing() -> None:
    plain, looked_at = surface(), surface()
    for _ in range(3):
        looked_at.present_output()
        looked_at.state()
        assert np.array_equal(stepped(plain, 1), stepped(looked_at, 1))
    first = looked_at.output()
    assert all(np.array_equal(a, b) for a, b in zip(looked_at.output(), first, strict=True))


def test_after_a_restore_what_is_shown_is_the_design() -> None:
    design = surface()
    stepped(design, 2)
    other = DeepMesh.blank(Device("cpu"))
    other.restore(design.state())
    assert all(np.array_equal(a, b) for a, b in zip(other.output(), design.present_output(), strict=True))


def test_a_line_search_sees_the_surface_of_every_design_that_it_tries() -> None:
    design = surface()
    design.prepare()
    before = design.extract().vertices.detach().clone()
    with torch.no_grad():
        design.tensors()["latent"].add_(0.5)
    after = design.extract().vertices.detach()
    assert float(design.values_at(after).abs().max().detach()) < 1e-10
    assert len(after) != len(before) or not torch.equal(after, before)


def test_another_grid_keeps_the_leaves() -> None:
    design = surface()
    stepped(design, 1)
    leaves = design.tensors()
    assert design.resample(24) == [] and design.resolution == 24
    assert all(design.tensors()[name] is leaf for name, leaf in leaves.items())
    design.prepare()
    assert len(design.extract().vertices) > 0


def test_freezing_is_refused_and_thawing_is_not() -> None:
    design = surface()
    ball = Stroke(np.zeros((1, 3)), 0.3)
    with pytest.raises(ParameterError, match="network"):
        design.freeze(ball)
    design.set_frozen([Stroke(np.zeros((1, 3)), 0.3, frozen=False)])


def test_it_starts_close_to_a_field() -> None:
    started = DeepMesh.started(
        sphere_field(24, radius=0.7),
        options={"network_width": 32, "network_fitting": 200, "network_frequency": 10.0},
        device=Device("cpu"),
    )
    vertices, triangles = started.present_output()
    away = np.abs(np.linalg.norm(vertices, axis=1) - 0.7)
    assert away.mean() < 0.01 and euler_and_parts(triangles) == (2, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "flexicubes"}, "no DeepMesh"),
        ({"network": np.zeros(3)}, "numbers where the network has"),
        ({"network": np.zeros((2, 2))}, "row of numbers"),
        ({"inside": np.zeros(0, np.uint8)}, "signs"),
        ({"architecture": {"depth": 3}}, "describe a network"),
    ],
)
def test_a_state_that_is_none_is_refused(change: dict, message: str) -> None:
    design = surface()
    design.prepare()
    with pytest.raises(ParameterError, match=message):
        DeepMesh.blank(Device("cpu")).restore({**design.state(), **change})


def test_a_placement_moves_and_scales_the_shape() -> None:
    plain = blob()
    placed = NetworkField(
        plain.architecture, plain.parameters.detach(), plain.latent.detach(), placement=(2.0, 0.2, 0.0, 0.0)
    )
    positions = torch.rand(50, 3, dtype=torch.float64)
    expected = plain.values_at(2.0 * positions + torch.tensor([0.2, 0.0, 0.0], dtype=torch.float64)) / 2.0
    assert torch.allclose(placed.values_at(positions), expected)


@pytest.mark.parametrize("activation", ["sine", "silu", "softplus"])
def test_one_latent_for_all_is_the_same_as_one_for_each(activation: str) -> None:
    architecture = Architecture(2, 12, activation, octaves=2, latent_size=4)  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(0)
    parameters = architecture.initial(generator, dtype=torch.float64)
    latents = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    positions = torch.rand(15, 3, generator=generator, dtype=torch.float64)
    together = architecture.evaluate(parameters, positions, latents)
    apart = [architecture.evaluate(parameters, part, z) for part, z in zip(positions.split(5), latents, strict=True)]
    assert torch.allclose(together, torch.cat(apart))
    assert architecture.parameter_count == len(parameters)


@pytest.mark.parametrize("values", [{"layers": 0}, {"width": 2}, {"activation": "relu6"}, {"frequency": 0.0}])
def test_an_impossible_network_is_refused(values: dict) -> None:
    with pytest.raises(ParameterError):
        Architecture(**values)
