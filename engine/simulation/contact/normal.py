"""What keeps bodies apart: a potential of the distance between all features that are near."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from engine.core.bridge import launch
from engine.simulation.contact import potential_kernels as kernels
from engine.simulation.contact.ends import StepEnd
from engine.simulation.contact.laws import Law
from engine.simulation.contact.stencils import Closest, Contacts, closest, fading
from engine.simulation.contact.surface import CollisionSurface
from engine.simulation.energy import Trackless, Unknowns
from engine.simulation.parametrised import Limits, Parametrised
from engine.simulation.triplets import VertexBlocks

STIFFNESS = Limits(0.0, above=True)
SMALL_PULL = 0.1
"""Part of the largest pull across its way below which that of a contact is left out where the Hessian is projected:
eigenvalues of all of them take nearly as long as all else of a Newton step."""
CPU = torch.device("cpu")


class NormalContact(Parametrised, Trackless):
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

    def value(self, q: Tensor) -> Tensor:
        x, contacts = self._touching(q)
        parts = torch.empty(len(contacts), dtype=torch.float64)
        launch(kernels.normal_values, len(contacts), [*self._law(), x, *contacts.arrays, parts], device=CPU)
        return self._stiffness(q) * parts.sum().to(q.device) / self.end.reach

    def gradient(self, q: Tensor) -> Tensor:
        return self._stiffness(q) * self._unit_gradient(q)

    def hessian(self, q: Tensor, *, project: bool) -> VertexBlocks:
        """Projected, without what little pushing takes away across the shortest ways of contacts that push little, and
        with clamped eigenvalues of all others."""
        x, contacts = self._touching(q)
        blocks = torch.empty(len(contacts), 4, 4, 3, 3, dtype=torch.float64)
        factor = float(self._parameters["stiffness"]) * self.end.reach
        whole = torch.ones(len(contacts), dtype=torch.int32)
        if project and len(contacts):
            pull = self._pull(contacts, x)
            whole = ((pull > SMALL_PULL * pull.max()) | (fading(contacts, x) < 1.0)).to(torch.int32)
        given = [*self._law(), factor, whole, x, *contacts.arrays, blocks]
        launch(kernels.normal_blocks, len(contacts), given, device=CPU)
        if project and len(contacts):
            # Values are clamped one block at a time: what is left is the nearest that is nowhere concave.
            chosen = torch.nonzero(whole)[:, 0]
            values, vectors = torch.linalg.eigh(blocks[chosen].transpose(2, 3).reshape(-1, 12, 12))
            projected = (vectors * values.clamp(min=0.0)[:, None, :]) @ vectors.transpose(1, 2)
            blocks[chosen] = projected.reshape(-1, 4, 3, 4, 3).transpose(2, 3)
        return VertexBlocks(self.surface.numbers[contacts.vertices], blocks, self.unknowns.size).to(q.device)

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

    def _touching(self, q: Tensor) -> tuple[Tensor, Contacts]:
        """Where the surfaces' vertices are, and what is nearer than the gap there."""
        x = self.end.surface_positions(q)
        return x, self.surface.contacts(x)

    def _law(self) -> tuple[int, float]:
        return self.law.number, self.law.gap

    def _pull(self, contacts: Contacts, x: Tensor) -> Tensor:
        """What pushing takes away across the shortest way of each contact, for a stiffness of 1, shape (n,)."""
        distance = self.surface.distances(contacts, x)
        return (contacts.weight * self.law.slope(distance) / distance).abs()

    def _unit_gradient(self, q: Tensor) -> Tensor:
        """Of the potential for a stiffness of 1 N/m."""
        x, contacts = self._touching(q)
        result = torch.zeros(self.unknowns.size, dtype=torch.float64)
        arguments = [*self._law(), x, *contacts.arrays, self.surface.numbers, self.unknowns.positions(result)]
        launch(kernels.normal_gradient, len(contacts), arguments, device=CPU)
        return result.to(q.device)

    def _refresh(self) -> None:
        """Nothing is kept that depends on the stiffness."""
