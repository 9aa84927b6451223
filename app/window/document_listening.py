"""The document's file in the window: its title, its look, what is recovered, and what closing asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt

from app.panels.error_bar import Message
from app.panels.recovery_cards import RecoveryCards
from app.window.outlook import Outlook
from app.window.saving_dialogs import SavingDialogs

if TYPE_CHECKING:
    from app.window.main_window import MainWindow
    from app.work.task_rows import Unfinished

FRAMES_A_TITLE = 6


class DocumentListening(QObject):
    """Connects Documents and Keeping with one window. `frame` is called once a frame.

    ask_to_end : whether the window may close although this goes on
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._frame = 0
        self._stale = True
        self._may_close = False
        self.ask_to_end: Callable[[Sequence[Unfinished]], bool] = lambda work: True
        self.outlook = Outlook(window)
        self.cards = RecoveryCards(window.empty_state)
        window.empty_state.put_on_top(self.cards)
        documents, keeping = window.documents, window.keeping
        documents.look = self.outlook
        if window.store is not None:  # a window that keeps nothing does not ask to keep
            dialogs = SavingDialogs(window)
            documents.ask_to_save = dialogs.ask_to_save
            documents.ask_where = dialogs.ask_where
            self.ask_to_end = dialogs.ask_to_end
        documents.changed.subscribe(self.show_title)
        documents.emptied.subscribe(window.viewing.begin_anew)
        documents.replaced.subscribe(self._show_document)
        window.document.document_changed.subscribe(self._note_change)
        window.link.run_changed.subscribe(self._note_change)
        keeping.found_changed.subscribe(self._show_found)
        self.cards.recover_wanted.connect(keeping.recover)
        self.cards.discard_wanted.connect(keeping.discard)
        self.cards.later_wanted.connect(keeping.later)
        keeping.look_for_crashes()

    def frame(self) -> None:
        """Keep what has changed, and say whether it is saved."""
        self._window.documents.poll()
        self._window.keeping.poll()
        self._frame += 1
        if self._stale and self._frame % FRAMES_A_TITLE == 0:
            self._stale = False
            self.show_title()

    def show_title(self) -> None:
        """The document's name in the title bar, with a mark where something is unsaved."""
        documents, window = self._window.documents, self._window
        filled = bool(window.document.objects) or bool(window.document.project.samples.data)
        named = documents.path is not None or filled
        window.setWindowTitle(f"{documents.name}[*] — Formwright" if named else "Formwright")
        window.setWindowModified(named and documents.modified)

    def may_close(self) -> bool:
        """Whether the window may close now; asks where something would be lost, and closes it later where that has to
        be waited for."""
        if self._may_close or self._window.store is None:
            return True
        unfinished = self._window.workbench.unfinished()
        if unfinished and not self.ask_to_end(unfinished):
            return False
        self._may_close = self._window.documents.may_leave(self._close)
        return self._may_close

    def _close(self) -> None:
        self._may_close = True
        self._window.close()

    def _show_document(self) -> None:
        """Another document is open: the view gets the focus, so that keys mean it and nothing that was there before."""
        self._window.choose_page()
        if self._window.viewport is not None:
            self._window.viewport.setFocus(Qt.FocusReason.OtherFocusReason)

    def _note_change(self) -> None:
        self._stale = True

    def _show_found(self) -> None:
        found = self._window.keeping.found
        self.cards.show_found(found)
        self._window.empty_state.make_room(bool(found))
        if found and self._window.document.objects:
            text = self.tr("Formwright was not closed properly; {0} can be recovered.").format(found[0].name)
            recover = (self.tr("Recover"), lambda: self._window.keeping.recover(found[0]))
            later = (self.tr("Later"), self._window.keeping.later)
            self._window.error_bar.show_message(Message(text, kind="note", offers=(recover, later)))
