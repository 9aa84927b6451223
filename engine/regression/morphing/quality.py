"""How good cells are: those that lie upside down, and the smallest angle."""

from __future__ import annotations

import numpy as np


def triangle_quality(nodes: np.ndarray, triangles: np.ndarray, up: np.ndarray | None = None) -> tuple[int, float]:
    """How many triangles are flipped, and the smallest angle of any [degrees], negative in one that is flipped.

    nodes : shape (node_count, 2), or (node_count, 3)
    up : in space: a direction at every triangle on whose side its front should be, shape (triangle_count, 3); without
        it none counts as flipped
    """
    corners = nodes[triangles]
    forth = corners[:, [1, 2, 0]] - corners
    back = corners[:, [2, 0, 1]] - corners
    if nodes.shape[1] == 2:
        cross = forth[..., 0] * back[..., 1] - forth[..., 1] * back[..., 0]
    else:
        normal = np.cross(forth, back)
        side = 1.0 if up is None else np.where((normal * up[:, None]).sum(-1) > 0.0, 1.0, -1.0)
        cross = side * np.linalg.norm(normal, axis=-1)
    angles = np.degrees(np.arctan2(cross, (forth * back).sum(-1)))
    return int((cross[:, 0] <= 0).sum()), float(angles.min())


def tetrahedron_quality(nodes: np.ndarray, tetrahedra: np.ndarray) -> tuple[int, float]:
    """How many tetrahedra are flipped, and the smallest angle between two faces of any [degrees], negative in one that
    is flipped."""
    corners = nodes[tetrahedra]
    first, second, third = (corners[:, k] - corners[:, 0] for k in (1, 2, 3))
    volume = (np.cross(first, second) * third).sum(-1)
    # Outward normals of the faces opposite to each corner; angles between faces are those to their negatives.
    faces = [(1, 2, 3), (0, 3, 2), (0, 1, 3), (0, 2, 1)]
    normals = np.stack([np.cross(corners[:, b] - corners[:, a], corners[:, c] - corners[:, a]) for a, b, c in faces], 1)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-300)
    pairs = [(i, j) for i in range(4) for j in range(i)]
    cosines = np.stack([-(normals[:, i] * normals[:, j]).sum(-1) for i, j in pairs], axis=1)
    smallest = np.degrees(np.arccos(np.clip(cosines.max(axis=1), -1.0, 1.0)))
    flipped = volume <= 0.0
    return int(flipped.sum()), float(np.where(flipped, -smallest, smallest).min())
