"""What leaves the window as text: the command and the script that do the same, a replay, and diagnostics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QGuiApplication

from app.document.command_line import command_line
from app.document.python_script import edits_need_a_file, python_script
from app.work.diagnostics import diagnostics_text
from app.work.logbook import Logbook
from app.work.workbench import Workbench
from engine.protocol.recording import Recording
from engine.protocol.session import Diagnostics, RecordedEdits, SaveReplay


class Sharing:
    """Puts texts on the clipboard, and says so."""

    def __init__(self, workbench: Workbench, logbook: Logbook) -> None:
        self._workbench = workbench
        self._logbook = logbook

    def copy_command_line(self) -> None:
        """The command that does without a window what is set up here."""
        document = self._workbench.document
        QGuiApplication.clipboard().setText(command_line(document.study, document.catalogue))
        self._workbench.notices.noted(_tr("Copied the command line"))

    def copy_python(self) -> None:
        """The script that does what was done here: the study, and what steered its Run."""
        link, document = self._workbench.link, self._workbench.document

        def copy(recording: Any) -> None:
            steered = recording if isinstance(recording, Recording) else None
            study = steered.study if steered is not None and steered.study is not None else document.study
            QGuiApplication.clipboard().setText(python_script(study, steered))
            long = steered is not None and edits_need_a_file(steered)
            self._workbench.notices.noted(
                _tr("Copied the script; it reads its edits from edits.jsonl, which Save replay writes")
                if long
                else _tr("Copied as Python")
            )

        if link.alive and document.run.exists:
            link.ask(RecordedEdits(), copy, copy)
        else:
            copy(None)

    def save_replay(self, folder: Path) -> None:
        """Write what repeats the Run without a window into a new folder."""

        def saved(notes: list[str]) -> None:
            said = _tr("Saved {0}").format(folder.name)
            self._workbench.notices.noted(" ".join([f"{said}.", *notes]) if notes else said)

        self._workbench.link.ask(SaveReplay(folder), saved)

    def copy_diagnostics(self) -> None:
        """Versions, devices, memory, what is open and what was logged; without the engine's part where it is dead."""

        def copy(answer: Any) -> None:
            told = answer if isinstance(answer, dict) else None
            text = diagnostics_text(self._workbench.document, self._logbook, told)
            QGuiApplication.clipboard().setText(text)
            self._workbench.notices.noted(_tr("Copied the diagnostics"))

        if self._workbench.link.alive:
            self._workbench.link.ask(Diagnostics(), copy, copy)
        else:
            copy(None)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Sharing", text)
