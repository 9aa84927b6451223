"""The registry of checks against theory. Each room registers its own in its `verification.py`.

A check is a function of keyword parameters with defaults that returns what it measured and what theory expects;
`formwright verify` runs them, and the test-suite runs every one of them too.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.core.errors import ParameterError

ROOMS_WITH_CHECKS: tuple[str, ...] = (
    "engine.geometry.verification",
    "engine.surfaces.verification",
    "engine.rendering.verification",
    "engine.objectives.verification",
    "engine.optimization.verification",
    "engine.simulation.shell.verification",
    "engine.simulation.verification",
)


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check: `passed` is |measured − expected| <= tolerance unless the check says otherwise."""

    case: str
    measured: float
    expected: float
    tolerance: float
    passed: bool
    unit: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Check:
    """A registered check: `case` is `room.name`, `source` says where its theory stands."""

    case: str
    title: str
    source: str
    function: Callable[..., CheckResult]
    slow: bool = False

    def run(self, **parameters: Any) -> CheckResult:
        return self.function(**parameters)


_CHECKS: dict[str, Check] = {}


def check(
    case: str, *, title: str, source: str = "", slow: bool = False
) -> Callable[[Callable[..., CheckResult]], Callable[..., CheckResult]]:
    """Register a function of keyword parameters as the check `case` (`room.name`)."""

    def register(function: Callable[..., CheckResult]) -> Callable[..., CheckResult]:
        if case in _CHECKS:
            raise ParameterError(case, "this check is registered twice.")
        _CHECKS[case] = Check(case=case, title=title, source=source, function=function, slow=slow)
        return function

    return register


def compare(
    case: str, measured: float, expected: float, tolerance: float, *, unit: str = "", **detail: Any
) -> CheckResult:
    """Result of a check that wants |measured − expected| <= tolerance (false for NaN)."""
    passed = bool(abs(measured - expected) <= tolerance)
    return CheckResult(case, float(measured), float(expected), float(tolerance), passed, unit, detail)


def all_checks(prefix: str = "") -> Iterator[Check]:
    """Every registered check whose case starts with `prefix`, in order of name."""
    for module in ROOMS_WITH_CHECKS:
        importlib.import_module(module)
    for case in sorted(_CHECKS):
        if case.startswith(prefix):
            yield _CHECKS[case]
