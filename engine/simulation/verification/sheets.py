"""What checks of thin shells share."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.geometry.sheets import scattered_sheet
from engine.protocol.shell_materials import ShellMaterial
from engine.simulation.energy import Unknowns
from engine.simulation.mass import ShellMass
from engine.simulation.newton import NewtonSettings
from engine.simulation.shell.bending import Bending
from engine.simulation.shell.membrane import Membrane
from engine.simulation.shell.topology import shell_topology
from engine.simulation.system import System, held_vertices

MovingScheme = Literal["implicit-euler", "bdf2", "implicit-midpoint"]
"""Those with inertia."""
TIGHT = NewtonSettings(tolerance=1e-11)


def small_sheet(
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
    elastic: dict[str, Any] = {**material.bending_parameters(), "direction": weave}
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
