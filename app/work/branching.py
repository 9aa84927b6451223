"""The branches of a Run's History: naming, promoting, deleting."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QCoreApplication

from app.document.branch_titles import branch_title, with_branch_title
from app.document.document import Document
from app.panels.error_bar import RUN, Message
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from engine.protocol.session import DeleteBranch, PromoteBranch

MAIN = "main"


class Branching:
    """What a person does to branches. Names are undoable; the History itself is outside undo."""

    def __init__(self, document: Document, link: EngineLink, notices: Notices) -> None:
        self._document = document
        self._link = link
        self._notices = notices

    def title(self, branch: str) -> str:
        """What a person calls it."""
        return branch_title(self._document.project, branch)

    def name(self, branch: str, title: str) -> None:
        """Call a branch so; "" gives it back its own name."""
        step = _tr("name the branch {0}").format(title.strip() or branch)
        self._document.change(step, with_branch_title(self._document.project, branch, title))

    def can_promote(self, branch: str) -> bool:
        return branch != MAIN and branch in self._document.run.branches() and self._link.alive

    def promote(self, branch: str) -> None:
        """Make it the main branch; the one that was it stays, as a branch of another name."""
        if self.can_promote(branch):
            said = _tr("{0} is the main branch now").format(self.title(branch))
            self._link.ask(PromoteBranch(branch=branch), lambda _: self._notices.noted(said))

    def why_not_delete(self, branch: str) -> str:
        """Why it cannot be deleted; "" where it can."""
        run = self._document.run
        if branch not in run.branches():
            return _tr("Select a checkpoint of the branch first")
        if branch == run.branch:
            return _tr("The run is on this branch: continue from a checkpoint of another one first")
        return "" if self._link.alive else _tr("The engine is not running")

    def ask_to_delete(self, branch: str) -> None:
        """Ask in the bar over the viewport whether to delete it, for nothing brings it back."""
        if why := self.why_not_delete(branch):
            self._notices.noted(why)
            return
        count = sum(info.branch == branch for info in self._document.run.checkpoints.values())
        text = _tr("Delete the branch “{0}” with its {1} checkpoints?").format(self.title(branch), count)
        remedy = _tr("Undo does not bring it back. What other branches began from stays with them.")
        offers = ((_tr("Delete"), partial(self.delete, branch)), (_tr("Keep"), lambda: None))
        self._notices.said(Message(text, remedy, kind="warning", offers=offers, about=RUN))

    def delete(self, branch: str) -> None:
        """Delete it, without asking."""
        said = _tr("Deleted the branch {0}").format(self.title(branch))
        self._link.ask(DeleteBranch(branch=branch), lambda _: self._notices.noted(said))


def _tr(text: str) -> str:
    return QCoreApplication.translate("Branching", text)
