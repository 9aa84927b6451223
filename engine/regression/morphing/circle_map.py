"""Disks and rings onto a circle: the border by length and anchors, the inside by a convex map."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from engine.regression.data.border import anchored_loop, border_loops, outer_first
from engine.regression.data.checking import describe, topology
from engine.regression.data.dataset import DatasetError, Sample
from engine.regression.morphing.convex_map import Neighbours, find_neighbours, mapped
from engine.regression.morphing.mapping import Morph, MorphKind, MorphSettings, Outline, PreparedMesh
from engine.regression.morphing.outline_map import circle_positions, stretch_lengths
from engine.regression.morphing.quality import triangle_quality
from engine.regression.morphing.transfer import Located, locate

INNER_RADIUS = 0.4
"""Of the hole of a ring on the common shape, whose outside has radius 1."""

TOPOLOGIES = ((1, 1, 1), (1, 0, 2))
"""Of a disk and of a ring: parts, Euler number, borders."""


@dataclass(frozen=True)
class CircleMesh(PreparedMesh):
    """A disk or a ring.

    loops : the borders from their first anchor on, outer first
    places : of the anchors in each
    neighbours : for the map
    """

    kind: ClassVar[MorphKind] = "circle"

    loops: tuple[np.ndarray, ...]
    places: tuple[np.ndarray, ...]

    @cached_property
    def neighbours(self) -> Neighbours:
        return find_neighbours(self.cells, np.concatenate(self.loops), int(self.cells.max()) + 1)


@dataclass(frozen=True)
class CircleOutline(Outline):
    """anchor_angles : of the anchors on each circle, outer border first [rad]"""

    kind: ClassVar[MorphKind] = "circle"

    anchor_angles: tuple[tuple[float, ...], ...]
    settings: MorphSettings

    @property
    def loop_count(self) -> int:
        return len(self.anchor_angles)

    @classmethod
    def prepare(cls, sample: Sample) -> CircleMesh:
        found = topology(sample)
        if found not in TOPOLOGIES or len(sample.tetrahedra):
            raise DatasetError(
                f"{sample.name} has {describe(found)}; only a disk or a ring can be morphed onto a circle.",
                remedy="Give samples without holes or with one, or choose another morph.",
            )
        triangles = facing_up(sample)
        loops = outer_first(sample.nodes, border_loops(triangles, sample.name))
        prepared, places = [], []
        for loop in loops:
            on_loop = sample.anchors[np.isin(sample.anchors, loop)]
            turned, at = anchored_loop(sample, loop, on_loop)
            prepared.append(turned)
            places.append(at)
        stray = sample.anchors[~np.isin(sample.anchors, np.concatenate(loops))]
        if len(stray):
            raise DatasetError(f"{sample.name}: anchor node {int(stray[0])} is not on its border.")
        return CircleMesh(sample.name, triangles, tuple(prepared), tuple(places))

    @classmethod
    def common(
        cls, samples: Sequence[Sample], prepared: Sequence[PreparedMesh], settings: MorphSettings
    ) -> CircleOutline:
        """Anchors go to their mean part of the border's length."""
        meshes = [_circle_mesh(mesh) for mesh in prepared]
        angles = []
        for loop in range(len(meshes[0].loops)):
            counts = {len(mesh.places[loop]) for mesh in meshes}
            if len(counts) > 1:
                raise DatasetError("Anchors lie on the outer border in some samples and on the inner one in others.")
            parts = torch.stack(
                [
                    stretch_lengths(
                        torch.from_numpy(sample.nodes[mesh.loops[loop]]), torch.from_numpy(mesh.places[loop])
                    )
                    for sample, mesh in zip(samples, meshes, strict=True)
                ]
            )
            mean = (parts / parts.sum(1, keepdim=True)).mean(0)
            # An inner border runs clockwise, for the triangles are on its left.
            turn = 2.0 * math.pi if loop == 0 else -2.0 * math.pi
            before = torch.cat([mean.new_zeros(1), mean.cumsum(0)[:-1]])
            angles.append(tuple((turn * before).tolist()))
        return cls(tuple(angles), settings)

    def morph(self, nodes: Tensor, mesh: PreparedMesh) -> Morph:
        circle = _circle_mesh(mesh)
        if len(circle.loops) != self.loop_count:
            raise DatasetError(
                f"{mesh.name} has {len(circle.loops)} borders; the model was learnt from meshes with {self.loop_count}."
            )
        borders = []
        for k, (loop, places, angles) in enumerate(zip(circle.loops, circle.places, self.anchor_angles, strict=True)):
            if len(places) != len(angles):
                raise DatasetError(
                    f"{mesh.name} has {len(places)} anchors on its border; the model was learnt with {len(angles)}.",
                    remedy="Name the anchors of this mesh as in the data.",
                )
            borders.append(
                circle_positions(
                    nodes[torch.from_numpy(loop)], torch.from_numpy(places), torch.tensor(angles, dtype=nodes.dtype),
                    radius=1.0 if k == 0 else INNER_RADIUS, turning_share=self.settings.turning_share,
                    clockwise=k > 0,
                )
            )  # fmt: skip
        positions = mapped(nodes, torch.cat(borders), circle.neighbours, self.settings.weights)
        return Morph(positions, mesh.cells, *triangle_quality(positions.detach().numpy(), mesh.cells))

    def locate(
        self, points: Tensor, nodes: Tensor, cells: np.ndarray, *, of: slice = slice(None), near: Located | None = None
    ) -> Located:
        return locate(points[of], nodes, cells, near=near)

    def to_dict(self) -> dict[str, Any]:
        return {
            "anchor_angles": [list(angles) for angles in self.anchor_angles],
            "weights": self.settings.weights,
            "turning_share": self.settings.turning_share,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> CircleOutline:
        angles = tuple(tuple(map(float, each)) for each in values["anchor_angles"])
        return cls(angles, MorphSettings(values["weights"], float(values["turning_share"])))


def facing_up(sample: Sample) -> np.ndarray:
    """Triangles counter-clockwise in the plane; in space as they are."""
    triangles = sample.triangles
    if sample.nodes.shape[1] == 3:
        return triangles
    a, b, c = (sample.nodes[triangles[:, k]] for k in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    if not (area != 0).all():
        raise DatasetError(f"{sample.name}: triangle {int(np.flatnonzero(area == 0)[0])} has no area.")
    return np.where((area > 0)[:, None], triangles, triangles[:, ::-1])


def _circle_mesh(mesh: PreparedMesh) -> CircleMesh:
    if not isinstance(mesh, CircleMesh):
        raise TypeError(f"{mesh.name} was prepared for another morph")
    return mesh
