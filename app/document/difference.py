"""What the engine must be told so that its Run follows the Document from one Project to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.document.mask import mask_edit
from app.document.project import Project, Selection
from engine.protocol.catalogue import Catalogue
from engine.protocol.edits import (
    AddTerm,
    Edit,
    RemoveMask,
    RemoveTerm,
    SetFrozen,
    SetParameter,
    SetTermMask,
    SetWeight,
)
from engine.protocol.study import Study, TermSpec


def edits_between(before: Project, after: Project, catalogue: Catalogue | None) -> list[Edit]:
    """The Edits that lead a Run of `before` to `after`, in the order in which they must act.

    Another kind of study, other inputs and parameters that are not live wait for the next Run: they give no Edit.
    """
    if before is after:
        return []
    edits: list[Edit] = []
    old_masks, new_masks = _used_masks(before), _used_masks(after)
    for name, selection in new_masks.items():
        if name not in old_masks or _carrier(before, old_masks[name]) != _carrier(after, selection):
            edits.append(mask_edit(after, selection))
    if before.study is not after.study and before.study.study == after.study.study:
        edits += _term_edits(before.study, after.study, catalogue)
        edits += _parameter_edits(before.study, after.study, catalogue)
    edits += [RemoveMask(name=name) for name in old_masks if name not in new_masks]
    edits += _freeze_edits(before, after)
    return edits


def mask_edits(project: Project) -> list[Edit]:
    """The masks that a Run of this Project needs from the start."""
    return [mask_edit(project, selection) for selection in _used_masks(project).values()]


def _used_masks(project: Project) -> dict[str, Selection]:
    """The named selections that mask a Term."""
    wanted = {spec.mask for spec in project.study.terms if spec.mask}
    return {item.name: item for item in project.selections if item.name in wanted}


def _carrier(project: Project, selection: Selection) -> tuple[Selection, Any]:
    """What a mask depends on: its selection, and where the object stands that carries it."""
    return selection, project.object(selection.of) if selection.points is None else None


def _term_edits(before: Study, after: Study, catalogue: Catalogue | None) -> Iterator[Edit]:
    old = {spec.name: spec for spec in before.terms}
    new = {spec.name: spec for spec in after.terms}
    for name, spec in old.items():
        if name not in new or new[name].kind != spec.kind:
            yield RemoveTerm(term=name)
    for name, spec in new.items():
        if name not in old or old[name].kind != spec.kind:
            yield AddTerm(spec=spec)
        elif old[name] != spec:
            yield from _spec_edits(old[name], spec, catalogue)


def _spec_edits(old: TermSpec, new: TermSpec, catalogue: Catalogue | None) -> Iterator[Edit]:
    if old.weight != new.weight:
        yield SetWeight(term=new.name, weight=new.weight)
    if old.enabled != new.enabled:
        yield SetParameter(owner=new.name, name="enabled", value=new.enabled)
    if (old.mask, old.outside) != (new.mask, new.outside):
        yield SetTermMask(term=new.name, mask=new.mask, outside=new.outside)
    entry = next((entry for entry in catalogue.terms if entry.kind == new.kind), None) if catalogue else None
    yield from _values(new.name, old.parameters, new.parameters, entry.schema_ if entry else {})


def _parameter_edits(before: Study, after: Study, catalogue: Catalogue | None) -> Iterator[Edit]:
    entry = next((entry for entry in catalogue.studies if entry.study == after.study), None) if catalogue else None
    schema = entry.schema_ if entry else {}
    properties = schema.get("properties", {})
    live = {name for name, declared in properties.items() if declared.get("live")}
    old, new = before.parameters, after.parameters
    if properties:
        old, new = ({name: value for name, value in values.items() if name in live} for values in (old, new))
    yield from _values("study", old, new, schema)
    yield from _values("optimizer", before.optimizer.model_dump(), after.optimizer.model_dump(), {})


def _values(owner: str, old: Mapping[str, Any], new: Mapping[str, Any], schema: dict[str, Any]) -> Iterator[Edit]:
    """Values that differ; one that is no longer there goes back to its default."""
    defaults = {name: declared.get("default") for name, declared in schema.get("properties", {}).items()}
    for name in dict.fromkeys((*old, *new)):
        value = new.get(name, defaults.get(name))
        if value is not None and _plain(value) != _plain(old.get(name, defaults.get(name))):
            yield SetParameter(owner=owner, name=name, value=_plain(value))


def _freeze_edits(before: Project, after: Project) -> list[Edit]:
    old, new = before.strokes, after.strokes
    if old is new or old == new:
        return []
    if new[: len(old)] == old:
        return list(new[len(old) :])
    return [SetFrozen(strokes=list(new))]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
