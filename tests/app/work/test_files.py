"""Files on their way in and out, without a window."""

from __future__ import annotations

import numpy as np

from app.work.files import in_unit
from engine.geometry.points import Points


def test_a_scan_in_another_unit_knows_its_box() -> None:
    """It is scaled beside the window, whose thread should not have to look at every point for its size."""
    points = Points(np.random.default_rng(0).normal(size=(100, 3)), unit_assumed=True)
    scaled = in_unit(points, "cm")
    assert "bounds" in vars(scaled)
    assert np.array_equal(scaled.bounds, 10.0 * points.bounds) and not scaled.unit_assumed
    assert in_unit(scaled, "cm") is scaled


def test_an_empty_scan_may_have_any_unit() -> None:
    assert in_unit(Points(np.zeros((0, 3))), "in").unit == "in"
