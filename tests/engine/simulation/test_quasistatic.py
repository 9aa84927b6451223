"""Equilibria and the theory that they are compared with."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from engine.core.checks import CheckResult
from engine.protocol.scene import Obstacle, Pin, PlaneShape, Pose, RectangleShape, Region, Scene, Sheet, Time
from engine.protocol.shell_materials import PRESETS
from engine.simulation.elastica import SELF_BUCKLING, column_tip, heavy_tip, loaded_tip
from engine.simulation.objective import StepObjective
from engine.simulation.quasistatic import NoEquilibriumError, equilibrium
from engine.simulation.schemes import SchemeName
from engine.simulation.verification import dynamics, gradients, statics
from engine.simulation.verification.sheets import MovingScheme
from engine.simulation.world.world import build_world

RIGHT, UP = Pose(translation=(0.2, 0.0, 0.0)), Pose(translation=(0.0, 0.0, 0.008))


@pytest.mark.parametrize(
    ("load", "across", "shortening"),
    [(0.5, 0.16214, 0.01592), (1, 0.30172, 0.05643), (5, 0.71379, 0.38763), (10, 0.81061, 0.55500)],
)
def test_theory_of_the_loaded_strip_is_as_published(load: float, across: float, shortening: float) -> None:
    tip = loaded_tip(load)
    assert tip.across == pytest.approx(across, abs=2e-5)
    assert 1.0 - tip.along == pytest.approx(shortening, abs=2e-5)


@pytest.mark.parametrize(
    ("gamma", "across", "along"),
    [(0.1, 0.01250, 0.99991), (5, 0.49591, 0.84666), (100, 0.93752, 0.15922), (1000, 0.98114, 0.04599)],
)
def test_theory_of_the_heavy_strip_is_as_published(gamma: float, across: float, along: float) -> None:
    tip = heavy_tip(gamma)
    assert tip.across == pytest.approx(across, abs=2e-5)
    assert tip.along == pytest.approx(along, abs=2e-5)


@pytest.mark.parametrize("load", [100.0, 1e4])
def test_theory_of_the_loaded_strip_at_large_loads(load: float) -> None:
    """All of the bending is near the clamp: the drop falls short of the length by (2 − √2) √(B/P), and √(2 B/P) is left
    across."""
    tip = loaded_tip(load)
    assert tip.across == pytest.approx(1.0 - (2.0 - math.sqrt(2.0)) / math.sqrt(load), abs=1e-6)
    assert tip.along == pytest.approx(math.sqrt(2.0 / load), rel=1e-6)


@pytest.mark.parametrize("ratio", [1.001, 1.3, 2.0, 3.0])
def test_theory_of_a_column_has_the_shape_of_least_energy(ratio: float) -> None:
    """A chain of many stiff bars whose joints bend, in the same load, has it from any bow to one side."""
    gamma, count = SELF_BUCKLING * ratio**3, 200
    heights = gamma / count * (1.0 - (np.arange(count) + 0.5) / count)  # of what each bar carries

    def energy(angles: np.ndarray) -> tuple[float, np.ndarray]:
        bends = np.diff(angles, prepend=0.0) * np.sqrt(count * np.where(np.arange(count) == 0, 2.0, 1.0))
        moments = bends * np.sqrt(count * np.where(np.arange(count) == 0, 2.0, 1.0))
        slope = moments - np.append(moments[1:], 0.0) - heights * np.sin(angles)
        return float(0.5 * (bends**2).sum() + (heights * np.cos(angles)).sum()), slope

    found = minimize(
        energy,
        np.linspace(0.0, 1.0, count),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 20_000, "ftol": 1e-15, "gtol": 1e-9, "maxcor": 50},
    )
    along, across = np.cos(found.x).mean(), np.sin(found.x).mean()
    tip = column_tip(gamma)
    assert (tip.along, tip.across) == pytest.approx((along, across), abs=3e-3)


def test_a_column_leans_only_beyond_its_load() -> None:
    assert column_tip(0.999 * SELF_BUCKLING).across == 0.0
    assert 0.05 < column_tip(1.01 * SELF_BUCKLING).across < column_tip(1.1 * SELF_BUCKLING).across


def test_forces_vanish_at_an_equilibrium_and_creases_stay(hang: Callable) -> None:
    hung = hang(held=(0, 1, 3), yield_angle=0.05)
    q, report = equilibrium(hung.system, hung.rest)
    assert report.residuals[-1] <= 1e-8
    assert float(hung.system.states()["bending"]["plastic_angles"].abs().max()) > 0.01
    # What has yielded is at rest further on: under the new state it settles elsewhere, and yields no more there.
    again, _ = equilibrium(hung.system, hung.system.unknowns.positions(q))
    assert float((hung.system.unknowns.positions(again - q)).norm()) > 1e-6
    objective = StepObjective(hung.system, 0.0, hung.rest, 0)
    assert objective.residual(objective.gradient(again).total) < float("inf")


@pytest.mark.parametrize("held", [(), (0,)], ids=["nothing is held", "another sheet is held"])
def test_what_nothing_carries_has_no_equilibrium(held: tuple[int, ...]) -> None:
    """It would be as far down as float64 can tell."""
    pins = [Pin(region=Region(kind="vertices", vertices=list(held)))] if held else []
    shape = RectangleShape(width=0.1, height=0.1, columns=2, rows=2)
    sheets = [Sheet(name="free", shape=shape), Sheet(name="other", shape=shape, pose=RIGHT, pins=pins)]
    time = Time(step=0.01, scheme="quasi-static")
    world = build_world(Scene(sheets=sheets, time=time))
    stepper = world.stepper()
    before = stepper.moment
    with pytest.raises(NoEquilibriumError, match="nothing holds or carries"):
        stepper.step(world.held_positions(0.01))
    assert stepper.moment is before
    at_rest = build_world(Scene(sheets=sheets, time=time, gravity=(0.0, 0.0, 0.0)))
    still = at_rest.stepper()
    still.step(at_rest.held_positions(0.01))
    assert torch.allclose(still.positions, at_rest.positions, atol=1e-12)


def test_what_lands_on_something_has_one() -> None:
    sheet = Sheet(name="card", shape=RectangleShape(width=0.1, height=0.1, columns=2, rows=2), material="card", pose=UP)
    ground = Obstacle(name="ground", shape=PlaneShape(size=0.5))
    world = build_world(Scene(sheets=[sheet], obstacles=[ground], time=Time(step=0.01, scheme="quasi-static")))
    stepper = world.stepper()
    stepper.step(world.held_positions(0.01))
    heights = stepper.positions[world.bodies["card"].vertices, 2]
    assert 0.0 < float(heights.min()) <= float(heights.max()) < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("gamma", [0.1, 1.0, 10.0, 50.0, 100.0, 1000.0])
def test_heavy_elastica(gamma: float) -> None:
    passes(statics.heavy_elastica(gamma=gamma))


@pytest.mark.slow
@pytest.mark.parametrize("load", [0.5, 1.0, 5.0, 10.0])
def test_tip_elastica(load: float) -> None:
    result = statics.tip_elastica(load=load)
    passes(result)
    assert result.detail["shortening"] == pytest.approx(result.detail["shortening_expected"], rel=0.01)


def test_a_short_column_stands() -> None:
    result = statics.self_buckling(ratio=0.95)
    passes(result)
    assert result.detail["straight_is_stable"]


@pytest.mark.parametrize("ratio", [1.0, 1.001])
def test_a_column_at_the_load_that_buckles_it_settles(ratio: float) -> None:
    passes(statics.self_buckling(ratio=ratio))


@pytest.mark.slow
def test_a_column_that_is_far_too_long_hangs_down() -> None:
    passes(statics.self_buckling(ratio=2.0))


@pytest.mark.parametrize("scheme", ["implicit-euler", "bdf2"])
def test_damping_schemes_lose_angular_momentum_by_their_formulas(scheme: MovingScheme) -> None:
    passes(dynamics.momentum(scheme=scheme))


@pytest.mark.parametrize("scheme", ["bdf2", "implicit-midpoint"])
def test_gradients_of_a_free_body(scheme: MovingScheme) -> None:
    passes(gradients.free_body_gradient(scheme=scheme))


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["implicit-euler", "bdf2", "implicit-midpoint"])
@pytest.mark.parametrize("material", PRESETS)
def test_gradients_of_all_materials(material: str, scheme: SchemeName) -> None:
    passes(gradients.taylor(material=material, scheme=scheme))


@pytest.mark.slow
@pytest.mark.parametrize("material", ["cotton", "rubber", "leather"])
def test_gradients_through_equilibria(material: str) -> None:
    passes(gradients.taylor(material=material, scheme="quasi-static", directions=1))


def test_the_cantilever_converges() -> None:
    coarse, fine = (abs(statics.cantilever(cells=cells).measured - 1.0) for cells in (10, 20))
    assert fine < 0.5 * coarse * 1.05


def passes(result: CheckResult) -> None:
    assert result.passed, f"{result.measured} {result.unit}, expected {result.expected} ± {result.tolerance}"
