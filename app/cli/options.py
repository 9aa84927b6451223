"""Command-line options declared once: drawn from a `ParameterModel`, or what every command takes that reads files."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, get_origin

import typer
from pydantic.fields import FieldInfo

from engine.core.errors import ParameterError
from engine.core.parameters import ParameterModel
from engine.core.units import parse_length

InputUnit = Annotated[
    str | None, typer.Option("--unit", help="Length unit of files that declare none: um, mm, cm, m, in, ft.")
]

Repairs = Annotated[
    list[str] | None,
    typer.Option(
        "--repair",
        metavar="NAME[=VALUE]",
        help="Mend the input: all, or drop-non-finite, drop-invalid-triangles, weld[=MM], drop-degenerate, "
        "split-nonmanifold, drop-unreferenced, remove-specks[=SHARE], orient, fill-holes[=EDGES]; may be repeated.",
    ),
]

InputShift = Annotated[
    str,
    typer.Option(
        "--shift",
        metavar="auto|none|X,Y,Z",
        help="What to take away from coordinates far from zero, as those of a map; given back in what is written.",
    ),
]


def with_options(
    model: type[ParameterModel], *, names: dict[str, str] | None = None, omit: Sequence[str] = (), panel: str = ""
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option for every parameter of `model`, as keyword arguments that are None where not said.

    Parameters
    ----------
    names : parameter -> name of its option, where that differs
    omit : parameters that get none
    panel : heading of these options in `--help`
    """
    renamed = names or {}

    def extend(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        added = [
            _option(renamed.get(name, name), field, panel)
            for name, field in model.model_fields.items()
            if name not in omit
        ]
        # Options of the heading that comes first in the help are declared first.
        added.sort(key=lambda option: "advanced" in (option.annotation.__metadata__[0].rich_help_panel or ""))
        command.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]  # functions take any
        return command

    return extend


def said(
    model: type[ParameterModel],
    options: dict[str, Any],
    *,
    names: dict[str, str] | None = None,
    diagonal: float | None = None,
) -> dict[str, Any]:
    """Those parameters of `model` that were given on the command line, lengths in millimetres.

    diagonal : of the input's bounding box [mm], what a percentage refers to
    """
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        option = (names or {}).get(name, name)
        value = options.get(option)
        if value is None:
            continue
        for other, wanted in _extra(field).get("shown_for", {}).items():
            present = options.get(other) or model.model_fields[other].default
            if present not in wanted:
                raise ParameterError(
                    f"--{option}".replace("_", "-"), f"it means nothing for --{other} {present}.",
                    remedy=f"It is for {' or '.join(wanted)}: leave it out, or choose one of these.",
                )  # fmt: skip
        is_length = _extra(field).get("unit") == "mm"
        values[name] = parse_length(value, diagonal=diagonal, name=f"--{option}") if is_length else value
    return values


def _option(name: str, field: FieldInfo, panel: str) -> inspect.Parameter:
    flag = name.replace("_", "-")
    # A length is text at first: it may carry a unit or be a percentage of the diagonal.
    is_length = _extra(field).get("unit") == "mm"
    kind: Any = str if is_length else field.annotation
    metavar = "LENGTH" if is_length else None
    choices = [f"{choice}: {help}" for choice, help in _extra(field).get("choice_help", {}).items()]
    off = flag.removeprefix("no-") if flag.startswith("no-") else f"no-{flag}"
    option = typer.Option(
        f"--{flag}/--{off}" if kind is bool else f"--{flag}",
        help=" ".join([field.description or str(field.title), *choices, f"Default: {_spoken(field.default)}."]),
        metavar=metavar,
        show_default=False,
        rich_help_panel=(f"{panel}, advanced" if _extra(field).get("advanced") else panel) or None,
    )
    optional = kind if get_origin(kind) is None and kind is Any else kind | None
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[optional, option])


def _spoken(default: Any) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    return f"{default:g}" if isinstance(default, float) else str(default)


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
