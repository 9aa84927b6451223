"""A plain question with a button for each answer. Not modal: one may look at what it is about."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QCommandLinkButton, QDialog, QLabel, QPushButton, QVBoxLayout, QWidget

from app.work.notices import Question


class QuestionDialog(QDialog):
    """Closing it answers nothing, and nothing goes on."""

    def __init__(self, question: Question, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._question = question
        self.setWindowTitle(self.tr("How is it meant?"))
        self.setMinimumWidth(420)
        text = QLabel(question.text, self)
        text.setWordWrap(True)
        text.setAccessibleName(self.tr("Question"))
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 14)
        column.setSpacing(8)
        column.addWidget(text)
        self.answers: dict[str, QCommandLinkButton] = {}
        for value, meaning in question.readings.items():
            sentence = meaning[:1].upper() + meaning[1:]
            button = QCommandLinkButton(sentence, value, self)
            button.setAccessibleName(sentence)
            button.clicked.connect(partial(self._answer, value))
            column.addWidget(button)
            self.answers[value] = button
        leave = QPushButton(self.tr("I do not know"), self)
        leave.setToolTip(self.tr("Nothing is opened or begun"))
        leave.setAutoDefault(False)
        leave.clicked.connect(self.reject)
        column.addSpacing(4)
        column.addWidget(leave)

    def _answer(self, value: str) -> None:
        self.accept()
        self._question.answer(value)
