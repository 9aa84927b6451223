"""Where an object stands: moved, turned and scaled against the coordinates of its file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import overload

import numpy as np

from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points

Vector = tuple[float, float, float]
Row = tuple[float, float, float, float]


@dataclass(frozen=True)
class Placement:
    """x ↦ R(S·x) + t.

    translation : t [mm]
    rotation : degrees about the fixed x axis, then y, then z
    scale : factors along the object's own axes; a negative one mirrors, zero is refused
    """

    translation: Vector = (0.0, 0.0, 0.0)
    rotation: Vector = (0.0, 0.0, 0.0)
    scale: Vector = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        for name in ("translation", "rotation", "scale"):
            values = tuple(float(value) for value in getattr(self, name))
            if len(values) != 3 or not np.isfinite(values).all():
                raise ParameterError(name, f"must be three finite numbers (got {values}).")
            object.__setattr__(self, name, values)
        if 0.0 in self.scale:
            raise ParameterError("scale", "must not be zero.", remedy="An object cannot lose a dimension.")

    @property
    def is_identity(self) -> bool:
        return self == IDENTITY

    def matrix(self) -> np.ndarray:
        """Homogeneous matrix from the object's coordinates to the world's [mm], shape (4, 4), float64."""
        matrix = np.eye(4)
        matrix[:3, :3] = self._turn() * np.asarray(self.scale)
        matrix[:3, 3] = self.translation
        return matrix

    @property
    def rows(self) -> tuple[Row, Row, Row, Row]:
        """Of the matrix, as plain numbers."""
        first, second, third, last = self.matrix().tolist()
        return tuple(first), tuple(second), tuple(third), tuple(last)

    @overload
    def apply(self, geometry: Mesh) -> Mesh: ...

    @overload
    def apply(self, geometry: Points) -> Points: ...

    @overload
    def apply(self, geometry: Mesh | Points) -> Mesh | Points: ...

    def apply(self, geometry: Mesh | Points) -> Mesh | Points:
        """The geometry where it stands; the very same object where nothing is moved."""
        if self.is_identity:
            return geometry
        matrix = self.matrix()
        if isinstance(geometry, Mesh):
            mirrored = bool(np.prod(self.scale) < 0.0)
            triangles = geometry.triangles[:, ::-1] if mirrored else geometry.triangles
            moved = replace(
                geometry, vertices=_moved(geometry.vertices, matrix), triangles=triangles, inner=None, tets=None
            )
            if geometry.tets is None or geometry.inner is None:
                return moved
            tets = geometry.tets[:, [0, 2, 1, 3]] if mirrored else geometry.tets
            return replace(moved, inner=_moved(geometry.inner, matrix), tets=tets)
        normals = geometry.normals
        if normals is not None:
            normals = normals / np.asarray(self.scale) @ self._turn().T
            length = np.linalg.norm(normals, axis=1, keepdims=True)
            normals = normals / np.where(length > 0.0, length, 1.0)
        return replace(geometry, positions=_moved(geometry.positions, matrix), normals=normals)

    def points(self, positions: np.ndarray) -> np.ndarray:
        """Positions (n, 3) in the object's coordinates as positions in the world [mm]."""
        return positions if self.is_identity else _moved(positions, self.matrix())

    def _turn(self) -> np.ndarray:
        (cx, cy, cz), (sx, sy, sz) = np.cos(np.radians(self.rotation)), np.sin(np.radians(self.rotation))
        about_x = np.array([[1.0, 0.0, 0.0], [0.0, cx, -sx], [0.0, sx, cx]])
        about_y = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]])
        about_z = np.array([[cz, -sz, 0.0], [sz, cz, 0.0], [0.0, 0.0, 1.0]])
        return np.asarray(about_z @ about_y @ about_x)


IDENTITY = Placement()
"""Where a file puts it."""


def _moved(positions: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    # Each coordinate by itself: numpy multiplies long vectors six times faster than rows of three.
    moved = np.empty((len(positions), 3))
    for axis in range(3):
        np.add(positions @ matrix[axis, :3], matrix[axis, 3], out=moved[:, axis])
    return moved
