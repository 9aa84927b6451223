"""How the triangles of sheets hang together: edges, the faces across them, boundary, orientation.

Any number of sheets, open or closed, wound consistently or not (a Moebius strip bends too). What is no surface, or has
no area, is refused in words that name the place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.core.errors import GeometryError
from engine.geometry.topology import HalfEdges, corner_fans, half_edges, part_labels

SLIVER = 1e-10
"""Area over the square of the longest edge below which a triangle has no height to speak of."""


class SheetError(GeometryError):
    """A sheet that cannot be simulated; it names its place."""

    def __init__(
        self, message: str, place: tuple[int, ...], *, remedy: str = "", repairs: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, place=place, remedy=remedy, repairs=repairs)


@dataclass(frozen=True)
class ShellTopology:
    """Triangles and their edges. Side i of a triangle runs from its corner i to corner i + 1; corner i + 2 is opposite.

    triangles : vertices, shape (face_count, 3), int64
    edges : first and last vertex, in the direction of side `face_edges` of the first face, shape (edge_count, 2)
    edge_faces : first and second face, −1 for none, shape (edge_count, 2)
    face_edges : edge of each side, shape (face_count, 3)
    along : 1 where a side runs along its edge, −1 where against it, shape (face_count, 3)
    side : 1 where the triangle is its edge's first face, −1 where the second, shape (face_count, 3)
    sheet : number of the connected sheet that each triangle belongs to, shape (face_count,)
    """

    triangles: np.ndarray
    edges: np.ndarray
    edge_faces: np.ndarray
    face_edges: np.ndarray
    along: np.ndarray
    side: np.ndarray
    sheet: np.ndarray

    @property
    def face_count(self) -> int:
        return len(self.triangles)

    @property
    def edge_count(self) -> int:
        return len(self.edges)

    @property
    def boundary(self) -> np.ndarray:
        """Which edges have one face, shape (edge_count,)."""
        return np.asarray(self.edge_faces[:, 1] < 0)

    @property
    def closed(self) -> bool:
        return not self.boundary.any()

    @property
    def consistent(self) -> bool:
        """Neighbours run through their common edge in opposite directions: normals are on one side."""
        return not ((self.side < 0) & (self.along > 0)).any()

    @property
    def opposite(self) -> np.ndarray:
        """The vertex across each edge in its first and second face, −1 for none, shape (edge_count, 2)."""
        corners = np.full((self.edge_count, 2), -1, np.int64)
        for i in range(3):
            corners[self.face_edges[:, i], (self.side[:, i] < 0).astype(int)] = self.triangles[:, (i + 2) % 3]
        return corners

    def among(self, first: int) -> ShellTopology:
        """The same where the sheet's vertices are counted from `first` on."""
        return replace(self, triangles=self.triangles + first, edges=self.edges + first)


def shell_topology(triangles: np.ndarray, positions: np.ndarray, *, name: str = "the sheet") -> ShellTopology:
    """Topology of `triangles`, shape (face_count, 3), over rest `positions`, shape (vertex_count, 3) [m].

    Raises `SheetError` for triangles without area, edges with more than two triangles, two triangles on the same three
    vertices, and vertices at which several fans of triangles meet.
    """
    faces = np.asarray(triangles, np.int64).reshape(-1, 3)
    check_triangles(faces, np.asarray(positions, np.float64), name=name)
    halves = half_edges(faces)
    _check_manifold(faces, halves, name)
    # Within an edge, the half-edge of the lower number comes first: the sort by edge need not keep their order.
    first = halves.order[halves.first]
    last = halves.order[halves.first + halves.count - 1]
    double = halves.count == 2
    lead, follow = np.minimum(first, last), np.where(double, np.maximum(first, last), -1)
    edges = np.stack([halves.start[lead], halves.end[lead]], axis=1)
    face_edges = np.empty(3 * len(faces), np.int64)
    along = np.ones(3 * len(faces), np.int64)
    side = np.ones(3 * len(faces), np.int64)
    face_edges[lead] = np.arange(len(edges))
    second = follow[double]
    face_edges[second] = np.flatnonzero(double)
    side[second] = -1
    along[second] = np.where(halves.start[second] == halves.start[lead[double]], 1, -1)
    shape = (-1, 3)
    return ShellTopology(
        triangles=faces,
        edges=edges,
        edge_faces=np.stack([lead // 3, np.where(double, follow // 3, -1)], axis=1),
        face_edges=face_edges.reshape(shape),
        along=along.reshape(shape),
        side=side.reshape(shape),
        sheet=part_labels(faces, halves),
    )


def check_triangles(triangles: np.ndarray, positions: np.ndarray, *, name: str) -> None:
    """Refuse sheets without triangles, vertices that do not exist or are no numbers, and triangles without area."""
    if not len(triangles):
        raise SheetError(f"{name} has no triangles.", ())
    if triangles.min() < 0 or triangles.max() >= len(positions):
        face = int(np.flatnonzero((triangles < 0).any(axis=1) | (triangles >= len(positions)).any(axis=1))[0])
        raise SheetError(f"{name}: triangle {face} refers to a vertex that does not exist.", ())
    used = np.unique(triangles)
    broken = ~np.isfinite(positions[used]).all(axis=1)
    if broken.any():
        vertex = int(used[broken][0])
        raise SheetError(f"{name}: vertex {vertex} has a coordinate that is not a number.", (vertex,))
    sides = positions[triangles[:, [1, 2, 0]]] - positions[triangles]
    area = 0.5 * np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1)
    flat = area <= SLIVER * (sides**2).sum(axis=2).max(axis=1)
    if flat.any():
        face = int(np.flatnonzero(flat)[0])
        corners = tuple(int(vertex) for vertex in triangles[face])
        raise SheetError(
            f"{name}: triangle {face} (vertices {corners[0]}, {corners[1]} and {corners[2]}) has no area.",
            corners,
            remedy="Repair the mesh, or remesh it.",
        )


def _check_manifold(faces: np.ndarray, halves: HalfEdges, name: str) -> None:
    crowded = np.flatnonzero(halves.count > 2)
    if len(crowded):
        half = halves.order[halves.first[crowded[0]]]
        ends = tuple(sorted((int(halves.start[half]), int(halves.end[half]))))
        raise SheetError(
            f"{name}: the edge between vertices {ends[0]} and {ends[1]} has {halves.count[crowded[0]]} triangles; "
            "a sheet has one or two.",
            ends,
            remedy="Split the mesh there, or repair it.",
        )
    order = np.lexsort(np.sort(faces, axis=1).T[::-1])
    ranked = np.sort(faces, axis=1)[order]
    twice = np.flatnonzero((ranked[1:] == ranked[:-1]).all(axis=1))
    if len(twice):
        one, other = sorted((int(order[twice[0]]), int(order[twice[0] + 1])))
        corners = tuple(int(vertex) for vertex in ranked[twice[0]])
        raise SheetError(
            f"{name}: triangles {one} and {other} are the same one twice "
            f"(vertices {corners[0]}, {corners[1]} and {corners[2]}).",
            corners,
            remedy="Remove one of them.",
        )
    fans = corner_fans(halves, *halves.pairs(), len(faces))
    fan_vertices = np.bincount(halves.start[np.unique(fans, return_index=True)[1]])
    if (fan_vertices > 1).any():
        vertex = int(np.flatnonzero(fan_vertices > 1)[0])
        raise SheetError(
            f"{name}: at vertex {vertex} parts of the sheet touch in a point only.",
            (vertex,),
            remedy="Give each part a vertex of its own there.",
        )
