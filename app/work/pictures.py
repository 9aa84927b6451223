"""Pictures of the view: a PNG of any size, and films as a GIF or an MP4 that are drawn while one goes on: a turntable,
or the frames of a simulation."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, QTimer
from PySide6.QtGui import QImage

from app.viewport.records import CameraView, triple
from app.viewport.view import Viewport
from app.work.drawing import Drawing
from app.work.notices import Notices
from app.work.task_rows import TaskRow
from app.work.tasks import Tasks
from engine.core.atomic import atomic_write
from engine.core.errors import FileError, FormwrightError
from engine.rendering.film import check_film, write_film
from engine.rendering.turntable import AXES, rotation

Axis = Literal["view", "x", "y", "z"]

MILLISECONDS_A_PICTURE = 10
"""Between two pictures of a film: the window lives in these."""
WAITING = 2
"""Pictures that wait for the encoder; more would fill the memory."""
LONGEST_SIDE = 16_384
"""Pixels: what OpenGL draws at once."""


@dataclass(frozen=True)
class Look:
    """What of the view a picture shows."""

    legend: bool = True
    handles: bool = True
    transparent: bool = False


@dataclass(frozen=True)
class Turn:
    """A turntable: number of pictures, how long a turn takes [s], what it turns about ("view": what stands upright
    now), height of the pictures [pixels]."""

    frames: int = 90
    seconds: float = 6.0
    axis: Axis = "z"
    height: int = 720


@dataclass(frozen=True)
class Frames:
    """A film of frames: their numbers, how many are shown a second, height of the pictures [pixels], and what the
    camera turns about once meanwhile (None: it stands)."""

    numbers: Sequence[int]
    rate: float = 25.0
    height: int = 720
    turn: Axis | None = None


class Pictures(QObject):
    """Saves pictures of the viewport, each as a task."""

    def __init__(self, drawing: Drawing, tasks: Tasks, notices: Notices) -> None:
        super().__init__()
        self._drawing = drawing
        self._tasks = tasks
        self._notices = notices
        self._films: list[_Film] = []

    @property
    def viewport(self) -> Viewport | None:
        return self._drawing.viewport

    def size(self, scale: float) -> tuple[int, int]:
        """Width and height of a picture [pixels], so many times as large as the view."""
        view = self.viewport
        return (round(view.width() * scale), round(view.height() * scale)) if view is not None else (0, 0)

    def save(self, path: Path, *, scale: float = 2.0, look: Look = Look()) -> None:
        """Draw the view at `scale` times its size, and write it as a PNG off the window's thread."""
        view = self.viewport
        if view is None:
            return
        if max(self.size(scale)) > LONGEST_SIDE:
            self._notices.say(
                FileError(path, _tr("this picture is larger than can be drawn."), remedy=_tr("Scale it less."))
            )
            return
        image = view.picture(scale=scale, transparent=look.transparent, legend=look.legend, handles=look.handles)
        said = _tr("Saved {0}").format(path.name)
        title = _tr("Saving {0}").format(path.name)
        self._tasks.do(
            lambda: _write_png(image, path), lambda _: self._notices.noted(said), self._notices.say, title=title
        )

    def film(self, path: Path, turn: Turn, *, look: Look = Look()) -> None:
        """Draw the view from all round, a picture a tick of the window's timer, and write them as a GIF or an MP4."""
        view = self.viewport
        if view is None:
            return
        camera = view.camera()

        def stage(index: int) -> CameraView:
            return turned_view(camera, 360.0 * index / turn.frames, turn.axis)

        title = _tr("Turntable {0}").format(path.name)
        self._film(path, _Script(turn.frames, turn.height, stage), turn.frames / turn.seconds, look, title)

    def film_frames(
        self, path: Path, frames: Frames, show: Callable[[int], object], ended: Callable[[], object], *, look: Look
    ) -> None:
        """Draw the view of each frame, and write them as `film` does.

        show : shows a frame by its number; ended : called once no more are to be shown
        """
        view = self.viewport
        if view is None:
            return
        camera, count = view.camera(), len(frames.numbers)

        def stage(index: int) -> CameraView:
            show(frames.numbers[index])
            return camera if frames.turn is None else turned_view(camera, 360.0 * index / count, frames.turn)

        title = _tr("Film {0}").format(path.name)
        self._film(path, _Script(count, frames.height, stage, ended), frames.rate, look, title)

    def _film(self, path: Path, script: _Script, rate: float, look: Look, title: str) -> None:
        view = self.viewport
        assert view is not None
        try:
            check_film(path)
        except FormwrightError as error:
            self._notices.say(error)
            script.ended()
            return
        film = _Film(view, script, look, self._tasks.begin(title, cooperative=True))
        self._films.append(film)

        def over(error: BaseException | None) -> None:
            film.stop()
            self._films.remove(film)
            script.ended()
            if error is None:
                self._notices.noted(_tr("Saved {0}").format(path.name))
            else:
                self._notices.say(error)

        self._tasks.do(
            lambda: write_film(path, film.pictures(), pictures_per_second=rate),
            lambda _: over(None),
            over,
            row=film.row,
        )
        film.start()

    @property
    def filming(self) -> bool:
        return bool(self._films)


@dataclass(frozen=True)
class _Script:
    """A film to come: number of pictures, their height [pixels], what sets the stage for a picture and gives the
    camera, and what is to be done when there are no more."""

    count: int
    height: int
    stage: Callable[[int], CameraView]
    ended: Callable[[], object] = lambda: None


class _Film(QObject):
    """Draws in the window's thread, picture by picture; another thread takes them from `pictures`."""

    def __init__(self, view: Viewport, script: _Script, look: Look, row: TaskRow) -> None:
        super().__init__()
        self.row = row
        self._view = view
        self._script = script
        self._look = look
        self._scale = script.height / max(view.height(), 1)
        self._drawn = 0
        self._ready: queue.Queue[np.ndarray] = queue.Queue(WAITING)
        self._timer = QTimer(self)
        self._timer.setInterval(MILLISECONDS_A_PICTURE)
        self._timer.timeout.connect(self._draw)

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        """Draw no more, and let the view be drawn as it is."""
        if self._timer.isActive():
            self._timer.stop()
            if self._view.alive:
                self._view.draw()

    def pictures(self) -> Iterator[np.ndarray]:
        """The pictures as they come; raises `TaskCancelledError` when they are not wanted any more."""
        for index in range(self._script.count):
            while True:
                self.row.report(index / self._script.count)
                try:
                    picture = self._ready.get(timeout=0.1)
                    break
                except queue.Empty:
                    continue
            yield picture

    def _draw(self) -> None:
        if self.row.stopping or self._drawn >= self._script.count or not self._view.alive:
            self.stop()
            return
        if self._ready.full():
            return
        camera = self._script.stage(self._drawn)
        look = self._look
        image = self._view.picture(scale=self._scale, legend=look.legend, handles=look.handles, camera=camera)
        self._ready.put_nowait(_pixels(image))
        self._drawn += 1


def turned_view(view: CameraView, degrees: float, axis: Axis) -> CameraView:
    """The camera, carried round what it turns about, so that the scene seems to turn by `degrees`."""
    up = view.up if axis == "view" else AXES[axis]
    turn = rotation(up, -np.radians(degrees))
    centre = np.asarray(view.pivot if view.pivot is not None else view.focal_point)
    position, focus = (centre + turn @ (np.asarray(at) - centre) for at in (view.position, view.focal_point))
    return replace(view, position=triple(position), focal_point=triple(focus), up=triple(turn @ np.asarray(view.up)))


def _pixels(image: QImage) -> np.ndarray:
    """Red, green and blue, shape (height, width, 3), uint8."""
    image = image.convertToFormat(QImage.Format.Format_RGBX8888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return np.ascontiguousarray(rows[:, : image.width(), :3])


def _write_png(image: QImage, path: Path) -> None:
    with atomic_write(path) as temporary:
        if not image.save(str(temporary), "PNG"):  # type: ignore[call-overload]  # the stubs want bytes
            raise FileError(path, _tr("the picture cannot be written."), remedy=_tr("Choose another place."))


def _tr(text: str) -> str:
    return QCoreApplication.translate("Pictures", text)
