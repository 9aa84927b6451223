"""Coulomb's friction, smoothed, with normal forces and tangents from the start of a step.

D = Σ μ N f₀(|u|) with u the sliding of a contact during the step, f₀′ = f₁(y) = 2 y − y² for y = |u| / (ε h) below 1
and 1 above: below the speed ε it sticks up to a creep (M. Li et al.: Incremental potential contact, ACM Trans. Graph.
39(4), 2020). Normal force N, tangent plane and nearest points are those where the step starts: a state, through which
gradients pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.core.bridge import launch
from engine.simulation.contact import potential_kernels as kernels
from engine.simulation.contact.ends import LAGGED, StepEnd
from engine.simulation.contact.normal import CPU, STIFFNESS, NormalContact
from engine.simulation.contact.stencils import Contacts, closest
from engine.simulation.energy import Trackless, Unknowns
from engine.simulation.parametrised import Limits, Parametrised
from engine.simulation.triplets import VertexBlocks

COEFFICIENT = Limits(0.0)
STEP_SIZE = "step_size"


@dataclass(frozen=True)
class Lagged:
    """Contacts where the step starts.

    shares : of their corners, shape (n, 4)
    plane : projection on the tangent plane, shape (n, 3, 3)
    force : N [N], shape (n,)
    start : where the corners are [m], shape (n, 4, 3)
    """

    shares: Tensor
    plane: Tensor
    force: Tensor
    start: Tensor

    def sliding(self, corners: Tensor) -> Tensor:
        """u [m], shape (n, 3), of corners, shape (n, 4, 3)."""
        moved = (self.shares[:, :, None] * (corners - self.start)).sum(dim=1)
        return (self.plane @ moved[:, :, None])[:, :, 0]


class Friction(Parametrised, Trackless):
    """friction : coefficients, of pairs of bodies as `pair_slots` numbers them, shape (count,)
    stiffness : of `normal`, whose forces press; the two must be changed together
    pair_slots : the coefficient of each pair of bodies, int64
    speed : ε [m/s], below which contacts stick
    step_size : h [s] of the first step; of others `pace` says it
    """

    owner = "friction"

    def __init__(
        self,
        unknowns: Unknowns,
        normal: NormalContact,
        end: StepEnd,
        coefficients: Tensor,
        pair_slots: Tensor,
        *,
        speed: float,
        step_size: float,
    ) -> None:
        given = {"friction": coefficients, "stiffness": normal.parameters["stiffness"]}
        super().__init__(given, {"friction": COEFFICIENT, "stiffness": STIFFNESS}, torch.device("cpu"))
        self.unknowns = unknowns
        self.surface = normal.surface
        self.end = end
        self._speed, self._step_size = speed, step_size
        self._normal = normal
        self._slots = pair_slots
        self._kept: tuple[Contacts, Lagged] | None = None
        self._strength: Tensor | None = None

    @property
    def stick(self) -> float:
        """ε h [m]."""
        return self._speed * self._step_size

    def pace(self, step_size: float) -> None:
        self._step_size = step_size

    def value(self, q: Tensor) -> Tensor:
        contacts, arguments = self._arguments(q)
        parts = torch.empty(len(contacts), dtype=torch.float64)
        launch(kernels.friction_values, len(contacts), [self.stick, *arguments, parts], device=CPU)
        return parts.sum().to(q.device) / self.end.reach

    def gradient(self, q: Tensor) -> Tensor:
        contacts, arguments = self._arguments(q)
        result = torch.zeros(self.unknowns.size, dtype=torch.float64)
        into = [self.surface.numbers, self.unknowns.positions(result)]
        launch(kernels.friction_gradient, len(contacts), [self.stick, *arguments, *into], device=CPU)
        return result.to(q.device)

    def hessian(self, q: Tensor, *, project: bool) -> VertexBlocks:
        """Positive semi-definite as it is, but for what counts less than nothing."""
        contacts, arguments = self._arguments(q)
        blocks = torch.empty(len(contacts), 4, 4, 3, 3, dtype=torch.float64)
        given = [self.stick, self.end.reach, int(project), *arguments, blocks]
        launch(kernels.friction_blocks, len(contacts), given, device=CPU)
        return VertexBlocks(self.surface.numbers[contacts.vertices], blocks, self.unknowns.size).to(q.device)

    def mixed(self, q: Tensor, z: Tensor) -> dict[str, Tensor]:
        leaves = {
            "friction": self._parameters["friction"].clone().requires_grad_(),
            "stiffness": self._parameters["stiffness"].clone().requires_grad_(),
            LAGGED: self.end.lagged.cpu().clone().requires_grad_(),
        }
        contacts, _ = self._lagged()
        if not len(contacts):
            return {name: torch.zeros_like(leaf).to(q.device) for name, leaf in leaves.items()}
        with torch.enable_grad():
            start = leaves[LAGGED][self.surface.numbers]
            lagged = self._frames(contacts, start, leaves["stiffness"])
            solved = self.unknowns.positions(q).cpu()[self.surface.numbers]
            ends = self.end.reach * solved + (1.0 - self.end.reach) * start
            u = lagged.sliding(ends[contacts.vertices])
            strength = leaves["friction"][self._slots[contacts.pair]] * lagged.force
            pulled = (strength * _over_size(torch.linalg.vector_norm(u, dim=1), self.stick))[:, None] * u
            motion = self.unknowns.positions(z).cpu()[self.surface.numbers][contacts.vertices]
            power = (pulled * (lagged.shares[:, :, None] * motion).sum(dim=1)).sum()
            found = torch.autograd.grad(power, list(leaves.values()))
        return {name: value.to(q.device) for name, value in zip(leaves, found, strict=True)}

    def state(self) -> dict[str, Tensor]:
        return self.end.state() | {STEP_SIZE: torch.tensor([self._step_size], dtype=torch.float64)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.end.restore(state)
        self._step_size = float(state[STEP_SIZE])
        self._forget()

    def begin(self, q: Tensor) -> None:
        self.end.begin(q)
        self._forget()

    def begin_adjoint(self, adjoint: Mapping[str, Tensor]) -> Tensor | None:
        return self.end.begin_adjoint(adjoint)

    def follow(self, q: Tensor, guess: Tensor) -> Tensor:
        return guess

    def advance(self, q: Tensor) -> Tensor:
        self._forget()
        return self.end.advance(q)

    def advance_adjoint(self, q: Tensor, adjoint: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        return self.end.advance_adjoint(q, adjoint)

    def rubbing(self, q: Tensor) -> tuple[Contacts, Tensor, Tensor, Tensor]:
        """Contacts of this step; how far each slides over how far it would at the sticking speed, and the size of its
        friction [N], shapes (n,); and that on its corners [N], shape (n, 4, 3)."""
        contacts, lagged = self._lagged()
        u = self._sliding(q, contacts, lagged)
        pulled = self._pull(contacts, lagged, u)
        ratio = torch.linalg.vector_norm(u, dim=1) / self.stick
        corners = -lagged.shares[:, :, None] * pulled[:, None, :]
        return contacts, ratio, torch.linalg.vector_norm(pulled, dim=1), corners

    def _arguments(self, q: Tensor) -> tuple[Contacts, list[Tensor]]:
        """Contacts, and what kernels want to know of them."""
        contacts, lagged = self._lagged()
        if self._strength is None:
            self._strength = self._coefficients(contacts) * lagged.force
        x = self.end.surface_positions(q)
        return contacts, [x, contacts.vertices, lagged.shares, lagged.plane, self._strength, lagged.start]

    def _pull(self, contacts: Contacts, lagged: Lagged, u: Tensor) -> Tensor:
        strength = self._coefficients(contacts) * lagged.force
        return (strength * _over_size(torch.linalg.vector_norm(u, dim=1), self.stick))[:, None] * u

    def _sliding(self, q: Tensor, contacts: Contacts, lagged: Lagged) -> Tensor:
        return lagged.sliding(self.end.surface_positions(q)[contacts.vertices])

    def _coefficients(self, contacts: Contacts) -> Tensor:
        return self._parameters["friction"][self._slots[contacts.pair]]

    def _lagged(self) -> tuple[Contacts, Lagged]:
        if self._kept is None:
            start = self.end.lagged.cpu()[self.surface.numbers]
            contacts = self.surface.contacts(start)
            self._kept = contacts, self._frames(contacts, start, self._parameters["stiffness"])
        return self._kept

    def _frames(self, contacts: Contacts, start: Tensor, stiffness: Tensor) -> Lagged:
        near = closest(contacts, start)
        normal = near.way / near.distance[:, None]
        plane = torch.eye(3, dtype=start.dtype) - normal[:, :, None] * normal[:, None, :]
        force = self._normal.contact_forces(contacts, start, near, stiffness)
        return Lagged(near.shares, plane, force, start[contacts.vertices])

    def _refresh(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._kept, self._strength = None, None


def _over_size(size: Tensor, stick: float) -> Tensor:
    """f₁(|u|/stick) / |u|."""
    safe = torch.where(size < stick, stick, size)
    return torch.where(size < stick, (2.0 - size / stick) / stick, 1.0 / safe)
