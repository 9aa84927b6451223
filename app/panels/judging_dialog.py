"""Which of these meshes are below a limit: a folder, a scalar, a limit, and how many of the names may be false. Not
modal."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.panels.editors import CalmComboBox
from app.panels.number_field import NumberField
from app.panels.path_line import PathLine
from app.panels.schema import ParameterField
from app.panels.work_progress import WorkProgress
from app.work.judging import Judging, candidate_files
from app.work.predicting import value_text
from engine.regression.candidates import Candidate, Candidates


class JudgingDialog(QDialog):
    """May be closed while it goes on: the list of tasks has it too."""

    def __init__(self, judging: Judging, beside: Path, parent: QWidget | None = None) -> None:
        """beside : folder in which one begins to choose"""
        super().__init__(parent)
        self._judging = judging
        self._beside = beside
        self.setWindowTitle(self.tr("Select candidates"))
        self.setMinimumSize(560, 420)
        self.folder = PathLine(self.tr("Folder of meshes"), self._choose, self)
        self.folder.line.setPlaceholderText(self.tr("A folder of VTU, VTP or VTK files, or an .npz of samples"))
        self.folder.text_changed.connect(self.refresh)
        self.scalar = CalmComboBox(self)
        self.scalar.setAccessibleName(self.tr("Scalar"))
        self.below = self._number(self.tr("Below"), self.tr("Candidates whose scalar is less than this are wanted"))
        self.rate = self._number(
            self.tr("False ones"), self.tr("Of those that are named, at most this part is false on average"), 10.0, "%"
        )
        self.only = QCheckBox(self.tr("Only those that are named"), self)
        self.only.setChecked(True)
        self.only.toggled.connect(lambda _: self._show_rows())
        self._said = QLabel(self)
        self._said.setWordWrap(True)
        self._said.setProperty("soft", True)
        self.table = QTableWidget(0, 3, self)
        self.table.setAccessibleName(self.tr("Candidates"))
        self.table.setHorizontalHeaderLabels([self.tr("Mesh"), self.tr("Predicted"), self.tr("Remark")])
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.cancel = self._button(self.tr("Cancel"), judging.cancel)
        self.progress = WorkProgress(self.tr("How far it is"), self.cancel, self)
        self.export = self._button(self.tr("Export…"), self._export)
        self.select = self._button(self.tr("Select"), self._judge)
        self.select.setProperty("primary", True)
        self.select.setDefault(True)
        self._lay_out()
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        self._judging.changed.subscribe(self.refresh)
        self.refresh()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._judging.changed.unsubscribe(self.refresh)
        super().hideEvent(event)

    def said(self) -> str:
        """What stands below the table."""
        return self._said.text()

    def refresh(self) -> None:
        """Show how it stands."""
        judging, busy = self._judging, self._judging.row is not None
        names = list(judging.scalars)
        if [self.scalar.itemText(row) for row in range(self.scalar.count())] != names:
            self.scalar.clear()
            self.scalar.addItems(names)
        for widget in (self.folder, self.scalar, self.below, self.rate):
            widget.setEnabled(not busy)
        self.progress.follow(judging.row)
        why_not = self._why_not()
        self.select.setEnabled(not busy and not why_not)
        self.export.setVisible(judging.found is not None)
        self._said.setText(judging.outcome or (verdict(judging.found) if judging.found is not None else why_not))
        self._show_rows()

    def _why_not(self) -> str:
        if not self._judging.model:
            return self.tr("Choose a regression Model in Study first.")
        if not self._judging.scalars:
            return self.tr("The Model predicts no scalar.")
        text = self.folder.text().strip()
        if not text or not candidate_files(Path(text)):
            return self.tr("Choose meshes: a folder of VTU, VTP or VTK files, or an .npz of samples.")
        inputs = self._judging.inputs
        given = ", ".join(f"{name} {value:.4g}" for name, value in inputs.items())
        self.select.setToolTip(self.tr("With the scalars of the run: {0}").format(given) if inputs else "")
        return ""

    def _show_rows(self) -> None:
        found = self._judging.found
        self.only.setVisible(found is not None)
        rows = [] if found is None else [row for row in found.rows if row.chosen or not self.only.isChecked()]
        rows.sort(key=lambda row: (not row.chosen, not row.predicted < float("inf"), row.predicted))
        self.table.setRowCount(len(rows))
        for place, row in enumerate(rows):
            unit = found.unit if found is not None else ""
            predicted = "" if row.problem else value_text(row.predicted, row.band, unit)
            for column, text in enumerate((row.name, predicted, self._remark(row))):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(place, column, item)

    def _remark(self, row: Candidate) -> str:
        if row.problem:
            return row.problem
        if row.novelty:
            return self.tr("Nothing is promised. {0}").format(row.novelty)
        return "" if row.chosen else self.tr("not named")

    def _judge(self) -> None:
        for number in (self.below, self.rate):
            number.commit()  # a button need not take the focus from where a number was typed
        below, rate = float(self.below.value() or 0.0), float(self.rate.value() or 10.0) / 100.0
        self._judging.judge(Path(self.folder.text().strip()), self.scalar.currentText(), below, rate)

    def _choose(self) -> str:
        return QFileDialog.getExistingDirectory(self, self.tr("Folder of meshes"), str(self._beside))

    def _export(self) -> None:
        suggested = str(self._beside / "candidates.csv")
        name, _ = QFileDialog.getSaveFileName(self, self.tr("Export the candidates"), suggested, "CSV (*.csv)")
        if name:
            self._judging.export(Path(name))

    def _number(self, title: str, help: str, value: float = 0.0, unit: str = "") -> NumberField:
        above, maximum = (0.0, 99.0) if unit == "%" else (None, None)
        declared = ParameterField("", title, help, "number", value, unit=unit, above=above, maximum=maximum)
        return NumberField(declared, self, bare=True)

    def _button(self, title: str, pressed: object) -> QPushButton:
        button = QPushButton(title, self)
        button.setAccessibleName(title)
        button.setAutoDefault(False)
        button.clicked.connect(pressed)
        return button

    def _lay_out(self) -> None:
        form = QGridLayout()
        form.setColumnStretch(1, 1)
        form.setHorizontalSpacing(8)
        for row, (title, widget) in enumerate(
            (
                (self.tr("Meshes"), self.folder),
                (self.tr("Scalar"), self.scalar),
                (self.tr("Below"), self.below),
                (self.tr("False ones, at most [%]"), self.rate),
            )
        ):
            label = QLabel(title, self)
            label.setBuddy(widget)
            form.addWidget(label, row, 0)
            form.addWidget(widget, row, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.export)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.select)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(self.table, 1)
        column.addWidget(self.only, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._said)
        column.addWidget(self.progress)
        column.addLayout(buttons)


def verdict(found: Candidates) -> str:
    """What was found, in a few sentences."""
    limit = f"{found.limit:g} {found.unit}".rstrip()
    text = _tr("{0} of {1} are named as below {2}; on average at most {3} % of such names are false.").format(
        len(found.chosen), len(found.rows), limit, f"{100.0 * found.rate:g}"
    )
    if found.unknown:
        text += " " + _tr("{0} of them are new to the Model: for these nothing is promised.").format(len(found.unknown))
    failed = sum(bool(row.problem) for row in found.rows)
    return text + " " + _tr("{0} could not be predicted.").format(failed) if failed else text


def _tr(text: str) -> str:
    return QCoreApplication.translate("JudgingDialog", text)
