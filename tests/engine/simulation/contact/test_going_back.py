"""Gradients through many steps with contact and friction: whatever the memory, and however far back."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import Tensor

from engine.core.errors import MemoryLimitError
from engine.simulation.adjoint import simulate
from engine.simulation.contact.laws import Mode
from engine.simulation.contact.trial import on_incline, table_and_sheet
from engine.simulation.contact.verification import TIGHT, friction_gradient
from engine.simulation.verification.sheets import MovingScheme

STEPS = 6


@pytest.mark.parametrize(
    ("angle", "scheme"), [(8.0, "implicit-euler"), (30.0, "bdf2"), (30.0, "implicit-midpoint")], ids=str
)
def test_memory_changes_no_bit(angle: float, scheme: MovingScheme) -> None:
    """A sheet that sticks to a table, and one that slides: steps that are taken again are the same."""
    trial = table_and_sheet(0.3, scheme=scheme)
    stepper = on_incline(trial, angle, 4, TIGHT)
    size = stepper.snapshot().size
    given = {"positions": stepper.positions.clone(), "velocities": stepper.velocities.clone()}
    given |= {name: value for name, value in trial.system.parameters().items() if not name.endswith("rest_angles")}
    generator = torch.Generator().manual_seed(2)
    weights = torch.randn((STEPS + 1, *stepper.positions.shape), generator=generator, dtype=torch.float64)

    def gradients(memory: int) -> tuple[Tensor, ...]:
        leaves = {name: value.clone().requires_grad_() for name, value in given.items()}
        parameters = {name: leaf for name, leaf in leaves.items() if name not in ("positions", "velocities")}
        motion = simulate(
            trial.system,
            leaves["positions"],
            leaves["velocities"],
            steps=STEPS,
            step_size=trial.step_size,
            scheme=scheme,
            parameters=parameters,
            newton=TIGHT,
            memory=memory,
        )
        return torch.autograd.grad((weights * motion.positions).sum(), list(leaves.values()))

    stored = gradients(2**30)
    # Three snapshots, and two stored steps of three snapshots' size.
    for name, one, other in zip(given, stored, gradients(9 * size), strict=True):
        assert torch.equal(one, other), name
    assert any(float(value.norm()) > 0.0 for value in stored)
    with pytest.raises(MemoryLimitError):
        gradients(3 * size)


@pytest.mark.slow
@pytest.mark.parametrize("contact", ["barrier", "penalty"])
@pytest.mark.parametrize("state", ["sticking", "sliding"])
def test_gradients_through_a_dozen_steps(state: Literal["sticking", "sliding"], contact: Mode) -> None:
    result = friction_gradient(state=state, contact=contact, steps=12)
    assert result.passed, result.detail
    assert result.measured < 1e-3
