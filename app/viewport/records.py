"""What crosses the viewport's border: plain data, lengths in world millimetres (float64).

Clips, measurements and placements cross it as the Document has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.document.project import RESULT
from app.viewport.outline import Outline
from engine.geometry.selection import Profile

SURFACE = RESULT
"""Name under which the viewport knows the Run's surface."""

Triple = tuple[float, float, float]

Tool = Literal[
    "navigate", "handle", "brush", "select", "move", "measure", "pull", "pin", "crease", "outline", "open-here",
    "closed-here", "probe",
]  # fmt: skip
BRUSHES: frozenset[Tool] = frozenset({"brush", "pin", "open-here", "closed-here"})
"""Tools that paint."""
View = Literal["front", "back", "left", "right", "top", "bottom", "isometric"]
SelectMode = Literal["click", "connected", "box", "lasso", "brush", "geodesic"]
SelectOperation = Literal["replace", "add", "subtract"]
MeasureKind = Literal["distance", "angle", "thickness"]
CompareMode = Literal["overlay", "swipe", "distance"]


@dataclass(frozen=True)
class HandleView:
    """A handle as drawn: its Term's name, where it is anchored and where it pulls to [mm], its radius [mm]."""

    name: str
    anchor: Triple
    target: Triple
    radius: float
    selected: bool = False


@dataclass(frozen=True)
class PlacedView:
    """A direction or a plane of a Term as drawn, with its name and what is written beside it.

    direction : of the arrow, or the normal; point : of the plane [mm, world], None for an arrow alone
    """

    name: str
    label: str
    direction: Triple
    point: Triple | None = None
    selected: bool = False


@dataclass(frozen=True)
class ProbeView:
    """A place on the surface with what is told of it.

    place : [mm, world]; text : beside it; warning : it is the place that a message is about
    """

    place: Triple
    text: str
    warning: bool = False


@dataclass(frozen=True, eq=False)
class MarkView:
    """A pin or a crease as drawn, or the way that something goes.

    points : vertices that are held, or corners of a line [mm, world], shape (n, 3)
    meaning : of its colour, for the legend; label : what is written beside it when it is chosen
    """

    kind: Literal["pin", "crease", "way"]
    points: np.ndarray
    colour: str
    meaning: str
    label: str = ""
    chosen: bool = False


@dataclass(frozen=True)
class SelectionView:
    """A selection as drawn.

    of : name of the object, or "result"
    values : in [0, 1], one a vertex or point of it, shape (n,)
    points : where they lie [mm, world], shape (n, 3); None: they are the object's own vertices, in order. With points
        what is drawn takes the value of the nearest one within `reach` [mm]: the surface of a Run changes its vertices
    """

    of: str
    values: np.ndarray
    colour: str
    points: np.ndarray | None = None
    reach: float = 0.0


@dataclass(frozen=True)
class SelectionGesture:
    """What a person has just done with the selection tool.

    of : name of the object, or "result"; "" where a click met nothing
    positions : [mm, world], shape (k, 3): what was clicked (none: nothing was), where a distance along the surface
        starts, or the new stamps of a stroke
    radius : of the brush, or along the surface [mm]; profile : how it fades towards its rim
    outline : of a box or lasso; says which vertices lie within
    ended : nothing more comes of this press; cancelled : and all that it has told is to be forgotten
    term : kind of the Term whose region is painted; "" for what is selected
    """

    of: str
    mode: SelectMode
    operation: SelectOperation
    positions: np.ndarray
    radius: float = 0.0
    profile: Profile = "constant"
    outline: Outline | None = None
    ended: bool = True
    cancelled: bool = False
    term: str = ""


@dataclass(frozen=True)
class CameraView:
    """Where one looks from.

    parallel : lines of sight are parallel; scale : then half the height of what is seen [mm]
    pivot : what a drag turns about; None: the focal point
    """

    position: Triple
    focal_point: Triple
    up: Triple
    parallel: bool = False
    scale: float = 1.0
    pivot: Triple | None = None


def triple(position: np.ndarray) -> Triple:
    """A position (3,) as plain floats."""
    return float(position[0]), float(position[1]), float(position[2])


@dataclass(frozen=True)
class BodyVertex:
    """A vertex of a simulation: `vertex` is its number within its body, `number` that among all."""

    body: str
    vertex: int
    number: int
