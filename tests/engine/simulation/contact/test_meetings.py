"""Sheets that meet themselves, each other, edges, corners and grippers: nothing crosses, and mechanics holds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.geometry.primitives import ball_surface, box_surface, square
from engine.geometry.sheets import regular_sheet
from engine.protocol.shell_materials import preset
from engine.simulation.adjoint import simulate
from engine.simulation.contact.trial import Part, Trial, make_trial
from engine.simulation.newton import NewtonSettings
from tests.support.crossing import crosses

RUBBER = preset("rubber").material
STILL = (0.0, 0.0, 0.0)
TIGHT = NewtonSettings(tolerance=1e-11)


def _sheet(name: str, place: tuple[float, float, float], size: float = 0.06, cells: int = 3) -> Part:
    positions, triangles = regular_sheet(size, size, cells, cells)
    return Part(name, positions - positions.mean(axis=0) + np.array(place), triangles, RUBBER)


def _velocities(trial: Trial, name: str, velocity: tuple[float, float, float]) -> torch.Tensor:
    velocities = torch.zeros_like(trial.positions)
    velocities[trial.bodies[name]] = torch.tensor(velocity, dtype=torch.float64)
    return velocities


@pytest.mark.parametrize("obstacle", ["box", "ball"])
def test_a_sheet_thrown_at_a_corner_comes_to_no_end_inside(obstacle: str) -> None:
    """It meets edges and corners, and contact takes momentum from it that the push accounts for."""
    if obstacle == "box":
        positions, triangles = box_surface((0.04, 0.04, 0.04), 1)
        # Upright on a corner.
        first = np.array([1.0, 1.0, 1.0]) / 3.0**0.5
        second = np.array([1.0, -1.0, 0.0]) / 2.0**0.5
        positions = positions @ np.stack([second, np.cross(first, second), first]).T
    else:
        positions, triangles = ball_surface(0.03, 2)
    top = float(positions[:, 2].max())
    parts = [_sheet("sheet", (0.004, 0.003, top + 0.004)), Part("held", positions, triangles)]
    trial = make_trial(parts, gravity=STILL)
    stepper = trial.stepper(_velocities(trial, "sheet", (0.0, 0.0, -2.0)))
    own = trial.bodies["sheet"]
    masses = trial.system.vertex_masses[own, None]
    for _ in range(8):
        before = (masses * stepper.velocities[own]).sum(dim=0)
        solved = stepper.step()
        assert not crosses(trial.contact, stepper.positions)
        push = trial.contact.readings(solved.q).between("sheet", "held")
        gained = (masses * stepper.velocities[own]).sum(dim=0) - before
        assert float((gained - trial.step_size * push).norm()) < 1e-6 * float(2.0 * masses.sum())
    # What pushes has turned back the middle of the sheet.
    assert float(trial.mean_velocity(stepper, "sheet")[2]) > -1.5


@pytest.mark.slow
def test_sheets_that_meet_at_10_metres_a_second_do_not_pass() -> None:
    """In steps of ten gaps; in steps as long as the sheets are wide they slip past each other's borders."""
    parts = [_sheet("low", (0.0, 0.0, 0.0)), _sheet("high", (0.004, 0.003, 0.01))]
    trial = make_trial(parts, gravity=STILL, step_size=1e-3)
    stepper = trial.stepper(_velocities(trial, "high", (0.0, 0.0, -10.0)))
    masses = trial.system.vertex_masses[:, None]
    before, energy = (masses * stepper.velocities).sum(dim=0), sum(stepper.energies().values())
    for _ in range(8):
        stepper.step()
        assert not crosses(trial.contact, stepper.positions)
        now = sum(stepper.energies().values())
        assert now <= energy * (1.0 + 1e-9)
        energy = now
    after = (masses * stepper.velocities).sum(dim=0)
    assert float((after - before).norm() / before.norm()) < 1e-7
    heights = [float(stepper.positions[trial.bodies[name], 2].mean()) for name in ("low", "high")]
    assert heights[0] < heights[1]


def test_a_sheet_that_folds_meets_itself() -> None:
    """One half is thrown onto the other, which lies on a table: it comes to lie above, and nowhere crosses."""
    positions, triangles = regular_sheet(0.12, 0.04, 12, 4)
    positions = positions - positions.mean(axis=0)
    # Bent over: a U on its side, of which one leg is to come down on the other.
    angle = np.clip((positions[:, 0] + 0.02) / 0.04, 0.0, 1.0) * 0.95 * np.pi
    radius = 0.04 / (0.95 * np.pi)
    before, after = np.minimum(positions[:, 0] + 0.02, 0.0), np.maximum(positions[:, 0] - 0.02, 0.0)
    bent = np.stack(
        [
            before + radius * np.sin(angle) + after * np.cos(0.95 * np.pi),
            positions[:, 1],
            radius * (1.0 - np.cos(angle)) + after * np.sin(0.95 * np.pi),
        ],
        axis=1,
    )
    table, tops = square(0.4)
    parts = [
        Part("sheet", bent + np.array([0.0, 0.0, 0.002]), triangles, RUBBER),
        Part("table", table - table.mean(axis=0), tops),
    ]
    trial = make_trial(parts, friction=0.3)
    velocities = torch.zeros_like(trial.positions)
    upper = torch.from_numpy(positions[:, 0] > 0.025)
    velocities[trial.bodies["sheet"]][upper, 2] = -2.0
    stepper = trial.stepper(velocities)
    touched = False
    for _ in range(12):
        solved = stepper.step()
        assert not crosses(trial.contact, stepper.positions)
        contacts = trial.contact.surface.contacts(trial.contact.normal.end.surface_positions(solved.q))
        touched = touched or bool((contacts.pair == 0).any())
        readings = trial.contact.readings(solved.q)
        table_push = readings.between("table", "sheet")
        on_sheet = (readings.pressing + readings.rubbing)[trial.bodies["sheet"]].sum(dim=0)
        # What a sheet does to itself adds up to nothing.
        assert torch.allclose(on_sheet, -table_push, atol=1e-10)
    assert touched


def test_sheets_of_a_stack_slide_by_their_own_coefficients() -> None:
    """The middle one of three sticks to the one that its coefficient is larger with."""
    high, middle, low = (_sheet(name, (0.0, 0.0, z), size) for name, z, size in (
        ("high", 0.0026, 0.05), ("middle", 0.0017, 0.055), ("low", 0.0008, 0.06)))  # fmt: skip
    table, tops = square(1.0)
    parts = [high, middle, low, Part("table", table - table.mean(axis=0), tops)]
    pairs = {("high", "middle"): 0.1, ("middle", "low"): 0.8, ("low", "table"): 0.8}
    trial = make_trial(parts, pairs=pairs, gravity=(0.0, 0.0, -9.81))
    stepper = trial.stepper()
    stepper.run(15)
    slope = np.radians(20.0)
    gravity = 9.81 * torch.tensor([np.sin(slope), 0.0, -np.cos(slope)], dtype=torch.float64)
    trial.system.assign({"gravity": gravity})
    stepper.run(15)
    assert not crosses(trial.contact, stepper.positions)
    before = float(trial.mean_velocity(stepper, "high")[0])
    stepper.run(15)
    measured = (float(trial.mean_velocity(stepper, "high")[0]) - before) / (15 * trial.step_size)
    # tan 20° is above 0.1 and below 0.8: only the highest slides, as on an incline.
    assert measured == pytest.approx(9.81 * (np.sin(slope) - 0.1 * np.cos(slope)), rel=0.05)
    for name in ("middle", "low"):
        assert abs(float(trial.mean_velocity(stepper, name)[0])) < 0.02
    assert not crosses(trial.contact, stepper.positions)


def test_gradients_know_contacts_that_come_and_go() -> None:
    """A sheet bounces off a plate: in six steps it touches and leaves again, and what differences say holds."""
    plate, tops = square(0.3)
    parts = [_sheet("sheet", (0.03, -0.05, 0.0031), 0.03, 2), Part("plate", plate - plate.mean(axis=0), tops)]
    trial = make_trial(parts, gravity=STILL)
    velocities = _velocities(trial, "sheet", (0.0, 0.0, -0.3))
    own = trial.bodies["sheet"]
    stepper = trial.stepper(velocities, TIGHT)
    counts = []
    for _ in range(6):
        counts.append(trial.contact.readings(stepper.step().q).count)
    assert counts[0] == 0
    assert max(counts) > 0
    assert counts[-1] == 0
    stiffness = trial.system.parameters()["contact.stiffness"]

    def height(speed: torch.Tensor, push: torch.Tensor) -> torch.Tensor:
        motion = simulate(
            trial.system,
            trial.positions,
            speed,
            steps=6,
            step_size=trial.step_size,
            parameters={"contact.stiffness": push},
            newton=TIGHT,
        )
        return motion.positions[-1][own, 2].mean()

    leaves = velocities.clone().requires_grad_(), stiffness.clone().requires_grad_()
    by_speed, by_stiffness = torch.autograd.grad(height(*leaves), leaves)
    way = torch.zeros_like(velocities)
    way[own, 2] = 1.0
    size = 1e-5
    measured = (height(velocities + size * way, stiffness) - height(velocities - size * way, stiffness)) / (2 * size)
    assert float((by_speed * way).sum()) == pytest.approx(float(measured), rel=1e-4)
    share = 1e-4 * stiffness
    measured = (height(velocities, stiffness + share) - height(velocities, stiffness - share)) / (2 * share)
    assert float(by_stiffness) != 0.0
    assert float(by_stiffness) == pytest.approx(float(measured), rel=1e-4)
