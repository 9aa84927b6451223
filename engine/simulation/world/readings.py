"""What can be read of a World after a step: energies, the scene's sensors, and fields over its vertices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.simulation.contact.contact import Contact
from engine.simulation.contact.stencils import closest
from engine.simulation.objective import StepObjective
from engine.simulation.stepper import Solved, Stepper
from engine.simulation.system import GRAVITY, System


@dataclass(frozen=True)
class Names:
    """What `Readings` will have."""

    energies: tuple[str, ...]
    scalars: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Readings:
    """energies : by the energy's name, and "gravity" and "kinetic" [J]
    scalars : of sensors, by "sensor part [unit]", NaN for forces before the first step; and where what is driven is
    fields : on vertices, shape (vertex_count,), float32; NaN where a body has none
    closest : smallest distance between surfaces within the gap of contact [m]; infinite where nothing is so near
    """

    energies: Mapping[str, float]
    scalars: Mapping[str, float]
    fields: Mapping[str, np.ndarray]
    closest: float = math.inf


@dataclass(frozen=True)
class StepForces:
    """What acts on vertices at the end of a step [N], each of shape (vertex_count, 3).

    holding : what holds the held vertices where they are
    contact : of other surfaces, with friction
    pressing : the same without friction
    friction_state : 0 none, 1 sticks, 2 slides, shape (vertex_count,)
    """

    holding: Tensor
    contact: Tensor
    pressing: Tensor
    friction_state: Tensor


def step_forces(system: System, contact: Contact | None, solved: Solved) -> StepForces:
    """Forces at the end of a step, under the states that it was solved with."""
    now = system.states()
    system.restore(solved.states)
    try:
        objective = StepObjective(system, solved.scheme.inertia, solved.target, 0)
        holding = objective.holding(solved.q)
        touching = None if contact is None else contact.readings(solved.q)
    finally:
        system.restore(now)
    if touching is None:
        none = torch.zeros_like(holding)
        return StepForces(holding, none, none, none[:, 0])
    acting = touching.pressing + touching.rubbing
    return StepForces(holding, acting, touching.pressing, touching.friction_state)


def closest_distance(contact: Contact, q: Tensor) -> float:
    """The smallest distance between surfaces that are within the gap [m]; infinite where none are."""
    x = contact.normal.end.surface_positions(q)
    contacts = contact.surface.contacts(x)
    return float(closest(contacts, x).distance.min()) if len(contacts) else math.inf


def energy_names(system: System) -> tuple[str, ...]:
    return (*system.energies, GRAVITY, "kinetic")


def body_energies(system: System, stepper: Stepper, name: str, vertices: slice) -> dict[str, float]:
    """Of one body [J], by kind; "gravity" and "kinetic" are of its vertices."""
    q, masses = stepper.moment.q, system.vertex_masses[vertices]
    own = {
        full.rpartition(".")[2]: float(energy.value(q))
        for full, energy in system.energies.items()
        if full.rpartition(".")[0] == name
    }
    own[GRAVITY] = -float((masses * (stepper.positions[vertices] @ system.gravity)).sum())
    own["kinetic"] = 0.5 * float((masses[:, None] * stepper.velocities[vertices] ** 2).sum())
    return own
