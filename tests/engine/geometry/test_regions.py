from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import ParameterError
from engine.geometry.primitives import ball_surface
from engine.geometry.regions import region_vertices
from engine.geometry.sheets import regular_sheet
from engine.protocol.scene import Region

LOCAL, TRIANGLES = regular_sheet(0.4, 0.2, 4, 2)
WORLD = LOCAL[:, [2, 0, 1]] + [0.0, 1.0, 2.0]  # x along the world's y, y along its z


def found(**region: object) -> list[int]:
    return region_vertices(Region.model_validate(region), WORLD, TRIANGLES, local=LOCAL).tolist()


def test_all_border_sides_and_corners() -> None:
    assert found() == list(range(15))
    assert found(kind="border") == [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 13, 14]
    assert found(kind="side", side="left") == [0, 1, 2] and found(kind="side", side="right") == [12, 13, 14]
    assert found(kind="side", side="bottom") == [0, 3, 6, 9, 12] and found(kind="side", side="top") == [2, 5, 8, 11, 14]
    corners = ["bottom-left", "top-left", "bottom-right", "top-right"]
    assert [found(kind="corner", corner=corner) for corner in corners] == [[0], [2], [12], [14]]


def test_boxes_and_balls_are_in_the_world_and_hold_their_border() -> None:
    assert found(kind="box", low=(-1, 0.8, 2.1), high=(1, 0.9, 1.0)) == [0, 1, 2, 3, 4, 5]
    assert found(kind="ball", centre=(0, 1, 2), radius=0.1) == [4, 6, 7, 8, 10]
    assert found(kind="vertices", vertices=[7, 3, 7]) == [3, 7]


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(ParameterError, match=r"no vertex in it \(a ball of 0.01 m"):
        found(kind="ball", radius=0.01)
    with pytest.raises(ParameterError, match="no vertex 15: the body has 15"):
        found(kind="vertices", vertices=[1, 15])
    with pytest.raises(ParameterError, match="which side"):
        found(kind="side")
    with pytest.raises(ParameterError, match="only a rectangle"):
        region_vertices(Region(kind="corner", corner="top-left"), WORLD, TRIANGLES)
    positions, triangles = ball_surface(1.0, 3)
    with pytest.raises(ParameterError, match="closed"):
        region_vertices(Region(kind="border"), positions, triangles)
    assert len(region_vertices(Region(), np.asarray(positions), triangles)) == len(positions)
