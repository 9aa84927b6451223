"""What one step minimises: all energies, inertia and gravity."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.linalg import vector_norm

from engine.core.errors import NonFiniteError
from engine.simulation.newton import ROUNDING, Gradient, Stresses, Value
from engine.simulation.system import System
from engine.simulation.triplets import SparseMatrix


class StepObjective:
    """Σ E(q) + w/2 |x − x̂|²_M − Σ m g · x [J].

    inertia : w [1/s²]
    target : x̂ [m], shape (vertex_count, 3)
    step : number of the step, for messages
    """

    def __init__(self, system: System, inertia: float, target: Tensor, step: int) -> None:
        self._system = system
        self._masses = system.vertex_masses[:, None]
        self._inertia = inertia
        self._target = target
        self._weight = self._masses * system.gravity
        self._step = step
        self._free = system.free
        self._first_rotation = int((system.free < 3 * system.unknowns.vertex_count).sum())
        diagonal = target.new_zeros(system.unknowns.size)
        system.unknowns.positions(diagonal).copy_((inertia * self._masses).expand_as(target))
        self._diagonal = diagonal
        self._length = _spacing(target)
        self._valued: tuple[Tensor, int, Value] | None = None
        self._stressed = system.stressed

    def value(self, q: Tensor) -> Value:
        # Whoever looks where to start from has asked for it there.
        if self._valued is None or self._valued[0] is not q or self._valued[1] != q._version:
            self._valued = q, q._version, self._value(q)
        return self._valued[2]

    def _value(self, q: Tensor) -> Value:
        parts = [energy.value(q) for energy in self._system.energies.values()]
        moved = self._system.unknowns.positions(q) - self._target
        parts.append(0.5 * self._inertia * (self._masses * moved * moved).sum())
        # Relative to where inertia leads: the same up to a constant, with fewer digits lost.
        parts.append(-(self._weight * moved).sum())
        values = torch.stack(parts)
        return Value(float(values.sum()), float(values.abs().sum()))

    def gradient(self, q: Tensor) -> Gradient:
        """The residual is measured by the largest of the forces of one energy, of inertia and of gravity."""
        unknowns = self._system.unknowns
        inertia = self._inertia * self._masses * (unknowns.positions(q) - self._target)
        total = torch.zeros_like(q)
        unknowns.positions(total).copy_(inertia - self._weight)
        sizes, magnitude = torch.stack([vector_norm(inertia), vector_norm(self._weight)]), total.abs()
        if self._system.energies:
            parts = torch.stack([energy.gradient(q) for energy in self._system.energies.values()])
            self._check_finite(vector_norm(parts, dim=1))
            sizes = torch.cat([sizes, vector_norm(parts[:, : 3 * unknowns.vertex_count], dim=1)])
            magnitude += parts.abs().sum(dim=0)
            total += parts.sum(dim=0)
        if not bool(torch.isfinite(total).all()):
            raise NonFiniteError("inertia", self._step, f"Step {self._step}: the inertia became non-finite.")
        return Gradient(total, float(sizes.max()), ROUNDING * float(magnitude @ q.abs()))

    def _check_finite(self, sizes: Tensor) -> None:
        """Raise `NonFiniteError` for the first energy whose gradient has no size, of all in their order."""
        for name, finite in zip(self._system.energies, torch.isfinite(sizes).tolist(), strict=True):
            if not finite:
                raise NonFiniteError(name, self._step, f"Step {self._step}: the energy {name} became non-finite.")

    def holding(self, q: Tensor) -> Tensor:
        """What holds the held unknowns where they are [N], shape (vertex_count, 3), 0 elsewhere."""
        held, forces = self._system.held, torch.zeros_like(q)
        forces[held] = self.gradient(q).total[held]
        return self._system.unknowns.positions(forces)

    def hessian(
        self, q: Tensor, *, project: bool, stresses: Stresses | None = None
    ) -> tuple[Sequence[SparseMatrix], Tensor]:
        given = stresses or {}
        parts = [
            self._stressed[name].hessian(q, project=project, stresses=given[name])
            if name in given
            else energy.hessian(q, project=project)
            for name, energy in self._system.energies.items()
        ]
        return parts, self._diagonal

    def stresses(self, q: Tensor, motion: Tensor | None = None) -> Stresses:
        return {name: energy.stresses(q, motion) for name, energy in self._stressed.items()}

    def largest_step(self, q: Tensor, direction: Tensor) -> float:
        return min((limit.largest_step(q, direction) for limit in self._system.limits), default=1.0)

    def reached(self, q: Tensor) -> None:
        for energy in self._system.energies.values():
            energy.track(q)

    def residual(self, gradient: Tensor) -> float:
        """Norm of the forces on free vertices, and of the moments on free rotations over the spacing of vertices."""
        free = gradient[self._free]
        moments = float(vector_norm(free[self._first_rotation :])) / self._length
        return max(float(vector_norm(free[: self._first_rotation])), moments)


def _spacing(positions: Tensor) -> float:
    """About how far vertices of a surface are from each other [m]."""
    extent = float((positions.max(dim=0).values - positions.min(dim=0).values).norm())
    return max(extent, 1e-30) / len(positions) ** 0.5
