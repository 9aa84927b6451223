"""The motion that the timeline shows, written to files: meshes, animations, tables, films."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.work.notices import Notices
from app.work.pictures import Axis, Frames, Look, Pictures
from app.work.playing import Playing
from app.work.task_rows import TaskRow
from app.work.tasks import Tasks
from engine.io.motion.motion import Motion
from engine.io.motion.recorded import motion_of
from engine.io.motion.registry import MotionReport, write_motion
from engine.protocol.trajectory import Trajectory


@dataclass(frozen=True)
class Part:
    """Frames `first` to `last` (with it), and of these every so many."""

    first: int
    last: int
    every: int = 1

    @property
    def numbers(self) -> range:
        return range(self.first, self.last + 1, self.every)


class Motions:
    """Exports what the timeline has, each as a task that can be cancelled."""

    def __init__(
        self, document: Document, playing: Playing, pictures: Pictures, tasks: Tasks, notices: Notices
    ) -> None:
        self._document = document
        self._tasks = tasks
        self._notices = notices
        self.playing = playing
        self.pictures = pictures

    @property
    def hidden(self) -> frozenset[str]:
        """Bodies that are not seen, and not written."""
        scene = self._document.study.scene
        if scene is None or self.playing.from_disk:
            return frozenset()
        return frozenset(body.name for body in scene.bodies() if not body.visible)

    def export(
        self, path: Path, part: Part, unit: str, done: Callable[[MotionReport], object], failed: Callable[[], object]
    ) -> None:
        """Write frames off the window's thread."""
        trajectory = self.playing.trajectory
        if trajectory is None:
            return
        row = self._tasks.begin(_tr("Exporting {0}").format(path.name), cooperative=True)

        def not_done(error: BaseException) -> None:
            failed()
            self._notices.say(error)

        self._tasks.do(partial(_write, trajectory.folder, self.hidden, path, part, unit, row), done, not_done, row=row)

    def film(self, path: Path, part: Part, rate: float, height: int, turn: Axis | None) -> None:
        """Film frames as the view shows them, `rate` a second; the timeline comes back to where it was."""
        playing = self.playing
        live, frame = playing.live, playing.frame
        playing.pause()

        def come_back() -> None:
            playing.go_live() if live else playing.show_frame(frame)

        frames = Frames(part.numbers, rate, height, turn)
        self.pictures.film_frames(path, frames, playing.show_frame, come_back, look=Look(handles=False))


def _write(folder: Path, hidden: frozenset[str], path: Path, part: Part, unit: str, row: TaskRow) -> MotionReport:
    # A reader of its own: the window's sees new frames meanwhile.
    motion: Motion = motion_of(Trajectory.open(folder))
    shown = [body.name for body in motion.bodies if body.name not in hidden]
    return write_motion(
        motion.only(shown).part(part.first, part.last, part.every), path, unit=unit, progress=row.report
    )


def _tr(text: str) -> str:
    return QCoreApplication.translate("Motions", text)
