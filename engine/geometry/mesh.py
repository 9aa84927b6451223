"""A triangle mesh as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from engine.core.errors import GeometryError
from engine.geometry.fields import Field


@dataclass(frozen=True)
class Mesh:
    """Triangles over vertices; or the outer surface of tetrahedra, which it then carries along.

    vertices : positions [mm], shape (vertex_count, 3), float64
    triangles : vertex indices, counter-clockwise seen from outside, shape (triangle_count, 3), int32
    fields : named values on vertices or faces
    name : what the user calls it
    unit : unit of the file that it came from ("mm", "m", "in", ...); coordinates here are always millimetres
    notes : what reading it found or changed, sentences for the user
    shift : what was taken away from the coordinates of its file [mm], and is given back when it is written
    unit_assumed : the file does not say its unit, and nobody else did
    inner : further vertices [mm], inside, shape (inner_count, 3), float64; None where there are no tetrahedra
    tets : tetrahedra over vertices and inner ones, numbered one after the other, shape (tet_count, 4), int32; those of
        a file, as they stand there: some may be inverted. None for a surface alone
    """

    vertices: np.ndarray
    triangles: np.ndarray
    fields: dict[str, Field] = field(default_factory=dict)
    name: str = "mesh"
    unit: str = "mm"
    notes: tuple[str, ...] = ()
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    unit_assumed: bool = False
    inner: np.ndarray | None = None
    tets: np.ndarray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertices", np.ascontiguousarray(self.vertices, np.float64).reshape(-1, 3))
        object.__setattr__(self, "triangles", np.ascontiguousarray(self.triangles, np.int32).reshape(-1, 3))
        if not np.isfinite(self.vertices).all():
            bad = int(np.flatnonzero(~np.isfinite(self.vertices).all(axis=1))[0])
            raise GeometryError(
                f"{self.name}: vertex {bad} has a coordinate that is not a number.", repairs=("drop-non-finite",)
            )
        if self.triangles.size and not (self.triangles.min() >= 0 and self.triangles.max() < len(self.vertices)):
            raise GeometryError(f"{self.name}: a triangle refers to a vertex that does not exist.")
        if self.tets is not None:
            inner = np.zeros((0, 3)) if self.inner is None else self.inner
            object.__setattr__(self, "inner", np.ascontiguousarray(inner, np.float64).reshape(-1, 3))
            object.__setattr__(self, "tets", np.ascontiguousarray(self.tets, np.int32).reshape(-1, 4))
            if not len(self.tets) or self.tets.min() < 0 or self.tets.max() >= len(self.all_vertices):
                raise GeometryError(f"{self.name}: a tetrahedron refers to a vertex that does not exist.")

    @property
    def vertex_count(self) -> int:
        return len(self.vertices)

    @property
    def triangle_count(self) -> int:
        return len(self.triangles)

    @property
    def all_vertices(self) -> np.ndarray:
        """Vertices of the surface, and then inner ones [mm]."""
        return self.vertices if self.inner is None else np.concatenate([self.vertices, self.inner])

    @cached_property
    def bounds(self) -> np.ndarray:
        """Lowest and highest corner of the vertices' box [mm], shape (2, 3)."""
        return bounding_box(self.vertices, self.name)

    @property
    def diagonal(self) -> float:
        """Length of the bounding box's diagonal [mm]."""
        low, high = self.bounds
        return float(np.linalg.norm(high - low))


STRIDE = 256
"""Positions that a bounding box takes in one row."""


def bounding_box(positions: np.ndarray, name: str) -> np.ndarray:
    """Lowest and highest corner of `positions`, shape (2, 3); raises `GeometryError` when there are none."""
    if not len(positions):
        raise GeometryError(f"{name} is empty: it has no points.")
    # Along long rows numpy is ten times faster than along rows of three.
    many = len(positions) // STRIDE * STRIDE
    rows = positions[:many].reshape(-1, 3 * STRIDE) if many else positions
    low, high = (end(axis=0).reshape(-1, 3) for end in (rows.min, rows.max))
    low, high = np.concatenate([low, positions[many:]]), np.concatenate([high, positions[many:]])
    box = np.stack([low.min(axis=0), high.max(axis=0)])
    box.flags.writeable = False  # kept by its Geometry
    return box
