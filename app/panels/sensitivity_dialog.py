"""What a number of a simulation depends on: chosen here, seen as colours, and listed by parameter."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
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
from shiboken6 import isValid

from app.panels.editors import CalmComboBox
from app.panels.number_field import NumberField
from app.panels.schema import ParameterField
from app.work.sensing import Row, Sensing, rows_of
from engine.protocol.session import Sensitivity

HORIZON = ParameterField(
    "horizon", "Steps back", "How many steps ago the vertices would have been elsewhere, and through how many the "
    "parameters act.", "integer", 10, minimum=1, maximum=256, step=1,
)  # fmt: skip


class SensitivityDialog(QDialog):
    """Stays open beside the window, to ask again as the simulation goes on."""

    def __init__(self, sensing: Sensing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sensing = sensing
        self._rows: list[Row] = []
        self.setWindowTitle(self.tr("Sensitivity"))
        self.number = CalmComboBox(self)
        self.number.setAccessibleName(self.tr("Sensitivity of"))
        self.number.addItems(sensing.numbers)
        self.horizon = NumberField(HORIZON, self)
        self.horizon.set_value(HORIZON.default)
        self.horizon.setAccessibleName(self.tr("Steps back"))
        self.ask = QPushButton(self.tr("Differentiate"), self)
        self.ask.setProperty("primary", True)
        self.ask.clicked.connect(self._ask)
        self.said = QLabel(self.tr("Colours in the view say how much each vertex matters, the table what of the "
                                   "scene does."), self)  # fmt: skip
        self.said.setWordWrap(True)
        self.said.setProperty("soft", True)
        self.table = QTableWidget(0, 4, self)
        self.table.setAccessibleName(self.tr("What it depends on"))
        self.table.setHorizontalHeaderLabels(
            [self.tr("Parameter"), self.tr("Value"), self.tr("Derivative"), self.tr("Elasticity")]
        )
        elastic = self.table.horizontalHeaderItem(3)
        assert elastic is not None
        elastic.setToolTip(self.tr("Percent that the number grows by when the parameter grows by one percent"))
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.copy = QPushButton(self.tr("Copy"), self)
        self.copy.setEnabled(False)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text()))
        self._lay_out()
        self.resize(560, 420)

    def text(self) -> str:
        """The table, to be pasted."""
        head = "parameter\tvalue\tunit\tderivative\tunit\telasticity"
        return "\n".join([head, *("\t".join(row.exact()) for row in self._rows)])

    def _lay_out(self) -> None:
        form = QGridLayout()
        form.setColumnStretch(1, 1)
        form.addWidget(QLabel(self.tr("Sensitivity of"), self), 0, 0)
        form.addWidget(self.number, 0, 1)
        form.addWidget(QLabel(self.tr("Steps back"), self), 1, 0)
        form.addWidget(self.horizon, 1, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.copy)
        buttons.addStretch(1)
        buttons.addWidget(self.ask)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(self.said)
        column.addWidget(self.table, 1)
        column.addLayout(buttons)

    def _ask(self) -> None:
        number = self.number.currentText()
        if number:
            self.ask.setEnabled(False)
            self.horizon.commit()
            self._sensing.ask(number, int(self.horizon.value() or 1), done=self._answered, failed=self._failed)

    def _failed(self, error: BaseException) -> None:
        if not isValid(self):  # it may have been closed meanwhile
            return
        self.ask.setEnabled(True)
        self.said.setText(f"{error}")

    def _answered(self, found: Sensitivity) -> None:
        if not isValid(self):
            return
        self.ask.setEnabled(True)
        self.said.setText(
            _tr("{0} is {1}. Colours: how much a vertex moved {2} steps ago would change it.").format(
                found.number, f"{found.value:.5g}", found.horizon
            )
        )
        self._rows = rows_of(found)
        self.table.setRowCount(len(self._rows))
        for line, row in enumerate(self._rows):
            for column, text in enumerate(row.shown()):
                cell = QTableWidgetItem(text)
                if column:
                    cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(line, column, cell)
        self.table.resizeColumnsToContents()
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.copy.setEnabled(bool(self._rows))


def _tr(text: str) -> str:
    return QCoreApplication.translate("Sensitivity", text)
