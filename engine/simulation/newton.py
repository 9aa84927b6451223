"""Newton's method on an energy: monotone, and quadratic at its end.

The exact Hessian is used wherever it is positive definite, the one projected element by element elsewhere (J. Teran,
E. Sifakis, G. Irving, R. Fedkiw: Robust quasistatic finite elements and flesh simulation, SCA 2005). What hardly
stretches is under huge stresses wherever a straight step turns it, and stiffens by them; so the Hessian takes the
stresses that the step before led to by its linear system, which is Newton's method with stresses as unknowns of their
own, and as quadratic at its end (D. Magisano, L. Leonetti, G. Garcea: How to improve efficiency and robustness of the
Newton method in geometrically non-linear structural problem discretized via displacement-based finite elements,
Comput. Methods Appl. Mech. Eng. 313, 2017). Linear systems are solved only as well as the residual deserves
(S. C. Eisenstat, H. F. Walker, SIAM J. Sci. Comput. 17(1), 1996).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from engine.simulation.errors import StepError
from engine.simulation.linear import FACTORED, Assembler, SymmetricSolver
from engine.simulation.multigrid import rigid_modes
from engine.simulation.triplets import SparseMatrix

Stresses = Mapping[str, Tensor]
"""Of energies, by name."""

ARMIJO = 1e-4
COARSE = 10.0
"""How much more than estimated an energy may be rounded, where forces cancel within elements (thin foil)."""

ROUGH, ROUGH_BY_MULTIGRID, CAREFUL = 1e-5, 1e-4, 1e-10
"""Relative residual of linear systems far from the minimum (by multigrid, whose iterations are dear, it costs less to
need a further one of Newton now and then), and where a direction is of no use."""

SMALLEST_STEP = 2.0**-40
ROUNDING = 4.0 * float(np.finfo(np.float64).eps)
NEAR = 0.5
"""Residual of a step that was gone whole from which on the exact Hessian is asked for again, where it was not positive
definite: far from the minimum it is hardly so, and to find that out costs a factor."""
ASK_AGAIN = 4
"""Minimisations after which the exact Hessian is tried at the start again, where it was not positive definite there."""
NEAR_ROUNDING, FAR_FROM_ROUNDING = 1e3, 1e6
"""Times the rounding of the Hessian before, or of any since the start: a residual above it is not rounded."""


@dataclass(frozen=True)
class Value:
    """total : [J]
    magnitude : of what it is the sum of [J], which says how far it is rounded
    """

    total: float
    magnitude: float


@dataclass(frozen=True)
class Gradient:
    """total : over all unknowns, shape (size,)
    forces : size of what it is the sum of [N]: what the residual is measured by
    rounding : change of the energy when every unknown is rounded [J]
    """

    total: Tensor
    forces: float
    rounding: float


class Objective(Protocol):
    """What is minimised over the free unknowns, float64."""

    def value(self, q: Tensor) -> Value:
        """Raises nothing: NaN and infinity are handed back."""

    def gradient(self, q: Tensor) -> Gradient:
        """Raises `NonFiniteError` that names the energy."""

    def hessian(
        self, q: Tensor, *, project: bool, stresses: Stresses | None = None
    ) -> tuple[Sequence[SparseMatrix], Tensor]:
        """Matrices that add up, and a diagonal, shape (size,); with these `stresses` in place of those at q."""

    def stresses(self, q: Tensor, motion: Tensor | None = None) -> Stresses:
        """Those that the Hessian hangs on: at q, or after `motion` from there to first order."""

    def largest_step(self, q: Tensor, direction: Tensor) -> float:
        """The part of `direction` that may be gone, at most 1."""

    def reached(self, q: Tensor) -> None:
        """The minimisation starts at q, or goes on from there; value and derivatives at q stay."""

    def residual(self, gradient: Tensor) -> float:
        """Size of a gradient over the free unknowns [N]."""


@dataclass(frozen=True)
class NewtonSettings:
    """tolerance : residual over the size of the forces at which the method ends
    max_iterations : after which it has failed
    """

    tolerance: float = 1e-8
    max_iterations: int = 200


@dataclass
class NewtonReport:
    """residuals : over the size of the forces, before each iteration and at the end
    energies : [J], likewise
    projected : iterations that needed the projected Hessian
    factors : matrices factored
    rounding : it ended as near as float64 comes, above the tolerance
    """

    residuals: list[float] = field(default_factory=list)
    energies: list[float] = field(default_factory=list)
    projected: int = 0
    factors: int = 0
    rounding: bool = False

    @property
    def iterations(self) -> int:
        return max(len(self.residuals) - 1, 0)


class NotConvergedError(StepError):
    """Newton's method came to no end.

    residual : over the size of the forces
    vertex : the one with the largest force left; None for a rotation
    """

    def __init__(self, residual: float, vertex: int | None, iterations: int, *, step: int = 0) -> None:
        super().__init__(
            f"does not converge: after {iterations} iterations the residual is {residual:.1e} of the forces"
            if math.isfinite(residual)
            else "does not converge: what is held does not get to where it shall be",
            () if vertex is None else (vertex,),
            step=step,
            at="largest at",
            remedy="Take smaller steps, or move what is held more slowly.",
            finer=0.5,
        )
        self.residual = residual
        self.vertex = vertex
        self.iterations = iterations


class Newton:
    """Minimises objectives over the same unknowns, one after another."""

    def __init__(self, free: Tensor, size: int, vertex_count: int, settings: NewtonSettings | None = None) -> None:
        self.settings = settings or NewtonSettings()
        self._free = free
        self._free_numpy = free.cpu().numpy()
        self._vertex_count = vertex_count
        self._assembler = Assembler(free, size)
        self._solver = SymmetricSolver()
        self._latest: tuple[Sequence[SparseMatrix], Tensor] | None = None
        self._rounding: float | None = None
        self._refused = 0
        """Minimisations since the exact Hessian was not positive definite at the start of one; 0 where it was."""

    def forget(self) -> None:
        """Start anew: what follows then depends on nothing from before, to the last bit."""
        self._solver.forget()
        self._assembler.forget()
        self._refused = 0

    def minimise(
        self, objective: Objective, start: Tensor, *, before: Tensor | None = None
    ) -> tuple[Tensor, NewtonReport]:
        """Raises `NotConvergedError` and `NonFiniteError`; `start` is left as it is.

        before : a minimum of about the same, not far from here: its stresses are a first guess of those at the end.
            Without one, stresses are always those where the method is
        """
        report = NewtonReport()
        self._latest, self._rounding = None, None
        factors_before = self._solver.factor_count
        objective.reached(start)
        # Starts of successive steps are alike: what straight ways have compressed at one, they compress at the next.
        q, value, exact = start.clone(), objective.value(start), self._refused % ASK_AGAIN == 0
        stresses = None if before is None else objective.stresses(before)
        while True:
            gradient = objective.gradient(q)
            size = objective.residual(gradient.total)
            relative = size / gradient.forces if gradient.forces > 0.0 else 0.0 if size == 0.0 else math.inf
            stalled = bool(report.residuals) and relative > 0.5 * report.residuals[-1]
            report.residuals.append(relative)
            report.energies.append(value.total)
            report.factors = self._solver.factor_count - factors_before
            if relative <= self.settings.tolerance:
                return q, report
            if stalled and self._is_rounding(objective, q, size):
                report.rounding = True
                return q, report
            if report.iterations >= self.settings.max_iterations:
                raise self._failure(gradient, report)
            direction, exact = self._direction(objective, q, gradient, relative, exact, stresses)
            if report.iterations == 0:
                self._refused = 0 if exact else self._refused + 1
            report.projected += not exact
            moved = self._search(objective, q, value, gradient, direction, exact)
            if moved is None:
                # No part of the way helps: perhaps because of these stresses, or of a system solved only roughly.
                direction, exact = self._direction(objective, q, gradient, relative, exact, tolerance=CAREFUL)
                moved = self._search(objective, q, value, gradient, direction, exact)
            if moved is None:
                if self._is_rounding(objective, q, size):
                    report.rounding = True
                    return q, report
                raise self._failure(gradient, report)
            stresses = None if before is None else objective.stresses(q, moved[0] - q)
            q, value, whole = moved
            objective.reached(q)
            exact = exact or (whole and relative <= NEAR)

    def approach(self, objective: Objective, start: Tensor, iterations: int) -> Tensor:
        """Some way to the minimum: so many iterations, or fewer where one brings nothing."""
        objective.reached(start)
        q, value = start, objective.value(start)
        for _ in range(iterations):
            gradient = objective.gradient(q)
            size = objective.residual(gradient.total)
            if not size > self.settings.tolerance * gradient.forces:
                break
            direction, _ = self._direction(objective, q, gradient, size / gradient.forces, exact=False)
            moved = self._search(objective, q, value, gradient, direction, exact=True)
            if moved is None:
                break
            q, value, _ = moved
            objective.reached(q)
        return q

    def predict(self, objective: Objective, start: Tensor, held: Tensor, motion: Tensor) -> tuple[Tensor, float]:
        """`start` after the motion of what is held, with the free unknowns where the linear response has them, or
        where they were if that is better; and how much of the way there may be gone."""
        moved = start.clone()
        moved[held] += motion
        change = moved - start
        parts, diagonal = objective.hessian(start, project=True)
        force = diagonal * change + torch.stack([part.multiply(change) for part in parts]).sum(dim=0)
        matrix = self._assembler.matrix(parts, diagonal)
        right = -force[self._free].cpu().numpy()
        response = self._solver.solve(matrix, right, tolerance=1e-3, modes=self._modes(start))
        part = objective.largest_step(start, change)
        if response is None:
            return moved, part
        followed = moved.clone()
        followed[self._free] += torch.as_tensor(response, device=start.device)
        followed_part = objective.largest_step(start, followed - start)
        if followed_part == part:
            better = objective.value(followed).total < objective.value(moved).total
        else:
            better = followed_part > part
        return (followed, followed_part) if better else (moved, part)

    def _direction(
        self,
        objective: Objective,
        q: Tensor,
        gradient: Gradient,
        relative: float,
        exact: bool,
        stresses: Stresses | None = None,
        tolerance: float | None = None,
    ) -> tuple[Tensor, bool]:
        """Where to go, and whether by the exact Hessian. `tolerance` is that of the linear system."""
        right = -gradient.total[self._free].cpu().numpy()
        # What is stiff is most of the residual, and what is soft would stay where it is: iterations are saved by more
        # exact solutions (7 instead of 9 a step where a cloth folds over a table).
        if tolerance is None:
            rough = ROUGH if len(right) <= FACTORED else ROUGH_BY_MULTIGRID
            tolerance = max(min(rough, relative), 0.1 * self.settings.tolerance / relative)
        found = None
        if exact:
            parts, diagonal = objective.hessian(q, project=False, stresses=stresses)
            matrix = self._assembler.matrix(parts, diagonal)
            found = self._solver.solve(matrix, right, tolerance=tolerance, modes=self._modes(q))
        if found is None:
            exact = False
            parts, diagonal = objective.hessian(q, project=True, stresses=stresses)
            matrix = self._assembler.matrix(parts, diagonal)
            found = self._solver.solve(matrix, right, tolerance=tolerance, modes=self._modes(q))
            # Projected elements may leave a direction without stiffness: give it a little.
            shift = 1e-10
            while found is None and shift < 1.0:
                stiffer = matrix.copy()
                stiffer.setdiag(matrix.diagonal() * (1.0 + shift) + shift * float(matrix.diagonal().mean()))
                found = self._solver.solve(stiffer, right, tolerance=tolerance, modes=self._modes(q))
                shift *= 100.0
        self._latest = parts, diagonal
        direction = torch.zeros_like(q)
        if found is not None:
            direction[self._free] = torch.as_tensor(found, device=q.device)
        return direction, exact

    def _modes(self, q: Tensor) -> Callable[[], np.ndarray]:
        positions = q[: 3 * self._vertex_count].reshape(-1, 3)
        return lambda: rigid_modes(positions, self._free)

    def _search(
        self, objective: Objective, q: Tensor, value: Value, gradient: Gradient, direction: Tensor, exact: bool
    ) -> tuple[Tensor, Value, bool] | None:
        """Halve the step until the energy falls; None where it does not. `exact`: so is the Hessian of `direction`."""
        slope = float(gradient.total @ direction)
        if not slope < 0.0:
            return None
        largest = objective.largest_step(q, direction)
        # Forces that cancel within an element are not seen here, and round all the same.
        noise = 4.0 * (gradient.rounding + ROUNDING * value.magnitude)
        step = largest
        while step > SMALLEST_STEP:
            moved = q + step * direction
            reached = objective.value(moved)
            if -step * slope > 2.5 * noise:
                if reached.total <= value.total + ARMIJO * step * slope:
                    return moved, reached, step == 1.0
            else:
                # The energy is too coarse to tell, unless it falls by more than it is rounded: the force must fall.
                # Not so near a saddle (a sheet about to buckle): what leads away from it makes the force larger.
                rise = reached.total - value.total
                left = rise <= noise and not exact
                if left or rise < -noise or (rise <= COARSE * noise and self._falls(objective, moved, gradient)):
                    return moved, reached, step == 1.0
                if step < largest and rise <= noise:
                    return None
            step *= 0.5
        return None

    def _falls(self, objective: Objective, moved: Tensor, before: Gradient) -> bool:
        """Whether the residual there is clearly below that of `before`."""
        return objective.residual(objective.gradient(moved).total) < 0.9 * objective.residual(before.total)

    def _is_rounding(self, objective: Objective, q: Tensor, size: float) -> bool:
        """Whether a residual of this size [N] comes from rounding the unknowns alone."""
        # That of an earlier Hessian tells at once in nearly all cases, even of one far from here.
        if self._rounding is not None and size > FAR_FROM_ROUNDING * self._rounding:
            return False
        if self._latest is not None:
            self._rounding = self._rounded(objective, q, *self._latest)
            if size > NEAR_ROUNDING * self._rounding:
                return False
        return size <= self._rounded(objective, q, *objective.hessian(q, project=False))

    def _rounded(self, objective: Objective, q: Tensor, parts: Sequence[SparseMatrix], diagonal: Tensor) -> float:
        total = diagonal * q.abs()
        for part in parts:
            total += part.magnitude(q.abs())
        return ROUNDING * objective.residual(total)

    def _failure(self, gradient: Gradient, report: NewtonReport) -> NotConvergedError:
        forces = gradient.total[self._free].abs()
        worst = int(self._free[int(forces.argmax())])
        place = worst // 3 if worst < 3 * self._vertex_count else None
        return NotConvergedError(report.residuals[-1], place, report.iterations)
