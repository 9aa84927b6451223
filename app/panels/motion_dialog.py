"""Export motion: frames of a simulation as meshes, an animation, a table or a film. Not modal: what runs goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
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
from app.panels.export_dialog import UNIT_TITLES
from app.panels.icons import icon
from app.panels.picture_dialog import HEIGHTS, number_box
from app.panels.run_bar import format_bytes
from app.panels.theme import current_tokens
from app.work.motions import Motions, Part
from app.work.pictures import Axis
from engine.core.errors import FormwrightError
from engine.core.units import MILLIMETRES_PER
from engine.io.motion.registry import MotionFormat, MotionReport, motion_formats
from engine.rendering.film import check_film


class MotionDialog(QDialog):
    """Asks in which format, which frames and where; the work is a task of the window's."""

    def __init__(self, motions: Motions, suggested: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._motions = motions
        self.setWindowTitle(self.tr("Export motion"))
        self.setMinimumWidth(460)
        self.kind = CalmComboBox(self)
        for entry in motion_formats():
            self.kind.addItem(self._titles()[entry.name], entry.extension)
        self.kind.addItem(self.tr("Film (MP4)"), ".mp4")
        self.kind.addItem(self.tr("Film (GIF)"), ".gif")
        self.place = QLineEdit(str(suggested), self)
        choose = QPushButton(icon("folder"), self.tr("Choose…"), self)
        choose.setAutoDefault(False)
        choose.clicked.connect(self._choose)
        last = max(motions.playing.frame_count, 1)
        self.first = number_box(self.tr("First frame"), 1, 1, last, "", "integer", self)
        self.last = number_box(self.tr("Last frame"), last, 1, last, "", "integer", self)
        self.every = number_box(self.tr("One frame in"), 1, 1, last, "", "integer", self)
        self.unit = CalmComboBox(self)
        for unit in MILLIMETRES_PER:
            self.unit.addItem(UNIT_TITLES[unit], unit)
        self.unit.setCurrentIndex(self.unit.findData("mm"))
        self.rate = number_box(self.tr("Pictures a second"), 25.0, 1.0, 120.0, "1/s", "number", self)
        self.height_box = CalmComboBox(self)
        for height in HEIGHTS:
            self.height_box.addItem(self.tr("{0} pixels high").format(height), height)
        self.height_box.setCurrentIndex(HEIGHTS.index(720))
        self.turn = QCheckBox(self.tr("Turn once round meanwhile"), self)
        self._said = QLabel(self)
        self._said.setWordWrap(True)
        self._said.setProperty("soft", True)
        self._said.setAccessibleName(self.tr("What will be written"))
        self.export_button = QPushButton(icon("export", colour=current_tokens().accent_text), self.tr("Export"), self)
        self.export_button.setProperty("primary", True)
        self.export_button.setDefault(True)
        self.export_button.setAccessibleName(self.tr("Export"))
        self.export_button.clicked.connect(self.export)
        self._rows: list[tuple[QLabel, QWidget]] = []
        self._lay_out(choose)
        self.kind.currentIndexChanged.connect(self._kind_chosen)
        self.place.textEdited.connect(self._follow_place)
        for number in (self.first, self.last, self.every, self.rate):
            number.value_changed.connect(self._describe)
        self._follow_place(str(suggested))
        self._kind_chosen()

    @property
    def format(self) -> MotionFormat | None:
        """None for a film."""
        return next((one for one in motion_formats() if one.extension == self.kind.currentData()), None)

    def part(self) -> Part:
        """The frames that are wanted, counted from 0."""
        return Part(int(self.first.value() or 1) - 1, int(self.last.value() or 1) - 1, int(self.every.value() or 1))

    def said(self) -> str:
        """What the dialog says of the files to come, or of those that came."""
        return self._said.text()

    def export(self) -> None:
        """Begin the work; the dialog stays for the next one, and says what was written."""
        path = Path(self.place.text()).expanduser()
        if self.format is None:
            turn: Axis | None = "view" if self.turn.isChecked() else None
            rate, height = float(self.rate.value() or 25.0), int(self.height_box.currentData())
            self._motions.film(path, self.part(), rate, height, turn)
            self.accept()
            return
        self.export_button.setEnabled(False)
        self._say(self.tr("Writing …"))
        self._motions.export(path, self.part(), self.unit.currentData(), self._exported, self._describe)

    def _exported(self, report: MotionReport) -> None:
        self._describe()
        first = report.files[0].name
        if len(report.files) > 1:
            words = self.tr("Wrote {0} files from {1} on, {2}.").format(len(report.files), first, "{0}")
        else:
            words = self.tr("Wrote {0}, {1} frames, {2}.").format(first, report.frames, "{0}")
        self._say(words.format(format_bytes(report.size)))

    def _titles(self) -> dict[str, str]:
        """What formats are called, by their names."""
        return {
            "gltf": self.tr("glTF animation (GLB)"),
            "vtkhdf": self.tr("VTKHDF, for ParaView"),
            "ply": self.tr("PLY, a file each frame"),
            "obj": self.tr("OBJ, a file each frame"),
            "csv": self.tr("Table of energies, sensors and controls (CSV)"),
        }

    def _kind_chosen(self) -> None:
        self.place.setText(str(Path(self.place.text()).with_suffix(self.kind.currentData())))
        entry = self.format
        for label, widget in self._rows:
            seen = widget not in (self.rate, self.height_box, self.turn) or entry is None
            if widget is self.unit:
                seen = entry is not None and entry.unit is None
            label.setVisible(seen)
            widget.setVisible(seen)
        self._describe()
        self.adjustSize()

    def _follow_place(self, text: str) -> None:
        index = self.kind.findData(Path(text).suffix.lower())
        if index >= 0 and index != self.kind.currentIndex():
            self.kind.setCurrentIndex(index)

    def _describe(self, _: object = None) -> None:
        """What will be written, or why nothing can be."""
        numbers, times = self.part().numbers, self._motions.playing.times
        problem, entry = "", self.format
        if not len(numbers) or numbers[-1] >= len(times):
            problem = self.tr("There are no frames in this range.")
        elif entry is None:
            try:
                check_film(Path(self.place.text()))
            except FormwrightError as error:
                problem = str(error)
        self.export_button.setEnabled(not problem)
        if problem:
            self._say(problem, warning=True)
            return
        passed = float(times[numbers[-1]] - times[numbers[0]])
        text = self.tr("{0} frames, {1} s of the simulation").format(f"{len(numbers):,}", f"{passed:.3g}")
        if entry is None:
            seconds = len(numbers) / float(self.rate.value() or 25.0)
            text += self.tr("; the film lasts {0} s").format(f"{seconds:.3g}")
            if passed > 0.0:
                text += " (" + self.tr("{0} times real time").format(f"{passed / seconds:.2g}") + ")"
        elif entry.numbered:
            text += self.tr("; a file each, numbered from 0")
        elif entry.unit is not None and entry.name != "csv":
            text += self.tr("; lengths in metres")
        if self._motions.hidden and entry is not None and entry.name != "csv":
            text += self.tr("; without hidden bodies")
        steps = np.diff(times[list(numbers)])
        if entry is not None and entry.name == "gltf" and len(steps) > MANY_TARGETS:
            text += ". " + self.tr("Some viewers play only {0} frames: write fewer").format(f"{MANY_TARGETS:,}")
        self._say(text + ".")

    def _say(self, text: str, *, warning: bool = False) -> None:
        self._said.setText(text)
        self._said.setStyleSheet(f"color: {current_tokens().warning};" if warning else "")

    def _choose(self) -> None:
        kinds = {self.kind.itemText(index): self.kind.itemData(index) for index in range(self.kind.count())}
        filters = {f"{title} (*{suffix})": suffix for title, suffix in kinds.items()}
        wanted = next(text for text, suffix in filters.items() if suffix == self.kind.currentData())
        name, _ = QFileDialog.getSaveFileName(
            self, self.tr("Export motion"), self.place.text(), ";;".join(filters), wanted
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
        rows: tuple[tuple[str, QWidget], ...] = (
            (self.tr("Format"), self.kind),
            (self.tr("File"), self.place),
            (self.tr("First frame"), self.first),
            (self.tr("Last frame"), self.last),
            (self.tr("One frame in"), self.every),
            (self.tr("Unit"), self.unit),
            (self.tr("Pictures a second"), self.rate),
            (self.tr("Size"), self.height_box),
            ("", self.turn),
        )
        for row, (title, widget) in enumerate(rows):
            label = QLabel(title, self)
            label.setBuddy(widget)
            if title:
                widget.setAccessibleName(title)
            form.addWidget(label, row, 0)
            form.addWidget(widget, row, 1, 1, 1 if widget is self.place else 2)
            self._rows.append((label, widget))
        form.addWidget(choose, 1, 2)
        close = QPushButton(self.tr("Close"), self)
        close.setAutoDefault(False)
        close.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(close)
        buttons.addWidget(self.export_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 14)
        column.setSpacing(10)
        column.addLayout(form)
        column.addWidget(self._said)
        column.addStretch(1)
        column.addLayout(buttons)


MANY_TARGETS = 2048
"""Morph targets that a viewer must be able to hold: layers of a texture in WebGL 2."""
