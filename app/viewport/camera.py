"""Moving the camera: orbit, pan, zoom to a point, frame, look. Works on any `vtkCamera`, knows no widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from vtkmodules.vtkRenderingCore import vtkCamera

DIRECTIONS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "front": ((0, -1, 0), (0, 0, 1)),
    "back": ((0, 1, 0), (0, 0, 1)),
    "left": ((-1, 0, 0), (0, 0, 1)),
    "right": ((1, 0, 0), (0, 0, 1)),
    "top": ((0, 0, 1), (0, 1, 0)),
    "bottom": ((0, 0, -1), (0, 1, 0)),
    "isometric": ((0.62, -0.66, 0.42), (0, 0, 1)),
}
"""Of each View: the direction from the scene to the camera, and up. Z points up."""


def orbit(camera: vtkCamera, pivot: np.ndarray, right: float, up: float) -> None:
    """Turn the camera about `pivot` (3,) by angles [rad]: the scene follows a pointer that moves right and up."""
    position, focus, view_up = _frame(camera)
    across = _unit(np.cross(focus - position, view_up))
    turn = _rotation(view_up, -right) @ _rotation(across, up)
    _set(camera, pivot + turn @ (position - pivot), pivot + turn @ (focus - pivot), turn @ view_up)


def pan(camera: vtkCamera, depth_at: np.ndarray, right: float, up: float, height: int) -> None:
    """Shift so that what lies at the depth of `depth_at` (3,) follows a pointer that moves `right`, `up` pixels."""
    position, focus, view_up = _frame(camera)
    ahead = _unit(focus - position)
    step = pixel_size(camera, depth_at, height)
    shift = -(_unit(np.cross(ahead, view_up)) * right + view_up * up) * step
    _set(camera, position + shift, focus + shift, view_up)


def zoom(camera: vtkCamera, towards: np.ndarray, factor: float) -> None:
    """Come closer by `factor` (> 1) to the point `towards` (3,), which stays where it is in the picture."""
    position, focus, view_up = _frame(camera)
    if camera.GetParallelProjection():
        ahead = _unit(focus - position)
        aside = (towards - focus) - ahead * np.dot(towards - focus, ahead)
        shift = aside * (1.0 - 1.0 / factor)
        camera.SetParallelScale(camera.GetParallelScale() / factor)
        _set(camera, position + shift, focus + shift, view_up)
    else:
        _set(camera, towards + (position - towards) / factor, towards + (focus - towards) / factor, view_up)


def frame(camera: vtkCamera, centre: np.ndarray, radius: float, aspect: float) -> None:
    """Fill the view (`aspect` wide per high) with a ball, keeping the direction."""
    position, focus, view_up = _frame(camera)
    away = _unit(position - focus)
    half = np.radians(camera.GetViewAngle()) / 2.0
    if aspect < 1.0:
        half = np.arctan(np.tan(half) * aspect)
    camera.SetParallelScale(radius * 0.97 / min(aspect, 1.0))
    _set(camera, centre + away * radius * 0.97 / np.sin(half), centre, view_up)


def look(camera: vtkCamera, view: str) -> None:
    """Look from one of `DIRECTIONS`, at the same focus and distance."""
    position, focus, _ = _frame(camera)
    direction, up = DIRECTIONS[view]
    _set(camera, focus + _unit(np.asarray(direction, float)) * np.linalg.norm(position - focus), focus, np.array(up))


def set_distance(camera: vtkCamera, distance: float) -> None:
    """Move the camera along its line of sight to a distance from its focus."""
    position, focus, view_up = _frame(camera)
    _set(camera, focus + _unit(position - focus) * distance, focus, view_up)


def pixel_size(camera: vtkCamera, at: np.ndarray, height: int) -> float:
    """Length that one pixel covers at the depth of `at` (3,), in a view of `height` pixels."""
    if camera.GetParallelProjection():
        return 2.0 * camera.GetParallelScale() / max(height, 1)
    position, focus, _ = _frame(camera)
    depth = max(float(np.dot(at - position, _unit(focus - position))), 1e-9)
    return 2.0 * depth * float(np.tan(np.radians(camera.GetViewAngle()) / 2.0)) / max(height, 1)


def axes(camera: vtkCamera) -> np.ndarray:
    """Rows: right, up and backward of the view, shape (3, 3)."""
    position, focus, view_up = _frame(camera)
    back = _unit(position - focus)
    return np.stack([_unit(np.cross(view_up, back)), view_up, back])


def ray(camera: vtkCamera, x: float, y: float, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Start (3,) and unit direction (3,) of the line of sight through pixel (x right, y down)."""
    position, _, _ = _frame(camera)
    right, up, back = axes(camera)
    across, above = 2.0 * x / max(width, 1) - 1.0, 1.0 - 2.0 * y / max(height, 1)
    aspect = width / max(height, 1)
    if camera.GetParallelProjection():
        scale = camera.GetParallelScale()
        behind = back * camera.GetClippingRange()[1]  # sight is parallel and may begin behind the camera
        return position + right * across * aspect * scale + up * above * scale + behind, -back
    tangent = np.tan(np.radians(camera.GetViewAngle()) / 2.0)
    return position, _unit(right * across * aspect * tangent + up * above * tangent - back)


def project(camera: vtkCamera, points: np.ndarray, width: int, height: int) -> np.ndarray:
    """Pixel (x right, y down) and depth of `points` (n, 3), shape (n, 3); depth <= 0 lies behind the camera."""
    position, _, _ = _frame(camera)
    local = (np.atleast_2d(points) - position) @ axes(camera).T
    depth = -local[:, 2]
    if camera.GetParallelProjection():
        scale = np.full(len(local), height / (2.0 * camera.GetParallelScale()))
        depth = np.ones(len(local))
    else:
        tangent = np.tan(np.radians(camera.GetViewAngle()) / 2.0)
        scale = height / (2.0 * tangent * np.where(depth > 0, depth, np.inf))
    return np.stack([width / 2 + local[:, 0] * scale, height / 2 - local[:, 1] * scale, depth], axis=1)


def sees(camera: vtkCamera, points: np.ndarray, width: int, height: int) -> bool:
    """Whether the hull of `points` (n, 3) may be seen: not all of them lie beyond the same side of the view."""
    position, _, _ = _frame(camera)
    across, above, back = ((points - position) @ axes(camera).T).T
    if camera.GetParallelProjection():
        up = np.full(len(points), camera.GetParallelScale())
    else:
        up = -back * float(np.tan(np.radians(camera.GetViewAngle()) / 2.0))
        if (up <= 0.0).all():
            return False
    right = up * (width / max(height, 1))
    beyond = (across > right, across < -right, above > up, above < -up)
    return not any(bool(side.all()) for side in beyond)


def _frame(camera: vtkCamera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    position = np.array(camera.GetPosition())
    focus = np.array(camera.GetFocalPoint())
    back = _unit(position - focus)
    up = np.array(camera.GetViewUp())
    up = up - back * np.dot(up, back)
    if np.linalg.norm(up) < 1e-6:
        up = np.eye(3)[int(np.argmin(np.abs(back)))]
        up = up - back * np.dot(up, back)
    return position, focus, _unit(up)


def _set(camera: vtkCamera, position: np.ndarray, focus: np.ndarray, up: np.ndarray) -> None:
    camera.SetPosition(*map(float, position))
    camera.SetFocalPoint(*map(float, focus))
    camera.SetViewUp(*map(float, up))


def _unit(vector: np.ndarray) -> np.ndarray:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else np.array([0.0, 0.0, 1.0])


def _rotation(axis: np.ndarray, angle: float) -> np.ndarray:
    """Rodrigues' rotation about a unit axis."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross)
