"""Checks of what steps keep, and must not depend on."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from engine.core.checks import CheckResult, Count, check, compare
from engine.protocol.shell_materials import preset
from engine.simulation.stepper import Stepper
from engine.simulation.verification.sheets import TIGHT, MovingScheme, small_sheet


@check("shell.momentum", title="A sheet thrown and spinning keeps its momentum as the scheme says")
def momentum(*, scheme: MovingScheme = "implicit-midpoint", steps: Count = 20, seed: int = 4) -> CheckResult:
    """A crumpled sheet thrown and spinning, without gravity. Linear momentum is kept to 1e-10; angular momentum becomes
    what the scheme says to 1e-6. The implicit midpoint rule keeps it. In the others no torque acts at a step's end:
    it becomes Σ m x × v for the new positions x and the velocities that go on without forces, v₀ for implicit Euler
    and (4 v₀ − v₋₁) / 3 for BDF2. Implicit Euler's energy never grows."""
    system, rest = small_sheet(preset("rubber").material, seed=seed, gravity=(0.0, 0.0, 0.0))
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
        before, earlier, had = stepper.velocities, stepper.moment.earlier, angular()
        stepper.step()
        if scheme != "implicit-midpoint":
            onward = before if scheme == "implicit-euler" or earlier is None else (4.0 * before - earlier[1]) / 3.0
            lost += (masses * torch.linalg.cross(stepper.positions, onward)).sum(dim=0) - had
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


@check("shell.rigid-step", title="A sheet that is turned falls as the sheet that is not (difference over its way)")
def rigid_step(*, angle: float = 2.0, steps: Count = 5, seed: int = 5) -> CheckResult:
    """Bodies know no directions of space: gravity and velocities turned with the sheet give the same motion; 1e-8."""
    axis = torch.nn.functional.normalize(torch.tensor([1.0, 2.0, -0.5], dtype=torch.float64), dim=0)
    spin = torch.linalg.cross(torch.eye(3, dtype=torch.float64), axis.expand(3, 3))
    turn = torch.linalg.matrix_exp(-angle * spin)
    ends = []
    for rotation in (torch.eye(3, dtype=torch.float64), turn):
        gravity = rotation @ torch.tensor([0.0, 0.0, -9.81], dtype=torch.float64)
        system, rest = small_sheet(preset("rubber").material, seed=seed, gravity=gravity, held=2, rotation=rotation)
        stepper = Stepper(system, rest, step_size=1e-2, newton=TIGHT)
        stepper.run(steps)
        ends.append((stepper.positions @ rotation, (stepper.positions - rest).norm()))
    error = float((ends[0][0] - ends[1][0]).norm() / ends[0][1])
    return compare("shell.rigid-step", error, 0.0, 1e-8)


def _mechanical(stepper: Stepper) -> float:
    return sum(stepper.energies().values())
