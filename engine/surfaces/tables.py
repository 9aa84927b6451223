"""Tables of dual marching cubes, generated from its rule (Nielson 2004; conventions of FlexiCubes, arXiv 2308.05371).

Corner i of a cell has the offsets of its bits (x = 1, y = 2, z = 4); the case of a cell is the sum of 2^i over its
inside corners. Edge e = 4 a + k runs along axis a; k counts the offsets in the next two axes, cyclically, first bit
first. Faces: 2 a + side.

The crossed edges of a cell are joined, face by face, by the segments of marching cubes (on an ambiguous face each
inside corner is cut off on its own); each connected group of edges gets one dual vertex.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

MAX_GROUPS = 4
MAX_GROUP_EDGES = 7


@dataclass(frozen=True)
class DualTables:
    """Tables over the 256 cases.

    group_count : dual vertices of each case, shape (256,), int32
    group_edges : edges of each group, −1 behind the last, shape (256, 4, 7), int32
    edge_group : group of each edge, −1 where it is not crossed, shape (256, 12), int32
    ambiguous_face : the face all of whose four edges are in one group, −1 where there is none, shape (256,), int32
    edge_corners : the two corners of each edge, lower first, shape (12, 2), int32
    """

    group_count: np.ndarray
    group_edges: np.ndarray
    edge_group: np.ndarray
    ambiguous_face: np.ndarray
    edge_corners: np.ndarray


@lru_cache(maxsize=1)
def dual_tables() -> DualTables:
    """The tables, computed once."""
    corners = _edge_corners()
    group_count = np.zeros(256, np.int32)
    group_edges = np.full((256, MAX_GROUPS, MAX_GROUP_EDGES), -1, np.int32)
    edge_group = np.full((256, 12), -1, np.int32)
    ambiguous_face = np.full(256, -1, np.int32)
    for case in range(256):
        groups = _groups(case, corners)
        group_count[case] = len(groups)
        for index, group in enumerate(groups):
            group_edges[case, index, : len(group)] = group
            edge_group[case, group] = index
        for face in range(6):
            edges = _face_edges(face, corners)
            members = edge_group[case, edges]
            if (members >= 0).all() and (members == members[0]).all():
                ambiguous_face[case] = face
    tables = DualTables(group_count, group_edges, edge_group, ambiguous_face, corners)
    for array in (group_count, group_edges, edge_group, ambiguous_face, corners):
        array.flags.writeable = False
    return tables


@lru_cache(maxsize=1)
def inside_edge_groups() -> np.ndarray:
    """Group that stands for a cell on either side of each edge whose two corners are inside, −1 for other edges.

    Indexed by whether the cell takes the inverted case, its case, the edge 4 a + k, and the side: the face across the
    axis after a (0), or across the one after that (1). On a face with crossed edges it is their group; on one that is
    all inside, the first group of the edge's connected inside corners. Shape (2, 256, 12, 2), int64.
    """
    tables = dual_tables()
    corners = tables.edge_corners
    groups = np.full((2, 256, 12, 2), -1, np.int64)
    for case in range(256):
        parts = _inside_parts(case, corners)
        for inverted in range(2):
            of_edge = tables.edge_group[255 - case if inverted else case]
            for edge, (low, high) in enumerate(corners.tolist()):
                if not (case >> low & 1 and case >> high & 1):
                    continue
                axis, k = divmod(edge, 4)
                for side in range(2):
                    face = 2 * ((axis + 1 + side) % 3) + (k >> side & 1)
                    crossed = [e for e in _face_edges(face, corners) if of_edge[e] >= 0]
                    around = [
                        e for e in range(12) if of_edge[e] >= 0 and any(parts[c] == parts[low] for c in corners[e])
                    ]
                    groups[inverted, case, edge, side] = min((of_edge[e] for e in crossed or around), default=-1)
    groups.flags.writeable = False
    return groups


def _inside_parts(case: int, corners: np.ndarray) -> list[int]:
    """A number for each corner: the same for inside corners that inside edges join, −1 − corner outside."""
    parts = [corner if case >> corner & 1 else -1 - corner for corner in range(8)]
    for _ in range(8):
        for low, high in corners.tolist():
            if parts[low] >= 0 and parts[high] >= 0:
                parts[low] = parts[high] = min(parts[low], parts[high])
    return parts


def _edge_corners() -> np.ndarray:
    edges = []
    for axis in range(3):
        second, third = 1 << (axis + 1) % 3, 1 << (axis + 2) % 3
        for k in range(4):
            low = (k & 1) * second + (k >> 1) * third
            edges.append((low, low | 1 << axis))
    return np.array(edges, np.int32)


def _face_corners(face: int) -> list[int]:
    axis, side = divmod(face, 2)
    return [corner for corner in range(8) if (corner >> axis) & 1 == side]


def _face_edges(face: int, corners: np.ndarray) -> list[int]:
    inside = set(_face_corners(face))
    return [edge for edge, (low, high) in enumerate(corners.tolist()) if low in inside and high in inside]


def _segments(case: int, face: int, corners: np.ndarray) -> list[list[int]]:
    """Crossed edges of a face that belong together."""
    crossed = [e for e in _face_edges(face, corners) if (case >> corners[e, 0] ^ case >> corners[e, 1]) & 1]
    if len(crossed) < 4:
        return [crossed] if crossed else []
    inside = [corner for corner in _face_corners(face) if case >> corner & 1]
    return [[edge for edge in crossed if corner in corners[edge]] for corner in inside]


def _groups(case: int, corners: np.ndarray) -> list[list[int]]:
    """Connected components of the crossed edges, each sorted, in order of their first edge."""
    groups: list[set[int]] = []
    for face in range(6):
        for segment in _segments(case, face, corners):
            joined = set(segment).union(*(group for group in groups if group & set(segment)))
            groups = [group for group in groups if not group & joined]
            groups.append(joined)
    return sorted(sorted(group) for group in groups)
