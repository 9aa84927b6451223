"""Named values on the elements of a Geometry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from engine.core.errors import GeometryError

Domain = Literal["vertex", "face", "node", "point"]


@dataclass(frozen=True)
class Field:
    """Values on the elements of a Geometry: shape (element_count,) or (element_count, components).

    `signed` says that zero is meaningful, so that colours diverge from it.
    """

    name: str
    values: np.ndarray
    domain: Domain = "vertex"
    unit: str = ""
    signed: bool = False
    meta: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.values.ndim not in (1, 2):
            raise GeometryError(
                f"Field {self.name!r} has shape {self.values.shape}; it must have one or two dimensions."
            )
