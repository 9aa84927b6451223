"""Meshes that are one mesh with its nodes elsewhere: nodes of one number mean the same, and nothing is morphed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from engine.regression.data.dataset import DatasetError, Sample
from engine.regression.morphing.mapping import Morph, MorphKind, MorphSettings, Outline, PreparedMesh
from engine.regression.morphing.quality import tetrahedron_quality, triangle_quality
from engine.regression.morphing.transfer import Located


@dataclass(frozen=True)
class SameMesh(PreparedMesh):
    """A mesh whose nodes' numbers say what they mean."""

    kind: ClassVar[MorphKind] = "same-mesh"


@dataclass(frozen=True)
class SameMeshOutline(Outline):
    """cells : that every mesh has; nodes : of the first sample, where fields may be shown"""

    kind: ClassVar[MorphKind] = "same-mesh"

    cells: np.ndarray
    nodes: np.ndarray

    @classmethod
    def prepare(cls, sample: Sample) -> SameMesh:
        return SameMesh(sample.name, sample.cells)

    @classmethod
    def common(
        cls, samples: Sequence[Sample], prepared: Sequence[PreparedMesh], settings: MorphSettings
    ) -> SameMeshOutline:
        outline = cls(samples[0].cells, samples[0].nodes)
        for mesh in prepared:
            outline._require_same(mesh)
        return outline

    def morph(self, nodes: Tensor, mesh: PreparedMesh) -> Morph:
        self._require_same(mesh)
        # Nodes do not move on the common shape; how good the mesh itself is says how far it was bent.
        own = nodes.detach().numpy()
        quality = (
            tetrahedron_quality(own, self.cells) if self.cells.shape[1] == 4 else triangle_quality(own, self.cells)
        )
        return Morph(torch.from_numpy(self.nodes), self.cells, *quality)

    def locate(
        self, points: Tensor, nodes: Tensor, cells: np.ndarray, *, of: slice = slice(None), near: Located | None = None
    ) -> Located:
        index = torch.arange(len(points))[of][:, None]
        return Located(index, torch.ones(index.shape, dtype=points.dtype))

    def to_dict(self) -> dict[str, Any]:
        return {}

    def arrays(self) -> dict[str, np.ndarray]:
        return {"cells": self.cells, "nodes": self.nodes}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> SameMeshOutline:
        return cls(arrays["cells"], arrays["nodes"])

    def _require_same(self, mesh: PreparedMesh) -> None:
        if not np.array_equal(mesh.cells, self.cells):
            raise DatasetError(
                f"{mesh.name} has another mesh than the first sample that was learnt from.",
                remedy="Number nodes and cells alike in all samples, or choose another morph.",
            )


def same_cells(one: Sample, other: Sample) -> bool:
    """Whether two samples have one mesh."""
    return one.node_count == other.node_count and np.array_equal(one.cells, other.cells)
