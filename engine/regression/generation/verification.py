"""Checks of the solvers that data sets are made with against theory."""

from __future__ import annotations

import math
from importlib.util import find_spec

import numpy as np

from engine.core.checks import CheckResult, Count, Positive, check, compare
from engine.regression.generation.aerofoil import USUAL, aerofoil_outline
from engine.regression.generation.conduction import conduct
from engine.regression.generation.grids import cut_cells
from engine.regression.generation.karman_trefftz import KarmanTrefftz
from engine.regression.generation.panel_method import REFINEMENT, flow_round

THEORY = "Milne-Thomson, Theoretical Hydrodynamics, 1968, sections 7.31 and 7.40"


@check("regression.panels", title="Pressure on an aerofoil is that of Kármán and Trefftz", source=THEORY)
def panels(*, angle: float = 5.0, edge: float = 10.0, nodes: Count = 120) -> CheckResult:
    """Mean difference of the pressure coefficient over the outline; an edge of 0° is Joukowski's aerofoil. It falls
    with the square of the size of the panels, for Joukowski's cusp in proportion to it."""
    truth = KarmanTrefftz(edge=math.radians(edge), angle=math.radians(angle))
    circle = truth.circle(nodes)
    flow = flow_round(truth.outline(circle), math.radians(angle))
    pressure = 1.0 - np.abs(flow.surface_velocity()[:-1:REFINEMENT]) ** 2
    # At the edge itself the truth is a limit.
    apart = np.abs(pressure - (1.0 - np.abs(truth.velocity(circle)) ** 2))[1:]
    return compare("regression.panels", float(apart.mean()), 0.0, 5e-4, largest=float(apart.max()))


@check("regression.flow", title="Velocity round an aerofoil is that of Kármán and Trefftz", source=THEORY)
def flow_off(*, angle: float = 5.0, edge: float = 10.0, away: Positive = 0.1, nodes: Count = 120) -> CheckResult:
    """Largest difference at places off the outline, in parts of the speed far away; `away` in radii of the circle that
    the aerofoil comes from."""
    truth = KarmanTrefftz(edge=math.radians(edge), angle=math.radians(angle))
    flow = flow_round(truth.outline(truth.circle(nodes)), math.radians(angle))
    round_it = truth.middle + (truth.circle(nodes) - truth.middle) * (1.0 + away)
    apart = np.abs(flow.velocity(truth.place(round_it)) - truth.velocity(round_it))
    return compare("regression.flow", float(apart.max()), 0.0, 1e-3)


@check("regression.lift", title="An aerofoil's lift is that of its circulation, by pressure too, and it has no drag",
       source="Kutta and Joukowski; d'Alembert")  # fmt: skip
def lift(*, angle: float = 5.0, edge: float = 10.0, nodes: Count = 120) -> CheckResult:
    """Largest of three relative errors: lift by circulation against the exact one, by pressure against that by
    circulation, and drag over lift."""
    truth = KarmanTrefftz(edge=math.radians(edge), angle=math.radians(angle))
    flow = flow_round(truth.outline(truth.circle(nodes)), math.radians(angle))
    force = flow.force() * np.exp(-1j * math.radians(angle))
    lifted = -2.0 * flow.circulation
    exact = -2.0 * truth.circulation
    errors = (lifted / exact - 1.0, force.imag / lifted - 1.0, force.real / lifted)
    return compare("regression.lift", float(np.abs(errors).max()), 0.0, 3e-4)


@check("regression.lift-slope", title="Lift grows with the angle as thin aerofoils' does, and a little with thickness",
       source="Abbott and von Doenhoff, Theory of Wing Sections, 1959: 2π (1 + 0.77 t/c)")  # fmt: skip
def lift_slope(*, thickness: float = 0.1, step: float = 1.0) -> CheckResult:
    """Lift per angle of a symmetric aerofoil, over 2π; the rule is good to some per cent."""
    half = USUAL * thickness / 0.12
    outline = aerofoil_outline(half, half, 120)
    above, below = (flow_round(outline, math.radians(sign * step)).circulation for sign in (1.0, -1.0))
    slope = -2.0 * (above - below) / (2.0 * math.radians(step)) / (2.0 * math.pi)
    return compare("regression.lift-slope", slope, 1.0 + 0.77 * thickness, 0.02)


def fin(*, conductivity: Positive = 200.0, convection: Positive = 100.0, length: Positive = 30.0,
        thickness: Positive = 2.0) -> CheckResult:  # fmt: skip
    """Mean temperature at the heated end over that of the fin equation, less 1; they differ by about half the Biot
    number.

    conductivity [W/(m K)], convection [W/(m² K)], length and thickness [mm]
    """
    conducting, cooling, flux = 1e-3 * conductivity, 1e-6 * convection, 1e-2
    heat = conduct(*_strip(thickness, length), conductivity=conducting, convection=cooling, flux=flux)
    rate = math.sqrt(2.0 * cooling / (conducting * thickness))
    end, wave = cooling / (rate * conducting), math.tanh(rate * length)
    expected = flux / (conducting * rate) * (1.0 + end * wave) / (wave + end)
    biot = cooling * thickness / (2.0 * conducting)
    return compare("regression.fin", heat.heated_mean / expected - 1.0, 0.0, biot, biot=biot)


def heat_balance(*, conductivity: Positive = 60.0, convection: Positive = 100.0) -> CheckResult:
    """Heat that leaves over heat that enters, less 1."""
    heat = conduct(*_strip(4.0, 25.0), conductivity=1e-3 * conductivity, convection=1e-6 * convection, flux=1e-2)
    return compare("regression.heat-balance", heat.leaving / heat.entering - 1.0, 0.0, 1e-9)


# Both solve by finite elements, which not everyone installs.
if find_spec("skfem"):
    check("regression.fin", title="A straight fin is as warm as the fin equation says",
          source="Incropera and DeWitt, Fundamentals of Heat and Mass Transfer, table 3.4")(fin)  # fmt: skip
    check("regression.heat-balance", title="What heat enters a part leaves it", source="Conservation of energy")(
        heat_balance
    )


def _strip(width: float, length: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes and triangles of a strip upwards, and the nodes of its lower end."""
    grid = np.stack(np.meshgrid(np.linspace(0.0, width, 7), np.linspace(0.0, length, 91)), axis=-1)
    index = np.arange(grid.shape[0] * grid.shape[1]).reshape(grid.shape[:2])
    return grid.reshape(-1, 2), cut_cells(index), index[0]
