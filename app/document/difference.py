"""What the engine must be told so that its Run follows the Document from one Project to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.document.mask import mask_edit
from app.document.project import Project, SceneObject, Selection
from engine.protocol.catalogue import Catalogue
from engine.protocol.edits import (
    AddTerm,
    Edit,
    PlaceInput,
    RemoveMask,
    RemoveTerm,
    SetFrozen,
    SetLatent,
    SetParameter,
    SetScene,
    SetTermMask,
    SetWeight,
)
from engine.protocol.live_scene import with_live
from engine.protocol.scene import Scene
from engine.protocol.study import Study, TermSpec

TARGET = "target"


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
        if _follows_scene(after.study, catalogue):
            edits += _scene_edits(before.study.scene, after.study.scene)
    edits += _placement_edits(before, after, catalogue)
    edits += [RemoveMask(name=name) for name in old_masks if name not in new_masks]
    edits += _freeze_edits(before, after)
    if before.moved.move != after.moved.move and after.moved.values:
        edits.append(SetLatent(values=list(after.moved.values)))
    return edits


def followed_target(project: Project, catalogue: Catalogue | None) -> SceneObject | None:
    """The object whose placement a Run of this Project follows: the target of a study that simulates to reach it."""
    entries = catalogue.studies if catalogue is not None else []
    follows = any(entry.study == project.study.study and entry.scene and entry.descends for entry in entries)
    return project.object(project.roles.get(TARGET, "")) if follows else None


def mask_edits(project: Project) -> list[Edit]:
    """The masks that a Run of this Project needs from the start."""
    return [mask_edit(project, selection) for selection in _used_masks(project).values()]


def steered_study(own: Study, steered: Study, catalogue: Catalogue | None) -> Study:
    """`own` with what Edits change taken from `steered`: Terms, optimiser and live parameters, in canonical form.

    Its own stay: inputs, the order of the Terms, the parameters and the parts of the scene that wait for the next Run,
    and another kind of study.
    """
    if own.study != steered.study:
        return own
    declared = _study_properties(catalogue, own.study)
    waiting = {name for name, entry in declared.items() if not entry.get("live")}
    parameters = {name: value for name, value in own.parameters.items() if name in waiting}
    parameters |= {name: value for name, value in steered.parameters.items() if name not in waiting}
    place = {spec.name: index for index, spec in enumerate(own.terms)}
    terms = sorted(steered.terms, key=lambda spec: place.get(spec.name, len(place)))
    changes = {"terms": terms, "optimizer": steered.optimizer, "parameters": parameters}
    if own.scene is not None and steered.scene is not None and _follows_scene(own, catalogue):
        changes["scene"] = with_live(own.scene, steered.scene)
    return canonical(own.model_copy(update=changes), catalogue)


def canonical(study: Study, catalogue: Catalogue | None) -> Study:
    """The study without values that say no more than the default; the same object where there are none.

    What was changed and changed back is then as if it had never been touched.
    """
    parameters = _without_defaults(study.parameters, _study_properties(catalogue, study.study))
    terms = []
    for spec in study.terms:
        values = _without_defaults(spec.parameters, _term_properties(catalogue, spec.kind))
        terms.append(spec if values == spec.parameters else spec.model_copy(update={"parameters": values}))
    if parameters == study.parameters and all(one is other for one, other in zip(terms, study.terms, strict=True)):
        return study
    return study.model_copy(update={"parameters": parameters, "terms": terms})


def _without_defaults(values: dict[str, Any], declared: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in values.items()
        if name not in declared or "default" not in declared[name] or _plain(value) != declared[name]["default"]
    }


def _used_masks(project: Project) -> dict[str, Selection]:
    """The named selections that mask a Term."""
    wanted = {spec.mask for spec in project.study.terms if spec.mask}
    return {item.name: item for item in project.selections if item.name in wanted}


def _follows_scene(study: Study, catalogue: Catalogue | None) -> bool:
    """A Run of it takes over changes of the scene; one that optimises keeps the scene that it began with."""
    entries = catalogue.studies if catalogue is not None else []
    return not any(entry.study == study.study and entry.descends for entry in entries)


def _study_properties(catalogue: Catalogue | None, study: str) -> dict[str, Any]:
    """What the Catalogue declares of a kind of study's parameters, by name; nothing where it does not know it."""
    entry = next((entry for entry in catalogue.studies if entry.study == study), None) if catalogue else None
    return dict(entry.schema_.get("properties", {})) if entry is not None else {}


def _term_properties(catalogue: Catalogue | None, kind: str) -> dict[str, Any]:
    """What the Catalogue declares of a kind of Term's parameters, by name."""
    entry = next((entry for entry in catalogue.terms if entry.kind == kind), None) if catalogue else None
    return dict(entry.schema_.get("properties", {})) if entry is not None else {}


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
    yield from _values(new.name, old.parameters, new.parameters, _term_properties(catalogue, new.kind))


def _parameter_edits(before: Study, after: Study, catalogue: Catalogue | None) -> Iterator[Edit]:
    declared = _study_properties(catalogue, after.study)
    old, new = before.parameters, after.parameters
    if declared:
        live = {name for name, entry in declared.items() if entry.get("live")}
        old, new = ({name: value for name, value in values.items() if name in live} for values in (old, new))
    yield from _values("study", old, new, declared)
    yield from _values("optimizer", before.optimizer.model_dump(), after.optimizer.model_dump(), {})


def _values(owner: str, old: Mapping[str, Any], new: Mapping[str, Any], declared: dict[str, Any]) -> Iterator[Edit]:
    """Values that differ; one that is no longer there goes back to its default."""
    defaults = {name: entry.get("default") for name, entry in declared.items()}
    for name in dict.fromkeys((*old, *new)):
        value = new.get(name, defaults.get(name))
        if value is not None and _plain(value) != _plain(old.get(name, defaults.get(name))):
            yield SetParameter(owner=owner, name=name, value=_plain(value))


def _scene_edits(before: Scene | None, after: Scene | None) -> Iterator[Edit]:
    """What a simulation takes over while it runs; the rest of the scene waits for the next Run."""
    if before is not None and after is not None and with_live(before, after) != before:
        yield SetScene(scene=after)


def _placement_edits(before: Project, after: Project, catalogue: Catalogue | None) -> Iterator[Edit]:
    """Where the target stands now, against the coordinates of its file: `EngineState` knows where it began."""
    old, new = followed_target(before, catalogue), followed_target(after, catalogue)
    if old is None or new is None or (old.name, old.placement) == (new.name, new.placement):
        return
    if old.geometry is new.geometry:
        yield PlaceInput(role=TARGET, matrix=new.placement.rows)


def _freeze_edits(before: Project, after: Project) -> list[Edit]:
    old, new = before.strokes, after.strokes
    if old is new or old == new:
        return []
    if new[: len(old)] == old:
        return list(new[len(old) :])
    return [SetFrozen(strokes=list(new))]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
