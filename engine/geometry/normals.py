"""Normals and confidence of a point cloud: principal components, a consistent orientation, outliers.

Hoppe et al., *Surface reconstruction from unorganized points*, 1992: the normal is the direction of least variance
among the neighbours, and its sign is carried along a minimum spanning tree of the neighbourhood graph.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import cKDTree

from engine.core.errors import GeometryError
from engine.geometry.points import Points
from engine.geometry.sampling import select
from engine.geometry.spanning import carry_signs, part_roots, spanning_forest

FEWEST_NEIGHBOURS = 12
MOST_NEIGHBOURS = 96
GRAPH_NEIGHBOURS = 10
THICKNESS = 0.35
"""A neighbourhood is wide enough where its thickness is at most this part of its radius (root mean squares)."""

SHEET = 0.25
"""Twelve points thinner than this are a sheet rather than a cloud, for which the mean is 0.4."""


@dataclass(frozen=True)
class NormalEstimate:
    """Normals of a point cloud.

    normals : unit, outward, shape (n, 3)
    confidence : in [0, 1], shape (n,): 1 where neighbours are as near as usual, 0 for an outlier
    neighbours : how many neighbours each normal was taken from
    """

    normals: np.ndarray
    confidence: np.ndarray
    neighbours: int


def estimate_normals(positions: np.ndarray, *, neighbours: int | None = None) -> NormalEstimate:
    """Outward unit normals of points, shape (n, 3), any unit; float64.

    Without `neighbours` the neighbourhood grows until noise no longer hides the sheet. Outliers take no part in it.
    Raises `GeometryError` for fewer than four points.
    """
    positions = np.asarray(positions, np.float64)
    if len(positions) < 4:
        raise GeometryError(f"Normals need at least four points, and there are {len(positions)}.")
    local = positions - positions.mean(axis=0)
    density = outlier_confidence(local)
    kept = np.flatnonzero(density > 0.0)
    tree = cKDTree(local[kept])
    count = min(neighbours or _neighbourhood_size(local[kept], tree), len(kept))
    normals = _principal_components(local, local[kept], tree, count)
    normals[kept] = _orient(local[kept], normals[kept], tree)
    outliers = np.flatnonzero(density == 0.0)
    if len(outliers):
        nearest = kept[np.asarray(tree.query(local[outliers])[1])]
        normals[outliers] = normals[nearest]
    return NormalEstimate(normals, density, count)


def orient_normals(positions: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """The same normals, with signs that agree between neighbours and point out of each connected piece."""
    local = np.asarray(positions, np.float64) - np.mean(positions, axis=0)
    return _orient(local, np.array(normals, np.float64), cKDTree(local))


def outlier_confidence(positions: np.ndarray, *, neighbours: int = 12) -> np.ndarray:
    """Confidence of each point in [0, 1], shape (n,), from its mean distance to its neighbours.

    A point is doubted where that distance is far above its neighbours' own (from 1.4 to 2.2 times; a local outlier
    factor, Breunig et al. 2000), so that a scan may be denser in places; and, among outliers, where it is far above the
    whole cloud's (from 1.5 to 2.5 times) while the neighbourhood is no sheet.
    """
    count = min(neighbours + 1, len(positions))
    if count < 4:
        return np.ones(len(positions))
    tree = cKDTree(positions)
    distances, indices = (np.asarray(found) for found in tree.query(positions, k=count))
    mean = distances[:, 1:].mean(axis=1)
    typical = float(np.median(mean))
    if not typical > 0.0:
        return np.ones(len(positions))
    beside = np.maximum(np.median(mean[indices[:, 1:]], axis=1), 0.5 * typical)
    confidence = np.clip((2.2 - mean / beside) / 0.8, 0.0, 1.0)
    sparse = np.flatnonzero(mean > 1.5 * typical)
    if len(sparse):
        variances = _variances(positions[sparse], positions, tree, count)[0]
        doubt = np.clip(mean[sparse] / typical - 1.5, 0.0, 1.0)
        confidence[sparse] *= np.where(_thickness(variances) < SHEET, 1.0, 1.0 - doubt)
    return confidence


def with_normals(points: Points) -> tuple[Points, np.ndarray]:
    """The points with outward unit normals, and the confidence of each in [0, 1].

    Normals of the scan are kept (made unit), save where they are missing or zero; then all are estimated.
    """
    if points.normals is not None:
        length = np.linalg.norm(points.normals, axis=1)
        if (length > 1e-12).all():
            unit = points.normals / length[:, None]
            return replace(points, normals=unit), outlier_confidence(points.positions - points.positions.mean(axis=0))
    estimate = estimate_normals(points.positions)
    return replace(points, normals=estimate.normals), estimate.confidence


def without_outliers(points: Points, *, confidence: float = 0.3) -> Points:
    """The points whose neighbourhood is at least so trustworthy."""
    density = outlier_confidence(points.positions - points.positions.mean(axis=0))
    return select(points, np.flatnonzero(density >= confidence))


def _neighbourhood_size(positions: np.ndarray, tree: cKDTree) -> int:
    """The smallest count, doubling, whose neighbourhoods are mostly wider than the noise is thick."""
    probes = positions[:: max(1, len(positions) // 1000)]
    count = FEWEST_NEIGHBOURS
    while count < MOST_NEIGHBOURS and count < len(positions):
        variances = _variances(probes, positions, tree, count)[0]
        if np.median(_thickness(variances)) <= THICKNESS:
            break
        count *= 2
    return min(count, MOST_NEIGHBOURS)


def _principal_components(positions: np.ndarray, samples: np.ndarray, tree: cKDTree, count: int) -> np.ndarray:
    """Direction of least variance of the samples about each position."""
    parts = [positions[start : start + 20000] for start in range(0, len(positions), 20000)]
    return np.concatenate([_variances(part, samples, tree, count)[1][:, :, 0] for part in parts])


def _thickness(variances: np.ndarray) -> np.ndarray:
    """Root mean square thickness over radius of neighbourhoods with these principal variances, ascending."""
    return np.sqrt(np.maximum(variances[:, 0], 0.0) / np.maximum(variances[:, 1] + variances[:, 2], 1e-300))


def _variances(positions: np.ndarray, samples: np.ndarray, tree: cKDTree, count: int) -> tuple[np.ndarray, np.ndarray]:
    indices = np.asarray(tree.query(positions, k=count)[1]).reshape(len(positions), count)
    offsets = samples[indices]
    offsets = offsets - offsets.mean(axis=1, keepdims=True)
    covariance = np.matmul(offsets.transpose(0, 2, 1), offsets) / count
    variances, directions = np.linalg.eigh(covariance)
    return variances, directions


def _orient(positions: np.ndarray, normals: np.ndarray, tree: cKDTree) -> np.ndarray:
    count = len(positions)
    neighbours = min(GRAPH_NEIGHBOURS + 1, count)
    indices = np.asarray(tree.query(positions, k=neighbours)[1]).reshape(count, neighbours)[:, 1:]
    rows = np.repeat(np.arange(count), neighbours - 1)
    columns = indices.reshape(-1)
    agreement = np.abs(np.einsum("ij,ij->i", normals[rows], normals[columns]))
    # A step along the normals may lead to the other side of a thin sheet, where they agree and yet look apart.
    step = positions[columns] - positions[rows]
    along = np.einsum("ij,ij->i", step, normals[rows]) ** 2 + np.einsum("ij,ij->i", step, normals[columns]) ** 2
    leap = 0.5 * along / np.maximum(np.einsum("ij,ij->i", step, step), 1e-300)
    # A weight of zero means "no edge" to scipy.
    weights = 1.0 - np.minimum(agreement, 1.0) + leap + 1e-6
    graph = coo_array((weights, (rows, columns)), shape=(count, count)).tocsr()
    links = minimum_spanning_tree(graph).tocoo()
    first, second = links.coords
    _, labels = part_roots(first, second, count)
    # The highest point of each piece looks up.
    highest = np.lexsort((-positions[:, 2], labels))
    roots = highest[np.unique(labels[highest], return_index=True)[1]]
    parents = spanning_forest(first, second, roots, count)
    turned = carry_signs(parents, np.einsum("ij,ij->i", normals, normals[parents]) < 0.0)
    turned ^= (normals[roots, 2] < 0.0)[labels]
    oriented = np.where(turned[:, None], -normals, normals)
    # A piece as a whole looks out: the flux of x − centre through it is positive.
    sizes = np.bincount(labels)
    centres = np.stack([np.bincount(labels, weights=axis) / sizes for axis in positions.T], axis=1)
    flux = np.bincount(labels, weights=np.einsum("ij,ij->i", positions - centres[labels], oriented))
    return np.where((flux < 0.0)[labels, None], -oriented, oriented)
