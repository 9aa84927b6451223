"""Save picture: a PNG of the view, or a turntable as a GIF or an MP4. Not modal: the run goes on."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QCheckBox, QLabel, QWidget

from app.panels.editors import CalmComboBox
from app.panels.writing_dialog import WritingDialog, number_box
from app.work.pictures import LONGEST_SIDE, Look, Pictures, Turn
from engine.core.errors import FormwrightError
from engine.rendering.film import FILMS, check_film

PREVIEW = (380, 214)


class PictureDialog(WritingDialog):
    """Asks what, how large and where."""

    def __init__(self, pictures: Pictures, suggested: Path, parent: QWidget | None = None) -> None:
        formats = (
            (self.tr("Picture (PNG)"), ".png"),
            (self.tr("Turntable (MP4)"), ".mp4"),
            (self.tr("Turntable (GIF)"), ".gif"),
        )
        super().__init__(self.tr("Save picture"), formats, suggested, ("save", self.tr("Save")), parent)
        self._pictures = pictures
        self.scale = number_box(self.tr("Size"), 2, 1, 8, self.tr("× the view"), "integer", self)
        self.transparent = QCheckBox(self.tr("Transparent background"), self)
        self.legend = QCheckBox(self.tr("Axes, colour bar and notes"), self)
        self.handles = QCheckBox(self.tr("Handles and measurements"), self)
        self.frames = number_box(self.tr("Pictures"), 90, 2, 3600, "", "integer", self)
        self.seconds = number_box(self.tr("One turn"), 6.0, 0.5, 600.0, "s", "number", self)
        self.axis = CalmComboBox(self)
        for title, axis in (("Z", "z"), ("Y", "y"), ("X", "x"), (self.tr("Upright in the view"), "view")):
            self.axis.addItem(title, axis)
        for box in (self.legend, self.handles):
            box.setChecked(True)
        self._preview = QLabel(self)
        self._preview.setFixedHeight(PREVIEW[1])
        self._preview.setMinimumWidth(PREVIEW[0])
        self._preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._preview.setAccessibleName(self.tr("Preview"))
        rows = (
            (self.tr("Size"), self.scale),
            (self.tr("Size"), self.height_box),
            (self.tr("Pictures"), self.frames),
            (self.tr("One turn"), self.seconds),
            (self.tr("About"), self.axis),
            (self.tr("With"), self.legend),
            ("", self.handles),
            ("", self.transparent),
        )
        self._lay_out(rows, self.tr("Cancel"), above=self._preview)
        self._draw_soon = QTimer(self)
        self._draw_soon.setSingleShot(True)
        self._draw_soon.setInterval(60)
        self._draw_soon.timeout.connect(self._draw_preview)
        self.kind.currentIndexChanged.connect(self._draw_soon.start)
        for box in (self.transparent, self.legend, self.handles):
            box.toggled.connect(self._draw_soon.start)
        for number in (self.scale, self.frames, self.seconds):
            number.value_changed.connect(self._describe)
        self.height_box.currentIndexChanged.connect(self._describe)
        self._kind_chosen()
        self._draw_soon.start()

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

    def begin(self) -> None:
        """Begin the work, and close."""
        path = Path(self.place.text()).expanduser()
        if self.is_film:
            self._pictures.film(path, self.turn(), look=self.look())
        else:
            self._pictures.save(path, scale=float(self.scale.value() or 1), look=self.look())
        self.accept()

    def _is_wanted(self, widget: QWidget) -> bool:
        if widget in (self.height_box, self.frames, self.seconds, self.axis):
            return self.is_film
        return not self.is_film or widget not in (self.scale, self.transparent)

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
        self._say(text, problem=problem)

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
