"""Chooses names of the scene for a parameter: a list with boxes to check, or one of a list."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QSize, Qt, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QSizePolicy, QWidget

from app.panels.offers import Offer

ROWS = 7
"""That are seen at once; the rest is scrolled to."""


class NamesEditor(QListWidget):
    """Names between commas, as boxes; what the scene has no longer stays in the list until it is unchecked.

    Where nothing is named, what the study then means is checked. One box at least stays so.
    """

    names_changed = Signal(str)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self.setSelectionMode(QListWidget.SelectionMode.NoSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setSpacing(2)
        self._offers: list[Offer] = []
        self._text = ""
        self.itemChanged.connect(self._toggled)
        self.itemActivated.connect(self._activated)
        self._fill()

    def sizeHint(self) -> QSize:
        rows = min(max(self.count(), 1), ROWS)
        height = self.sizeHintForRow(0) + 2 * self.spacing()
        return QSize(200, rows * height + 2 * self.frameWidth() + 2)

    def value(self) -> str:
        return self._text

    def set_value(self, text: str) -> None:
        """Show names; signals nothing."""
        if text != self._text:
            self._text = text
            self._fill()

    def set_offers(self, offers: Sequence[Offer]) -> None:
        """What the scene has now."""
        if list(offers) != self._offers:
            self._offers = list(offers)
            self._fill()

    def checked(self) -> list[str]:
        """The names that are checked, in the order of the list."""
        rows = [self.item(row) for row in range(self.count())]
        return [
            str(row.data(Qt.ItemDataRole.UserRole)) for row in rows if row.checkState() == Qt.CheckState.Checked
        ]  # fmt: skip

    def _fill(self) -> None:
        blocked = self.blockSignals(True)
        self.clear()
        named = [name.strip() for name in self._text.split(",") if name.strip()]
        for offer in self._offers:
            checked = offer.name in named if named else offer.taken
            self._add(offer.name, f"{offer.title}  {offer.value}".rstrip(), offer.name, checked=checked)
        for name in named:
            if name not in {offer.name for offer in self._offers}:
                self._add(name, _tr("{0}: not in the scene").format(name), name, checked=True)
        if not self.count():
            row = QListWidgetItem(_tr("The scene has none."), self)
            row.setFlags(Qt.ItemFlag.NoItemFlags)
        self.blockSignals(blocked)
        self.updateGeometry()

    def _add(self, name: str, text: str, help: str, *, checked: bool) -> None:
        row = QListWidgetItem(text, self)
        row.setData(Qt.ItemDataRole.UserRole, name)
        row.setToolTip(f"{text}\n{help}" if help not in text else text)
        row.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled)
        row.setCheckState(Qt.CheckState.Checked if checked else Qt.CheckState.Unchecked)

    def _activated(self, row: QListWidgetItem) -> None:
        """The name is as good to click as its box."""
        on = row.checkState() == Qt.CheckState.Checked
        row.setCheckState(Qt.CheckState.Unchecked if on else Qt.CheckState.Checked)

    def _toggled(self, row: QListWidgetItem) -> None:
        names = self.checked()
        if not names:  # nothing named means the default: what would then be checked again is not let go
            self._fill()
            return
        usual = [offer.name for offer in self._offers if offer.taken]
        text = "" if names == usual else ", ".join(names)
        if text != self._text:
            self._text = text
            self.names_changed.emit(text)


def _tr(text: str) -> str:
    return QCoreApplication.translate("NamesEditor", text)
