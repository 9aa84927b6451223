"""A drawn line as a path along the edges of a surface. Plain numpy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from engine.core.errors import GeometryError

REACH = 0.8
"""Part of the edges' length at a vertex within which a line is on the surface."""

HUG = 30.0
"""What it costs to leave the line by the length of an edge, over the way itself: the path stays at the line, and is the
line where edges lie on it."""


def edge_path(line: np.ndarray, positions: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Vertices of the path along edges that follows a line, one after the other, int64.

    line : points [m], shape (point_count, 3); its ends may stand out over the border. A line that ends where it begins
        gives a closed path
    positions : [m], shape (vertex_count, 3)
    triangles : shape (triangle_count, 3)

    Raises `GeometryError` where the line misses the surface, or is shorter than an edge.
    """
    line = np.asarray(line, np.float64).reshape(-1, 3)
    sides = np.asarray(triangles)[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    edges = np.unique(np.sort(sides, axis=1), axis=0)
    lengths = np.linalg.norm(positions[edges[:, 1]] - positions[edges[:, 0]], axis=1)
    spacing = float(np.median(lengths))
    longest = np.zeros(len(positions))
    np.maximum.at(longest, edges.reshape(-1), np.repeat(lengths, 2))
    used = np.flatnonzero(longest > 0.0)
    tree = cKDTree(positions[used])

    points = _simplified(_on_surface(_sampled(line, 0.2 * spacing), tree, REACH * longest[used]), 0.4 * spacing)
    stops = used[tree.query(points)[1]]
    path = [int(stops[0])]
    for start, end, a, b in zip(points[:-1], points[1:], stops[:-1], stops[1:], strict=True):
        away = _distances_to_segment(positions, start, end)[edges].max(axis=1)
        weights = lengths * (1.0 + HUG * away / spacing)
        graph = csr_array((weights, (edges[:, 0], edges[:, 1])), shape=(len(positions), len(positions)))
        reached, before = dijkstra(graph, directed=False, indices=[int(a)], return_predecessors=True)
        if not np.isfinite(reached[0, b]):
            raise GeometryError("The line runs from one part of the surface to another.", place=(int(a), int(b)))
        way = [int(b)]
        while way[-1] != a:
            way.append(int(before[0, way[-1]]))
        path += way[-2::-1]
    path = _without_spurs(path)
    if len(path) < 2:
        raise GeometryError("The line is shorter than an edge of the mesh.", remedy="Draw a longer one.")
    return np.array(path, np.int64)


def _sampled(line: np.ndarray, step: float) -> np.ndarray:
    """Points along a line, `step` or less apart, its own among them."""
    if len(line) < 2:
        raise GeometryError("A line needs two points.")
    parts = [line[:1]]
    for start, end in pairwise(line):
        count = max(1, int(np.ceil(np.linalg.norm(end - start) / step)))
        parts.append(start + np.linspace(0.0, 1.0, count + 1)[1:, None] * (end - start))
    return np.concatenate(parts)


def _on_surface(samples: np.ndarray, tree: cKDTree, reach: np.ndarray) -> np.ndarray:
    """The samples without those at the ends that stand out over the border."""
    found = tree.query(samples)
    away, nearest = np.asarray(found[0]), np.asarray(found[1])
    on = np.flatnonzero(away <= reach[nearest])
    if not len(on):
        raise GeometryError(
            f"The line misses the surface: it passes by at {away.min():.3g} m.", remedy="Draw it on the surface."
        )
    inner = slice(on[0], on[-1] + 1)
    if len(on) < inner.stop - inner.start:
        worst = float(away[inner].max())
        raise GeometryError(
            f"The line leaves the surface on its way, by up to {worst:.3g} m.", remedy="Draw it as two lines."
        )
    return np.asarray(samples[inner])


def _simplified(points: np.ndarray, tolerance: float) -> np.ndarray:
    """As few of the points as keep all others within `tolerance` of the line (Ramer, Douglas, Peucker)."""
    kept = {0, len(points) - 1}
    pending = [(0, len(points) - 1)]
    while pending:
        first, last = pending.pop()
        if last - first < 2:
            continue
        away = _distances_to_segment(points[first + 1 : last], points[first], points[last])
        if away.max() > tolerance:
            middle = first + 1 + int(away.argmax())
            kept.add(middle)
            pending += [(first, middle), (middle, last)]
    return np.asarray(points[sorted(kept)])


def _distances_to_segment(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    along = end - start
    square = float(along @ along)
    share = np.clip((points - start) @ along / square, 0.0, 1.0) if square > 0.0 else np.zeros(len(points))
    return np.asarray(np.linalg.norm(points - start - share[:, None] * along, axis=1))


def _without_spurs(path: list[int]) -> list[int]:
    """The path without ways there and back again."""
    result: list[int] = []
    for vertex in path:
        if result and result[-1] == vertex:
            continue
        if len(result) > 1 and result[-2] == vertex:
            result.pop()
        else:
            result.append(vertex)
    return result
