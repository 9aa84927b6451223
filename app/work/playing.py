"""Looking at the frames of a simulation: live, scrubbed, or played; while it runs, after it, and from a folder."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer

from app.document.document import Document
from app.document.topic import Topic
from app.work.drawing import Drawing
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from engine.core.errors import FileError, FormwrightError
from engine.protocol.snapshot import Snapshot, State
from engine.protocol.trajectory import INDEX, Trajectory

MILLISECONDS = 16
"""Between two frames that are played."""
MOST_WAITING = 0.1
"""[s] that one tick plays at most: a window that was busy goes on where it was."""
SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)


class Playing(QObject):
    """Shows frames of one Trajectory in the viewport.

    While it is `live` the newest state is shown, as the Run sends it; whoever scrubs or plays looks at frames on disk,
    and the Run goes on. A study that optimises makes a new Trajectory at every iteration: the same moment is then shown
    of the new one. Frames are read one at a time, so that memory holds no more than one.

    Topics: `changed` (another frame or another trajectory is shown, or it plays or not), `frames_changed` (there are
    more, or fewer).
    """

    def __init__(
        self,
        document: Document,
        link: EngineLink,
        drawing: Drawing,
        notices: Notices,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """clock : gives seconds"""
        super().__init__()
        self._document = document
        self._link = link
        self._drawing = drawing
        self._notices = notices
        self.trajectory: Trajectory | None = None
        self.frame = 0
        self.time = 0.0
        self.live = True
        self.loop = False
        self.speed = 1.0
        self.changed = Topic()
        self.frames_changed = Topic()
        self._times = np.empty(0)
        self._opened_from_disk = False
        self._between = 0.0  # [s] that playing is past the frame that is shown
        self._owner = np.empty(0, np.int32)
        self._triangles = np.empty((0, 3), np.int32)
        self._clock = clock
        self._ticked = 0.0
        self._direction = 1
        self._timer = QTimer(self)
        self._timer.setInterval(MILLISECONDS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        link.snapshot_arrived.subscribe(self._arrived)
        link.begun.subscribe(self._begun)

    # What there is ------------------------------------------------------------------------------------------------

    @property
    def there(self) -> bool:
        """There are frames to look at."""
        return self.trajectory is not None and len(self._times) > 0

    @property
    def from_disk(self) -> bool:
        """What is shown was opened from a folder, and is of no Run of this window."""
        return self._opened_from_disk

    @property
    def times(self) -> np.ndarray:
        """Of the frames [s], shape (frame_count,)."""
        return self._times

    @property
    def frame_count(self) -> int:
        return len(self._times)

    @property
    def playing(self) -> bool:
        return self._timer.isActive()

    # Looking ------------------------------------------------------------------------------------------------------

    def open(self, path: Path) -> bool:
        """Look at a Trajectory from disk: its folder, or a file in it. False where it is none, which is said."""
        folder = path if path.is_dir() else path.parent
        try:
            trajectory = Trajectory.open(folder)
            if not len(trajectory):
                raise FileError(folder, _tr("this trajectory has no frames yet."))
            self._take(trajectory)
        except FormwrightError as error:
            self._notices.say(error)
            return False
        self._opened_from_disk = True
        self.live = False
        self.show_frame(0)
        self._drawing.frame(None)
        return True

    def show_frame(self, number: int) -> None:
        """Look at a frame; what runs goes on."""
        if not self.there:
            return
        assert self.trajectory is not None
        number = min(max(number, 0), self.frame_count - 1)
        self.live = False
        try:
            snapshot = self._snapshot(self.trajectory, number)
        except FormwrightError as error:
            self.pause()
            self._notices.say(error)
            return
        self.frame, self.time, self._between = number, float(self._times[number]), 0.0
        self._drawing.hold(snapshot)
        self.changed()

    def show_time(self, moment: float) -> None:
        """Look at the last frame that is not after a moment [s]."""
        self.show_frame(int(np.searchsorted(self._times, moment + 1e-12, side="right")) - 1)

    def look_at(self, snapshot: Snapshot) -> None:
        """Show this of the present moment, until somebody goes live or scrubs."""
        self._timer.stop()
        self.live = False
        self._drawing.hold(snapshot)
        self.changed()

    def step(self, frames: int) -> None:
        """So many frames on (or back)."""
        self.pause()
        self.show_frame(self.frame + frames)

    def play(self, *, backwards: bool = False) -> None:
        """Play from the frame that is shown; from the beginning where that is the last."""
        if not self.there:
            return
        self._direction = -1 if backwards else 1
        if self.live or self.frame == self._end:
            self.show_frame(0 if not backwards else self.frame_count - 1)
        self._ticked = self._clock()
        self._timer.start()
        self.changed()

    def pause(self) -> None:
        """Stay at this frame; the Run is not asked."""
        if self._timer.isActive():
            self._timer.stop()
            self.changed()

    def toggle(self) -> None:
        (self.pause if self.playing else self.play)()

    def set_loop(self, loop: bool) -> None:
        self.loop = loop
        self.changed()

    def set_speed(self, speed: float) -> None:
        """Simulated seconds that are played in a second."""
        self.speed = speed
        self.changed()

    def go_live(self) -> None:
        """Follow the Run again."""
        self._timer.stop()
        if self._opened_from_disk:
            self.changed()
            return
        self.live = True
        self._drawing.release()
        latest = self._drawing.live
        folder = "" if latest is None else str(latest.info.get("trajectory") or "")
        if folder and (self.trajectory is None or self.trajectory.folder != Path(folder)):
            with contextlib.suppress(FormwrightError):  # a Checkpoint of another branch had taken its place
                self._take(Trajectory.open(folder))
        self._refresh()
        self._at_end()
        self.changed()

    def close(self) -> None:
        """Play no more."""
        self._timer.stop()

    # --------------------------------------------------------------------------------------------------------------

    @property
    def _end(self) -> int:
        return self.frame_count - 1 if self._direction > 0 else 0

    def _tick(self) -> None:
        now = self._clock()
        passed, self._ticked = min(now - self._ticked, MOST_WAITING), now
        self._refresh()
        first, last = float(self._times[0]), float(self._times[-1])
        moment = self.time + self._between + self._direction * self.speed * passed
        over = moment > last if self._direction > 0 else moment < first
        if over:
            restarts = self.loop and last > first and not self._goes_on
            moment = first if restarts == (self._direction > 0) else last
        number = int(np.searchsorted(self._times, moment + 1e-12, side="right")) - 1
        if number != self.frame:
            self.show_frame(number)
        self._between = moment - self.time
        if over and not self.loop and not self._goes_on:
            self.pause()

    @property
    def _goes_on(self) -> bool:
        """More frames come: who plays waits for them."""
        return self._direction > 0 and not self._opened_from_disk and self._document.run.state == "running"

    def _arrived(self, snapshot: Any) -> None:
        """The Run sent something to look at: the state of now, or of a Checkpoint."""
        folder = str(snapshot.info.get("trajectory") or "")
        if not folder and self._link.viewed is not None and self.trajectory is not None:
            folder = str(self.trajectory.folder)  # a Checkpoint from before the first frame: the frames are there still
        if not folder:
            if self.trajectory is not None and not self._opened_from_disk:
                self._forget()
            return
        if self._opened_from_disk:
            return
        if self._link.viewed is not None:
            # Whoever picks a Checkpoint wants to see that, and not the frame that was scrubbed to.
            self._timer.stop()
            self.live = True
            self._drawing.release(snapshot)
        other = self.trajectory is None or self.trajectory.folder != Path(folder)
        if other:
            moment, live = self.time, self.live
            try:
                self._take(Trajectory.open(folder))
            except FormwrightError:
                return  # it is gone already: the next Snapshot names another
            if not live and self.there:
                self.show_time(moment)
        else:
            self._refresh()
        if self.live:
            self.time = float(snapshot.info.get("time", 0.0))
            if self.there:
                self.frame = max(0, int(np.searchsorted(self._times, self.time + 1e-12, side="right")) - 1)
            self.changed()

    def _begun(self) -> None:
        """Another Run: what was looked at goes."""
        self._timer.stop()
        self._forget()

    def _take(self, trajectory: Trajectory) -> None:
        """Look at this one from now on; raises `FileError` where its bodies are damaged."""
        bodies = trajectory.bodies
        owner = np.zeros(trajectory.layout.vertex_count, np.int32)
        for index, body in enumerate(bodies):
            owner[body.vertices] = index
        surfaces = [np.empty((0, 3)), *(body.triangles for body in bodies)]
        self._owner, self._triangles = owner, np.concatenate(surfaces).astype(np.int32)
        self.trajectory, self._times, self._between = trajectory, trajectory.times(), 0.0
        self.frames_changed()

    def _refresh(self) -> None:
        """See which frames have come since."""
        if self.trajectory is None:
            return
        try:
            before = len(self._times), self.trajectory.stride
            # As many frames as before may be others: coarser ones, and some that came since.
            if (self.trajectory.refresh(), self.trajectory.stride) != before:
                self._times = self.trajectory.times()
                self.frames_changed()
        except FormwrightError as error:
            self.pause()
            self._notices.say(error)

    def _at_end(self) -> None:
        if self.there:
            self.frame, self.time = self.frame_count - 1, float(self._times[-1])

    def _forget(self) -> None:
        self.trajectory, self._times = None, np.empty(0)
        self.frame, self.time, self.live = 0, 0.0, True
        self._opened_from_disk = False
        self._drawing.release()
        self.frames_changed()
        self.changed()

    def _snapshot(self, trajectory: Trajectory, number: int) -> Snapshot:
        """A frame as the viewport wants it [mm]."""
        frame = trajectory[number]
        positions = 1000.0 * np.asarray(frame.positions, np.float64)
        origin = positions.mean(axis=0)
        arrays = {
            "vertices": (positions - origin).astype(np.float32),
            "triangles": self._triangles,
            "body": self._owner,
            **frame.fields,
        }
        info = {
            "bodies": [body.name for body in trajectory.bodies],
            "colours": [body.colour for body in trajectory.bodies],
            "time": frame.time,
            "trajectory": str(trajectory.folder),
        }
        run = self._document.run
        # The finest drawing is for what rests: frames that are played are as many as those of a Run.
        state: State = "running" if self.playing else "paused"
        x, y, z = origin.tolist()
        return Snapshot(run.run, frame.step, run.iterations, state, 0, (x, y, z), arrays, {}, info)


def is_trajectory(path: Path) -> bool:
    """A folder with a Trajectory in it, or its index."""
    return path.name == INDEX or (path.is_dir() and (path / INDEX).exists())


def is_motion(path: Path) -> bool:
    """Something that a study reads as a recorded motion: a Trajectory, or a table of points."""
    return is_trajectory(path) or path.suffix.lower() == ".csv"


def _tr(text: str) -> str:
    return QCoreApplication.translate("Playing", text)
