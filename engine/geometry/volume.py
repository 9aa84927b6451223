"""Values on a regular grid: a scalar field, or the labels of a segmented scan."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.core.errors import GeometryError
from engine.geometry.fields import Field


@dataclass(frozen=True)
class Volume:
    """Fields on the nodes of a regular grid.

    shape : nodes along x, y and z
    origin : position of node (0, 0, 0) [mm]
    spacing : distance between nodes along x, y and z [mm]
    fields : each Field's values have shape (nx·ny·nz,) or (nx·ny·nz, components), x running fastest
    unit : unit of the file that it came from; lengths here are always millimetres
    notes : what reading it found or changed, sentences for the user
    shift : what was taken away from the coordinates of its file [mm], and is given back when it is written
    unit_assumed : the file does not say its unit, and nobody else did
    axes_assumed : the file does not say which of its axes is x, and nobody else did
    """

    shape: tuple[int, int, int]
    origin: tuple[float, float, float]
    spacing: tuple[float, float, float]
    fields: dict[str, Field]
    name: str = "volume"
    unit: str = "mm"
    notes: tuple[str, ...] = ()
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    unit_assumed: bool = False
    axes_assumed: bool = False

    def __post_init__(self) -> None:
        if min(self.shape) < 2:
            raise GeometryError(f"{self.name}: a grid of {self.shape} nodes is flat; a volume needs two a side.")
        if not (np.isfinite([*self.origin, *self.spacing]).all() and min(self.spacing) > 0):
            raise GeometryError(f"{self.name}: the grid's origin {self.origin} or spacing {self.spacing} is invalid.")
        for field in self.fields.values():
            if len(field.values) != self.node_count:
                raise GeometryError(
                    f"{self.name}: field {field.name!r} has {len(field.values)} values for {self.node_count} nodes."
                )

    @property
    def node_count(self) -> int:
        return int(np.prod(self.shape))

    @property
    def bounds(self) -> np.ndarray:
        """Lowest and highest node [mm], shape (2, 3)."""
        low = np.asarray(self.origin, np.float64)
        return np.stack([low, low + (np.asarray(self.shape) - 1) * np.asarray(self.spacing, np.float64)])

    @property
    def diagonal(self) -> float:
        """Length of the bounding box's diagonal [mm]."""
        low, high = self.bounds
        return float(np.linalg.norm(high - low))

    def field(self, name: str = "") -> Field:
        """The Field called `name`, or the first; raises `GeometryError` when there is none."""
        if not self.fields:
            raise GeometryError(f"{self.name} holds no values.")
        if not name:
            return next(iter(self.fields.values()))
        if name not in self.fields:
            raise GeometryError(f"{self.name} has no field {name!r}.", remedy=f"It has {', '.join(self.fields)}.")
        return self.fields[name]

    def grid(self, name: str = "") -> np.ndarray:
        """The values of a field of one component, indexed [x, y, z]; raises `GeometryError` for several components."""
        chosen = self.field(name)
        if chosen.values.ndim != 1:
            raise GeometryError(f"{self.name}: field {chosen.name!r} has several components; one value is needed.")
        return chosen.values.reshape(self.shape[::-1]).transpose()

    def reversed_axes(self) -> Volume:
        """The same with x and z exchanged: what was read as [x, y, z] is taken for [z, y, x]."""
        nx, ny, nz = self.shape
        fields = {
            name: replace(
                field,
                values=field.values.reshape(nz, ny, nx, -1).transpose(2, 1, 0, 3).reshape(field.values.shape),
            )
            for name, field in self.fields.items()
        }
        (x, y, z), (a, b, c) = self.origin, self.spacing
        return replace(self, shape=(nz, ny, nx), origin=(z, y, x), spacing=(c, b, a), fields=fields, axes_assumed=False)

    def is_segmented(self, name: str = "") -> bool:
        """Whether the field holds labels: whole numbers, at most 256 different ones, none negative."""
        values = self.field(name).values
        if values.ndim != 1 or not np.issubdtype(values.dtype, np.integer) or values.min() < 0:
            return False
        return len(np.unique(values)) <= 256

    def labels(self, name: str = "") -> dict[int, int]:
        """Label -> number of nodes that carry it, for a segmented field."""
        label, count = np.unique(self.field(name).values, return_counts=True)
        return {int(key): int(value) for key, value in zip(label, count, strict=True)}
