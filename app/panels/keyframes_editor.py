"""The motion of an obstacle, a gripper or a pin: its keyframes as a list, the chosen one as a form."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from app.panels.handy_units import shown_quantity
from app.panels.icons import icon
from app.panels.parameter_form import ParameterForm
from app.panels.schema import declared, format_number
from engine.protocol.scene import Keyframe, Motion

STEP = 0.5
"""[s] from the last keyframe to a new one."""

ROW = 24
"""Height of a keyframe's row [px]."""


class KeyframesEditor(QWidget):
    """Signals the whole motion when a keyframe was changed.

    key_wanted : [s] of the keyframe that the gizmo shall set, or None
    """

    motion_changed = Signal(object, str)  # Motion as plain values, what was done
    gesture_ended = Signal()
    key_wanted = Signal(object)

    def __init__(self, *, width: bool, gizmo: bool, parent: QWidget | None = None) -> None:
        """width : a gripper's fingers close; gizmo : there is one that can set keyframes"""
        super().__init__(parent)
        self._motion = Motion()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.interpolation = ParameterForm(
            [field for field in declared(Motion) if field.name == "interpolation"], parent=self
        )
        self.interpolation.value_changed.connect(self._interpolated)
        self.list = QListWidget(self)
        self.list.setAccessibleName(self.tr("Keyframes"))
        self.list.currentRowChanged.connect(self._chosen)
        column.addWidget(self.list)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        self.add = self._button("add", self.tr("Add"), self.tr("A keyframe after the last one"), self._add)
        self.remove = self._button("remove", self.tr("Remove"), self.tr("Take the keyframe away"), self._remove)
        buttons.addWidget(self.add)
        buttons.addWidget(self.remove)
        self.key = self._button("move", self.tr("Set by gizmo"), "", None)
        self.key.setToolTip(
            self.tr("The gizmo of the move tool then sets this keyframe, rather than where the body stands at first")
        )
        self.key.setCheckable(True)
        self.key.toggled.connect(self._tell_key)
        self.key.setVisible(gizmo)
        buttons.addWidget(self.key)
        buttons.addStretch(1)
        column.addLayout(buttons)
        names = ["time", "translation", "rotation", *(["width"] if width else [])]
        fields = [field for field in declared(Keyframe) if field.name in names]
        self.form = ParameterForm(fields, parent=self)
        self.form.value_changed.connect(self._edited)
        self.form.gesture_ended.connect(self.gesture_ended)
        column.addWidget(self.form)
        column.addWidget(self.interpolation)
        self.show_motion(Motion())

    @property
    def time(self) -> float | None:
        """Of the chosen keyframe [s]."""
        row = self.list.currentRow()
        return self._motion.keyframes[row].time if 0 <= row < len(self._motion.keyframes) else None

    def show_motion(self, motion: Motion, *, keyed: float | None = None) -> None:
        """Show a motion; keyed : [s] at which the gizmo sets keyframes"""
        chosen = self.time if keyed is None else keyed
        self._motion = motion
        blocked = self.list.blockSignals(True)
        self.list.clear()
        for frame in motion.keyframes:
            QListWidgetItem(_words(frame), self.list).setSizeHint(QSize(0, ROW))
        times = [frame.time for frame in motion.keyframes]
        self.list.setCurrentRow(times.index(chosen) if chosen in times else len(times) - 1)
        self.list.blockSignals(blocked)
        self.list.setVisible(bool(times))
        self.list.setFixedHeight(min(max(len(times), 1), 5) * ROW + 6)
        self.interpolation.setVisible(bool(times))
        self.interpolation.set_values(motion.model_dump())
        blocked = self.key.blockSignals(True)
        self.key.setChecked(keyed is not None)
        self.key.blockSignals(blocked)
        self._show_frame()

    def _show_frame(self) -> None:
        row = self.list.currentRow()
        there = 0 <= row < len(self._motion.keyframes)
        self.form.setVisible(there)
        self.remove.setEnabled(there)
        self.key.setEnabled(there)
        if there:
            self.form.set_values(self._motion.keyframes[row].model_dump())

    def _chosen(self) -> None:
        self._show_frame()
        if self.key.isChecked():
            self.key_wanted.emit(self.time)

    def _tell_key(self, on: bool) -> None:
        self.key_wanted.emit(self.time if on else None)

    def _add(self) -> None:
        frames = self._motion.keyframes
        last = frames[-1] if frames else None
        new = Keyframe(time=0.0) if last is None else last.model_copy(update={"time": round(last.time + STEP, 6)})
        self._tell([*(frame.model_dump() for frame in frames), new.model_dump()], self.tr("add keyframe"))
        self.list.setCurrentRow(len(self._motion.keyframes) - 1)

    def _remove(self) -> None:
        row = self.list.currentRow()
        frames = [frame.model_dump() for place, frame in enumerate(self._motion.keyframes) if place != row]
        self._tell(frames, self.tr("remove keyframe"))

    def _edited(self, name: str, value: Any) -> None:
        frames = [frame.model_dump() for frame in self._motion.keyframes]
        frames[self.list.currentRow()][name] = value
        frames.sort(key=lambda frame: float(frame["time"]))
        self._tell(frames, self.tr("change keyframe"))

    def _interpolated(self, name: str, value: Any) -> None:
        self.motion_changed.emit({**self._motion.model_dump(), name: value}, self.tr("interpolation"))

    def _tell(self, frames: list[dict[str, Any]], step: str) -> None:
        self.motion_changed.emit({**self._motion.model_dump(), "keyframes": frames}, step)

    def _button(self, symbol: str, title: str, help: str, do: Any) -> QPushButton:
        button = QPushButton(icon(symbol), title, self)
        button.setToolTip(help)
        button.setAccessibleName(title)
        button.setStyleSheet("padding: 3px 6px;")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if do is not None:
            button.clicked.connect(do)
        return button


def _words(frame: Keyframe) -> str:
    """ "0.5 s   z +20 mm   turned 90°" """
    parts = [
        f"{axis} {1000.0 * value:+.4g} mm".replace("-", "−")
        for axis, value in zip("xyz", frame.translation, strict=True)
        if value
    ]
    turn = sum(value**2 for value in frame.rotation) ** 0.5
    if turn:
        parts.append(f"↻ {format_number(turn)}°")
    if frame.width is not None:
        parts.append(f"↔ {shown_quantity(frame.width, 'm')}")
    return "   ".join([f"{frame.time:g} s", *parts])
