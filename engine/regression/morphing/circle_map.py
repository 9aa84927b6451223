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
    given : how many anchors each has; where none is, the loop has a place all the same
    neighbours : for the map
    """

    kind: ClassVar[MorphKind] = "circle"

    loops: tuple[np.ndarray, ...]
    places: tuple[np.ndarray, ...]
    given: tuple[int, ...]

    @cached_property
    def neighbours(self) -> Neighbours:
        return find_neighbours(self.cells, np.concatenate(self.loops), int(self.cells.max()) + 1)


@dataclass(frozen=True)
class CircleOutline(Outline):
    """anchor_angles : of the anchors on each circle, outer border first [rad]
    given : how many anchors each border has; none: not known, of earlier files
    """

    kind: ClassVar[MorphKind] = "circle"

    anchor_angles: tuple[tuple[float, ...], ...]
    settings: MorphSettings
    given: tuple[int, ...] = ()

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
        prepared, places, given = [], [], []
        for loop in loops:
            on_loop = sample.anchors[np.isin(sample.anchors, loop)]
            turned, at = anchored_loop(sample, loop, on_loop)
            prepared.append(turned)
            places.append(at)
            given.append(len(on_loop))
        stray = sample.anchors[~np.isin(sample.anchors, np.concatenate(loops))]
        if len(stray):
            raise DatasetError(f"{sample.name}: anchor node {int(stray[0])} is not on its border.")
        return CircleMesh(sample.name, triangles, tuple(prepared), tuple(places), tuple(given))

    @classmethod
    def common(
        cls, samples: Sequence[Sample], prepared: Sequence[PreparedMesh], settings: MorphSettings
    ) -> CircleOutline:
        """Anchors go to their mean part of the border's length."""
        meshes = [_circle_mesh(mesh) for mesh in prepared]
        angles = []
        for loop in range(len(meshes[0].loops)):
            other = next((mesh for mesh in meshes if mesh.given[loop] != meshes[0].given[loop]), None)
            if other is not None:
                raise DatasetError(
                    f"{other.name} has {_listed(other.given)} anchors on its borders, outer first; "
                    f"{meshes[0].name} has {_listed(meshes[0].given)}.",
                    remedy="Every sample needs the same anchors on the same borders.",
                )
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
        return cls(tuple(angles), settings, meshes[0].given)

    def morph(self, nodes: Tensor, mesh: PreparedMesh) -> Morph:
        circle = _circle_mesh(mesh)
        if len(circle.loops) != self.loop_count:
            raise DatasetError(
                f"{mesh.name} has {len(circle.loops)} borders; the model was learnt from meshes with {self.loop_count}."
            )
        given = self.given or tuple(map(len, self.anchor_angles))
        if (circle.given if self.given else tuple(map(len, circle.places))) != given:
            raise DatasetError(
                f"{mesh.name} has {_listed(circle.given)} anchors on its border; the model was learnt with "
                f"{_listed(given)}.",
                remedy="Name the anchors of this mesh as in the data.",
            )
        borders = []
        for k, (loop, places, angles) in enumerate(zip(circle.loops, circle.places, self.anchor_angles, strict=True)):
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
            "given": list(self.given),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> CircleOutline:
        angles = tuple(tuple(map(float, each)) for each in values["anchor_angles"])
        settings = MorphSettings(values["weights"], float(values["turning_share"]))
        return cls(angles, settings, tuple(values.get("given", ())))


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


def _listed(counts: tuple[int, ...]) -> str:
    return " and ".join(map(str, counts))


def _circle_mesh(mesh: PreparedMesh) -> CircleMesh:
    if not isinstance(mesh, CircleMesh):
        raise TypeError(f"{mesh.name} was prepared for another morph")
    return mesh
