"""What a person can do: the operations behind actions, panels and the viewport. It draws nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from app.document.document import Document
from app.document.project import SceneObject
from app.document.topic import Topic
from app.panels.error_bar import RUN, Message
from app.viewport.view import HandleView, Viewport
from app.work.engine_link import EngineLink
from app.work.opening import Opener
from app.work.target import Target
from app.work.tasks import Tasks
from engine.core.errors import FileError, FormwrightError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.catalogue import GalleryEntry
from engine.protocol.edits import AddTerm, PaintFreeze, RemoveTerm, SetParameter, SetWeight
from engine.protocol.session import QualitySheet, ResultMesh
from engine.protocol.study import SAMPLE, Study, TermSpec

INPUT_OPACITY = 0.3
"""How solid the input is drawn once the result lies on it: less than 1 lets it step back."""


class Workbench:
    """Joins the Document, the engine and the viewport.

    Topics: `said` (Message for the bar over the viewport), `past` (what Messages were about that go now), `noted` (a
    short text for the status bar).
    """

    def __init__(self, document: Document, link: EngineLink, tasks: Tasks) -> None:
        self.document = document
        self.link = link
        self.tasks = tasks
        self.viewport: Viewport | None = None
        self.target = Target(document)
        self.opener = Opener(tasks, self._opened, self._not_opened)
        self.said = Topic()
        self.past = Topic()
        self.noted = Topic()
        self.result_visible = True
        self._drawn: dict[str, tuple[int, bool, float]] = {}
        self._run_when_opened = False
        self._of_study: set[str] = set()
        self._stroke = 0
        document.objects_changed.subscribe(self._draw_objects)
        document.study_changed.subscribe(self._draw_handles)
        document.selection_changed.subscribe(self._draw_handles)
        document.frozen_changed.subscribe(self._draw_frozen)
        link.snapshot_arrived.subscribe(self._draw_snapshot)
        link.run_changed.subscribe(self._draw_objects)

    # The viewport -------------------------------------------------------------------------------------------------

    def set_viewport(self, viewport: Viewport) -> None:
        """Draw into this one, and listen to what is done in it."""
        self.viewport = viewport
        viewport.handle_placed.connect(self.place_handle)
        viewport.handle_moved.connect(self.move_handle)
        viewport.handle_withdrawn.connect(self.withdraw_handle)
        viewport.handle_selected.connect(self.document.select)
        viewport.painted.connect(self.paint)
        viewport.files_dropped.connect(lambda paths: self.open([Path(path) for path in paths]))
        self._draw_objects()
        self._draw_handles()
        self._draw_frozen()

    def end_stroke(self) -> None:
        """What was done with the mouse is over: what comes next is another step of undo."""
        self._stroke += 1

    # Files --------------------------------------------------------------------------------------------------------

    def open(self, paths: list[Path], *, repairs: tuple[str, ...] = ()) -> None:
        """Open geometry files (and a study's TOML) without blocking."""
        for path in paths:
            if path.suffix.lower() == ".toml":
                self.open_study(path)
            else:
                self.opener.open(path, repairs=repairs)

    def set_unit(self, name: str, unit: str) -> None:
        """Read an open file again, its lengths in `unit`."""
        item = self.document.object(name)
        if item is not None and item.source and not item.source.startswith(SAMPLE):
            self.opener.open(Path(item.source), unit=unit)

    def open_study(self, path: Path) -> None:
        """Take over a study file and open its input."""
        try:
            study = Study.read(path)
            self._take_study(study)
        except FormwrightError as error:
            self.say(error)
            return
        self.document.recent.add(path)

    def save_study(self, path: Path) -> None:
        """Write the study as TOML, inputs relative to the file where they lie below it."""
        study = self.document.study
        folder = path.resolve().parent
        inputs = {
            role: Path(value).resolve().relative_to(folder).as_posix()
            if Path(value).is_absolute() and Path(value).resolve().is_relative_to(folder)
            else value
            for role, value in study.inputs.items()
        }
        try:
            path.write_text(study.model_copy(update={"inputs": inputs}).to_toml(), encoding="utf-8")
        except OSError as error:
            self.say(FileError(path, f"it cannot be written ({error.strerror or error}).", remedy="Choose another."))
            return
        self.noted(f"Saved {path.name}")

    def reset_study(self) -> None:
        """Parameters, Terms and weights as the Catalogue has them."""
        study = self.document.study
        self.document.set_study(Study(study=study.study, inputs=study.inputs))

    def run_gallery(self, entry: GalleryEntry) -> None:
        """One click: take over the study, open its data, run."""
        self._run_when_opened = True
        try:
            self._take_study(entry.study)
        except FormwrightError as error:
            self._run_when_opened = False
            self.say(error)

    def run_demo(self) -> None:
        """The first study of the gallery, as soon as the Catalogue is there."""
        if self.document.catalogue is not None and self.document.catalogue.gallery:
            self.run_gallery(self.document.catalogue.gallery[0])
        elif self.document.catalogue is None:

            def when_there() -> None:
                self.document.catalogue_changed.unsubscribe(when_there)
                self.run_demo()

            self.document.catalogue_changed.subscribe(when_there)

    def close_object(self, name: str) -> None:
        was_target = self.document.role_of(name) == "target"
        self.document.remove_object(name)
        self.past(name)
        if was_target and not self.document.run.active:
            self.past(RUN)

    def use_as_target(self, name: str) -> None:
        """The study is about this object from now on."""
        self.noted(self.target.use(name))
        if not self.document.run.active:
            self.past(RUN)

    def close_everything(self) -> None:
        """Stop the run, close all objects."""
        if self.document.run.active:
            self.stop()
        for item in list(self.document.objects):
            self.document.remove_object(item.name)
        self.link.forget_run()
        self.past("")

    # Running ------------------------------------------------------------------------------------------------------

    @property
    def can_run(self) -> bool:
        """There is something to run, or a Run to go on with."""
        return bool(self.document.inputs()) and self.document.catalogue is not None

    def toggle_run(self) -> None:
        """Run, pause, or go on."""
        run = self.document.run
        if run.state in ("running", "preparing"):
            self.link.pause()
        elif run.state == "paused":
            self.link.view_live()
            self.link.resume()
        elif self.can_run:
            self.start_run()

    def start_run(self, *, paused: bool = False, resume: Path | None = None) -> None:
        """Begin anew from the input."""
        if went := self.target.drop_foreign_handles():
            self.noted(went)
        try:
            self.link.start_run(paused=paused, resume=resume)
        except FormwrightError as error:
            self.past(RUN)
            self.say(error, about=RUN)
            return
        if self.viewport is not None:
            self.viewport.clear_snapshot()

    def step(self) -> None:
        """One iteration; starts a paused Run where there is none."""
        if self.document.run.state == "paused":
            self.link.view_live()
            self.link.resume(steps=1)
        elif not self.document.run.active and self.can_run:
            self.start_run(paused=True)
            self.link.resume(steps=1)

    def stop(self) -> None:
        self.link.stop()

    def restart_engine(self) -> None:
        """Start a new engine after the last one died, from its last Checkpoint."""
        try:
            self.link.restart()
        except FormwrightError as error:
            self.past(RUN)
            self.say(error, about=RUN)

    # Steering -----------------------------------------------------------------------------------------------------

    def set_weight(self, term: str, weight: float) -> None:
        self._steer(
            SetWeight(term=term, weight=weight),
            f"weight of {self.document.term_title(term)}",
            gesture=f"weight {term} {self._stroke}",
        )

    def set_parameter(self, owner: str, name: str, value: Any, *, live: bool = True) -> None:
        """Change a parameter; one that is not live waits for the next Run."""
        if value is None and owner == "study":
            parameters = {key: kept for key, kept in self.document.study.parameters.items() if key != name}
            study = self.document.study.model_copy(update={"parameters": parameters})
            self.document.change(f"reset {name.replace('_', ' ')}", replace(self.document.project, study=study))
            return
        title = name.replace("_", " ")
        if name == "enabled":
            title = "switching on" if value else "switching off"
        self._steer(
            SetParameter(owner=owner, name=name, value=value),
            title if owner in ("study", "optimizer") else f"{title} of {self.document.term_title(owner)}",
            gesture=f"{owner} {name} {self._stroke}",
        )

    def add_term(self, kind: str) -> None:
        """Add a Term by its kind; one that has a place is made in the viewport."""
        entry = self.document.catalogue.term(kind) if self.document.catalogue else None
        if entry is not None and entry.place == "point" and self.viewport is not None:
            self.viewport.set_tool("handle")
            self.noted("Press on the surface to place the handle, and drag to pull")
            return
        try:
            self.document.add_term(kind, entry.title if entry else kind)
        except FormwrightError as error:
            self.say(error)

    def remove_term(self, name: str) -> None:
        self._steer(RemoveTerm(term=name), f"remove {self.document.term_title(name)}")

    def place_handle(self, position: tuple[float, float, float]) -> None:
        """A handle at a point of the surface, pulling nowhere yet; its radius is 5 % of the diagonal.

        The drag that may follow before the button is up is the same step of undo.
        """
        kind = (
            next((entry.kind for entry in self.document.catalogue.terms if entry.place == "point"), "handle")
            if self.document.catalogue
            else "handle"
        )
        count = len(self.document.handles()) + 1
        while any(spec.name == f"Handle {count}" for spec in self.document.study.terms):
            count += 1
        name = f"Handle {count}"
        place = [float(value) for value in position]
        radius = float(f"{0.05 * (self.document.diagonal() or 20.0):.3g}")
        spec = TermSpec(
            kind=kind, name=name, weight=1.0, parameters={"anchor": place, "target": list(place), "radius": radius}
        )
        self._steer(AddTerm(spec=spec), f"add {name}", gesture=f"move {name} {self._stroke}")
        self.document.select(name)

    def withdraw_handle(self, name: str) -> None:
        """Escape while a handle is being placed: it never was."""
        if self.document.undo_stack.undo_name == f"add {name}":
            self.document.undo()
        self.end_stroke()

    def move_handle(self, name: str, target: tuple[float, float, float], ended: bool) -> None:
        """A handle is dragged; the whole drag is one step of undo."""
        edit = SetParameter(owner=name, name="target", value=[float(value) for value in target])
        self._steer(edit, f"move {name}", gesture=f"move {name} {self._stroke}")
        if ended:
            self.end_stroke()

    def paint(self, centres: list[tuple[float, float, float]], radius: float, frozen: bool) -> None:
        """Freeze or thaw what lies under the brush; the whole stroke is one step of undo."""
        edit = PaintFreeze(centres=list(centres), radius=radius, frozen=frozen)
        self._steer(edit, "freeze" if frozen else "thaw", gesture=f"paint {self._stroke}")

    # History ------------------------------------------------------------------------------------------------------

    def view_checkpoint(self, checkpoint: int) -> None:
        self.link.view_checkpoint(checkpoint)

    def view_live(self) -> None:
        """Show the present surface again."""
        self.link.view_live()
        snapshot = getattr(self, "_last_live", None)
        if snapshot is not None and self.viewport is not None:
            self.viewport.show_snapshot(snapshot)

    def continue_from(self, checkpoint: int) -> None:
        self.link.continue_from(checkpoint)

    # Asking -------------------------------------------------------------------------------------------------------

    def ask_quality(self, done: Callable[[dict[str, Any]], object]) -> None:
        """The quality sheet of what is shown: the present surface, or the Checkpoint being viewed."""
        self.link.ask(QualitySheet(checkpoint=self.link.viewed), done)

    def export(self, path: Path, unit: str, done: Callable[[Any], object]) -> None:
        """Write the surface that is shown to a file, off the window's thread; `done` gets the ExportReport."""

        def write(mesh: Mesh) -> None:
            self.tasks.do(lambda: _write(mesh, path, unit), done, self._export_failed)

        self.link.ask(ResultMesh(checkpoint=self.link.viewed), write)

    def say(self, error: BaseException, *, about: str = "") -> None:
        """Show an error in the bar."""
        if isinstance(error, FormwrightError):
            self.said(Message(error.message, error.remedy, about=about))
        else:
            self.said(Message(f"{type(error).__name__}: {error}", about=about))

    def close(self) -> None:
        """End the engine and whatever else is under way."""
        self.opener.cancel_all()
        self.link.close()
        self.tasks.close()

    # ---------------------------------------------------------------------------------------------------------------

    def _steer(self, edit: Any, name: str, *, gesture: str = "") -> None:
        try:
            self.document.steer(edit, name, gesture=gesture)
        except FormwrightError as error:
            self.say(error)

    def _take_study(self, study: Study) -> None:
        inputs = list(study.inputs.values())
        self.document.set_study(study.model_copy(update={"inputs": {}}))
        self._of_study = set(inputs)
        for name in inputs:
            self.opener.open(Path(name))

    def _opened(self, path: Path, geometry: Mesh | Points) -> None:
        first = not self.document.objects
        item = self.document.add_object(geometry, source=str(path))
        self.past(str(path))
        if not self.document.run.active:
            self.past(RUN)  # it was about the target before this one
        if not item.source.startswith(SAMPLE):
            self.document.recent.add(path)
        said = self.target.changed(item, own_handles=str(path) in self._of_study)
        self._of_study.discard(str(path))
        if said or geometry.notes:
            self.noted(" · ".join([*([said] if said else []), *geometry.notes]))
        if self.viewport is not None:
            self.viewport.frame(None if first else item.name)
        if isinstance(geometry, Mesh) and not self._run_when_opened:
            self._look_for_repairs(item.name, geometry)
        if self._run_when_opened:
            self._run_when_opened = False
            self.start_run()

    def _look_for_repairs(self, name: str, mesh: Mesh) -> None:
        """Offer what would make a mesh sound; a study may well run without."""

        def offer(repairs: tuple[str, ...]) -> None:
            wanted = [repair for repair in repairs if repair != "drop-unreferenced"]
            item = self.document.object(name)
            if wanted and item is not None and item.geometry is mesh:
                offers = tuple((repair_title(repair), partial(self.repair, name, repair)) for repair in wanted)
                remedy = "The study runs without, too."
                self.said(Message(f"{name} can be repaired.", remedy, kind="note", offers=offers, about=name))

        self.tasks.do(partial(_suggest_repairs, mesh), offer, lambda error: None)

    def repair(self, name: str, repair: str) -> None:
        """Apply a repair by name to an open mesh."""
        item = self.document.object(name)
        if item is None or not isinstance(item.geometry, Mesh):
            return

        def replace(repaired: Any) -> None:
            self.document.replace_geometry(name, repaired.mesh, f"{repair_title(repair).lower()} in {name}")
            self.noted(repaired.done)
            self._look_for_repairs(name, repaired.mesh)

        self.tasks.do(partial(_repaired, item.geometry, repair), replace, self.say)

    def _not_opened(self, path: Path, error: BaseException) -> None:
        self._run_when_opened = False
        repairs = getattr(error, "repairs", ())
        offers: list[tuple[str, Callable[[], object]]] = [
            (repair_title(name), partial(self.open, [path], repairs=(name,))) for name in repairs
        ]
        remedy = getattr(error, "remedy", "")
        text = getattr(error, "message", f"{path.name}: {error}")
        self.said(Message(text, remedy, str(path), offers=tuple(offers), about=str(path)))

    def _export_failed(self, error: BaseException) -> None:
        self.say(error)

    def _draw_objects(self) -> None:
        viewport = self.viewport
        if viewport is None:
            return
        shown = {item.name: item for item in self.document.objects}
        for name in [name for name in self._drawn if name not in shown]:
            viewport.remove_object(name)
            del self._drawn[name]
        for item in self.document.objects:
            self._draw_object(viewport, item)
        if not self.document.run.exists:
            viewport.clear_snapshot()

    def _draw_object(self, viewport: Viewport, item: SceneObject) -> None:
        opacity = INPUT_OPACITY if self.document.run.iteration > 0 else 1.0
        key = (id(item.placed), item.visible, opacity)
        before = self._drawn.get(item.name)
        if before == key:
            return
        if before is not None and (before[0], before[2]) == (key[0], key[2]):
            viewport.set_object_visible(item.name, item.visible)
        else:
            viewport.show_object(item.name, item.placed, colour=item.colour, opacity=opacity, visible=item.visible)
        self._drawn[item.name] = key

    def _draw_handles(self) -> None:
        if self.viewport is None:
            return
        self.viewport.set_handles(
            [
                HandleView(
                    spec.name,
                    tuple(spec.parameters["anchor"]),
                    tuple(spec.parameters["target"]),
                    float(spec.parameters.get("radius", 1.0)),
                    spec.name == self.document.selected,
                )
                for spec in self.document.handles()
                if {"anchor", "target"} <= spec.parameters.keys()
            ]
        )

    def _draw_frozen(self) -> None:
        if self.viewport is not None:
            self.viewport.set_frozen(*self.document.frozen_stamps())

    def _draw_snapshot(self, snapshot: Any) -> None:
        if self.link.viewed is None:
            self._last_live = snapshot
        if self.viewport is not None:
            self.viewport.show_snapshot(snapshot)


def repair_title(name: str) -> str:
    """What a repair's button says."""
    titles = {
        "drop-non-finite": "Leave out what is not a number",
        "drop-invalid-triangles": "Leave out broken triangles",
        "weld": "Weld vertices",
        "drop-degenerate": "Leave out triangles without area",
        "orient": "Orient alike",
    }
    return titles.get(name, name.replace("-", " ").capitalize())


def _suggest_repairs(mesh: Mesh) -> tuple[str, ...]:
    from engine.geometry.repair import suggest_repairs

    return suggest_repairs(mesh)


def _repaired(mesh: Mesh, repair: str) -> Any:
    from engine.geometry.repair import apply_repair

    return apply_repair(repair, mesh)


def _write(mesh: Mesh, path: Path, unit: str) -> Any:
    from engine.io.registry import write

    return write(mesh, path, unit=unit or None)
