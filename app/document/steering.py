"""What an Edit does to a Study and to the frozen regions, as data."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.errors import ParameterError
from engine.protocol.edits import (
    AddTerm,
    Edit,
    PaintFreeze,
    RemoveTerm,
    SetFrozen,
    SetParameter,
    SetScene,
    SetTermMask,
    SetWeight,
)
from engine.protocol.study import OptimizerSpec, Study, TermSpec

Strokes = tuple[PaintFreeze, ...]


def apply_edit(study: Study, strokes: Strokes, edit: Edit) -> tuple[Study, Strokes]:
    """The Study and the strokes of the freeze brush after `edit`; the same objects where it changes nothing of them.

    Edits that steer only the Run (pause, resume, rewind, ...) change neither. Raises `ParameterError` for a Term that
    is not there.
    """
    match edit:
        case SetWeight():
            study = _with_term(study, study.term(edit.term).model_copy(update={"weight": edit.weight}))
        case SetParameter():
            study = _with_parameter(study, edit)
        case SetTermMask():
            changed = study.term(edit.term).model_copy(update={"mask": edit.mask, "outside": edit.outside})
            study = _with_term(study, changed)
        case AddTerm():
            if any(spec.name == edit.spec.name for spec in study.terms):
                raise ParameterError(edit.spec.name, "the study has a term of that name already.")
            study = study.model_copy(update={"terms": [*study.terms, edit.spec]})
        case RemoveTerm():
            study.term(edit.term)
            study = study.model_copy(update={"terms": [spec for spec in study.terms if spec.name != edit.term]})
        case SetScene():
            study = study.model_copy(update={"scene": edit.scene})
        case PaintFreeze():
            strokes = (*strokes, edit)
        case SetFrozen():
            strokes = tuple(edit.strokes)
    return study, strokes


def unique(stem: str, taken: Iterable[str]) -> str:
    """`stem`, or `stem 2`, `stem 3`, ...: what is not taken."""
    names = set(taken)
    name, count = stem, 1
    while name in names:
        count += 1
        name = f"{stem} {count}"
    return name


def _with_parameter(study: Study, edit: SetParameter) -> Study:
    if edit.owner == "study":
        return study.model_copy(update={"parameters": {**study.parameters, edit.name: edit.value}})
    if edit.owner == "optimizer":
        values = {**study.optimizer.model_dump(), edit.name: edit.value}
        return study.model_copy(update={"optimizer": OptimizerSpec.parse(values, owner="optimizer")})
    spec = study.term(edit.owner)
    if edit.name == "enabled":
        return _with_term(study, spec.model_copy(update={"enabled": bool(edit.value)}))
    parameters = {**spec.parameters, edit.name: edit.value}
    return _with_term(study, spec.model_copy(update={"parameters": parameters}))


def _with_term(study: Study, changed: TermSpec) -> Study:
    return study.model_copy(update={"terms": [changed if spec.name == changed.name else spec for spec in study.terms]})
