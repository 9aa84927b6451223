"""Trajectories for tests: a strip that rises, and a block below it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.protocol.trajectory import Layout
from engine.protocol.trajectory_bodies import TrajectoryBody
from engine.protocol.trajectory_writer import BUDGET, TrajectoryWriter

STEP = 0.01
"""[s] between two frames."""


class RisingStrip:
    """Writes frames of a strip that rises by 1 mm a frame, times `height`; its vertices are 0 to 9.

    most : frames for which the budget has room
    """

    def __init__(self, folder: Path, *, height: float = 1.0, most: int | None = None) -> None:
        x = np.repeat(np.linspace(0.0, 0.1, 5), 2)
        strip = np.stack([x, np.tile([0.0, 0.02], 5), np.zeros(10)], axis=1)
        block = np.array([[0.0, 0.0, -0.05], [0.1, 0.0, -0.05], [0.0, 0.1, -0.05], [0.03, 0.03, -0.1]])
        quads = 2 * np.arange(4)[:, None]
        cut = np.concatenate([quads + np.array(corners) for corners in ((0, 2, 1), (1, 2, 3))])
        sides = 10 + np.array([[0, 1, 2], [0, 3, 1], [1, 3, 2], [2, 3, 0]])
        self.positions = np.concatenate([strip, block])
        self.folder = folder
        self._height = height
        bodies = (
            TrajectoryBody("strip", "sheet", slice(0, 10), cut),
            TrajectoryBody("block", "obstacle", slice(10, 14), sides),
        )
        layout = Layout(14, ("bending", "gravity"), ("table force z [N]",), ("strain",), "single")
        budget = BUDGET if most is None else most * layout.dtype.itemsize
        self._writer = TrajectoryWriter(folder, layout, bodies, budget=budget)
        self.count = 0

    def write(self, frames: int) -> RisingStrip:
        """So many more frames."""
        for number in range(self.count, self.count + frames):
            positions = self.positions.copy()
            positions[:10, 2] += 1e-3 * self._height * number
            strain = np.linspace(0.0, 0.01 * number, 14)
            energies = {"bending": 1e-3 * number, "gravity": 2e-3 * number}
            self._writer.add(
                number, STEP * number, positions, energies,
                scalars={"table force z [N]": 0.5 * number}, fields={"strain": strain},
            )  # fmt: skip
        self.count += frames
        return self
