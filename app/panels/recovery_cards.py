"""What crashed windows left, to be recovered: a card each, with a picture, its name, the time and what it holds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QDateTime, QLocale, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.document.recovery import Recoverable
from app.panels.icons import icon

PICTURE = QSize(96, 72)
MOST = 4
"""Cards that are shown; the others come when these are dealt with."""


class RecoveryCards(QFrame):
    """Hidden while there is nothing to recover."""

    recover_wanted = Signal(object)
    discard_wanted = Signal(object)
    later_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Documents to recover"))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._title = QLabel(self)
        self._title.setProperty("heading", True)
        self._title.setWordWrap(True)
        self._later = QPushButton(self.tr("Later"), self)
        self._later.setAccessibleName(self.tr("Decide later"))
        self._later.setToolTip(self.tr("They are offered again at the next start"))
        self._later.clicked.connect(self.later_wanted)
        top = QHBoxLayout()
        top.addWidget(self._title, 1)
        top.addWidget(self._later)
        self._cards = QVBoxLayout()
        self._cards.setSpacing(6)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 12, 0, 16)
        column.setSpacing(8)
        column.addLayout(top)
        column.addLayout(self._cards)
        self.cards: list[RecoveryCard] = []
        self.hide()

    def show_found(self, found: Sequence[Recoverable]) -> None:
        """Offer these."""
        for card in self.cards:
            self._cards.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = [RecoveryCard(item, self) for item in found[:MOST]]
        for card in self.cards:
            self._cards.addWidget(card)
            card.recover.clicked.connect(partial(self.recover_wanted.emit, card.found))
            card.discard.clicked.connect(partial(self.discard_wanted.emit, card.found))
        more = len(found) - len(self.cards)
        title = self.tr("Formwright was not closed properly. Recover what was open?")
        self._title.setText(title + (" " + self.tr("({0} more)").format(more) if more > 0 else ""))
        self.setVisible(bool(found))


class RecoveryCard(QFrame):
    """One document that was open."""

    def __init__(self, found: Recoverable, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.found = found
        self.setProperty("card", True)
        self.setMinimumWidth(520)
        picture = QLabel(self)
        picture.setFixedSize(PICTURE)
        picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        picture.setPixmap(_pixmap(found.preview))
        name = QLabel(f"<b>{_escaped(found.name)}</b>", self)
        about = QLabel(f"{when(found.saved)}<br>{_escaped(what(found))}", self)
        about.setProperty("soft", True)
        about.setWordWrap(True)
        self.recover = QPushButton(self.tr("Recover"), self)
        self.recover.setAccessibleName(self.tr("Recover {0}").format(found.name))
        self.recover.setDefault(True)
        self.recover.setProperty("primary", True)
        self.discard = QPushButton(self.tr("Discard"), self)
        self.discard.setAccessibleName(self.tr("Discard {0}").format(found.name))
        self.discard.setToolTip(self.tr("Remove it for good"))
        self.setAccessibleName(f"{found.name}, {when(found.saved)}, {what(found)}")
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addStretch(1)
        words.addWidget(name)
        words.addWidget(about)
        words.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 6, 10, 6)
        row.setSpacing(12)
        row.addWidget(picture)
        row.addLayout(words, 1)
        row.addWidget(self.discard)
        row.addWidget(self.recover)


def when(seconds: float) -> str:
    """A moment [s since 1970] as a person says it: how long ago, and the time on the clock."""
    moment = QDateTime.fromMSecsSinceEpoch(int(seconds * 1000))
    now = QDateTime.currentDateTime()
    minutes = moment.secsTo(now) // 60
    clock = QLocale().toString(moment.time(), QLocale.FormatType.ShortFormat)
    if minutes < 1:
        ago = _tr("less than a minute ago")
    elif minutes < 60:
        ago = _tr("{0} min ago").format(minutes)
    elif moment.date() == now.date():
        ago = _tr("today")
    else:
        ago = QLocale().toString(moment.date(), QLocale.FormatType.ShortFormat)
    return f"{ago}, {clock}"


def what(found: Recoverable) -> str:
    """What it holds: "nut.stl and 2 more, run at iteration 120"."""
    if not found.objects:
        parts = [_tr("no objects")]
    elif len(found.objects) == 1:
        parts = [found.objects[0]]
    else:
        parts = [_tr("{0} and {1} more").format(found.objects[0], len(found.objects) - 1)]
    if found.iteration is not None:
        parts.append(_tr("run at iteration {0} with {1} checkpoints").format(found.iteration, found.checkpoints))
    return ", ".join(parts)


def _pixmap(png: bytes) -> QPixmap:
    image = QImage.fromData(png) if png else QImage()
    if image.isNull():
        return icon("open").pixmap(QSize(32, 32))
    return QPixmap.fromImage(image).scaled(
        PICTURE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _tr(text: str) -> str:
    from PySide6.QtCore import QCoreApplication

    return QCoreApplication.translate("RecoveryCards", text)
