"""Strips in clamps, as theory has them: for checks and examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.geometry.sheets import regular_sheet
from engine.simulation.energy import Energy, Unknowns
from engine.simulation.loads import DeadLoad
from engine.simulation.mass import ShellMass
from engine.simulation.shell.bending import HELD, Bending
from engine.simulation.shell.membrane import Membrane
from engine.simulation.shell.topology import shell_topology
from engine.simulation.system import System, held_vertices


class ClampedStrip:
    """A strip along x from 0 to `length` [m], whose bending stiffness over width is 1 N m and Poisson's ratio 0.

    The clamp is one more column of triangles before x = 0, all held, so that the strip starts at a right angle to it.

    cells : along the length
    thickness : over the length: how little it stretches is its square
    weight : force of gravity over area [N/m²], along `gravity`
    force : at the tip, all of it over the width [N/m]
    turn : angle [rad] by which the strip lies turned from x towards z
    """

    def __init__(
        self,
        *,
        cells: int,
        length: float = 1.0,
        width: float = 0.1,
        thickness: float = 5e-3,
        weight: float = 0.0,
        force: tuple[float, float, float] = (0.0, 0.0, 0.0),
        turn: float = 0.0,
    ) -> None:
        across = max(1, round(cells * width / length))
        self.length, self.width, self.across = length, width, across
        step = length / cells
        flat, triangles = regular_sheet(length + step, width, cells + 1, across)
        flat[:, 0] += 0.5 * (length - step)
        clamped = flat[:, 0] < 1e-9 * length
        self.tip = torch.as_tensor(np.flatnonzero(flat[:, 0] > length * (1.0 - 1e-9)))
        cosine, sine = np.cos(turn), np.sin(turn)
        placed = np.stack([cosine * flat[:, 0], flat[:, 1], sine * flat[:, 0]], axis=1)
        self.positions = torch.as_tensor(placed)
        topology = shell_topology(triangles, placed)
        faces = torch.as_tensor(triangles)
        self.unknowns = Unknowns(len(placed), topology.edge_count)
        h = thickness * length
        elastic: dict[str, Any] = {"young": 12.0 / h**3, "poisson": 0.0, "thickness": h}
        stiffness = torch.as_tensor(np.where(clamped[triangles].all(axis=1), HELD, 1.0))
        energies: dict[str, Energy] = {
            "membrane": Membrane(self.unknowns, faces, self.positions, **elastic),
            "bending": Bending(self.unknowns, topology, self.positions, stiffness=stiffness, **elastic),
            "load": DeadLoad(self.unknowns, self._tip_forces(force)),
        }
        gravity = (0.0, 0.0, -10.0) if weight else (0.0, 0.0, 0.0)
        density = weight / 10.0 / h if weight else 1.0
        mass = ShellMass(self.unknowns, faces, self.positions, density=density, thickness=h)
        held = held_vertices(torch.as_tensor(np.flatnonzero(clamped)))
        self.system = System(self.unknowns, energies, {"mass": mass}, held=held, gravity=gravity)

    def load(self, force: tuple[float, float, float]) -> None:
        """Another force at the tip [N/m]."""
        self.system.assign({"load.forces": self._tip_forces(force)})

    def tip_of(self, q: Tensor) -> Tensor:
        """Middle of the tip [m], shape (3,)."""
        return self.unknowns.positions(q)[self.tip].mean(dim=0)

    def _tip_forces(self, force: tuple[float, float, float]) -> Tensor:
        share = torch.full((len(self.tip),), self.width / self.across, dtype=torch.float64)
        share[[0, -1]] *= 0.5
        forces = torch.zeros_like(self.positions)
        forces[self.tip] = share[:, None] * torch.tensor(force, dtype=torch.float64)
        return forces
