"""What a study on a scene is to meet: a target or a recording, by its role: an open object, or a motion on disk."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.project import FILE_ROLES
from app.document.topic import Topic
from app.document.workspaces import PREDICT
from app.work.files import Files
from app.work.notices import Notices
from app.work.playing import Playing, is_motion
from app.work.task_rows import TaskRow
from app.work.tasks import Tasks
from engine.core.errors import FileError, FormwrightError
from engine.core.process_folder import make_process_folder
from engine.protocol.catalogue import StudyEntry
from engine.protocol.study import MODEL, SAMPLE
from engine.protocol.trajectory import Layout, Trajectory
from engine.protocol.trajectory_writer import TrajectoryWriter

START = "start"
"""The role of what a surface starts from, and the parameter that says whether there is such a thing."""

COMPLETE = "complete"
"""The study on a shape space."""

STUDIES = {"shape-space": COMPLETE, "regression": PREDICT}
"""What a Model is for, by its kind."""


class Inputs:
    """Lets objects and files play the roles of a study. `changed` tells that there is another simulation to take.

    store : folder where recordings of simulations are kept, for documents that speak of them; None keeps them until the
        program ends
    """

    def __init__(
        self, document: Document, files: Files, playing: Playing, tasks: Tasks, notices: Notices, store: Path | None
    ) -> None:
        self._document = document
        self._files = files
        self._playing = playing
        self._tasks = tasks
        self._notices = notices
        self._store = store
        self._last: Path | None = None
        self.changed = Topic()
        playing.frames_changed.subscribe(self._frames_changed)

    @property
    def roles(self) -> dict[str, str]:
        """What each role is, by the role. Without scene and Model objects say what they are, and only what the surface
        starts from is named, where that is a file."""
        document, entry = self._document, self._entry
        if entry is None:
            return {}
        if entry.scene or MODEL in entry.inputs:
            return dict(entry.inputs)
        from_file = document.study.parameters.get(START) == "file"
        return {role: meaning for role, meaning in entry.inputs.items() if role == START and from_file}

    @property
    def lacking(self) -> dict[str, str]:
        """Roles that nothing plays though a Term needs them, and the title of the Term: so the study cannot run."""
        catalogue, entry, roles = self._document.catalogue, self._entry, self.roles
        if catalogue is None or entry is None:
            return {}
        kinds = {spec.kind for spec in self._document.study.terms or entry.default_terms}
        needy = [term for term in catalogue.terms if term.kind in kinds and term.needs_input in roles]
        return {term.needs_input: term.title for term in needy if not self.playing(term.needs_input)}

    @property
    def lack(self) -> str:
        """What is lacking, as a person is told; "" where nothing is."""
        needs_file = _tr("“{0}” needs a recording: choose one.")
        needs_object = _tr("“{0}” needs a target: choose one, or take the Term out.")
        return " ".join(
            (needs_file if role in FILE_ROLES else needs_object).format(term) for role, term in self.lacking.items()
        )

    @property
    def _entry(self) -> StudyEntry | None:
        """What the engine says of the study."""
        catalogue = self._document.catalogue
        entries = catalogue.studies if catalogue is not None else []
        return next((item for item in entries if item.study == self._document.study.study), None)

    def playing(self, role: str) -> str:
        """What plays a role, as a person calls it; "" where nothing does."""
        item = self._document.playing(role)
        path = self._document.study.inputs.get(role, "")
        return item.name if item is not None else Path(path).name.removeprefix(SAMPLE)

    def objects(self) -> list[str]:
        """What could play a role: open meshes and scans that are no shape of the scene."""
        document = self._document
        scene = document.study.scene
        shapes = {document.project.roles.get(role) for role in scene.mesh_inputs()} if scene is not None else set()
        return [item.name for item in document.objects if item.name not in shapes]

    def use_object(self, role: str, name: str) -> None:
        item = self._document.object(name)
        if item is not None:
            self._document.set_input(role, item)

    def use_nothing(self, role: str) -> None:
        """Nothing plays the role any more; the object stays open."""
        self._document.set_file_input(role, "")

    def use_file(self, role: str, path: Path) -> None:
        """A file or a folder for a role: a motion is named, geometry is opened."""
        if role == MODEL:
            self.use_model(path)
        elif role in FILE_ROLES and is_motion(path):
            self._document.set_file_input(role, str(path if path.is_dir() or path.suffix == ".csv" else path.parent))
        elif path.is_dir():
            text = _tr("there is no trajectory in this folder.")
            remedy = _tr("Choose one that Simulate or formwright simulate has written: it has a trajectory.json.")
            self._notices.say(FileError(path, text, remedy=remedy))
        else:
            self._files.open_for(role, path)

    def use_model(self, path: Path) -> None:
        """Let a Model's file, or one of ours, be what a study on such a Model is about; another study gives way to
        it."""
        kind = COMPLETE if self._document.study.study != PREDICT else PREDICT
        if not str(path).startswith(SAMPLE):
            from engine.io.model_file import read_card

            try:
                card = read_card(path)
            except FormwrightError as error:
                self._notices.say(error)
                return
            self._notices.noted(card.description or card.title)
            kind = STUDIES.get(card.kind, COMPLETE)
        with self._document.scope(f"use {path.name}"):
            if self._document.study.study != kind:
                self._document.choose_study(kind)
            self._document.set_file_input(MODEL, str(path))

    # The last simulation ------------------------------------------------------------------------------------------

    @property
    def last_simulation(self) -> Path | None:
        """The Trajectory of what was simulated or opened last, while it is there."""
        return self._last if self._last is not None and self._last.is_dir() else None

    def use_last_simulation(self, role: str) -> None:
        """Keep its frames as a recording, and let that play a role: what runs next cannot take them away."""
        folder = self.last_simulation
        if folder is None:
            return
        name = f"{datetime.now():%Y-%m-%d %H-%M-%S}"
        kept = (self._store or make_process_folder("recordings")) / name
        row = self._tasks.begin(_tr("Keeping the simulation as a recording"), cooperative=True)

        def use(_: None) -> None:
            self._document.set_file_input(role, str(kept))
            if self._store is None:
                self._notices.noted(_tr("The recording is kept until the window closes"))

        self._tasks.do(partial(_keep, folder, kept, row), use, self._notices.say, row=row)

    def _frames_changed(self) -> None:
        trajectory = self._playing.trajectory
        if trajectory is None or not (self._document.simulates or self._playing.from_disk):
            return  # motions that an optimising study tries are no recording
        if trajectory.folder != self._last:
            self._last = trajectory.folder
            self.changed()


def _keep(folder: Path, kept: Path, row: TaskRow) -> None:
    """Write the positions of all frames, whichever folders they lie in, into a new one; raises `FileError`."""
    trajectory = Trajectory.open(folder)
    layout = Layout(trajectory.layout.vertex_count, precision=trajectory.layout.precision)
    writer = TrajectoryWriter(kept, layout, trajectory.bodies)
    try:
        count = len(trajectory)
        for number in range(count):
            frame = trajectory[number]
            writer.add(frame.step, frame.time, frame.positions, {})
            row.report((number + 1) / count)
    finally:
        writer.close()


def _tr(text: str) -> str:
    return QCoreApplication.translate("Inputs", text)
