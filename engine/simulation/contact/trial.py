"""Small systems with contact, for checks: sheets and obstacles that are given as meshes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.geometry.primitives import square
from engine.geometry.sheets import regular_sheet
from engine.protocol.shell_materials import ShellMaterial, preset
from engine.simulation.contact.contact import Contact, make_contact
from engine.simulation.contact.laws import Mode
from engine.simulation.contact.surface import ContactBody
from engine.simulation.energy import Energy, Unknowns
from engine.simulation.mass import Mass, ShellMass
from engine.simulation.newton import NewtonSettings
from engine.simulation.schemes import SchemeName
from engine.simulation.shell.bending import Bending
from engine.simulation.shell.membrane import Membrane
from engine.simulation.shell.topology import ShellTopology, shell_topology
from engine.simulation.stepper import Stepper
from engine.simulation.system import System, held_vertices

G = 9.81
"""[m/s²]"""
GAP = 1e-3
"""Within which bodies push each other [m]."""
STEP = 5e-3
"""Of time [s]."""
STICKING_SPEED = 1e-2
"""Below which friction sticks [m/s]."""


@dataclass(frozen=True)
class Part:
    """One body of a trial.

    material : of a sheet; None for an obstacle, which is held
    positions : where it starts [m], shape (n, 3), where it is without tension
    held : vertices of a sheet that are held, by its own numbers
    """

    name: str
    positions: np.ndarray
    triangles: np.ndarray
    material: ShellMaterial | None = None
    held: Sequence[int] = ()


@dataclass(frozen=True)
class Trial:
    """A system with contact, and where its bodies are among all vertices."""

    system: System
    contact: Contact
    positions: Tensor
    bodies: Mapping[str, slice]
    step_size: float
    scheme: SchemeName

    def stepper(self, velocities: Tensor | None = None, newton: NewtonSettings | None = None) -> Stepper:
        return Stepper(
            self.system, self.positions, velocities, step_size=self.step_size, scheme=self.scheme, newton=newton
        )

    def mean_velocity(self, stepper: Stepper, body: str) -> Tensor:
        """Of a body's mass [m/s], shape (3,)."""
        own = self.bodies[body]
        masses = self.system.vertex_masses[own]
        return masses @ stepper.velocities[own] / masses.sum()


def make_trial(
    parts: Sequence[Part],
    *,
    gap: float = GAP,
    mode: Mode = "barrier",
    stiffness: float = 0.0,
    friction: float = 0.0,
    pairs: Mapping[tuple[str, str], float] | None = None,
    friction_speed: float = STICKING_SPEED,
    step_size: float = STEP,
    scheme: SchemeName = "implicit-euler",
    gravity: Sequence[float] = (0.0, 0.0, -G),
) -> Trial:
    """A system of these bodies, checked to start apart."""
    counts = [len(part.positions) for part in parts]
    firsts = [0, *np.cumsum(counts).tolist()]
    positions = torch.from_numpy(np.concatenate([part.positions for part in parts]).astype(np.float64))
    triangles = [np.asarray(part.triangles, np.int64) + first for part, first in zip(parts, firsts, strict=False)]
    topologies: dict[str, ShellTopology] = {
        part.name: shell_topology(own, positions.numpy())
        for part, own in zip(parts, triangles, strict=True)
        if part.material is not None
    }
    unknowns = Unknowns(len(positions), sum(topology.edge_count for topology in topologies.values()))
    energies: dict[str, Energy] = {}
    masses: dict[str, Mass] = {}
    held: list[int] = []
    surfaces: list[ContactBody] = []
    rotation = 0
    for part, first, own in zip(parts, firsts, triangles, strict=False):
        surfaces.append(ContactBody(part.name, own, filled=part.material is None))
        if part.material is None:
            held.extend(range(first, first + len(part.positions)))
            continue
        held.extend(first + vertex for vertex in part.held)
        material, faces, topology = part.material, torch.from_numpy(own), topologies[part.name]
        weave = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64) if material.woven else None
        energies[f"{part.name}.membrane"] = Membrane(
            unknowns, faces, positions, law=material.law, direction=weave, **material.membrane_parameters()
        )
        elastic: dict[str, Any] = {**material.bending_parameters(), "direction": weave}
        energies[f"{part.name}.bending"] = Bending(unknowns, topology, positions, first_rotation=rotation, **elastic)
        rotation += topology.edge_count
        masses[f"{part.name}.mass"] = ShellMass(
            unknowns, faces, positions, density=material.density, thickness=material.thickness
        )
    fixed = held_vertices(torch.tensor(held, dtype=torch.int64))
    contact = make_contact(
        unknowns,
        surfaces,
        positions,
        held=fixed,
        masses=torch.stack([mass.masses() for mass in masses.values()]).sum(dim=0),
        gap=gap,
        mode=mode,
        stiffness=stiffness,
        friction=pairs,
        default_friction=friction,
        friction_speed=friction_speed,
        step_size=step_size,
        scheme=scheme,
    )
    contact.check_start(positions)
    system = System(unknowns, energies | contact.energies, masses, held=fixed, gravity=gravity, limits=contact.limits)
    bodies = {part.name: slice(first, first + count) for part, first, count in zip(parts, firsts, counts, strict=False)}
    return Trial(system, contact, positions, bodies, step_size, scheme)


def table_and_sheet(
    friction: float,
    *,
    mode: Mode = "barrier",
    stiffness: float = 0.0,
    material: str = "card",
    scheme: SchemeName = "implicit-euler",
    reach: float = 0.0,
) -> Trial:
    """A small sheet of a preset within the gap above a table, away from the table's diagonal.

    reach : how far the sheet will slide, beyond a metre and a half [m]
    """
    sheet, triangles = regular_sheet(0.03, 0.03, 2, 2)
    sheet = sheet - sheet.mean(axis=0) + np.array([0.5, 0.0, 0.9 * GAP])
    table, tops = square(4.0 + 2.0 * reach)
    table = table - table.mean(axis=0)
    parts = [Part("sheet", sheet, triangles, preset(material).material), Part("table", table, tops)]
    return make_trial(parts, gap=GAP, mode=mode, stiffness=stiffness, friction=friction, scheme=scheme)


def on_incline(trial: Trial, angle: float, steps: int, newton: NewtonSettings) -> Stepper:
    """The sheet of a table, come to rest, and then so many steps with gravity at an angle [degrees] to the table."""
    stepper = trial.stepper(newton=newton)
    stepper.run(30)
    inclined = torch.tensor([math.sin(math.radians(angle)), 0.0, -math.cos(math.radians(angle))], dtype=torch.float64)
    trial.system.assign({"gravity": G * inclined})
    stepper.run(steps)
    return stepper
