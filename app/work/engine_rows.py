"""The engine's long work as rows: its start with the compilation of kernels, the preparation of a Run."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.work.engine_link import EngineLink
from app.work.task_rows import TaskRow
from app.work.tasks import Tasks
from engine.protocol.snapshot import Progress

START = "starting the engine"
PREPARING = "preparing"


class EngineRows:
    """Begins, moves and ends a row for every long task that the engine tells of."""

    def __init__(self, link: EngineLink, tasks: Tasks) -> None:
        self._link = link
        self._tasks = tasks
        self._rows: dict[str, TaskRow] = {}
        link.progressed.subscribe(self._progressed)
        link.engine_died.subscribe(lambda _: self._end_all(failed=True))
        link.run_changed.subscribe(self._run_changed)

    def starting(self) -> None:
        """The engine is being started; nothing has come from it yet."""
        self._row(START)

    def _progressed(self, event: Progress) -> None:
        if event.task == "engine":  # the link's word for it: the catalogue is there
            row = self._rows.get(START)
            if row is not None and row.fraction is None:
                self._end(START)
        elif event.fraction is not None and event.fraction >= 1.0:
            self._end(event.task)
        else:
            self._row(event.task).report(event.fraction, event.message)

    def _run_changed(self) -> None:
        if PREPARING in self._rows and self._link.document.run.state != "preparing":
            self._end(PREPARING)

    def _row(self, task: str) -> TaskRow:
        row = self._rows.get(task)
        if row is None:
            cancel = self._link.stop if task == PREPARING else None
            row = self._rows[task] = self._tasks.begin(_title(task), cancel=cancel)
        return row

    def _end(self, task: str, *, failed: bool = False) -> None:
        row = self._rows.pop(task, None)
        if row is not None:
            self._tasks.end(row, failed=failed)

    def _end_all(self, *, failed: bool) -> None:
        for task in list(self._rows):
            self._end(task, failed=failed)


def _title(task: str) -> str:
    titles = {START: _tr("Starting the engine"), PREPARING: _tr("Preparing the run")}
    return titles.get(task, task.capitalize())


def _tr(text: str) -> str:
    return QCoreApplication.translate("EngineRows", text)
