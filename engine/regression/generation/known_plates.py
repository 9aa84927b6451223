"""Plates with fields in closed form: quick to make, as rich in shape as solved ones, and right to the last digit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.regression.data.border import anchored_loop, border_loops
from engine.regression.data.dataset import Sample
from engine.regression.generation.plate_mesh import plate_mesh
from engine.regression.generation.shapes import HEIGHT, Family, draw_flanks


def known_plate(index: int, seed: int = 0, family: Family = "free-form", *, finer: int = 1) -> Sample:
    """A field that depends on the place, on both flanks there and on a scalar; two scalars of the whole.

    finer : so many nodes stand in either direction in place of one; 14 makes about 30,000 nodes
    """
    generator = np.random.default_rng([seed, index])
    flanks = draw_flanks(family, generator)
    columns, rows = int(generator.integers(7, 10)), int(generator.integers(17, 21))
    mesh = plate_mesh(flanks, columns=finer * columns, rows=finer * rows)
    load = generator.uniform(1.0, 2.0)
    x, y = mesh.vertices.T
    width = 10.0 - flanks.left(y) - flanks.right(y)
    heights = np.linspace(0.0, HEIGHT, 500)
    narrowest = float((10.0 - flanks.left(heights) - flanks.right(heights)).min())
    return Sample(
        name=f"{family} {index}",
        nodes=mesh.vertices,
        triangles=mesh.triangles,
        fields={"stress": load * 10.0 / width, "shift": load * y / HEIGHT + 0.01 * x},
        inputs={"load": load},
        outputs={"narrowest": narrowest, "strength": narrowest / load},
        anchors=mesh.corners,
    )


def solve_known(sample: Sample) -> Sample:
    """The same of a plate of any shape, as its border says: with straight edges between its nodes."""
    loop, places = anchored_loop(sample, border_loops(sample.triangles)[0], sample.anchors)
    border = sample.nodes[loop]
    right, left = border[places[1] : places[2] + 1], border[places[3] :][::-1]
    left = np.concatenate([border[:1], left])
    x, y = sample.nodes.T

    def width(at: np.ndarray) -> np.ndarray:
        return np.asarray(np.interp(at, right[:, 1], right[:, 0]) - np.interp(at, left[:, 1], left[:, 0]))

    load, narrowest = sample.inputs["load"], float(width(np.linspace(0.0, HEIGHT, 500)).min())
    return replace(
        sample,
        fields={"stress": load * 10.0 / width(y), "shift": load * y / HEIGHT + 0.01 * x},
        outputs={"narrowest": narrowest, "strength": narrowest / load},
    )
