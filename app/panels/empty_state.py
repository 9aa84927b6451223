"""What the middle of the window shows with nothing open: how to begin, ready studies, recent files."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.document.document import Document
from app.document.workspaces import REGRESSION, SHELL, gallery_of
from app.panels.gallery_panel import GalleryCard
from app.panels.icons import icon
from app.panels.theme import current_tokens
from engine.protocol.catalogue import GalleryEntry

SYMBOL = QSize(40, 40)
CARD = 168
GAP = 12
EDGE = 20
"""Pixels: what stands for dropping, a card's width, between two cards, and beside them."""
ROOMY = QSize(500, 420)
"""From which size on there is room for all that it can show."""


class EmptyState(QWidget):
    """Accepts files, offers three gallery studies of the workspace and what was open lately; where a scene is made,
    also the ways to begin one."""

    files_dropped = Signal(list)
    open_wanted = Signal()
    sheet_wanted = Signal()
    outline_wanted = Signal()
    entry_chosen = Signal(object)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._hovered = False
        self._crowded = False
        self.setAcceptDrops(True)
        self.setAccessibleName(self.tr("Nothing is open"))
        self._symbol = QLabel(self)
        self._title = QLabel(self)
        self._title.setProperty("big", True)
        self._kinds = QLabel(self)
        self._kinds.setProperty("soft", True)
        self._kinds.setWordWrap(True)
        self._kinds.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._sheet = self._button("sheet", self.tr("Add a sheet"), self.sheet_wanted)
        self._outline = self._button("outline", self.tr("Draw a sheet's outline"), self.outline_wanted)
        self._open = self._button("open", self.tr("Open…"), self.open_wanted)
        self._open.setAccessibleName(self.tr("Open a file"))
        beginnings = QHBoxLayout()
        beginnings.setSpacing(8)
        beginnings.addStretch(1)
        for button in (self._sheet, self._outline, self._open):
            beginnings.addWidget(button)
        beginnings.addStretch(1)
        self._gallery_title = QLabel(self.tr("Or try one of these"), self)
        self._recent_title = QLabel(self.tr("Recent"), self)
        for label in (self._gallery_title, self._recent_title):
            label.setProperty("heading", True)
        self._gallery = QHBoxLayout()
        self._gallery.setSpacing(GAP)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        centre = Qt.AlignmentFlag.AlignHCenter
        column.addStretch(3)
        for widget in (self._symbol, self._title):
            column.addWidget(widget, 0, centre)
        column.addWidget(self._kinds)
        column.addSpacing(4)
        column.addLayout(beginnings)
        column.addStretch(1)
        column.addWidget(self._gallery_title, 0, centre)
        column.addLayout(self._gallery)
        column.addStretch(1)
        column.addWidget(self._recent_title, 0, centre)
        column.addLayout(self._recent)
        column.addStretch(3)
        self._entries: list[GalleryEntry] = []
        self._cards: list[GalleryCard] = []
        self._draw_symbol()
        document.catalogue_changed.subscribe(self.refresh)
        document.study_changed.subscribe(self._follow_study)
        document.recent.changed.subscribe(self.refresh)
        self.refresh()

    def put_on_top(self, widget: QWidget) -> None:
        """Show this above all else."""
        column = self.layout()
        assert isinstance(column, QVBoxLayout)
        column.insertWidget(1, widget, 0, Qt.AlignmentFlag.AlignHCenter)

    def make_room(self, wanted: bool) -> None:
        """Leave the gallery to its dock while what is on top needs the room."""
        self._crowded = wanted
        self.refresh()

    def refresh(self) -> None:
        """Show the gallery and the recent files as they are now."""
        entries = [] if self._crowded else gallery_of(self._document.workspace, self._document.catalogue)[:3]
        self._entries = entries
        self._say_how_to_begin()
        _clear(self._gallery)
        self._gallery.addStretch(1)
        self._cards = [GalleryCard(entry, CARD, self) for entry in entries]
        for entry, card in zip(entries, self._cards, strict=True):
            card.clicked.connect(lambda _=False, entry=entry: self.entry_chosen.emit(entry))
            self._gallery.addWidget(card)
        self._gallery.addStretch(1)
        self._gallery_title.setVisible(bool(entries))
        paths = self._document.recent.paths()[:4]
        _clear(self._recent)
        for path in paths:
            self._recent.addWidget(self._recent_button(path), 0, Qt.AlignmentFlag.AlignHCenter)
        self._recent_title.setVisible(bool(paths))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._draw_symbol()

    def _draw_symbol(self) -> None:
        self._symbol.setPixmap(icon("drop").pixmap(SYMBOL))

    def _fit(self) -> None:
        """In a small window leave out what stands elsewhere too, rather than cut everything off."""
        room = max(1, (self.width() - 2 * EDGE + GAP) // (CARD + GAP))
        for number, card in enumerate(self._cards):
            card.setVisible(number < room)
        self._symbol.setVisible(self.height() >= ROOMY.height())
        self._outline.setVisible(self._document.workspace == SHELL and self.width() >= ROOMY.width())

    def _follow_study(self) -> None:
        if not self._crowded and gallery_of(self._document.workspace, self._document.catalogue)[:3] != self._entries:
            self.refresh()
        self._say_how_to_begin()

    def _say_how_to_begin(self) -> None:
        stages = self._document.workspace == SHELL
        self._sheet.setVisible(stages)
        self._fit()
        if stages:
            self._title.setText(self.tr("Begin a scene with a sheet"))
            self._kinds.setText(self.tr("Then add what it falls on or hangs from. A mesh can be dropped here, too."))
        elif self._document.workspace == REGRESSION:
            self._title.setText(self.tr("Drop samples or a part here"))
            self._kinds.setText(self.tr("A data set, a Model, or a mesh to predict"))
        else:
            self._title.setText(self.tr("Drop a mesh or a scan here"))
            self._kinds.setText(self.tr("OBJ, STL, PLY, OFF, GLB, 3MF, VTK, XYZ, PCD …"))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            self._hovered = True
            self.update()
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: object) -> None:
        self._hovered = False
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        self._hovered = False
        self.update()
        self.files_dropped.emit([url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()])

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current_tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(tokens.panel))
        pen = QPen(QColor(tokens.accent if self._hovered else tokens.line), 1.5, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(14, 14, -14, -14), 10, 10)

    def _button(self, symbol: str, title: str, wanted: SignalInstance) -> QPushButton:
        button = QPushButton(icon(symbol), title, self)
        button.setAccessibleName(title)
        button.clicked.connect(lambda _=False: wanted.emit())
        return button

    def _recent_button(self, path: Path) -> QPushButton:
        button = QPushButton(path.name, self)
        button.setFlat(True)
        button.setStyleSheet("border: none; padding: 3px 10px;")
        button.setToolTip(str(path))
        button.setAccessibleName(self.tr("Open {0}").format(path.name))
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.clicked.connect(lambda _=False: self.files_dropped.emit([str(path)]))
        return button


def _clear(layout: QHBoxLayout | QVBoxLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


class DropFrame(QFrame):
    """A place for the viewport to come, in its colour, so that the first window does not flicker."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        label = QLabel(text, self)
        label.setProperty("soft", True)
        column = QVBoxLayout(self)
        column.addWidget(label, 0, Qt.AlignmentFlag.AlignCenter)
