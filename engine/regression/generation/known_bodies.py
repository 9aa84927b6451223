"""Closed surfaces and volumes with fields in closed form: quick to make, and right to the last digit."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull

from engine.regression.data.border import border_triangles
from engine.regression.data.dataset import Sample


def known_blob(index: int, seed: int = 0, nodes: int = 500) -> Sample:
    """A closed surface that is bent by five numbers, on a mesh of its own; anchors on top, in front and at the side.

    Its field depends on the place and on the shape there; its scalar on the whole.
    """
    blob = _Blob(index, seed, nodes)
    x, _, z = blob.directions.T
    return Sample(
        name=f"blob {index}",
        nodes=blob.directions * blob.radius[:, None],
        triangles=blob.triangles,
        fields={"warmth": blob.load * blob.radius / 10.0 + 0.3 * x * z},
        inputs={"load": blob.load},
        outputs=blob.outputs,
        anchors=np.arange(3),
    )


def known_filled_blob(index: int, seed: int = 0, nodes: int = 120, layers: int = 4) -> Sample:
    """The same filled with tetrahedra, the field growing from its middle."""
    blob = _Blob(index, seed, nodes)
    count = len(blob.directions)
    surface = blob.directions * blob.radius[:, None]
    depths = np.arange(1, layers + 1) / layers
    shells = [depth * surface for depth in depths]
    x, _, z = blob.directions.T
    warmth = [depth**2 * (blob.load * blob.radius / 10.0 + 0.3 * x * z) for depth in depths]
    prisms = [_prisms(blob.triangles + k * count, blob.triangles + (k + 1) * count) for k in range(layers - 1)]
    middle = layers * count
    core = np.insert(blob.triangles[:, ::-1], 3, middle, axis=1)
    tetrahedra = np.concatenate([*prisms, core]).astype(np.int32)
    return Sample(
        name=f"filled blob {index}",
        nodes=np.concatenate([*shells, np.zeros((1, 3))]),
        triangles=border_triangles(tetrahedra),
        fields={"warmth": np.append(np.concatenate(warmth), 0.0)},
        inputs={"load": blob.load},
        outputs=blob.outputs,
        anchors=(layers - 1) * count + np.arange(3),
        tetrahedra=tetrahedra,
    )


class _Blob:
    """Directions from its middle, triangles over them, how far the surface is in each, and a load."""

    def __init__(self, index: int, seed: int, nodes: int) -> None:
        generator = np.random.default_rng([seed, index])
        shape = generator.normal(0.0, [0.12, 0.12, 0.1, 0.1, 0.08])
        self.load = float(generator.uniform(1.0, 2.0))
        count = nodes + int(generator.integers(0, nodes // 5))
        golden = np.pi * (3.0 - np.sqrt(5.0)) * np.arange(count) + generator.uniform(0.0, 2.0 * np.pi)
        height = 1.0 - 2.0 * (np.arange(count) + 0.5) / count
        around = np.sqrt(1.0 - height**2)
        directions = np.stack([around * np.cos(golden), around * np.sin(golden), height], axis=1)
        fixed = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
        # Where the anchors are no other node is near.
        apart = (directions @ fixed.T).max(axis=1) < 1.0 - 1.0 / count
        self.directions = np.concatenate([fixed, directions[apart]])
        triangles = ConvexHull(self.directions).simplices
        a, b, c = (self.directions[triangles[:, k]] for k in range(3))
        outward = (np.cross(a, b) * c).sum(1) > 0.0
        self.triangles = np.where(outward[:, None], triangles, triangles[:, ::-1])
        x, y, z = self.directions.T
        self.radius = 10.0 * np.exp(shape @ np.stack([x, y * z, x * y, x**2 - y**2, z**3]))
        self.outputs = {"reach": float(self.load * np.exp(np.abs(shape[0])) + shape[3])}


def _prisms(inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """Three tetrahedra between each triangle and the one above it, alike on both sides of every wall."""
    turn = np.argmin(inner, axis=1)
    order = (turn[:, None] + np.arange(3)) % 3
    (a, b, c), (d, e, f) = np.take_along_axis(inner, order, 1).T, np.take_along_axis(outer, order, 1).T
    # The wall across from the smallest corner is cut from its smaller one.
    from_b = b < c
    second = np.where(from_b[:, None], np.stack([a, b, f, e], 1), np.stack([a, b, c, e], 1))
    third = np.where(from_b[:, None], np.stack([a, b, c, f], 1), np.stack([a, e, c, f], 1))
    return np.concatenate([np.stack([a, e, f, d], 1), second, third])
