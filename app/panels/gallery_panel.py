"""The gallery: ready studies with their own data, as pictures. One click runs one."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QFrame, QGridLayout, QLabel, QScrollArea, QSizePolicy, QWidget

from app.document.document import Document
from app.document.workspaces import gallery_of
from app.panels.icons import icon
from app.panels.theme import current_tokens
from engine.protocol.catalogue import GalleryEntry

HERE = Path(__file__).resolve().parents[2]
PICTURES = (
    HERE / "assets" / "gallery",
    HERE / "share" / "formwright" / "gallery",
    Path(sysconfig.get_path("data")) / "share" / "formwright" / "gallery",
)
"""Where pictures may be: in the checkout, or beside an installed program. Without them cards show a symbol."""


LINES_WITHIN = 140
"""Pixels: the title of a narrower card takes two lines."""


def picture_of(entry: GalleryEntry) -> QPixmap:
    """The picture of a gallery study; empty where there is none."""
    found = (folder / entry.picture for folder in PICTURES if entry.picture)
    return next((QPixmap(str(path)) for path in found if path.is_file()), QPixmap())


class GalleryCard(QAbstractButton):
    """A picture with a title below it."""

    def __init__(self, entry: GalleryEntry, width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entry = entry
        self._below = 26 if width >= LINES_WITHIN else 42
        self._size = QSize(width, round(width * 0.72) + self._below)
        self._pixmap = picture_of(entry)
        self.setText(entry.title)
        self.setToolTip(f"<b>{entry.title}</b><br>{entry.help}")
        self.setAccessibleName(self.tr("Run {0}").format(entry.title))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        return self._size

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current_tokens()
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        outline = QPainterPath()
        outline.addRoundedRect(box, 7, 7)
        painter.fillPath(outline, QColor(tokens.hover if self.underMouse() else tokens.field))
        picture = QRectF(box.left(), box.top(), box.width(), box.height() - self._below)
        painter.save()
        painter.setClipPath(outline)
        if not self._pixmap.isNull():
            scaled = self._pixmap.size().scaled(picture.size().toSize(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
            target = QRectF(0, 0, scaled.width(), scaled.height())
            target.moveCenter(picture.center())
            painter.setClipRect(picture, Qt.ClipOperation.IntersectClip)
            painter.drawPixmap(target, self._pixmap, QRectF(self._pixmap.rect()))
        else:
            symbol = QRect(0, 0, 28, 28)
            symbol.moveCenter(picture.center().toPoint())
            icon("mesh", colour=tokens.text_off).paint(painter, symbol)
        painter.restore()
        active = self.hasFocus() or self.underMouse()
        painter.setPen(QPen(QColor(tokens.accent if active else tokens.line), 1))
        painter.drawPath(outline)
        painter.setPen(QColor(tokens.text))
        text = QRectF(box.left() + 8, picture.bottom(), box.width() - 16, self._below)
        how = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap
        painter.drawText(text, how, self.text())


class GalleryPanel(QScrollArea):
    """Every study of the gallery, two a row; those of the present workspace come first."""

    entry_chosen = Signal(object)  # GalleryEntry

    def __init__(
        self,
        document: Document,
        *,
        columns: int = 2,
        card_width: int = 106,
        limit: int = 100,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._columns = columns
        self._card_width = card_width
        self._limit = limit
        self.setProperty("panel", True)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(columns * (card_width + 8) + 22)
        self.setAccessibleName(self.tr("Gallery"))
        self._shown: list[GalleryEntry] | None = None
        document.catalogue_changed.subscribe(self.refresh)
        document.study_changed.subscribe(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Draw a card for every entry of the Catalogue's gallery, where that has changed."""
        catalogue = self._document.catalogue
        entries = gallery_of(self._document.workspace, catalogue)[: self._limit]
        if entries == self._shown:
            return
        # Without a Catalogue there may be entries to come.
        self._shown = None if catalogue is None else entries
        body = QWidget(self)
        body.setProperty("panel", True)
        grid = QGridLayout(body)
        grid.setContentsMargins(10, 2, 10, 10)
        grid.setSpacing(8)
        for index, entry in enumerate(entries):
            card = GalleryCard(entry, self._card_width, body)
            card.clicked.connect(lambda _=False, entry=entry: self.entry_chosen.emit(entry))
            grid.addWidget(card, index // self._columns, index % self._columns, Qt.AlignmentFlag.AlignTop)
        if catalogue is None and not entries:
            waiting = QLabel(self.tr("The engine is starting…"), body)
            waiting.setProperty("soft", True)
            grid.addWidget(waiting, 0, 0, 1, self._columns)
        grid.setRowStretch(len(entries) // self._columns + 1, 1)
        grid.setColumnStretch(self._columns, 1)
        self.setWidget(body)
