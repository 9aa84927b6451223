"""Linear systems of a step: one matrix from the Hessians of all energies, factored as seldom as it can be.

The matrix is symmetric. A factor L D Lᵀ (qdldl) is kept and preconditions conjugate gradients for the matrices that
follow, until they take more iterations than a new factor is worth: what a system costs is then a few products, and the
factor's pattern is found once. A new factor also says whether the matrix is positive definite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import qdldl
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu
from torch import Tensor

from engine.simulation.triplets import Triplets


class Assembler:
    """Adds Hessians up to a matrix over the free unknowns. The pattern is found again only when it has changed.

    free : numbers of the free unknowns, in order
    size : all unknowns
    """

    def __init__(self, free: Tensor, size: int) -> None:
        self._free = free.cpu().numpy()
        self._size = size
        self._number = np.full(size, -1, np.int64)
        self._number[self._free] = np.arange(len(self._free))
        self._patterns: list[tuple[Tensor, Tensor]] = []

    def matrix(self, parts: Sequence[Triplets], diagonal: Tensor) -> csc_matrix:
        """The sum of `parts` and a diagonal, shape (size,), over the free unknowns; indices in order, none twice."""
        if not self._same_patterns(parts):
            self._find_pattern(parts)
        values = np.concatenate([*(part.values.cpu().numpy() for part in parts), diagonal.cpu().numpy()[self._free]])
        data = np.bincount(self._slots, weights=values[self._source], minlength=len(self._indices))
        shape = (len(self._free), len(self._free))
        return csc_matrix((data, self._indices, self._starts), shape=shape)

    def _same_patterns(self, parts: Sequence[Triplets]) -> bool:
        return len(parts) == len(self._patterns) and all(
            part.rows is rows and part.cols is cols for part, (rows, cols) in zip(parts, self._patterns, strict=True)
        )

    def _find_pattern(self, parts: Sequence[Triplets]) -> None:
        count = len(self._free)
        rows = np.concatenate([*(self._number[part.rows.cpu().numpy()] for part in parts), np.arange(count)])
        cols = np.concatenate([*(self._number[part.cols.cpu().numpy()] for part in parts), np.arange(count)])
        self._source = np.flatnonzero((rows >= 0) & (cols >= 0))
        places, self._slots = np.unique(cols[self._source] * count + rows[self._source], return_inverse=True)
        self._indices = (places % count).astype(np.int32)
        self._starts = np.searchsorted(places, np.arange(count + 1) * count).astype(np.int32)
        self._patterns = [(part.rows, part.cols) for part in parts]


@dataclass(frozen=True)
class Factor:
    """L D Lᵀ of a matrix; `positive` where the matrix is positive definite."""

    solver: qdldl.Solver | None
    positive: bool
    pattern: tuple[np.ndarray, np.ndarray]
    worth: int
    """Products with the factor that cost as much as making it."""

    def solve(self, right: np.ndarray) -> np.ndarray:
        assert self.solver is not None
        return np.asarray(self.solver.solve(right))


class SymmetricSolver:
    """Solves for one matrix after another that differ little."""

    def __init__(self) -> None:
        self._factor: Factor | None = None
        self._latest: Factor | None = None
        self._spent = 0
        self.factor_count = 0

    def forget(self) -> None:
        """Start anew: what follows then depends on nothing that was solved before."""
        self._factor = None
        self._spent = 0

    def solve(self, matrix: csc_matrix, right: np.ndarray, *, tolerance: float) -> np.ndarray | None:
        """x with |A x − b| at most `tolerance` · |b| in the factor's norm; None where A is not positive definite."""
        if self._factor is not None and len(right) == len(self._factor.pattern[1]) - 1:
            worth = self._factor.worth
            found = conjugate_gradients(matrix, right, self._factor, tolerance, limit=worth)
            if found.solution is not None:
                # What a better factor would have saved, summed: at its price it is bought.
                self._spent += found.iterations - 1
                if self._spent > worth:
                    self.forget()
                return found.solution
            if found.indefinite:
                return None
        self.factor_count += 1
        # The latest one is overwritten where the pattern is its own, whatever comes of it.
        self._latest = factor = factor_of(matrix, self._latest)
        self._factor = factor if factor.positive else None
        self._spent = 0
        if not factor.positive:
            return None
        # One or two iterations: they make up for rounding in the factor.
        found = conjugate_gradients(matrix, right, factor, tolerance, limit=20)
        return factor.solve(right) if found.solution is None else found.solution


def factor_of(matrix: csc_matrix, earlier: Factor | None = None) -> Factor:
    """L D Lᵀ of a symmetric matrix. An `earlier` factor of the same pattern is overwritten: its order serves again."""
    pattern = (matrix.indices, matrix.indptr)
    solver = None
    try:
        if earlier is not None and earlier.solver is not None and _same(pattern, earlier.pattern):
            solver = earlier.solver
            solver.update(matrix)
        else:
            solver = qdldl.Solver(matrix)
    except RuntimeError:  # a pivot of zero
        return Factor(solver, False, pattern, 0)
    lower, diagonal, _ = solver.factors()
    counts = np.diff(lower.indptr).astype(np.float64)
    worth = int(np.clip((counts**2).sum() / (8.0 * counts.sum() + 1.0), 8, 60))
    return Factor(solver, bool((diagonal > 0.0).all()), pattern, worth)


def _same(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> bool:
    return all(a is b or np.array_equal(a, b) for a, b in zip(one, other, strict=True))


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
    matrix: csc_matrix, right: np.ndarray, factor: Factor, tolerance: float, *, limit: int
) -> Found:
    """Conjugate gradients with a factor of a similar matrix before them."""
    solution = np.zeros_like(right)
    residual = right.copy()
    better = factor.solve(residual)
    product = float(residual @ better)
    start, direction = product, better
    if start == 0.0:
        return Found(solution)
    for iteration in range(1, limit + 1):
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


def solve_exactly(matrix: csc_matrix, right: np.ndarray) -> np.ndarray:
    """x with A x = b to rounding, for a symmetric matrix that may be indefinite (for the adjoint)."""
    factor = factor_of(matrix)
    if factor.positive:
        solution = factor.solve(right)
        for _ in range(2):
            solution += factor.solve(right - matrix @ solution)
        return solution
    return np.asarray(splu(matrix).solve(right))
