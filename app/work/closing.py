"""Closing the loop: the true solver at the shape that was found, truth beside prediction, one more sample, and on with
a Model that has learnt from it."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.scene import with_new
from app.document.topic import Topic
from app.document.workspaces import PART
from app.work.apart import Report
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.predicting import Predicting
from app.work.running import Running
from app.work.task_rows import TaskCancelledError, TaskRow
from app.work.tasks import Tasks
from engine.core.errors import FormwrightError
from engine.geometry.mesh import Mesh
from engine.protocol.layers import BAND, DIFFERENCE, FIELD, TRUTH
from engine.protocol.session import ResultMesh
from engine.protocol.snapshot import Snapshot
from engine.protocol.study import MODEL, MODEL_EXTENSION
from engine.regression.settings import TrainingParameters

if TYPE_CHECKING:
    from app.work.samples import Samples
    from app.work.training import Training

SOLVER = "engine.studies.verify_part"


@dataclass(frozen=True)
class Checked:
    """A predicted scalar beside the true one; inside : the truth lies in the band."""

    name: str
    predicted: float
    band: float
    true: float
    inside: bool
    unit: str


@dataclass(frozen=True)
class CheckedField:
    """error : relative, of the whole field; inside : share of the nodes whose truth lies in the band, in [0, 1]"""

    name: str
    error: float
    inside: float


@dataclass(frozen=True)
class Verified:
    """What the true solver said of a part.

    mesh : that was solved [mm]
    truth, predicted, band : by field, at its vertices, shape (vertex_count,)
    kept : all of it as the engine has it, to be added to a data set
    """

    mesh: Mesh
    truth: Mapping[str, np.ndarray]
    predicted: Mapping[str, np.ndarray]
    band: Mapping[str, np.ndarray]
    scalars: tuple[Checked, ...]
    fields: tuple[CheckedField, ...]
    kept: bytes = field(default=b"", repr=False)


class Closing:
    """One solution at a time, in a process of its own. Topic: `changed`.

    row : of the work under way, None without one
    verified : what was solved last
    shown : the truth is looked at, in place of the Run
    outcome : why there is no truth, a sentence
    added : name of the sample that the truth has become, "" while it is none
    """

    def __init__(
        self,
        document: Document,
        link: EngineLink,
        predicting: Predicting,
        running: Running,
        samples: Samples,
        training: Training,
        tasks: Tasks,
        notices: Notices,
    ) -> None:
        self._document = document
        self._link = link
        self._predicting = predicting
        self._running = running
        self._samples = samples
        self._training = training
        self._tasks = tasks
        self._notices = notices
        self.changed = Topic()
        self.row: TaskRow | None = None
        self.verified: Verified | None = None
        self.outcome = ""
        self.added = ""
        self._learning: Path | None = None
        self.learnt: Path | None = None
        link.begun.subscribe(self._forget)
        predicting.changed.subscribe(self.changed)
        training.changed.subscribe(self._training_changed)

    # Solving --------------------------------------------------------------------------------------------------------

    @property
    def there(self) -> bool:
        """There is a predicted part that could be solved."""
        return self._predicting.there

    def verify(self) -> None:
        """Solve the part as it is now, or as the Checkpoint has it that is looked at."""
        model = self._document.study.inputs.get(MODEL, "")
        if self.row is not None or not self.there or not model:
            return
        inputs = {one.name: one.value for one in self._predicting.inputs}
        before, looked, run = (self.verified, self.added), self.shown, self._document.run.run

        def solve(part: Mesh) -> None:
            if self.row is not None:  # asked for twice, before the engine has answered
                return
            self._predicting.look_at(None)
            self.outcome, self.verified, self.added = "", None, ""
            self.row = self._tasks.do_long(
                partial(_verify, model, part, inputs), self._solved, failed, title=_tr("Solving the part"), at_once=True
            )
            self.changed()

        def failed(error: BaseException) -> None:
            self._failed(error)
            if isinstance(error, TaskCancelledError) and self._document.run.run == run:  # as if it was not asked for
                self.verified, self.added = before
                self.show(looked)
                self.changed()

        self._link.ask(ResultMesh(checkpoint=self._link.viewed), solve)

    def cancel(self) -> None:
        if self.row is not None:
            self.row.cancel()

    @property
    def shown(self) -> bool:
        return self._predicting.looks

    def show(self, on: bool) -> None:
        """Look at the truth, with the difference to what was predicted, or at the Run again."""
        found, seen = self.verified, self._predicting.snapshot
        if found is None or seen is None:
            return
        self._predicting.look_at(with_truth(seen, found) if on else None)

    # One more sample ------------------------------------------------------------------------------------------------

    @property
    def data(self) -> str:
        """The data set that the truth could be added to; "" where none is open, or it is not to be changed."""
        return "" if self._samples.shipped else self._document.project.samples.data

    @property
    def why_no_data(self) -> str:
        """Why the truth cannot be added to a data set; "" where it can."""
        if self._samples.shipped:
            return _tr("These samples come with the program. Save a copy of them first (in Samples).")
        return "" if self.data else _tr("Open the data set in Samples first")

    def add(self) -> None:
        """Let the truth be a sample of the data set that is open."""
        found = self.verified
        if found is None or self.row is not None or self.added or not self.data:
            return
        work = partial(_add, self.data, found.kept)
        self.row = self._tasks.do_long(work, self._added, self._failed, title=_tr("Adding to the data set"))
        self.changed()

    def retrain(self) -> None:
        """Learn from all samples again, into a Model beside the present one."""
        present = Path(self._document.study.inputs.get(MODEL, ""))
        try:
            model = _free(present)
            self._learning, self.learnt = model, None
            self._training.train(model, _settings_of(present))
        except FormwrightError as error:
            self._learning = None
            self._notices.say(error)
        if self._training.why_not and self._training.row is None:
            self._learning = None
            self._notices.noted(self._training.why_not)
        self.changed()

    @property
    def is_learning(self) -> bool:
        return self._learning is not None

    def go_on(self) -> None:
        """Begin a Run with the Model that was learnt, from the part as it is now."""
        model = self.learnt
        if model is None:
            return

        def begin(result: Mesh) -> None:
            document = self._document
            part = document.playing(PART)
            own = part.geometry.fields if part is not None else {}
            stem = _tr("{0}, found").format(part.name) if part is not None else _tr("part, found")
            plain = replace(result, fields={name: each for name, each in result.fields.items() if name in own})
            with document.scope(_tr("go on with {0}").format(model.name)):
                project, called = with_new(document.project, replace(plain, name=stem), stem)
                roles = {**project.roles, PART: called}
                document.change("", replace(project, roles=roles).with_named_inputs())
                if part is not None:
                    document.set_visible(part.name, False)
                document.set_file_input(MODEL, str(model))
            self._running.start()

        self._predicting.look_at(None)
        self._link.ask(ResultMesh(checkpoint=self._link.viewed), begin)

    # --------------------------------------------------------------------------------------------------------------

    def _solved(self, found: Verified) -> None:
        self.row, self.verified = None, found
        self.show(True)
        self.changed()

    def _added(self, name: str) -> None:
        self.row, self.added = None, name
        self._notices.noted(_tr("Added to the data set as {0}").format(name))
        self._samples.read_again()
        self.changed()

    def _failed(self, error: BaseException) -> None:
        self.row = None
        if isinstance(error, TaskCancelledError):
            self.outcome = ""
        else:
            self.outcome = str(error) if isinstance(error, FormwrightError) else f"{type(error).__name__}: {error}"
        self.changed()

    def _training_changed(self) -> None:
        """The Model that was asked for here is written, or will not be."""
        wanted, training = self._learning, self._training
        if wanted is not None and training.row is None:
            self._learning = None
            self.learnt = wanted if training.model == wanted and not training.outcome and wanted.exists() else None
        self.changed()

    def _forget(self) -> None:
        self.verified, self.outcome, self.added, self.learnt = None, "", "", None
        self.changed()


def with_truth(seen: Snapshot, found: Verified) -> Snapshot:
    """A Snapshot at rest of the part that was solved, with truth and difference beside what is predicted."""
    origin = np.asarray(found.mesh.vertices.mean(axis=0), np.float64)
    arrays: dict[str, np.ndarray] = {
        "vertices": (found.mesh.vertices - origin).astype(np.float32),
        "triangles": found.mesh.triangles.astype(np.int32),
    }
    for name, truth in found.truth.items():
        layers = {TRUTH: truth, FIELD: found.predicted.get(name), BAND: found.band.get(name)}
        if name in found.predicted:
            layers[DIFFERENCE] = found.predicted[name] - truth
        arrays |= {kind + name: np.asarray(each, np.float32) for kind, each in layers.items() if each is not None}
    x, y, z = origin.tolist()
    return replace(seen, state="paused", origin=(x, y, z), arrays=arrays)


def _verify(model: str, part: Mesh, inputs: dict[str, float], report: Report, stopping: Callable[[], bool]) -> Verified:
    """In a process of its own: the window knows no torch."""
    found = importlib.import_module(SOLVER).verify_part(model, part, inputs, report, stopping)
    return Verified(
        mesh=found.mesh,
        truth=dict(found.truth),
        predicted=dict(found.predicted),
        band=dict(found.band),
        scalars=tuple(
            Checked(
                name, float(each["predicted"]), float(each["band"]), float(each["true"]), bool(each["inside"]),
                str(each["unit"]),
            )
            for name, each in found.scalars.items()
        ),
        fields=tuple(
            CheckedField(name, float(each["error"]), float(each["inside"])) for name, each in found.fields.items()
        ),
        kept=pickle.dumps(found),
    )  # fmt: skip


def _add(data: str, kept: bytes, report: Report, stopping: Callable[[], bool]) -> str:
    """In a process of its own; what was pickled is what `_verify` has made."""
    report(_tr("Adding to the data set"), None)
    return str(importlib.import_module(SOLVER).add_truth(data, pickle.loads(kept)))


def _settings_of(model: Path) -> TrainingParameters:
    """With which a Model was trained; the usual ones where it does not say."""
    from engine.io.model_file import read_card

    try:
        settings = read_card(model).details.get("card", {}).get("settings", {})
        return TrainingParameters.parse(settings, owner="training")
    except FormwrightError:
        return TrainingParameters()


def _free(model: Path) -> Path:
    """A file beside a Model that is not there yet: plates.safetensors, plates 2.safetensors, …"""
    stem, _, number = model.stem.rpartition(" ")
    first = int(number) + 1 if stem and number.isdigit() else 2
    stem = stem if stem and number.isdigit() else model.stem
    return next(
        path
        for count in range(first, first + 10000)
        if not (path := model.with_name(f"{stem} {count}{MODEL_EXTENSION}")).exists()
    )


def _tr(text: str) -> str:
    return QCoreApplication.translate("Closing", text)
