"""The timeline: scrub through the frames of a simulation, play them, and come back to what runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QAction, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.editors import CalmComboBox
from app.panels.icons import icon
from app.panels.theme import current_tokens
from app.work.playing import SPEEDS, Playing
from app.work.sensing import Sensing

KEYS = (Qt.Key.Key_J, Qt.Key.Key_K, Qt.Key.Key_L)
"""Backwards, stay, forwards, as in editors of films; while the timeline has the focus they are its own."""


class Track(QSlider):
    """A slider that goes where it is clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setMinimumWidth(60)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        self.setSliderDown(True)
        self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._go(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)
        event.accept()

    def place(self, value: int) -> int:
        """Pixels from the left at which a value stands."""
        room, handle = self._room()
        return handle // 2 + QStyle.sliderPositionFromValue(self.minimum(), self.maximum(), value, room)

    def _go(self, event: QMouseEvent) -> None:
        room, handle = self._room()
        at = round(event.position().x()) - handle // 2
        self.setValue(QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), at, room))
        event.accept()

    def _room(self) -> tuple[int, int]:
        """Pixels that the handle can move, and its width."""
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = self.style().subControlRect(
            QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self
        )
        return max(1, self.width() - handle.width()), handle.width()


class Timeline(QWidget):
    """A bar below the viewport; seen where there are frames and the viewport shows them."""

    def __init__(self, playing: Playing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._playing = playing
        self._wanted = True
        self.setProperty("panel", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("Timeline"))
        self.track = Track(self)
        self.track.setAccessibleName(self.tr("Frame"))
        self.track.setToolTip(self.tr("Drag to look at any moment; arrow keys go frame by frame. What runs goes on."))
        self.track.valueChanged.connect(playing.show_frame)
        self.track.sliderPressed.connect(playing.pause)
        self.said = QLabel(self)
        self.said.setAccessibleName(self.tr("Time and frame"))
        self.first = self._button("first", self.tr("First frame"), lambda: self._go(0))
        self.play = self._button("run", self.tr("Play"), playing.toggle)
        self.last = self._button("last", self.tr("Last frame"), lambda: self._go(playing.frame_count - 1))
        self.loop = self._button("loop", self.tr("Loop"), self._set_loop)
        self.loop.setCheckable(True)
        self.loop.setToolTip(self.tr("Begin again at the end"))
        self.speed = CalmComboBox(self)
        self.speed.setAccessibleName(self.tr("Speed"))
        self.speed.setToolTip(self.tr("How fast it is played: at × 1 a simulated second takes a second"))
        for value in SPEEDS:
            self.speed.addItem(f"× {value:g}", value)
        self.speed.setCurrentIndex(SPEEDS.index(1.0))
        self.speed.activated.connect(lambda index: playing.set_speed(self.speed.itemData(index)))
        self.live = QPushButton(icon("live"), self.tr("Live"), self)
        self.live.setAccessibleName(self.tr("Live"))
        self.live.setToolTip(self.tr("Follow the simulation again"))
        self.live.clicked.connect(playing.go_live)
        self._lay_out()
        playing.changed.subscribe(self.refresh)
        playing.frames_changed.subscribe(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show where it is."""
        playing = self._playing
        self.setVisible(playing.there and self._wanted)
        if not playing.there:
            return
        blocked = self.track.blockSignals(True)
        self.track.setRange(0, playing.frame_count - 1)
        self.track.setValue(playing.frame)
        self.track.blockSignals(blocked)
        self.track.update()
        end = float(playing.times[-1])
        self.said.setText(
            self.tr("{0} s of {1} s · frame {2} of {3}").format(
                f"{playing.time:.3f}", f"{end:.3f}", f"{playing.frame + 1:,}", f"{playing.frame_count:,}"
            )
        )
        self.play.setIcon(icon("pause" if playing.playing else "run"))
        title = self.tr("Pause") if playing.playing else self.tr("Play")
        self.play.setAccessibleName(title)
        self.play.setToolTip(self.tr("{0} the frames (L; J plays backwards, K stays)").format(title))
        self.live.setVisible(not playing.from_disk)
        self.live.setEnabled(not playing.live)
        colour = current_tokens().accent if playing.live else ""
        self.live.setIcon(icon("live", colour=colour))

    def set_wanted(self, wanted: bool) -> None:
        """Whether the middle shows what it is about."""
        if wanted != self._wanted:
            self._wanted = wanted
            self.refresh()

    def add_action_button(self, action: QAction) -> None:
        """What is done with the whole motion: at the end of the row."""
        button = QToolButton(self)
        button.setDefaultAction(action)
        button.setIconSize(QSize(16, 16))
        button.setAccessibleName(action.text())
        self._row.addWidget(button)

    def add_colours(self, actions: Sequence[QAction], about_to_show: Callable[[], object], sensing: Sensing) -> None:
        """By what the surface is coloured: a menu of actions, which `about_to_show` brings up to date, and of the
        numbers whose sensitivity can be seen."""
        button = QToolButton(self)
        button.setIcon(icon("palette"))
        button.setIconSize(QSize(16, 16))
        button.setAccessibleName(self.tr("Colour by"))
        button.setToolTip(self.tr("Colour by strain, bending energy, contact …"))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setProperty("menuButton", True)
        menu = QMenu(button)
        menu.setAccessibleName(button.accessibleName())
        menu.addActions(list(actions))
        of = menu.addMenu(self.tr("Sensitivity of"))
        of.setAccessibleName(of.title())

        def fill() -> None:
            about_to_show()
            of.clear()
            for number in sensing.numbers:
                of.addAction(number, partial(sensing.ask, number))
            of.setEnabled(not of.isEmpty())

        menu.aboutToShow.connect(fill)
        button.setMenu(menu)
        self._row.addWidget(button)

    def event(self, event: QEvent) -> bool:
        # Keys of the window give way to those of the timeline while it has the focus.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in KEYS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_L:
            self._playing.play()
        elif event.key() == Qt.Key.Key_J:
            self._playing.play(backwards=True)
        elif event.key() == Qt.Key.Key_K:
            self._playing.pause()
        else:
            event.ignore()

    def _set_loop(self) -> None:
        self._playing.set_loop(self.loop.isChecked())

    def _go(self, frame: int) -> None:
        self._playing.pause()
        self._playing.show_frame(frame)

    def _button(self, symbol: str, title: str, action: Callable[[], object]) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(symbol))
        button.setIconSize(QSize(16, 16))
        button.setAccessibleName(title)
        button.setToolTip(title)
        button.clicked.connect(action)
        return button

    def _lay_out(self) -> None:
        self._row = QHBoxLayout()
        self._row.setSpacing(4)
        for widget in (self.first, self.play, self.last, self.loop, self.speed):
            self._row.addWidget(widget)
        # What does not fit must not make the window wider.
        self.said.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._row.addSpacing(6)
        self._row.addWidget(self.said, 1)
        self._row.addWidget(self.live)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 4, 10, 4)
        column.setSpacing(2)
        column.addWidget(self.track)
        column.addLayout(self._row)
