"""What contact can be asked after a step: forces, pressures, what sticks and what slides."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.simulation.contact.friction import Friction
from engine.simulation.contact.normal import NormalContact
from engine.simulation.contact.stencils import closest, scatter

NONE, STICKS, SLIDES = 0, 1, 2


@dataclass(frozen=True)
class ContactReadings:
    """pressing : force of contact on each vertex [N], shape (vertex_count, 3)
    rubbing : of friction, likewise
    friction_state : 0 none, 1 sticks, 2 slides, int64, shape (vertex_count,)
    count : of pairs of features that push
    pair_forces : by the names of two bodies (in the order of bodies), the force of the second on the first [N], (3,)
    """

    pressing: Tensor
    rubbing: Tensor
    friction_state: Tensor
    count: int
    pair_forces: dict[tuple[str, str], Tensor]

    def between(self, one: str, other: str) -> Tensor:
        """Force of body `other` on body `one` [N], shape (3,); zero where they do not touch."""
        if (one, other) in self.pair_forces:
            return self.pair_forces[one, other]
        if (other, one) in self.pair_forces:
            return -self.pair_forces[other, one]
        return self.pressing.new_zeros(3)


def read(normal: NormalContact, friction: Friction | None, q: Tensor) -> ContactReadings:
    """At unknowns q, under the present states."""
    positions = normal.unknowns.positions
    surface, x = normal.surface, normal.end.surface_positions(q)
    contacts = surface.contacts(x)
    near = closest(contacts, x)
    push = normal.forces(contacts, x)[:, None] * near.way / near.distance[:, None]
    on_corners = near.shares[:, :, None] * push[:, None, :]
    between: dict[tuple[str, str], Tensor] = {}
    _add(between, normal, contacts.vertices, contacts.pair, on_corners)
    rubbing = torch.zeros_like(positions(q))
    state = torch.zeros(len(surface.numbers), dtype=torch.int64)
    if friction is not None:
        rubbing = -positions(friction.gradient(q))
        lagged, ratio, size, corners = friction.rubbing(q)
        _add(between, normal, lagged.vertices, lagged.pair, corners)
        acts = size > 0.0
        for kind, chosen in ((STICKS, acts & (ratio <= 1.0)), (SLIDES, acts & (ratio > 1.0))):
            touched = torch.unique(lagged.vertices[chosen])
            state[touched] = torch.maximum(state[touched], torch.full_like(touched, kind))
    everywhere = torch.zeros(normal.unknowns.vertex_count, dtype=torch.int64)
    everywhere[surface.numbers] = state
    pressing = torch.zeros_like(positions(q))
    on_surface = scatter(contacts, on_corners.reshape(-1, 12), len(surface.numbers)).to(q.device)
    pressing.index_add_(0, surface.numbers.to(q.device), on_surface)
    return ContactReadings(pressing, rubbing, everywhere, len(contacts), between)


def _add(
    between: dict[tuple[str, str], Tensor], normal: NormalContact, vertices: Tensor, pair: Tensor, forces: Tensor
) -> None:
    """Sum forces on corners, shape (n, 4, 3), on the first body of each pair of different bodies."""
    surface = normal.surface
    body = torch.from_numpy(surface.body_of)[vertices]
    for number in torch.unique(pair).tolist():
        names = surface.pair_bodies(number)
        if names[0] == names[1]:
            continue
        first = number // len(surface.bodies)
        own = (pair == number)[:, None] & (body == first)
        between[names] = between.get(names, torch.zeros(3, dtype=forces.dtype)) + forces[own].sum(dim=0)
