"""A large scan is sampled with the seed, and the user hears of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.geometry.points import Points
from engine.geometry.thinning import spread_indices
from engine.protocol.snapshot import LogLine
from engine.protocol.study import Study
from engine.studies.reconstruct_parameters import ReconstructParameters
from engine.studies.registry import sampled
from engine.studies.session import LocalSession

SHIFT = (512_300_000.0, 4_512_300_000.0, 0.0)


def ball(count: int) -> Points:
    normals = np.random.default_rng(0).normal(size=(count, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return Points(20.0 * normals, normals, name="ball", unit="m", shift=SHIFT)


@pytest.mark.parametrize(("count", "most"), [(10, 3), (10, 9), (1000, 1000), (3, 7), (1_000_003, 4096)])
def test_indices_are_spread_over_the_order_and_each_comes_once(count: int, most: int) -> None:
    found = spread_indices(count, most, seed=1)
    assert len(found) == min(count, most) == len(np.unique(found))
    assert found[0] >= 0 and found[-1] < count and (np.diff(found) > 0).all()
    if most < count:
        assert np.diff(found).max() <= 2.0 * count / most + 2
        assert not np.array_equal(found, spread_indices(count, most, seed=2)) or most < 5
    np.testing.assert_array_equal(found, spread_indices(count, most, seed=1))


def test_every_index_is_as_likely_as_any_other() -> None:
    drawn = np.bincount(np.concatenate([spread_indices(25, 10, seed) for seed in range(4000)]), minlength=25)
    expected = 4000 * 10 / 25
    assert np.abs(drawn - expected).max() < 5.0 * np.sqrt(expected)


def test_what_is_small_is_looked_at_whole() -> None:
    scan = ball(1000)
    assert sampled(scan, ReconstructParameters(scan_points=1000)) == (scan, ())


def test_terms_look_at_a_sample_and_say_so() -> None:
    scan = ball(5000)
    study = Study(parameters={"scan_points": 2000, "resolution": 16, "iterations": 2, "seed": 3, "samples": 500})
    session = LocalSession(thumbnails=False)
    session.start(study, {"target": scan})
    session.run_to_end()
    said = [event.text for event in session.events() if isinstance(event, LogLine)]
    assert said == [
        "Terms look at 2,000 of 5,000 points, drawn with seed 3. The parameter Points of a scan says how many."
    ]
    assert session.run is not None
    problem = session.run.problem
    drawn = np.concatenate([draw.position.numpy() for draw in problem.target._draws])
    kept = problem.frame.to_world(drawn)
    assert len(kept) == 2000
    # All of them are points of the scan: none was moved or made.
    assert set(map(tuple, kept.round(6))) <= set(map(tuple, scan.positions.round(6)))
    result = problem.result_mesh()
    assert result.shift == SHIFT and result.unit == "m"
    session.close()


def test_another_seed_draws_other_points() -> None:
    scan = ball(5000)
    one, other = (sampled(scan, ReconstructParameters(scan_points=2000, seed=seed))[0] for seed in (0, 1))
    assert not np.array_equal(one.bounds, other.bounds)
    again = sampled(replace(scan, name="again"), ReconstructParameters(scan_points=2000, seed=1))[0]
    assert isinstance(again, Points) and isinstance(other, Points)
    np.testing.assert_array_equal(again.positions, other.positions)
