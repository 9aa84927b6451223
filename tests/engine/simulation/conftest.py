"""A sheet in two clamps that the tests of the simulator share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.geometry.sheets import scattered_sheet
from engine.simulation.energy import Unknowns
from engine.simulation.mass import ShellMass
from engine.simulation.shell.bending import Bending
from engine.simulation.shell.membrane import Membrane
from engine.simulation.shell.topology import shell_topology
from engine.simulation.system import System, held_vertices


@dataclass(frozen=True)
class Hung:
    """A system and where its vertices are at rest."""

    system: System
    rest: Tensor


@pytest.fixture
def hang() -> Callable[..., Hung]:
    """A soft sheet on a random mesh; `held` vertices, creases where there is a `yield_angle`."""

    def make(*, held: tuple[int, ...] = (0, 3), yield_angle: float | None = None, **more: Any) -> Hung:
        positions, triangles = scattered_sheet(0.4, 0.4, 3, 3, seed=1)
        rest = torch.as_tensor(positions)
        topology = shell_topology(triangles, positions)
        unknowns = Unknowns(len(rest), topology.edge_count)
        elastic: dict[str, Any] = {"young": 1e5, "poisson": 0.3, "thickness": 3e-3}
        creases: dict[str, Any] = {} if yield_angle is None else {"yield_angle": yield_angle, "hardening": 0.2}
        faces = torch.as_tensor(triangles)
        system = System(
            unknowns,
            {
                "membrane": Membrane(unknowns, faces, rest, **elastic),
                "bending": Bending(unknowns, topology, rest, **elastic, **creases),
            },
            {"mass": ShellMass(unknowns, faces, rest, density=400.0, thickness=3e-3)},
            held=held_vertices(torch.tensor(held, dtype=torch.int64)),
            **more,
        )
        return Hung(system, rest)

    return make
