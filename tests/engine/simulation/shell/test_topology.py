from __future__ import annotations

import numpy as np
import pytest

from engine.geometry.sheets import regular_sheet, scattered_sheet
from engine.simulation.shell.topology import SheetError, shell_topology

SQUARE = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])


def test_two_triangles() -> None:
    topology = shell_topology(np.array([[0, 1, 2], [0, 2, 3]]), SQUARE)
    assert topology.edge_count == 5 and topology.face_count == 2
    diagonal = int(np.flatnonzero(~topology.boundary)[0])
    assert set(topology.edges[diagonal]) == {0, 2} and topology.boundary.sum() == 4
    assert topology.edge_faces[diagonal].tolist() == [0, 1]
    assert topology.opposite[diagonal].tolist() == [1, 3]
    assert topology.consistent and not topology.closed


def test_tables_agree_with_each_other() -> None:
    positions, triangles = scattered_sheet(1.0, 1.0, 6, 6, seed=0)
    triangles[::3] = triangles[::3, ::-1]
    topology = shell_topology(triangles, positions)
    for face, corners in enumerate(triangles):
        for side in range(3):
            edge = topology.face_edges[face, side]
            start, end = corners[side], corners[(side + 1) % 3]
            if topology.along[face, side] < 0:
                start, end = end, start
            assert topology.edges[edge].tolist() == [start, end]
            place = 0 if topology.side[face, side] > 0 else 1
            assert topology.edge_faces[edge, place] == face
            assert topology.opposite[edge, place] == corners[(side + 2) % 3]
    assert not topology.consistent


def test_closed_moebius_and_several(ball: tuple, moebius: tuple) -> None:
    closed = shell_topology(ball[1], ball[0].numpy())
    assert closed.closed and closed.consistent
    assert len(ball[0]) - closed.edge_count + closed.face_count == 2
    band = shell_topology(moebius[1], moebius[0].numpy())
    assert not band.consistent and band.boundary.sum() == 32
    positions, triangles = regular_sheet(1.0, 1.0, 2, 2)
    double = shell_topology(
        np.concatenate([triangles, triangles + len(positions)]), np.concatenate([positions, positions + 1.0])
    )
    assert len(set(double.sheet)) == 2


@pytest.mark.parametrize(
    ("triangles", "positions", "words", "place"),
    [
        (
            [[0, 1, 2], [0, 2, 3], [2, 0, 4]],
            [*SQUARE, [0, 0, 1]],
            "edge between vertices 0 and 2 has 3 triangles",
            (0, 2),
        ),
        ([[0, 1, 2], [2, 3, 4]], [*SQUARE, [2, 2, 0]], "at vertex 2 parts of the sheet touch", (2,)),
        ([[0, 1, 2], [1, 0, 2]], SQUARE, "triangles 0 and 1 are the same one twice", (0, 1, 2)),
        ([[0, 1, 2], [0, 2, 3]], [[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0]], r"triangle 0 .* has no area", (0, 1, 2)),
        ([[0, 1, 1]], SQUARE, r"triangle 0 .* has no area", (0, 1, 1)),
        ([[0, 1, 2]], [[0, 0, 0], [1, np.nan, 0], [0, 1, 0]], "vertex 1 has a coordinate that is not a number", (1,)),
        ([[0, 1, 9]], SQUARE, "triangle 0 refers to a vertex that does not exist", ()),
        (np.zeros((0, 3), int), SQUARE, "has no triangles", ()),
    ],
)
def test_what_is_no_sheet_is_refused(triangles: list, positions: list, words: str, place: tuple[int, ...]) -> None:
    with pytest.raises(SheetError, match=words) as refusal:
        shell_topology(np.array(triangles), np.array(positions, float), name="napkin")
    assert refusal.value.place == place and refusal.value.message.startswith("napkin")


@pytest.mark.parametrize("seed", range(5))
def test_random_sheets_face_up(seed: int) -> None:
    positions, triangles = scattered_sheet(2.0, 1.0, 7, 4, seed=seed)
    a, b, c = (positions[triangles[:, corner]] for corner in range(3))
    areas = 0.5 * np.cross(b - a, c - a)[:, 2]
    assert (areas > 0).all() and areas.sum() == pytest.approx(2.0)
    assert shell_topology(triangles, positions).consistent
