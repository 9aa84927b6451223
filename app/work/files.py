"""Files that are opened and saved: geometry, studies, the gallery's data."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.file import is_document
from app.document.project import FILE_ROLES
from app.document.topic import Topic
from app.document.workspaces import PREDICT, SHELL, SIMULATE, SURFACE, workspace_of
from app.panels.error_bar import RUN, Message
from app.work.drawing import Drawing
from app.work.notices import Notices, Question
from app.work.opening import Opener
from app.work.playing import is_motion, is_trajectory
from app.work.repairing import Repairing, repair_title
from app.work.running import Running
from app.work.target import Target
from app.work.tasks import Tasks
from engine.core.errors import FileError, FormwrightError, GeometryError, QuestionError
from engine.core.units import MILLIMETRES_PER
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.catalogue import GalleryEntry
from engine.protocol.scene_file import is_scene_file, read_scene, scene_toml
from engine.protocol.study import MODEL, MODEL_EXTENSION, SAMPLE, Study

LARGE = 500_000
"""Vertices or points from which on work on all of them is done beside the window."""


class Files:
    """Opens without blocking; what was read becomes an object and the study's target. A document (`document_wanted`)
    takes the place of what is open; a simulation's frames (`motion_wanted`) are only looked at."""

    def __init__(
        self,
        document: Document,
        tasks: Tasks,
        notices: Notices,
        target: Target,
        drawing: Drawing,
        running: Running,
        repairing: Repairing,
    ) -> None:
        self._document = document
        self._tasks = tasks
        self._notices = notices
        self._target = target
        self._drawing = drawing
        self._running = running
        self._repairing = repairing
        self.opener = Opener(tasks, self._opened, self._not_opened, self._geometries)
        self.document_wanted = Topic()
        self.motion_wanted = Topic()
        self.model_wanted = Topic()
        self.samples_wanted = Topic()
        self._run_when_opened = False
        self._together = False
        self._of_study: set[str] = set()
        self._roles_wanted: dict[str, str] = {}

    def open(self, paths: list[Path], *, repairs: tuple[str, ...] = ()) -> None:
        """Open geometry files (and a study's TOML, and a document) without blocking; what comes together is framed
        together."""
        self._together = len(paths) > 1
        for path in paths:
            if is_document(path):
                self.document_wanted(path)
            elif is_trajectory(path):
                self.motion_wanted(path)
            elif path.suffix.lower() == MODEL_EXTENSION:
                self.model_wanted(path)
            elif is_dataset(path):
                self.samples_wanted(path)
            elif path.suffix.lower() == ".toml" and is_scene_file(path):
                self.open_scene(path)
            elif path.suffix.lower() == ".toml":
                self.open_study(path)
            else:
                self.opener.open(path, repairs=repairs, unit=self._document.recent.unit(path))

    def open_for(self, role: str, path: Path) -> None:
        """Open a geometry that is to play a role in the study."""
        self._roles_wanted[str(path)] = role
        self.opener.open(path, unit=self._document.recent.unit(path))

    def set_unit(self, name: str, unit: str) -> None:
        """Take the lengths in an object's file for `unit`; remembered for the next time that the file is opened."""
        item = self._document.object(name)
        if item is None:
            return
        self._notices.past(unit_question(name))
        if item.source and not item.source.startswith(SAMPLE):
            self._document.recent.remember_unit(Path(item.source), unit)
        before = item.geometry

        def take(geometry: Mesh | Points) -> None:
            now = self._document.object(name)
            if geometry is not before and now is not None and now.geometry is before:
                self._document.replace_geometry(name, geometry, f"unit of {name}: {unit}")
                self._drawing.frame(name)
            if isinstance(geometry, Mesh):  # a look at it that is under way is about the mesh of before
                self._notices.past(name)
                self._repairing.look(name)

        count = before.vertex_count if isinstance(before, Mesh) else before.point_count
        if count < LARGE:
            take(in_unit(before, unit))
        else:
            self._tasks.do(partial(in_unit, before, unit), take, self._notices.say)

    def open_study(self, path: Path) -> None:
        """Take over a study file and open its input."""
        try:
            study = Study.read(path)
            self._take_study(study)
        except FormwrightError as error:
            self._notices.say(error)
            return
        self._document.recent.add(path)

    def open_scene(self, path: Path) -> None:
        """Take over a scene file in the workspace Shell, and open the meshes of its bodies."""
        try:
            scene = read_scene(path)
            inputs, units = scene.inputs, scene.units
            study = Study(study=SIMULATE, scene=scene.model_copy(update={"inputs": {}, "units": {}}))
            with self._document.scope(f"open the scene {path.name}"):
                self._document.switch_workspace(SHELL)
                self._take_study(study.model_copy(update={"inputs": inputs, "units": units}))
        except FormwrightError as error:
            self._notices.say(error)
            return
        self._document.recent.add(path)
        if not inputs:
            self._drawing.frame(None)

    def save_scene(self, path: Path) -> None:
        """Write the scene as TOML, inputs relative to the file where they lie below it."""
        study = self._document.study
        if study.scene is None:
            return
        named = {"inputs": _relative(study.inputs, path), "units": dict(study.units)}
        self._write_text(path, scene_toml(study.scene.model_copy(update=named)))

    def save_study(self, path: Path) -> None:
        """Write the study as TOML, inputs relative to the file where they lie below it."""
        study = self._document.study
        self._write_text(path, study.model_copy(update={"inputs": _relative(study.inputs, path)}).to_toml())

    def _write_text(self, path: Path, text: str) -> None:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            why = _tr("it cannot be written ({0}).").format(error.strerror or error)
            self._notices.say(FileError(path, why, remedy=_tr("Choose another.")))
            return
        self._notices.noted(_tr("Saved {0}").format(path.name))

    def reset_study(self) -> None:
        """Parameters, Terms and weights as the Catalogue has them."""
        self._document.reset_study()

    def run_gallery(self, entry: GalleryEntry) -> None:
        """One click: take over the study, open its data, run."""
        self._run_when_opened = True
        try:
            self._take_study(entry.study)
        except FormwrightError as error:
            self._run_when_opened = False
            self._notices.say(error)
            return
        model = entry.study.inputs.get(MODEL, "")
        if entry.study.study == PREDICT and model.startswith(SAMPLE):
            self.samples_wanted(Path(model))  # the samples that it was learnt from have its name
        if not self._roles_wanted:  # a scene of its own shapes: nothing has to be opened
            self._run_when_opened = False
            self._drawing.frame(None)
            self._running.start()

    def run_demo(self) -> None:
        """The first study of the gallery, as soon as the Catalogue is there."""
        if self._document.catalogue is not None and self._document.catalogue.gallery:
            self.run_gallery(self._document.catalogue.gallery[0])
        elif self._document.catalogue is None:

            def when_there() -> None:
                self._document.catalogue_changed.unsubscribe(when_there)
                self.run_demo()

            self._document.catalogue_changed.subscribe(when_there)

    def _take_study(self, study: Study) -> None:
        inputs = list(study.inputs.values())
        if workspace_of(study, self._document.catalogue) != self._document.workspace:
            self._document.switch_workspace(workspace_of(study, self._document.catalogue))
        read = {
            role: name
            for role, name in study.inputs.items()
            if role == MODEL or (role in FILE_ROLES and is_motion(Path(name)))
        }
        self._document.set_study(study.model_copy(update={"inputs": read}))
        self._of_study = set(inputs)
        self._roles_wanted = {name: role for role, name in study.inputs.items() if role not in read}
        for name, role in self._roles_wanted.items():
            self.opener.open(
                Path(name), unit=study.units.get(role), shift=study.shifts.get(role),
                reading={key: str(study.parameters[key]) for key in ("sign", "axes") if key in study.parameters},
            )  # fmt: skip

    def _geometries(self) -> list[Mesh | Points]:
        return [item.geometry for item in self._document.objects]

    def _opened(self, path: Path, geometry: Mesh | Points) -> None:
        first = not self._document.objects
        role = self._roles_wanted.pop(str(path), "")
        item = self._document.add_object(geometry, source=str(path), role=role)
        self._notices.past(str(path))
        if role and role != self._document.role_of(item.name):
            self._document.set_input(role, item)
        if not self._document.run.active:
            self._notices.past(RUN)  # it was about the target before this one
        if not item.source.startswith(SAMPLE):
            self._document.recent.add(path)
        is_target = self._document.role_of(item.name) == self._document.main_role
        said = self._target.changed(item, own_handles=str(path) in self._of_study) if is_target else ""
        self._of_study.discard(str(path))
        if said or geometry.notes:
            self._notices.noted(" · ".join([*([said] if said else []), *geometry.notes]))
        self._drawing.frame(None if first or role or self._together else item.name)
        if self._run_when_opened:
            self._run_when_opened = False
            self._running.start()
            return
        self._ask_unit(item.name, geometry)
        if isinstance(geometry, Mesh) and self._document.workspace == SURFACE:  # a sheet has holes, and may have
            self._repairing.look(item.name)

    def _ask_unit(self, name: str, geometry: Mesh | Points) -> None:
        """What a file does not say, and what would give it an unusual size, is asked; without an answer it stays."""
        from engine.io.likely_units import likely_units

        units = likely_units(geometry)
        if not units:
            return
        lengths = {unit: _longest(size) for unit, size in units}
        likely = [unit for unit in lengths if unit != geometry.unit][:2]
        offers = tuple(
            (_tr("{0}: {1}").format(unit_title(unit), lengths[unit]), partial(self.set_unit, name, unit))
            for unit in (*likely, geometry.unit)
        )
        text = _tr("{0} does not say its unit, and would be {1} long.").format(name, lengths[geometry.unit])
        self._notices.said(Message(text, kind="warning", offers=offers, about=unit_question(name)))

    def _not_opened(self, path: Path, error: BaseException) -> None:
        if isinstance(error, QuestionError):
            self._ask(path, error)
            return
        self._run_when_opened = False
        repairs = getattr(error, "repairs", ())
        offers: list[tuple[str, Callable[[], object]]] = [
            (repair_title(name), partial(self.open, [path], repairs=(name,))) for name in repairs
        ]
        remedy = getattr(error, "remedy", "")
        text = getattr(error, "message", f"{path.name}: {error}")
        self._notices.said(Message(text, remedy, str(path), offers=tuple(offers), about=str(path)))

    def _ask(self, path: Path, error: QuestionError) -> None:
        """Ask how a volume is meant; the answer is a parameter of the study too, where it has one, and goes on."""

        def answer(value: str) -> None:
            self._document.set_parameters({error.parameter: value})
            self.opener.answer(path, error.parameter, value)

        self._notices.asked(Question(error.question, error.readings, answer))


def is_dataset(path: Path) -> bool:
    """Samples to learn from: one file, or a folder."""
    return path.suffix.lower() == ".npz" or path.is_dir()


def _relative(inputs: Mapping[str, str], path: Path) -> dict[str, str]:
    """Files by role as seen from a file's folder, those that lie below it."""
    folder = path.resolve().parent
    return {
        role: Path(value).resolve().relative_to(folder).as_posix()
        if Path(value).is_absolute() and Path(value).resolve().is_relative_to(folder)
        else value
        for role, value in inputs.items()
    }


def unit_question(name: str) -> str:
    """What the Message is about that asks for the unit of an object's file."""
    return f"unit of {name}"


def _longest(size: str) -> str:
    """The longest side of a size in words: "152 mm" of "152 × 98 × 43 mm"."""
    sides, _, unit = size.rpartition(" ")
    return f"{max(sides.split(' × '), key=lambda side: float(side.replace(',', '')))} {unit}"


def unit_title(unit: str) -> str:
    """What a person calls a unit."""
    titles = {
        "um": _tr("Micrometres"), "mm": _tr("Millimetres"), "cm": _tr("Centimetres"), "m": _tr("Metres"),
        "in": _tr("Inches"), "ft": _tr("Feet"),
    }  # fmt: skip
    return titles[unit]


def in_unit(geometry: Mesh | Points, unit: str) -> Mesh | Points:
    """The geometry as if its file were in `unit`; the same object where it is known to be."""
    if geometry.unit == unit and not geometry.unit_assumed:
        return geometry
    factor = MILLIMETRES_PER[unit] / MILLIMETRES_PER[geometry.unit]
    x, y, z = (factor * value for value in geometry.shift)
    changed: Mesh | Points
    if isinstance(geometry, Mesh):
        vertices = geometry.vertices if factor == 1.0 else geometry.vertices * factor
        inner = None if geometry.inner is None else geometry.inner * factor
        changed = replace(geometry, vertices=vertices, inner=inner, unit=unit, shift=(x, y, z), unit_assumed=False)
    else:
        positions = geometry.positions if factor == 1.0 else geometry.positions * factor
        changed = replace(geometry, positions=positions, unit=unit, shift=(x, y, z), unit_assumed=False)
    with contextlib.suppress(GeometryError):  # nothing in it
        _ = changed.bounds  # kept by it: the window's thread asks for them, and should not look at every point
    return changed


def _tr(text: str) -> str:
    return QCoreApplication.translate("Files", text)
