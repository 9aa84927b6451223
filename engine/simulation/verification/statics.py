"""Checks of the equilibria of thin shells against theory."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field
from scipy.optimize import brentq
from torch import Tensor

from engine.core.checks import CheckResult, Count, check, compare
from engine.geometry.sheets import regular_sheet
from engine.simulation.elastica import LARGEST_LOAD, SELF_BUCKLING, column_tip, heavy_tip, loaded_tip
from engine.simulation.energy import Unknowns
from engine.simulation.linear import Assembler, factor_of
from engine.simulation.mass import ShellMass
from engine.simulation.newton import Newton
from engine.simulation.objective import StepObjective
from engine.simulation.quasistatic import equilibrium
from engine.simulation.shell.bending import Bending
from engine.simulation.shell.membrane import Membrane
from engine.simulation.shell.topology import shell_topology
from engine.simulation.strips import ClampedStrip
from engine.simulation.system import System, held_vertices

Load = Annotated[float, Field(gt=0.0, le=LARGEST_LOAD)]
ROMERO = "V. Romero et al.: Physical validation of simulators in computer graphics, ACM TOG 40(4), 2021"
NEAR = (0.998, 1.002)
"""Lengths over that of a strip whose mesh buckles so little before or after theory."""


@check(
    "shell.heavy-elastica",
    title="A clamped strip sags under its own weight as the heavy elastica (drop over length)",
    source=ROMERO,
    slow=True,
)
def heavy_elastica(*, gamma: Load = 5.0, cells: Count = 40) -> CheckResult:
    """`gamma` is ρ g L³ / B with ρ the mass over area; 2 %."""
    strip = ClampedStrip(cells=cells, weight=gamma)
    tip = strip.tip_of(equilibrium(strip.system, strip.positions)[0])
    expected = heavy_tip(gamma)
    drop = -float(tip[2])
    return compare(
        "shell.heavy-elastica",
        drop,
        expected.across,
        0.02 * expected.across,
        tip_along=float(tip[0]),
        tip_along_expected=expected.along,
    )


@check(
    "shell.tip-elastica",
    title="A clamped strip with a heavy load at its tip bends as Euler's elastica (drop over length)",
    source="K. Mattiasson: Numerical results from large deflection beam and frame problems, IJNME 17(1), 1981",
)
def tip_elastica(*, load: Load = 2.0, cells: Count = 20) -> CheckResult:
    """`load` is P L² / B; 1 %, and of the shortening as well."""
    strip = ClampedStrip(cells=cells, force=(0.0, 0.0, -load))
    tip = strip.tip_of(equilibrium(strip.system, strip.positions)[0])
    expected = loaded_tip(load)
    shortening = 1.0 - float(tip[0])
    return compare(
        "shell.tip-elastica",
        -float(tip[2]),
        expected.across,
        0.01 * expected.across,
        shortening=shortening,
        shortening_expected=1.0 - expected.along,
    )


@check(
    "shell.cantilever",
    title="A clamped strip with a small load at its tip bends as beam theory says (drop over P L³ / 3B)",
)
def cantilever(*, cells: Count = 20, load: Annotated[float, Field(gt=0.0, le=0.1)] = 1e-3) -> CheckResult:
    """2 % at 20 elements. `load` is P L² / B; beyond 0.1 what bends is no longer small."""
    strip = ClampedStrip(cells=cells, force=(0.0, 0.0, -load))
    tip = strip.tip_of(equilibrium(strip.system, strip.positions)[0])
    return compare("shell.cantilever", -3.0 * float(tip[2]) / load, 1.0, 0.02)


@check("shell.euler-buckling", title="A clamped strip buckles at Euler's load (over π² B / 4 L²)")
def euler_buckling(*, cells: Count = 20) -> CheckResult:
    """The load at which the straight strip's energy stops being a minimum; 3 %."""
    critical = math.pi**2 / 4.0
    strip = ClampedStrip(cells=cells, thickness=2e-2)

    def straight_is_stable(ratio: float) -> float:
        strip.load((-ratio * critical, 0.0, 0.0))
        return 1.0 if _is_minimum(strip) else -1.0

    return compare("shell.euler-buckling", _bisect(straight_is_stable, 0.8, 1.2), 1.0, 0.03)


@check(
    "shell.self-buckling",
    title="A standing strip buckles under its own weight at Greenhill's length (how far its top leans)",
    slow=True,
)
def self_buckling(*, ratio: Annotated[float, Field(gt=0.0, le=2.0)] = 1.05, cells: Count = 40) -> CheckResult:
    """`ratio` of its length to that at which it buckles under its own weight, L³ = 7.8373 B / ρ g: below it stands,
    above it leans as the heavy elastica does; 5 % of its length, or what 0.2 % of the length changes, for next to
    the limit hardly anything makes it lean far. It is pushed aside a little at first."""
    gamma = SELF_BUCKLING * ratio**3
    strip = ClampedStrip(cells=cells, weight=gamma, turn=0.5 * math.pi, thickness=1e-2)
    stands = _is_minimum(strip)
    pushed = strip.positions.clone()
    height = pushed[:, 2].clamp(min=0.0)
    pushed[:, 0] += 0.05 * height**2
    tip = strip.tip_of(equilibrium(strip.system, pushed)[0])
    expected, beside = column_tip(gamma).across, [column_tip(SELF_BUCKLING * (near * ratio) ** 3) for near in NEAR]
    tolerance = max(0.05, *(abs(there.across - expected) for there in beside))
    return compare("shell.self-buckling", abs(float(tip[0])), expected, tolerance, straight_is_stable=stands)


@check(
    "shell.gravity-stretch",
    title="A strip that hangs is stretched by its weight as Hooke's law says (over ρ g L² / 2 E h)",
)
def gravity_stretch(*, strain: Annotated[float, Field(gt=0.0, le=5e-3)] = 1e-4, cells: Count = 20) -> CheckResult:
    """`strain` at the top, small enough for Hooke's law; 1 %."""
    thickness = 1e-2
    young_thickness = 12.0 / thickness**2
    strip = ClampedStrip(cells=cells, weight=strain * young_thickness, turn=-0.5 * math.pi, thickness=thickness)
    q, _ = equilibrium(strip.system, strip.positions)
    extension = -float(strip.tip_of(q)[2]) - strip.length
    return compare("shell.gravity-stretch", 2.0 * extension / strain, 1.0, 0.01)


@check(
    "shell.catenary",
    title="A sheet that hangs from two opposite edges takes the curve of a chain (largest distance from it)",
)
def catenary(
    *, slack: Annotated[float, Field(ge=1.01, le=3.0)] = 1.1, cells: Annotated[int, Field(ge=4, le=1000)] = 32
) -> CheckResult:
    """`slack` is its length over the span of 1 m; the largest distance from the chain's curve, 1 % of the span."""
    flat, triangles = regular_sheet(slack, 0.1, cells, 2)
    rest = torch.as_tensor(flat)
    topology = shell_topology(triangles, flat)
    unknowns = Unknowns(len(rest), topology.edge_count)
    elastic: dict[str, Any] = {"young": 1e7, "poisson": 0.0, "thickness": 1e-3}
    faces = torch.as_tensor(triangles)
    scale = brentq(lambda a: 2.0 * a * math.sinh(0.5 / a) - slack, 0.05, 100.0)
    u = np.arcsinh(flat[:, 0] / scale)
    chain = np.stack([scale * u, flat[:, 1], scale * (np.cosh(u) - math.cosh(0.5 / scale))], axis=1)
    start = torch.as_tensor(np.stack([flat[:, 0] / slack, flat[:, 1], 0.8 * chain[:, 2]], axis=1))
    ends = torch.as_tensor(np.flatnonzero(np.abs(flat[:, 0]) > 0.5 * slack * (1.0 - 1e-9)))
    start[ends] = torch.as_tensor(chain)[ends]
    bending = Bending(unknowns, topology, rest, stiffness=1e-4, positions=start, **elastic)
    system = System(
        unknowns,
        {"membrane": Membrane(unknowns, faces, rest, **elastic), "bending": bending},
        {"mass": ShellMass(unknowns, faces, rest, density=500.0, thickness=1e-3)},
        held=held_vertices(ends),
    )
    q, _ = equilibrium(system, start)
    found = unknowns.positions(q).numpy()
    curve = scale * (np.cosh(found[:, 0] / scale) - math.cosh(0.5 / scale))
    away = float(np.abs(found[:, 2] - curve).max())
    return compare("shell.catenary", away, 0.0, 0.01, unit="m", sag=-float(found[:, 2].min()))


def _is_minimum(strip: ClampedStrip) -> bool:
    """Whether the straight strip, shortened by its load, is at a minimum of the energy."""
    system = strip.system
    q = _straight_equilibrium(strip)
    objective = StepObjective(system, 0.0, strip.positions, 0)
    parts, diagonal = objective.hessian(q, project=False)
    return factor_of(Assembler(system.free, system.unknowns.size).matrix(parts, diagonal)).positive


def _straight_equilibrium(strip: ClampedStrip) -> Tensor:
    """Under loads along the strip: Newton's method has no reason to leave the straight line."""
    system = strip.system
    q = torch.cat([strip.positions.reshape(-1), strip.positions.new_zeros(strip.unknowns.rotation_count)])
    newton = Newton(system.free, system.unknowns.size, system.unknowns.vertex_count)
    return newton.minimise(StepObjective(system, 0.0, strip.positions, 0), q)[0]


def _bisect(sign: Callable[[float], float], low: float, high: float) -> float:
    """Where `sign` changes, to 1e-3."""
    while high - low > 1e-3:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if sign(middle) > 0.0 else (low, middle)
    return 0.5 * (low + high)
