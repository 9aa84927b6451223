"""The model panel: training on a data set, and the card of the model that came of it."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.document.document import Document


class ModelPanel(QWidget):
    """Training above, the card below."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setProperty("panel", True)
        self.setAccessibleName(self.tr("Model"))
