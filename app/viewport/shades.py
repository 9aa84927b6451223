"""What may colour the surface of a Run: named values on its vertices, each with its title, unit and map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.viewport.viewing import SENSITIVITY

Map = Literal["diverging", "sequential", "categories"]


@dataclass(frozen=True)
class Shade:
    """How values of one name are drawn.

    map : "diverging" has its middle at zero, "sequential" begins at zero, "categories" are whole numbers
    ends : what a value at the low and at the high end means, where that needs words
    categories : words and colours of 0, 1, 2, …
    """

    title: str
    unit: str
    map: Map = "sequential"
    ends: tuple[str, str] = ("", "")
    categories: tuple[tuple[str, str], ...] = ()


DISTANCE = "distance"
SENSITIVITY_OF = "sensitivity of "
"""With which names of values begin that are derivatives of a simulation's number; the number follows with its unit."""


def shades() -> dict[str, Shade]:
    """How the values are drawn that somebody has described, by the name that they have in a Snapshot."""
    return {
        SENSITIVITY: Shade(
            _tr("Sensitivity of the loss"), "1/mm", "diverging", (_tr("pull out lowers it"), _tr("push in lowers it"))
        ),
        DISTANCE: Shade(
            _tr("Distance from A to B"), "mm", "diverging", (_tr("A lies within B"), _tr("A lies outside B"))
        ),
        "overhang": Shade(_tr("Overhang from the vertical"), "°"),
        "strain": Shade(_tr("Strain"), ""),
        "bending_energy": Shade(_tr("Bending energy"), "J/m²"),
        "contact_pressure": Shade(_tr("Contact pressure"), "Pa"),
        "friction": Shade(
            _tr("Friction"),
            "",
            "categories",
            categories=((_tr("no contact"), "#c9ccd0"), (_tr("sticks"), "#3f7fbf"), (_tr("slides"), "#e0893a")),
        ),
    }


def shade_of(name: str, values: np.ndarray | None = None) -> Shade:
    """How values called `name` are drawn; those that nobody has described by their sign."""
    if name.startswith(SENSITIVITY_OF):
        number, _, unit = name.removeprefix(SENSITIVITY_OF).rstrip("]").partition(" [")
        return Shade(_tr("Sensitivity of {0}").format(number), f"{unit}/m" if unit else "1/m")
    known = shades().get(name)
    if known is not None:
        return known
    signed = values is not None and bool((values < 0.0).any())
    return Shade(name.replace("_", " ").capitalize(), "", "diverging" if signed else "sequential")


def _tr(text: str) -> str:
    return QCoreApplication.translate("Shades", text)
