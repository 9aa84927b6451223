"""The Runs that this window has ended: what they came to, and how one is brought back."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.panels.error_bar import RUN
from app.work.drawing import Drawing
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from engine.core.errors import FileError, FormwrightError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.run_folder import RunSummary, read_summary, run_folder, run_number, saved_runs

if TYPE_CHECKING:
    from pathlib import Path

MOST = 12
"""Runs that are listed: the engine keeps more where there is room, and whoever goes back that far is rare."""


@dataclass(frozen=True)
class EarlierRun:
    """A Run that another one has taken the place of."""

    number: int
    summary: RunSummary


class EarlierRuns:
    """The folders of Runs stay when another begins (`engine.studies.earlier_runs`), and so do their inputs here."""

    def __init__(self, document: Document, link: EngineLink, drawing: Drawing, notices: Notices) -> None:
        self._document = document
        self._link = link
        self._drawing = drawing
        self._notices = notices
        self._inputs: dict[int, dict[str, Mesh | Points]] = {}
        link.run_changed.subscribe(self._note_inputs)

    def found(self) -> list[EarlierRun]:
        """Those that can be brought back, the latest first."""
        folder = self._link.folder
        runs: list[EarlierRun] = []
        for path in reversed(saved_runs(folder)) if folder is not None else ():
            number = run_number(path)
            if number is None or number not in self._inputs or number == self._document.run.run or len(runs) == MOST:
                continue
            with contextlib.suppress(FileError):
                runs.append(EarlierRun(number, read_summary(path)))
        return runs

    def bring_back(self, run: EarlierRun) -> None:
        """Take it up, paused, with its whole History; the present Run becomes an earlier one."""
        try:
            self._link.take_up(self._folder(run.number), run.summary.study, self._inputs[run.number])
        except FormwrightError as error:
            self._notices.past(RUN)
            self._notices.say(error, about=RUN)
            return
        self._drawing.clear_snapshot()
        self._notices.noted(_tr("The earlier run is back, paused"))

    def _folder(self, number: int) -> Path:
        folder = self._link.folder
        if folder is None:
            raise FormwrightError(_tr("The engine is not running."), remedy=_tr("Restart it."))
        return run_folder(folder, number)

    def _note_inputs(self) -> None:
        if self._document.run.exists and self._document.run.run:
            self._inputs[self._document.run.run] = self._link.inputs


def _tr(text: str) -> str:
    return QCoreApplication.translate("EarlierRuns", text)
