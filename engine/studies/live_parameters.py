"""Parameters of a study that change while its Run goes on."""

from __future__ import annotations

from typing import TypeVar

from engine.core.errors import ParameterError
from engine.core.parameters import ParameterModel
from engine.protocol.edits import SetParameter

Parameters = TypeVar("Parameters", bound=ParameterModel)


def with_edit(parameters: Parameters, edit: SetParameter) -> Parameters:
    """The parameters after the Edit; raises `ParameterError` for one that does not exist, is not live, or a value that
    is not allowed."""
    kind = type(parameters)
    declared = kind.model_fields.get(edit.name)
    if declared is None:
        raise ParameterError(f"study.{edit.name}", "there is no such parameter.")
    extra = declared.json_schema_extra
    if not (isinstance(extra, dict) and extra.get("live")):
        raise ParameterError(
            f"study.{edit.name}", "this cannot change while the Run goes on.", remedy="Start a new Run for it."
        )
    return kind.parse({**parameters.model_dump(), edit.name: edit.value}, owner="study")
