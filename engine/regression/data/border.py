"""The borders of a mesh as loops of nodes, and where anchors cut them."""

from __future__ import annotations

import numpy as np

from engine.regression.data.dataset import DatasetError, Sample


def border_loops(triangles: np.ndarray, name: str = "The mesh") -> list[np.ndarray]:
    """Nodes along every border, the triangles on the left; the longest loop first.

    triangles : shape (triangle_count, 3), wound alike

    Raises `DatasetError` where they are not, as in a mesh of the plane that is folded.
    """
    heads, tails = triangles.ravel().astype(np.int64), triangles[:, [1, 2, 0]].ravel().astype(np.int64)
    size = int(triangles.max()) + 1
    inner = np.isin(heads * size + tails, tails * size + heads)
    following = np.full(size, -1)
    following[heads[~inner]] = tails[~inner]
    ends = np.sort(tails[~inner])
    if (ends[1:] == ends[:-1]).any() or not np.array_equal(ends, np.sort(heads[~inner])):
        raise DatasetError(
            f"{name}: its mesh is folded, or its triangles are not wound alike.", remedy="Repair its mesh."
        )
    loops = []
    left = following >= 0
    while left.any():
        start = int(np.argmax(left))
        loop = [start]
        left[start] = False
        while (node := int(following[loop[-1]])) != start:
            loop.append(node)
            left[node] = False
        loops.append(np.array(loop))
    return sorted(loops, key=len, reverse=True)


def positive(nodes: np.ndarray, tetrahedra: np.ndarray) -> np.ndarray:
    """Tetrahedra wound so that their faces are outward; flat ones as they are."""
    a, b, c, d = (nodes[tetrahedra[:, k]] for k in range(4))
    inside_out = (np.cross(b - a, c - a) * (d - a)).sum(1) < 0.0
    return np.where(inside_out[:, None], tetrahedra[:, [0, 2, 1, 3]], tetrahedra)


def border_triangles(tetrahedra: np.ndarray) -> np.ndarray:
    """Faces that one tetrahedron alone has, outward of those that are positive, shape (triangle_count, 3), int32."""
    faces = tetrahedra[:, [[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]]].reshape(-1, 3)
    _, first, count = np.unique(np.sort(faces, axis=1), axis=0, return_index=True, return_counts=True)
    return faces[np.sort(first[count == 1])].astype(np.int32)


def outer_first(nodes: np.ndarray, loops: list[np.ndarray]) -> list[np.ndarray]:
    """The loops with the one that encloses the others in front: that of the largest box."""
    return sorted(loops, key=lambda loop: -float(np.ptp(nodes[loop], axis=0).max()))


def anchored_loop(sample: Sample, loop: np.ndarray, anchors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A loop that begins at its first anchor, and the places of all its anchors in it.

    anchors : nodes of the loop, in the order in which they follow along it; where there is none, the loop begins at
        its lowest node (of those the leftmost), and that is its anchor

    Raises `DatasetError` when an anchor is not on the loop, or they follow in another order.
    """
    if not len(anchors):
        positions = sample.nodes[loop]
        anchors = loop[[int(np.lexsort((positions[:, 0], positions[:, 1]))[0])]]
    place = {int(node): k for k, node in enumerate(loop)}
    missing = [int(node) for node in anchors if int(node) not in place]
    if missing:
        raise DatasetError(
            f"{sample.name}: anchor node {missing[0]} is not on its border.", remedy="Anchors lie on the border."
        )
    begin = place[int(anchors[0])]
    places = np.array([(place[int(node)] - begin) % len(loop) for node in anchors])
    if (np.diff(places) <= 0).any():
        raise DatasetError(
            f"{sample.name}: its anchors do not follow one another along the border.",
            remedy="Name them in the order in which they follow counter-clockwise.",
        )
    return np.roll(loop, -begin), places
