"""The legend over a plot: names and values in one line, as many as there is room for."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget


class PlotLegend(QLabel):
    """Many entries make a long line: what does not fit is in the tooltip, and never makes the window wider."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._measure = QTextDocument(self)  # what a QLabel shows as rich text, it lays out with one of these
        self._measure.setDocumentMargin(0.0)

    def show_parts(self, parts: Sequence[str], tip: str = "") -> None:
        """Show as many entries as there is room for, each whole, and how many more there are.

        tip : the tooltip, if not all entries
        """
        self.setText(self._fitting(parts))
        self.setToolTip(tip or "<br>".join(parts))

    def _fitting(self, parts: Sequence[str]) -> str:
        self._measure.setDefaultFont(self.font())
        for count in range(len(parts), 0, -1):
            more = [f"+{len(parts) - count}"] if count < len(parts) else []
            text = "&nbsp;&nbsp; ".join([*parts[:count], *more])
            self._measure.setHtml(text)
            if count == 1 or self._measure.idealWidth() <= self.width():
                return text
        return ""
