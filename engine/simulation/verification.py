"""Checks of steps, equilibria and gradients of thin shells against theory."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from scipy.optimize import brentq
from torch import Tensor

from engine.core.checks import CheckResult, check, compare
from engine.core.errors import ParameterError
from engine.geometry.sheets import regular_sheet, scattered_sheet
from engine.protocol.shell_materials import ShellMaterial, preset
from engine.simulation.adjoint import simulate
from engine.simulation.elastica import SELF_BUCKLING, column_tip, heavy_tip, loaded_tip
from engine.simulation.energy import Unknowns
from engine.simulation.linear import Assembler, factor_of
from engine.simulation.mass import ShellMass
from engine.simulation.newton import Newton, NewtonSettings
from engine.simulation.objective import StepObjective
from engine.simulation.quasistatic import equilibrium
from engine.simulation.schemes import SchemeName
from engine.simulation.shell.bending import Bending
from engine.simulation.shell.membrane import Membrane
from engine.simulation.shell.topology import shell_topology
from engine.simulation.stepper import Stepper
from engine.simulation.strips import ClampedStrip
from engine.simulation.system import System, held_vertices

TIGHT = NewtonSettings(tolerance=1e-11)
ROMERO = "V. Romero et al.: Physical validation of simulators in computer graphics, ACM TOG 40(4), 2021"


@check(
    "shell.heavy-elastica", title="Drop over length of a clamped strip under its own weight", source=ROMERO, slow=True
)
def heavy_elastica(*, gamma: float = 5.0, cells: int = 20) -> CheckResult:
    """`gamma` is ρ g L³ / B with ρ the mass over area; 2 %."""
    strip = ClampedStrip(cells=cells, weight=_positive("gamma", gamma))
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
    title="Drop over length of a clamped strip with a load at its tip",
    source="K. Mattiasson: Numerical results from large deflection beam and frame problems, IJNME 17(1), 1981",
)
def tip_elastica(*, load: float = 2.0, cells: int = 20) -> CheckResult:
    """`load` is P L² / B; 1 %, and of the shortening as well."""
    strip = ClampedStrip(cells=cells, force=(0.0, 0.0, -_positive("load", load)))
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


@check("shell.cantilever", title="Deflection of a clamped strip under a small load at its tip, over P L³ / 3B")
def cantilever(*, cells: int = 20, load: float = 1e-3) -> CheckResult:
    """2 % at 20 elements."""
    strip = ClampedStrip(cells=cells, force=(0.0, 0.0, -_positive("load", load)))
    tip = strip.tip_of(equilibrium(strip.system, strip.positions)[0])
    return compare("shell.cantilever", -3.0 * float(tip[2]) / load, 1.0, 0.02)


@check("shell.euler-buckling", title="Load at which a clamped strip buckles, over π² B / 4 L²")
def euler_buckling(*, cells: int = 20) -> CheckResult:
    """The load at which the straight strip's energy stops being a minimum; 3 %."""
    critical = math.pi**2 / 4.0
    strip = ClampedStrip(cells=cells, thickness=2e-2)

    def straight_is_stable(ratio: float) -> float:
        strip.load((-ratio * critical, 0.0, 0.0))
        return 1.0 if _is_minimum(strip) else -1.0

    return compare("shell.euler-buckling", _bisect(straight_is_stable, 0.8, 1.2), 1.0, 0.03)


@check("shell.self-buckling", title="How far the top of a standing strip leans, over its length", slow=True)
def self_buckling(*, ratio: float = 1.05, cells: int = 40) -> CheckResult:
    """`ratio` of its length to that at which it buckles under its own weight, L³ = 7.8373 B / ρ g: below it stands,
    above it leans as the heavy elastica does; 5 % of its length. It is pushed aside a little at first."""
    gamma = SELF_BUCKLING * _positive("ratio", ratio) ** 3
    strip = ClampedStrip(cells=cells, weight=gamma, turn=0.5 * math.pi, thickness=1e-2)
    stands = _is_minimum(strip)
    pushed = strip.positions.clone()
    height = pushed[:, 2].clamp(min=0.0)
    pushed[:, 0] += 0.05 * height**2
    tip = strip.tip_of(equilibrium(strip.system, pushed)[0])
    return compare("shell.self-buckling", abs(float(tip[0])), column_tip(gamma).across, 0.05, straight_is_stable=stands)


@check("shell.gravity-stretch", title="Extension of a hanging strip over ρ g L² / 2 E h")
def gravity_stretch(*, strain: float = 1e-4, cells: int = 20) -> CheckResult:
    """`strain` at the top; 1 %, and of the strain along the strip as well."""
    thickness = 1e-2
    young_thickness = 12.0 / thickness**2
    strip = ClampedStrip(
        cells=cells, weight=_positive("strain", strain) * young_thickness, turn=-0.5 * math.pi, thickness=thickness
    )
    q, _ = equilibrium(strip.system, strip.positions)
    extension = -float(strip.tip_of(q)[2]) - strip.length
    return compare("shell.gravity-stretch", 2.0 * extension / strain, 1.0, 0.01)


@check("shell.catenary", title="Sag of a sheet that hangs from two opposite edges, over that of a chain")
def catenary(*, slack: float = 1.1, cells: int = 32) -> CheckResult:
    """`slack` is its length over the span of 1 m; the largest distance from the chain's curve, 1 % of the span."""
    if not 1.01 <= slack <= 3.0:
        raise ParameterError("slack", "must be from 1.01 to 3.")
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


@check("shell.momentum", title="Momentum that a free sheet loses, beyond what its scheme must")
def momentum(*, scheme: SchemeName = "implicit-midpoint", steps: int = 20, seed: int = 4) -> CheckResult:
    """A crumpled sheet thrown and spinning, without gravity. Linear momentum is kept to 1e-10; angular momentum by the
    implicit midpoint rule to 1e-6, and implicit Euler loses h Σ m v × v' a step, to the solver's tolerance; its energy
    never grows."""
    if scheme not in ("implicit-midpoint", "implicit-euler"):
        raise ParameterError("scheme", "theory is known for implicit-midpoint and implicit-euler.")
    system, rest = _sheet(preset("rubber").material, seed=seed, gravity=(0.0, 0.0, 0.0))
    generator = torch.Generator().manual_seed(seed)
    positions = rest + 1e-3 * torch.randn(rest.shape, generator=generator, dtype=torch.float64)
    spin = torch.tensor([3.0, -2.0, 5.0], dtype=torch.float64)
    velocities = torch.linalg.cross(spin.expand_as(rest), rest) + torch.tensor([0.5, 0.2, -0.3], dtype=torch.float64)
    h = 2e-3
    stepper = Stepper(system, positions, velocities, step_size=h, scheme=scheme, newton=TIGHT)
    masses = system.vertex_masses[:, None]

    def linear() -> Tensor:
        return (masses * stepper.velocities).sum(dim=0)

    def angular() -> Tensor:
        return (masses * torch.linalg.cross(stepper.positions, stepper.velocities)).sum(dim=0)

    first, first_angular, energies = linear(), angular(), [_mechanical(stepper)]
    lost = torch.zeros(3, dtype=torch.float64)
    for _ in range(steps):
        before = stepper.velocities
        stepper.step()
        if scheme == "implicit-euler":
            lost += h * (masses * torch.linalg.cross(stepper.velocities, before)).sum(dim=0)
        energies.append(_mechanical(stepper))
    drift = float((linear() - first).norm() / first.norm())
    turned = float((angular() - first_angular - lost).norm() / first_angular.norm())
    grown = max(b - a for a, b in pairwise(energies)) / energies[0]
    worst = max(drift / 1e-10, turned / 1e-6, grown / 1e-10 if scheme == "implicit-euler" else 0.0)
    return compare(
        "shell.momentum",
        worst,
        0.0,
        1.0,
        unit="of what is allowed",
        linear=drift,
        angular=turned,
        largest_energy_growth=grown,
    )


@check("shell.rigid-step", title="Difference between a sheet that falls, and the same sheet turned, over its motion")
def rigid_step(*, angle: float = 2.0, steps: int = 5, seed: int = 5) -> CheckResult:
    """Bodies know no directions of space: gravity and velocities turned with the sheet give the same motion; 1e-8."""
    axis = torch.nn.functional.normalize(torch.tensor([1.0, 2.0, -0.5], dtype=torch.float64), dim=0)
    spin = torch.linalg.cross(torch.eye(3, dtype=torch.float64), axis.expand(3, 3))
    turn = torch.linalg.matrix_exp(-angle * spin)
    ends = []
    for rotation in (torch.eye(3, dtype=torch.float64), turn):
        gravity = rotation @ torch.tensor([0.0, 0.0, -9.81], dtype=torch.float64)
        system, rest = _sheet(preset("rubber").material, seed=seed, gravity=gravity, held=2, rotation=rotation)
        stepper = Stepper(system, rest, step_size=1e-2, newton=TIGHT)
        stepper.run(steps)
        ends.append((stepper.positions @ rotation, (stepper.positions - rest).norm()))
    error = float((ends[0][0] - ends[1][0]).norm() / ends[0][1])
    return compare("shell.rigid-step", error, 0.0, 1e-8)


@check("shell.taylor", title="Order in which a gradient's prediction fails, through steps of a falling sheet")
def taylor(
    *, material: str = "rubber", scheme: SchemeName = "implicit-euler", steps: int = 4, seed: int = 6
) -> CheckResult:
    """|J(p + h d) − J(p) − h ∇J · d| for h halved six times, with p the start, velocities, gravity and materials; its
    slope is 2 ± 0.1."""
    losses, gradient = _losses(preset(material).material, scheme, steps, seed)
    sizes = [2.0 ** -(4 + k) for k in range(7)]
    value = losses(0.0)
    errors = [abs(losses(size) - value - size * gradient) for size in sizes]
    slopes = [math.log2(a / b) for a, b in pairwise(errors)]
    slope = float(np.median(slopes))
    return compare("shell.taylor", slope, 2.0, 0.1, errors=errors, slopes=slopes)


@check("shell.free-body-gradient", title="Gradients of a free sheet's mean position, against their exact values")
def free_body_gradient(
    *, scheme: SchemeName = "implicit-euler", steps: int = 6, step_size: float = 5e-3
) -> CheckResult:
    """By the start it is 1, by velocity the time T, by gravity h² N (N + 1) / 2 (implicit Euler) or T² / 2 (implicit
    midpoint); the largest relative error, 1e-5."""
    if scheme not in ("implicit-midpoint", "implicit-euler"):
        raise ParameterError("scheme", "theory is known for implicit-midpoint and implicit-euler.")
    system, rest = _sheet(preset("rubber").material, seed=7)
    masses = system.vertex_masses / system.vertex_masses.sum()
    start = rest.clone().requires_grad_()
    speed = torch.zeros_like(rest).requires_grad_()
    gravity = system.gravity.clone().requires_grad_()
    motion = simulate(
        system, start, speed, steps=steps, step_size=step_size, scheme=scheme, parameters={"gravity": gravity}
    )
    (masses @ motion.positions[-1])[2].backward()
    time = steps * step_size
    fallen = 0.5 * time**2 if scheme == "implicit-midpoint" else 0.5 * step_size**2 * steps * (steps + 1)
    assert start.grad is not None and speed.grad is not None and gravity.grad is not None
    errors = {
        "positions": float(start.grad[:, 2].sum()) - 1.0,
        "velocities": float(speed.grad[:, 2].sum()) / time - 1.0,
        "gravity": float(gravity.grad[2]) / fallen - 1.0,
    }
    return compare("shell.free-body-gradient", max(abs(error) for error in errors.values()), 0.0, 1e-5, errors=errors)


def _losses(
    material: ShellMaterial, scheme: SchemeName, steps: int, seed: int
) -> tuple[Callable[[float], float], float]:
    """The loss along a random direction of everything, and its derivative there."""
    system, rest = _sheet(material, seed=seed, held=2)
    generator = torch.Generator().manual_seed(seed)

    def noise(shape: torch.Size) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    # Bent about one axis, and hardly stretched: a crumpled sheet has more than one way to go on.
    up = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    wave = torch.sin(10.0 * rest[:, :1] + 0.5) * up
    inputs = {"positions": rest + 1e-3 * wave, "velocities": 0.05 * wave + 1e-4 * noise(rest.shape)}
    inputs |= {name: value for name, value in system.parameters().items() if not name.endswith("rest_angles")}
    ways = {}
    for name, value in inputs.items():
        if name in ("positions", "velocities") or name.endswith("rest_positions"):
            ways[name] = 1e-5 * noise(value.shape)
        elif name.endswith("poisson"):
            ways[name] = -0.01 * value
        else:
            ways[name] = 0.01 * value * noise(value.shape).clamp(-1.0, 1.0)
    weights = noise(torch.Size((steps + 1, *rest.shape)))

    def loss(given: dict[str, Tensor]) -> Tensor:
        parameters = {name: value for name, value in given.items() if name not in ("positions", "velocities")}
        motion = simulate(
            system,
            given["positions"],
            given["velocities"],
            steps=steps,
            step_size=5e-3,
            scheme=scheme,
            parameters=parameters,
            newton=TIGHT,
        )
        states = [value.square().sum() for value in motion.states.values()]
        return torch.stack([(weights * motion.positions).sum(), *states]).sum()

    leaves = {name: value.clone().requires_grad_() for name, value in inputs.items()}
    gradients = torch.autograd.grad(loss(leaves), list(leaves.values()))
    slope = sum(float((ways[name] * found).sum()) for name, found in zip(leaves, gradients, strict=True))
    return lambda size: float(loss({name: value + size * ways[name] for name, value in inputs.items()})), slope


def _sheet(
    material: ShellMaterial,
    *,
    seed: int,
    gravity: Tensor | tuple[float, float, float] = (0.0, 0.0, -9.81),
    held: int = 0,
    rotation: Tensor | None = None,
) -> tuple[System, Tensor]:
    """A random mesh of a sheet of 20 cm, `held` at as many of its corners, and its rest positions."""
    positions, triangles = scattered_sheet(0.2, 0.2, 4, 4, seed=seed)
    corners = np.argsort(-np.abs(positions[:, :2]).sum(axis=1))[:held]
    rest = torch.as_tensor(positions)
    if rotation is not None:
        rest = rest @ rotation.T
    topology = shell_topology(triangles, positions)
    unknowns = Unknowns(len(rest), topology.edge_count)
    faces = torch.as_tensor(triangles)
    weave = torch.tensor([1.0, 0.3, 0.0], dtype=torch.float64) if material.woven else None
    membrane = Membrane(unknowns, faces, rest, law=material.law, direction=weave, **material.membrane_parameters())
    elastic: dict[str, Any] = {**material.bending_parameters()}
    bending = Bending(unknowns, topology, rest, **elastic)
    mass = ShellMass(unknowns, faces, rest, density=material.density, thickness=material.thickness)
    system = System(
        unknowns,
        {"membrane": membrane, "bending": bending},
        {"mass": mass},
        held=held_vertices(torch.as_tensor(corners)),
        gravity=gravity,
    )
    return system, rest


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


def _mechanical(stepper: Stepper) -> float:
    return sum(stepper.energies().values())


def _positive(name: str, value: float) -> float:
    if not 0.0 < value < math.inf:
        raise ParameterError(name, f"must be above 0, and is {value:g}.")
    return value
