"""From the Catalogue's JSON schema to the fields that a panel draws. No Qt in here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel

FieldKind = Literal["number", "integer", "choice", "flag", "vector", "text"]


@dataclass(frozen=True)
class ParameterField:
    """One parameter as a panel needs it (see `engine.core.parameters.parameter` for the meaning of each).

    names : its choices are names that a person gave, and read as they were written
    """

    name: str
    title: str
    help: str
    kind: FieldKind
    default: Any = None
    unit: str = ""
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    soft_min: float | None = None
    soft_max: float | None = None
    step: float | None = None
    logarithmic: bool = False
    live: bool = False
    advanced: bool = False
    optional: bool = False
    choices: tuple[Any, ...] = ()
    names: bool = False
    picks: str = ""
    shown_for: Mapping[str, list[str]] = field(default_factory=dict)
    choice_help: Mapping[str, str] = field(default_factory=dict)

    def is_shown(self, values: Mapping[str, Any]) -> bool:
        """Whether it means something where the parameters beside it are `values`."""
        return all(values.get(name) in wanted for name, wanted in self.shown_for.items())

    @property
    def low(self) -> float | None:
        """Lower end of the slider: the soft limit, else the hard one."""
        return next((value for value in (self.soft_min, self.minimum, self.above) if value is not None), None)

    @property
    def high(self) -> float | None:
        return self.soft_max if self.soft_max is not None else self.maximum


def fields_of(schema: dict[str, Any]) -> list[ParameterField]:
    """Every parameter that a schema declares, in its order."""
    definitions = schema.get("$defs", {})
    return [_field(name, entry, definitions) for name, entry in schema.get("properties", {}).items()]


@cache
def declared(model: type[BaseModel]) -> tuple[ParameterField, ...]:
    """Every parameter that a model declares, in its order; its schema is made once, for that takes milliseconds."""
    return tuple(fields_of(model.model_json_schema()))


def format_number(value: float) -> str:
    """Short and exact enough: 0.01, 12.7, 1e-06, 64."""
    return f"{value:.5g}"


def _field(name: str, entry: dict[str, Any], definitions: dict[str, Any]) -> ParameterField:
    core, optional = _unwrapped(entry, definitions)
    kind: FieldKind
    choices: tuple[Any, ...] = ()
    if "enum" in core or "const" in core:
        kind, choices = "choice", tuple(core.get("enum", [core.get("const")]))
    elif core.get("type") == "boolean":
        kind = "flag"
    elif core.get("type") in ("number", "integer"):
        kind = "integer" if core["type"] == "integer" else "number"
    elif core.get("type") == "array" and core.get("maxItems") == 3:
        kind = "vector"
    else:
        kind = "text"
    merged = {**core, **entry}
    return ParameterField(
        name=name,
        title=merged.get("title") or name.replace("_", " ").capitalize(),
        help=merged.get("description", ""),
        kind=kind,
        default=entry.get("default"),
        unit=merged.get("unit", ""),
        minimum=merged.get("minimum"),
        above=merged.get("exclusiveMinimum"),
        maximum=merged.get("maximum"),
        soft_min=merged.get("soft_min"),
        soft_max=merged.get("soft_max"),
        step=merged.get("step"),
        logarithmic=merged.get("logarithmic", False),
        live=merged.get("live", False),
        advanced=merged.get("advanced", False),
        optional=optional,
        choices=choices,
        picks=merged.get("picks", ""),
        shown_for=merged.get("shown_for", {}),
        choice_help=merged.get("choice_help", {}),
    )


def _unwrapped(entry: dict[str, Any], definitions: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The schema behind `$ref`, and behind `anyOf [..., null]`; whether null is allowed."""
    if "$ref" in entry:
        entry = definitions.get(entry["$ref"].rpartition("/")[2], {})
    options = entry.get("anyOf")
    if not options:
        return entry, False
    real = [option for option in options if option.get("type") != "null"]
    return (real[0] if real else {}), len(real) < len(options)
