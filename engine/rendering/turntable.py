"""A camera on its way round an object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from engine.rendering.camera import DIRECTION, Camera, Vector

AXES: dict[str, Vector] = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}

_SLICES, _SPOKES = 64, 48


def turned(view: Camera, degrees: float, *, axis: Vector, centre: Vector) -> Camera:
    """The camera, carried round the line through `centre` [mm] along `axis`, right-handed."""
    turn = rotation(axis, np.radians(degrees))
    middle = np.asarray(centre, np.float64)
    position, target = (middle + turn @ (np.asarray(place) - middle) for place in (view.position, view.target))
    return replace(view, position=_vector(position), target=_vector(target), up=_vector(turn @ np.asarray(view.up)))


def turntable(view: Camera, count: int, *, axis: Vector, centre: Vector) -> Iterator[Camera]:
    """`count` cameras evenly round the line through `centre` along `axis`: the object seems to turn, and the picture
    after the last would be the first again."""
    for index in range(count):
        yield turned(view, -360.0 * index / count, axis=axis, centre=centre)


def camera_all_round(
    positions: np.ndarray,
    *,
    axis: Vector,
    direction: Vector = DIRECTION,
    field_of_view: float = 28.0,
    aspect: float = 1.0,
    margin: float = 1.06,
) -> tuple[Camera, Vector]:
    """The nearest camera for which `positions`, shape (n, 3) [mm], stay in the picture all the way round, and the
    centre that it goes round: the middle of the box.

    The axis stands upright in the picture; `direction` is seen with `axis` as up, as if that were z.
    """
    positions = np.asarray(positions, np.float64).reshape(-1, 3)
    up = np.asarray(axis, np.float64) / np.linalg.norm(axis)
    centre = (positions.min(axis=0) + positions.max(axis=0)) / 2.0
    first = np.eye(3)[1 if abs(up[0]) > 0.9 else 0]
    first = first - up * np.dot(up, first)
    first /= np.linalg.norm(first)
    frame = np.stack([first, np.cross(up, first), up])
    # Where the object comes by while it turns: of each slice across the axis, the ring of its outermost point, as a
    # polygon around that circle.
    local = (positions - centre) @ frame.T
    radii, heights = np.hypot(local[:, 0], local[:, 1]) / np.cos(np.pi / _SPOKES), local[:, 2]
    edges = np.linspace(heights.min(), heights.max(), _SLICES + 1)
    chosen = np.clip(np.searchsorted(edges, heights, side="right") - 1, 0, _SLICES - 1)
    widest = np.zeros(_SLICES)
    np.maximum.at(widest, chosen, radii)
    angles = np.linspace(0.0, 2.0 * np.pi, _SPOKES, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    around = (widest[:, None, None] * circle).reshape(-1, 2)
    rings = np.concatenate(
        [np.column_stack([around, np.repeat(height, _SPOKES)]) for height in (edges[:-1], edges[1:])]
    )
    view = Camera.around(
        rings @ frame + centre,
        direction=_vector(np.asarray(direction, np.float64) @ frame),
        up=_vector(up),
        field_of_view=field_of_view,
        aspect=aspect,
        margin=margin,
    )
    return view, _vector(centre)


def rotation(axis: Vector, angle: float) -> np.ndarray:
    """Rodrigues' rotation by `angle` [rad] about `axis`, right-handed, shape (3, 3)."""
    x, y, z = np.asarray(axis, np.float64) / np.linalg.norm(axis)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross)


def _vector(values: np.ndarray) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])
