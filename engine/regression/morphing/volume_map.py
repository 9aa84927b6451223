"""Volumes of tetrahedra: the border goes to that of one sample, the inside along by radial basis functions.

Borders that are closed surfaces with three anchors are matched by way of the sphere (`sphere_map`). Of other volumes
anchors alone are matched, four at least; then borders meet as well as the anchors make them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from engine.regression.data.border import positive
from engine.regression.data.checking import topology
from engine.regression.data.dataset import DatasetError, Sample
from engine.regression.morphing.mapping import Morph, MorphKind, MorphSettings, Outline, PreparedMesh, medoid
from engine.regression.morphing.quality import tetrahedron_quality
from engine.regression.morphing.radial_basis import Deformation
from engine.regression.morphing.simplex_location import locate_in_volume, locate_on_sphere
from engine.regression.morphing.sphere_map import CLOSED, LEAST_ANCHORS, SphereMesh, SphereOutline, prepare_closed
from engine.regression.morphing.transfer import Located

MOST_CENTRES = 300
"""Nodes of the border that the inside follows."""

LEAST_LANDMARKS = 4
"""That span the space, where anchors alone are matched."""


@dataclass(frozen=True)
class VolumeMesh(PreparedMesh):
    """A volume, its tetrahedra positive.

    border : nodes of the border that are matched; none where anchors alone are
    surface : the border as a mesh over these nodes; None where anchors alone are matched
    landmarks : anchors that are not among the border's
    inner : nodes that are neither
    centres : nodes that the inside follows, by their number among border and then landmarks
    """

    kind: ClassVar[MorphKind] = "volume"

    border: np.ndarray
    surface: SphereMesh | None
    landmarks: np.ndarray
    inner: np.ndarray
    centres: np.ndarray


@dataclass(frozen=True)
class VolumeOutline(Outline):
    """Of the sample that is the reference.

    sphere : how borders are matched; None where anchors alone are
    nodes, triangles, positions : of its border, and where it is on the sphere
    landmarks : positions, shape (landmark_count, 3)
    """

    kind: ClassVar[MorphKind] = "volume"

    reference: str
    sphere: SphereOutline | None
    nodes: np.ndarray
    triangles: np.ndarray
    positions: np.ndarray
    landmarks: np.ndarray

    @classmethod
    def prepare(cls, sample: Sample) -> VolumeMesh:
        if not len(sample.tetrahedra):
            raise DatasetError(f"{sample.name} has no tetrahedra; this morph is for volumes.")
        tetrahedra = positive(sample.nodes, sample.tetrahedra)
        border = np.unique(sample.triangles)
        on_border = np.isin(sample.anchors, border)
        if topology(sample) == CLOSED and on_border.sum() >= LEAST_ANCHORS:
            surface = prepare_closed(
                sample.name, sample.nodes[border], np.searchsorted(border, sample.triangles), CLOSED,
                np.searchsorted(border, sample.anchors[on_border]),
            )  # fmt: skip
            landmarks = sample.anchors[~on_border]
        else:
            surface, border, landmarks = None, border[:0], sample.anchors
            _require_spanning(sample)
        held = np.concatenate([border, landmarks])
        chosen = [] if surface is None else [_spread(sample.nodes[border], surface.anchors)]
        centres = np.concatenate([*chosen, len(border) + np.arange(len(landmarks))])
        inner = np.setdiff1d(np.arange(sample.node_count), held)
        return VolumeMesh(sample.name, tetrahedra, border, surface, landmarks, inner, centres)

    @classmethod
    def common(
        cls, samples: Sequence[Sample], prepared: Sequence[PreparedMesh], settings: MorphSettings
    ) -> VolumeOutline:
        """The reference is the sample whose border and landmarks are nearest to those of all others."""
        meshes = [_volume_mesh(mesh) for mesh in prepared]
        landmarks = [sample.nodes[mesh.landmarks] for sample, mesh in zip(samples, meshes, strict=True)]
        none = np.zeros((0, 3))
        first = cls(meshes[0].name, None, none, np.zeros((0, 3), np.int64), none, landmarks[0])
        surfaces = [mesh.surface for mesh in meshes if mesh.surface is not None]
        if not surfaces:
            for mesh in meshes:
                first._require_same(mesh)
            nearest = medoid(np.stack([each.ravel() for each in landmarks]))
            return replace(first, reference=meshes[nearest].name, landmarks=landmarks[nearest])
        if len(surfaces) < len(meshes):
            odd = next(mesh for mesh in meshes if mesh.surface is None)
            raise DatasetError(
                f"{odd.name} has no closed border with {LEAST_ANCHORS} anchors, unlike others.",
                remedy="Give samples of one topology with the same anchors.",
            )
        borders = [
            replace(sample, nodes=sample.nodes[mesh.border], fields={}, tetrahedra=np.zeros((0, 4), np.int32))
            for sample, mesh in zip(samples, meshes, strict=True)
        ]
        sphere = SphereOutline.common(borders, surfaces, settings)
        with torch.no_grad():
            places = [
                sphere.morph(torch.from_numpy(border.nodes), surface).positions
                for border, surface in zip(borders, surfaces, strict=True)
            ]
            seen = [
                locate_on_sphere(places[0], place, surface.cells).interpolate(torch.from_numpy(border.nodes)).numpy()
                for border, surface, place in zip(borders, surfaces, places, strict=True)
            ]
        nearest = medoid(np.stack([np.append(s, each) for s, each in zip(seen, landmarks, strict=True)]))
        found = cls(
            meshes[nearest].name, sphere, borders[nearest].nodes, surfaces[nearest].cells, places[nearest].numpy(),
            landmarks[nearest],
        )  # fmt: skip
        for mesh in meshes:
            found._require_same(mesh)
        return found

    def morph(self, nodes: Tensor, mesh: PreparedMesh) -> Morph:
        volume = _volume_mesh(mesh)
        self._require_same(volume)
        goals = torch.from_numpy(self.landmarks)
        if self.sphere is not None and volume.surface is not None:
            on_sphere = self.sphere.morph(nodes[torch.from_numpy(volume.border)], volume.surface).positions
            there = locate_on_sphere(on_sphere, torch.from_numpy(self.positions), self.triangles)
            goals = torch.cat([there.interpolate(torch.from_numpy(self.nodes)), goals])
        held = torch.from_numpy(np.concatenate([volume.border, volume.landmarks]))
        chosen = torch.from_numpy(volume.centres)
        reach = np.concatenate([self.nodes, self.landmarks])
        deformation = Deformation(nodes[held[chosen]], goals[chosen], float(np.ptp(reach, axis=0).max()))
        inner = torch.from_numpy(volume.inner)
        positions = torch.zeros_like(nodes).index_copy(0, held, goals).index_copy(0, inner, deformation(nodes[inner]))
        return Morph(positions, mesh.cells, *tetrahedron_quality(positions.detach().numpy(), mesh.cells))

    def locate(
        self, points: Tensor, nodes: Tensor, cells: np.ndarray, *, of: slice = slice(None), near: Located | None = None
    ) -> Located:
        return locate_in_volume(points[of], nodes, cells)

    def to_dict(self) -> dict[str, Any]:
        return {"reference": self.reference, "sphere": None if self.sphere is None else self.sphere.to_dict()}

    def arrays(self) -> dict[str, np.ndarray]:
        sphere = {} if self.sphere is None else self.sphere.arrays()
        return {
            "nodes": self.nodes, "triangles": self.triangles, "positions": self.positions, "landmarks": self.landmarks,
            **{f"sphere.{name}": array for name, array in sphere.items()},
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> VolumeOutline:
        sphere = None
        if values["sphere"] is not None:
            own = {name.removeprefix("sphere."): array for name, array in arrays.items() if name.startswith("sphere.")}
            sphere = SphereOutline.from_dict(values["sphere"], own)
        return cls(
            values["reference"], sphere, *(arrays[name] for name in ("nodes", "triangles", "positions", "landmarks"))
        )

    def _require_same(self, mesh: VolumeMesh) -> None:
        if (self.sphere is None) != (mesh.surface is None):
            raise DatasetError(
                f"{mesh.name} has {'no ' if mesh.surface is None else 'a '}closed border with {LEAST_ANCHORS} anchors, "
                f"unlike {self.reference}.",
                remedy="Give volumes of one topology with the same anchors.",
            )
        if len(mesh.landmarks) != len(self.landmarks):
            raise DatasetError(
                f"{mesh.name} has {len(mesh.landmarks)} landmarks; {self.reference} has {len(self.landmarks)}.",
                remedy="Name the same anchors in every sample.",
            )


def _require_spanning(sample: Sample) -> None:
    points = sample.nodes[sample.anchors]
    size = float(np.ptp(sample.nodes, axis=0).max())
    flat = len(points) < LEAST_LANDMARKS or np.linalg.svd(points - points.mean(0), compute_uv=False)[2] < 1e-6 * size
    if flat:
        raise DatasetError(
            f"{sample.name} has {len(points)} anchors that do not span the space; a volume needs {LEAST_ANCHORS} on a "
            f"closed border, or {LEAST_LANDMARKS} that are not in one plane.",
            remedy="Name more anchors, the same in every sample.",
        )


def _spread(points: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Indices of points far from one another, `first` among them, at most `MOST_CENTRES`."""
    if len(points) <= MOST_CENTRES:
        return np.arange(len(points))
    chosen = list(map(int, first))
    apart = np.min([np.linalg.norm(points - points[k], axis=1) for k in chosen], axis=0)
    while len(chosen) < MOST_CENTRES:
        chosen.append(int(np.argmax(apart)))
        apart = np.minimum(apart, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.array(chosen)


def _volume_mesh(mesh: PreparedMesh) -> VolumeMesh:
    if not isinstance(mesh, VolumeMesh):
        raise TypeError(f"{mesh.name} was prepared for another morph")
    return mesh
