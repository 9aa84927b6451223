"""What every potential offers: value, gradient, Hessian, and what the adjoint of an implicit step needs.

The unknowns q are float64: the positions of all vertices of all bodies [m], three a vertex, and after them one rotation
[rad] a shell edge. A step minimises the sum of energies (and of inertia) over q. What an Energy remembers from step to
step (plastic angles, frames of the rotations) is its *state*: held fixed during a step, moved on by `advance` after it
has converged. Only whole turns are counted during the step, by `track`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

from engine.simulation.triplets import SparseMatrix


@dataclass(frozen=True)
class Unknowns:
    """How q is laid out.

    vertex_count : vertices of all bodies
    rotation_count : rotations of shell edges
    """

    vertex_count: int
    rotation_count: int = 0

    @property
    def size(self) -> int:
        return 3 * self.vertex_count + self.rotation_count

    def positions(self, q: Tensor) -> Tensor:
        """View of the positions [m], shape (vertex_count, 3)."""
        return q[: 3 * self.vertex_count].reshape(self.vertex_count, 3)

    def rotations(self, q: Tensor) -> Tensor:
        """View of the rotations [rad], shape (rotation_count,)."""
        return q[3 * self.vertex_count : self.size]


class Energy(Protocol):
    """A potential [J] of q, float64, shape (unknowns.size,).

    parameters : what can be differentiated, by name ("young", "poisson", "thickness", "rest_positions", ...): scalars,
        or one value an element. They are replaced through `assign`, never written into.
    """

    @property
    def unknowns(self) -> Unknowns:
        """Layout of q."""

    @property
    def parameters(self) -> Mapping[str, Tensor]: ...

    def assign(self, parameters: Mapping[str, Tensor]) -> None:
        """Replace some of the parameters; refuses unknown names, other shapes and values out of their limits."""

    def value(self, q: Tensor) -> Tensor:
        """The potential [J], a scalar."""

    def gradient(self, q: Tensor) -> Tensor:
        """Its derivative in q (minus the force), shape (size,)."""

    def hessian(self, q: Tensor, *, project: bool) -> SparseMatrix:
        """Its second derivative: positive semi-definite element by element with `project` (for a Newton step), exact
        without (for the adjoint)."""

    def mixed(self, q: Tensor, z: Tensor) -> dict[str, Tensor]:
        """z^T d2E/dq dp for every parameter and every differentiable piece of the state, each shaped like p."""

    def state(self) -> dict[str, Tensor]:
        """What is held fixed during a step: copies, empty where there is nothing."""

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to an earlier `state()`."""

    def begin(self, q: Tensor) -> None:
        """Take over where a simulation starts, what of the state follows from that."""

    def begin_adjoint(self, adjoint: Mapping[str, Tensor]) -> Tensor | None:
        """Adjoint of `begin`: that of the positions at the start, shape (vertex_count, 3), from those of the state
        there; None where the state does not follow from them."""

    def track(self, q: Tensor) -> None:
        """Take over that the solver of a step has got to q, on a way without jumps; value and derivatives at q stay."""

    def follow(self, q: Tensor, guess: Tensor) -> Tensor:
        """`guess`, from where a step may start, with rotations that fit its positions: the normals of edges stand to
        their faces as they do in q."""

    def advance(self, q: Tensor) -> Tensor:
        """Move the state on after a step has converged to q; returns q as the next step sees it.

        Positions are never changed. Rotations may be counted from new frames: energy and forces of the returned q
        under the new state are those of q under the old one, except where something yields.
        """

    def advance_adjoint(self, q: Tensor, adjoint: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Adjoint of `advance`, asked with the state from *before* it and the same q.

        adjoint : of the differentiable pieces of the state after the step
        Returns the adjoint of q, shape (size,), and by name those of the state before the step and of parameters.
        Frames have no adjoint: where a step converges to does not depend on them.
        """


@runtime_checkable
class StressedEnergy(Protocol):
    """An Energy whose Hessian may be asked with other stresses than those at q where the geometry stiffens by them."""

    def stresses(self, q: Tensor, motion: Tensor | None = None) -> Tensor:
        """At q, or after `motion` from there to first order; they have no meaning to others."""

    def hessian(self, q: Tensor, *, project: bool, stresses: Tensor | None = None) -> SparseMatrix: ...


@runtime_checkable
class PacedEnergy(Protocol):
    """An Energy that knows how long a step is. What it was told is part of its state."""

    def pace(self, step_size: float) -> None:
        """The step that begins takes so long [s]."""


class Trackless:
    """The part of an Energy whose value does not hang on the way to where it is taken."""

    def track(self, q: Tensor) -> None:
        pass


class StartsAnywhere(Trackless):
    """The part of an Energy whose state does not follow from where a simulation starts."""

    def begin(self, q: Tensor) -> None:
        pass

    def begin_adjoint(self, adjoint: Mapping[str, Tensor]) -> Tensor | None:
        return None


class Stateless(StartsAnywhere):
    """The part of an Energy that remembers nothing."""

    def state(self) -> dict[str, Tensor]:
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        pass

    def follow(self, q: Tensor, guess: Tensor) -> Tensor:
        return guess

    def advance(self, q: Tensor) -> Tensor:
        return q

    def advance_adjoint(self, q: Tensor, adjoint: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        return q.new_zeros(q.shape), {}
