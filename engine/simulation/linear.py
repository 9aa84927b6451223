"""Linear systems of a step: one matrix of the Hessians of all energies, and a preconditioner made as seldom as can be.

The matrix is symmetric. Conjugate gradients solve for it, with a preconditioner of an earlier matrix before them, until
they take more iterations than a new one is worth. Up to `FACTORED` unknowns that is a factor L D Lᵀ (qdldl), which also
says whether the matrix is positive definite; of larger systems it is multigrid, and a factor where that fails.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import qdldl
import torch
from scipy.sparse import csc_matrix, csr_matrix
from scipy.sparse.linalg import splu
from torch import Tensor

from engine.core.bridge import launch
from engine.simulation import matrix_kernels as kernels
from engine.simulation.multigrid import Multigrid
from engine.simulation.triplets import SparseMatrix, Triplets, VertexBlocks

FACTORED = 30_000
"""Unknowns up to which a factor is faster than multigrid, for a Newton step."""
FACTORED_EXACTLY = 60_000
"""Likewise for a solution to rounding."""
EXACT, ROUGHLY = 1e-13, 1e-2
"""Relative residual of a solution to rounding, and of its correction."""
UNSURE = 1e-6
"""Part of a solution that rounding may change. Where nothing can move freely that is about 1e-13; where something can,
it is 1e-4 to all of it."""
MULTIGRID_LIMIT = 300
"""Iterations after which multigrid has failed."""
TRIED, GIVEN_UP, GIVEN_UP_SOON = 2, 0.5, 0.8
"""Iterations that conjugate gradients have in any case, and the part of the decades due by then (all are, at the limit)
below which they are given up, with multigrid and with a factor of another matrix: that one hardly gets better later."""
CPU = torch.device("cpu")


Modes = Callable[[], np.ndarray]


class Assembler:
    """Adds Hessians up to a matrix over the free unknowns. The pattern is found again only when it has changed: when
    the rows and columns of `Triplets` are others, or `VertexBlocks` are where none was.

    free : numbers of the free unknowns, in order
    size : all unknowns
    """

    def __init__(self, free: Tensor, size: int) -> None:
        self._free = free.cpu().numpy()
        self._number = np.full(size, -1, np.int32)
        self._number[self._free] = np.arange(len(self._free))
        self._patterns: list[tuple[Tensor, Tensor]] | None = None

    def forget(self) -> None:
        """Start anew: what follows then depends on nothing of the moment that was added before."""
        if self._patterns is not None:
            self._set_pattern(self._own)

    def matrix(self, parts: Sequence[SparseMatrix], diagonal: Tensor) -> csc_matrix:
        """The sum of `parts` and a diagonal, shape (size,), over the free unknowns; indices in order, none twice."""
        lasting = [part for part in parts if isinstance(part, Triplets)]
        passing = [part.to(CPU) for part in parts if isinstance(part, VertexBlocks) and len(part.vertices)]
        if not self._same_patterns(lasting):
            self._find_pattern(lasting)
        values = np.concatenate([*(part.values.cpu().numpy() for part in lasting), diagonal.cpu().numpy()[self._free]])
        sums = self._summing @ values
        data = self._placed(sums)
        if not self._add(passing, data):
            self._extend(passing)
            data = self._placed(sums)
            self._add(passing, data)
        return _with(self._template, data)

    def _placed(self, sums: np.ndarray) -> np.ndarray:
        data = np.zeros(len(self._indices))
        data[self._places] = sums
        return data

    def _add(self, passing: Sequence[VertexBlocks], data: np.ndarray) -> bool:
        """Whether all of it found a place."""
        missing = torch.zeros(1, dtype=torch.int32)
        numbers, starts, indices, into = (
            torch.from_numpy(array) for array in (self._number, self._starts, self._indices, data)
        )
        for part in passing:
            arguments = [part.vertices, part.values, numbers, starts, indices, into, missing]
            launch(kernels.add_blocks, len(part.vertices), arguments, device=CPU)
        return not int(missing)

    def _same_patterns(self, parts: Sequence[Triplets]) -> bool:
        known = self._patterns
        return (
            known is not None
            and len(parts) == len(known)
            and all(part.rows is rows and part.cols is cols for part, (rows, cols) in zip(parts, known, strict=True))
        )

    def _find_pattern(self, parts: Sequence[Triplets]) -> None:
        count = len(self._free)
        rows = np.concatenate([*(self._number[part.rows.cpu().numpy()] for part in parts), np.arange(count)])
        cols = np.concatenate([*(self._number[part.cols.cpu().numpy()] for part in parts), np.arange(count)])
        source = np.flatnonzero((rows >= 0) & (cols >= 0))
        keys = cols[source].astype(np.int64) * count + rows[source]
        self._own, slots = np.unique(keys, return_inverse=True)
        shape = (len(self._own), len(rows))
        self._summing = csr_matrix((np.ones(len(source)), (slots, source)), shape=shape)
        self._patterns = [(part.rows, part.cols) for part in parts]
        self._set_pattern(self._own)

    def _extend(self, passing: Sequence[VertexBlocks]) -> None:
        """The pattern of `Triplets`, and places for these blocks."""
        vertex_count = len(self._number) // 3 + 1
        pairs = _sorted_once(
            [
                (part.vertices[:, :, None] * vertex_count + part.vertices[:, None]).reshape(-1).numpy()
                for part in passing
            ]
        )
        axis = np.arange(3)
        rows = self._number[(3 * (pairs // vertex_count))[:, None, None] + axis[:, None]]
        cols = self._number[(3 * (pairs % vertex_count))[:, None, None] + axis]
        free = (rows >= 0) & (cols >= 0)
        keys = (cols.astype(np.int64) * len(self._free) + rows)[free]
        self._set_pattern(_sorted_once([self._own, keys]))

    def _set_pattern(self, keys: np.ndarray) -> None:
        count = len(self._free)
        self._indices = (keys % count).astype(np.int32)
        self._starts = np.searchsorted(keys, np.arange(count + 1) * count).astype(np.int32)
        self._places = np.searchsorted(keys, self._own)
        self._template = csc_matrix((np.zeros(len(keys)), self._indices, self._starts), shape=(count, count))


def _with(template: csc_matrix, data: np.ndarray) -> csc_matrix:
    """A matrix of the pattern of another, which has been looked through already."""
    matrix = copy.copy(template)
    matrix.data = data
    return matrix


def _sorted_once(parts: Sequence[np.ndarray]) -> np.ndarray:
    """All numbers of `parts`, each once (np.unique counts them in a table first, which takes several times as long)."""
    numbers = np.sort(np.concatenate(parts), kind="stable")
    new = np.ones(len(numbers), bool)
    new[1:] = numbers[1:] != numbers[:-1]
    return numbers[new]


class Preconditioner(Protocol):
    """Solves about, for a matrix of `size` unknowns. `worth` iterations cost as much as making it."""

    @property
    def size(self) -> int: ...

    @property
    def worth(self) -> int: ...

    def solve(self, right: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Upper:
    """Where the upper triangle of a symmetric matrix of one pattern is: all that a factor is made of.

    pattern : row indices and starts of the columns of the matrix
    own : its entries of the triangle
    template : a triangle
    """

    pattern: tuple[np.ndarray, np.ndarray]
    own: np.ndarray
    template: csc_matrix

    @staticmethod
    def of(matrix: csc_matrix) -> Upper:
        columns = np.repeat(np.arange(matrix.shape[1], dtype=np.int32), np.diff(matrix.indptr))
        own = np.flatnonzero(matrix.indices <= columns)
        starts = np.searchsorted(own, matrix.indptr).astype(np.int32)
        template = csc_matrix((matrix.data[own], matrix.indices[own], starts), shape=matrix.shape)
        return Upper((matrix.indices, matrix.indptr), own, template)

    def fits(self, matrix: csc_matrix) -> bool:
        given = (matrix.indices, matrix.indptr)
        return all(a is b or np.array_equal(a, b) for a, b in zip(self.pattern, given, strict=True))

    def matrix(self, data: np.ndarray) -> csc_matrix:
        """The triangle, for the data of the whole matrix."""
        return _with(self.template, data[self.own])


@dataclass(frozen=True)
class Factor:
    """L D Lᵀ of a matrix; `positive` where the matrix is positive definite."""

    solver: qdldl.Solver | None
    positive: bool
    upper: Upper
    worth: int

    @property
    def size(self) -> int:
        return int(self.upper.template.shape[0])

    def solve(self, right: np.ndarray) -> np.ndarray:
        assert self.solver is not None
        return np.asarray(self.solver.solve(right))


class SymmetricSolver:
    """Solves for one matrix after another that differ little."""

    def __init__(self) -> None:
        self._kept: Preconditioner | None = None
        self._latest: Factor | None = None
        self._rate = 0.0
        """Iterations a decade of the residual when the preconditioner was new."""
        self._spent = 0.0
        self._multigrid_fails = False
        self.factor_count = 0

    def forget(self) -> None:
        """Start anew: what follows then depends on nothing that was solved before."""
        self._drop()
        self._multigrid_fails = False

    def solve(self, matrix: csc_matrix, right: np.ndarray, *, tolerance: float, modes: Modes) -> np.ndarray | None:
        """x with |A x − b| at most `tolerance` · |b| in the preconditioner's norm; None where A is found not to be
        positive definite. `modes` makes those of `Multigrid`."""
        kept = self._kept
        if kept is not None and len(right) == kept.size:
            usual = 1.0 + self._rate * _decades(tolerance)
            found = conjugate_gradients(
                matrix,
                right,
                kept,
                tolerance,
                limit=kept.worth + math.ceil(1.5 * usual),
                given_up=GIVEN_UP_SOON if isinstance(kept, Factor) else GIVEN_UP,
            )
            if found.solution is not None:
                # What a better one would have saved, summed: at its price it is bought.
                self._spent += max(found.iterations - usual, 0.0)
                if self._spent > kept.worth:
                    self._drop()
                return found.solution
            if found.indefinite:
                return None
        self.factor_count += 1
        self._drop()
        if len(right) > FACTORED and not self._multigrid_fails and bool((matrix.diagonal() > 0.0).all()):
            grids = Multigrid(matrix, modes())
            found = conjugate_gradients(matrix, right, grids, tolerance, limit=MULTIGRID_LIMIT)
            if found.solution is not None:
                self._kept, self._rate = grids, found.iterations / _decades(tolerance)
                return found.solution
            if found.indefinite:
                return None
            self._multigrid_fails = True
        # The latest one is overwritten where the pattern is its own, whatever comes of it.
        self._latest = factor = factor_of(matrix, self._latest)
        if not factor.positive:
            return None
        self._kept = factor
        # One or two iterations: they make up for rounding in the factor.
        found = conjugate_gradients(matrix, right, factor, tolerance, limit=20)
        return factor.solve(right) if found.solution is None else found.solution

    def _drop(self) -> None:
        self._kept, self._rate, self._spent = None, 0.0, 0.0


class SingularMatrixError(Exception):
    """A matrix is singular, as far as float64 can tell."""


class ExactSolver:
    """Solves to rounding for one symmetric matrix after another, which may be indefinite (for the adjoint)."""

    def __init__(self) -> None:
        self._latest: Factor | None = None

    def solve(self, matrix: csc_matrix, right: np.ndarray, *, modes: Modes) -> np.ndarray:
        """x with A x = b. `modes` makes those of `Multigrid`. Raises `SingularMatrixError` where x is
        not to be trusted: where solving again for what x leaves of b changes x by more than `UNSURE` of it."""
        if len(right) > FACTORED_EXACTLY and bool((matrix.diagonal() > 0.0).all()):
            found = _by_multigrid(matrix, right, Multigrid(matrix, modes()))
            if found is not None:
                return found
        self._latest = factor = factor_of(matrix, self._latest)
        solve = factor.solve if factor.positive else _indefinite(matrix)
        solution = solve(right)
        for _ in range(2):
            solution = _corrected(solution, solve(right - matrix @ solution))
        return solution


def _by_multigrid(matrix: csc_matrix, right: np.ndarray, grids: Multigrid) -> np.ndarray | None:
    """A solution to rounding; None where conjugate gradients do not find it. Raises `SingularMatrixError`."""
    found = conjugate_gradients(matrix, right, grids, EXACT, limit=MULTIGRID_LIMIT)
    if found.solution is None:
        return None
    left = conjugate_gradients(matrix, right - matrix @ found.solution, grids, ROUGHLY, limit=MULTIGRID_LIMIT)
    return None if left.solution is None else _corrected(found.solution, left.solution)


def _corrected(solution: np.ndarray, correction: np.ndarray) -> np.ndarray:
    """With the solution for what it had left; raises `SingularMatrixError` where that is too large to trust either."""
    if not np.linalg.norm(correction) <= UNSURE * np.linalg.norm(solution):
        raise SingularMatrixError
    return solution + correction


def _indefinite(matrix: csc_matrix) -> Callable[[np.ndarray], np.ndarray]:
    """What solves for a matrix that need not be positive definite."""
    try:
        return splu(matrix).solve
    except RuntimeError:  # a pivot of zero
        raise SingularMatrixError from None


def _decades(tolerance: float) -> float:
    return max(-math.log10(tolerance), 0.5)


def factor_of(matrix: csc_matrix, earlier: Factor | None = None) -> Factor:
    """L D Lᵀ of a symmetric matrix. An `earlier` factor of the same pattern is overwritten: its order serves again."""
    known = earlier is not None and earlier.upper.fits(matrix)
    upper = earlier.upper if earlier is not None and known else Upper.of(matrix)
    solver = earlier.solver if earlier is not None and known else None
    try:
        if solver is None:
            solver = qdldl.Solver(upper.matrix(matrix.data), upper=True)
        else:
            solver.update(upper.matrix(matrix.data), upper=True)
    except RuntimeError:  # a pivot of zero
        return Factor(solver, False, upper, 0)
    lower, diagonal, _ = solver.factors()
    counts = np.diff(lower.indptr).astype(np.float64)
    worth = int(np.clip((counts**2).sum() / (8.0 * counts.sum() + 1.0), 8, 60))
    return Factor(solver, bool((diagonal > 0.0).all()), upper, worth)


@dataclass(frozen=True)
class Found:
    """solution : None where conjugate gradients did not come so far
    iterations : that it took
    indefinite : because the matrix is not positive definite
    """

    solution: np.ndarray | None
    iterations: int = 0
    indefinite: bool = False


def conjugate_gradients(
    matrix: csc_matrix,
    right: np.ndarray,
    factor: Preconditioner,
    tolerance: float,
    *,
    limit: int,
    given_up: float = GIVEN_UP,
) -> Found:
    """Conjugate gradients with a preconditioner of a similar matrix before them.

    given_up : the part of the decades due by an iteration below which they end there
    """
    solution = np.zeros_like(right)
    residual = right.copy()
    better = factor.solve(residual)
    product = float(residual @ better)
    start, direction = product, better
    if start == 0.0:
        return Found(solution)
    for iteration in range(1, limit + 1):
        if iteration > TRIED and product > tolerance ** (2.0 * given_up * (iteration - 1) / limit) * start:
            return Found(None, iteration - 1)
        image = matrix @ direction
        curvature = float(direction @ image)
        if not curvature > 0.0:
            return Found(None, iteration, indefinite=True)
        step = product / curvature
        solution += step * direction
        residual -= step * image
        better = factor.solve(residual)
        product, before = float(residual @ better), product
        if not product > tolerance**2 * start:
            return Found(solution, iteration)
        direction = better + (product / before) * direction
    return Found(None, limit)
