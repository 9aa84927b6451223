"""Smoothed aggregation multigrid before conjugate gradients, for systems too large to factor (pyamg).

Vertices and edges that are close are put together to one, again and again, such that what takes next to no energy (a
region that moves or turns as if rigid, edges that all turn alike) is kept; P. Vaněk, J. Mandel, M. Brezina: Algebraic
multigrid by smoothed aggregation, Computing 56, 1996. Its cost grows with the number of unknowns, that of a factor with
its power of 1.5.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix, diags
from torch import Tensor

COARSEST = 300
"""Unknowns of which a system is solved directly."""


class Multigrid:
    """A symmetric positive preconditioner of a matrix whose diagonal is positive.

    modes : see `rigid_modes`, shape (size, mode_count)
    """

    worth = 20
    """Iterations that cost as much as making it."""

    def __init__(self, matrix: csc_matrix, modes: np.ndarray) -> None:
        from pyamg import smoothed_aggregation_solver

        self.size = matrix.shape[0]
        self._scale = 1.0 / np.sqrt(matrix.diagonal())
        scaling = diags(self._scale)
        self._hierarchy = smoothed_aggregation_solver(
            csr_matrix(scaling @ matrix @ scaling),
            B=modes / self._scale[:, None],
            strength=("symmetric", {"theta": 0.0}),
            # Weights by rows: the usual ones are estimated from random vectors, and no two runs would be the same.
            smooth=("jacobi", {"omega": 4.0 / 3.0, "weighting": "local"}),
            improve_candidates=None,
            max_coarse=COARSEST,
            presmoother=("gauss_seidel", {"sweep": "forward"}),
            postsmoother=("gauss_seidel", {"sweep": "backward"}),
            coarse_solver="splu",
        )

    def solve(self, right: np.ndarray) -> np.ndarray:
        """One V-cycle."""
        return np.asarray(self._scale * self._cycle(0, self._scale * right))

    def _cycle(self, depth: int, right: np.ndarray) -> np.ndarray:
        """From zero. pyamg's own looks at the residual before and after, which takes a fifth of its time."""
        level = self._hierarchy.levels[depth]
        if depth == len(self._hierarchy.levels) - 1:
            return np.asarray(self._hierarchy.coarse_solver(level.A, right)).reshape(right.shape)
        solution = np.zeros_like(right)
        level.presmoother(level.A, solution, right)
        solution += level.P @ self._cycle(depth + 1, level.R @ (right - level.A @ solution))
        level.postsmoother(level.A, solution, right)
        return solution


def rigid_modes(positions: Tensor, free: Tensor) -> np.ndarray:
    """How the free unknowns go when everything moves along each axis or turns about it, and when all edges turn.

    positions : [m], shape (vertex_count, 3)
    free : numbers of the free unknowns
    Returns shape (free_count, 7), or (free_count, 6) without rotations of edges.
    """
    places = positions.cpu().numpy()
    places = places - places.mean(axis=0)
    extent = max(float(np.abs(places).max()), 1e-300)
    numbers = free.cpu().numpy()
    edges = numbers >= places.size
    vertex, axis = np.divmod(numbers[~edges], 3)
    modes = np.zeros((len(numbers), 7))
    modes[~edges, :3] = np.eye(3)[axis]
    for about in range(3):
        modes[~edges, 3 + about] = np.cross(np.eye(3)[about], places[vertex] / extent)[np.arange(len(axis)), axis]
    modes[edges, 6] = 1.0
    return modes if edges.any() else modes[:, :6]
