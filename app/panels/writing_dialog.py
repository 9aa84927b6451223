"""What dialogs have in common that write pictures and motions: format and file that follow each other, rows that are
shown for some formats, a line that says what will be written, and the button that does it. Not modal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.editors import CalmComboBox
from app.panels.icons import icon
from app.panels.number_field import NumberField
from app.panels.schema import ParameterField
from app.panels.theme import current_tokens

HEIGHTS = (360, 480, 720, 1080, 1440)
"""Of films [pixels]."""


class WritingDialog(QDialog):
    """One asks in which format and where; the work is a task of the window's."""

    def __init__(
        self,
        title: str,
        formats: Sequence[tuple[str, str]],
        suggested: Path,
        action: tuple[str, str],
        parent: QWidget | None = None,
    ) -> None:
        """formats : title and suffix of each; action : symbol and title of the button that begins the work"""
        super().__init__(parent)
        self.setWindowTitle(title)
        self.kind = CalmComboBox(self)
        for name, suffix in formats:
            self.kind.addItem(name, suffix)
        self.place = QLineEdit(str(suggested), self)
        self.height_box = CalmComboBox(self)
        for height in HEIGHTS:
            self.height_box.addItem(self.tr("{0} pixels high").format(height), height)
        self.height_box.setCurrentIndex(HEIGHTS.index(720))
        self._said = QLabel(self)
        self._said.setWordWrap(True)
        self._said.setProperty("soft", True)
        self._said.setAccessibleName(self.tr("What will be written"))
        symbol, name = action
        self.action_button = QPushButton(icon(symbol, colour=current_tokens().accent_text), name, self)
        self.action_button.setProperty("primary", True)
        self.action_button.setDefault(True)
        self.action_button.setAccessibleName(name)
        self.action_button.clicked.connect(self.begin)
        self.kind.currentIndexChanged.connect(self._kind_chosen)
        self.place.textEdited.connect(self._follow_place)
        self._rows: list[tuple[QLabel, QWidget]] = []

    def said(self) -> str:
        """What the dialog says of the files to come, or of those that came."""
        return self._said.text()

    def begin(self) -> None:
        """Begin the work."""
        raise NotImplementedError

    # What the dialogs do differently ------------------------------------------------------------------------------

    def _is_wanted(self, widget: QWidget) -> bool:
        """Whether a row means something for the format that is chosen."""
        raise NotImplementedError

    def _describe(self, _: object = None) -> None:
        """Say what will be written, or why nothing can be."""
        raise NotImplementedError

    # --------------------------------------------------------------------------------------------------------------

    def _kind_chosen(self) -> None:
        self.place.setText(str(Path(self.place.text()).with_suffix(self.kind.currentData())))
        for label, widget in self._rows:
            wanted = self._is_wanted(widget)
            label.setVisible(wanted)
            widget.setVisible(wanted)
        self._describe()
        self.adjustSize()

    def _follow_place(self, text: str) -> None:
        index = self.kind.findData(Path(text).suffix.lower())
        if index >= 0 and index != self.kind.currentIndex():
            self.kind.setCurrentIndex(index)

    def _choose(self) -> None:
        kinds = {self.kind.itemText(index): self.kind.itemData(index) for index in range(self.kind.count())}
        filters = {f"{title} (*{suffix})": suffix for title, suffix in kinds.items()}
        wanted = next(text for text, suffix in filters.items() if suffix == self.kind.currentData())
        name, _ = QFileDialog.getSaveFileName(self, self.windowTitle(), self.place.text(), ";;".join(filters), wanted)
        if name:
            path = Path(name)
            self.place.setText(str(path if path.suffix else path.with_suffix(self.kind.currentData())))
            self._follow_place(self.place.text())

    def _say(self, text: str, *, problem: str = "") -> None:
        """Say what will be written; a problem takes its place, and nothing can be written then."""
        self._said.setText(problem or text)
        self._said.setStyleSheet(f"color: {current_tokens().warning};" if problem else "")
        self.action_button.setEnabled(not problem)

    def _lay_out(self, rows: Sequence[tuple[str, QWidget]], leave: str, above: QWidget | None = None) -> None:
        """The rows below format and file; leave : what the button says that closes; above : what stands over all"""
        choose = QPushButton(icon("folder"), self.tr("Choose…"), self)
        choose.setAutoDefault(False)
        choose.clicked.connect(self._choose)
        form = QGridLayout()
        form.setHorizontalSpacing(10)
        form.setVerticalSpacing(8)
        form.setColumnStretch(1, 1)
        every: list[tuple[str, QWidget]] = [(self.tr("Format"), self.kind), (self.tr("File"), self.place), *rows]
        for row, (title, widget) in enumerate(every):
            label = QLabel(title, self)
            label.setBuddy(widget)
            if title:
                widget.setAccessibleName(title)
            form.addWidget(label, row, 0)
            form.addWidget(widget, row, 1, 1, 1 if widget is self.place else 2)
            if widget not in (self.kind, self.place):
                self._rows.append((label, widget))
        form.addWidget(choose, 1, 2)
        close = QPushButton(leave, self)
        close.setAutoDefault(False)
        close.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(close)
        buttons.addWidget(self.action_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 14)
        column.setSpacing(10)
        if above is not None:
            column.addWidget(above)
        column.addLayout(form)
        column.addWidget(self._said)
        column.addStretch(1)
        column.addLayout(buttons)


def number_box(
    title: str, value: float, low: float, high: float, unit: str, kind: Literal["integer", "number"], parent: QWidget
) -> NumberField:
    """A field of a number with limits."""
    field = ParameterField(
        name=title, title=title, help="", kind=kind, default=value, unit=unit, minimum=low, maximum=high
    )
    box = NumberField(field, parent)
    box.set_value(value)
    return box
