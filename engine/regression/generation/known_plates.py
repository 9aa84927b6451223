"""Plates with fields in closed form: quick to make, as rich in shape as solved ones, and right to the last digit."""

from __future__ import annotations

import numpy as np

from engine.regression.dataset import Sample
from engine.regression.generation.plate_mesh import plate_mesh
from engine.regression.generation.shapes import HEIGHT, Family, draw_flanks


def known_plate(index: int, seed: int = 0, family: Family = "free-form") -> Sample:
    """A field that depends on the place, on both flanks there and on a scalar; two scalars of the whole."""
    generator = np.random.default_rng([seed, index])
    flanks = draw_flanks(family, generator)
    mesh = plate_mesh(flanks, columns=int(generator.integers(7, 10)), rows=int(generator.integers(17, 21)))
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
