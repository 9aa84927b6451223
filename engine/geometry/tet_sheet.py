"""The quality sheet of a tetrahedral mesh."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engine.geometry.tet_mesh import FACES, boundary_triangles, dihedral_angles, tet_volumes


@dataclass(frozen=True)
class TetSheet:
    """What a simulation wants to know of its mesh.

    inverted_tets : tetrahedra without a positive volume
    smallest_dihedral, largest_dihedral : of all angles between two faces of a tetrahedron [degrees]
    poor_tets : tetrahedra with a dihedral angle below 10 or above 165 degrees
    volume : of all tetrahedra, in the mesh's unit of length cubed
    unused_vertices : vertices of no tetrahedron
    conforming : no face belongs to more than two tetrahedra, and none is seen twice from one side
    """

    vertices: int
    tets: int
    surface_triangles: int
    inverted_tets: int
    smallest_dihedral: float
    largest_dihedral: float
    poor_tets: int
    volume: float
    unused_vertices: int
    conforming: bool

    @property
    def usable(self) -> bool:
        """Whether a simulation takes it."""
        return not self.inverted_tets and self.conforming

    def verdict(self) -> list[str]:
        """What is wrong, sentences for a person; what is right where nothing is."""
        found = []
        if self.inverted_tets:
            found.append(f"{self.inverted_tets} tetrahedra are inverted or flat.")
        if not self.conforming:
            found.append("Tetrahedra overlap: a face has more than two.")
        if self.unused_vertices:
            found.append(f"{self.unused_vertices} vertices belong to no tetrahedron.")
        return found or ["No tetrahedron is inverted: it can be simulated."]

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "usable": self.usable, "verdict": self.verdict()}

    def to_text(self) -> str:
        return "\n".join(
            [
                *self.verdict(),
                f"{self.tets:,} tetrahedra, {self.vertices:,} vertices, volume {self.volume:.6g}",
                f"Dihedral angles {self.smallest_dihedral:.3g}° to {self.largest_dihedral:.4g}°, "
                f"{self.poor_tets:,} tetrahedra with one below 10° or above 165°",
            ]
        )


def tet_sheet(vertices: np.ndarray, tets: np.ndarray) -> TetSheet:
    """Measure tetrahedra, inverted ones too.

    vertices : positions, shape (vertex_count, 3)
    tets : vertex indices, shape (tet_count, 4), at least one
    """
    volumes = tet_volumes(vertices, tets)
    angles = dihedral_angles(vertices, tets)
    outer = boundary_triangles(tets)
    faces = np.asarray(tets)[:, FACES].reshape(-1, 3)
    # Turned so that the lowest index leads: a face seen from its two sides then differs in what follows.
    first = np.argmin(faces, axis=1)
    turned = np.take_along_axis(faces, (first[:, None] + np.arange(3)) % 3, axis=1)
    sided = len(np.unique(turned, axis=0)) == len(faces)
    return TetSheet(
        vertices=len(vertices),
        tets=len(tets),
        surface_triangles=len(outer),
        inverted_tets=int((volumes <= 0).sum()),
        smallest_dihedral=float(angles.min()),
        largest_dihedral=float(angles.max()),
        poor_tets=int(((angles < 10.0) | (angles > 165.0)).any(axis=1).sum()),
        volume=float(volumes.sum()),
        unused_vertices=int(len(vertices) - len(np.unique(tets))),
        conforming=bool(sided),
    )
