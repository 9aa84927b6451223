"""A short motion of two bodies: a strip that waves, and a block that stands."""

from __future__ import annotations

import numpy as np
import pytest

from engine.io.motion.motion import Motion, MotionBody, MotionFrame

STEP = 0.02


@pytest.fixture(scope="module")
def motion() -> Motion:
    """Five frames, 20 ms apart; the strip's vertices are 0 to 9, the block's 10 to 13. Lengths in metres."""
    x = np.repeat(np.linspace(0.0, 0.1, 5), 2)
    flat = np.stack([x, np.tile([0.0, 0.02], 5), np.zeros(10)], axis=1)
    quads = 2 * np.arange(4)[:, None]
    strip = np.concatenate([quads + np.array(corners) for corners in ((0, 2, 1), (1, 2, 3))])
    block = np.array([[0.0, 0.0, -0.05], [0.1, 0.0, -0.05], [0.0, 0.1, -0.05], [0.03, 0.03, -0.2]])
    sides = 10 + np.array([[0, 1, 2], [0, 3, 1], [1, 3, 2], [2, 3, 0]])

    def load(number: int) -> MotionFrame:
        waved = flat + np.array([0.0, 0.0, 1.0]) * (0.01 * np.sin(40.0 * x + number))[:, None]
        strain = np.concatenate([0.001 * number * np.arange(10.0), np.zeros(4)])
        numbers = {"bending [J]": 1e-3 * number, "table reaction z [N]": 0.1 + number}
        return MotionFrame(STEP * number, np.concatenate([waved, block]), {"strain": strain}, numbers)

    bodies = (MotionBody("strip", slice(0, 10), strip, "#3f7fbf"), MotionBody("block", slice(10, 14), sides, "#c9ccd0"))
    return Motion("wave", bodies, range(5), load)
