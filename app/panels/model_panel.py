"""The model panel: training on the samples that are open, and the card of the model that came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.icons import icon
from app.panels.parameter_form import ParameterForm
from app.panels.regression_card import RegressionCard
from app.panels.schema import declared
from app.panels.work_progress import WorkProgress
from app.work.samples import Samples
from app.work.training import Training
from engine.core.errors import FormwrightError
from engine.protocol.study import MODEL_EXTENSION
from engine.regression.settings import TrainingParameters

if TYPE_CHECKING:
    from app.panels.card_plot import CardPlot


class ModelPanel(QWidget):
    """Training above, the card below."""

    open_wanted = Signal()

    def __init__(self, training: Training, samples: Samples, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._training = training
        self._samples = samples
        self._values: dict[str, Any] = {}
        self._suggested = ""
        self.plot: CardPlot | None = None
        self.setProperty("panel", True)
        self.setAccessibleName(self.tr("Model"))
        self.form = ParameterForm(list(declared(TrainingParameters)), label_width=120, parent=self)
        self.form.value_changed.connect(self._set)
        self.form.set_values({})
        self.model = QLineEdit(self)
        self.model.setAccessibleName(self.tr("Model's file"))
        self.model.setPlaceholderText(self.tr("Where the model is written"))
        self.model.textEdited.connect(lambda _: self.refresh())
        self.choose = self._tool("folder", self.tr("Choose the model's file"))
        self.choose.clicked.connect(self._choose)
        self.train = QPushButton(self.tr("Train"), self)
        self.train.setProperty("primary", True)
        self.train.setAccessibleName(self.train.text())
        self.train.clicked.connect(lambda _=False: self.begin())
        self.open = QPushButton(icon("open"), self.tr("Open a model…"), self)
        self.open.setAccessibleName(self.tr("Open a model"))
        self.open.setToolTip(self.tr("A .safetensors file that was learnt before"))
        self.open.clicked.connect(lambda _=False: self.open_wanted.emit())
        self.cancel = QPushButton(self.tr("Cancel"), self)
        self.cancel.setAccessibleName(self.tr("Cancel the training"))
        self.cancel.setToolTip(self.tr("Nothing is written"))
        self.cancel.clicked.connect(lambda _=False: training.cancel())
        self._said = QLabel(self)
        self._said.setWordWrap(True)
        self._said.setProperty("soft", True)
        self._problem = QLabel(self)
        self._problem.setWordWrap(True)
        self._problem.setProperty("problem", True)
        self.progress = WorkProgress(self.tr("How far the training is"), self.cancel, self)
        self.card = RegressionCard(training, self)
        self._plot_place = QVBoxLayout()
        self._lay_out()
        training.changed.subscribe(self.refresh)
        training.told.subscribe(self._draw)
        for topic in (samples.changed, samples.progressed):
            topic.subscribe(self.refresh)
        samples.rows_changed.subscribe(lambda _: self.refresh())
        self.refresh()

    def refresh(self) -> None:
        """Show how it stands."""
        training, busy = self._training, self._training.row is not None
        suggested = str(training.suggested() or "")
        if suggested != self._suggested:
            if self.model.text() in ("", self._suggested):
                self.model.setText(suggested)
            self._suggested = suggested
        for widget in (self.form, self.model, self.choose):
            widget.setEnabled(not busy)
        focused = self.train.hasFocus() or self.cancel.hasFocus()
        self.progress.follow(training.row)
        why_not = training.why_not or ("" if self.model.text() else self.tr("Say where the model is to be written."))
        self.train.setVisible(not busy)
        self.train.setEnabled(not why_not)
        if focused:  # else it goes on to what stands beside it, and Return opens a file
            (self.cancel if busy else self.train).setFocus()
        self.train.setToolTip(why_not or self.tr("Learn from the samples that are for training"))
        self._said.setText("" if busy else why_not or self._will_replace())
        self._said.setVisible(bool(self._said.text()))
        self._problem.setText(training.outcome)
        self._problem.setVisible(bool(training.outcome) and not busy)
        self._draw()

    def said(self) -> str:
        """What the panel says of the training to come, or of how the last one ended."""
        return self._training.outcome or self._said.text()

    def begin(self) -> None:
        """Learn with the parameters and the file that are set; what is wrong with them is said here."""
        try:
            options = TrainingParameters.parse(self._values, owner="training")
            self._training.train(self._output(), options)
        except FormwrightError as error:
            self._problem.setText(str(error))
            self._problem.show()

    def apply_theme(self) -> None:
        self.card.apply_theme()
        if self.plot is not None:
            self.plot.apply_theme()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    # --------------------------------------------------------------------------------------------------------------

    def _will_replace(self) -> str:
        path = self._output()
        return self.tr("{0} is there already, and will be replaced.").format(path.name) if path.exists() else ""

    def _draw(self) -> None:
        """The error on samples that are held out, while it is learnt."""
        reports = self._training.reports
        shown = bool(reports) and self._training.row is not None and not self._training.diagnosing
        if shown and self.plot is None:
            from app.panels.card_plot import CardPlot  # brings the library of plots, one of the slower ones

            self.plot = CardPlot(self.tr("Error on samples that are held out"), self)
            self._plot_place.addWidget(self.plot)
        if self.plot is not None:
            self.plot.setVisible(shown)
            if shown:
                self.plot.show_reports(reports)

    def _set(self, name: str, value: Any) -> None:
        self._values[name] = value
        if value is None:
            del self._values[name]
        self.form.set_values(self._values)

    def _output(self) -> Path:
        name = self.model.text()
        return Path(name if name.lower().endswith(MODEL_EXTENSION) else name + MODEL_EXTENSION).expanduser()

    def _choose(self) -> None:
        begin = self.model.text() or self._suggested
        kinds = self.tr("Model") + f" (*{MODEL_EXTENSION})"
        name, _ = QFileDialog.getSaveFileName(self, self.tr("Model"), begin, kinds)
        if name:
            self.model.setText(name)
            self.refresh()

    def _tool(self, symbol: str, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(symbol))
        button.setAccessibleName(name)
        button.setToolTip(name)
        return button

    def _lay_out(self) -> None:
        heading = QLabel(self.tr("Train"), self)
        heading.setProperty("heading", True)
        line = QFrame(self)
        line.setProperty("line", True)
        line.setFixedHeight(1)
        file, buttons = QHBoxLayout(), QHBoxLayout()
        file.addWidget(self.model, 1)
        file.addWidget(self.choose)
        for button in (self.train, self.cancel):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self.open)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 4, 12, 12)
        column.setSpacing(7)
        column.addWidget(heading)
        column.addWidget(self.form)
        column.addLayout(file)
        column.addLayout(buttons)
        for widget in (self._said, self._problem, self.progress):
            column.addWidget(widget)
        column.addLayout(self._plot_place)
        column.addWidget(line)
        column.addWidget(self.card)
        column.addStretch(1)
