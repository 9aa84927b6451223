"""Bodies that start inside each other are refused, by name and place."""

from __future__ import annotations

import numpy as np
import pytest

from engine.geometry.primitives import ball_surface, square
from engine.geometry.sheets import regular_sheet
from engine.protocol.shell_materials import preset
from engine.simulation.contact.start import StartError
from engine.simulation.contact.trial import Part, make_trial

MATERIAL = preset("rubber").material


def _sheet(height: float, size: float = 0.1) -> Part:
    positions, triangles = regular_sheet(size, size, 3, 3)
    return Part("sheet", positions - positions.mean(axis=0) + [0.0, 0.0, height], triangles, MATERIAL)


def _ball(radius: float) -> Part:
    positions, triangles = ball_surface(radius, 3)
    return Part("ball", positions, triangles)


def test_crossing_bodies_are_named_with_their_place() -> None:
    with pytest.raises(StartError, match="inside each other") as caught:
        make_trial([_sheet(0.004), _ball(0.03)])
    assert set(caught.value.bodies) == {"sheet", "ball"}
    assert caught.value.place
    assert np.linalg.norm(caught.value.point) < 0.1


def test_a_sheet_wholly_inside_a_closed_obstacle_is_found() -> None:
    with pytest.raises(StartError, match="inside each other"):
        make_trial([_sheet(0.0, size=0.01), _ball(0.1)])


def test_touching_bodies_are_refused() -> None:
    table, tops = square(1.0)
    with pytest.raises(StartError, match="touching"):
        make_trial([_sheet(0.0), Part("table", table - table.mean(axis=0), tops)])


def test_bodies_apart_may_start() -> None:
    assert make_trial([_sheet(0.12), _ball(0.1)]).contact.surface.vertex_count > 0


def test_a_sheet_through_a_wall_is_named() -> None:
    wall, sides = square(0.3)
    upright = (wall - wall.mean(axis=0))[:, [2, 0, 1]] + [0.007, 0.003, 0.002]
    with pytest.raises(StartError, match="start inside each other") as caught:
        make_trial([_sheet(0.0), Part("wall", upright, sides)])
    assert set(caught.value.bodies) == {"sheet", "wall"}
    assert caught.value.point == pytest.approx((0.007, 0.0, 0.0), abs=0.05)


def test_a_sheet_whose_vertices_are_not_welded_wants_a_repair() -> None:
    sheet = _sheet(0.0)
    loose = Part("sheet", sheet.positions[sheet.triangles.reshape(-1)], np.arange(54).reshape(-1, 3), MATERIAL)
    with pytest.raises(StartError, match=r"starts touching itself.*weld"):
        make_trial([loose])
