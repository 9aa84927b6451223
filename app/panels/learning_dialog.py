"""Learn a shape space: folder, Model and parameters are chosen here, and what was learnt is shown. Not modal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.icons import icon
from app.panels.parameter_form import ParameterForm
from app.panels.path_line import PathLine
from app.panels.schema import declared
from app.panels.theme import current_tokens
from app.panels.work_progress import WorkProgress
from app.work.learning import Learning
from engine.core.errors import FormwrightError
from engine.io.model_file import ModelCard
from engine.io.registry import mesh_files
from engine.protocol.study import MODEL_EXTENSION
from engine.studies.shape_space_parameters import LEAST_SHAPES, TrainingParameters, partial_of


class LearningDialog(QDialog):
    """May be closed while a training goes on: the list of tasks has it too, and a message says when it has ended."""

    def __init__(self, learning: Learning, beside: Path, parent: QWidget | None = None) -> None:
        """beside : folder in which one begins to choose"""
        super().__init__(parent)
        self._learning = learning
        self._beside = beside
        self._values: dict[str, Any] = {}
        self.setWindowTitle(self.tr("Learn a shape space"))
        self.setMinimumWidth(480)
        self.folder = PathLine(self.tr("Folder of meshes"), self._choose_folder, self)
        self.model = PathLine(self.tr("Model"), self._choose_model, self)
        self.model.set_text(str(learning.model or ""))
        self.form = ParameterForm(list(declared(TrainingParameters)), label_width=130, parent=self)
        self.form.value_changed.connect(self._set)
        self.form.set_values({})
        self._said = QLabel(self)
        self._said.setWordWrap(True)
        self._said.setProperty("soft", True)
        self._said.setAccessibleName(self.tr("What will be learnt"))
        self.card = _Card(self)
        self.card.complete.clicked.connect(self._complete)
        self.close_button = QPushButton(self.tr("Close"), self)
        self.close_button.setAutoDefault(False)
        self.close_button.clicked.connect(self.reject)
        self.cancel = QPushButton(self.tr("Cancel the training"), self)
        self.cancel.setAutoDefault(False)
        self.cancel.setToolTip(self.tr("What was learnt so far is kept"))
        self.cancel.clicked.connect(learning.cancel)
        self.progress = WorkProgress(self.tr("How far the training is"), self.cancel, self)
        self.learn = QPushButton(self.tr("Learn"), self)
        self.learn.setProperty("primary", True)
        self.learn.setDefault(True)
        self.learn.clicked.connect(self._learn)
        self._lay_out()
        for path in (self.folder, self.model):
            path.text_changed.connect(self._describe)
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        self._learning.changed.subscribe(self.refresh)
        self.refresh()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._learning.changed.unsubscribe(self.refresh)
        super().hideEvent(event)

    def said(self) -> str:
        """What the dialog says of the training to come, or of how the last one ended."""
        return self._said.text()

    def refresh(self) -> None:
        """Show how it stands."""
        learning, busy = self._learning, self._learning.row is not None
        for widget in (self.folder, self.model, self.form):
            widget.setEnabled(not busy)
        self.progress.follow(learning.row)
        self.card.setVisible(learning.card is not None)
        if learning.card is not None:
            self.card.show_card(learning.card)
        self._describe()
        self.adjustSize()

    # --------------------------------------------------------------------------------------------------------------

    def _describe(self) -> None:
        """Say what will be learnt, or why nothing can be."""
        learning = self._learning
        problem = text = ""
        if learning.row is not None:
            text = self.tr("This may be closed meanwhile, and a run may go on beside it.")
        elif not self.folder.text():
            text = learning.outcome or self.tr(
                "Closed meshes of one kind, {0} or more, where they belong to each other."
            ).format(LEAST_SHAPES)
        else:
            count = len(mesh_files(Path(self.folder.text()).expanduser()))
            text = self.tr("{0} meshes.").format(count)
            if count < LEAST_SHAPES:
                problem = self.tr("{0} meshes are in this folder; {1} are needed at least.").format(count, LEAST_SHAPES)
            elif not self.model.text():
                problem = self.tr("Say what the Model is to be called.")
            elif partial_of(self._output()).exists():
                text += " " + self.tr("What was kept of this training goes on, if nothing else is asked for.")
            elif self._output().exists():
                text += " " + self.tr("{0} is there already, and will be replaced.").format(self._output().name)
            if learning.outcome and not problem:
                text = f"{learning.outcome} {text}"
        self._say(text, problem)
        self.learn.setEnabled(learning.row is None and bool(self.folder.text()) and not problem)

    def _say(self, text: str, problem: str = "") -> None:
        self._said.setText(problem or text)
        self._said.setStyleSheet(f"color: {current_tokens().warning};" if problem else "")

    def _set(self, name: str, value: Any) -> None:
        self._values[name] = value
        if value is None:
            del self._values[name]
        self.form.set_values(self._values)

    def _learn(self) -> None:
        try:
            options = TrainingParameters.parse(self._values, owner="training")
            self._learning.learn(Path(self.folder.text()).expanduser(), self._output(), options)
        except FormwrightError as error:
            self._say("", str(error))

    def _complete(self) -> None:
        self._learning.complete()
        self.accept()

    def _output(self) -> Path:
        name = self.model.text()
        named = name.lower().endswith(MODEL_EXTENSION)
        return Path(name if named else name + MODEL_EXTENSION).expanduser()

    def _choose_folder(self) -> str:
        begin = self.folder.text() or str(self._beside)
        name = QFileDialog.getExistingDirectory(self, self.tr("Folder of meshes"), begin)
        if name and not self.model.text():
            self.model.set_text(name + MODEL_EXTENSION)
        return name

    def _choose_model(self) -> str:
        begin = self.model.text() or str(self._beside / f"shapes{MODEL_EXTENSION}")
        kinds = self.tr("Model") + f" (*{MODEL_EXTENSION})"
        return QFileDialog.getSaveFileName(self, self.tr("Model"), begin, kinds)[0]

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        for row, path in enumerate((self.folder, self.model)):
            label = QLabel(path.line.accessibleName(), self)
            label.setBuddy(path.line)
            label.setMinimumWidth(130)
            grid.addWidget(label, row, 0)
            grid.addWidget(path, row, 1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        for button in (self.close_button, self.cancel, self.learn):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 14)
        column.setSpacing(10)
        column.addLayout(grid)
        for widget in (self.form, self._said, self.progress, self.card):
            column.addWidget(widget)
        column.addStretch(1)
        column.addLayout(buttons)


class _Card(QFrame):
    """What a Model has learnt, and how well."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setAccessibleName(self.tr("What was learnt"))
        self._title = QLabel(self)
        self._title.setProperty("heading", True)
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.complete = QPushButton(icon("target"), self.tr("Complete a scan with it"), self)
        self.complete.setAutoDefault(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(9, 6, 8, 8)
        column.addWidget(self._title)
        column.addWidget(self._text)
        column.addWidget(self.complete, 0, Qt.AlignmentFlag.AlignLeft)

    def text(self) -> str:
        return f"{self._title.text()}\n{self._text.text()}"

    def show_card(self, card: ModelCard) -> None:
        lines = [card.description]
        held = card.details.get("held_out", [])
        if held:
            lines.append(self.tr("Held out: {0}.").format(", ".join(held)))
        lines += [self.tr("Error, {0}: {1}").format(name, f"{error:.3g}") for name, error in card.errors.items()]
        self._title.setText(card.title)
        self._text.setText("\n".join(lines))
