"""Normals of clean, noisy and incomplete clouds: right axis, right sign, outliers found."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import GeometryError
from engine.geometry.mesh import Mesh
from engine.geometry.normals import estimate_normals, orient_normals, outlier_confidence, with_normals, without_outliers
from engine.geometry.points import Points
from engine.geometry.sampling import sample_mesh


def torus_scan(torus: Mesh, count: int = 6000, noise: float = 0.0, outliers: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points and true normals (zero for outliers) of a torus with a hole."""
    random = np.random.default_rng(7)
    positions, normals, _ = sample_mesh(torus, count, seed=3)
    kept = np.linalg.norm(positions - [1.4, 0, 0], axis=1) > 0.25
    positions = positions[kept] + noise * torus.diagonal * random.normal(size=(int(kept.sum()), 3))
    wild = random.uniform(*torus.bounds, (outliers, 3))
    return np.concatenate([positions, wild]), np.concatenate([normals[kept], np.zeros((outliers, 3))])


@pytest.mark.parametrize(("noise", "outliers", "largest"), [(0.0, 0, 6.0), (0.005, 0, 14.0), (0.005, 300, 14.0)])
def test_normals_of_a_torus(torus: Mesh, noise: float, outliers: int, largest: float) -> None:
    # With noise the neighbourhood stays small, so that thin sheets keep their two sides apart: directions may be rough,
    # for what follows averages them, but signs must be right.
    positions, truth = torus_scan(torus, noise=noise, outliers=outliers)
    real = np.linalg.norm(truth, axis=1) > 0
    estimate = estimate_normals(positions)
    cosine = (estimate.normals * truth).sum(axis=1)[real]
    assert (cosine < 0).mean() < 0.005
    assert np.degrees(np.arccos(np.median(cosine))) < largest
    np.testing.assert_allclose(np.linalg.norm(estimate.normals, axis=1), 1.0, atol=1e-9)


def test_noise_asks_for_more_neighbours(torus: Mesh) -> None:
    clean, noisy = (estimate_normals(torus_scan(torus, noise=noise)[0]).neighbours for noise in (0.0, 0.01))
    assert clean < noisy


def test_outliers_lose_confidence_and_the_surface_keeps_it(torus: Mesh) -> None:
    positions, truth = torus_scan(torus, noise=0.005, outliers=300)
    confidence = outlier_confidence(positions)
    real = np.linalg.norm(truth, axis=1) > 0
    far = ~real & (np.abs(np.hypot(np.hypot(positions[:, 0], positions[:, 1]) - 1.0, positions[:, 2]) - 0.4) > 0.15)
    assert far.sum() > 100
    assert confidence[real].mean() > 0.98 and (confidence[real] == 0).mean() < 0.002
    assert confidence[far].mean() < 0.1
    kept = without_outliers(Points(positions))
    assert kept.point_count < len(positions) - 0.8 * far.sum()


def test_a_scan_may_be_denser_in_places() -> None:
    random = np.random.default_rng(0)
    sparse = np.column_stack([random.uniform(0, 1, (400, 2)), np.zeros(400)])
    dense = np.column_stack([random.uniform(1, 1.2, (1600, 1)), random.uniform(0, 0.2, (1600, 1)), np.zeros(1600)])
    assert (outlier_confidence(np.concatenate([sparse, dense])) > 0.3).mean() > 0.9


def test_two_separate_balls_both_look_out(ball: Mesh) -> None:
    positions, truth, _ = sample_mesh(ball, 1500, seed=0)
    both = np.concatenate([positions, positions + np.array([5.0, 0, 0])])
    estimate = estimate_normals(both + 1e6)
    assert ((estimate.normals * np.concatenate([truth, truth])).sum(axis=1) > 0.9).all()


def test_given_normals_are_turned_to_agree(ball: Mesh) -> None:
    positions, truth, _ = sample_mesh(ball, 1500, seed=0)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (1500, 1))
    np.testing.assert_allclose(orient_normals(positions, truth * signs), truth)


def test_scans_with_normals_keep_them(ball: Mesh) -> None:
    positions, truth, _ = sample_mesh(ball, 500, seed=0)
    kept, confidence = with_normals(Points(positions, 3.0 * truth))
    assert kept.normals is not None
    np.testing.assert_allclose(kept.normals, truth)
    assert confidence.shape == (500,) and confidence.mean() > 0.95
    damaged = truth.copy()
    damaged[7] = 0.0
    estimated, _ = with_normals(Points(positions, damaged))
    assert estimated.normals is not None and (estimated.normals * truth).sum(axis=1).min() > 0.8


def test_too_few_or_identical_points() -> None:
    with pytest.raises(GeometryError, match="at least four"):
        estimate_normals(np.zeros((3, 3)))
    same = estimate_normals(np.ones((20, 3)))
    assert np.isfinite(same.normals).all() and (same.confidence == 1.0).all()
    assert outlier_confidence(np.zeros((1, 3))).tolist() == [1.0]
