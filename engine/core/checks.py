"""The registry of checks against theory. Each room registers its own in its `verification.py`.

A check is a function of keyword parameters with types and defaults that returns what it measured and what theory
expects; `formwright verify` runs them, and the test-suite runs every one of them too.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from engine.core.errors import ParameterError

Count = Annotated[int, Field(ge=1, le=10_000)]
Positive = Annotated[float, Field(gt=0.0)]
Finite = ConfigDict(allow_inf_nan=False)

ROOMS_WITH_CHECKS: tuple[str, ...] = (
    "engine.geometry.verification",
    "engine.surfaces.verification",
    "engine.surfaces.deepmesh_verification",
    "engine.surfaces.verification_flexicubes",
    "engine.surfaces.verification_gshell",
    "engine.rendering.verification",
    "engine.objectives.verification",
    "engine.objectives.shape_verification",
    "engine.objectives.flow_verification",
    "engine.objectives.moving_verification",
    "engine.optimization.verification",
    "engine.simulation.contact.verification",
    "engine.simulation.shell.verification",
    "engine.simulation.solid.verification",
    "engine.simulation.verification.dynamics",
    "engine.simulation.verification.gradients",
    "engine.simulation.verification.statics",
    "engine.regression.verification",
    "engine.regression.verification_morphs",
    "engine.regression.generation.verification",
    "engine.studies.verification",
    "engine.studies.verification_open",
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
        """Raises `ParameterError` for a parameter that the check does not have, or a value that cannot be one."""
        return self.function(**{name: self._value(name, value) for name, value in parameters.items()})

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Its parameters."""
        return {name: each.default for name, each in inspect.signature(self.function).parameters.items()}

    def choices(self, name: str) -> tuple[Any, ...]:
        """Values that a parameter can have where they are few, none otherwise."""
        hint = self._hints()[name]
        plain = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        return get_args(plain) if get_origin(plain) is Literal else (False, True) if plain is bool else ()

    def _value(self, name: str, value: Any) -> Any:
        if name not in self.defaults:
            has = ", ".join(f"{each} ({default})" for each, default in self.defaults.items())
            raise ParameterError(
                name,
                f"{self.case} has no such parameter.",
                remedy=f"It has {has}." if has else "It has none.",
            )
        hint = self._hints()[name]
        try:
            return TypeAdapter(hint, config=None if get_origin(hint) is Literal else Finite).validate_python(value)
        except ValidationError as error:
            said = error.errors()[0]["msg"].removeprefix("Input ").replace("should", "must")
            raise ParameterError(name, f"{said}, and is {value!r}.") from None

    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.function, include_extras=True)


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
    """Every registered check, in order of name, whose case starts with `prefix` or is that name in some room."""
    for module in ROOMS_WITH_CHECKS:
        importlib.import_module(module)
    for case in sorted(_CHECKS):
        if case.startswith(prefix) or case.partition(".")[2] == prefix:
            yield _CHECKS[case]
