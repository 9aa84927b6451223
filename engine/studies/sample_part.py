"""A sample of a data set as a part that can be opened: the inverse of what *Predict* does with a part."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.core.errors import FileError
from engine.core.units import MILLIMETRES_PER, unit_name
from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh
from engine.regression.data.dataset import Sample
from engine.regression.data.folder import ANCHOR
from engine.regression.data.reading import read_dataset


def read_part(path: Path, name: str) -> tuple[Mesh, dict[str, float]]:
    """A sample of a data set by its name, as a mesh [mm] with its anchors, and its known scalars.

    Raises `FileError` where there is none of that name, and whatever reading raises.
    """
    dataset = read_dataset(path)
    sample = next((each for each in dataset if each.name == name), None)
    if sample is None:
        raise FileError(path, f"it has no sample {name!r}.", remedy="Open the data set again: it has changed.")
    length = MILLIMETRES_PER[unit_name(dataset.units.get("length") or "mm")]
    return part_of(sample, length), {key: float(value) for key, value in sample.inputs.items()}


def part_of(sample: Sample, length: float = 1.0) -> Mesh:
    """A sample as a mesh [mm]: with its anchors numbered from 1 in the field `anchor`, in the plane z = 0 where it has
    two coordinates, round its tetrahedra where it is a volume.

    length : millimetres in its unit
    """
    nodes = sample.nodes * length
    if nodes.shape[1] == 2:
        nodes = np.column_stack([nodes, np.zeros(len(nodes))])
    anchor = np.zeros(len(nodes))
    anchor[sample.anchors] = np.arange(1, len(sample.anchors) + 1)
    if not len(sample.tetrahedra):
        return Mesh(nodes, sample.triangles, {ANCHOR: Field(ANCHOR, anchor)}, name=sample.name)
    # A mesh has the vertices of its surface first.
    outer = np.unique(sample.triangles)
    order = np.concatenate([outer, np.setdiff1d(np.arange(len(nodes)), outer)])
    place = np.empty(len(nodes), np.int32)
    place[order] = np.arange(len(nodes))
    return Mesh(
        nodes[outer], place[sample.triangles], {ANCHOR: Field(ANCHOR, anchor[outer])}, name=sample.name,
        inner=nodes[order[len(outer) :]], tets=place[sample.tetrahedra],
    )  # fmt: skip
