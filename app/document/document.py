"""The Document: all that is open. Everything that a person can change goes through it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from app.document.branch_titles import with_branches, without_branches
from app.document.difference import TARGET, canonical, edits_between, followed_target, mask_edits
from app.document.engine_state import EngineState
from app.document.project import RESULT, Moved, Project, SceneObject, Selection
from app.document.recent import RecentFiles
from app.document.run_record import RunRecord
from app.document.steering import apply_edit, unique
from app.document.term_titles import term_titles
from app.document.topic import Topic
from app.document.undo import DEFAULT_BUDGET, Step, UndoStack
from app.document.workspaces import PART, REGRESSION, SHELL, SURFACE, default_of, switched, with_kind, workspace_of
from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.catalogue import Catalogue, TermEntry
from engine.protocol.edits import AddTerm, Edit, PaintFreeze, SetLatent, SetMask, SetParameter
from engine.protocol.snapshot import BranchesChanged, EditApplied, EditRefused, SteeringRestored
from engine.protocol.study import Study, TermSpec

OBJECT_COLOURS = ("#7f8c99", "#a58f6f", "#6f8fa5", "#8fa56f", "#a56f8f")


class Document:
    """The Project with its undo, the Run's record, and what the engine is told of it.

    Whatever changes the Project goes through `change`: it becomes a named step of undo, and the engine is sent what it
    needs to follow. So undo is the same for everything: the Project of before, and the Edits that lead back to it.

    Topics: one a part of the Project (`objects_changed`, `study_changed`, `frozen_changed`, `selections_changed`,
    `clip_changed`, `measurements_changed`, `probes_changed`, `titles_changed`, `samples_changed`), `document_changed`
    (any of them), `selection_changed` (what is chosen by name), `catalogue_changed`.
    """

    def __init__(self, *, recent: RecentFiles | None = None, undo_budget: int = DEFAULT_BUDGET) -> None:
        self.run = RunRecord()
        self.undo_stack = UndoStack(budget=undo_budget)
        self.recent = recent or RecentFiles()
        self.catalogue: Catalogue | None = None
        self.selected = ""
        self.engine = EngineState()

        self.objects_changed = Topic()
        self.study_changed = Topic()
        self.frozen_changed = Topic()
        self.selections_changed = Topic()
        self.clip_changed = Topic()
        self.measurements_changed = Topic()
        self.probes_changed = Topic()
        self.titles_changed = Topic()
        self.samples_changed = Topic()
        self.document_changed = Topic()
        self.selection_changed = Topic()
        self.catalogue_changed = Topic()
        self._project = Project()
        self._saved = self._project
        self._compared: tuple[Project, Project, bool] | None = None
        self._scope: tuple[str, str] | None = None
        self._scopes = 0

    # The Project --------------------------------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        """All that is open, as a value."""
        return self._project

    @property
    def objects(self) -> tuple[SceneObject, ...]:
        return self._project.objects

    @property
    def study(self) -> Study:
        return self._project.study

    @property
    def strokes(self) -> tuple[PaintFreeze, ...]:
        return self._project.strokes

    def change(self, name: str, project: Project, *, gesture: str = "") -> None:
        """Let `project` be what is open, as a step of undo called `name`; a Run follows at its next iteration.

        gesture : changes of the same gesture grow into one step
        """
        if project is self._project:
            return
        before = self._project
        project = self._without_lost_masks(project)
        edits = self._edits(before, project)
        if self._scope is not None:
            name, gesture = self._scope
        step = self.undo_stack.push(name, before, project, gesture=gesture)
        self._take(project)
        self._send(edits, step)

    def _without_lost_masks(self, project: Project) -> Project:
        """A Term whose mask's selection goes counts everywhere again; one that cannot do without goes with it."""
        lost = {item.name for item in self._project.selections} - {item.name for item in project.selections}
        if not any(spec.mask in lost for spec in project.study.terms if spec.mask):
            return project
        needy = {entry.kind for entry in self.catalogue.terms if entry.needs_mask} if self.catalogue else set()
        terms = [
            spec.model_copy(update={"mask": "", "outside": 0.0}) if spec.mask in lost else spec
            for spec in project.study.terms
            if not (spec.mask in lost and spec.kind in needy)
        ]
        return replace(project, study=project.study.model_copy(update={"terms": terms}))

    def rewrite(self, change: Callable[[Project], Project]) -> None:
        """Let the Project be what `change` makes of it, and those that undo leads to as well; no step of undo."""
        self.undo_stack.rewrite(change)
        self._saved = change(self._saved)
        self._take(change(self._project))

    @contextlib.contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """All changes within are one step of undo called `name`; scopes within it count as part of it."""
        if self._scope is not None:
            yield
            return
        self._scopes += 1
        self._scope = (name, f"scope {self._scopes}")
        try:
            yield
        finally:
            self._scope = None
            self.undo_stack.end_gesture()

    def undo(self) -> None:
        """Take the last step back; a Run gets the Edits that lead back, and is never rewound."""
        self._return_to(self.undo_stack.undo())

    def redo(self) -> None:
        """Do the step undone last again."""
        self._return_to(self.undo_stack.redo())

    def open_project(self, project: Project) -> None:
        """Another document takes the place of this one: nothing can be undone, nothing is modified."""
        self.undo_stack.clear()
        self.select("")
        self._take(project)
        self._saved = self._project

    @property
    def modified(self) -> bool:
        """Whether the Project differs from the one that was opened or saved last; exact, by content, which is compared
        once: the title asks again and again while a Run goes on, and two equal scans are looked through to the end."""
        project, saved = self._project, self._saved
        if project is saved:
            self._compared = None  # what was compared may hold geometry that is closed
            return False
        if self._compared is None or self._compared[0] is not project or self._compared[1] is not saved:
            self._compared = project, saved, project != saved
        return self._compared[2]

    def mark_saved(self, project: Project) -> None:
        """`project` (the present one, or an earlier one whose writing has ended just now) is what the file holds."""
        self._saved = project
        self.document_changed()

    # Objects ------------------------------------------------------------------------------------------------------

    def add_object(self, geometry: Mesh | Points, *, source: str = "", role: str = "") -> SceneObject:
        """Open a geometry and let it play a role in the study (the main one where none is named), where that is about
        no scene: a scene takes its objects one by one. An object of the same source is replaced where it stands."""
        before = next((item for item in self.objects if source and item.source == source), None)
        if before is not None:
            project = self._project.with_object(before.name, geometry=geometry)
            project = _without_foreign_selections(project, before.name)
        else:
            item = SceneObject(self.free_name(geometry.name or "object"), geometry, self._next_colour(), source)
            project = replace(self._project, objects=(*self.objects, item))
        name = before.name if before is not None else project.objects[-1].name
        if self.workspace != SHELL:
            project = replace(project, roles={**project.roles, role or self.main_role: name})
        project = project.with_named_inputs()
        self.change(f"open {name}", project)
        found = self.object(name)
        assert found is not None
        return found

    def remove_object(self, name: str) -> None:
        """Close an object; the study loses it as an input."""
        if self.object(name) is not None:
            self.change(f"close {name}", self._project.without_object(name))

    def replace_geometry(self, name: str, geometry: Mesh | Points, step: str = "") -> None:
        """Another geometry for an open object: a repaired one."""
        if self.object(name) is not None:
            project = self._project.with_object(name, geometry=geometry)
            self.change(step or f"change {name}", _without_foreign_selections(project, name))

    def object(self, name: str) -> SceneObject | None:
        return self._project.object(name)

    def set_visible(self, name: str, visible: bool) -> None:
        item = self.object(name)
        if item is not None and item.visible != visible:
            step = f"show {name}" if visible else f"hide {name}"
            self.change(step, self._project.with_object(name, visible=visible))

    def select(self, name: str) -> None:
        """Choose an object or a handle by name; "" chooses nothing. No step of undo."""
        if name != self.selected:
            self.selected = name
            self.selection_changed()

    def free_name(self, stem: str) -> str:
        """`stem`, or `stem 2`, ...: what no object is called."""
        return unique(stem, [RESULT, *(item.name for item in self.objects)])

    def _next_colour(self) -> str:
        return OBJECT_COLOURS[len(self.objects) % len(OBJECT_COLOURS)]

    # The Study ----------------------------------------------------------------------------------------------------

    def set_input(self, role: str, item: SceneObject) -> None:
        """Let `item` play `role` ("target") in the study."""
        roles = {**self._project.roles, role: item.name}
        self.change(f"use {item.name} as {role}", replace(self._project, roles=roles).with_named_inputs())

    def set_file_input(self, role: str, path: str) -> None:
        """Let a file that is no object play a role in the study; "" lets nothing play it."""
        inputs = {name: value for name, value in self.study.inputs.items() if name != role}
        study = self.study.model_copy(update={"inputs": inputs | ({role: path} if path else {})})
        roles = {name: value for name, value in self._project.roles.items() if name != role}
        step = f"use {Path(path).name} as {role}" if path else f"no {role}"
        self.change(step, replace(self._project, study=study, roles=roles).with_named_inputs())

    def inputs(self) -> dict[str, Mesh | Points]:
        """Geometry by role where it stands, as `Session.start` takes it."""
        found = {role: self.object(name) for role, name in self._project.roles.items()}
        return {role: item.placed for role, item in found.items() if item is not None}

    def playing(self, role: str) -> SceneObject | None:
        """The object that plays a role in the study; None where there is none."""
        return self.object(self._project.roles.get(role, ""))

    def takes(self, role: str) -> bool:
        """The study has an input of this role."""
        entry = next((item for item in self.catalogue.studies if item.study == self.study.study), None) if (
            self.catalogue
        ) else None  # fmt: skip
        return role in entry.inputs if entry is not None else self.workspace == SURFACE

    @property
    def main_role(self) -> str:
        """The role of what the study is about: a part that is predicted, or a target."""
        return PART if self.workspace == REGRESSION else TARGET

    def role_of(self, name: str) -> str:
        return next((role for role, value in self._project.roles.items() if value == name), "")

    def diagonal(self) -> float | None:
        """Diagonal of the bounding box [mm] of what the study is about, to which percentages refer; None with nothing
        open."""
        target = self.playing(self.main_role)
        return target.diagonal if target is not None else None

    def set_parameters(self, values: Mapping[str, Any]) -> None:
        """Parameters of the study, as one step of undo; those that it has not are left out."""
        entries = self.catalogue.studies if self.catalogue is not None else []
        known = next((entry.schema_ for entry in entries if entry.study == self.study.study), {}).get("properties", {})
        values = {name: value for name, value in values.items() if name in known}
        if values:
            study = self.study.model_copy(update={"parameters": {**self.study.parameters, **values}})
            self.change(", ".join(values).replace("_", " "), replace(self._project, study=study))

    def set_study(self, study: Study) -> None:
        """Take over another Study (from a file, the gallery or the defaults); its Terms are filled in."""
        project = replace(self._project, study=self._with_terms(study)).with_named_inputs()
        self.change(f"take over the study {study.study}", project)

    @property
    def workspace(self) -> str:
        """To which the study belongs."""
        return workspace_of(self.study, self.catalogue)

    def switch_workspace(self, workspace: str) -> None:
        """Let the study of another workspace be the study; the present one rests in the Project."""
        project = switched(self._project, workspace, self.catalogue)
        known = {entry.study for entry in self.catalogue.studies} if self.catalogue is not None else set()
        if project.study.study in known:
            project = replace(project, study=self._with_terms(project.study)).with_named_inputs()
        self.change(f"switch to {workspace}", project)

    @property
    def simulates(self) -> bool:
        """The study goes on by itself, a step of time an iteration, and descends no loss."""
        return self._advances(self.study.study)

    @property
    def run_simulates(self) -> bool:
        """So does the Run that there is, whatever study is looked at now; without a Run: so would one of the study."""
        return self._advances(self.engine.kind if self.run.exists else self.study.study)

    def _advances(self, kind: str) -> bool:
        entries = self.catalogue.studies if self.catalogue is not None else []
        return any(entry.study == kind and not entry.descends for entry in entries)

    def choose_study(self, kind: str) -> None:
        """Another kind of study, in its workspace: as it was left there, on the scene and the inputs that are there."""
        with self.scope(f"take over the study {kind}"):
            self.switch_workspace(workspace_of(Study(study=kind), self.catalogue))
            if self.study.study != kind and self.catalogue is not None:
                project = with_kind(self._project, kind, self.catalogue)
                self.change("", replace(project, study=self._with_terms(project.study)).with_named_inputs())

    def reset_study(self) -> None:
        """Parameters, optimiser, Terms and weights of the study as the Catalogue has them."""
        study = default_of(self.study.study, self.catalogue)
        self.set_study(study.model_copy(update={"inputs": self.study.inputs, "scene": self.study.scene}))

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """What the engine offers; a Study without Terms gets the defaults, which is no change of the document."""
        self.catalogue = catalogue
        self.catalogue_changed()
        if not self.study.terms and any(entry.study == self.study.study for entry in catalogue.studies):
            untouched = not self.modified
            self._take(replace(self._project, study=self._with_terms(self.study)).with_named_inputs())
            if untouched:
                self._saved = self._project

    def _with_terms(self, study: Study) -> Study:
        if study.terms or self.catalogue is None:
            return canonical(study, self.catalogue)
        try:
            terms = [spec.model_copy(deep=True) for spec in self.catalogue.study(study.study).default_terms]
        except StopIteration:
            raise ParameterError(study.study, "this engine has no such study.") from None
        return study.model_copy(update={"terms": terms})

    @property
    def surface(self) -> str:
        """The kind of surface that the study makes; "" where it makes none."""
        entries = self.catalogue.studies if self.catalogue is not None else []
        found = next((entry for entry in entries if entry.study == self.study.study), None)
        return found.surface(self.study.parameters) if found is not None else ""

    def offered_terms(self) -> list[TermEntry]:
        """Kinds of Terms that serve the study and its surface."""
        entries = self.catalogue.terms if self.catalogue is not None else []
        return [entry for entry in entries if self.study.study in entry.studies and entry.fits(self.surface)]

    def resting_terms(self) -> list[str]:
        """Names of the Terms that say nothing about the study's surface."""
        entries = {entry.kind: entry for entry in self.catalogue.terms} if self.catalogue is not None else {}
        return [
            spec.name for spec in self.study.terms if spec.kind in entries and not entries[spec.kind].fits(self.surface)
        ]

    def follows(self, name: str) -> bool:
        """The Run goes along when this object is moved."""
        target = followed_target(self._project, self.catalogue)
        return target is not None and target.name == name and self.run.active and self.engine.follows_target

    def handles(self) -> list[TermSpec]:
        """Terms that are made at a point of the surface."""
        return [spec for spec in self.study.terms if self.place_of(spec.kind) == "point"]

    def placed_terms(self) -> list[TermSpec]:
        """Terms at work that have a direction or a plane."""
        resting = self.resting_terms()
        return [
            spec
            for spec in self.study.terms
            if self.place_of(spec.kind) in ("direction", "plane") and spec.enabled and spec.name not in resting
        ]

    def term_parameters(self, spec: TermSpec) -> dict[str, Any]:
        """All parameters of a Term, those that nobody has set with their defaults."""
        entries = self.catalogue.terms if self.catalogue is not None else []
        schema = next((entry.schema_ for entry in entries if entry.kind == spec.kind), {})
        defaults = {name: each["default"] for name, each in schema.get("properties", {}).items() if "default" in each}
        return {**defaults, **spec.parameters}

    def term_titles(self) -> dict[str, str]:
        """What a person calls each Term, by its name (see `app.document.term_titles`)."""
        return term_titles(self.study.terms, self.catalogue)

    def term_title(self, name: str) -> str:
        """What a person calls the Term of that name."""
        return self.term_titles().get(name, name)

    def place_of(self, kind: str) -> str:
        """ "point" for handles, "direction" or "plane", "" for most Terms (see `TermEntry.place`)."""
        if self.catalogue is None:
            return "point" if kind == "handle" else ""
        return next((entry.place for entry in self.catalogue.terms if entry.kind == kind), "")

    # Steering -----------------------------------------------------------------------------------------------------

    def steer(self, edit: Edit, name: str, *, gesture: str = "") -> None:
        """Carry out an Edit here at once and in the engine at its next iteration; undo calls it `name`.

        Raises `ParameterError` for an Edit that makes no sense here.
        """
        study, strokes = apply_edit(self.study, self.strokes, edit)
        if study is not self.study or strokes is not self.strokes:
            study = canonical(study, self.catalogue)
            self.change(name, replace(self._project, study=study, strokes=strokes), gesture=gesture)

    def move_latent(self, before: Sequence[float], after: Sequence[float], *, gesture: str) -> None:
        """Put the shape of a Model, which a Run has at `before` by now, at `after`; undo puts it back there."""
        moved = self._project.moved
        going_on = self.undo_stack.goes_on(gesture)
        if not going_on:
            self._project = replace(self._project, moved=Moved(moved.move, tuple(before)))
        now = Moved(moved.move if going_on else moved.move + 1, tuple(after))
        if going_on:
            self.engine.send(SetLatent(values=list(after)), None)
        self.change("move the shape", replace(self._project, moved=now), gesture=gesture)

    def add_term(self, kind: str, title: str, parameters: dict[str, Any] | None = None, weight: float = 1.0) -> str:
        """Add a Term of a kind; returns its name, which no other Term's name or title is."""
        name = unique(title, [*self.term_titles(), *self.term_titles().values()])
        spec = TermSpec(kind=kind, name=name, weight=weight, parameters=parameters or {})
        self.steer(AddTerm(spec=spec), f"add {name}")
        return name

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

    # What the engine says -----------------------------------------------------------------------------------------

    def new_run(self, number: int, *, resumed: bool = False) -> None:
        """A Run of the Project has begun: what was seen of the last one goes.

        It is sent the masks and the frozen regions; a resumed one says first which of them it has.
        """
        self.run = RunRecord(run=number, state="preparing")
        self.rewrite(without_moves)
        if not resumed:
            self.rewrite(without_branches)
        target = followed_target(self._project, self.catalogue)
        self.engine.begin(replace(self._project, strokes=()), target=target, resumed=resumed)
        if not resumed:
            self._send([*mask_edits(self._project), *self.strokes], None)

    def branches_changed(self, event: BranchesChanged) -> None:
        """Branches got other names in the History, or one is gone, which is outside undo: their titles go along."""
        self.run.branches_changed(event)
        self.rewrite(partial(with_branches, renamed=event.renamed, gone=event.deleted_branch))

    def edit_applied(self, event: EditApplied) -> None:
        """The engine carried an Edit out. One that nobody sent from here (it lowers the step size after a roll-back) is
        a step that can be undone too."""
        edit, known, refused = self.engine.applied(event)
        if known and not refused:
            return
        project = self.engine.adopted(self._project, self.catalogue)
        if not known and project != self._project:
            self.undo_stack.push(_engine_step(edit), self._project, project)
        self._take(project)

    def edit_refused(self, event: EditRefused) -> None:
        """The engine refused an Edit: what it holds is shown again, and undo forgets a step that never was."""
        refusal = self.engine.refused(event, self.catalogue)
        if refusal is not None:
            if refusal.step is not None:
                self.undo_stack.rebase(refusal.step, refusal.edit, refusal.correction, self.catalogue)
            self._take(self.engine.adopted(self._project, self.catalogue))

    def steering_restored(self, event: SteeringRestored) -> None:
        """What steers the Run after it went back, or was taken up again.

        Gone back to a Checkpoint, the Terms, weights and frozen regions of that moment hold again: a step of undo,
        which never takes the Run back. Taken up again, the Run follows what the document says, and is sent whatever it
        has missed.
        """
        if not self.engine.restored(event):
            return
        held = self.engine.adopted(self._project, self.catalogue)
        if event.checkpoint is not None and held != self._project:
            self.undo_stack.push(f"the terms of checkpoint {event.checkpoint}", self._project, held)
            self._take(held)
        masks = [edit for edit in mask_edits(self._project) if self.engine.lacks(edit)]
        missed = edits_between(held, self._project, self.catalogue)
        self._send([*masks, *(edit for edit in missed if not isinstance(edit, SetMask))], None)

    # ---------------------------------------------------------------------------------------------------------------

    def _return_to(self, project: Project | None) -> None:
        if project is not None:
            edits = self._edits(self._project, project)
            self._take(project)
            self._send(edits, None)

    def _edits(self, before: Project, after: Project) -> list[Edit]:
        """What the Run is told of a change; one that has finished goes on where more of it is asked for."""
        if self.run.active:
            return edits_between(before, after, self.catalogue)
        if self.run.state == "finished":
            return self.engine.prolonging(after, self.catalogue, made=self.run.iteration)
        return []

    def _send(self, edits: list[Edit], step: Step | None) -> None:
        for edit in edits:
            self.engine.send(edit, step, followed_target(self._project, self.catalogue))

    def _take(self, project: Project) -> None:
        """Let `project` be the present one, and tell who shows a part of it."""
        before, self._project = self._project, project
        if before is project:
            return
        told = (
            (self.objects_changed, (before.objects, before.roles), (project.objects, project.roles)),
            (self.study_changed, before.study, project.study),
            (self.frozen_changed, before.strokes, project.strokes),
            (self.selections_changed, before.selections, project.selections),
            (self.clip_changed, before.clip, project.clip),
            (self.measurements_changed, before.measurements, project.measurements),
            (self.probes_changed, before.probes, project.probes),
            (self.titles_changed, before.branch_titles, project.branch_titles),
            (self.samples_changed, before.samples, project.samples),
        )
        for topic, old, new in told:
            if old is not new and old != new:
                topic()
        if self.selected and self.object(self.selected) is None and not _has_term(project.study, self.selected):
            self.select("")
        self.document_changed()


def without_moves(project: Project) -> Project:
    """The Project as another Run begins: where its shape is, it says itself."""
    return replace(project, moved=Moved()) if project.moved != Moved() else project


def _without_foreign_selections(project: Project, name: str) -> Project:
    """Without selections of an object that has other vertices now."""
    item = project.object(name)
    assert item is not None
    count = item.geometry.vertex_count if isinstance(item.geometry, Mesh) else item.geometry.point_count

    def fits(selection: Selection) -> bool:
        return selection.of != name or selection.points is not None or len(selection.values) == count

    return replace(project, selections=tuple(selection for selection in project.selections if fits(selection)))


def _has_term(study: Study, name: str) -> bool:
    return any(spec.name == name for spec in study.terms)


def _engine_step(edit: Edit) -> str:
    if isinstance(edit, SetParameter):
        return f"{edit.name.replace('_', ' ')} by the engine"
    return "a change by the engine"
