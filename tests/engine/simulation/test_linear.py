"""Matrices put together and solved."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csc_matrix, diags, identity, kron

from engine.geometry.sheets import regular_sheet
from engine.simulation import linear
from engine.simulation.linear import Assembler, ExactSolver, SingularMatrixError, SymmetricSolver, factor_of
from engine.simulation.multigrid import Multigrid, rigid_modes
from engine.simulation.triplets import Triplets, VertexBlocks


def positive(count: int, seed: int) -> csc_matrix:
    generator = np.random.default_rng(seed)
    square = generator.normal(size=(count, count)) * (generator.uniform(size=(count, count)) < 0.2)
    return csc_matrix(square @ square.T + count * np.eye(count))


def no_modes() -> np.ndarray:
    raise AssertionError("small systems are factored")


def elastic_net(cells: int) -> tuple[csc_matrix, np.ndarray]:
    """Springs along the edges and diagonals of a grid of points in space, held softly; and its rigid modes."""
    flat, triangles = regular_sheet(1.0, 1.0, cells, cells)
    positions = flat + 0.05 * np.sin(5.0 * flat[:, [1, 0, 0]])
    sides = np.unique(np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    way = positions[sides[:, 1]] - positions[sides[:, 0]]
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    blocks = way[:, :, None] * way[:, None, :]
    size = 3 * len(flat)
    matrix = csc_matrix(1e-2 * np.eye(size))
    for sign, first, second in ((1, 0, 0), (1, 1, 1), (-1, 0, 1), (-1, 1, 0)):
        rows = np.broadcast_to(3 * sides[:, first, None, None] + np.arange(3)[:, None], blocks.shape)
        cols = np.broadcast_to(3 * sides[:, second, None, None] + np.arange(3), blocks.shape)
        matrix = matrix + csc_matrix((sign * blocks.ravel(), (rows.ravel(), cols.ravel())), shape=(size, size))
    return csc_matrix(matrix), rigid_modes(torch.as_tensor(positions), torch.arange(size))


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
        found = solver.solve(near, right, tolerance=1e-12, modes=no_modes)
        assert found is not None
        assert np.allclose(near @ found, right, atol=1e-9)
    assert solver.factor_count == 1


def test_an_indefinite_matrix_is_noticed_and_the_next_one_is_solved_all_the_same() -> None:
    matrix, right = positive(40, 2), np.ones(40)
    saddle = matrix.copy()
    saddle.setdiag(matrix.diagonal() - 2.0 * np.linalg.eigvalsh(matrix.toarray())[0] * (np.arange(40) == 7) * 50.0)
    solver = SymmetricSolver()
    assert not factor_of(saddle).positive
    assert solver.solve(saddle, right, tolerance=1e-10, modes=no_modes) is None
    found = solver.solve(matrix, right, tolerance=1e-12, modes=no_modes)
    assert found is not None
    assert np.allclose(matrix @ found, right, atol=1e-9)
    assert np.allclose(saddle @ ExactSolver().solve(saddle, right, modes=no_modes), right, atol=1e-9)


@pytest.mark.parametrize("seed", [3, 4])
def test_exact_solutions_are_exact_to_rounding(seed: int) -> None:
    matrix, right = positive(50, seed), np.random.default_rng(seed).normal(size=50)
    assert np.abs(matrix @ ExactSolver().solve(matrix, right, modes=no_modes) - right).max() < 1e-12


def test_blocks_of_the_moment_are_added_wherever_they_are() -> None:
    random = np.random.default_rng(0)
    rows, cols = (torch.from_numpy(random.integers(0, 20, 40)) for _ in range(2))
    lasting = Triplets(rows, cols, torch.from_numpy(random.normal(size=40)), 20)
    diagonal, free = torch.full((20,), 10.0, dtype=torch.float64), torch.tensor([0, 1, *range(4, 13), 14, 15, 18])
    assembler = Assembler(free, 20)
    for corners in ([[0, 1, 0, 0]], [[2, 5, 4, 3], [1, 3, 1, 1]], [[1, 3, 1, 1]], []):
        vertices = torch.tensor(corners, dtype=torch.int64).reshape(-1, 4)
        there = torch.cat([torch.ones(len(vertices), 1, dtype=torch.bool), vertices[:, 1:] != vertices[:, :1]], dim=1)
        blocks = torch.from_numpy(random.normal(size=(len(vertices), 4, 4, 3, 3)))
        blocks *= (there[:, :, None] & there[:, None])[:, :, :, None, None]
        passing = VertexBlocks(vertices, blocks, 20)
        wanted = (lasting.dense() + passing.dense() + torch.diag(diagonal))[free][:, free]
        found = assembler.matrix([lasting, passing], diagonal)
        assert np.allclose(found.toarray(), wanted.numpy(), rtol=1e-14, atol=1e-14)
        assert found.has_sorted_indices
        vector = torch.from_numpy(random.normal(size=20))
        assert torch.allclose(passing.multiply(vector), passing.dense() @ vector, rtol=1e-13)
        assert torch.allclose(passing.magnitude(vector), passing.dense().abs() @ vector) or len(vertices) > 1


def test_a_large_system_is_solved_by_multigrid(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, modes = elastic_net(24)
    right = np.random.default_rng(5).normal(size=matrix.shape[0])
    monkeypatch.setattr(linear, "FACTORED", 1000)
    monkeypatch.setattr(linear, "FACTORED_EXACTLY", 1000)
    monkeypatch.setattr(linear, "factor_of", None)
    solver = SymmetricSolver()
    for change in (0.0, 0.1):
        near = csc_matrix(matrix + change * csc_matrix(np.diag(np.linspace(0.0, 1.0, len(right)))))
        found = solver.solve(near, right, tolerance=1e-10, modes=lambda: modes)
        assert found is not None
        assert np.linalg.norm(near @ found - right) < 1e-7 * np.linalg.norm(right)
    assert solver.factor_count == 1
    exact = ExactSolver().solve(matrix, right, modes=lambda: modes)
    assert np.linalg.norm(matrix @ exact - right) < 1e-10 * np.linalg.norm(right)


def test_multigrid_needs_hardly_more_iterations_where_the_mesh_is_finer() -> None:
    iterations = []
    for cells in (16, 48):
        matrix, modes = elastic_net(cells)
        right = np.random.default_rng(6).normal(size=matrix.shape[0])
        found = linear.conjugate_gradients(matrix, right, Multigrid(matrix, modes), 1e-6, limit=200)
        iterations.append(found.iterations)
    assert iterations[1] < 2.0 * iterations[0]


@pytest.mark.parametrize("cells", [6, 30])
def test_multigrid_is_symmetric_and_positive(cells: int) -> None:
    """Else conjugate gradients would not be; also where there is one level only, which is solved directly."""
    matrix, modes = elastic_net(cells)
    grids = Multigrid(matrix, modes)
    one, other = np.random.default_rng(7).normal(size=(2, matrix.shape[0]))
    assert one @ grids.solve(other) == pytest.approx(other @ grids.solve(one), rel=1e-10)
    assert one @ grids.solve(one) > 0.0
    if cells == 6:
        np.testing.assert_allclose(matrix @ grids.solve(one), one, atol=1e-8)


def test_multigrid_is_the_same_to_the_last_bit_whatever_was_drawn_before() -> None:
    matrix, modes = elastic_net(24)
    right = np.ones(matrix.shape[0])
    np.random.seed(1)
    one = Multigrid(matrix, modes).solve(right)
    np.random.seed(2)
    assert np.array_equal(one, Multigrid(matrix, modes).solve(right))


def test_what_multigrid_cannot_solve_is_factored(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, modes = elastic_net(12)
    right = np.ones(matrix.shape[0])
    monkeypatch.setattr(linear, "FACTORED", 100)
    monkeypatch.setattr(linear, "MULTIGRID_LIMIT", 1)
    found = SymmetricSolver().solve(matrix, right, tolerance=1e-12, modes=lambda: modes)
    assert found is not None
    assert np.linalg.norm(matrix @ found - right) < 1e-9 * np.linalg.norm(right)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_singular_matrix_is_an_error_and_no_numbers(sign: float) -> None:
    """A chain of springs that nothing holds moves as one without any force, also where all springs push."""
    size = 40
    chain = 2.0 * np.eye(size) - np.eye(size, k=1) - np.eye(size, k=-1)
    held = chain.copy()
    chain[0, 0] = chain[-1, -1] = 1.0
    turned = np.linalg.qr(np.random.default_rng(2).normal(size=(size, size)))[0]
    right = np.random.default_rng(3).normal(size=size)
    for matrix in (chain, turned @ chain @ turned.T, np.diag([0.0, *np.ones(size - 1)])):
        for wanted in (right, right - right.mean()):
            with pytest.raises(SingularMatrixError):
                ExactSolver().solve(csc_matrix(sign * matrix), wanted, modes=no_modes)
    found = ExactSolver().solve(csc_matrix(sign * held), right, modes=no_modes)
    assert np.abs(sign * held @ found - right).max() < 1e-10


@pytest.mark.parametrize("holding", [0.0, 1e-15, 1e-14])
@pytest.mark.parametrize("wanted", ["any", "balanced", "reached"])
def test_a_large_singular_matrix_is_an_error_too(holding: float, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Springs along a grid that next to nothing holds: conjugate gradients often come to an end, and to no solution."""
    monkeypatch.setattr(linear, "FACTORED_EXACTLY", 100)
    count = 40
    chain = diags([np.r_[1.0, np.full(count - 2, 2.0), 1.0], -np.ones(count - 1), -np.ones(count - 1)], [0, 1, -1])
    springs = csc_matrix(kron(chain, identity(count)) + kron(identity(count), chain))
    modes = np.ones((count * count, 1))
    right = np.random.default_rng(1).normal(size=count * count)
    loose = csc_matrix(springs + holding * identity(count * count))
    given = {"any": right, "balanced": right - right.mean(), "reached": loose @ right}[wanted]
    with pytest.raises(SingularMatrixError):
        ExactSolver().solve(loose, given, modes=lambda: modes)
    held = csc_matrix(springs + 1e-6 * identity(count * count))
    found = ExactSolver().solve(held, held @ right, modes=lambda: modes)
    assert np.abs(found - right).max() < 1e-8
