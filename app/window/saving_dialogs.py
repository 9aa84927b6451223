"""What a person is asked about the document's file, and before the window closes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.document.file import SUFFIX
from app.work.documents import Answer
from app.work.task_rows import Unfinished


class SavingDialogs:
    """Modal, for what is asked decides whether work is lost."""

    def __init__(self, window: QWidget) -> None:
        self._window = window

    def ask_to_save(self, name: str) -> Answer:
        """What is to become of unsaved changes."""
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle(_tr("Save changes?"))
        box.setText(_tr("Save the changes to {0}?").format(name))
        box.setInformativeText(_tr("Discarded, they are lost for good."))
        save = box.addButton(_tr("Save"), QMessageBox.ButtonRole.AcceptRole)
        discard = box.addButton(_tr("Discard"), QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton(_tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(save)
        box.setEscapeButton(cancel)
        box.exec()
        if box.clickedButton() is save:
            return "save"
        return "discard" if box.clickedButton() is discard else "cancel"

    def ask_to_end(self, work: Sequence[Unfinished]) -> bool:
        """Whether the window may close although something is being learnt."""
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle(_tr("Wait for it?"))
        box.setText("\n".join(_tr("{0} goes on.").format(one.title) for one in work))
        box.setInformativeText("\n".join(dict.fromkeys(one.fate for one in work)))
        wait = box.addButton(_tr("Wait"), QMessageBox.ButtonRole.RejectRole)
        end = box.addButton(_tr("End and close"), QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(wait)
        box.setEscapeButton(wait)
        box.exec()
        return box.clickedButton() is end

    def ask_where(self, suggested: Path) -> Path | None:
        """Where to save a document; None where nowhere."""
        kinds = _tr("Formwright document") + f" (*{SUFFIX})"
        name, _ = QFileDialog.getSaveFileName(self._window, _tr("Save document"), str(suggested), kinds)
        return Path(name) if name else None


def _tr(text: str) -> str:
    return QCoreApplication.translate("SavingDialogs", text)
