"""Every check of the room passes, and fails on a wrong optimiser."""

from __future__ import annotations

import pytest

from engine.core.checks import all_checks
from engine.optimization import verification
from engine.optimization.optimizer import Adam


@pytest.mark.parametrize("case", ["adam_update", "remapped_adam", "l_bfgs_quadratic"])
def test_checks_pass(case: str) -> None:
    result = getattr(verification, case)()
    assert result.passed, result


def test_the_checks_are_registered() -> None:
    assert {"optimization.adam_update", "optimization.remapped_adam", "optimization.l_bfgs_quadratic"} <= {
        entry.case for entry in all_checks("optimization")
    }


def test_a_remap_that_loses_the_moments_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    remap = Adam.remap

    def forgetful(self: Adam, remaps: list) -> None:  # type: ignore[type-arg]
        remap(self, remaps)
        self._moments.clear()

    monkeypatch.setattr(Adam, "remap", forgetful)
    assert not verification.remapped_adam().passed
