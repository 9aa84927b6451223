"""Export motion: frames of a simulation as meshes, an animation, a table or a film. Not modal: what runs goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QCheckBox, QWidget
from shiboken6 import isValid

from app.panels.editors import CalmComboBox
from app.panels.export_dialog import UNIT_TITLES
from app.panels.run_bar import format_bytes
from app.panels.writing_dialog import WritingDialog, number_box
from app.work.motions import Motions, Part
from app.work.pictures import Axis
from engine.core.errors import FormwrightError
from engine.core.units import MILLIMETRES_PER
from engine.io.motion.registry import MotionFormat, MotionReport, motion_formats
from engine.rendering.film import check_film


class MotionDialog(WritingDialog):
    """Asks in which format, which frames and where."""

    def __init__(self, motions: Motions, suggested: Path, parent: QWidget | None = None) -> None:
        titles = {
            "gltf": self.tr("glTF animation (GLB)"),
            "vtkhdf": self.tr("VTKHDF, for ParaView"),
            "usd": self.tr("USD animation (text)"),
            "ply": self.tr("PLY, a file each frame"),
            "obj": self.tr("OBJ, a file each frame"),
            "csv": self.tr("Table of energies, sensors and controls (CSV)"),
        }
        formats = [(titles[entry.name], entry.extension) for entry in motion_formats()]
        formats += [(self.tr("Film (MP4)"), ".mp4"), (self.tr("Film (GIF)"), ".gif")]
        super().__init__(self.tr("Export motion"), formats, suggested, ("export", self.tr("Export")), parent)
        self._motions = motions
        self.setMinimumWidth(460)
        last = max(motions.playing.frame_count, 1)
        self.first = number_box(self.tr("First frame"), 1, 1, last, "", "integer", self)
        self.last = number_box(self.tr("Last frame"), last, 1, last, "", "integer", self)
        self.every = number_box(self.tr("One frame in"), 1, 1, last, "", "integer", self)
        self.unit = CalmComboBox(self)
        for unit in MILLIMETRES_PER:
            self.unit.addItem(UNIT_TITLES[unit], unit)
        self.unit.setCurrentIndex(self.unit.findData("mm"))
        self.rate = number_box(self.tr("Pictures a second"), 25.0, 1.0, 120.0, "", "number", self)
        self.turn = QCheckBox(self.tr("Turn once round meanwhile"), self)
        rows = (
            (self.tr("First frame"), self.first),
            (self.tr("Last frame"), self.last),
            (self.tr("One frame in"), self.every),
            (self.tr("Unit"), self.unit),
            (self.tr("Pictures a second"), self.rate),
            (self.tr("Size"), self.height_box),
            ("", self.turn),
        )
        self._lay_out(rows, self.tr("Close"))
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

    def begin(self) -> None:
        """Begin the work; the dialog stays for the next one, and says what was written."""
        for number in (self.first, self.last, self.every, self.rate):
            number.commit()  # a button that is clicked does not take the focus everywhere
        path = Path(self.place.text()).expanduser()
        if self.format is None:
            turn: Axis | None = "view" if self.turn.isChecked() else None
            rate, height = float(self.rate.value() or 25.0), int(self.height_box.currentData())
            self._motions.film(path, self.part(), rate, height, turn)
            self.accept()
            return
        self._say(self.tr("Writing …"))
        self.action_button.setEnabled(False)
        self._motions.export(path, self.part(), self.unit.currentData(), self._exported, self._failed)

    def _failed(self) -> None:
        if isValid(self):  # it may have been closed meanwhile
            self._describe()

    def _exported(self, report: MotionReport) -> None:
        if not isValid(self):
            return
        self._describe()
        first = report.files[0].name
        if len(report.files) > 1:
            words = self.tr("Wrote {0} files from {1} on, {2}.").format(len(report.files), first, "{0}")
        else:
            words = self.tr("Wrote {0}, {1} frames, {2}.").format(first, report.frames, "{0}")
        self._say(words.format(format_bytes(report.size)))

    def _is_wanted(self, widget: QWidget) -> bool:
        entry = self.format
        if widget is self.unit:
            return entry is not None and entry.unit is None
        return entry is None or widget not in (self.rate, self.height_box, self.turn)

    def _describe(self, _: object = None) -> None:
        numbers, times = self.part().numbers, self._motions.playing.times
        problem, entry = "", self.format
        if not len(numbers) or numbers[-1] >= len(times):
            problem = self.tr("There are no frames in this range.")
        elif entry is None:
            try:
                check_film(Path(self.place.text()))
            except FormwrightError as error:
                problem = str(error)
        if problem:
            self._say("", problem=problem)
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


MANY_TARGETS = 2048
"""Morph targets that a viewer must be able to hold: layers of a texture in WebGL 2."""
