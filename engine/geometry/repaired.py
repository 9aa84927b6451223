"""What a repair gives back, and what repairs have in common. Plain numpy."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh


@dataclass(frozen=True)
class Repaired:
    """A repaired mesh, what was done in a sentence, and how much there was to do.

    count : of what was wrong; 0 where the mesh is as it was
    found : the same in words: "3 holes"
    """

    mesh: Mesh
    done: str
    count: int = 0
    found: str = ""

    @property
    def changed(self) -> bool:
        return self.count > 0


def keep(mesh: Mesh, faces: np.ndarray, vertices: np.ndarray) -> Mesh:
    """The mesh of the marked faces and vertices, with their Fields, without tetrahedra."""
    renumbered = np.cumsum(vertices) - 1
    return replace(
        mesh,
        vertices=mesh.vertices[vertices],
        triangles=renumbered[mesh.triangles[faces]],
        fields=kept_fields(mesh, vertices=vertices, faces=faces),
        inner=None,
        tets=None,
    )


def kept_fields(mesh: Mesh, vertices: np.ndarray | None, faces: np.ndarray | None) -> dict[str, Field]:
    """The Fields at vertices and faces that are given by marks or indices; None for all."""
    kept = {"vertex": vertices, "face": faces}
    found = {}
    for name, field in mesh.fields.items():
        chosen = kept.get(field.domain)
        found[name] = field if chosen is None else replace(field, values=field.values[chosen])
    return found


def counted(number: int, noun: str) -> str:
    """ "1 vertex", "1,200 vertices"."""
    plural = noun[:-2] + "ices" if noun.endswith("vertex") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"
