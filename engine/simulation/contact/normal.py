"""What keeps bodies apart: a potential of the distance between all features that are near."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from engine.simulation.contact.ends import StepEnd
from engine.simulation.contact.laws import Law
from engine.simulation.contact.stencils import (
    Closest,
    Contacts,
    block_triplets,
    closest,
    distance_derivatives,
    fading,
    fading_derivatives,
    scatter,
)
from engine.simulation.contact.surface import CollisionSurface
from engine.simulation.energy import Unknowns
from engine.simulation.parametrised import Limits, Parametrised
from engine.simulation.triplets import Triplets

STIFFNESS = Limits(0.0, above=True)


class NormalContact(Parametrised):
    """k Σ w f φ(d) over all contacts [J]: w how often a pair counts, f how far edges are from parallel, φ a `Law`.

    end : where everything is at the end of a step
    stiffness : k [N/m]
    """

    owner = "contact"

    def __init__(self, unknowns: Unknowns, surface: CollisionSurface, law: Law, end: StepEnd, stiffness: float) -> None:
        super().__init__({"stiffness": stiffness}, {"stiffness": STIFFNESS}, torch.device("cpu"))
        self.unknowns = unknowns
        self.surface = surface
        self.law = law
        self.end = end
        self._measured: tuple[Contacts, Closest, Tensor] | None = None

    def value(self, q: Tensor) -> Tensor:
        x = self.end.surface_positions(q)
        contacts = self.surface.contacts(x)
        if not len(contacts):
            return q.new_zeros(())
        near, shown = self._measure(contacts, x)
        parts = contacts.weight * shown * self.law.value(near.distance)
        return self._stiffness(q) * parts.sum() / self.end.reach

    def gradient(self, q: Tensor) -> Tensor:
        return self._stiffness(q) * self._unit_gradient(q)

    def hessian(self, q: Tensor, *, project: bool) -> Triplets:
        x = self.end.surface_positions(q)
        contacts = self.surface.contacts(x)
        blocks = self._blocks(contacts, x)
        if project and len(contacts):
            # Values are clamped one block at a time: what is left is the nearest that is nowhere concave.
            values, vectors = torch.linalg.eigh(blocks)
            blocks = (vectors * values.clamp(min=0.0)[:, None, :]) @ vectors.transpose(1, 2)
        blocks = (self._stiffness(q) * self.end.reach).cpu() * blocks
        surface = self.surface
        return block_triplets(contacts, blocks, surface.numbers, surface.is_held, self.unknowns.size).to(q.device)

    def mixed(self, q: Tensor, z: Tensor) -> dict[str, Tensor]:
        found = {"stiffness": self._unit_gradient(q) @ z}
        if self.end.keeps:
            # Positions at the end of the step hang on those at its start with the share 1 − reach.
            pulled = self.hessian(q, project=False).multiply(z) * (1.0 / self.end.reach - 1.0)
            found |= self.end.named(self.unknowns.positions(pulled))
        return found

    def state(self) -> dict[str, Tensor]:
        return self.end.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.end.restore(state)

    def begin(self, q: Tensor) -> None:
        self.end.begin(q)

    def begin_adjoint(self, adjoint: Mapping[str, Tensor]) -> Tensor | None:
        return self.end.begin_adjoint(adjoint)

    def follow(self, q: Tensor, guess: Tensor) -> Tensor:
        return guess

    def advance(self, q: Tensor) -> Tensor:
        return self.end.advance(q)

    def advance_adjoint(self, q: Tensor, adjoint: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        return self.end.advance_adjoint(q, adjoint)

    def largest_step(self, q: Tensor, direction: Tensor) -> float:
        """How far everything may go without anything touching, at most 1."""
        surface = self.surface
        start = surface.on_surface(self.end.positions(q))
        end = surface.on_surface(self.end.positions(q + direction))
        return surface.largest_step(start, end)

    def forces(self, contacts: Contacts, x: Tensor) -> Tensor:
        """By which each contact pushes its features apart [N], shape (n,), differentiable in `x`."""
        near = closest(contacts, x)
        return self.contact_forces(contacts, x, near, self.parameters["stiffness"])

    def contact_forces(self, contacts: Contacts, x: Tensor, near: Closest, stiffness: Tensor) -> Tensor:
        return -stiffness * contacts.weight * fading(contacts, x) * self.law.slope(near.distance)

    def _stiffness(self, q: Tensor) -> Tensor:
        return self._parameters["stiffness"].to(q.device)

    def _unit_gradient(self, q: Tensor) -> Tensor:
        """Of the potential for a stiffness of 1 N/m."""
        result = torch.zeros_like(q)
        x = self.end.surface_positions(q)
        contacts = self.surface.contacts(x)
        if not len(contacts):
            return result
        near, shown = self._measure(contacts, x)
        pushed = (contacts.weight * shown * self.law.slope(near.distance) / near.distance)[:, None] * near.way
        corners = (near.shares[:, :, None] * pushed[:, None, :]).reshape(-1, 12)
        fades, by_fading, _ = fading_derivatives(contacts, x)
        value = contacts.weight[fades] * self.law.value(near.distance[fades])
        corners.index_add_(0, fades, value[:, None] * by_fading)
        on_surface = scatter(contacts, corners, len(x)).to(q.device)
        self.unknowns.positions(result).index_add_(0, self.surface.numbers.to(q.device), on_surface)
        return result

    def _blocks(self, contacts: Contacts, x: Tensor) -> Tensor:
        """Second derivative of each contact's potential for 1 N/m, shape (n, 12, 12)."""
        near, shown = self._measure(contacts, x)
        first, second = distance_derivatives(contacts, near)
        d = near.distance
        slope, curvature = self.law.slope(d), self.law.curvature(d)
        # By the squared distance, of which `first` and `second` are derivatives.
        by_square = slope / (2.0 * d)
        by_square_twice = (curvature - slope / d) / (4.0 * d * d)
        weighted = (contacts.weight * shown * by_square_twice)[:, None] * first
        blocks = torch.baddbmm(
            (contacts.weight * shown * by_square)[:, None, None] * second, weighted[:, :, None], first[:, None, :]
        )
        fades, fade, fade_twice = fading_derivatives(contacts, x)
        across = by_square[fades, None, None] * first[fades][:, :, None] * fade[:, None, :]
        fading_blocks = across + across.transpose(1, 2) + self.law.value(d[fades])[:, None, None] * fade_twice
        return blocks.index_add_(0, fades, contacts.weight[fades][:, None, None] * fading_blocks)

    def _measure(self, contacts: Contacts, x: Tensor) -> tuple[Closest, Tensor]:
        """Where the features are nearest, and `fading`: once for all that is asked at one place."""
        if self._measured is None or self._measured[0] is not contacts:
            self._measured = contacts, closest(contacts, x), fading(contacts, x)
        return self._measured[1], self._measured[2]

    def _refresh(self) -> None:
        """Nothing is kept that depends on the stiffness."""
