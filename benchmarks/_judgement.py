"""How near a reconstruction is to what it should be: exact distances, creases, borders and topology.

Distances are measured here with `engine.geometry`, from samples of one surface to the other surface both ways, and not
with what a descent minimised. Creases are judged by points along the sharp edges of both meshes, borders by points
along their open edges.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy.spatial import cKDTree

from engine.core.device import Device
from engine.geometry.distance import TriangleIndex
from engine.geometry.frame import Frame
from engine.geometry.mesh import Mesh
from engine.geometry.sampling import sample_mesh
from engine.geometry.segments import SegmentIndex
from engine.geometry.topology import Topology, boundary_edges, measure_topology
from engine.io.registry import read
from engine.objectives.target import creases

CREASE_ANGLE = 60.0
NEAR, NEAR_CREASE = 0.003, 0.01
"""Within which a sample of a surface, and a point of a crease, counts as found."""
SAMPLES = 60_000


@dataclass(frozen=True)
class Judgement:
    """Distances in the frame where the reference's longest side is 1.8.

    mean : point to surface, both ways
    f1 : of samples within 0.003
    crease_f1 : of points on creases within 0.01; None where the reference has none
    border : mean distance between the borders, both ways; None where one of them has none
    diagonal : of the reference, in the same frame
    topology, expected : of the result and of the reference
    """

    mean: float
    f1: float
    crease_f1: float | None
    border: float | None
    diagonal: float
    topology: Topology
    expected: Topology

    @property
    def closed_as_it_should(self) -> bool:
        """Whether the result is watertight and, where the reference is, too, has as many pieces and handles."""
        found, wanted = self.topology, self.expected
        return found.watertight and (not wanted.watertight or _pieces(found) == _pieces(wanted))

    @property
    def open_as_it_should(self) -> bool:
        """Whether the result is a manifold with as many borders, pieces and handles as the reference."""
        found, wanted = self.topology, self.expected
        same = (found.boundary_loops, *_pieces(found)) == (wanted.boundary_loops, *_pieces(wanted))
        return found.edge_manifold and found.vertex_manifold and same

    def describe_topology(self) -> str:
        found = self.topology
        return f"χ {found.euler_characteristic}, {found.parts} part(s), {found.boundary_loops} border(s)"


def judge(result: Mesh, reference: Mesh) -> Judgement:
    """The result against the reference, both in the frame of the reference."""
    frame = Frame.around(reference.bounds)
    ours, theirs = (welded(replace(m, vertices=frame.to_working(m.vertices))) for m in (result, reference))
    there, back = (
        distances_to(to, sample_mesh(of, SAMPLES, seed)[0])
        for seed, (of, to) in enumerate([(ours, theirs), (theirs, ours)])
    )
    return Judgement(
        mean=float(there.mean() + back.mean()) / 2.0,
        f1=harmonic(float(np.mean(there < NEAR)), float(np.mean(back < NEAR))),
        crease_f1=crease_f1(ours, theirs),
        border=border_distance(ours, theirs),
        diagonal=theirs.diagonal,
        topology=measure_topology(ours.triangles),
        expected=measure_topology(theirs.triangles),
    )


def mesh_of(path: Path) -> Mesh:
    """The mesh of a file."""
    found = read(path)
    assert isinstance(found, Mesh), f"{path} is no mesh"
    return found


def _pieces(topology: Topology) -> tuple[int, int]:
    return topology.parts, topology.euler_characteristic


def crease_f1(result: Mesh, reference: Mesh) -> float | None:
    """F1 of points on the sharp edges of both; None where the reference has none."""
    ours, theirs = crease_points(result), crease_points(reference)
    if not len(theirs):
        return None
    if not len(ours):
        return 0.0
    there, back = cKDTree(theirs).query(ours)[0], cKDTree(ours).query(theirs)[0]
    return harmonic(float(np.mean(there < NEAR_CREASE)), float(np.mean(back < NEAR_CREASE)))


def crease_points(mesh: Mesh) -> np.ndarray:
    """Points along all edges sharper than `CREASE_ANGLE`, shape (n, 3)."""
    return points_along(mesh.vertices[creases(mesh.vertices, mesh.triangles, CREASE_ANGLE)])


def border_distance(result: Mesh, reference: Mesh) -> float | None:
    """Mean distance of points along each border to the other one, exact; None where there is none."""
    ours, theirs = (mesh.vertices[boundary_edges(mesh.triangles)] for mesh in (result, reference))
    if not len(ours) or not len(theirs):
        return None
    means = [
        float(SegmentIndex(torch.from_numpy(to), Device("cpu")).distance(torch.from_numpy(points_along(of))).mean())
        for of, to in ((ours, theirs), (theirs, ours))
    ]
    return sum(means) / 2.0


def points_along(segments: np.ndarray, spacing: float = 0.002) -> np.ndarray:
    """Points in even steps along segments (count, 2, 3), at least one on each, shape (n, 3)."""
    length = np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1)
    counts = np.maximum(1, (length / spacing).astype(np.int64))
    owner = np.repeat(np.arange(len(segments)), counts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    t = ((place + 0.5) / counts[owner])[:, None]
    return (1.0 - t) * segments[owner, 0] + t * segments[owner, 1]


def distances_to(mesh: Mesh, points: np.ndarray) -> np.ndarray:
    return TriangleIndex(mesh.vertices, mesh.triangles, Device("cpu")).closest(points).distances.numpy()


def welded(mesh: Mesh) -> Mesh:
    """Vertices at the same place made one (texture seams and STL files have them apart)."""
    vertices, index = np.unique(mesh.vertices, axis=0, return_inverse=True)
    return replace(mesh, vertices=vertices, triangles=index.reshape(-1)[mesh.triangles].astype(np.int32), fields={})


def harmonic(precision: float, recall: float) -> float:
    return float(2.0 * precision * recall / max(precision + recall, 1e-12))
