"""What the engine is known to hold: what steers its Run, and the Edits sent and not yet confirmed."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.document.difference import edits_between, steered_study
from app.document.placement import Placement
from app.document.project import Project, SceneObject
from app.document.steering import apply_edit
from app.document.undo import Step
from engine.core.errors import ParameterError
from engine.protocol.catalogue import Catalogue
from engine.protocol.edits import EDIT, Edit, PaintFreeze, PlaceInput, RemoveMask, SetMask, SetParameter, SetScene
from engine.protocol.live_scene import with_live
from engine.protocol.scene import Scene
from engine.protocol.snapshot import EditApplied, EditRefused, SteeringRestored
from engine.protocol.study import Study


@dataclass(frozen=True)
class Steered:
    """The part of a Project that Edits change."""

    study: Study
    strokes: tuple[PaintFreeze, ...] = ()
    target: PlaceInput | None = None

    def after(self, edit: Edit) -> Steered:
        """After an Edit; one that makes no sense changes nothing."""
        if isinstance(edit, PlaceInput):
            return replace(self, target=edit)
        with contextlib.suppress(ParameterError):
            return Steered(*apply_edit(self.study, self.strokes, edit), self.target)
        return self

    def project(self) -> Project:
        """A Project of nothing else."""
        return Project(study=self.study, strokes=self.strokes)


@dataclass(frozen=True)
class Refusal:
    """An Edit that the engine refused, its step of undo, and the Edits that lead from what it wanted to what holds."""

    edit: Edit
    step: Step | None
    correction: list[Edit]


class EngineState:
    """Edits act in the order in which they were sent; each is answered by `EditApplied` or `EditRefused`.

    carry : takes an Edit to the engine; the window sets it
    """

    def __init__(self) -> None:
        self.carry: Callable[[Edit], None] | None = None
        self._confirmed = Steered(Study())
        self._start = self._confirmed
        self._masks: dict[str, SetMask] = {}
        self._awaited: deque[tuple[dict[str, Any], Edit, Step | None]] = deque()
        self._silent = False
        self._stood: SceneObject | None = None
        self._placements: dict[Any, Placement] = {}

    @property
    def kind(self) -> str:
        """Of the study with which the Run was begun."""
        return self._start.study.study

    def begin(self, project: Project, *, target: SceneObject | None = None, resumed: bool = False) -> None:
        """A Run of this Project has begun. What a resumed one holds it says itself, once it is there (`restored`).

        target : whose placement it follows, as it stands now; of a resumed one nobody knows where it stood
        """
        self._stood = None if resumed else target
        self._placements = {None: target.placement} if target is not None and not resumed else {}
        self._start = self._confirmed = Steered(project.study, project.strokes)
        self._masks.clear()
        self._awaited.clear()
        self._silent = resumed

    def send(self, edit: Edit, step: Step | None, target: SceneObject | None = None) -> None:
        """Send an Edit that belongs to a step of undo, if there is somebody to take it.

        target : as it stands after it
        """
        if isinstance(edit, SetScene):
            running = self._running_scene()
            if running is None or with_live(running, edit.scene) == running:
                return
            # What waits for the next Run must not keep the rest from acting in this one.
            edit = SetScene(scene=with_live(running, edit.scene))
        elif isinstance(edit, PlaceInput):
            if self._stood is None or target is None or target.geometry is not self._stood.geometry:
                return
            edit = self._from_where_it_stood(edit)
            self._placements[edit.matrix] = target.placement
        if self.carry is not None:
            self._awaited.append((edit.model_dump(mode="json"), edit, step))
            self.carry(edit)

    def prolonging(self, project: Project, catalogue: Catalogue | None, *, made: int) -> list[Edit]:
        """What lets a Run that has finished go on to `project`: the Edit that asks for more iterations, or for a scene
        that lasts longer, where nothing else differs from what the Run holds. All else waits for the next Run: nothing.

        made : iterations that the Run has made
        """
        held, study = self._confirmed, project.study
        if self._silent or self._awaited or held.strokes != project.strokes:
            return []
        if self._placed(project, held.target) is not project:
            return []
        edits = edits_between(replace(project, study=held.study), project, catalogue)
        match edits:
            case [SetParameter(owner="study", name="iterations", value=int(wanted))]:
                same = _without_iterations(held.study) == _without_iterations(study)
                return edits if same and wanted > made else []
            case [SetScene(scene=scene)] if held.study.scene is not None:
                time = held.study.scene.time
                longer = time.model_copy(update={"duration": scene.time.duration})
                lasting = held.study.scene.model_copy(update={"time": longer})
                same = held.study.model_copy(update={"scene": lasting}) == study
                return edits if same and longer.duration > time.duration else []
        return []

    def applied(self, event: EditApplied) -> tuple[Edit, bool, bool]:
        """The Edit, whether it was sent from here, and whether one sent before it was refused without a word."""
        edit = EDIT.validate_python(event.edit)
        if self._silent:
            return edit, True, False  # it repeats what acted before it died; `restored` tells all of it
        self._hold(edit)
        place = None if event.by_engine else self._place(event.edit)
        if place is None:
            return edit, isinstance(edit, (SetMask, RemoveMask)), False
        for _ in range(place + 1):
            self._awaited.popleft()
        return edit, True, place > 0

    def refused(self, event: EditRefused, catalogue: Catalogue | None) -> Refusal | None:
        """What is to be taken back; None for an Edit that was not sent from here."""
        place = self._place(event.edit)
        if place is None:
            return None
        _, edit, step = self._awaited[place]
        del self._awaited[place]
        wanted = self._confirmed.after(edit)
        correction = edits_between(wanted.project(), self._confirmed.project(), catalogue)
        return Refusal(edit, step, correction)

    def adopted(self, project: Project, catalogue: Catalogue | None) -> Project:
        """The Project with what the engine holds, and what is still on its way to it."""
        steered = self._confirmed
        for _, edit, _ in self._awaited:
            steered = steered.after(edit)
        project = self._placed(project, steered.target)
        return replace(project, study=steered_study(project.study, steered.study, catalogue), strokes=steered.strokes)

    @property
    def follows_target(self) -> bool:
        """The Run is told where its target stands."""
        return self._stood is not None

    def _placed(self, project: Project, wanted: PlaceInput | None) -> Project:
        """With the target where an Edit of this window has put it, or where it began."""
        put, item = self._placements.get(wanted.matrix if wanted is not None else None), self._stood
        present = project.object(item.name) if item is not None else None
        if put is None or item is None or present is None or present.placement == put:
            return project
        return project.with_object(item.name, placement=put) if present.geometry is item.geometry else project

    def _from_where_it_stood(self, edit: PlaceInput) -> PlaceInput:
        """The Edit as the engine takes it, whose input is where the object stood when the Run began."""
        assert self._stood is not None
        matrix = np.array(edit.matrix) @ np.linalg.inv(self._stood.placement.matrix())
        matrix[3] = (0.0, 0.0, 0.0, 1.0)
        first, second, third, last = (tuple(row) for row in matrix.tolist())
        return PlaceInput(role=edit.role, matrix=(first, second, third, last))

    def restored(self, event: SteeringRestored) -> bool:
        """What steers the Run is what this says; False where it says nothing new, as of a Run just begun."""
        if event.study is not None:
            if not self._silent:
                return False
            self._silent = False
            self._start = Steered(Study.parse(event.study, owner="study"))
        elif self._silent:
            return False
        self._confirmed = self._start
        self._masks.clear()
        for edit in event.edits:
            self._hold(EDIT.validate_python(edit))
        return True

    def lacks(self, mask: Edit) -> bool:
        """The engine neither holds this mask, nor is it on its way there."""
        masks = dict(self._masks)
        for _, edit, _ in self._awaited:
            _note_mask(masks, edit)
        return mask not in masks.values()

    def _running_scene(self) -> Scene | None:
        """The scene that the Run has, once what is on its way has come."""
        sent = [edit.scene for _, edit, _ in self._awaited if isinstance(edit, SetScene)]
        return sent[-1] if sent else self._confirmed.study.scene

    def _hold(self, edit: Edit) -> None:
        self._confirmed = self._confirmed.after(edit)
        _note_mask(self._masks, edit)

    def _place(self, edit: dict[str, Any]) -> int | None:
        return next((place for place, (sent, _, _) in enumerate(self._awaited) if sent == edit), None)


def _without_iterations(study: Study) -> Study:
    others = {name: value for name, value in study.parameters.items() if name != "iterations"}
    return study.model_copy(update={"parameters": others})


def _note_mask(masks: dict[str, SetMask], edit: Edit) -> None:
    if isinstance(edit, SetMask):
        masks[edit.name] = edit
    elif isinstance(edit, RemoveMask):
        masks.pop(edit.name, None)
