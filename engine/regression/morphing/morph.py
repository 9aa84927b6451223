"""Morphing: every sample's mesh onto one common shape, differentiable in its nodes, by the kind that suits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.regression.data.checking import describe, topology
from engine.regression.data.dataset import DatasetError, Sample
from engine.regression.morphing.circle_map import TOPOLOGIES, CircleOutline
from engine.regression.morphing.landmark_map import LandmarkOutline
from engine.regression.morphing.mapping import Morph, MorphKind, MorphSettings, Outline, PreparedMesh
from engine.regression.morphing.same_mesh import SameMeshOutline, same_cells
from engine.regression.morphing.sphere_map import CLOSED, SphereOutline
from engine.regression.morphing.volume_map import VolumeOutline

MORPHS: dict[MorphKind, type[Outline]] = {
    each.kind: each for each in (CircleOutline, SphereOutline, LandmarkOutline, VolumeOutline, SameMeshOutline)
}


TRIED = 10
"""Samples that are morphed to see whether rings fold."""


def suitable_kind(samples: Sequence[Sample]) -> MorphKind:
    """The kind that fits the topology of the first sample; raises `DatasetError` where none does.

    A ring in the plane may fold on a circle (its hole is small, or far from the middle): where one of the first
    `TRIED` does, landmarks are taken. Where the topology has no morph, meshes that are all alike need none.
    """
    first = samples[0]
    found = topology(first)
    if len(first.tetrahedra):
        return "volume"
    if found in TOPOLOGIES:
        return "landmarks" if found[2] == 2 and first.nodes.shape[1] == 2 and _folds(samples[:TRIED]) else "circle"
    if found == CLOSED:
        return "sphere"
    if found[0] == 1 and first.nodes.shape[1] == 2:
        return "landmarks"
    if len(samples) > 1 and all(same_cells(sample, first) for sample in samples):
        return "same-mesh"
    raise DatasetError(
        f"{first.name} has {describe(found)}; only parts in the plane, disks, rings, closed surfaces without holes and "
        "volumes can be morphed.",
        remedy="Give samples of such a topology, or with one mesh for all.",
    )


def prepare_mesh(sample: Sample, kind: Literal["automatic"] | MorphKind = "automatic") -> PreparedMesh:
    """Look at a mesh once; raises `DatasetError` for one that cannot be morphed so."""
    return MORPHS[suitable_kind([sample]) if kind == "automatic" else kind].prepare(sample)


def prepare_meshes(
    samples: Sequence[Sample], kind: Literal["automatic"] | MorphKind = "automatic"
) -> list[PreparedMesh]:
    """The same of all samples, by the kind that suits the first."""
    chosen = suitable_kind(samples) if kind == "automatic" else kind
    return [MORPHS[chosen].prepare(sample) for sample in samples]


def common_outline(samples: Sequence[Sample], prepared: Sequence[PreparedMesh], settings: MorphSettings) -> Outline:
    """What the morphs of these samples share; raises `DatasetError` that names the sample which does not fit."""
    return MORPHS[prepared[0].kind].common(samples, prepared, settings)


def morph(nodes: Tensor, mesh: PreparedMesh, outline: Outline) -> Morph:
    """Map a mesh with its nodes at `nodes`, shape (node_count, 2 or 3), float64; differentiable."""
    return outline.morph(nodes, mesh)


def _folds(samples: Sequence[Sample]) -> bool:
    """Whether a ring among these folds on a circle."""
    prepared = [CircleOutline.prepare(sample) for sample in samples]
    outline = CircleOutline.common(samples, prepared, MorphSettings())
    return any(
        outline.morph(torch.from_numpy(sample.nodes), mesh).flipped
        for sample, mesh in zip(samples, prepared, strict=True)
    )


def outline_record(outline: Outline) -> dict[str, Any]:
    """Plain values for the model file; its arrays are `Outline.arrays`."""
    return {"kind": outline.kind, **outline.to_dict()}


def outline_of(record: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Outline:
    """What `outline_record` gave; without a kind it is that of disks and rings, as the first files had it."""
    return MORPHS[record.get("kind", "circle")].from_dict(record, arrays)
