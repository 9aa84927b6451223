"""The frames of a Run that simulates: one Trajectory for every stretch that goes on without going back."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.core.errors import FileError
from engine.io.motion.motion import scene_colours
from engine.optimization.checkpoint_store import link
from engine.protocol.trajectory import INDEX, Index, Layout
from engine.protocol.trajectory_bodies import TrajectoryBody
from engine.protocol.trajectory_writer import FEWEST, TrajectoryWriter

if TYPE_CHECKING:
    from engine.simulation.world.world import World

FOLDER = "frames"
"""Within the folder of a Run."""

BUDGET = 2**31
"""Bytes of the frames of a Run, all stretches together."""


def trajectory_bodies(world: World) -> list[TrajectoryBody]:
    """The bodies of a World as its Trajectory holds them."""
    colours = scene_colours(world.scene)
    return [
        TrajectoryBody(body.name, body.kind, body.vertices, body.triangles, colour=colours[body.name])
        for body in world.bodies.values()
    ]


@dataclass(frozen=True)
class Kept:
    """What a frame holds beside its positions (see `TrajectoryWriter.add`)."""

    energies: Mapping[str, float]
    scalars: Mapping[str, float] = field(default_factory=dict)
    fields: Mapping[str, np.ndarray] = field(default_factory=dict)


class Frames:
    """Writes frames, and begins another Trajectory wherever a Run has gone back: it follows the one that it left.

    Each stretch has a name; the state of the Run remembers in which it is. So what only looks at a Checkpoint and
    returns begins none. When all together need more than the budget, stretches that the present one does not follow go,
    the oldest first, and a stretch becomes coarser.

    layout : of the frames that come; another one begins another stretch
    bodies : of all frames
    """

    def __init__(self, layout: Layout, bodies: Sequence[TrajectoryBody], *, budget: int = BUDGET) -> None:
        self.layout = layout
        self._bodies = tuple(bodies)
        self._budget = budget
        self._folder: Path | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._writer: TrajectoryWriter | None = None

    def keep_in(self, run: Path | None, before: Path | None = None) -> None:
        """Keep them in the folder of a Run; in a temporary one, removed at `close`, where that is None.

        before : the folder of the Run that this one goes on from: its frames are linked
        """
        self._folder = run / FOLDER if run is not None else None
        if before is not None and before != run and (before / FOLDER).is_dir():
            for source in sorted((before / FOLDER).glob("*/*")):
                link(source, self.folder / source.parent.name / source.name)

    @property
    def folder(self) -> Path:
        """Of all stretches."""
        if self._folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="formwright-frames-")
            self._folder = Path(self._temporary.name)
        return self._folder

    def of(self, stretch: str) -> Path | None:
        """The Trajectory of a stretch; None where there is none, or its frames have gone."""
        if not stretch or not (self.folder / stretch / INDEX).exists():
            return None
        return self.folder / stretch

    def goes_on(self, stretch: str, step: int) -> bool:
        """Whether the next frame of `stretch` follows its frame of `step` without another stretch being begun."""
        writer = self._writer
        if writer is None or writer.layout != self.layout:
            return False
        return writer.folder.name == stretch and writer.last_step == step

    def add(self, stretch: str, step: int, time: float, positions: np.ndarray, kept: Kept) -> str:
        """The frame after `step` steps, of a state that was in `stretch` one step before; returns in which it is.

        Raises `FileError`.
        """
        if not self.goes_on(stretch, step - 1):
            self._begin(stretch, step - 1)
        assert self._writer is not None
        self._writer.add(step, time, positions, kept.energies, scalars=kept.scalars, fields=kept.fields)
        return self._writer.folder.name

    def close(self) -> None:
        """Nothing more comes; what is temporary goes."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary, self._folder = None, None

    def _begin(self, stretch: str, step: int) -> None:
        """A new stretch, that follows `stretch` up to `step`."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        before = self.of(stretch)
        names = [int(path.name) for path in self._stretches()]
        room = self._make_room(before)
        self._writer = TrajectoryWriter(
            self.folder / str(max(names, default=-1) + 1),
            self.layout,
            self._bodies,
            budget=max(room, FEWEST * self.layout.dtype.itemsize),
            follows=(before, step) if before is not None else None,
        )

    def _make_room(self, before: Path | None) -> int:
        """Remove old stretches until half of the budget is free; returns the bytes that a new one may take."""
        line = set()
        while before is not None and before.name not in line and (before / INDEX).exists():
            line.add(before.name)
            follows = Index.read(before).follows
            before = (before / follows.folder).resolve() if follows is not None else None
        sizes = {path: _size(path) for path in self._stretches()}
        for path in [path for path in sizes if path.name not in line]:
            if sum(sizes.values()) <= self._budget // 2:
                break
            shutil.rmtree(path, ignore_errors=True)
            del sizes[path]
        return max(self._budget - sum(sizes.values()), self._budget // 8)

    def _stretches(self) -> list[Path]:
        """Oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted((path for path in self.folder.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))


def _size(folder: Path) -> int:
    try:
        return sum(path.stat().st_size for path in folder.iterdir())
    except OSError as error:
        raise FileError(folder, f"it cannot be read ({error.strerror or error}).") from error
