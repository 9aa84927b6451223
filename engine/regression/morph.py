"""Morphing: every sample's mesh onto one plane shape, one-to-one and differentiable in its nodes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.regression.border import anchored_loop, border_loops, outer_first
from engine.regression.checking import describe, topology
from engine.regression.convex_map import (
    Neighbours,
    convex_map,
    find_neighbours,
    mean_value_weights,
    uniform_weights,
)
from engine.regression.dataset import DatasetError, Sample
from engine.regression.outline_map import circle_positions, stretch_lengths

INNER_RADIUS = 0.4
"""Of the hole of a ring on the common shape, whose outside has radius 1."""


@dataclass(frozen=True)
class MorphSettings:
    """How meshes are mapped.

    weights : of the map: "mean-value" keeps angles well, "uniform" looks at the connections alone
    turning_share : see `circle_positions`
    """

    weights: Literal["mean-value", "uniform"] = "mean-value"
    turning_share: float = 0.0


@dataclass(frozen=True)
class Outline:
    """Where the borders go: the same for all samples.

    anchor_angles : of the anchors on each circle, outer border first [rad]
    settings : of the map
    """

    anchor_angles: tuple[tuple[float, ...], ...]
    settings: MorphSettings

    @property
    def loop_count(self) -> int:
        return len(self.anchor_angles)

    def to_dict(self) -> dict[str, Any]:
        return {
            "anchor_angles": [list(angles) for angles in self.anchor_angles],
            "weights": self.settings.weights,
            "turning_share": self.settings.turning_share,
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Outline:
        angles = tuple(tuple(map(float, each)) for each in values["anchor_angles"])
        return Outline(angles, MorphSettings(values["weights"], float(values["turning_share"])))


@dataclass(frozen=True)
class Morph:
    """A mesh on the common shape.

    positions : of its nodes, shape (node_count, 2), with the graph of the nodes
    triangles : shape (triangle_count, 3)
    flipped : triangles that lie upside down
    worst_angle : smallest angle of any triangle [degrees]; negative where one is upside down
    """

    positions: Tensor
    triangles: np.ndarray
    flipped: int
    worst_angle: float


@dataclass(frozen=True)
class PreparedMesh:
    """What can be found out about a mesh once, whatever its nodes do later.

    loops : the borders from their first anchor on, outer first
    places : of the anchors in each
    neighbours : for the map
    """

    name: str
    triangles: np.ndarray
    loops: tuple[np.ndarray, ...]
    places: tuple[np.ndarray, ...]

    @cached_property
    def neighbours(self) -> Neighbours:
        return find_neighbours(self.triangles, np.concatenate(self.loops), int(self.triangles.max()) + 1)


def prepare_mesh(sample: Sample) -> PreparedMesh:
    """Look at the borders and anchors; raises `DatasetError` for a mesh that is neither a disk nor a ring."""
    found = topology(sample)
    if found[0] != 1 or (found[1], found[2]) not in ((1, 1), (0, 2)):
        raise DatasetError(
            f"{sample.name} has {describe(found)}; only a disk or a ring can be morphed.",
            remedy="Give samples without holes or with one.",
        )
    loops = outer_first(sample.nodes, border_loops(_facing_up(sample)))
    prepared, places = [], []
    for loop in loops:
        on_loop = sample.anchors[np.isin(sample.anchors, loop)]
        turned, at = anchored_loop(sample, loop, on_loop)
        prepared.append(turned)
        places.append(at)
    stray = sample.anchors[~np.isin(sample.anchors, np.concatenate(loops))]
    if len(stray):
        raise DatasetError(f"{sample.name}: anchor node {int(stray[0])} is not on its border.")
    return PreparedMesh(sample.name, _facing_up(sample), tuple(prepared), tuple(places))


def common_outline(samples: Sequence[Sample], prepared: Sequence[PreparedMesh], settings: MorphSettings) -> Outline:
    """The outline that suits these samples: anchors at their mean part of the border's length."""
    angles = []
    for loop in range(len(prepared[0].loops)):
        counts = {len(mesh.places[loop]) for mesh in prepared}
        if len(counts) > 1:
            raise DatasetError("Anchors lie on the outer border in some samples and on the inner one in others.")
        parts = torch.stack(
            [
                stretch_lengths(torch.from_numpy(sample.nodes[mesh.loops[loop]]), torch.from_numpy(mesh.places[loop]))
                for sample, mesh in zip(samples, prepared, strict=True)
            ]
        )
        mean = (parts / parts.sum(1, keepdim=True)).mean(0)
        # An inner border runs clockwise, for the triangles are on its left.
        turn = 2.0 * math.pi if loop == 0 else -2.0 * math.pi
        before = torch.cat([mean.new_zeros(1), mean.cumsum(0)[:-1]])
        angles.append(tuple((turn * before).tolist()))
    return Outline(tuple(angles), settings)


def morph(nodes: Tensor, mesh: PreparedMesh, outline: Outline) -> Morph:
    """Map a mesh with its nodes at `nodes`, shape (node_count, 2 or 3), float64; differentiable."""
    if len(mesh.loops) != outline.loop_count:
        raise DatasetError(
            f"{mesh.name} has {len(mesh.loops)} borders; the model was learnt from meshes with {outline.loop_count}."
        )
    borders = []
    for k, (loop, places, angles) in enumerate(zip(mesh.loops, mesh.places, outline.anchor_angles, strict=True)):
        if len(places) != len(angles):
            raise DatasetError(
                f"{mesh.name} has {len(places)} anchors on its border; the model was learnt with {len(angles)}.",
                remedy="Name the anchors of this mesh as in the data.",
            )
        borders.append(
            circle_positions(
                nodes[torch.from_numpy(loop)], torch.from_numpy(places), torch.tensor(angles, dtype=nodes.dtype),
                radius=1.0 if k == 0 else INNER_RADIUS, turning_share=outline.settings.turning_share,
                clockwise=k > 0,
            )
        )  # fmt: skip
    weigh = mean_value_weights if outline.settings.weights == "mean-value" else uniform_weights
    neighbours = mesh.neighbours
    positions = convex_map(weigh(nodes, neighbours), torch.cat(borders), neighbours)
    flipped, worst = _quality(positions.detach().numpy(), mesh.triangles)
    return Morph(positions, mesh.triangles, flipped, worst)


def _facing_up(sample: Sample) -> np.ndarray:
    """Triangles counter-clockwise in the plane; in space as they are."""
    triangles = sample.triangles
    if sample.nodes.shape[1] == 3:
        return triangles
    a, b, c = (sample.nodes[triangles[:, k]] for k in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    if not (area != 0).all():
        raise DatasetError(f"{sample.name}: triangle {int(np.flatnonzero(area == 0)[0])} has no area.")
    return np.where((area > 0)[:, None], triangles, triangles[:, ::-1])


def _quality(positions: np.ndarray, triangles: np.ndarray) -> tuple[int, float]:
    corners = positions[triangles]
    forth = corners[:, [1, 2, 0]] - corners
    back = corners[:, [2, 0, 1]] - corners
    cross = forth[..., 0] * back[..., 1] - forth[..., 1] * back[..., 0]
    angles = np.degrees(np.arctan2(cross, (forth * back).sum(-1)))
    return int((cross[:, 0] <= 0).sum()), float(angles.min())
