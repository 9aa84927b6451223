"""The card of a regression model: how wrong it is, beside what is simpler, and what would help most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.document.card_export import card_rows, measured_coverage
from app.document.digits import shown
from app.panels.editors import CalmComboBox
from app.panels.icons import icon
from app.work.training import Diagnosis, Training
from engine.io.model_file import ModelCard

if TYPE_CHECKING:
    from app.panels.card_plot import CardPlot


class RegressionCard(QWidget):
    """Follows the model that the workspace is about."""

    export_wanted = Signal()

    def __init__(self, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._training = training
        self._shown: ModelCard | None = None
        self._wanted = ""
        self.plot: CardPlot | None = None
        self.setAccessibleName(self.tr("Model card"))
        self._title = QLabel(self)
        self._title.setProperty("heading", True)
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._advice = QLabel(self)
        self._advice.setWordWrap(True)
        self._advice.setAccessibleName(self.tr("What would help most"))
        self._facts = QLabel(self)
        self._facts.setWordWrap(True)
        self._facts.setProperty("soft", True)
        self._as_good = QLabel(self)
        self._as_good.setWordWrap(True)
        self._problem = QLabel(self)
        self._problem.setProperty("problem", True)
        self._problem.setWordWrap(True)
        self._table = QFrame(self)
        self._table.setProperty("card", True)
        self._table.setAccessibleName(self.tr("Errors by output"))
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(6, 6, 6, 8)
        self._grid.setHorizontalSpacing(5)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(0, 1)
        self.kind, self.output = CalmComboBox(self), CalmComboBox(self)
        self.kind.setAccessibleName(self.tr("What the plot shows"))
        self.output.setAccessibleName(self.tr("Of which output"))
        for choice in (self.kind, self.output):
            choice.currentIndexChanged.connect(lambda _: self._draw())
            choice.setSizeAdjustPolicy(CalmComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            choice.setMinimumContentsLength(6)
        self.curve = self._button(
            self.tr("Learning curve"), self.tr("Learn from fewer samples, to see what more of them would bring")
        )
        self.split = self._button(
            self.tr("Error split"), self.tr("Measure what of the error is the mesh's, the modes' and the regression's")
        )
        self.export = QToolButton(self)
        self.export.setIcon(icon("export"))
        self.export.setAccessibleName(self.tr("Export the card"))
        self.export.setToolTip(self.tr("Export the card as JSON, CSV or Markdown"))
        self.curve.clicked.connect(lambda _=False: self.measure("curve"))
        self.split.clicked.connect(lambda _=False: self.measure("split"))
        self.export.clicked.connect(lambda _=False: self.export_wanted.emit())
        self._plot_place = QVBoxLayout()
        self._lay_out()
        training.changed.subscribe(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the card as it is now."""
        card, training = self._training.card(), self._training
        self._problem.setText(training.card_problem)
        self._problem.setVisible(bool(training.card_problem))
        for widget in self._body:
            widget.setVisible(card is not None)
        if card is not None and card is not self._shown:
            self._show(card)
        elif card is None:
            self._draw()
        self._as_good.setVisible(card is not None and bool(self._as_good.text()))
        self._shown = card
        why_not = training.why_no_diagnosis
        for button in (self.curve, self.split):
            button.setEnabled(not why_not)
            button.setToolTip(why_not or button.property("help"))

    def texts(self) -> list[str]:
        """All that the table says, row by row."""
        found = []
        for row in range(self._grid.rowCount()):
            cells = [self._grid.itemAtPosition(row, column) for column in range(self._grid.columnCount())]
            labels = [cell.widget() for cell in cells if cell is not None]
            found.append(" ".join(label.text() for label in labels if isinstance(label, QLabel)))
        return found

    def advice(self) -> str:
        return self._advice.text()

    def apply_theme(self) -> None:
        if self.plot is not None:
            self.plot.apply_theme()

    # --------------------------------------------------------------------------------------------------------------

    def measure(self, what: Diagnosis) -> None:
        """Measure it, and show it as soon as it is known."""
        self._wanted = what
        self._training.diagnose(what)

    def _show(self, card: ModelCard) -> None:
        values = card.details["card"]
        self._title.setText(self._training.title)
        self._title.setToolTip(str(self._training.model_path))
        self._advice.setText(values.get("advice", ""))
        facts = [
            self.tr("Learnt from {0} samples of {1}").format(values.get("samples", "?"), values.get("data", "?")),
            self.tr("{0} modes of the shape").format(values.get("shape modes", "?")),
        ]
        test = values.get("test")
        if test:
            facts.append(
                self.tr(
                    "On {0} samples kept for testing: mean RRMSE {1}, {2} of the true values in their bands"
                ).format(test["samples"], _percent(test["mean"]), _percent(test["mean coverage"]))
            )
        spot = self._worst_spot(values)
        if spot:
            facts.append(spot)
        self._facts.setText(". ".join(facts) + ".")
        as_good = list(values.get("as good as the model", []))
        self._as_good.setText("\n".join(as_good))
        self._show_table(values)
        self._offer(values)
        self._draw()

    def _worst_spot(self, values: dict[str, Any]) -> str:
        """Where the field errs most that errs most of all."""
        fields = values.get("fields", {})
        if not fields:
            return ""
        name = max(fields, key=lambda each: fields[each]["rrmse"])
        spot, unit = fields[name]["hot spot"], fields[name].get("unit", "")
        place = ", ".join(shown(float(x)) for x in spot["place"])
        error = f"{shown(float(spot['error']))} {unit}".strip()
        return self.tr("Worst spot: {0} at ({1}), off by {2}").format(name, place, error)

    def _show_table(self, values: dict[str, Any]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        heads = [
            ("", ""),
            (self.tr("RRMSE"), self.tr("Root mean square error over the largest value, on samples held out")),
            (self.tr("Q²"), self.tr("1 is perfect, 0 no better than the mean")),
            (
                self.tr("Simple"),
                self.tr("RRMSE of the better of two that know little: a straight line, and the most similar sample"),
            ),
            (self.tr("Band"), self.tr("Part of the true values that the bands held")),
        ]
        for column, (title, tip) in enumerate(heads):
            self._cell(0, column, title, tip, soft=True)
        for row, (name, each) in enumerate(card_rows(values), start=1):
            unit, baselines, covered = each.get("unit", ""), each.get("baselines", {}), measured_coverage(values, name)
            self._cell(row, 0, name, f"{name} [{unit}]" if unit else name)
            tested = values.get("test", {}).get("errors", {}).get(name)
            self._cell(row, 1, _percent(each["rrmse"]), self.tr("Test: {0}").format(_percent(tested)) if tested else "")
            self._cell(row, 2, f"{each['q2']:.3f}")
            both = self.tr("Straight line: {0}. Most similar sample: {1}.").format(
                _percent(baselines.get("ridge")), _percent(baselines.get("nearest"))
            )
            self._cell(row, 3, _percent(min(baselines.values(), default=None)), both, soft=True)
            self._cell(row, 4, _percent(covered))

    def _cell(self, row: int, column: int, text: str, tip: str = "", *, soft: bool = False) -> None:
        label = QLabel(text, self._table) if column else _Name(text, self._table)
        label.setToolTip(tip)
        label.setProperty("soft", soft)
        if column:
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._grid.addWidget(label, row, column)

    def _offer(self, values: dict[str, Any]) -> None:
        """The plots that there is something for."""
        kinds = [("predicted", self.tr("Predicted over true"))] if _drawable(values) else []
        if _levels(values):
            kinds.append(("coverage", self.tr("Coverage of the bands")))
        if values.get("learning_curve"):
            kinds.append(("curve", self.tr("Learning curve")))
        if _parts(values):
            kinds.append(("split", self.tr("Error split")))
        wanted, self._wanted = self._wanted or self.kind.currentData(), ""
        for choice in (self.kind, self.output):
            choice.blockSignals(True)
            choice.clear()
        for key, title in kinds:
            self.kind.addItem(title, key)
        self.kind.setCurrentIndex(max(self.kind.findData(wanted), 0))
        for name in _drawable(values):
            self.output.addItem(name, name)
        for choice in (self.kind, self.output):
            choice.blockSignals(False)

    def _draw(self) -> None:
        card = self._training.card()
        kind = self.kind.currentData()
        for widget in (self.kind, self.output):
            widget.setVisible(card is not None and kind is not None)
        self.output.setVisible(kind == "predicted")
        if card is None or kind is None:
            if self.plot is not None:
                self.plot.hide()
            return
        if self.plot is None:
            from app.panels.card_plot import CardPlot  # brings the library of plots, one of the slower ones

            self.plot = CardPlot(self.tr("Plot of the card"), self)
            self._plot_place.addWidget(self.plot)
        self.plot.show()
        values = card.details["card"]
        if kind == "predicted":
            name = self.output.currentData()
            held = _drawable(values)[name]
            unit = dict(card_rows(values))[name].get("unit", "")
            title = f"{name} [{unit}]" if unit else name
            self.plot.show_predictions(held["predicted"], held["true"], held.get("band"), title)
        elif kind == "coverage":
            self.plot.show_coverage(_levels(values))
        elif kind == "curve":
            self.plot.show_learning(values["learning_curve"])
        else:
            self.plot.show_parts(_parts(values))

    def _button(self, title: str, help: str) -> QPushButton:
        button = QPushButton(title, self)
        button.setProperty("help", help)
        button.setToolTip(help)
        button.setAccessibleName(title)
        return button

    def _lay_out(self) -> None:
        head, choices, buttons = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        choices.addWidget(self.kind, 1)
        choices.addWidget(self.output, 1)
        for button in (self.curve, self.split):
            buttons.addWidget(button, 1)
        head.addWidget(self._title, 1)
        head.addWidget(self.export)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(head)
        for widget in (self._problem, self._advice, self._table, self._as_good, self._facts):
            column.addWidget(widget)
        column.addLayout(choices)
        column.addLayout(self._plot_place)
        column.addLayout(buttons)
        self._body = (
            self._title, self._advice, self._table, self._facts, self.curve, self.split, self.export,
        )  # fmt: skip


class _Name(QLabel):
    """Cut in the middle where there is no room for all of it: ends of names are told apart."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().windowText().color())
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100.0 * value:.2g} %" if value < 0.995 else f"{100.0 * value:.0f} %"


def _drawable(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Predictions of held-out samples by output."""
    return {name: each["held out"] for name, each in card_rows(values) if each.get("held out")}


def _levels(values: dict[str, Any]) -> dict[str, Any]:
    """Measured coverage over the wanted one, by output."""
    found = values.get("coverage", {})
    return {name: each for name, each in found.items() if isinstance(each, dict) and each.get("levels")}


def _parts(values: dict[str, Any]) -> dict[str, Any]:
    """What the error of each field is made of."""
    measured = values.get("error_split")
    return measured or {name: each["split"] for name, each in values.get("fields", {}).items() if each.get("split")}
