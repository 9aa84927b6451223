"""What every Geometry says of itself."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import GeometryError
from engine.geometry.mesh import STRIDE, bounding_box


@pytest.mark.parametrize("count", [1, 2, STRIDE - 1, STRIDE, STRIDE + 1, 5 * STRIDE + 3])
def test_the_bounding_box_takes_in_every_position(count: int) -> None:
    positions = np.random.default_rng(count).normal(size=(count, 3)) * (1.0, 10.0, 100.0)
    np.testing.assert_array_equal(bounding_box(positions, "scan"), [positions.min(axis=0), positions.max(axis=0)])


def test_nothing_has_no_box() -> None:
    with pytest.raises(GeometryError, match="scan is empty"):
        bounding_box(np.empty((0, 3)), "scan")
