"""What a simulation measures, over time: energies, and sensors by their unit, from the Trajectory that is looked at."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.document.topic import Topic
from app.work.playing import Playing
from engine.core.errors import FormwrightError

ENERGIES = "energies"
SECONDS_BETWEEN = 0.5
"""Between two readings of all frames while more of them come."""


@dataclass(frozen=True)
class Reading:
    """One curve: its name, and its values at `Readings.times`, shape (frame_count,)."""

    name: str
    values: np.ndarray


@dataclass(frozen=True)
class Group:
    """Curves of one unit, for one pair of axes. key : "energies", or the unit of sensors"""

    key: str
    title: str
    unit: str


class Readings:
    """Which group is looked at, and its curves. Topic: `changed`."""

    def __init__(self, playing: Playing) -> None:
        self.playing = playing
        self.changed = Topic()
        self.key = ENERGIES
        self._read_at = 0.0
        self._stale = True
        self._times = np.empty(0)
        self._curves: list[Reading] = []
        playing.frames_changed.subscribe(self._frames_changed)

    @property
    def there(self) -> bool:
        return self.playing.there

    def groups(self) -> list[Group]:
        """All there is to choose from."""
        trajectory = self.playing.trajectory
        if trajectory is None:
            return []
        units = dict.fromkeys(_unit(name) for name in trajectory.layout.scalars)
        sensors = [
            Group(unit or "-", _tr("Sensors [{0}]").format(unit) if unit else _tr("Sensors"), unit) for unit in units
        ]
        return [Group(ENERGIES, _tr("Energies"), "J"), *sensors]

    @property
    def group(self) -> Group:
        """That is looked at."""
        groups = self.groups()
        found = next((group for group in groups if group.key == self.key), None)
        return found or Group(ENERGIES, _tr("Energies"), "J")

    def choose(self, key: str) -> None:
        """Look at another group."""
        if key != self.key:
            self.key = key
            self._stale = True
            self.frame(at_once=True)

    def frame(self, *, at_once: bool = False) -> None:
        """Once a frame: read what has come, where its time has come."""
        now = time.monotonic()
        if not self._stale or (not at_once and now - self._read_at < SECONDS_BETWEEN):
            return
        self._stale, self._read_at = False, now
        self._read()
        self.changed()

    @property
    def times(self) -> np.ndarray:
        """[s], shape (frame_count,)"""
        return self._times

    def curves(self) -> list[Reading]:
        """Of the group that is looked at."""
        return self._curves

    def _read(self) -> None:
        trajectory = self.playing.trajectory
        if trajectory is None:
            self._times, self._curves = np.empty(0), []
            return
        group = self.group
        if group.key == ENERGIES:
            names = list(trajectory.layout.energies)
        else:
            names = [name for name in trajectory.layout.scalars if (_unit(name) or "-") == group.key]
        try:
            self._times = trajectory.times()
            read = [Reading(name, trajectory.series(name)[: len(self._times)]) for name in names]
            # An energy of what the scene has not would only be in the way.
            self._curves = [one for one in read if group.key != ENERGIES or np.any(np.nan_to_num(one.values))]
        except FormwrightError:
            self._times, self._curves = np.empty(0), []  # its files are gone, which the timeline says

    def _frames_changed(self) -> None:
        self._stale = True


def without_unit(name: str) -> str:
    """A name as a curve is called where the axis says the unit: "table force z [N]" -> "table force z"."""
    return re.sub(r"\s*\[[^\]]*\]$", "", name)


def _unit(name: str) -> str:
    found = re.search(r"\[([^\]]*)\]$", name)
    return found[1] if found else ""


def _tr(text: str) -> str:
    return QCoreApplication.translate("Readings", text)
