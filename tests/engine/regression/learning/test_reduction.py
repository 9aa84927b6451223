"""Modes of snapshots."""

from __future__ import annotations

import numpy as np

from engine.regression.generation.known_plates import known_plate as plate
from engine.regression.learning.reduction import find_basis, gram_matrix, mass_matrix


def test_the_mass_matrix_integrates_linear_fields() -> None:
    sample = plate(1)
    mass = mass_matrix(sample.nodes, sample.triangles)
    corners = sample.nodes[sample.triangles]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = 0.5 * (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
    ones, x = np.ones(sample.node_count), sample.nodes[:, 0]
    assert np.isclose(ones @ (mass @ ones), area.sum())
    # ∫x² over a triangle is its area over 6 times Σ_{i≤j} x_i x_j.
    a, b, c = corners[..., 0].T
    exact = (area / 6.0 * (a * a + b * b + c * c + a * b + b * c + c * a)).sum()
    assert np.isclose(x @ (mass @ x), exact)


def test_modes_are_orthonormal_and_the_best_there_are() -> None:
    sample = plate(1)
    mass = mass_matrix(sample.nodes, sample.triangles)
    generator = np.random.default_rng(0)
    shapes = generator.normal(size=(6, sample.node_count))
    snapshots = generator.normal(size=(40, 6)) @ shapes + 5.0
    basis = find_basis(snapshots, mass, most=20)
    assert basis.mode_count == 6
    assert np.allclose(basis.modes @ (mass @ basis.modes.T), np.eye(6), atol=1e-10)
    assert np.allclose(basis.decode(basis.coefficients(snapshots, mass)), snapshots, atol=1e-9)
    three = basis.truncated(3)
    left = snapshots - three.decode(three.coefficients(snapshots, mass))
    energy = np.einsum("ni,in->n", left, mass @ left.T).mean()
    assert np.isclose(energy, basis.energies[3:].sum())
    assert np.isclose(basis.total, basis.energies.sum())


def test_a_known_gram_matrix_of_all_serves_some() -> None:
    sample = plate(1)
    mass = mass_matrix(sample.nodes, sample.triangles)
    snapshots = np.random.default_rng(0).normal(size=(15, sample.node_count))
    rows = np.array([0, 2, 3, 7, 11])
    gram = gram_matrix(snapshots, mass)[np.ix_(rows, rows)]
    known, found = find_basis(snapshots[rows], mass, most=9, gram=gram), find_basis(snapshots[rows], mass, most=9)
    assert known.mode_count == found.mode_count == 4
    assert np.allclose(np.abs(known.modes @ (mass @ found.modes.T)), np.eye(4), atol=1e-8)


def test_snapshots_that_are_all_alike_have_no_modes() -> None:
    sample = plate(1)
    mass = mass_matrix(sample.nodes, sample.triangles)
    assert find_basis(np.ones((5, sample.node_count)), mass, most=3).mode_count == 0
