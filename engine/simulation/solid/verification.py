"""Checks of soft bodies against theory."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from engine.core.checks import CheckResult, Count, Positive, check, compare
from engine.geometry.tetrahedral import ball_tets, box_tets
from engine.simulation.energy import Unknowns
from engine.simulation.newton import NewtonSettings
from engine.simulation.quasistatic import equilibrium
from engine.simulation.rigid.poses import rotation_matrices
from engine.simulation.solid.mass import SolidMass
from engine.simulation.solid.neo_hookean import NeoHookean
from engine.simulation.stepper import Stepper
from engine.simulation.system import System, held_vertices

Cells = Annotated[int, Field(ge=1, le=100)]
Ratio = Annotated[float, Field(ge=0.0, le=0.499)]

TIGHT = NewtonSettings(tolerance=1e-11)
NO_GRAVITY = (0.0, 0.0, 0.0)


@check(
    "shell.solid-small-strain",
    title="A block pulled a little has the Young's modulus and Poisson's ratio that it was given",
)
def small_strain(*, young: Positive = 2e5, poisson: Ratio = 0.3, strain: Positive = 1e-5) -> CheckResult:
    """Young's modulus and Poisson's ratio from force and contraction of a block with free sides; the largest relative
    error (absolute for a Poisson's ratio), 0.1 %."""
    size = np.array([0.1, 0.05, 0.05])
    mesh = box_tets(size.tolist(), 4)
    rest = torch.as_tensor(mesh.vertices)
    low, high = rest.min(dim=0).values, rest.max(dim=0).values
    # Rollers: one side of each direction holds the coordinate across it, and the block is pulled along x.
    rollers = [3 * torch.nonzero(rest[:, axis] == low[axis])[:, 0] + axis for axis in range(3)]
    pulled = 3 * torch.nonzero(rest[:, 0] == high[0])[:, 0]
    system = _system(
        rest, mesh.tets, young=young, poisson=poisson, held=torch.cat([*rollers, pulled]), gravity=NO_GRAVITY
    )
    there = rest.reshape(-1).clone()
    there[pulled] += strain * size[0]
    q, _ = equilibrium(system, rest, held=there[system.held], newton=TIGHT)
    force = float(system.energies["solid"].gradient(q)[pulled].sum())
    moved = system.unknowns.positions(q) - rest
    contraction = -float(moved[rest[:, 1] == high[1], 1].mean()) / float(size[1]) / strain
    errors = {"young": force / float(size[1] * size[2]) / strain / young - 1.0, "poisson": contraction - poisson}
    worst = max(errors.values(), key=abs)
    return compare("shell.solid-small-strain", worst, 0.0, 1e-3, errors=errors)


@check(
    "shell.solid-patch",
    title="A soft body with a uniformly strained surface is uniformly strained inside (the patch test)",
)
def patch(*, stretch: Positive = 1.2, poisson: Ratio = 0.45, seed: int = 0) -> CheckResult:
    """The patch test, on a mesh whose inner vertices are anywhere: 1e-10."""
    mesh = box_tets((0.1, 0.1, 0.1), 4)
    inner = np.setdiff1d(np.arange(mesh.vertex_count), mesh.surface)
    vertices = mesh.vertices.copy()
    vertices[inner] += np.random.default_rng(seed).uniform(-0.004, 0.004, (len(inner), 3))
    rest = torch.as_tensor(vertices)
    strain = torch.tensor([[stretch, 0.2, 0.0], [0.0, 0.9, -0.1], [0.1, 0.0, 1.1]], dtype=torch.float64)
    held = held_vertices(torch.as_tensor(np.unique(mesh.surface)))
    system = _system(rest, mesh.tets, young=1e5, poisson=poisson, held=held, gravity=NO_GRAVITY)
    expected = rest @ strain.T
    q, _ = equilibrium(system, rest, held=expected.reshape(-1)[system.held], newton=TIGHT)
    error = float((system.unknowns.positions(q) - expected).abs().max()) / 0.1
    return compare("shell.solid-patch", error, 0.0, 1e-10)


@check("shell.solid-bar", title="A bar that hangs is stretched by its weight as Hooke's law says (over ρ g L² / 2E)")
def bar(*, cells: Cells = 20, young: Positive = 1e6, density: Positive = 1000.0) -> CheckResult:
    """Poisson's ratio 0, 1 %; a softer bar extends more than the small-strain theory says."""
    length = 0.2
    mesh = box_tets((0.04, 0.04, length), cells)
    rest = torch.as_tensor(mesh.vertices)
    top = torch.nonzero(rest[:, 2] == rest[:, 2].max())[:, 0]
    system = _system(rest, mesh.tets, young=young, poisson=0.0, density=density, held=held_vertices(top))
    q, _ = equilibrium(system, rest)
    bottom = rest[:, 2] == rest[:, 2].min()
    extension = float((rest - system.unknowns.positions(q))[bottom, 2].mean())
    expected = density * 9.81 * length**2 / (2.0 * young)
    return compare("shell.solid-bar", extension / expected, 1.0, 0.01, extension=extension)


@check(
    "shell.solid-bending",
    title="A thick beam sags under its weight as beam theory says (drop over ρ g A L⁴ / 8 E I)",
    slow=True,
)
def bending(*, across: Cells = 8, poisson: Ratio = 0.0) -> CheckResult:
    """A beam eight times as long as high, with `across` cells in its height. Tetrahedra of one strain are too stiff in
    bending: what is missing falls with the square of the cells; 5 % at 8."""
    height, length = 0.02, 0.16
    mesh = box_tets((length, height, height), 8 * across)
    rest = torch.as_tensor(mesh.vertices)
    wall = torch.nonzero(rest[:, 0] == rest[:, 0].min())[:, 0]
    young, density = 1e7, 1000.0
    system = _system(rest, mesh.tets, young=young, poisson=poisson, density=density, held=held_vertices(wall))
    q, _ = equilibrium(system, rest)
    tip = rest[:, 0] == rest[:, 0].max()
    drop = float((rest - system.unknowns.positions(q))[tip, 2].mean())
    expected = 12.0 * density * 9.81 * length**4 / (8.0 * young * height**2)
    return compare("shell.solid-bending", drop / expected, 1.0, 0.05, drop=drop)


@check("shell.solid-rigid-motion", title="Turning and moving a soft body puts no force on it (force over stiffness)")
def rigid_motion(*, angle: float = 2.5, shift: float = 3.0, poisson: Ratio = 0.45) -> CheckResult:
    """Zero, to 1e-10; force and energy are measured against those of one per cent of strain."""
    mesh = ball_tets(0.05, 5)
    rest = torch.as_tensor(mesh.vertices)
    energy = NeoHookean(Unknowns(len(rest)), torch.as_tensor(mesh.tets), rest, young=1e5, poisson=poisson)
    axis = torch.tensor([2.0, -1.0, 3.0], dtype=torch.float64)
    moved = (rest @ rotation_matrices(angle * axis / axis.norm()).T + shift).reshape(-1)
    stretched = (1.01 * rest).reshape(-1)
    force = float(energy.gradient(moved).abs().max() / energy.gradient(stretched).abs().max())
    left = abs(float(energy.value(moved) / energy.value(stretched)))
    return compare("shell.solid-rigid-motion", max(force, left), 0.0, 1e-10, force=force, energy=left)


@check("shell.solid-hessian", title="Stiffness of a soft body agrees with central differences of the force")
def hessian(*, poisson: Ratio = 0.45, distortion: Positive = 0.3, seed: int = 3) -> CheckResult:
    """Far from rest, inverted tetrahedra among them; the largest error over the largest change of force, 1e-6."""
    mesh = ball_tets(1.0, 4)
    rest = torch.as_tensor(mesh.vertices)
    energy = NeoHookean(Unknowns(len(rest)), torch.as_tensor(mesh.tets), rest, young=1.0, poisson=poisson)
    generator = torch.Generator().manual_seed(seed)
    q = (rest + distortion * torch.randn(rest.shape, generator=generator, dtype=torch.float64)).reshape(-1)
    inverted = int((torch.linalg.det(energy.deformation_gradients(q)) < 0.0).sum())
    matrix, step, errors = energy.hessian(q, project=False), 1e-6, []
    for _ in range(4):
        z = torch.randn(q.shape, generator=generator, dtype=torch.float64)
        measured = (energy.gradient(q + step * z) - energy.gradient(q - step * z)) / (2.0 * step)
        errors.append(float((measured - matrix.multiply(z)).abs().max() / measured.abs().max()))
    return compare("shell.solid-hessian", max(errors), 0.0, 1e-6, inverted=inverted)


@check("shell.solid-momentum", title="A soft body thrown and spinning keeps its momentum")
def momentum(*, steps: Count = 20, poisson: Ratio = 0.4, seed: int = 4) -> CheckResult:
    """A body thrown, spinning and out of shape, without gravity: linear momentum is kept to 1e-10, angular to 1e-6."""
    mesh = ball_tets(0.05, 4)
    rest = torch.as_tensor(mesh.vertices)
    system = _system(rest, mesh.tets, young=1e4, poisson=poisson, gravity=NO_GRAVITY)
    generator = torch.Generator().manual_seed(seed)
    positions = rest + 1e-3 * torch.randn(rest.shape, generator=generator, dtype=torch.float64)
    turning = torch.tensor([8.0, -5.0, 12.0], dtype=torch.float64)
    velocities = torch.linalg.cross(turning.expand_as(rest), rest) + torch.tensor([0.5, 0.2, -0.3]).double()
    stepper = Stepper(system, positions, velocities, step_size=2e-3, scheme="implicit-midpoint", newton=TIGHT)
    masses = system.vertex_masses[:, None]

    def momenta() -> tuple[Tensor, Tensor]:
        turned = torch.linalg.cross(stepper.positions, stepper.velocities)
        return (masses * stepper.velocities).sum(dim=0), (masses * turned).sum(dim=0)

    linear, angular = momenta()
    stepper.run(steps)
    linear_end, angular_end = momenta()
    drift = float((linear_end - linear).norm() / linear.norm())
    turned = float((angular_end - angular).norm() / angular.norm())
    worst = max(drift / 1e-10, turned / 1e-6)
    return compare("shell.solid-momentum", worst, 0.0, 1.0, unit="of what is allowed", linear=drift, angular=turned)


def _system(
    rest: Tensor,
    tets: np.ndarray,
    *,
    young: float,
    poisson: float,
    density: float = 1000.0,
    held: Tensor | None = None,
    gravity: tuple[float, float, float] = (0.0, 0.0, -9.81),
) -> System:
    """One soft body."""
    unknowns, corners = Unknowns(len(rest)), torch.as_tensor(tets)
    energy = NeoHookean(unknowns, corners, rest, young=young, poisson=poisson)
    mass = SolidMass(unknowns, corners, rest, density=density)
    return System(unknowns, {"solid": energy}, {"mass": mass}, held=held, gravity=gravity)
