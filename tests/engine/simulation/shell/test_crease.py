from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from energy_differences import mixed_errors, random_like
from torch import Tensor

from engine.simulation.energy import Unknowns
from engine.simulation.shell.bending import Bending
from engine.simulation.shell.crease import CreaseState, crease_update, crease_update_adjoint, yield_margin
from engine.simulation.shell.hinges import HingeBending
from engine.simulation.shell.topology import shell_topology
from engine.simulation.shell.verification import crease


def scalars(*values: float) -> list[Tensor]:
    return [torch.tensor([value], dtype=torch.float64) for value in values]


@pytest.mark.parametrize("hinges", [False, True])
@pytest.mark.parametrize("angle", [1.2, -1.2, 0.3])
@pytest.mark.parametrize("hardening", [0.0, 0.25, 3.0])
def test_what_stays(angle: float, hardening: float, hinges: bool) -> None:
    result = crease(angle=angle, yield_angle=0.5, hardening=hardening, hinges=hinges)
    assert result.passed and result.detail["relative_force_left"] < 1e-12


def test_one_large_step_is_many_small_ones_and_folding_back_hardens() -> None:
    kappa, hardening = scalars(0.4, 0.5)
    many = one = CreaseState(*scalars(0.0, 0.0))
    for angle in np.linspace(0.0, 2.0, 400)[1:]:
        many = crease_update(*scalars(angle), many, kappa, hardening)
    one = crease_update(*scalars(2.0), one, kappa, hardening)
    torch.testing.assert_close(many.plastic, one.plastic, rtol=0, atol=1e-12)
    assert float(one.plastic) == pytest.approx(1.6 / 1.5)
    back = crease_update(*scalars(-2.0), one, kappa, hardening)
    # The yield angle has grown to κ + a H/k, and grows on while it folds back.
    expected = (2.0 + float(one.plastic) - 0.4 - 0.5 * float(one.plastic)) / 1.5
    assert float(one.plastic - back.plastic) == pytest.approx(expected)
    assert float(back.accumulated) == pytest.approx(float(one.plastic) + expected)


def test_an_infinite_yield_angle_never_yields() -> None:
    state = crease_update(*scalars(3.0), CreaseState(*scalars(0.0, 0.0)), *scalars(float("inf"), 0.0))
    assert float(state.plastic) == 0.0
    back = crease_update_adjoint(
        *scalars(3.0), CreaseState(*scalars(0.0, 0.0)), *scalars(float("inf"), 0.0), CreaseState(*scalars(1.0, 1.0))
    )
    assert float(back.angle) == 0.0 and float(back.yield_angle) == 0.0 and float(back.plastic) == 1.0


def test_update_adjoint_against_differences() -> None:
    generator = torch.Generator().manual_seed(2)
    inputs = [2.0 * torch.randn(200, generator=generator, dtype=torch.float64)]
    inputs += [0.5 * torch.randn(200, generator=generator, dtype=torch.float64)]
    inputs += [torch.rand(200, generator=generator, dtype=torch.float64) for _ in range(3)]

    def run(angle: Tensor, plastic: Tensor, accumulated: Tensor, kappa: Tensor, hardening: Tensor) -> Tensor:
        state = crease_update(angle, CreaseState(plastic, accumulated), kappa, hardening)
        return 0.7 * state.plastic - 1.3 * state.accumulated

    margin = yield_margin(inputs[0], CreaseState(*inputs[1:3]), *inputs[3:])
    assert (margin > 0).sum() > 50 and (margin < 0).sum() > 50 and margin.abs().min() > 1e-5
    ones = torch.ones(200, dtype=torch.float64)
    back = crease_update_adjoint(
        inputs[0], CreaseState(*inputs[1:3]), *inputs[3:], CreaseState(0.7 * ones, -1.3 * ones)
    )
    said = [back.angle, back.plastic, back.accumulated, back.yield_angle, back.hardening]
    for place, derivative in enumerate(said):
        sides = []
        for step in (1e-6, -1e-6):
            moved = list(inputs)
            moved[place] = moved[place] + step
            sides.append(run(*moved))
        torch.testing.assert_close(derivative, (sides[0] - sides[1]) / 2e-6, rtol=0, atol=1e-8)


def test_below_yield_nothing_and_at_yield_the_derivative_of_letting_go() -> None:
    for angle, expected in ((0.3, 0.0), (0.5, 0.0), (0.5 + 1e-12, 1.0)):
        back = crease_update_adjoint(
            *scalars(angle), CreaseState(*scalars(0.0, 0.0)), *scalars(0.5, 0.0), CreaseState(*scalars(1.0, 0.0))
        )
        assert float(back.angle) == expected


@pytest.mark.parametrize("model", [Bending, HingeBending])
def test_adjoint_of_advance(model: Any, wavy: tuple, shaken: Callable[[Tensor, int, float], Tensor]) -> None:
    """Through the angles of a shaken sheet, some edges of which yield."""
    rest, triangles = wavy
    topology = shell_topology(triangles, rest.numpy())
    unknowns = Unknowns(len(rest), topology.edge_count if model is Bending else 0)
    energy = model(
        unknowns,
        topology,
        rest,
        young=1e6,
        poisson=0.3,
        thickness=1e-2,
        yield_angle=0.2,
        hardening=torch.full((topology.edge_count,), 0.3),
    )
    q = shaken(rest, unknowns.rotation_count, 0.05)
    energy.advance(shaken(rest, unknowns.rotation_count, 0.03))
    start = energy.state()
    weights = {
        name: random_like(start[name], 7 + place) for place, name in enumerate(("plastic_angles", "accumulated_angles"))
    }

    def objective(at: Tensor) -> float:
        energy.advance(at)
        after = energy.state()
        energy.restore(start)
        return float(sum((weights[name] * after[name]).sum() for name in weights))

    of_q, others = energy.advance_adjoint(q, weights)
    z, step = random_like(q, 9), 1e-7
    energy.advance(q)
    yielded = energy.state()["accumulated_angles"] - start["accumulated_angles"]
    energy.restore(start)
    inner = torch.as_tensor(~topology.boundary)
    assert (yielded[inner] > 1e-3).any() and (yielded[inner] == 0).any()
    measured = (objective(q + step * z) - objective(q - step * z)) / (2 * step)
    assert float(of_q @ z) == pytest.approx(measured, rel=1e-6)
    for name, derivative in others.items():
        is_state = name in start
        before = start[name] if is_state else energy.parameters[name]
        change = 1e-7 * random_like(before, 10)
        sides = []
        for sign in (1.0, -1.0):
            if is_state:
                start[name] = before + sign * change
                energy.restore(start)
            else:
                energy.assign({name: before + sign * change})
            sides.append(objective(q))
        if is_state:
            start[name] = before
            energy.restore(start)
        else:
            energy.assign({name: before})
        assert float((derivative * change).sum()) == pytest.approx(0.5 * (sides[0] - sides[1]), rel=1e-5), name
    assert set(others) == {
        "rest_positions",
        "rest_angles",
        "plastic_angles",
        "accumulated_angles",
        "yield_angle",
        "hardening",
    }


@pytest.mark.parametrize("model", [Bending, HingeBending])
def test_force_of_plastic_angles(model: Any, wavy: tuple, shaken: Callable[[Tensor, int, float], Tensor]) -> None:
    """The mixed derivative in the state, and in the parameters when something has yielded."""
    rest, triangles = wavy
    topology = shell_topology(triangles, rest.numpy())
    unknowns = Unknowns(len(rest), topology.edge_count if model is Bending else 0)
    energy = model(unknowns, topology, rest, young=1e6, poisson=0.3, thickness=1e-2, yield_angle=0.1, hardening=0.1)
    q = energy.advance(shaken(rest, unknowns.rotation_count, 0.04))
    state = energy.state()
    assert float(state["plastic_angles"].abs().max()) > 0.1
    z = random_like(q, 1)
    said = energy.mixed(q, z)["plastic_angles"]
    change = 1e-5 * random_like(said, 2)
    sides = []
    for sign in (1.0, -1.0):
        energy.restore(state | {"plastic_angles": state["plastic_angles"] + sign * change})
        sides.append(float(energy.gradient(q) @ z))
    energy.restore(state)
    assert float((said * change).sum()) == pytest.approx(0.5 * (sides[0] - sides[1]), rel=1e-6)
    assert max(mixed_errors(energy, q).values()) < 1e-6
