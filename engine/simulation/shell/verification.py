"""Checks of thin shells against theory: energies and forces alone, before any solver."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field
from scipy.sparse.linalg import splu
from torch import Tensor

from engine.core.checks import CheckResult, Count, Positive, check, compare
from engine.geometry.sheets import regular_sheet, scattered_sheet
from engine.protocol.shell_materials import preset
from engine.simulation.energy import Energy, Unknowns
from engine.simulation.shell.bending import Bending
from engine.simulation.shell.hinges import HingeBending
from engine.simulation.shell.membrane import Membrane
from engine.simulation.shell.rest import face_areas
from engine.simulation.shell.topology import shell_topology

NotNegative = Annotated[float, Field(ge=0.0)]
Mesh = Literal["regular", "random"]


def _sheet(mesh: Mesh, cells: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A sheet of 1 m by 1 m."""
    return (
        regular_sheet(1.0, 1.0, cells, cells)
        if mesh == "regular"
        else scattered_sheet(1.0, 1.0, cells, cells, seed=seed)
    )


def _joined(positions: Tensor, unknowns: Unknowns) -> Tensor:
    return torch.cat([positions.reshape(-1), positions.new_zeros(unknowns.rotation_count)])


def _relax_rotations(bending: Bending, q: Tensor) -> Tensor:
    """q with the rotations that make the energy least: one linear solve, for it is quadratic in them."""
    first = 3 * bending.unknowns.vertex_count
    block = bending.hessian(q, project=False).to_scipy()[first:, first:]
    relaxed = q.clone()
    relaxed[first:] -= torch.as_tensor(splu(block.tocsc()).solve(bending.gradient(q)[first:].numpy()))
    return relaxed


@check("shell.cylinder", title="A rolled-up sheet has the bending energy of a cylinder, on any mesh (over D A / 2R²)")
def cylinder(
    *,
    refinement: Annotated[int, Field(ge=0, le=4)] = 1,
    mesh: Mesh = "regular",
    radius: Positive = 1.0,
    poisson: Annotated[float, Field(gt=-1.0, le=0.5)] = 0.3,
    seed: int = 0,
    hinges: bool = False,
) -> CheckResult:
    """A square of 1 m rolled up without stretch, in 8 · 2^refinement cells a side; its inner part, for bending across
    the rolling differs near free edges. 2 % on regular meshes, 10 % on random ones."""
    positions, triangles = _sheet(mesh, 8 * 2**refinement, seed)
    topology = shell_topology(triangles, positions)
    flat = torch.as_tensor(positions)
    centres = flat[torch.as_tensor(triangles)].mean(dim=1)
    inner = (centres[:, :2].abs() < 0.25).all(dim=1)
    exact = 0.5 * face_areas(flat, torch.as_tensor(triangles))[inner].sum() / radius**2
    ratios = {}
    for degrees in (0, 45, 90, 135):
        rolled = torch.as_tensor(_rolled(positions, math.radians(degrees), radius))
        unknowns = Unknowns(len(flat), topology.edge_count)
        # Such that the bending stiffness is 1 N m.
        elastic: dict[str, Any] = {"young": 12.0 * (1.0 - poisson**2), "poisson": poisson, "thickness": 1.0}
        if hinges:
            hinged = HingeBending(unknowns, topology, flat, **elastic)
            energies = hinged.face_energies(_joined(rolled, unknowns))
        else:
            bending = Bending(unknowns, topology, flat, positions=rolled, **elastic)
            energies = bending.face_energies(_relax_rotations(bending, _joined(rolled, unknowns)))
        ratios[degrees] = float(energies[inner].sum() / exact)
    worst = max(ratios.values(), key=lambda ratio: abs(ratio - 1.0))
    return compare("shell.cylinder", worst, 1.0, 0.02 if mesh == "regular" else 0.1, ratios=ratios)


def _rolled(positions: np.ndarray, angle: float, radius: Positive) -> np.ndarray:
    """Flat positions on a cylinder whose axis is perpendicular to the direction at `angle`."""
    along = np.array([math.cos(angle), math.sin(angle), 0.0])
    across = np.array([-math.sin(angle), math.cos(angle), 0.0])
    s = positions @ along / radius
    return np.asarray(
        radius * np.sin(s)[:, None] * along
        + (positions @ across)[:, None] * across
        + radius * (1.0 - np.cos(s))[:, None] * np.array([0.0, 0.0, 1.0])
    )


@check(
    "shell.small-strain", title="A sheet pulled a little has the Young's moduli and Poisson's ratio that it was given"
)
def small_strain(
    *, material: str = "rubber", strain: Annotated[float, Field(ge=1e-9, le=5e-4)] = 1e-5, seed: int = 1
) -> CheckResult:
    """Young's moduli, Poisson's ratio and shear modulus from forces and contraction on a random mesh; the largest
    relative error, 0.1 %."""
    substance = preset(material).material
    positions, triangles = _sheet("random", 5, seed)
    rest = torch.as_tensor(positions)
    direction = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64) if substance.woven else None
    constants: dict[str, Any] = substance.membrane_parameters()
    membrane = Membrane(
        Unknowns(len(rest)),
        torch.as_tensor(triangles),
        rest,
        law=substance.law,
        direction=direction,
        **constants,
    )
    section = substance.thickness
    errors = {}
    stress, contraction = _pull(membrane, rest, axis=0, strain=strain)
    errors["young"] = stress / section / strain / substance.young - 1.0
    errors["poisson"] = contraction / strain / substance.poisson - 1.0
    stress, _ = _pull(membrane, rest, axis=1, strain=strain)
    errors["young_cross"] = (
        stress / section / strain / (substance.young_cross if substance.woven else substance.young) - 1.0
    )
    sheared = rest.clone()
    sheared[:, 0] += strain * rest[:, 1]
    isotropic = substance.young / (2.0 * (1.0 + substance.poisson))
    modulus = 2.0 * float(membrane.value(sheared.reshape(-1))) / (section * strain**2)
    errors["shear"] = modulus / (substance.shear if substance.woven else isotropic) - 1.0
    worst = max(abs(error) for error in errors.values())
    return compare("shell.small-strain", worst, 0.0, 1e-3, errors=errors)


def _pull(membrane: Membrane, rest: Tensor, *, axis: int, strain: float) -> tuple[float, float]:
    """Force [N] and contraction across of a square of 1 m that is pulled along an axis between sliding clamps."""
    unknowns = 3 * len(rest)
    ends = torch.nonzero(rest[:, axis].abs() > 0.5 - 1e-9)[:, 0]
    corner = int(torch.argmin(rest[:, 0] + rest[:, 1]))
    held = torch.zeros(unknowns, dtype=torch.bool)
    held[2::3] = True
    held[3 * ends + axis] = True
    held[3 * corner + 1 - axis] = True
    q = rest.clone()
    q[ends, axis] *= 1.0 + strain
    q = q.reshape(-1)
    free = torch.nonzero(~held)[:, 0].numpy()
    for _ in range(3):
        stiffness = membrane.hessian(q, project=False).to_scipy()[free][:, free].tocsc()
        q[free] -= torch.as_tensor(splu(stiffness).solve(membrane.gradient(q)[free].numpy()))
    forces = membrane.gradient(q).reshape(-1, 3)
    force = float(forces[rest[:, axis] > 0.5 - 1e-9, axis].sum())
    width = q.reshape(-1, 3)[:, 1 - axis]
    return force, 1.0 - float(width.max() - width.min())


@check(
    "shell.crease",
    title="A crease that was folded and let go keeps the angle that plasticity says",
    source="Simo, Hughes: Computational Inelasticity, section 1.4",
)
def crease(
    *,
    angle: float = 1.2,
    yield_angle: NotNegative = 0.5,
    hardening: NotNegative = 0.0,
    steps: Count = 10,
    hinges: bool = False,
) -> CheckResult:
    """(θ − κ)/(1 + H/k) beyond the yield angle κ, nothing below it; folded and let go in steps until no
    force is left."""
    flat = torch.tensor([[0.0, -0.5, 0], [0, 0.5, 0], [-1.0, 0.1, 0], [0.8, -0.1, 0]], dtype=torch.float64)
    topology = shell_topology(np.array([[0, 1, 2], [1, 0, 3]]), flat.numpy())
    unknowns = Unknowns(4, topology.edge_count)
    elastic: dict[str, Any] = {
        "young": 1e6,
        "poisson": 0.3,
        "thickness": 1e-3,
        "yield_angle": yield_angle,
        "hardening": hardening,
    }
    model = HingeBending if hinges else Bending
    bending = model(unknowns, topology, flat, **elastic)
    q = _joined(flat, unknowns)

    def fold(theta: float) -> None:
        x, z = math.cos(0.5 * theta), -math.sin(0.5 * theta)
        q[6:12] = torch.tensor([-x, 0.1, z, 0.8 * x, -0.1, 0.8 * z], dtype=torch.float64)
        if isinstance(bending, Bending):
            q.copy_(_relax_rotations(bending, q))

    for theta in np.linspace(0.0, angle, steps + 1)[1:]:
        fold(float(theta))
        q.copy_(bending.advance(q))
    stays = math.copysign(float(bending.state()["plastic_angles"].abs().max()), angle)
    for theta in np.linspace(angle, stays, steps + 1)[1:]:
        fold(float(theta))
        q.copy_(bending.advance(q))
    force = float(bending.gradient(q).abs().max() / (bending.parameters["young"] * 1e-9))
    stays = float(bending.state()["plastic_angles"].abs().max())
    expected = max(abs(angle) - yield_angle, 0.0) / (1.0 + hardening)
    return compare("shell.crease", stays, expected, 1e-9, unit="rad", relative_force_left=force)


@check("shell.rigid-motion", title="Turning and moving a curved sheet puts no force on it (force over stiffness)")
def rigid_motion(*, angle: float = 2.5, shift: float = 3.0, seed: int = 2) -> CheckResult:
    """Zero, with the normals' frames from before the motion and from after it."""
    worst = 0.0
    for _, energy, q in _models(seed, wavy=0.0):
        generator = torch.Generator().manual_seed(seed)
        axis = torch.nn.functional.normalize(torch.randn(3, generator=generator, dtype=torch.float64), dim=0)
        spin = torch.linalg.cross(torch.eye(3, dtype=torch.float64), axis.expand(3, 3))
        turn = torch.linalg.matrix_exp(-angle * spin)
        unknowns = energy.unknowns
        moved = q.clone()
        unknowns.positions(moved).copy_(unknowns.positions(q) @ turn.T + shift)
        scale = energy.hessian(q, project=False).triplets().values.abs().max()
        if isinstance(energy, Bending):
            moved = _relax_rotations(energy, moved)
        forces = [energy.gradient(moved).abs().max() / scale, energy.value(moved).abs() / scale]
        if isinstance(energy, Bending):
            energy.start(unknowns.positions(moved))
            unknowns.rotations(moved).zero_()
            forces.append(energy.gradient(moved).abs().max() / scale)
        worst = max(worst, *(float(force) for force in forces))
    return compare("shell.rigid-motion", worst, 0.0, 1e-10)


@check("shell.hessian", title="Stiffness of bending and stretching agrees with central differences of the force")
def hessian(*, seed: int = 3, step: Positive = 1e-6, directions: Count = 4) -> CheckResult:
    """Far from rest, on a random mesh; the largest error over the largest change of force, 1e-6."""
    errors: dict[str, float] = {}
    for name, energy, q in _models(seed, wavy=0.03):
        generator = torch.Generator().manual_seed(seed)
        matrix = energy.hessian(q, project=False)
        for _ in range(directions):
            z = torch.randn(q.shape, generator=generator, dtype=torch.float64)
            change = (energy.gradient(q + step * z) - energy.gradient(q - step * z)) / (2.0 * step)
            error = float((matrix.multiply(z) - change).abs().max() / change.abs().max())
            errors[name] = max(errors.get(name, 0.0), error)
    return compare("shell.hessian", max(errors.values()), 0.0, 1e-6, errors=errors)


def _models(seed: int, *, wavy: float) -> Iterator[tuple[str, Energy, Tensor]]:
    """Every shell energy on a sheet that is curved at rest, and unknowns that are `wavy` [m] away from there."""
    positions, triangles = scattered_sheet(1.0, 1.0, 6, 6, seed=seed)
    rest = torch.as_tensor(_rolled(positions, 0.3, 0.7))
    topology = shell_topology(triangles, rest.numpy())
    generator = torch.Generator().manual_seed(seed)
    elastic: dict[str, Any] = {"young": 1e6, "poisson": 0.3, "thickness": 1e-2}
    plain, turning = Unknowns(len(rest)), Unknowns(len(rest), topology.edge_count)
    faces = torch.as_tensor(triangles)
    direction = torch.tensor([1.0, 0.4, 0.1], dtype=torch.float64)
    energies: dict[str, Energy] = {
        "st-venant-kirchhoff": Membrane(plain, faces, rest, **elastic),
        "woven": Membrane(plain, faces, rest, young_cross=3e5, shear=2e5, direction=direction, **elastic),
        "stable-neo-hookean": Membrane(plain, faces, rest, law="stable-neo-hookean", **elastic),
        "bending": Bending(turning, topology, rest, **elastic),
        "hinges": HingeBending(plain, topology, rest, **elastic),
    }
    for name, energy in energies.items():
        unknowns = energy.unknowns
        q = _joined(rest, unknowns)
        q += wavy * torch.randn(q.shape, generator=generator, dtype=torch.float64)
        unknowns.rotations(q).mul_(20.0)
        yield name, energy, q
