"""Closed surfaces and volumes with fields in closed form: quick to make, and right to the last digit."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull

from engine.regression.border import border_triangles
from engine.regression.dataset import Sample


def known_blob(index: int, seed: int = 0, nodes: int = 500) -> Sample:
    """A closed surface that is bent by five numbers, on a mesh of its own; anchors on top, in front and at the side.

    Its field depends on the place and on the shape there; its scalar on the whole.
    """
    generator = np.random.default_rng([seed, index])
    shape = generator.normal(0.0, [0.12, 0.12, 0.1, 0.1, 0.08])
    count = nodes + int(generator.integers(0, nodes // 5))
    golden = np.pi * (3.0 - np.sqrt(5.0)) * np.arange(count) + generator.uniform(0.0, 2.0 * np.pi)
    height = 1.0 - 2.0 * (np.arange(count) + 0.5) / count
    around = np.sqrt(1.0 - height**2)
    directions = np.stack([around * np.cos(golden), around * np.sin(golden), height], axis=1)
    fixed = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    # Where the anchors are no other node is near.
    apart = (directions @ fixed.T).max(axis=1) < 1.0 - 1.0 / count
    directions = np.concatenate([fixed, directions[apart]])
    triangles = ConvexHull(directions).simplices
    a, b, c = (directions[triangles[:, k]] for k in range(3))
    outward = (np.cross(a, b) * c).sum(1) > 0.0
    triangles = np.where(outward[:, None], triangles, triangles[:, ::-1])
    x, y, z = directions.T
    radius = 10.0 * np.exp(shape @ np.stack([x, y * z, x * y, x**2 - y**2, z**3]))
    load = generator.uniform(1.0, 2.0)
    return Sample(
        name=f"blob {index}",
        nodes=directions * radius[:, None],
        triangles=triangles,
        fields={"warmth": load * radius / 10.0 + 0.3 * x * z},
        inputs={"load": load},
        outputs={"reach": float(load * np.exp(np.abs(shape[0])) + shape[3])},
        anchors=np.arange(3),
    )


def known_bar(index: int, seed: int = 0, finest: int = 7) -> Sample:
    """A bar that swells and bends by four numbers, filled with tetrahedra; anchors in three of its corners."""
    generator = np.random.default_rng([seed, index])
    swell, bend, taper, wave = generator.normal(0.0, [0.15, 0.12, 0.12, 0.1])
    along, across = int(generator.integers(2 * finest, 2 * finest + 4)), int(generator.integers(finest - 2, finest))
    grids = np.meshgrid(*(np.linspace(-1.0, 1.0, n) for n in (along, across, across)), indexing="ij")
    u, v, w = (grid.ravel() for grid in grids)
    thick = np.exp(swell * np.cos(np.pi * u / 2.0) + taper * u + wave * np.sin(np.pi * u))
    nodes = np.stack([20.0 * u, 6.0 * v * thick, 6.0 * w * thick + 20.0 * bend * u**2], axis=1)
    tetrahedra, triangles = _filled_grid(along, across, across)
    load = generator.uniform(1.0, 2.0)
    return Sample(
        name=f"bar {index}",
        nodes=nodes,
        triangles=triangles,
        fields={"warmth": load / thick**2 + 0.2 * v * u},
        inputs={"load": load},
        outputs={"middle": float(load * np.exp(2.0 * swell))},
        anchors=np.array([0, along * across * across - 1, across * across - 1]),
        tetrahedra=tetrahedra,
    )


def _filled_grid(*counts: int) -> tuple[np.ndarray, np.ndarray]:
    """Six tetrahedra a cell of a grid of nodes (Kuhn's), and the triangles of its border, outward."""
    index = np.arange(int(np.prod(counts))).reshape(counts)
    corner = index[:-1, :-1, :-1].ravel()
    step = np.array([counts[1] * counts[2], counts[2], 1])
    found = []
    for order in ((0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1), (2, 1, 0), (1, 0, 2)):
        ends = [corner]
        for axis in order:
            ends.append(ends[-1] + step[axis])
        even = order in ((0, 1, 2), (1, 2, 0), (2, 0, 1))
        found.append(np.stack(ends if even else [ends[0], ends[2], ends[1], ends[3]], axis=1))
    tetrahedra = np.concatenate(found).astype(np.int32)
    return tetrahedra, border_triangles(tetrahedra)
