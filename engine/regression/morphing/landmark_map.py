"""Landmarks and radial basis functions in the plane: borders and anchors go to those of one sample, the inside along.

Every border goes to that of the reference by length between anchors. So the leading and the trailing edge of an
aerofoil stay what they are, and a far field that is the same in all samples stays in its place. Parts may have any
number of holes, and anchors inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from engine.regression.data.border import anchored_loop, border_loops, outer_first
from engine.regression.data.checking import describe, topology
from engine.regression.data.dataset import DatasetError, Sample
from engine.regression.morphing.circle_map import facing_up
from engine.regression.morphing.mapping import Morph, MorphKind, MorphSettings, Outline, PreparedMesh, medoid
from engine.regression.morphing.outline_map import shares_along
from engine.regression.morphing.quality import triangle_quality
from engine.regression.morphing.radial_basis import Deformation
from engine.regression.morphing.transfer import Located, locate

MOST_CENTRES = 240
"""Nodes of borders that the inside follows; of longer borders every second one, every third, and so on."""

AT_NODE = 1e-9
"""Parts of a stretch from a node of the border within which a place is that node."""

COMPARED = 40
"""Places along a stretch at which borders of samples are compared."""


@dataclass(frozen=True)
class LandmarkMesh(PreparedMesh):
    """A part in the plane.

    loops : the borders from their first anchor on, outer first
    places : of the anchors in each
    landmarks : anchors inside
    inner : nodes that are on no border
    centres : nodes that the inside follows, by their number among border nodes and then landmarks
    """

    kind: ClassVar[MorphKind] = "landmarks"

    loops: tuple[np.ndarray, ...]
    places: tuple[np.ndarray, ...]
    landmarks: np.ndarray
    inner: np.ndarray
    centres: np.ndarray

    @property
    def held(self) -> np.ndarray:
        """Nodes of the borders, one loop after the other, and landmarks."""
        return np.concatenate([*self.loops, self.landmarks])


@dataclass(frozen=True)
class LandmarkOutline(Outline):
    """Of the sample that is the reference: its name, the positions along its borders from their first anchors on, the
    places of the anchors in them, and its landmarks."""

    kind: ClassVar[MorphKind] = "landmarks"

    reference: str
    loops: tuple[np.ndarray, ...]
    places: tuple[np.ndarray, ...]
    landmarks: np.ndarray
    turning_share: float

    @classmethod
    def prepare(cls, sample: Sample) -> LandmarkMesh:
        found = topology(sample)
        if sample.nodes.shape[1] != 2 or found[0] != 1:
            raise DatasetError(
                f"{sample.name} has {describe(found)} in {sample.nodes.shape[1]} dimensions; landmarks morph one part "
                "in the plane.",
                remedy="Choose another morph.",
            )
        triangles = facing_up(sample)
        loops = _ordered(sample, outer_first(sample.nodes, border_loops(triangles, sample.name)))
        turned, places = [], []
        for loop in loops:
            one, at = anchored_loop(sample, loop, sample.anchors[np.isin(sample.anchors, loop)])
            turned.append(one)
            places.append(at)
        border = np.concatenate(turned)
        landmarks = sample.anchors[~np.isin(sample.anchors, border)]
        inner = np.setdiff1d(np.arange(sample.node_count), np.concatenate([border, landmarks]))
        return LandmarkMesh(
            sample.name, triangles, tuple(turned), tuple(places), landmarks, inner, _centres(turned, places, landmarks)
        )

    @classmethod
    def common(
        cls, samples: Sequence[Sample], prepared: Sequence[PreparedMesh], settings: MorphSettings
    ) -> LandmarkOutline:
        """The reference is the sample whose borders and landmarks are nearest to those of all others."""
        meshes = [_landmark_mesh(mesh) for mesh in prepared]
        outlines = [
            cls(
                sample.name, tuple(sample.nodes[loop] for loop in mesh.loops), mesh.places,
                sample.nodes[mesh.landmarks], settings.turning_share,
            )
            for sample, mesh in zip(samples, meshes, strict=True)
        ]  # fmt: skip
        for mesh in meshes:
            outlines[0]._require_same(mesh)
        return outlines[medoid(np.stack([outline._compared() for outline in outlines]))]

    def morph(self, nodes: Tensor, mesh: PreparedMesh) -> Morph:
        flat = _landmark_mesh(mesh)
        self._require_same(flat)
        goals = [
            self._along(k, shares_along(nodes[torch.from_numpy(loop)], torch.from_numpy(places), self.turning_share))
            for k, (loop, places) in enumerate(zip(flat.loops, flat.places, strict=True))
        ]
        held, to = torch.from_numpy(flat.held), torch.cat([*goals, torch.from_numpy(self.landmarks)])
        chosen = torch.from_numpy(flat.centres)
        deformation = Deformation(nodes[held[chosen]], to[chosen], float(np.ptp(self.loops[0], axis=0).max()))
        inner = torch.from_numpy(flat.inner)
        positions = torch.zeros_like(nodes).index_copy(0, held, to).index_copy(0, inner, deformation(nodes[inner]))
        return Morph(positions, mesh.cells, *triangle_quality(positions.detach().numpy(), mesh.cells))

    def locate(
        self, points: Tensor, nodes: Tensor, cells: np.ndarray, *, of: slice = slice(None), near: Located | None = None
    ) -> Located:
        return locate(points[of], nodes, cells, near=near)

    def to_dict(self) -> dict[str, Any]:
        return {
            "reference": self.reference,
            "turning_share": self.turning_share,
            "places": [places.tolist() for places in self.places],
        }

    def arrays(self) -> dict[str, np.ndarray]:
        return {f"loop {k}": loop for k, loop in enumerate(self.loops)} | {"landmarks": self.landmarks}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> LandmarkOutline:
        places = tuple(np.array(each) for each in values["places"])
        loops = tuple(arrays[f"loop {k}"] for k in range(len(places)))
        return cls(values["reference"], loops, places, arrays["landmarks"], float(values["turning_share"]))

    def _along(self, loop: int, shares: Tensor) -> Tensor:
        """Places of the reference's border so far along it, shape (count, 2); `shares` as `shares_along` gives them.

        Where one is a node of that border, the way on has a bend, and the gradient is the mean of both sides.
        """
        points, places = torch.from_numpy(self.loops[loop]), torch.from_numpy(self.places[loop])
        own = torch.cat([shares_along(points, places, self.turning_share), shares.new_tensor([float(len(places))])])
        closed = torch.cat([points, points[:1]])
        cell = (torch.searchsorted(own, shares.detach(), right=True) - 1).clamp(0, len(points) - 1)
        slopes = (closed[1:] - closed[:-1]) / (own[1:] - own[:-1])[:, None]
        node = (cell + (own[cell + 1] - shares.detach() < shares.detach() - own[cell]).long()) % len(points)
        at_node = ((shares.detach() - own[node]).abs() < AT_NODE) & (node > 0)
        before = torch.where(at_node, node - 1, cell)
        after = torch.where(at_node, node, cell)
        from_here = (shares - own[after])[:, None]
        return closed[after] + from_here * 0.5 * (slopes[before] + slopes[after])

    def _compared(self) -> np.ndarray:
        """Places along all borders, and landmarks, as one row."""
        found = [
            self._along(k, torch.arange(len(places) * COMPARED, dtype=torch.float64) / COMPARED).numpy()
            for k, places in enumerate(self.places)
        ]
        return np.concatenate([*found, self.landmarks]).ravel()

    def _require_same(self, mesh: LandmarkMesh) -> None:
        here, there = [len(each) for each in mesh.places], [len(each) for each in self.places]
        if len(here) != len(there):
            raise DatasetError(f"{mesh.name} has {len(here)} borders; {self.reference} has {len(there)}.")
        if here != there or len(mesh.landmarks) != len(self.landmarks):
            raise DatasetError(
                f"{mesh.name} has {_said(here, len(mesh.landmarks))}; {self.reference} has "
                f"{_said(there, len(self.landmarks))}.",
                remedy="Name the same anchors in every sample.",
            )


def _ordered(sample: Sample, loops: list[np.ndarray]) -> list[np.ndarray]:
    """The outer border, then holes in the order of their anchors; raises `DatasetError` where holes cannot be told from
    one another."""
    first = [np.flatnonzero(np.isin(sample.anchors, loop)) for loop in loops[1:]]
    nameless = sum(not len(each) for each in first)
    if nameless > 1:
        raise DatasetError(
            f"{sample.name}: {nameless} of its holes have no anchor, so nobody knows which is which.",
            remedy="Name an anchor on every hole.",
        )
    order = sorted(range(len(first)), key=lambda k: int(first[k][0]) if len(first[k]) else len(sample.anchors))
    return [loops[0], *(loops[1 + k] for k in order)]


def _centres(loops: list[np.ndarray], places: list[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
    step = -(-sum(map(len, loops)) // MOST_CENTRES)
    chosen, begin = [], 0
    for loop, at in zip(loops, places, strict=True):
        chosen.append(begin + np.union1d(np.arange(0, len(loop), step), at))
        begin += len(loop)
    return np.concatenate([*chosen, begin + np.arange(len(landmarks))])


def _said(anchors: list[int], inside: int) -> str:
    return f"{', '.join(map(str, anchors))} anchors on its borders and {inside} inside"


def _landmark_mesh(mesh: PreparedMesh) -> LandmarkMesh:
    if not isinstance(mesh, LandmarkMesh):
        raise TypeError(f"{mesh.name} was prepared for another morph")
    return mesh
