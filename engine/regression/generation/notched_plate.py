"""Notched plates that are pulled: two independent free-form flanks, elastic or elastoplastic, plane strain."""

from __future__ import annotations

from typing import Literal

import numpy as np

from engine.regression.dataset import Sample
from engine.regression.generation.plasticity import Metal, Solution, pull_plate
from engine.regression.generation.plate_mesh import plate_mesh
from engine.regression.generation.shapes import Family, draw_flanks

Law = Literal["elastic", "elastoplastic"]

YOUNG_MODULUS = 200_000.0
POISSON_RATIO = 0.3
UNITS = {
    "length": "mm", "u1": "mm", "u2": "mm", "sig11": "MPa", "sig22": "MPa", "sig12": "MPa", "plastic strain": "",
    "elongation": "mm", "yield stress": "MPa", "hardening": "MPa", "Young's modulus": "MPa", "force": "N/mm",
    "largest von Mises stress": "MPa", "largest plastic strain": "",
}  # fmt: skip


def notched_plate(index: int, *, seed: int, family: Family = "free-form", law: Law = "elastoplastic") -> Sample:
    """Plate number `index` of the data set with this seed: the same whoever makes it, and in whatever order.

    Meshes have 1,800 to 2,400 nodes. Raises `FormwrightError` when the plate cannot be solved.
    """
    generator = np.random.default_rng([seed, index])
    flanks = draw_flanks(family, generator)
    mesh = plate_mesh(flanks, columns=int(generator.integers(14, 17)), rows=int(generator.integers(34, 39)))
    elongation = generator.uniform(0.05, 0.15)
    if law == "elastic":
        young = generator.uniform(0.5, 1.5) * YOUNG_MODULUS
        metal = Metal(young, POISSON_RATIO, np.inf, 0.0)
        inputs = {"elongation": elongation, "Young's modulus": young}
    else:
        metal = Metal(YOUNG_MODULUS, POISSON_RATIO, generator.uniform(200.0, 400.0), generator.uniform(1000.0, 10000.0))
        inputs = {"elongation": elongation, "yield stress": metal.yield_stress, "hardening": metal.hardening}
    solution = pull_plate(
        mesh.vertices, mesh.triangles, metal, elongation=elongation, steps=1 if law == "elastic" else 8
    )
    return Sample(
        name=f"{family} {index}",
        nodes=solution.nodes,
        triangles=solution.triangles,
        fields=_fields(solution, law),
        inputs=inputs,
        outputs=_scalars(solution, law),
        anchors=mesh.corners,
    )


def _fields(solution: Solution, law: Law) -> dict[str, np.ndarray]:
    fields = {
        "u1": solution.displacement[:, 0],
        "u2": solution.displacement[:, 1],
        "sig11": solution.stress[:, 0],
        "sig22": solution.stress[:, 1],
        "sig12": solution.stress[:, 3],
    }
    if law == "elastoplastic":
        fields["plastic strain"] = solution.plastic_strain
    return fields


def _scalars(solution: Solution, law: Law) -> dict[str, float]:
    """Three that a designer asks for."""
    xx, yy, zz, xy = solution.stress.T
    mises = np.sqrt(0.5 * ((xx - yy) ** 2 + (yy - zz) ** 2 + (zz - xx) ** 2) + 3.0 * xy**2)
    scalars = {"force": solution.reaction, "largest von Mises stress": float(mises.max())}
    if law == "elastoplastic":
        scalars["largest plastic strain"] = float(solution.plastic_strain.max())
    return scalars
