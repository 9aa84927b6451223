"""Every check of the room against theory passes, and can fail."""

from __future__ import annotations

import pytest

from engine.core import checks
from engine.geometry import verification

CASES = sorted(case for case in checks._CHECKS if case.startswith("geometry."))


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_theory(case: str) -> None:
    result = checks._CHECKS[case].run()
    assert result.passed, result


def test_far_from_the_origin_the_box_distance_stays_exact() -> None:
    assert verification.box_distance(offset=1e6).passed


def test_a_coarse_sphere_is_noticed() -> None:
    fine, coarse = verification.sphere_distance(rings=64), verification.sphere_distance(rings=8)
    assert coarse.measured > 10 * fine.tolerance
