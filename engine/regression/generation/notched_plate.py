"""Notched plates that are pulled: two independent free-form flanks, elastic or elastoplastic, plane strain."""

from __future__ import annotations

from typing import Literal

import numpy as np

from engine.regression.data.dataset import DatasetError, Sample
from engine.regression.generation.plasticity import Metal, Solution, pull_plate
from engine.regression.generation.plate_mesh import plate_mesh
from engine.regression.generation.shapes import Family, draw_flanks

Law = Literal["elastic", "elastoplastic"]
Density = Literal["usual", "coarse"]

YOUNG_MODULUS = 200_000.0
POISSON_RATIO = 0.3
UNITS = {
    "length": "mm", "u1": "mm", "u2": "mm", "sig11": "MPa", "sig22": "MPa", "sig12": "MPa", "plastic strain": "",
    "elongation": "mm", "yield stress": "MPa", "hardening": "MPa", "Young's modulus": "MPa", "force": "N/mm",
    "largest von Mises stress": "MPa", "largest plastic strain": "",
}  # fmt: skip


def notched_plate(
    index: int,
    *,
    seed: int,
    family: Family = "free-form",
    law: Law = "elastoplastic",
    mesh: Density = "usual",
) -> Sample:
    """Plate number `index` of the data set with this seed: the same whoever makes it, and in whatever order.

    Meshes have 1,800 to 2,400 nodes, coarse ones 430 to 560. Raises `FormwrightError` when the plate cannot be solved.
    """
    generator = np.random.default_rng([seed, index])
    flanks = draw_flanks(family, generator)
    fewest, most = (14, 34), (17, 39)
    if mesh == "coarse":
        fewest, most = (7, 17), (9, 20)
    columns, rows = (int(generator.integers(low, high)) for low, high in zip(fewest, most, strict=True))
    grid = plate_mesh(flanks, columns=columns, rows=rows)
    elongation = generator.uniform(0.05, 0.15)
    if law == "elastic":
        inputs = {"elongation": elongation, "Young's modulus": generator.uniform(0.5, 1.5) * YOUNG_MODULUS}
    else:
        inputs = {
            "elongation": elongation, "yield stress": generator.uniform(200.0, 400.0),
            "hardening": generator.uniform(1000.0, 10000.0),
        }  # fmt: skip
    return _pulled(f"{family} {index}", grid.vertices, grid.triangles, grid.corners, inputs, law)


def solve_plate(
    sample: Sample, *, family: Family = "free-form", law: Law = "elastoplastic", mesh: Density = "usual"
) -> Sample:
    """The plate of a sample, solved: its mesh, its corners as anchors and its inputs count.

    A mesh as `notched_plate` makes it, four triangles to an element, is solved on these elements; any other with a
    quadratic element for each of its triangles, and has more nodes afterwards. Raises `DatasetError` for a plate
    without four corners or one of the inputs, and `FormwrightError` when it cannot be solved.
    """
    if len(sample.anchors) != 4:
        raise DatasetError(
            f"{sample.name} has {len(sample.anchors)} anchors; a plate has its 4 corners.",
            remedy="Number them from the bottom left on, counter-clockwise.",
        )
    needed = ("elongation", "Young's modulus") if law == "elastic" else ("elongation", "yield stress", "hardening")
    for name in needed:
        if name not in sample.inputs:
            raise DatasetError(f"{sample.name} has no {name}.", remedy=f"A plate needs {', '.join(needed)}.")
    vertices, triangles = unrefined(sample.nodes, sample.triangles)
    inputs = {name: float(sample.inputs[name]) for name in needed}
    return _pulled(sample.name, vertices, triangles, sample.anchors, inputs, law)


def unrefined(nodes: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and elements of a mesh whose triangles are four to an element, as solutions are told; of any other the
    mesh itself."""
    if len(triangles) % 4:
        return nodes, triangles
    groups = triangles.reshape(-1, 4, 3)
    middles = groups[:, 3]
    corners = np.full((len(groups), 3), -1)
    for k in range(3):
        own = ~(groups[:, k, :, None] == middles[:, None, :]).any(axis=2)
        if not (own.sum(axis=1) == 1).all():
            return nodes, triangles
        corners[:, k] = groups[:, k][own]
    vertex_count = int(corners.max()) + 1
    if middles.min() < vertex_count or len(np.unique(corners)) != vertex_count:
        return nodes, triangles
    a, b, c = (nodes[corners[:, k]] for k in range(3))
    first, second = b - a, c - a
    turned = first[:, 0] * second[:, 1] < first[:, 1] * second[:, 0]
    corners[turned] = corners[turned][:, ::-1]
    return nodes[:vertex_count], corners.astype(np.int32)


def _pulled(
    name: str, vertices: np.ndarray, triangles: np.ndarray, corners: np.ndarray, inputs: dict[str, float], law: Law
) -> Sample:
    """Solve a plate with its corners at bottom left, bottom right, top right and top left."""
    if law == "elastic":
        metal = Metal(inputs["Young's modulus"], POISSON_RATIO, np.inf, 0.0)
    else:
        metal = Metal(YOUNG_MODULUS, POISSON_RATIO, inputs["yield stress"], inputs["hardening"])
    solution = pull_plate(
        vertices, triangles, corners, metal, elongation=inputs["elongation"], steps=1 if law == "elastic" else 8
    )
    return Sample(
        name=name,
        nodes=solution.nodes,
        triangles=solution.triangles,
        fields=_fields(solution, law),
        inputs=inputs,
        outputs=_scalars(solution, law),
        anchors=corners,
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
