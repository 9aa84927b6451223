"""The prediction against the true solver: verify, look at both, add the sample, go on with a Model that knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.panels.work_progress import WorkProgress
from app.work.predicting import value_text

if TYPE_CHECKING:
    from app.work.closing import Closing, Verified


class ClosingCard(QFrame):
    """Seen while a Run of *Predict* has a part."""

    export_wanted = Signal()

    def __init__(self, closing: Closing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._closing = closing
        self._shown: Verified | None = None
        self._cells: list[QLabel] = []
        self.setProperty("card", True)
        self.setAccessibleName(self.tr("Check by the true solver"))
        heading = QLabel(self.tr("Check by the true solver"), self)
        heading.setProperty("heading", True)
        self.verify = self._button(
            self.tr("Verify"), self.tr("Solve this part with the solver that made the samples, and compare")
        )
        self.verify.clicked.connect(closing.verify)
        self.truth = self._button(self.tr("Show the truth"), self.tr("What was solved, in place of the prediction"))
        self.truth.setCheckable(True)
        self.truth.clicked.connect(closing.show)
        self.add = self._button(self.tr("Add to the data set"), "")
        self.add.clicked.connect(closing.add)
        self.retrain = self._button(
            self.tr("Retrain"), self.tr("Learn from all samples again, with the settings that the Model has")
        )
        self.retrain.clicked.connect(closing.retrain)
        self.go_on = self._button(
            self.tr("Go on with the new Model"), self.tr("A new run from the part as it is now, with what was learnt")
        )
        self.go_on.setProperty("primary", True)
        self.go_on.clicked.connect(closing.go_on)
        self.export = self._button(
            self.tr("Write the mesh…"), self.tr("To solve it elsewhere, and add the result to the data set's folder")
        )
        self.export.clicked.connect(self.export_wanted)
        self.cancel = self._button(self.tr("Cancel"), self.tr("Stop what is being solved"))
        self.cancel.clicked.connect(closing.cancel)
        self.progress = WorkProgress(self.tr("How far it is"), self.cancel, self)
        self.problem = QLabel(self)
        self.problem.setProperty("problem", True)
        self.problem.setWordWrap(True)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(0, 1)
        self._lay_out(heading)
        closing.changed.subscribe(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show how it stands."""
        closing = self._closing
        self.setVisible(closing.there)
        if not closing.there:
            return
        busy, found = closing.row is not None, closing.verified
        self.progress.follow(closing.row)
        self.verify.setEnabled(not busy)
        self.problem.setVisible(bool(closing.outcome))
        self.problem.setText(closing.outcome)
        self.export.setVisible(bool(closing.outcome) and not busy)
        for button in (self.truth, self.add, self.retrain):
            button.setVisible(found is not None)
        self.truth.setChecked(closing.shown)
        self._say_what_can_be_added(busy)
        self.retrain.setVisible(bool(closing.added) and closing.learnt is None)
        self.retrain.setEnabled(not busy and not closing.is_learning)
        self.go_on.setVisible(closing.learnt is not None)
        if found is not self._shown:
            self._shown = found
            self._fill(found)

    def texts(self) -> list[str]:
        """What stands in the table, row by row."""
        return [cell.text() for cell in self._cells]

    def _say_what_can_be_added(self, busy: bool) -> None:
        closing = self._closing
        self.add.setEnabled(not busy and bool(closing.data) and not closing.added)
        if closing.added:
            self.add.setText(self.tr("Added as {0}").format(closing.added))
            self.add.setToolTip("")
        else:
            self.add.setText(self.tr("Add to the data set"))
            self.add.setToolTip(closing.why_no_data or self.tr("One more sample to learn from"))

    def _fill(self, found: Verified | None) -> None:
        for cell in self._cells:
            cell.hide()
            cell.deleteLater()
        self._cells = []
        if found is None:
            return
        row = self._fill_row(0, (self.tr("Scalar"), self.tr("true"), ""), soft=True) if found.scalars else 0
        for one in found.scalars:
            said = self.tr("in the band") if one.inside else self.tr("outside")
            true = value_text(one.true, one.band, "").partition(" ± ")[0]
            row = self._fill_row(row, (one.name, true, said), outside=not one.inside)
            predicted = value_text(one.predicted, one.band, one.unit)
            row = self._fill_row(row, (self.tr("predicted {0}").format(predicted), "", ""), soft=True)
        if found.fields:
            row = self._fill_row(row, (self.tr("Field"), self.tr("error"), self.tr("in the band")), soft=True)
        for each in found.fields:
            error, inside = f"{100.0 * each.error:.2g} %", f"{100.0 * each.inside:.0f} %"
            row = self._fill_row(row, (each.name, error, inside))

    def _fill_row(self, row: int, texts: tuple[str, str, str], *, soft: bool = False, outside: bool = False) -> int:
        """Name and two columns of numbers; returns the next row."""
        for column, text in enumerate(texts):
            if not text:
                continue
            cell = QLabel(text, self)
            cell.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            cell.setProperty("soft", soft)
            cell.setProperty("outside", outside and column == len(texts) - 1)
            cell.setToolTip(text)
            if column == 0:
                cell.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
                cell.setWordWrap(True)
            span = 1 if any(texts[1:]) else len(texts)
            self._grid.addWidget(cell, row, column, 1, span if column == 0 else 1)
            self._cells.append(cell)
        return row + 1

    def _lay_out(self, heading: QLabel) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(9, 6, 8, 7)
        column.setSpacing(6)
        column.addWidget(heading)
        for widgets in (
            (self.verify, self.truth, self.cancel),
            (self.progress,),
            (self.problem,),
        ):
            row = QHBoxLayout()
            for widget in widgets:
                row.addWidget(widget)
            if len(widgets) > 1:
                row.addStretch(1)
            column.addLayout(row)
        column.addWidget(self.export, 0, Qt.AlignmentFlag.AlignLeft)
        column.addLayout(self._grid)
        row = QHBoxLayout()
        for button in (self.add, self.retrain):
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self.go_on, 0, Qt.AlignmentFlag.AlignLeft)

    def _button(self, title: str, help: str) -> QPushButton:
        button = QPushButton(title, self)
        button.setAccessibleName(title)
        button.setToolTip(help)
        return button
