"""Save picture: a PNG of the view, or a turntable as a GIF or an MP4. Not modal: the run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
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
from app.work.pictures import LONGEST_SIDE, Look, Pictures, Turn
from engine.core.errors import FormwrightError
from engine.rendering.film import FILMS, check_film

PREVIEW = (380, 214)
HEIGHTS = (360, 480, 720, 1080, 1440)


class PictureDialog(QDialog):
    """Asks what, how large and where; the work is a task of the window's."""

    def __init__(self, pictures: Pictures, suggested: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures = pictures
        self.setWindowTitle(self.tr("Save picture"))
        self.kind = CalmComboBox(self)
        for title, suffix in (
            (self.tr("Picture (PNG)"), ".png"),
            (self.tr("Turntable (MP4)"), ".mp4"),
            (self.tr("Turntable (GIF)"), ".gif"),
        ):
            self.kind.addItem(title, suffix)
        self.place = QLineEdit(str(suggested), self)
        choose = QPushButton(icon("folder"), self.tr("Choose…"), self)
        choose.setAutoDefault(False)
        choose.clicked.connect(self._choose)
        self.scale = number_box(self.tr("Size"), 2, 1, 8, self.tr("× the view"), "integer", self)
        self.transparent = QCheckBox(self.tr("Transparent background"), self)
        self.legend = QCheckBox(self.tr("Axes, colour bar and notes"), self)
        self.handles = QCheckBox(self.tr("Handles and measurements"), self)
        self.height_box = CalmComboBox(self)
        for height in HEIGHTS:
            self.height_box.addItem(self.tr("{0} pixels high").format(height), height)
        self.height_box.setCurrentIndex(HEIGHTS.index(720))
        self.frames = number_box(self.tr("Pictures"), 90, 2, 3600, "", "integer", self)
        self.seconds = number_box(self.tr("One turn"), 6.0, 0.5, 600.0, "s", "number", self)
        self.axis = CalmComboBox(self)
        for title, axis in (("Z", "z"), ("Y", "y"), ("X", "x"), (self.tr("Upright in the view"), "view")):
            self.axis.addItem(title, axis)
        for box in (self.legend, self.handles):
            box.setChecked(True)
        self._preview = QLabel(self)
        self._preview.setFixedSize(*PREVIEW)
        self._preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._preview.setAccessibleName(self.tr("Preview"))
        self._said = QLabel(self)
        self._said.setWordWrap(True)
        self._said.setProperty("soft", True)
        self._said.setAccessibleName(self.tr("What will be written"))
        self.save_button = QPushButton(icon("save", colour=current_tokens().accent_text), self.tr("Save"), self)
        self.save_button.setProperty("primary", True)
        self.save_button.setDefault(True)
        self.save_button.setAccessibleName(self.tr("Save"))
        self.save_button.clicked.connect(self.save)
        self._rows: list[tuple[QLabel, QWidget, bool | None]] = []
        self._lay_out(choose)
        self._draw_soon = QTimer(self)
        self._draw_soon.setSingleShot(True)
        self._draw_soon.setInterval(60)
        self._draw_soon.timeout.connect(self._draw_preview)
        self._connect()
        self._kind_chosen()

    @property
    def is_film(self) -> bool:
        return self.kind.currentData() in FILMS

    def look(self) -> Look:
        """What of the view is wanted."""
        transparent = self.transparent.isChecked() and not self.is_film
        return Look(self.legend.isChecked(), self.handles.isChecked(), transparent)

    def turn(self) -> Turn:
        """How it is to turn."""
        return Turn(
            int(self.frames.value() or 2),
            float(self.seconds.value() or 1.0),
            self.axis.currentData(),
            int(self.height_box.currentData()),
        )

    def said(self) -> str:
        """What the dialog says of the file to come."""
        return self._said.text()

    def save(self) -> None:
        """Begin the work, and close."""
        path = Path(self.place.text()).expanduser()
        if self.is_film:
            self._pictures.film(path, self.turn(), look=self.look())
        else:
            self._pictures.save(path, scale=float(self.scale.value() or 1), look=self.look())
        self.accept()

    def _connect(self) -> None:
        self.kind.currentIndexChanged.connect(self._kind_chosen)
        self.place.textEdited.connect(self._follow_place)
        for box in (self.transparent, self.legend, self.handles):
            box.toggled.connect(self._draw_soon.start)
        for number in (self.scale, self.frames, self.seconds):
            number.value_changed.connect(self._describe)
        self.height_box.currentIndexChanged.connect(self._describe)

    def _kind_chosen(self) -> None:
        self.place.setText(str(Path(self.place.text()).with_suffix(self.kind.currentData())))
        for label, widget, film in self._rows:
            if film is not None:
                label.setVisible(film == self.is_film)
                widget.setVisible(film == self.is_film)
        self._describe()
        self._draw_soon.start()

    def _follow_place(self, text: str) -> None:
        index = self.kind.findData(Path(text).suffix.lower())
        if index >= 0 and index != self.kind.currentIndex():
            blocked = self.kind.blockSignals(True)
            self.kind.setCurrentIndex(index)
            self.kind.blockSignals(blocked)
            self._kind_chosen()

    def _describe(self, _: object = None) -> None:
        problem = ""
        if self.is_film:
            turn = self.turn()
            aspect = self._pictures.size(1.0)
            width = round(turn.height * aspect[0] / max(aspect[1], 1))
            text = self.tr("{0} × {1} pixels, {2} pictures a second").format(
                width, turn.height, f"{turn.frames / turn.seconds:.3g}"
            )
            try:
                check_film(Path(self.place.text()))
            except FormwrightError as error:
                problem = str(error)
        else:
            width, height = self._pictures.size(float(self.scale.value() or 1))
            text = self.tr("{0} × {1} pixels").format(f"{width:,}", f"{height:,}")
            if max(width, height) > LONGEST_SIDE:
                problem = self.tr("This is larger than can be drawn: scale it less.")
        self._said.setText(problem or text)
        self._said.setStyleSheet(f"color: {current_tokens().warning};" if problem else "")
        self.save_button.setEnabled(not problem)

    def _draw_preview(self) -> None:
        view = self._pictures.viewport
        if view is None:
            return
        ratio = self.devicePixelRatioF()
        scale = ratio * min(PREVIEW[0] / max(view.width(), 1), PREVIEW[1] / max(view.height(), 1))
        look = self.look()
        image = view.picture(scale=scale, transparent=look.transparent, legend=look.legend, handles=look.handles)
        pixmap = QPixmap.fromImage(image)
        pixmap.setDevicePixelRatio(ratio)
        self._preview.setPixmap(pixmap)

    def _choose(self) -> None:
        kinds = {self.kind.itemText(index): self.kind.itemData(index) for index in range(self.kind.count())}
        filters = {f"{title} (*{suffix})": suffix for title, suffix in kinds.items()}
        wanted = next(text for text, suffix in filters.items() if suffix == self.kind.currentData())
        name, _ = QFileDialog.getSaveFileName(
            self, self.tr("Save picture"), self.place.text(), ";;".join(filters), wanted
        )
        if name:
            path = Path(name)
            self.place.setText(str(path if path.suffix else path.with_suffix(self.kind.currentData())))
            self._follow_place(self.place.text())

    def _lay_out(self, choose: QPushButton) -> None:
        form = QGridLayout()
        form.setHorizontalSpacing(10)
        form.setVerticalSpacing(8)
        form.setColumnStretch(1, 1)
        rows: tuple[tuple[str, QWidget, bool | None], ...] = (
            (self.tr("Format"), self.kind, None),
            (self.tr("File"), self.place, None),
            (self.tr("Size"), self.scale, False),
            (self.tr("Size"), self.height_box, True),
            (self.tr("Pictures"), self.frames, True),
            (self.tr("One turn"), self.seconds, True),
            (self.tr("About"), self.axis, True),
            (self.tr("With"), self.legend, None),
            ("", self.handles, None),
            ("", self.transparent, False),
        )
        for row, (title, widget, film) in enumerate(rows):
            label = QLabel(title, self)
            label.setBuddy(widget)
            if title:
                widget.setAccessibleName(title)
            form.addWidget(label, row, 0)
            form.addWidget(widget, row, 1, 1, 1 if widget is self.place else 2)
            self._rows.append((label, widget, film))
        form.addWidget(choose, 1, 2)
        close = QPushButton(self.tr("Cancel"), self)
        close.setAutoDefault(False)
        close.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(close)
        buttons.addWidget(self.save_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 14)
        column.setSpacing(10)
        column.addWidget(self._preview, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addLayout(form)
        column.addWidget(self._said)
        column.addStretch(1)
        column.addLayout(buttons)


def number_box(
    title: str, value: float, low: float, high: float, unit: str, kind: Literal["integer", "number"], parent: QWidget
) -> NumberField:
    field = ParameterField(
        name=title, title=title, help="", kind=kind, default=value, unit=unit, minimum=low, maximum=high
    )
    box = NumberField(field, parent)
    box.set_value(value)
    return box
