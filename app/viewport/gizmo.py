"""The gizmo of the move tool: arrows and squares that move an object, rings that turn it, a circle that scales it.

Drawn over the picture and of one size on the screen, along the axes of the world.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from app.document.placement import Placement
from app.viewport.records import triple
from engine.geometry.selection import inside_polygon

if TYPE_CHECKING:
    from app.viewport.view import Viewport

ARROW, RING, SCALE = 92.0, 66.0, 112.0
"""Lengths and radii [pixels]."""

SQUARE = (26.0, 42.0)
"""Where the squares begin and end along both of their axes [pixels]."""

REACH = 7.0
"""[pixels] beside a part that still take hold of it."""

EDGE_ON = 0.12
"""Cosine of the angle at which a part is seen too steeply to be dragged, and is not drawn: a square or a ring from its
edge (where arrows lie), an arrow from its end."""

PLANES = {"yz": 0, "zx": 1, "xy": 2}


@dataclass(frozen=True)
class Part:
    """What can be taken hold of. name : "x" along it, "xy" within that plane, "turn x" about it, or "scale"
    places : corners of a line or an area [pixels], shape (k, 2); axis : 0, 1, 2, or -1 for the scale"""

    name: str
    kind: Literal["arrow", "square", "ring", "scale"]
    axis: int
    places: np.ndarray


def gizmo_centre(view: Viewport) -> np.ndarray | None:
    """Middle of the object that has the gizmo [mm, world], (3,); None where none has."""
    thing = view.scene.objects.get(view.gizmo) if view.gizmo else None
    if thing is None or not thing.visible:
        return None
    centre = thing.box.mean(axis=0)
    return centre if thing.matrix is None else thing.matrix[:3, :3] @ centre + thing.matrix[:3, 3]


def gizmo_parts(view: Viewport) -> list[Part]:
    """The parts as they are seen now, those that win over others first."""
    centre = gizmo_centre(view)
    if centre is None or view.eye.project(centre)[0, 2] <= 0:
        return []
    step = view.eye.pixel_size(centre)
    sight = view.eye.sight(*view.eye.project(centre)[0, :2])[1]
    axes = np.eye(3)
    arrows, squares, rings = [], [], []
    for axis, letter in enumerate("xyz"):
        if abs(sight[axis]) < 1.0 - EDGE_ON**2:
            line = centre + np.outer((14.0, ARROW), axes[axis]) * step
            arrows.append(Part(letter, "arrow", axis, view.eye.project(line)[:, :2]))
        if abs(sight[axis]) > EDGE_ON:
            one, other = axes[(axis + 1) % 3], axes[(axis + 2) % 3]
            near, far = SQUARE
            corners = ((near, near), (far, near), (far, far), (near, far))
            area = centre + np.array([a * one + b * other for a, b in corners]) * step
            name = next(name for name, normal in PLANES.items() if normal == axis)
            squares.append(Part(name, "square", axis, view.eye.project(area)[:, :2]))
            rings.append(Part(f"turn {letter}", "ring", axis, _front_of_ring(view, centre, axis, step, sight)))
    if not view.gizmo_scales:
        return [*arrows, *squares, *rings]
    turns = np.linspace(0.0, 2.0 * np.pi, 73)
    middle = view.eye.project(centre)[0, :2]
    circle = middle + SCALE * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    return [*arrows, *squares, *rings, Part("scale", "scale", -1, circle)]


def gizmo_part_at(view: Viewport, x: float, y: float) -> Part | None:
    """The part under a pixel."""
    place = np.array([x, y])
    for part in gizmo_parts(view):
        if part.kind == "square":
            if inside_polygon(place[None], part.places)[0]:
                return part
        elif distance_to_line(part.places, place) <= REACH:
            return part
    return None


def moved(placement: Placement, way: np.ndarray) -> Placement:
    """Moved by `way` (3,) [mm]."""
    return replace(placement, translation=triple(np.asarray(placement.translation) + way))


def turned(placement: Placement, centre: np.ndarray, axis: int, angle: float) -> Placement:
    """Turned by `angle` [rad] about a world axis through `centre` (3,)."""
    one, other = (axis + 1) % 3, (axis + 2) % 3
    turn = np.eye(3)
    turn[one, one] = turn[other, other] = np.cos(angle)
    turn[other, one], turn[one, other] = np.sin(angle), -np.sin(angle)
    now = Placement(rotation=placement.rotation).matrix()[:3, :3]
    place = centre + turn @ (np.asarray(placement.translation) - centre)
    return replace(placement, translation=triple(place), rotation=angles(turn @ now))


def scaled(placement: Placement, centre: np.ndarray, factor: float) -> Placement:
    """Scaled by `factor`, the same along all axes, about `centre` (3,)."""
    place = centre + factor * (np.asarray(placement.translation) - centre)
    return replace(placement, translation=triple(place), scale=triple(np.asarray(placement.scale) * factor))


def angles(turn: np.ndarray) -> tuple[float, float, float]:
    """Degrees about the fixed x axis, then y, then z, of a rotation matrix (3, 3)."""
    sine = float(np.clip(-turn[2, 0], -1.0, 1.0))
    about_y = np.arcsin(sine)
    if abs(sine) > 1.0 - 1e-12:  # x and z then turn about the same axis: all of it is given to x
        about_x, about_z = np.arctan2(-turn[1, 2], turn[1, 1]), 0.0
    else:
        about_x, about_z = np.arctan2(turn[2, 1], turn[2, 2]), np.arctan2(turn[1, 0], turn[0, 0])
    x, y, z = np.degrees([about_x, about_y, about_z])
    return float(x), float(y), float(z)


def _front_of_ring(view: Viewport, centre: np.ndarray, axis: int, step: float, sight: np.ndarray) -> np.ndarray:
    """The half of a ring that is nearer: all of it would hide what lies within."""
    one, other = np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
    nearest = np.arctan2(-np.dot(sight, other), -np.dot(sight, one))
    around = nearest + np.linspace(-0.5 * np.pi, 0.5 * np.pi, 37)
    ring = centre + RING * step * (np.outer(np.cos(around), one) + np.outer(np.sin(around), other))
    return view.eye.project(ring)[:, :2]


def distance_to_line(line: np.ndarray, place: np.ndarray) -> float:
    """Shortest distance [pixels] from a place (2,) to a line of corners (k, 2)."""
    starts, ways = line[:-1], np.diff(line, axis=0)
    lengths = np.maximum((ways**2).sum(axis=1), 1e-12)
    shares = np.clip(((place - starts) * ways).sum(axis=1) / lengths, 0.0, 1.0)
    return float(np.linalg.norm(starts + shares[:, None] * ways - place, axis=1).min())
