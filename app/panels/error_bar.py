"""The bar over the viewport: what happened, what to do about it, details that unfold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from PySide6.QtCore import QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.icons import icon
from app.panels.theme import current_tokens

RUN = "run"
"""What a Message is about that concerns the Run or its engine."""
BESIDE = 40
"""Letters that the buttons beside a message have at most; with more of them they stand below it."""


@dataclass(frozen=True)
class Message:
    """What a bar says. `offers` are buttons: title and what they do; the bar closes when one is pressed.

    show : a button before them that only looks, title and what it does: the message stays, to be read at the place
    about : what it concerns: RUN, or the file or the object; with that past, the message goes
    """

    text: str
    remedy: str = ""
    details: str = ""
    kind: Literal["error", "warning", "note"] = "error"
    offers: tuple[tuple[str, Callable[[], object]], ...] = field(default_factory=tuple)
    about: str = ""
    show: tuple[str, Callable[[], object]] | None = None


class ErrorBar(QFrame):
    """Shows one Message; further ones wait until it is closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Message"))
        self._waiting: list[Message] = []
        self.message: Message | None = None
        self._symbol = QLabel(self)
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setAccessibleName(self.tr("What happened"))
        self._details = QPlainTextEdit(self)
        self._details.setReadOnly(True)
        self._details.setTabChangesFocus(True)
        self._details.setMaximumHeight(140)
        self._details.setAccessibleName(self.tr("Details"))
        self._details.hide()
        self._offers = QHBoxLayout()
        self._below = QHBoxLayout()
        for offers in (self._offers, self._below):
            offers.setSpacing(6)
        self._unfold = QPushButton(self.tr("Details"), self)
        self._unfold.setObjectName("details")
        self._unfold.setCheckable(True)
        self._unfold.setAccessibleName(self.tr("Show details"))
        self._unfold.toggled.connect(self._details.setVisible)
        self._copy = QToolButton(self)
        self._copy.setIcon(icon("copy"))
        self._copy.setAccessibleName(self.tr("Copy the message with its details"))
        self._copy.setToolTip(self._copy.accessibleName())
        self._copy.clicked.connect(self._to_clipboard)
        self._close = QToolButton(self)
        self._close.setIcon(icon("remove"))
        self._close.setAccessibleName(self.tr("Close the message"))
        self._close.setToolTip(self._close.accessibleName())
        self._close.clicked.connect(self.close_message)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._symbol)
        row.addWidget(self._text, 1)
        row.addLayout(self._offers)
        for widget in (self._unfold, self._copy, self._close):
            row.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 7, 8, 7)
        column.addLayout(row)
        column.addLayout(self._below)
        column.addWidget(self._details)
        self.hide()

    def show_message(self, message: Message) -> None:
        """Say it now, or after the one that is shown; the same thing is not said twice."""
        if message == self.message or message in self._waiting:
            return
        if self.message is not None and self.message.kind != "note":
            if self.message.offers or not (message.kind == "error" and message.offers):
                self._waiting.append(message)
                return
            self._waiting.insert(0, self.message)  # what can be done about a failure is seen at once
        self._say(message)

    def close_message(self) -> None:
        """Take the message away; the next one follows."""
        self.message = None
        if self._waiting:
            self._say(self._waiting.pop(0))
        else:
            self.hide()

    def forget(self, about: str = "") -> None:
        """Take away what was said about a thing that is past; "" takes all away."""
        self._waiting = [message for message in self._waiting if about and message.about != about]
        if self.message is not None and (not about or self.message.about == about):
            self.close_message()

    def text(self) -> str:
        """What it says now, as plain text."""
        if self.message is None:
            return ""
        return f"{self.message.text} {self.message.remedy}".strip()

    def offer_titles(self) -> list[str]:
        return [title for title, _ in self.message.offers] if self.message else []

    def take_offer(self, index: int) -> None:
        """Press the button of an offer."""
        if self.message is not None:
            _, do = self.message.offers[index]
            self.close_message()
            do()

    def _say(self, message: Message) -> None:
        self.message = message
        self.setProperty("bar", message.kind)
        self.style().unpolish(self)
        self.style().polish(self)
        tokens = current_tokens()
        colour = {"error": tokens.error, "warning": tokens.warning, "note": tokens.accent}[message.kind]
        symbol = "help" if message.kind == "note" else "warning"
        self._symbol.setPixmap(icon(symbol, colour=colour).pixmap(QSize(20, 20)))
        remedy = f" <span style='color:{tokens.text_soft}'>{_escaped(message.remedy)}</span>" if message.remedy else ""
        self._text.setText(f"<b>{_escaped(message.text)}</b>{remedy}")
        self._details.setPlainText(message.details)
        self._unfold.setChecked(False)
        self._unfold.setVisible(bool(message.details))
        self._copy.setVisible(message.kind != "note")
        self._show_offers(message)
        self.show()

    def _show_offers(self, message: Message) -> None:
        """Beside the text; below it where they would leave it little room."""
        for offers in (self._offers, self._below):
            while (item := offers.takeAt(0)) is not None:
                if (widget := item.widget()) is not None:
                    widget.hide()
                    widget.deleteLater()
        long = sum(len(title) for title, _ in message.offers) > BESIDE
        place = self._below if long else self._offers
        if message.show is not None:
            title, look = message.show
            button = QPushButton(title, self)
            button.setAccessibleName(title)
            button.clicked.connect(lambda _=False: look())
            place.addWidget(button)
        for index, (title, _) in enumerate(message.offers):
            button = QPushButton(title, self)
            button.setAccessibleName(title)
            button.setToolTip(title)  # on a small screen it may be cut off
            button.clicked.connect(lambda _=False, index=index: self.take_offer(index))
            place.addWidget(button)
        if long:
            place.addStretch(1)

    def _to_clipboard(self) -> None:
        if self.message is not None:
            QGuiApplication.clipboard().setText(f"{self.text()}\n{self.message.details}".strip())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
