"""What may colour the surface of a Run: named values on its vertices, each with its title, unit and map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.viewport.viewing import SENSITIVITY
from engine.protocol.layers import BAND, DIFFERENCE, FIELD, RESIDUAL, TRUTH, parts_of

Map = Literal["diverging", "sequential", "categories"]


@dataclass(frozen=True)
class Shade:
    """How values of one name are drawn.

    map : "diverging" has its middle at zero, "sequential" begins at zero, "categories" are whole numbers
    ends : what a value at the low and at the high end means, where that needs words
    categories : words and colours of 0, 1, 2, …
    whole : the colours reach from the lowest to the highest value
    """

    title: str
    unit: str
    map: Map = "sequential"
    ends: tuple[str, str] = ("", "")
    categories: tuple[tuple[str, str], ...] = ()
    whole: bool = False


SIGNED = 0.05
"""Values of a field below zero that reach so far, of its largest ones, are told from those above by hue."""

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
        RESIDUAL: Shade(_tr("Distance from the learnt shapes"), "mm", whole=True),
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


def shade_of(name: str, values: np.ndarray | None = None, units: Mapping[str, str] | None = None) -> Shade:
    """How values called `name` are drawn; those that nobody has described by their sign.

    units : of predicted fields, by name
    """
    kind, of = parts_of(name)
    if kind:
        return _predicted(kind, of, values, (units or {}).get(of, ""))
    if name.startswith(SENSITIVITY_OF):
        number, _, unit = name.removeprefix(SENSITIVITY_OF).rstrip("]").partition(" [")
        return Shade(_tr("Sensitivity of {0}").format(number), f"{unit}/m" if unit else "1/m")
    known = shades().get(name)
    if known is not None:
        return known
    signed = values is not None and bool((values < 0.0).any())
    return Shade(name.replace("_", " ").capitalize(), "", "diverging" if signed else "sequential")


def _predicted(kind: str, field: str, values: np.ndarray | None, unit: str) -> Shade:
    """A field that a model predicts, half of its band, the truth beside it, or the difference of both."""
    if kind == BAND:
        return Shade(_tr("{0}: half of the 95 % band").format(field), unit, whole=True)
    if kind == DIFFERENCE:
        ends = _tr("predicted too low"), _tr("predicted too high")
        return Shade(_tr("{0}: predicted − true").format(field), unit, "diverging", ends, whole=True)
    title = {FIELD: _tr("{0}, predicted"), TRUTH: _tr("{0}, solved")}[kind].format(field)
    signed = values is not None and _has_both_signs(values)
    return Shade(title, unit, "diverging" if signed else "sequential", whole=True)


def _has_both_signs(values: np.ndarray) -> bool:
    known = values[np.isfinite(values)]
    low, high = float(known.min(initial=0.0)), float(known.max(initial=0.0))
    return min(-low, high) > SIGNED * max(-low, high)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Shades", text)
