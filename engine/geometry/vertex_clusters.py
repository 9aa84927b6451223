"""A coarse mesh over a fine one: clusters of vertices, and the triangulation dual to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROUNDS = 10
"""Of Lloyd's iteration: the clusters are round by then."""

NORMAL_SHARE = 0.5
"""How much clusters shun what faces elsewhere: a turn by a radian counts as this times a cluster's spacing, squared, so
that the two sides of a thin wall stay apart."""


@dataclass(frozen=True)
class Clusters:
    """label : cluster of each fine vertex, int64 (vertex_count,), −1 for what no triangle refers to
    triangles : of the coarse mesh, whose vertices are the clusters, int32 (k, 3), wound as the fine ones"""

    label: np.ndarray
    triangles: np.ndarray

    @property
    def count(self) -> int:
        return int(self.label.max()) + 1 if len(self.label) else 0


def clustered(positions: np.ndarray, triangles: np.ndarray, triangle_count: int) -> Clusters:
    """About `triangle_count` coarse triangles at most, by a centroidal Voronoi diagram of the vertices.

    positions : float64 (vertex_count, 3); triangles : (n, 3), of a surface

    A triangle whose corners are in three clusters joins them (Valette and Chassery, Approximated centroidal Voronoi
    diagrams, 2004). Vertices are near if they are near in space and face alike. The same mesh gives the same clusters.
    A mesh that is coarse enough comes back as it is.
    """
    if len(triangles) <= triangle_count:
        label = np.full(len(positions), -1, np.int64)
        used, corners = np.unique(triangles, return_inverse=True)
        label[used] = np.arange(len(used))
        return Clusters(label, corners.reshape(-1, 3).astype(np.int32))
    goal = triangle_count
    while True:
        label = _labels(positions, triangles, max(goal // 2, 4))
        coarse = _dual(label[triangles])
        if len(coarse) <= triangle_count:
            return Clusters(label, coarse)
        goal -= 2 * (len(coarse) - triangle_count) + 2


def _labels(positions: np.ndarray, triangles: np.ndarray, count: int) -> np.ndarray:
    from scipy.spatial import cKDTree  # slow to load

    normal, area = _vertex_normals(positions, triangles)
    used = np.flatnonzero(area > 0.0)
    spacing = np.sqrt(area.sum() / count)
    features = np.hstack([positions, NORMAL_SHARE * spacing * normal])[used]
    weight = area[used]
    # Evenly along a curve through the vertices' boxes: a start that is spread over the surface.
    order = np.lexsort(np.floor(positions[used] / spacing).T)
    share = np.cumsum(weight[order])
    centres = features[order[np.searchsorted(share, (np.arange(count) + 0.5) * share[-1] / count)]]
    for _ in range(ROUNDS):
        owner = cKDTree(centres).query(features)[1]
        mass = np.bincount(owner, weight, count)
        sums = np.stack([np.bincount(owner, weight * column, count) for column in features.T], axis=1)
        centres = sums[mass > 0.0] / mass[mass > 0.0, None]
        count = len(centres)
    label = np.full(len(positions), -1, np.int64)
    label[used] = np.unique(cKDTree(centres).query(features)[1], return_inverse=True)[1]
    return label


def _vertex_normals(positions: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals of the vertices, and a third of the area of the triangles at each."""
    a, b, c = positions[triangles].swapaxes(0, 1)
    vector = np.cross(b - a, c - a)
    corners, size = triangles.reshape(-1), np.repeat(np.linalg.norm(vector, axis=1) / 6.0, 3)
    area = np.bincount(corners, size, len(positions))
    total = np.stack([np.bincount(corners, np.repeat(v, 3), len(positions)) for v in vector.T], axis=1)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-300), area


def _dual(labels: np.ndarray) -> np.ndarray:
    """Triangles over three clusters, each once; those that occur both ways round cancel."""
    a, b, c = labels.T
    labels = labels[(a != b) & (b != c) & (c != a) & (labels.min(axis=1) >= 0)]
    first = labels.argmin(axis=1)
    turned = np.stack([np.take_along_axis(labels, ((first + k) % 3)[:, None], axis=1)[:, 0] for k in range(3)], axis=1)
    plain = np.sort(turned, axis=1)
    rows, place = np.unique(plain, axis=0, return_inverse=True)
    sense = np.where(turned[:, 1] < turned[:, 2], 1, -1)
    net = np.bincount(place.reshape(-1), sense, len(rows))
    kept = rows[net != 0]
    flipped = net[net != 0] < 0
    kept[flipped] = kept[flipped][:, [0, 2, 1]]
    return kept.astype(np.int32)
