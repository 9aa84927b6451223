"""What every kind of morph has in common: a mesh that is prepared once, what all samples share, and the result.

The kinds: `circle_map` (disks and rings), `sphere_map` (closed surfaces), `landmark_map` (landmarks and radial basis
functions in the plane), `volume_map` (the same in space) and `same_mesh` (already in correspondence).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from torch import Tensor

from engine.geometry.curvature import Surroundings
from engine.regression.data.dataset import Sample
from engine.regression.morphing.convex_map import Weights
from engine.regression.morphing.transfer import Located

MorphKind = Literal["circle", "sphere", "landmarks", "volume", "same-mesh"]


@dataclass(frozen=True)
class MorphSettings:
    """How meshes are mapped.

    weights : of the map onto a circle or a sphere: "mean-value" keeps angles and cannot fold, "harmonic" is the same
        whatever the mesh, "uniform" looks at the connections alone
    turning_share : see `engine.regression.morphing.outline_map.circle_positions`
    """

    weights: Weights = "mean-value"
    turning_share: float = 0.0


@dataclass(frozen=True)
class Morph:
    """A mesh on the common shape.

    positions : of its nodes, with the graph of the nodes, shape (node_count, 2) in the plane, (node_count, 3) on the
        unit sphere or in space
    cells : triangles or tetrahedra, shape (cell_count, 3 or 4)
    flipped : cells that lie upside down
    worst_angle : smallest angle of any triangle, or between two faces of any tetrahedron [degrees]; negative where one
        is upside down
    """

    positions: Tensor
    cells: np.ndarray
    flipped: int
    worst_angle: float


@dataclass(frozen=True)
class PreparedMesh:
    """What can be found out about a mesh once, whatever its nodes do later.

    cells : triangles, of a volume tetrahedra, shape (cell_count, 3 or 4)
    """

    kind: ClassVar[MorphKind]

    name: str
    cells: np.ndarray

    @cached_property
    def surroundings(self) -> Surroundings:
        """Nodes that are near one another, for curvatures; of triangles alone."""
        return Surroundings.of(self.cells)

    def forget(self) -> None:
        """Drop what is found again when it is needed: of hundreds of large meshes it would fill the memory."""
        for found in ("neighbours", "surroundings"):
            self.__dict__.pop(found, None)


class Outline(ABC):
    """What the morphs of all samples share: where borders and anchors go."""

    kind: ClassVar[MorphKind]

    @classmethod
    @abstractmethod
    def prepare(cls, sample: Sample) -> PreparedMesh:
        """Look at borders and anchors; raises `DatasetError` for a mesh that cannot be morphed so."""

    @classmethod
    @abstractmethod
    def common(cls, samples: Sequence[Sample], prepared: Sequence[PreparedMesh], settings: MorphSettings) -> Outline:
        """The one that suits these samples; raises `DatasetError` that names the sample which does not fit."""

    @abstractmethod
    def morph(self, nodes: Tensor, mesh: PreparedMesh) -> Morph:
        """Map a mesh with its nodes at `nodes`, shape (node_count, dimension), float64; differentiable.

        Raises `DatasetError` for a mesh that does not fit those that were learnt from.
        """

    @abstractmethod
    def locate(
        self, points: Tensor, nodes: Tensor, cells: np.ndarray, *, of: slice = slice(None), near: Located | None = None
    ) -> Located:
        """Where the nodes `of` one mesh, all at `points` on the common shape, lie in another one with its own at
        `nodes`; the weights carry the graph of both.

        near : where they lay before both moved a little, which may help to find them
        """

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain values for the model file, without "kind"."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Arrays for the model file."""
        return {}

    @classmethod
    @abstractmethod
    def from_dict(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Outline:
        """What `to_dict` and `arrays` gave."""


def medoid(rows: np.ndarray) -> int:
    """The row that is nearest to all others; shape (row_count, value_count)."""
    square = (rows**2).sum(1)
    return int(np.argmin(np.sqrt(np.maximum(square[:, None] + square[None] - 2.0 * rows @ rows.T, 0.0)).sum(1)))
