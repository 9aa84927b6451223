"""Whether a part is like those that a Model has learnt from: a plain sentence, and the way to the place."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from app.work.predicting import Flag


class FlagBanner(QFrame):
    """Its colour says less than its words."""

    place_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("How well the Model knows this part"))
        self._said = QLabel(self)
        self._said.setWordWrap(True)
        self.show_place = QPushButton(self.tr("Show"), self)
        self.show_place.setAccessibleName(self.tr("Show where the part is new"))
        self.show_place.setToolTip(self.tr("Go to where the part is new"))
        self.show_place.clicked.connect(self.place_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(9, 6, 8, 6)
        row.addWidget(self._said, 1)
        row.addWidget(self.show_place)

    def text(self) -> str:
        return self._said.text()

    def show_flag(self, flag: Flag | None) -> None:
        """Say it; nothing is said where nothing is known."""
        self.setVisible(flag is not None)
        if flag is None:
            return
        kind = "warning" if flag.is_new else "note"
        if self.property("bar") != kind:
            self.setProperty("bar", kind)
            self.style().unpolish(self)
            self.style().polish(self)
        text = flag_text(flag)
        if text != self._said.text():
            self._said.setText(text)
        reach = self.tr("Distance from what was learnt: {0} of what samples that were held out reach")
        self.setToolTip(
            reach.format(f"{100.0 * flag.score:.0f} %" if flag.score < 1e4 else self.tr("far more than all"))
        )
        self.show_place.setVisible(flag.is_new and flag.place is not None)


def flag_text(flag: Flag) -> str:
    """ "Like the parts it has learnt from", or why not."""
    return (flag.reason or _tr("This is new to the Model")) if flag.is_new else _tr("Like the parts it has learnt from")


def _tr(text: str) -> str:
    return QCoreApplication.translate("FlagBanner", text)
