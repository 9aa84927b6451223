"""Every registered check against theory runs here, as `formwright verify` runs it."""

from __future__ import annotations

import pytest

from engine.core.checks import ROOMS_WITH_CHECKS, Check, all_checks


def parameters() -> list[object]:
    return [
        pytest.param(check, id=check.case, marks=[pytest.mark.slow] if check.slow else []) for check in all_checks()
    ]


@pytest.mark.parametrize("check", parameters())
def test_check(check: Check) -> None:
    result = check.run()
    assert result.case == check.case
    assert result.passed, f"{result.measured} {result.unit}, expected {result.expected} ± {result.tolerance}"


def test_every_room_has_checks() -> None:
    assert {check.function.__module__ for check in all_checks()} == set(ROOMS_WITH_CHECKS)
