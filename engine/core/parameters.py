"""Typed parameters: one declaration gives panel, command-line option, TOML key and reference page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from reprlib import Repr
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.core.errors import ParameterError

Model = TypeVar("Model", bound="ParameterModel")


def parameter(
    default: Any,
    *,
    title: str,
    help: str,
    unit: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    soft_min: float | None = None,
    soft_max: float | None = None,
    step: float | None = None,
    logarithmic: bool = False,
    live: bool = False,
    advanced: bool = False,
    picks: str = "",
    shown_for: Mapping[str, Sequence[str]] | None = None,
    choice_help: Mapping[str, str] | None = None,
) -> Any:
    """Declare a field of a `ParameterModel`.

    Parameters
    ----------
    default : value when nothing is said
    title : what the panel calls it, in the user's words
    help : the tooltip: meaning, formula or source
    unit : "" or "mm" (a length: panels also take and show % of the bounding-box diagonal), "1/mm", "s", ...
    ge, gt, le : hard limits
    soft_min, soft_max : range of the slider
    step : step of the wheel
    logarithmic : the slider is logarithmic
    live : may change while a Run goes on (as a `SetParameter` Edit)
    advanced : folded away at first
    picks : a text of names in the study's scene, which panels let a person choose: "numbers", "movers" or "creases"
        (several, with commas between them), "sheet" or "body" (one); "predicted-field" or "predicted-scalar": what the
        study's Model predicts; a position "part-place": where the part is clicked on in the view
    shown_for : it means something only where these other parameters have one of these values
    choice_help : what each of its choices is good for, in a sentence that panels show with it
    """
    extra: dict[str, Any] = {
        "unit": unit,
        "soft_min": soft_min,
        "soft_max": soft_max,
        "step": step,
        "logarithmic": logarithmic,
        "live": live,
        "advanced": advanced,
        "picks": picks,
        "shown_for": {name: list(values) for name, values in (shown_for or {}).items()} or None,
        "choice_help": dict(choice_help or {}) or None,
    }
    return Field(
        default,
        title=title,
        description=help,
        ge=ge,
        gt=gt,
        le=le,
        validate_default=True,
        json_schema_extra={key: value for key, value in extra.items() if value not in (None, "", False)},
    )


class ParameterModel(BaseModel):
    """A record of typed parameters. Unknown names, wrong types and NaN are refused."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, allow_inf_nan=False, use_enum_values=True)

    @classmethod
    def parse(cls: type[Model], values: dict[str, Any], *, owner: str) -> Model:
        """A checked record of `values`; raises `ParameterError` that names `owner` and the parameter."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise parameter_error(error, owner) from None


def parameter_error(error: ValidationError, owner: str) -> ParameterError:
    """Plain words for the first complaint of a pydantic error."""
    first = error.errors()[0]
    name = ".".join((owner, *(str(part) for part in first["loc"])))
    if first["type"] == "extra_forbidden":
        return ParameterError(name, "there is no such parameter.", remedy="Check the spelling, or remove it.")
    complaint = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error" and isinstance(first["input"], dict | BaseModel):
        # Values that do not go together: the complaint says which, and the table holds all of them.
        return ParameterError(name, f"{complaint.removesuffix('.')}.")
    return ParameterError(name, f"{complaint} (got {_SHORT.repr(first['input'])}).")


_SHORT = Repr()
"""Says what was given, in a line: an array or a damaged file may be millions of numbers long."""
_SHORT.maxstring = _SHORT.maxother = 120
