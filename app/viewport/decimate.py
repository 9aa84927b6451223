"""Fewer triangles for the picture: vertex clustering, and normals that keep sharp edges. Plain numpy, for speed."""

from __future__ import annotations

import numpy as np


def cluster_vertices(
    vertices: np.ndarray, triangles: np.ndarray, aim: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Merge the vertices that share a cell of a regular grid (Rossignac and Borrel 1993), down to about `aim`.

    Returns the new vertices (m, 3) float32 (the clusters' means), the triangles (k, 3) int32 that did not collapse,
    and for every old vertex its new one, shape (n,). Takes about 0.1 µs a vertex: no sorting.
    """
    low = vertices.min(axis=0)
    extent = (vertices.max(axis=0) - low).astype(np.float64)
    # A surface of area A meets about 1.25 A / h² cells of side h.
    side = max(float(np.sqrt(1.25 * _area(vertices, triangles) / aim)), float(extent.max()) / 400.0, 1e-12)
    counts = np.floor(extent / side).astype(np.int64) + 1
    strides = np.array([1, counts[0], counts[0] * counts[1]], np.int64)
    cells = ((vertices - low) * np.float32(1.0 / side)).astype(np.int32)
    keys = cells[:, 0] + cells[:, 1] * strides[1] + cells[:, 2] * strides[2]
    table = np.zeros(int(counts.prod()), np.int32)
    table[keys] = 1
    occupied = np.flatnonzero(table)
    table[occupied] = np.arange(len(occupied), dtype=np.int32)
    owner = table[keys]
    sizes = np.bincount(owner, minlength=len(occupied))
    means = np.stack(
        [np.bincount(owner, vertices[:, axis], minlength=len(occupied)) / sizes for axis in range(3)], axis=1
    )
    merged = owner[triangles]
    kept = (merged[:, 0] != merged[:, 1]) & (merged[:, 1] != merged[:, 2]) & (merged[:, 2] != merged[:, 0])
    return means.astype(np.float32), merged[kept], owner


def cluster_means(values: np.ndarray, owner: np.ndarray, count: int) -> np.ndarray:
    """Means of per-vertex `values` (n,) over clusters, shape (count,), float32."""
    sizes = np.maximum(np.bincount(owner, minlength=count), 1)
    return (np.bincount(owner, values, minlength=count) / sizes).astype(np.float32)


def cluster_highest(values: np.ndarray, owner: np.ndarray, count: int) -> np.ndarray:
    """The highest of whole numbers (n,) in each cluster, shape (count,): a mean of categories is none."""
    highest = np.zeros(count, values.dtype)
    np.maximum.at(highest, owner, values)
    return highest


def shading(
    vertices: np.ndarray, triangles: np.ndarray, *, feature_angle: float = 38.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Normals for smooth shading that keep sharp edges.

    A vertex whose faces all lean less than `feature_angle` [degrees] from its own normal keeps one smooth normal. Of
    the others each corner is drawn as a vertex of its own, with the normal of its face.

    Returns the normals (m, 3) float32, the triangles (k, 3) int32 over drawn vertices, and for every drawn vertex
    beyond the first n the vertex that it copies, shape (m − n,).
    """
    corners = vertices[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.empty_like(vertices, dtype=np.float32)
    flat = triangles.ravel()
    for axis in range(3):
        normals[:, axis] = np.bincount(flat, np.repeat(faces[:, axis], 3), minlength=len(vertices))
    _normalise(normals)
    _normalise(faces)
    lean = np.einsum("fck,fk->fc", normals[triangles], faces)
    sharp = np.zeros(len(vertices), bool)
    sharp[triangles[lean < np.cos(np.radians(feature_angle))]] = True
    split = sharp[triangles]
    copies = triangles[split]
    if not len(copies):
        return normals, triangles, copies
    drawn = triangles.copy()
    drawn[split] = len(vertices) + np.arange(len(copies), dtype=np.int32)
    own = np.broadcast_to(faces[:, None, :], (*triangles.shape, 3))[split]
    return np.concatenate([normals, own.astype(np.float32)]), drawn, copies


def _normalise(vectors: np.ndarray) -> None:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    lengths[lengths == 0] = 1.0
    vectors /= lengths[:, None]


def _area(vertices: np.ndarray, triangles: np.ndarray) -> float:
    # Every eighth triangle of a large mesh is plenty for an estimate.
    step = 8 if len(triangles) > 20_000 else 1
    corners = vertices[triangles[::step]]
    crosses = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return float(np.sqrt(np.einsum("ij,ij->i", crosses, crosses)).sum()) * 0.5 * step
