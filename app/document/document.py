"""The Document: all that is open. Everything that a person can change goes through it."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.document.recent import RecentFiles
from app.document.run_record import RunRecord
from app.document.steering import apply_edit, unique
from app.document.topic import Topic
from app.document.undo import Step, UndoStack
from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.catalogue import Catalogue
from engine.protocol.edits import EDIT, AddTerm, Edit, PaintFreeze, SetParameter
from engine.protocol.snapshot import EditApplied, EditRefused
from engine.protocol.study import Study, TermSpec

OBJECT_COLOURS = ("#7f8c99", "#a58f6f", "#6f8fa5", "#8fa56f", "#a56f8f")


@dataclass
class SceneObject:
    """A geometry that is open, as it is shown. `source` is its file's path, or `sample:NAME`."""

    name: str
    geometry: Mesh | Points
    colour: str
    source: str = ""
    visible: bool = True

    @property
    def unit(self) -> str:
        return self.geometry.unit

    def describe(self) -> str:
        """ "12,480 triangles" or "40,000 points"."""
        if isinstance(self.geometry, Mesh):
            return f"{self.geometry.triangle_count:,} triangles"
        return f"{self.geometry.point_count:,} points"


class Document:
    """Objects, the Study, frozen regions, the Run's record, undo and recent files.

    send : carries an Edit to the engine; the window sets it while a Run is active
    """

    def __init__(self, *, recent: RecentFiles | None = None) -> None:
        self.objects: list[SceneObject] = []
        self.study = Study()
        self.strokes: list[PaintFreeze] = []
        self.run = RunRecord()
        self.undo_stack = UndoStack()
        self.recent = recent or RecentFiles()
        self.catalogue: Catalogue | None = None
        self.selected = ""
        self.send: Callable[[Edit], None] | None = None

        self.objects_changed = Topic()
        self.study_changed = Topic()
        self.frozen_changed = Topic()
        self.selection_changed = Topic()
        self.catalogue_changed = Topic()
        self._roles: dict[str, str] = {}
        self._awaited: deque[tuple[dict[str, Any], Step | None, int]] = deque()
        self._confirmed: tuple[Study, tuple[PaintFreeze, ...]] = (self.study, ())
        self._kept: dict[int, tuple[Study, tuple[PaintFreeze, ...]]] = {}

    # Objects ------------------------------------------------------------------------------------------------------

    def add_object(self, geometry: Mesh | Points, *, source: str = "") -> SceneObject:
        """Open a geometry and make it the study's target; an object of the same source is replaced."""
        if source:
            self.objects = [other for other in self.objects if other.source != source]
        names = {other.name for other in self.objects}
        stem = name = geometry.name or "object"
        count = 1
        while name in names:
            count += 1
            name = f"{stem} {count}"
        item = SceneObject(name, geometry, OBJECT_COLOURS[len(self.objects) % len(OBJECT_COLOURS)], source)
        self.objects.append(item)
        self.set_input("target", item)
        self.objects_changed()
        return item

    def remove_object(self, name: str) -> None:
        """Close an object; the study loses it as an input."""
        self.objects = [item for item in self.objects if item.name != name]
        inputs = {role: value for role, value in self._roles.items() if value != name}
        if inputs != self._roles:
            self._roles = inputs
            self._name_inputs()
        self.objects_changed()

    def replace_geometry(self, name: str, geometry: Mesh | Points) -> None:
        """Another geometry for an open object: a repaired one."""
        item = self.object(name)
        if item is not None:
            item.geometry = geometry
            self._name_inputs()
            self.objects_changed()

    def object(self, name: str) -> SceneObject | None:
        return next((item for item in self.objects if item.name == name), None)

    def set_visible(self, name: str, visible: bool) -> None:
        item = self.object(name)
        if item is not None and item.visible != visible:
            item.visible = visible
            self.objects_changed()

    def select(self, name: str) -> None:
        """Select an object or a handle by name; "" selects nothing."""
        if name != self.selected:
            self.selected = name
            self.selection_changed()

    # The Study ----------------------------------------------------------------------------------------------------

    def set_input(self, role: str, item: SceneObject) -> None:
        """Let `item` play `role` ("target") in the study."""
        self._roles = {**self._roles, role: item.name}
        self._name_inputs()

    def inputs(self) -> dict[str, Mesh | Points]:
        """Geometry by role, as `Session.start` takes it."""
        found = {role: self.object(name) for role, name in self._roles.items()}
        return {role: item.geometry for role, item in found.items() if item is not None}

    def role_of(self, name: str) -> str:
        return next((role for role, value in self._roles.items() if value == name), "")

    def diagonal(self) -> float | None:
        """Diagonal of the target's bounding box [mm], to which percentages refer; None with nothing open."""
        target = self.inputs().get("target")
        return target.diagonal if target is not None else None

    def set_study(self, study: Study) -> None:
        """Take over another Study (from a file, the gallery or the defaults); its Terms are filled in."""
        if not study.terms and self.catalogue is not None:
            try:
                terms = [spec.model_copy(deep=True) for spec in self.catalogue.study(study.study).default_terms]
            except StopIteration:
                raise ParameterError(study.study, "this engine has no such study.") from None
            study = study.model_copy(update={"terms": terms})
        self.study = study
        self._name_inputs()
        self.undo_stack.clear()
        self.study_changed()

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """What the engine offers; a Study without Terms gets the defaults."""
        self.catalogue = catalogue
        self.catalogue_changed()
        if not self.study.terms:
            self.set_study(self.study)

    def handles(self) -> list[TermSpec]:
        """Terms that are made at a point of the surface."""
        return [spec for spec in self.study.terms if self.place_of(spec.kind) == "point"]

    def term_titles(self) -> dict[str, str]:
        """What a person calls each Term (by its name): its kind's title, or the name that was given to it.

        Names that stand in files and plots only (a kind's, or a default's) are nobody's words. Two Terms never share
        a title: the second of a kind is *Smoothness 2*.
        """
        catalogue = self.catalogue or Catalogue(version="")
        entries = {entry.kind: entry for entry in catalogue.terms}
        defaults = {term.name for study in catalogue.studies for term in study.default_terms}
        titles: dict[str, str] = {}
        for spec in self.study.terms:
            entry = entries.get(spec.kind)
            title = spec.name
            if entry is not None and (spec.name in defaults or spec.name == spec.kind):
                title = entry.title
            titles[spec.name] = unique(title, titles.values())
        return titles

    def term_title(self, name: str) -> str:
        """What a person calls the Term of that name."""
        return self.term_titles().get(name, name)

    def place_of(self, kind: str) -> str:
        """ "point" for handles, "" for most Terms (see `TermEntry.place`)."""
        if self.catalogue is None:
            return "point" if kind == "handle" else ""
        return next((entry.place for entry in self.catalogue.terms if entry.kind == kind), "")

    # Steering -----------------------------------------------------------------------------------------------------

    def steer(self, edit: Edit, name: str, *, gesture: str = "") -> None:
        """Carry out an Edit here at once and in the engine at its next iteration; undo calls it `name`."""
        inverse = self._apply(edit)
        step, place = self.undo_stack.push(name, edit, inverse, gesture=gesture)
        self._post(edit, step, place)

    def undo(self) -> None:
        """Take the last step back by sending the inverse Edits; never rewinds the Run."""
        self._replay(self.undo_stack.undo())

    def redo(self) -> None:
        self._replay(self.undo_stack.redo())

    def edit_applied(self, event: EditApplied) -> None:
        """The engine carried an Edit out: its own inverse is the one that undo sends.

        Edits act in the order in which they were sent: an earlier one that did not arrive was refused. An Edit that
        nobody sent from here (the engine lowers the step size after a roll-back) is a step that can be undone too.
        """
        edit = EDIT.validate_python(event.edit)
        inverse = EDIT.validate_python(event.inverse) if event.inverse is not None else None
        self._confirm(edit)
        place = next((place for place, (sent, _, _) in enumerate(self._awaited) if sent == event.edit), None)
        if place is None:
            if inverse is not None:
                self._adopt()
                self.undo_stack.push(_engine_step(edit), edit, inverse)
            return
        refused = place > 0
        _, step, index = self._awaited[place]
        for _ in range(place + 1):
            self._awaited.popleft()
        if step is not None:
            step.confirmed = True
            if inverse is not None and 0 <= index < len(step.backward):
                step.backward[index] = inverse
        if refused:
            self._adopt()

    def edit_refused(self, event: EditRefused) -> None:
        """The engine refused an Edit: what it holds is shown again, and undo forgets a step that never was."""
        place = next((place for place, (sent, _, _) in enumerate(self._awaited) if sent == event.edit), None)
        if place is None:
            return
        _, step, _ = self._awaited[place]
        del self._awaited[place]
        if step is not None and not step.confirmed and all(other is not step for _, other, _ in self._awaited):
            self.undo_stack.forget(step)
        self._adopt()

    def rewound(self, checkpoint: int) -> None:
        """The Run goes on from a Checkpoint: the Terms, weights and frozen regions of that moment hold again."""
        self.run.rewound_to = checkpoint
        kept = self._kept.get(checkpoint)
        if kept is None:
            return
        study, strokes = kept
        iterations = self.study.parameters.get("iterations")
        if iterations is not None:
            study = study.model_copy(update={"parameters": {**study.parameters, "iterations": iterations}})
        self._confirmed = (study, strokes)
        self.undo_stack.clear()
        self._adopt()

    def keep_checkpoint(self, checkpoint: int) -> None:
        """Remember what steers the Run now, in case it comes back to this Checkpoint."""
        self._kept[checkpoint] = self._confirmed

    def add_term(self, kind: str, title: str, parameters: dict[str, Any] | None = None, weight: float = 1.0) -> str:
        """Add a Term of a kind; returns its name, which no other Term's name or title is."""
        name = unique(title, [*self.term_titles(), *self.term_titles().values()])
        spec = TermSpec(kind=kind, name=name, weight=weight, parameters=parameters or {})
        self.steer(AddTerm(spec=spec), f"add {name}")
        return name

    def new_run(self, number: int) -> None:
        """A Run has begun: what was seen of the last one goes."""
        self.run = RunRecord(run=number, state="preparing")
        self._awaited.clear()
        self._kept.clear()
        self._confirmed = (self.study, tuple(self.strokes))

    def frozen_stamps(self) -> tuple[np.ndarray, np.ndarray]:
        """Centres (n, 3) [mm] and radii (n,) [mm] of what is frozen, thawed stamps taken away."""
        centres, radii = np.empty((0, 3)), np.empty(0)
        for stroke in self.strokes:
            stamps = np.asarray(stroke.centres, np.float64).reshape(-1, 3)
            if stroke.frozen:
                centres = np.concatenate([centres, stamps])
                radii = np.concatenate([radii, np.full(len(stamps), stroke.radius)])
            elif len(centres):
                distance = np.linalg.norm(centres[:, None] - stamps[None], axis=2).min(axis=1)
                kept = distance > stroke.radius
                centres, radii = centres[kept], radii[kept]
        return centres, radii

    # ---------------------------------------------------------------------------------------------------------------

    def _apply(self, edit: Edit) -> Edit | None:
        study, inverse = apply_edit(self.study, edit)
        if isinstance(edit, PaintFreeze):
            self.strokes = list(painted(tuple(self.strokes), edit))
            self.frozen_changed()
        elif study is not self.study:
            self.study = study
            self.study_changed()
        return inverse

    def _confirm(self, edit: Edit) -> None:
        """What the engine holds now, as far as it said so."""
        study, strokes = self._confirmed
        if isinstance(edit, PaintFreeze):
            strokes = painted(strokes, edit)
        else:
            with contextlib.suppress(ParameterError):
                study, _ = apply_edit(study, edit)
        self._confirmed = (study, strokes)

    def _adopt(self) -> None:
        """Show what the engine holds, and what is still on its way to it."""
        study, strokes = self._confirmed
        for sent, _, _ in self._awaited:
            edit = EDIT.validate_python(sent)
            if isinstance(edit, PaintFreeze):
                strokes = painted(strokes, edit)
            else:
                with contextlib.suppress(ParameterError):
                    study, _ = apply_edit(study, edit)
        self.study, self.strokes = study, list(strokes)
        self.study_changed()
        self.frozen_changed()

    def _post(self, edit: Edit, step: Step | None = None, place: int = -1) -> None:
        if self.send is not None and self.run.active:
            self._awaited.append((edit.model_dump(mode="json"), step, place))
            self.send(edit)

    def _replay(self, edits: list[Edit]) -> None:
        for edit in edits:
            self._apply(edit)
            self._post(edit)

    def _name_inputs(self) -> None:
        inputs = dict(self.study.inputs)
        for role, name in self._roles.items():
            item = self.object(name)
            inputs[role] = item.source if item is not None and item.source else name
        for role in list(inputs):
            if role not in self._roles:
                del inputs[role]
        units = {role: geometry.unit for role, geometry in self.inputs().items() if geometry.unit != "mm"}
        self.study = self.study.model_copy(update={"inputs": inputs, "units": units})


def painted(strokes: tuple[PaintFreeze, ...], edit: PaintFreeze) -> tuple[PaintFreeze, ...]:
    """The strokes after one more. The inverse of the last one takes it away and leaves what lay below as it was."""
    if strokes and strokes[-1] == edit.model_copy(update={"frozen": not edit.frozen}):
        return strokes[:-1]
    return (*strokes, edit)


def _engine_step(edit: Edit) -> str:
    if isinstance(edit, SetParameter):
        return f"{edit.name.replace('_', ' ')} by the engine"
    return "a change by the engine"
