"""The data set of a regression model in the window: read and looked at in a process of its own, shown by sample."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.project import SamplesInUse
from app.document.samples import Part, look_at, set_part, use_samples
from app.document.topic import Topic
from app.document.workspaces import REGRESSION
from app.work.apart import Report, on_one_thread
from app.work.notices import Notices
from app.work.task_rows import TaskCancelledError, TaskRow
from app.work.tasks import Tasks
from engine.core.atomic import atomic_write
from engine.core.errors import FileError, FormwrightError
from engine.core.process_folder import make_process_folder
from engine.protocol.study import SAMPLE
from engine.regression.samples_look import SampleArrays, SampleRow, SamplesLook

TITLE = "data set"
"""What messages about it are about."""


class Samples:
    """Follows the Project: opens the data set that it speaks of.

    Topics: `changed` (another data set, or none), `rows_changed` (what is known of samples; told their numbers, None
    for all), `chosen_changed` (sample or field that are shown), `progressed` (reading has begun or ended),
    `opened_by_hand` (a person wants to see them)

    look : what was read; None without one
    row : of the reading under way, None without one
    outcome : why there is nothing to look at, a sentence
    """

    def __init__(self, document: Document, tasks: Tasks, notices: Notices) -> None:
        self._document = document
        self._tasks = tasks
        self._notices = notices
        self.changed = Topic()
        self.rows_changed = Topic()
        self.chosen_changed = Topic()
        self.progressed = Topic()
        self.opened_by_hand = Topic()
        self.look: SamplesLook | None = None
        self.row: TaskRow | None = None
        self.outcome = ""
        self._data = ""
        self._shown = document.project.samples
        self._folder: Path | None = None
        self._before: SamplesInUse | None = None
        document.samples_changed.subscribe(self._follow)
        self._follow()

    # What a person does -------------------------------------------------------------------------------------------

    def open(self, path: Path) -> None:
        """Let a data set be what is learnt from, in the workspace Regression; one that is open is read again."""
        again = str(path) == self._data
        self._before = self._document.project.samples if self.look is not None and not again else None
        with self._document.scope(f"open {path.name}"):
            if self._document.workspace != REGRESSION and not self._document.run.active:
                self._document.switch_workspace(REGRESSION)
            use_samples(self._document, str(path))
        if again:
            self.read_again()
        self.opened_by_hand()

    def read_again(self) -> None:
        """The data set that is open has changed on disk."""
        if self._data:
            self._read(self._data)

    def open_shipped(self) -> None:
        """The data set that comes with the program."""
        self.open(Path(SAMPLE + sample_set().NAME))

    @property
    def shipped(self) -> bool:
        """They come with the program, and are not to be changed."""
        return self._data.startswith(SAMPLE)

    def save_copy(self, path: Path) -> None:
        """Write the data set that is open, of one file, as another file, and open that; what samples are for stays."""
        if self.look is None:
            return
        try:
            with atomic_write(path) as temporary:
                shutil.copyfile(self.look.path, temporary)
        except (OSError, FormwrightError) as error:
            why = error if isinstance(error, FormwrightError) else FileError(path, _tr("it cannot be written."))
            self._notices.say(why)
            return
        samples = self._document.project.samples
        self._document.change(
            f"save a copy as {path.name}", replace(self._document.project, samples=replace(samples, data=str(path)))
        )

    def close_data(self) -> None:
        use_samples(self._document, "")

    def cancel(self) -> None:
        if self.row is not None:
            self.row.cancel()

    def choose(self, name: str) -> None:
        """Show a sample."""
        look_at(self._document, sample=name)

    def choose_field(self, name: str) -> None:
        """Show a field."""
        look_at(self._document, field=name)

    def set_part(self, names: list[str], part: Part) -> None:
        """Say what samples are for."""
        set_part(self._document, names, part)

    # What is shown ------------------------------------------------------------------------------------------------

    @property
    def sample(self) -> int | None:
        """The sample that is shown, by its number."""
        if self.look is None:
            return None
        found = self.look.index(self._document.project.samples.sample)
        return 0 if found is None else found

    @property
    def field(self) -> str:
        """The field that is shown; "" where samples have none."""
        names = self.look.field_names if self.look is not None else ()
        wanted = self._document.project.samples.field
        return wanted if wanted in names else names[0] if names else ""

    def part(self, index: int) -> Part:
        """What a sample is for."""
        assert self.look is not None
        row = self.look.rows[index]
        part = self._document.project.samples.split.get(row.name, row.split)
        return part if part in ("train", "test", "out") else row.split  # type: ignore[return-value]  # one of the three

    def arrays(self, index: int) -> SampleArrays:
        assert self.look is not None
        return self.look.arrays(index)

    def values(self, index: int) -> np.ndarray | None:
        """The field that is shown, at the nodes of a sample; None where there is none."""
        assert self.look is not None
        return self.look.values(index, self.field) if self.field else None

    def counts(self) -> dict[Part, int]:
        """How many samples are for what."""
        parts = [self.part(k) for k in range(len(self.look.rows))] if self.look is not None else []
        return {"train": parts.count("train"), "test": parts.count("test"), "out": parts.count("out")}

    def complaints(self) -> list[str]:
        """What is wrong with samples that are not left out."""
        rows = self.look.rows if self.look is not None else ()
        return [row.complaint for k, row in enumerate(rows) if row.complaint and self.part(k) != "out"]

    def close(self) -> None:
        """Let the arrays go."""
        self._forget()

    # --------------------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        before, self._shown = self._shown, self._document.project.samples
        if self._shown.data != self._data:
            self._read(self._shown.data)
            return
        if before.split != self._shown.split:
            self.rows_changed(None)
        if (before.sample, before.field) != (self._shown.sample, self._shown.field):
            self.chosen_changed()

    def _read(self, data: str) -> None:
        """Read another data set; "" leaves none."""
        self.cancel()
        self._forget()
        self._data, self.outcome = data, ""
        if data:
            path = sample_set().sample_data() if data.startswith(SAMPLE) else Path(data)
            folder = make_process_folder("samples")
            self._folder = folder
            self.row = self._tasks.do_long(
                partial(_look, path, folder), partial(self._looked, folder), partial(self._failed, folder),
                title=_tr("Looking at {0}").format(path.name), heard=partial(self._heard, folder), at_once=True,
            )  # fmt: skip
        else:
            self.row = None
        self.progressed()
        self.changed()

    def _heard(self, folder: Path, news: SamplesLook | dict[int, SampleRow]) -> None:
        if folder != self._folder:
            return
        if isinstance(news, SamplesLook):
            self.look = news
            self.changed()
        elif self.look is not None:
            rows = list(self.look.rows)
            for index, row in news.items():
                rows[index] = row
            self.look = replace(self.look, rows=tuple(rows))
            self.rows_changed(list(news))

    def _looked(self, folder: Path, look: SamplesLook) -> None:
        if folder != self._folder:
            shutil.rmtree(folder, ignore_errors=True)
            return
        first = self.look is None
        self.look, self.row, self._before = look, None, None
        if not self.shipped:
            self._document.recent.add(Path(look.path))
        self._notices.past(TITLE)
        self.progressed()
        if first:
            self.changed()
        else:
            self.rows_changed(None)
            self.chosen_changed()

    def _failed(self, folder: Path, error: BaseException) -> None:
        if folder != self._folder:
            shutil.rmtree(folder, ignore_errors=True)
            return
        self.row = None
        before, self._before = self._before, None
        if before is not None and self.look is None and not isinstance(error, TaskCancelledError):
            # What cannot be read takes the place of nothing.
            self._notices.say(error, about=self._data)
            named = f"keep {Path(before.data).name}"
            self._document.change(named, replace(self._document.project, samples=before))
            return
        if isinstance(error, TaskCancelledError):
            unfinished = _tr("Cancelled. Open it again to morph the rest.")
            self.outcome = unfinished if self.look is not None else _tr("Cancelled.")
        else:
            self.outcome = str(error) if isinstance(error, FormwrightError) else f"{type(error).__name__}: {error}"
            self._notices.say(error, about=TITLE)
        self.progressed()
        self.changed()

    def _forget(self) -> None:
        self.look = None
        if self._folder is not None and self.row is None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = self.row = None


def sample_set() -> Any:
    """What comes with the program; by its name: the module also trains, and the window knows no torch."""
    return importlib.import_module("engine.regression.sample_set")


def _look(path: Path, folder: Path, report: Report, stopping: Callable[[], bool]) -> Any:
    """In a process of its own: the window knows no torch."""
    on_one_thread()
    looking = importlib.import_module("engine.regression.looking")
    settings = importlib.import_module("engine.regression.settings")
    return looking.look_at(path, folder, settings.TrainingParameters(), report, stopping)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Samples", text)
