"""Closed surfaces without holes onto the unit sphere, with three anchors or more.

The triangles round the first anchor are taken out; what is left is a disk and goes into the plane by a convex map, the
nodes round the anchor on a circle. A circle that small hardly bends the map, so it is nearly that of the whole surface
without the anchor, which lies at infinity. The plane map is moved, turned and scaled so that the other anchors go where
they belong, two of them exactly, more as near as can be, and comes to the sphere by stereographic projection with the
first anchor at its north pole. What more than three anchors still want is done by a deformation (`radial_basis`).

With harmonic weights the map is nearly conformal and the same whatever the mesh (Haker et al., Conformal surface
parameterization for texture mapping, 2000, have the pole in a triangle).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from scipy.optimize import least_squares
from torch import Tensor

from engine.regression.data.checking import describe, topology
from engine.regression.data.dataset import DatasetError, Sample
from engine.regression.morphing.convex_map import Neighbours, Weights, find_neighbours, mapped
from engine.regression.morphing.mapping import Morph, MorphKind, MorphSettings, Outline, PreparedMesh
from engine.regression.morphing.quality import triangle_quality
from engine.regression.morphing.radial_basis import Deformation
from engine.regression.morphing.simplex_location import locate_on_sphere
from engine.regression.morphing.transfer import Located

NORTH = np.array([[0.0, 0.0, 1.0]])
LEAST_ANCHORS = 3
CLOSED = (1, 2, 0)
"""Topology of a closed surface without holes: parts, Euler number, borders."""


@dataclass(frozen=True)
class SphereMesh(PreparedMesh):
    """A closed surface, its triangles outward.

    anchors : nodes, three at least; the first is the pole
    ring : nodes round the pole, counter-clockwise seen from outside
    """

    kind: ClassVar[MorphKind] = "sphere"

    anchors: np.ndarray
    ring: np.ndarray

    @cached_property
    def neighbours(self) -> Neighbours:
        """In the surface without its pole, whose number the last node takes."""
        pole = int(self.anchors[0])
        left = self.cells[(self.cells != pole).all(axis=1)]
        return find_neighbours(_without(left, pole), _without(self.ring, pole), int(self.cells.max()))


@dataclass(frozen=True)
class SphereOutline(Outline):
    """anchors : where they go in the plane, which the sphere is projected to from its north pole, all but the first:
    complex, shape (anchor_count − 1,)
    places : where all go on the sphere, shape (anchor_count, 3)
    """

    kind: ClassVar[MorphKind] = "sphere"

    anchors: np.ndarray
    places: np.ndarray
    weights: Weights

    @classmethod
    def prepare(cls, sample: Sample) -> SphereMesh:
        return prepare_closed(sample.name, sample.nodes, sample.triangles, topology(sample), sample.anchors)

    @classmethod
    def common(
        cls, samples: Sequence[Sample], prepared: Sequence[PreparedMesh], settings: MorphSettings
    ) -> SphereOutline:
        """Anchors go where they are on average when every surface is spread evenly over the sphere."""
        meshes = [_closed(mesh) for mesh in prepared]
        for mesh in meshes:
            _require_anchors(mesh, len(meshes[0].anchors), meshes[0].name)
        with torch.no_grad():
            planes = [
                _in_the_plane(torch.from_numpy(sample.nodes), mesh, settings.weights)
                for sample, mesh in zip(samples, meshes, strict=True)
            ]
        places = [
            _balanced(plane.numpy(), mesh, sample.nodes)
            for plane, mesh, sample in zip(planes, meshes, samples, strict=True)
        ]
        anchors = np.mean(places, axis=0)
        plane = torch.from_numpy(np.stack([anchors.real, anchors.imag], axis=1))
        return cls(anchors, np.concatenate([NORTH, _projected(plane).numpy()]), settings.weights)

    def morph(self, nodes: Tensor, mesh: PreparedMesh) -> Morph:
        closed = _closed(mesh)
        _require_anchors(closed, len(self.places), "what was learnt from")
        positions = self._placed(_in_the_plane(nodes, closed, self.weights), closed)
        if len(self.places) > LEAST_ANCHORS:
            goals = torch.from_numpy(self.places)
            bent = Deformation(positions[torch.from_numpy(closed.anchors)], goals, 1.0, linear=False)(positions)
            positions = bent / bent.norm(dim=1, keepdim=True)
        at = positions.detach().numpy()
        return Morph(positions, mesh.cells, *triangle_quality(at, mesh.cells, at[mesh.cells].mean(axis=1)))

    def locate(
        self, points: Tensor, nodes: Tensor, cells: np.ndarray, *, of: slice = slice(None), near: Located | None = None
    ) -> Located:
        return locate_on_sphere(points[of], nodes, cells)

    def to_dict(self) -> dict[str, Any]:
        return {"weights": self.weights}

    def arrays(self) -> dict[str, np.ndarray]:
        return {"anchors": np.stack([self.anchors.real, self.anchors.imag], axis=1), "places": self.places}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> SphereOutline:
        return cls(arrays["anchors"] @ np.array([1.0, 1j]), arrays["places"], values["weights"])

    def _placed(self, plane: Tensor, mesh: SphereMesh) -> Tensor:
        """The plane map on the sphere: moved, turned and scaled so that anchors are as near to their places as can be,
        by what a distance there is on the sphere."""
        z, goals = torch.view_as_complex(plane.contiguous()), torch.from_numpy(self.anchors)
        at = z[torch.from_numpy(_without(mesh.anchors[1:], mesh.anchors[0]))]
        weights = (1.0 + goals.abs().square()) ** -2
        weights = weights / weights.sum()
        centre, goal = (weights * at).sum(), (weights * goals).sum()
        turn = (weights * (at - centre).conj() * (goals - goal)).sum() / (weights * (at - centre).abs().square()).sum()
        sphere = _projected(torch.view_as_real(goal + (z - centre) * turn))
        pole = int(mesh.anchors[0])
        return torch.cat([sphere[:pole], torch.from_numpy(NORTH), sphere[pole:]])


def prepare_closed(
    name: str, nodes: np.ndarray, triangles: np.ndarray, found: tuple[int, int, int], anchors: np.ndarray
) -> SphereMesh:
    """Look at a closed surface once.

    found : its topology
    anchors : on it, three at least

    Raises `DatasetError` for another topology, for triangles that are not wound alike and for too few anchors.
    """
    if found != CLOSED or nodes.shape[1] != 3:
        raise DatasetError(
            f"{name} has {describe(found)}; only a closed surface without holes can be morphed onto a sphere.",
            remedy="Close its surface, or choose another morph.",
        )
    if len(anchors) < LEAST_ANCHORS:
        raise DatasetError(
            f"{name} has {len(anchors)} anchors on its surface; a closed surface needs {LEAST_ANCHORS} at least.",
            remedy="Name three nodes that mean the same in every sample, far from one another.",
        )
    heads, tails = triangles.ravel().astype(np.int64), triangles[:, [1, 2, 0]].ravel().astype(np.int64)
    if len(np.unique(heads * len(nodes) + tails)) < len(heads):
        raise DatasetError(f"{name}: its triangles are not wound alike.", remedy="Repair its mesh.")
    a, b, c = (nodes[triangles[:, k]] for k in range(3))
    outward = triangles if (np.cross(a, b) * c).sum() > 0.0 else triangles[:, ::-1]
    return SphereMesh(name, outward, anchors, _ring(outward, int(anchors[0])))


def _ring(triangles: np.ndarray, pole: int) -> np.ndarray:
    """Nodes round a node in the order in which triangles follow."""
    rows, corner = np.nonzero(triangles == pole)
    following = dict(
        zip(triangles[rows, (corner + 1) % 3].tolist(), triangles[rows, (corner + 2) % 3].tolist(), strict=True)
    )
    ring = [int(triangles[rows[0], (corner[0] + 1) % 3])]
    while (node := following[ring[-1]]) != ring[0]:
        ring.append(node)
    return np.array(ring)


def _in_the_plane(nodes: Tensor, mesh: SphereMesh, weights: Weights) -> Tensor:
    """All nodes but the pole, shape (node_count − 1, 2), the nodes round the pole on the unit circle."""
    pole = int(mesh.anchors[0])
    spokes = nodes[torch.from_numpy(mesh.ring)] - nodes[pole]
    following = spokes.roll(-1, 0)
    cross = torch.linalg.cross(spokes, following).norm(dim=1)
    turn = torch.atan2(cross, (spokes * following).sum(1))
    before = torch.cat([turn.new_zeros(1), turn.cumsum(0)[:-1]])
    # Seen from inside, which is how the plane sees the sphere, the ring runs clockwise.
    angle = -2.0 * math.pi * before / turn.sum()
    circle = torch.stack([angle.cos(), angle.sin()], dim=1)
    left = torch.cat([nodes[:pole], nodes[pole + 1 :]])
    return mapped(left, circle, mesh.neighbours, weights)


def _projected(plane: Tensor) -> Tensor:
    """Stereographic projection from the north pole to the sphere, shape (count, 3); what the plane sees
    counter-clockwise is outward."""
    square = plane.square().sum(1)
    return torch.stack([2.0 * plane[:, 0], -2.0 * plane[:, 1], square - 1.0], dim=1) / (1.0 + square)[:, None]


def _balanced(plane: np.ndarray, mesh: SphereMesh, nodes: np.ndarray) -> np.ndarray:
    """Where the anchors but the first come to lie when the plane map is moved and scaled so that the surface's area is
    balanced on the sphere; turned so that the first of these is real."""
    corners = nodes[mesh.cells]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    total = np.bincount(mesh.cells.ravel(), np.repeat(area, 3), minlength=len(nodes))
    share = total / total.sum()
    pole = int(mesh.anchors[0])
    share, polar = np.delete(share, pole), share[pole]
    z = plane[:, 0] + 1j * plane[:, 1]
    middle = np.sum(share * z)
    z = (z - middle) / np.sqrt(np.sum(share * np.abs(z - middle) ** 2))

    def centre(moved: np.ndarray) -> np.ndarray:
        w = np.exp(moved[0]) * z + moved[1] + 1j * moved[2]
        square = np.abs(w) ** 2
        height = share @ ((square - 1.0) / (1.0 + square)) + polar
        across = 2.0 * np.sum(share * w / (1.0 + square))
        return np.array([across.real, across.imag, height])

    scale, right, up = least_squares(centre, np.zeros(3)).x
    anchors = np.exp(scale) * z[_without(mesh.anchors[1:], pole)] + right + 1j * up
    return np.asarray(anchors * abs(anchors[0]) / anchors[0])


def _without(nodes: np.ndarray, pole: int) -> np.ndarray:
    """Numbers of nodes once the pole is taken out."""
    return np.asarray(nodes) - (np.asarray(nodes) > pole)


def _require_anchors(mesh: SphereMesh, count: int, whose: str) -> None:
    if len(mesh.anchors) != count:
        raise DatasetError(
            f"{mesh.name} has {len(mesh.anchors)} anchors on its surface; {whose} has {count}.",
            remedy="Name the same anchors in every sample.",
        )


def _closed(mesh: PreparedMesh) -> SphereMesh:
    if not isinstance(mesh, SphereMesh):
        raise TypeError(f"{mesh.name} was prepared for another morph")
    return mesh
