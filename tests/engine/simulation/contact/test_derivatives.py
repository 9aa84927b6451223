"""Contact and friction against central differences of what they say themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.geometry.sheets import regular_sheet
from engine.simulation.contact.contact import Contact, make_contact
from engine.simulation.contact.ends import LAGGED
from engine.simulation.contact.laws import Law, Mode
from engine.simulation.contact.surface import ContactBody
from engine.simulation.energy import Unknowns
from engine.simulation.schemes import SchemeName
from tests.support.energy_differences import gradient_error, hessian_error, lowest_eigenvalue, mixed_errors, random_like

CASES: list[tuple[Mode, SchemeName]] = [
    ("barrier", "implicit-euler"),
    ("barrier", "implicit-midpoint"),
    ("penalty", "implicit-euler"),
]


@pytest.fixture(params=CASES, ids="-".join)
def rubbing(request: pytest.FixtureRequest) -> tuple[Contact, Tensor]:
    """Two rough sheets within the gap, turned against each other, after a small motion: every kind of contact."""
    mode, scheme = request.param
    random = np.random.default_rng(0)
    sheets, first = [], 0
    bodies = []
    for name, height, cells, angle in (("low", 0.0, 3, 0.0), ("high", 7e-4, 4, 0.3)):
        positions, triangles = regular_sheet(0.06, 0.06, cells, cells)
        turn = np.array([[math.cos(angle), -math.sin(angle), 0.0], [math.sin(angle), math.cos(angle), 0.0], [0, 0, 1]])
        positions = (positions - positions.mean(axis=0)) @ turn.T
        positions[:, 2] += height + 1e-4 * random.standard_normal(len(positions))
        bodies.append(ContactBody(name, triangles + first))
        sheets.append(positions)
        first += len(positions)
    x = torch.from_numpy(np.concatenate(sheets))
    contact = make_contact(
        Unknowns(len(x)),
        bodies,
        x,
        held=torch.zeros(0, dtype=torch.int64),
        masses=torch.full((len(x),), 1e-4, dtype=torch.float64),
        gap=1e-3,
        mode=mode,
        friction={("high", "low"): 0.4},
        default_friction=0.2,
        step_size=5e-3,
        scheme=scheme,
    )
    q = x.reshape(-1)
    for energy in contact.energies.values():
        energy.begin(q)
    return contact, q + 1e-5 * random_like(q, 5)


def test_contact_knows_its_derivatives(rubbing: tuple[Contact, Tensor]) -> None:
    contact, q = rubbing
    assert gradient_error(contact.normal, q, step=1e-9) < 1e-6
    assert hessian_error(contact.normal, q, step=1e-9) < 1e-6
    assert max(mixed_errors(contact.normal, q).values()) < 1e-7
    assert lowest_eigenvalue(contact.normal, q, project=True) > -1e-12
    assert lowest_eigenvalue(contact.normal, q, project=False) < -1e-3


def test_friction_knows_its_derivatives(rubbing: tuple[Contact, Tensor]) -> None:
    contact, q = rubbing
    friction = contact.friction
    assert friction is not None
    assert gradient_error(friction, q, step=1e-8) < 1e-5
    assert hessian_error(friction, q, step=1e-9) < 1e-6
    errors = mixed_errors(friction, q)
    assert set(errors) == {"friction", "stiffness"}
    assert max(errors.values()) < 1e-7
    assert lowest_eigenvalue(friction, q, project=True) > -1e-12


def test_where_a_step_starts_is_differentiated(rubbing: tuple[Contact, Tensor]) -> None:
    contact, q = rubbing
    z = random_like(q, 3)
    for energy in contact.energies.values():
        before = energy.state()
        if not before:
            continue
        change = 1e-9 * random_like(before[LAGGED], 9)
        sides = []
        for sign in (1.0, -1.0):
            energy.restore(before | {LAGGED: before[LAGGED] + sign * change})
            sides.append(float(energy.gradient(q) @ z))
        energy.restore(before)
        said = float((energy.mixed(q, z)[LAGGED] * change).sum())
        assert said != 0.0
        assert 0.5 * (sides[0] - sides[1]) == pytest.approx(said, rel=1e-5)


def test_contact_forces_add_up_to_nothing(rubbing: tuple[Contact, Tensor]) -> None:
    contact, q = rubbing
    readings = contact.readings(q)
    largest = float(readings.pressing.norm())
    assert largest > 0.0
    assert float(readings.pressing.sum(dim=0).norm()) < 1e-10 * largest
    assert float(readings.rubbing.sum(dim=0).norm()) < 1e-10 * largest
    low = slice(0, 16)
    total = (readings.pressing + readings.rubbing)[low].sum(dim=0)
    assert torch.allclose(readings.between("low", "high"), total, rtol=1e-9, atol=1e-9 * largest)
    assert torch.allclose(readings.between("high", "low"), -total, rtol=1e-9, atol=1e-9 * largest)
    assert set(readings.friction_state.tolist()) <= {0, 1, 2}
    assert int(readings.friction_state.max()) >= 1


@pytest.mark.parametrize("mode", ["barrier", "penalty"])
def test_laws_are_smooth_to_the_gap(mode: Mode) -> None:
    law = Law(mode, 1e-3)
    distances = torch.linspace(1e-5, 1.2e-3, 97, dtype=torch.float64)
    step = 1e-10
    value, slope, curvature = law.evaluate(distances).T
    ahead, behind = law.evaluate(distances + step), law.evaluate(distances - step)
    assert torch.allclose((ahead - behind)[:, 0] / (2 * step), slope, rtol=1e-5, atol=1e-12)
    assert torch.allclose((ahead - behind)[:, 1] / (2 * step), curvature, rtol=1e-5, atol=1e-5)
    assert torch.allclose(law.slope(distances), slope, rtol=1e-13, atol=1e-18)
    assert (value >= 0.0).all() and (curvature >= 0.0).all()
    beyond = torch.tensor([1e-3, 2e-3], dtype=torch.float64)
    assert (law.evaluate(beyond) == 0.0).all()
