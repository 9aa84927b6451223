"""Learning a shape space from a folder of meshes, while the window and its Run go on."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.topic import Topic
from app.panels.error_bar import Message
from app.work.apart import Report
from app.work.inputs import Inputs
from app.work.notices import Notices
from app.work.task_rows import TaskCancelledError, TaskRow, Unfinished
from app.work.tasks import Tasks
from engine.core.atomic import check_place
from engine.core.errors import FormwrightError
from engine.io.model_file import ModelCard
from engine.studies.shape_space_parameters import TrainingParameters, partial_of


class Learning:
    """One training at a time, in a process of its own. `changed` tells that one has begun or ended.

    row : of the training under way, None without one
    model : the file that is being written, or was written last
    card : of the Model that was learnt last
    outcome : what became of the last training where there is no Model of it, a sentence
    """

    def __init__(self, document: Document, inputs: Inputs, tasks: Tasks, notices: Notices) -> None:
        self._document = document
        self._inputs = inputs
        self._tasks = tasks
        self._notices = notices
        self.changed = Topic()
        self.row: TaskRow | None = None
        self.model: Path | None = None
        self.card: ModelCard | None = None
        self.outcome = ""

    def learn(self, folder: Path, model: Path, options: TrainingParameters) -> None:
        """Learn from the meshes of a folder and write the Model. What was kept of the same training goes on.

        Raises `FileError` for a place that cannot be written.
        """
        check_place(model)
        if self.row is not None:
            return
        self.model, self.card, self.outcome = model, None, ""
        self.row = self._tasks.do_long(
            partial(_train, folder, model, options), self._learnt, self._failed,
            title=_tr("Learning {0}").format(model.name),
        )  # fmt: skip
        self.changed()

    def cancel(self) -> None:
        """Stop; what was learnt so far is kept beside the Model."""
        if self.row is not None:
            self.row.cancel()

    @property
    def unfinished(self) -> Unfinished | None:
        """What closing the window would end."""
        kept = _tr("Ended now, what was learnt so far is kept: the same training goes on from there.")
        return Unfinished(self.row.title, kept) if self.row is not None else None

    def complete(self) -> None:
        """Let the Model that was learnt be what the study *Complete* is about."""
        if self.model is None or self.card is None:
            return
        if self._document.run.active:
            self._notices.noted(_tr("End the run first: it is about something else"))
            return
        self._inputs.use_model(self.model)

    def _learnt(self, card: ModelCard) -> None:
        self.row, self.card = None, card
        assert self.model is not None
        text = _tr("{0} is learnt. {1}").format(self.model.name, card.description)
        offers = ((_tr("Complete a scan with it"), self.complete),)
        self._notices.said(Message(text, kind="note", offers=offers, about=str(self.model)))
        self.changed()

    def _failed(self, error: BaseException) -> None:
        self.row = None
        assert self.model is not None
        if not isinstance(error, TaskCancelledError):
            self.outcome = str(error) if isinstance(error, FormwrightError) else f"{type(error).__name__}: {error}"
            self._notices.say(error, about=str(self.model))
        elif partial_of(self.model).exists():
            self.outcome = _tr("Cancelled. What was learnt is kept: the same training goes on from there.")
        else:
            self.outcome = _tr("Cancelled before anything was learnt.")
        self.changed()


def _train(folder: Path, model: Path, options: TrainingParameters, report: Report, stopping: Callable[[], bool]) -> Any:
    """In a process of its own: the window knows no torch."""
    shape_spaces = importlib.import_module("engine.studies.shape_spaces")
    return shape_spaces.train_shapes(folder, model, options, progress=report, cancelled=stopping)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Learning", text)
