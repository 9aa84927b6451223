"""A point cloud (a scan) as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from engine.core.errors import GeometryError
from engine.geometry.fields import Field
from engine.geometry.mesh import bounding_box


@dataclass(frozen=True)
class Points:
    """Scanned points.

    positions : [mm], shape (point_count, 3), float64
    normals : unit outward normals, shape (point_count, 3), float64, or None where the scan has none
    unit : unit of the file that it came from; coordinates here are always millimetres
    notes : what reading it found or changed, sentences for the user
    shift : what was taken away from the coordinates of its file [mm], and is given back when it is written
    unit_assumed : the file does not say its unit, and nobody else did
    """

    positions: np.ndarray
    normals: np.ndarray | None = None
    fields: dict[str, Field] = field(default_factory=dict)
    name: str = "points"
    unit: str = "mm"
    notes: tuple[str, ...] = ()
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    unit_assumed: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", np.ascontiguousarray(self.positions, np.float64).reshape(-1, 3))
        if not np.isfinite(self.positions).all():
            bad = int(np.flatnonzero(~np.isfinite(self.positions).all(axis=1))[0])
            raise GeometryError(
                f"{self.name}: point {bad} has a coordinate that is not a number.", repairs=("drop-non-finite",)
            )
        if self.normals is not None:
            object.__setattr__(self, "normals", np.ascontiguousarray(self.normals, np.float64).reshape(-1, 3))
            if self.normals is not None and self.normals.shape != self.positions.shape:
                raise GeometryError(f"{self.name}: {len(self.normals)} normals for {len(self.positions)} points.")

    @property
    def point_count(self) -> int:
        return len(self.positions)

    @cached_property
    def bounds(self) -> np.ndarray:
        """Lowest and highest corner [mm], shape (2, 3)."""
        return bounding_box(self.positions, self.name)

    @property
    def diagonal(self) -> float:
        """Length of the bounding box's diagonal [mm]."""
        low, high = self.bounds
        return float(np.linalg.norm(high - low))
