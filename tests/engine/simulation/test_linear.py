"""Matrices put together and solved."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csc_matrix

from engine.simulation.linear import Assembler, SymmetricSolver, factor_of, solve_exactly
from engine.simulation.triplets import Triplets


def positive(count: int, seed: int) -> csc_matrix:
    generator = np.random.default_rng(seed)
    square = generator.normal(size=(count, count)) * (generator.uniform(size=(count, count)) < 0.2)
    return csc_matrix(square @ square.T + count * np.eye(count))


def test_entries_add_up_over_the_free_unknowns() -> None:
    rows, cols = torch.tensor([0, 1, 1, 2, 0, 3]), torch.tensor([0, 1, 2, 1, 0, 3])
    first = Triplets(rows, cols, torch.arange(1.0, 7.0, dtype=torch.float64), 4)
    second = Triplets(cols, rows, torch.full((6,), 0.5, dtype=torch.float64), 4)
    diagonal = torch.tensor([10.0, 20.0, 30.0, 40.0], dtype=torch.float64)
    free = torch.tensor([0, 2, 3])
    wanted = (first.dense() + second.dense() + torch.diag(diagonal))[free][:, free]
    assembler = Assembler(free, 4)
    for _ in range(2):  # the second time with the pattern that it knows
        assert np.array_equal(assembler.matrix([first, second], diagonal).toarray(), wanted.numpy())
    only = assembler.matrix([second], diagonal).toarray()
    assert np.array_equal(only, (second.dense() + torch.diag(diagonal))[free][:, free].numpy())


def test_a_kept_factor_solves_for_similar_matrices() -> None:
    matrix, right = positive(60, 0), np.random.default_rng(1).normal(size=60)
    solver = SymmetricSolver()
    for change in (0.0, 0.05, 0.1):
        near = (matrix + change * csc_matrix(np.diag(np.arange(60.0)))).tocsc()
        found = solver.solve(near, right, tolerance=1e-12)
        assert found is not None
        assert np.allclose(near @ found, right, atol=1e-9)
    assert solver.factor_count == 1


def test_an_indefinite_matrix_is_noticed_and_the_next_one_is_solved_all_the_same() -> None:
    matrix, right = positive(40, 2), np.ones(40)
    saddle = matrix.copy()
    saddle.setdiag(matrix.diagonal() - 2.0 * np.linalg.eigvalsh(matrix.toarray())[0] * (np.arange(40) == 7) * 50.0)
    solver = SymmetricSolver()
    assert not factor_of(saddle).positive
    assert solver.solve(saddle, right, tolerance=1e-10) is None
    found = solver.solve(matrix, right, tolerance=1e-12)
    assert found is not None
    assert np.allclose(matrix @ found, right, atol=1e-9)
    assert np.allclose(saddle @ solve_exactly(saddle, right), right, atol=1e-9)


@pytest.mark.parametrize("seed", [3, 4])
def test_exact_solutions_are_exact_to_rounding(seed: int) -> None:
    matrix, right = positive(50, seed), np.random.default_rng(seed).normal(size=50)
    assert np.abs(matrix @ solve_exactly(matrix, right) - right).max() < 1e-12
