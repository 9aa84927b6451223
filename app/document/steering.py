"""What an Edit does to a Study as data, and the Edit that undoes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.core.errors import ParameterError
from engine.protocol.edits import AddTerm, Edit, PaintFreeze, RemoveTerm, SetParameter, SetWeight
from engine.protocol.study import OptimizerSpec, Study, TermSpec


def apply_edit(study: Study, edit: Edit) -> tuple[Study, Edit | None]:
    """The Study after `edit`, and the inverse Edit (None where nothing undoes it).

    Edits that steer only the Run (pause, resume, rewind, ...) leave the Study as it is. Raises `ParameterError`
    for a Term that is not there.
    """
    if isinstance(edit, SetWeight):
        spec = study.term(edit.term)
        changed = spec.model_copy(update={"weight": edit.weight})
        return _with_term(study, changed), SetWeight(term=edit.term, weight=spec.weight)
    if isinstance(edit, SetParameter):
        return _set_parameter(study, edit)
    if isinstance(edit, AddTerm):
        if any(spec.name == edit.spec.name for spec in study.terms):
            raise ParameterError(edit.spec.name, "the study has a term of that name already.")
        return study.model_copy(update={"terms": [*study.terms, edit.spec]}), RemoveTerm(term=edit.spec.name)
    if isinstance(edit, RemoveTerm):
        spec = study.term(edit.term)
        rest = [other for other in study.terms if other.name != edit.term]
        return study.model_copy(update={"terms": rest}), AddTerm(spec=spec)
    if isinstance(edit, PaintFreeze):
        return study, edit.model_copy(update={"frozen": not edit.frozen})
    return study, None


def unique(stem: str, taken: Iterable[str]) -> str:
    """`stem`, or `stem 2`, `stem 3`, ...: what is not taken."""
    names = set(taken)
    name, count = stem, 1
    while name in names:
        count += 1
        name = f"{stem} {count}"
    return name


def _set_parameter(study: Study, edit: SetParameter) -> tuple[Study, Edit | None]:
    if edit.owner == "study":
        before = study.parameters.get(edit.name)
        changed = study.model_copy(update={"parameters": {**study.parameters, edit.name: edit.value}})
    elif edit.owner == "optimizer":
        before = getattr(study.optimizer, edit.name, None)
        values = {**study.optimizer.model_dump(), edit.name: edit.value}
        changed = study.model_copy(update={"optimizer": OptimizerSpec.parse(values, owner="optimizer")})
    else:
        spec = study.term(edit.owner)
        if edit.name == "enabled":
            changed = _with_term(study, spec.model_copy(update={"enabled": bool(edit.value)}))
            return changed, edit.model_copy(update={"value": spec.enabled})
        before = spec.parameters.get(edit.name)
        parameters = {**spec.parameters, edit.name: edit.value}
        changed = _with_term(study, spec.model_copy(update={"parameters": parameters}))
    inverse = None if before is None else edit.model_copy(update={"value": _plain(before)})
    return changed, inverse


def _with_term(study: Study, changed: TermSpec) -> Study:
    terms = [changed if spec.name == changed.name else spec for spec in study.terms]
    return study.model_copy(update={"terms": terms})


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
