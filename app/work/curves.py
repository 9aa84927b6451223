"""Which loss curves are looked at, and writing them to files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from app.document.branch_titles import branch_title
from app.document.document import Document
from app.document.loss_export import LossColumn, loss_columns, losses_csv, write_losses
from app.document.run_record import LossCurves
from app.document.series import SERIES
from app.document.topic import Topic
from app.work.notices import Notices
from engine.core.errors import FormwrightError


@dataclass(frozen=True)
class BranchCurves:
    """The curves of one branch, as they are shown.

    number : of its colour, see `RunRecord.branch_number`
    """

    branch: str
    title: str
    number: int
    curves: LossCurves
    shown: bool = True


class Curves:
    """What the plot shows: the Terms of the present branch, or one quantity of several branches over each other.

    quantity : "" for the Terms, else "loss" or "term:NAME" of every branch that is shown
    Topic: `changed`.
    """

    def __init__(self, document: Document, notices: Notices) -> None:
        self._document = document
        self._notices = notices
        self.changed = Topic()
        self.quantity = ""
        self._hidden: set[str] = set()
        document.titles_changed.subscribe(self.changed)

    def columns(self) -> list[LossColumn]:
        """All there is to choose from: the total and the Terms."""
        document = self._document
        return loss_columns(document.study.terms, document.term_titles(), document.catalogue, _tr("Total"))

    def branches(self) -> list[BranchCurves]:
        """Every branch that has curves."""
        run = self._document.run
        return [
            BranchCurves(
                branch,
                branch_title(self._document.project, branch),
                run.branch_number(branch),
                curves,
                branch not in self._hidden,
            )
            for branch, curves in run.curves.items()
        ]

    @property
    def over_each_other(self) -> bool:
        """Several branches are shown."""
        return bool(self.quantity) and len(self._document.run.curves) > 1

    def choose(self, quantity: str) -> None:
        """Show the Terms of the present branch (""), or one quantity of the branches."""
        if quantity != self.quantity:
            self.quantity = quantity
            self.changed()

    def show_branch(self, branch: str, shown: bool) -> None:
        """Show or hide the curve of a branch."""
        if shown == (branch in self._hidden):
            self._hidden.symmetric_difference_update({branch})
            self.changed()

    def toggle_branch(self, branch: str) -> None:
        self.show_branch(branch, branch in self._hidden)

    @property
    def there(self) -> bool:
        """There are losses to save."""
        return any(curves.iterations for curves in self._document.run.curves.values())

    def table(self) -> str:
        """All quantities of the branches that are shown, as CSV."""
        return losses_csv(self._shown(), self.columns())

    def save(self, path: Path) -> None:
        """Write `.csv`: all quantities of the branches that are shown; or `.svg`: the plot as it is."""
        columns = self.columns()
        target = self._document.inputs().get("target")
        what = target.name if target is not None else self._document.study.study
        if path.suffix.lower() == ".csv":
            shown = self._shown()
        elif self.over_each_other:
            shown = self._shown()
            columns = [column for column in columns if column.name == self.quantity] or columns[:1]
        else:
            shown = {self._title(self._document.run.branch): self._document.run.present_curves()}
        title = _tr("Losses of {0}").format(what)
        if len(columns) == 1:
            title = _tr("{0} of {1}").format(columns[0].heading, what)
        colours = {item.title: SERIES[item.number % len(SERIES)] for item in self.branches()}
        try:
            write_losses(path, shown, columns, title=title, colours=colours)
        except FormwrightError as error:
            self._notices.say(error)
            return
        self._notices.noted(_tr("Saved {0}").format(path.name))

    def _shown(self) -> dict[str, LossCurves]:
        """By title; branches of one title are told apart by their names."""
        shown = [item for item in self.branches() if item.shown or not self.over_each_other]
        titles = [item.title for item in shown]
        return {
            item.title if titles.count(item.title) == 1 else f"{item.title} ({item.branch})": item.curves
            for item in shown
        }

    def _title(self, branch: str) -> str:
        return branch_title(self._document.project, branch)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Curves", text)
