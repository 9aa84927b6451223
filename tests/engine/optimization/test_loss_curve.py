"""Loss curves: appended, done again, joined, and back from arrays."""

from __future__ import annotations

import numpy as np
import pytest

from engine.optimization.loss_curve import LossCurve


def curve(*rows: tuple[int, dict[str, float]]) -> LossCurve:
    made = LossCurve()
    for iteration, losses in rows:
        made.record(iteration, losses)
    return made


def plain(of: LossCurve) -> tuple[list[int], dict[str, list[float | None]]]:
    iterations, values = of.arrays()
    assert iterations.dtype == np.int64 and all(series.dtype == np.float64 for series in values.values())
    return iterations.tolist(), {
        name: [None if np.isnan(value) else float(value) for value in series] for name, series in values.items()
    }


def test_terms_that_come_late_or_go_early_are_nan_where_they_were_not() -> None:
    made = curve((0, {"loss": 1.0}), (1, {"loss": 2.0, "term:pull": 0.5}), (2, {"loss": 3.0}))
    assert plain(made) == ([0, 1, 2], {"loss": [1.0, 2.0, 3.0], "term:pull": [None, 0.5, None]})


def test_what_is_done_again_takes_the_place_of_all_that_followed() -> None:
    made = curve(*((i, {"loss": float(i)}) for i in range(6)), (3, {"loss": 30.0}))
    assert plain(made) == ([0, 1, 2, 3], {"loss": [0.0, 1.0, 2.0, 30.0]})


def test_a_branch_follows_what_it_descends_from_and_neither_is_changed() -> None:
    trunk = curve(*((i, {"loss": float(i), "old": 1.0}) for i in range(6)))
    branch = curve((3, {"loss": 30.0, "new": 2.0}), (4, {"loss": 40.0, "new": 2.0}))
    assert plain(branch.after(trunk)) == (
        [0, 1, 2, 3, 4],
        {"loss": [0.0, 1.0, 2.0, 30.0, 40.0], "old": [1.0, 1.0, 1.0, None, None], "new": [None, None, None, 2.0, 2.0]},
    )
    assert trunk.iterations == [0, 1, 2, 3, 4, 5] and branch.iterations == [3, 4]
    assert plain(LossCurve().after(trunk.until(2))) == ([0, 1], {"loss": [0.0, 1.0], "old": [1.0, 1.0]})


def test_arrays_come_back_as_the_same_curve_and_wrong_ones_are_refused() -> None:
    made = curve((0, {"loss": 1.0}), (4, {"loss": 2.0, "term:pull": 0.5}))
    assert plain(LossCurve.of_arrays(*made.arrays())) == plain(made)
    for iterations, values in (([0, 0], [1.0, 2.0]), ([0, 1], [1.0]), ([[0, 1]], [1.0, 2.0])):
        with pytest.raises(ValueError, match="curve"):
            LossCurve.of_arrays(np.array(iterations), {"loss": np.array(values)})
