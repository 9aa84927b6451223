"""A tetrahedral mesh as plain arrays: volumes, dihedral angles, and the surface that bounds it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.core.errors import GeometryError

FLAT = 1e-9
"""Volume over the cube of the longest edge below which a tetrahedron has no height to speak of."""

FACES = ((0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3))
"""Corners of the four faces of a tetrahedron of positive volume, counter-clockwise from outside."""


@dataclass(frozen=True)
class TetMesh:
    """Tetrahedra over vertices.

    vertices : positions, shape (vertex_count, 3), float64, any unit of length
    tets : vertex indices, shape (tet_count, 4), int64; the fourth is on the side of the first three's normal
    name : for messages
    unit : unit that a file takes where none is said; lengths are millimetres where the unit matters
    shift : what was taken away from the coordinates [mm], and is given back when the mesh is written

    Raises `GeometryError` for a tetrahedron that is inverted or flat, names a vertex twice or one that is not there;
    its `place` are its vertices.
    """

    vertices: np.ndarray
    tets: np.ndarray
    name: str = "body"
    unit: str = "mm"
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertices", np.ascontiguousarray(self.vertices, np.float64).reshape(-1, 3))
        object.__setattr__(self, "tets", np.ascontiguousarray(self.tets, np.int64).reshape(-1, 4))
        if not len(self.tets):
            raise GeometryError(f"{self.name} is empty: it has no tetrahedra.")
        if self.tets.min() < 0 or self.tets.max() >= len(self.vertices):
            raise GeometryError(f"{self.name}: a tetrahedron refers to a vertex that does not exist.")
        lost = ~np.isfinite(self.vertices).all(axis=1)
        if lost.any():
            bad = int(np.flatnonzero(lost)[0])
            raise GeometryError(f"{self.name}: vertex {bad} has a coordinate that is not a number.", place=(bad,))
        refuse_inverted(self.vertices, self.tets, self.name)

    @property
    def vertex_count(self) -> int:
        return len(self.vertices)

    @property
    def tet_count(self) -> int:
        return len(self.tets)

    @property
    def bounds(self) -> np.ndarray:
        """Lowest and highest corner of the bounding box, shape (2, 3)."""
        return np.stack([self.vertices.min(axis=0), self.vertices.max(axis=0)])

    @property
    def diagonal(self) -> float:
        """Length of the bounding box's diagonal."""
        return float(np.linalg.norm(self.bounds[1] - self.bounds[0]))

    @cached_property
    def volumes(self) -> np.ndarray:
        """Volume of each tetrahedron, shape (tet_count,)."""
        return tet_volumes(self.vertices, self.tets)

    @cached_property
    def surface(self) -> np.ndarray:
        """Triangles that bound the body, wound outwards, shape (triangle_count, 3), int64."""
        return boundary_triangles(self.tets)

    @cached_property
    def dihedral_angles(self) -> np.ndarray:
        """The six angles between faces of each tetrahedron [degrees], shape (tet_count, 6)."""
        return dihedral_angles(self.vertices, self.tets)

    @property
    def smallest_dihedral(self) -> float:
        """The smallest of all dihedral angles [degrees]; 70.5 in a regular tetrahedron."""
        return float(self.dihedral_angles.min())


def turned(vertices: np.ndarray, tets: np.ndarray, name: str) -> TetMesh:
    """A mesh whose tetrahedra may be numbered either way round."""
    negative = tet_volumes(vertices, tets) < 0.0
    tets = tets.copy()
    tets[negative] = tets[negative][:, [0, 2, 1, 3]]
    return TetMesh(vertices, tets, name)


def tet_volumes(vertices: np.ndarray, tets: np.ndarray) -> np.ndarray:
    """Signed volume of each tetrahedron, shape (tet_count,)."""
    a, b, c, d = vertices[np.asarray(tets)].transpose(1, 0, 2)
    return np.asarray(np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a) / 6.0)


def refuse_inverted(vertices: np.ndarray, tets: np.ndarray, name: str) -> None:
    """Raise `GeometryError` for the first tetrahedron without a positive volume."""
    volumes = tet_volumes(vertices, tets)
    corners = vertices[tets]
    longest = np.linalg.norm(corners[:, :, None] - corners[:, None], axis=-1).max(axis=(1, 2))
    bad = np.flatnonzero(~(volumes > FLAT * longest**3))
    if not len(bad):
        return
    tet = int(bad[0])
    place = tuple(int(vertex) for vertex in tets[tet])
    kind = "is inverted" if volumes[tet] < -FLAT * longest[tet] ** 3 else "has no volume"
    more = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
    raise GeometryError(
        f"{name}: tetrahedron {tet} (vertices {', '.join(map(str, place))}) {kind}{more}.",
        place=place,
        remedy="Move its vertices, or make the mesh anew.",
    )


def boundary_triangles(tets: np.ndarray) -> np.ndarray:
    """Faces of one tetrahedron alone, wound outwards, shape (triangle_count, 3)."""
    return np.asarray(np.asarray(tets)[:, FACES].reshape(-1, 3)[boundary_faces(tets)])


def boundary_faces(tets: np.ndarray) -> np.ndarray:
    """Numbers of the faces of one tetrahedron alone, ascending; each tetrahedron has four numbers, in its order."""
    corners = np.sort(np.asarray(tets)[:, FACES].reshape(-1, 3), axis=1).astype(np.int64)
    count = int(corners.max()) + 1
    # Along a single number, as long as it fits, numpy sorts several times faster.
    key = (corners[:, 0] * count + corners[:, 1]) * count + corners[:, 2] if count < 2**21 else corners
    _, first, counts = np.unique(key, axis=0, return_index=True, return_counts=True)
    return np.sort(first[counts == 1])


def dihedral_angles(vertices: np.ndarray, tets: np.ndarray) -> np.ndarray:
    """The six inner angles between faces of each tetrahedron [degrees], shape (tet_count, 6)."""
    corners = vertices[np.asarray(tets)]
    normals = np.stack(
        [np.cross(corners[:, j] - corners[:, i], corners[:, k] - corners[:, i]) for i, j, k in FACES], axis=1
    )
    angles = []
    for one in range(4):
        for other in range(one):
            u, v = normals[:, one], normals[:, other]
            angles.append(np.arctan2(np.linalg.norm(np.cross(u, v), axis=1), -np.einsum("ij,ij->i", u, v)))
    return np.asarray(np.degrees(np.stack(angles, axis=1)))
