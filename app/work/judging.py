"""Which of many meshes are below a limit, while the window and its Run go on."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.topic import Topic
from app.work.apart import Report
from app.work.notices import Notices
from app.work.predicting import Predicting
from app.work.task_rows import TaskCancelledError, TaskRow
from app.work.tasks import Tasks
from engine.core.errors import FormwrightError
from engine.regression.candidates import Candidates, write_candidates

READABLE = (".vtu", ".vtp", ".vtk", ".npz")
"""Files that hold candidates."""


class Judging:
    """One judgement at a time, in a process of its own. `changed` tells that one has begun or ended.

    row : of the one under way, None without one
    found : what the last one found
    outcome : why it found nothing, a sentence
    """

    def __init__(self, document: Document, predicting: Predicting, tasks: Tasks, notices: Notices) -> None:
        self._document = document
        self._predicting = predicting
        self._tasks = tasks
        self._notices = notices
        self.changed = Topic()
        self.row: TaskRow | None = None
        self.found: Candidates | None = None
        self.outcome = ""

    @property
    def model(self) -> str:
        """Of the study *Predict*; "" without one."""
        return self._document.study.inputs.get("model", "") if self._predicting.chosen else ""

    @property
    def scalars(self) -> tuple[str, ...]:
        """That the Model predicts."""
        return self._predicting.scalar_names

    @property
    def inputs(self) -> dict[str, float]:
        """Scalars that candidates are judged with: as in the Run. Without one each has its own."""
        return {one.name: one.value for one in self._predicting.inputs}

    def judge(self, folder: Path, scalar: str, below: float, rate: float) -> None:
        """Look at all meshes of a folder, or all samples of a file."""
        if self.row is not None or not self.model:
            return
        self.found, self.outcome = None, ""
        work = partial(_judge, self.model, str(folder), scalar, below, rate, self.inputs)
        self.row = self._tasks.do_long(work, self._judged, self._failed, title=_tr("Judging {0}").format(folder.name))
        self.changed()

    def cancel(self) -> None:
        if self.row is not None:
            self.row.cancel()

    def export(self, path: Path) -> None:
        """Write what was found as CSV."""
        if self.found is None:
            return
        try:
            write_candidates(self.found, path)
        except FormwrightError as error:
            self._notices.say(error)
            return
        self._notices.noted(_tr("Saved {0}").format(path.name))

    def _judged(self, found: Candidates) -> None:
        self.row, self.found = None, found
        self.changed()

    def _failed(self, error: BaseException) -> None:
        self.row = None
        if not isinstance(error, TaskCancelledError):
            self.outcome = str(error) if isinstance(error, FormwrightError) else f"{type(error).__name__}: {error}"
        self.changed()


def candidate_files(folder: Path) -> list[Path]:
    """What of a folder can be judged, by name; a file is itself one."""
    if folder.is_file():
        return [folder] if folder.suffix.lower() in READABLE else []
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in READABLE)


def _judge(
    model: str, folder: str, scalar: str, below: float, rate: float, inputs: Mapping[str, float], report: Report,
    stopping: Callable[[], bool],
) -> Any:  # fmt: skip
    """In a process of its own: the window knows no torch."""
    predict = importlib.import_module("engine.studies.predict")
    reading = importlib.import_module("engine.regression.data.reading")
    judging = importlib.import_module("engine.regression.judging")
    study = importlib.import_module("engine.protocol.study").Study(study="predict", inputs={"model": model})

    def tell(title: str, fraction: float | None) -> None:
        if stopping():
            raise TaskCancelledError(_tr("Judging was cancelled."))
        report(title, fraction)

    learnt = predict.model_of(study, tell)
    samples = [sample for path in candidate_files(Path(folder)) for sample in reading.read_candidates(path)]
    return judging.judge(
        learnt, samples, scalar=scalar, below=below, false_discovery_rate=rate, inputs=inputs, progress=tell
    )


def _tr(text: str) -> str:
    return QCoreApplication.translate("Judging", text)
