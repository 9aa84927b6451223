"""Checks of friction and collision at their borders: what was asked is answered, and what cannot be is refused."""

from __future__ import annotations

import pytest

from engine.core.checks import Check, CheckResult, all_checks, compare
from engine.core.errors import ParameterError
from engine.simulation.contact import verification
from engine.simulation.verification.gradients import Touching


@pytest.mark.parametrize(
    ("angle", "friction", "slides"),
    [(0.0, 0.0, False), (16.69, 0.3, False), (16.7, 0.3, True)],
)
def test_inclines_next_to_the_limit(angle: float, friction: float, slides: bool) -> None:
    """tan 16.699° = 0.3; where it is hardly steeper, smoothed friction lets go only when it slides fast enough."""
    result = verification.incline(angle=angle, friction=friction, steps=20)
    assert result.passed
    assert result.detail["sliding"] == slides


def test_weak_friction_takes_its_time_to_creep() -> None:
    assert verification.creep(share=0.5, friction=0.05).passed


def test_fast_sheets_collide_in_shorter_steps() -> None:
    result = verification.collision_momentum(speed=50.0)
    assert result.passed
    assert not result.detail["crossed"]


def test_contact_may_be_yes_or_no() -> None:
    def touching(*, contact: Touching = "none") -> CheckResult:
        return compare("house.touching", ("none", "barrier", "penalty").index(contact), 0.0, 0.0)

    check = Check("house.touching", "", "", touching)
    assert check.choices("contact") == ("none", "barrier", "penalty")
    assert [check.run(contact=given).measured for given in (False, "none", True, "barrier")] == [0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("case", "name", "value"),
    [
        ("shell.horizon", "friction", 0.01),  # it slides: nothing of what the table did is left
        ("shell.self-buckling", "ratio", 3.0),
        ("shell.gravity-stretch", "strain", 0.1),
        ("shell.small-strain", "strain", 0.01),
        ("shell.catenary", "cells", 1),
        ("shell.tip-elastica", "load", 1e6),
        ("shell.taylor", "contact", "glue"),
    ],
)
def test_what_a_check_has_no_theory_for_is_refused(case: str, name: str, value: object) -> None:
    (check,) = all_checks(case)
    with pytest.raises(ParameterError, match=name):
        check.run(**{name: value})
