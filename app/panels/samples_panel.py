"""The samples panel: what a regression model is learnt from."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.document.document import Document


class SamplesPanel(QWidget):
    """The table of the samples of a data set."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setProperty("panel", True)
        self.setAccessibleName(self.tr("Samples"))
