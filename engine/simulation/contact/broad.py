"""Which features may be near each other: their boxes meet, and they may collide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import warp as wp

from engine.core.bridge import launch, view
from engine.simulation.contact import search_kernels as kernels
from engine.simulation.contact.nearest import of_edges, on_triangles

CPU = torch.device("cpu")


class BroadPhase:
    """Pairs of the features of one set of triangles. Vertices that are held do not collide with each other.

    triangles, edges : numbers of vertices, shapes (t, 3) and (e, 2)
    held : bool, shape (v,)
    apart : pairs of sets of vertices that do not collide either
    """

    def __init__(
        self,
        triangles: np.ndarray,
        edges: np.ndarray,
        held: np.ndarray,
        apart: Sequence[tuple[np.ndarray, np.ndarray]] = (),
    ) -> None:
        self._triangles = torch.from_numpy(np.ascontiguousarray(triangles, np.int32))
        self._edges = torch.from_numpy(np.ascontiguousarray(edges, np.int32))
        self._vertices = torch.arange(len(held), dtype=torch.int32)[:, None].contiguous()
        self._held = torch.from_numpy(held.astype(np.int32))
        keys = [self._keys(one[:, None], other[None]).reshape(-1) for one, other in apart]
        self._apart = np.unique(np.concatenate(keys)) if keys else np.zeros(0, np.int64)

    def near(self, positions: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
        """Vertices and triangles, shape (n, 2), and pairs of edges, shape (m, 2), nearer than `reach` [m].

        positions : [m], shape (v, 3)
        """
        triangles, edges, vertices = (part.numpy() for part in (self._triangles, self._edges, self._vertices))
        faces = self._meeting(positions, vertices, triangles, reach)
        close = on_triangles(positions, faces[:, 0], triangles[faces[:, 1]])
        faces = faces[close.squared < reach**2]
        pairs = self._meeting(positions, edges, edges, reach)
        close = of_edges(positions, edges[pairs[:, 0]], edges[pairs[:, 1]])
        return faces, pairs[close.squared < reach**2]

    def _meeting(self, positions: np.ndarray, one: np.ndarray, other: np.ndarray, reach: float) -> np.ndarray:
        lower, upper = _boxes(positions, one, reach)
        # The tree looks at its boxes as long as it lives.
        low, high = (view(bound, wp.vec3) for bound in _boxes(positions, other, 0.0))
        tree = wp.Bvh(low, high)
        corners, others, count = torch.from_numpy(one), torch.from_numpy(other), torch.zeros(1, dtype=torch.int32)
        room = 16 * (len(one) + len(other))
        while True:
            found = torch.empty(room, 2, dtype=torch.int32)
            arguments = (tree.id, one is other, lower, upper, corners, others, self._held, found, count.zero_())
            launch(kernels.meeting, len(one), arguments, device=CPU)
            if int(count) <= room:
                break
            room = int(count)
        pairs = found[: int(count)].numpy().astype(np.int64)
        return pairs[self._may_meet(one[pairs[:, 0]], other[pairs[:, 1]])] if len(self._apart) else pairs

    def _may_meet(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Whether any vertex of features, shapes (n, i) and (n, j), may collide with one of the other, bool, (n,)."""
        held = self._held.numpy().astype(bool)
        first, second = one[:, :, None], other[:, None]
        barred = np.isin(self._keys(first, second), self._apart) | (held[first] & held[second])
        return np.asarray(~barred.all(axis=(1, 2)))

    def _keys(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.minimum(one, other).astype(np.int64) * len(self._held) + np.maximum(one, other)


def _boxes(positions: np.ndarray, corners: np.ndarray, reach: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Lower and upper bounds of features, shapes (n, 3), single precision rounded outwards."""
    points = positions[corners]
    lower = (points.min(axis=1) - reach).astype(np.float32)
    upper = (points.max(axis=1) + reach).astype(np.float32)
    infinity = np.float32(np.inf)
    return torch.from_numpy(np.nextafter(lower, -infinity)), torch.from_numpy(np.nextafter(upper, infinity))
