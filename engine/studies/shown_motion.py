"""What is looked at of a study on a simulation: motions of designs, and the Trajectory of the latest on disk."""

from __future__ import annotations

import shutil
import weakref
from collections import OrderedDict
from pathlib import Path

import numpy as np
from torch import Tensor

from engine.core.leaves import State
from engine.core.process_folder import make_process_folder
from engine.protocol.trajectory import Layout
from engine.protocol.trajectory_writer import TrajectoryWriter
from engine.simulation.world.world import World
from engine.studies.frames import trajectory_bodies

MEMORY = 2**28
"""Bytes of motions that are remembered: a generation of designs, of which the best is shown."""

FOLDERS = 2
"""Trajectories that stay on disk: who looks at the last but one may be still reading."""


class Motions:
    """Positions of all vertices at all steps, by design; the oldest are forgotten."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, np.ndarray] = OrderedDict()

    def keep(self, design: bytes, positions: Tensor) -> np.ndarray:
        """positions : [m], shape (steps + 1, vertex_count, 3)"""
        array = positions.detach().cpu().numpy()
        self._kept[design] = array
        self._kept.move_to_end(design)
        while len(self._kept) > 1 and sum(kept.nbytes for kept in self._kept.values()) > MEMORY:
            self._kept.popitem(last=False)
        return array

    def of(self, design: bytes) -> np.ndarray | None:
        return self._kept.get(design)

    def forget(self) -> None:
        """What is simulated has changed."""
        self._kept.clear()


class TrajectoryFolder:
    """Writes one motion after another, each into a folder of its own; all go with this object."""

    def __init__(self, world: World) -> None:
        self._bodies = trajectory_bodies(world)
        self._step = world.scene.time.step
        self._place: Path | None = None
        self._written: list[Path] = []
        self._shown: np.ndarray | None = None
        self._count = 0

    def show(self, motion: np.ndarray) -> Path:
        """The folder of a motion [m], shape (steps + 1, vertex_count, 3), which is written unless it is the last."""
        if self._shown is motion:
            return self._written[-1]
        if self._place is None:
            self._place = make_process_folder("motions")
            weakref.finalize(self, shutil.rmtree, self._place, ignore_errors=True)
        self._count += 1
        folder = self._place / f"{self._count:06d}"
        writer = TrajectoryWriter(folder, Layout(motion.shape[1], precision="single"), self._bodies)
        for step, positions in enumerate(motion):
            writer.add(step, step * self._step, positions, {})
        writer.close()
        self._written.append(folder)
        self._shown = motion
        while len(self._written) > FOLDERS:
            shutil.rmtree(self._written.pop(0), ignore_errors=True)
        return folder


def design_bytes(design: State) -> bytes:
    """What tells designs apart."""
    return b"".join(np.ascontiguousarray(value).tobytes() for value in design.values())
