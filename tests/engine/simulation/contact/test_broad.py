"""The broad phase finds all that is near, and nothing that may not collide."""

from __future__ import annotations

import ipctk
import numpy as np
import pytest

from engine.geometry.sheets import regular_sheet
from engine.simulation.contact.broad import BroadPhase
from engine.simulation.contact.nearest import of_edges, on_triangles

REACH = 2e-3


@pytest.mark.parametrize("excepted", [False, True])
def test_all_that_is_near_and_may_collide(excepted: bool) -> None:
    sheet, triangles = regular_sheet(0.05, 0.05, 6, 6)
    count = len(sheet)
    random = np.random.default_rng(3)
    positions = np.concatenate([sheet, sheet + np.array([0.003, 0.002, 0.0015])])
    positions += 5e-4 * random.standard_normal(positions.shape)
    corners = np.concatenate([triangles, triangles + count])
    edges = np.asarray(ipctk.edges(corners.astype(np.int32)))
    held = random.random(len(positions)) < 0.4
    apart = [(np.arange(5, 25), np.arange(count, count + 20))] if excepted else []

    def may_collide(one: np.ndarray, other: np.ndarray) -> bool:
        if set(one) & set(other):
            return False
        return any(
            not (held[a] and held[b])
            and not any((a in first and b in second) or (b in first and a in second) for first, second in apart)
            for a in one
            for b in other
        )

    faces, pairs = BroadPhase(corners, edges, held, apart).near(positions, REACH)

    vertex, face = (axis.ravel() for axis in np.meshgrid(range(len(positions)), range(len(corners)), indexing="ij"))
    close = on_triangles(positions, vertex, corners[face]).squared < REACH**2
    expected = {(v, f) for v, f in zip(vertex[close], face[close], strict=True) if may_collide([v], corners[f])}
    assert expected and set(map(tuple, faces)) == expected and len(faces) == len(expected)
    one, other = np.triu_indices(len(edges), 1)
    close = of_edges(positions, edges[one], edges[other]).squared < REACH**2
    expected = {(a, b) for a, b in zip(one[close], other[close], strict=True) if may_collide(edges[a], edges[b])}
    assert expected and {tuple(sorted(pair)) for pair in pairs} == expected and len(pairs) == len(expected)
