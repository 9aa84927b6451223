"""Where a picture is taken from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.errors import GeometryError

Vector = tuple[float, float, float]

DIRECTION: Vector = (-1.0, -1.6, 1.0)
"""From the target to the usual place of the camera: in front, to the left, above. Z is up."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    position, target : where it stands and what is in the middle of the picture [mm]
    up : direction that stands upright in the picture
    field_of_view : angle between the picture's lower and upper edge [degrees]
    """

    position: Vector
    target: Vector
    up: Vector = (0.0, 0.0, 1.0)
    field_of_view: float = 28.0

    @staticmethod
    def around(
        positions: np.ndarray,
        *,
        direction: Vector = DIRECTION,
        up: Vector = (0.0, 0.0, 1.0),
        field_of_view: float = 28.0,
        aspect: float = 1.0,
        margin: float = 1.06,
    ) -> Camera:
        """The camera in `direction` from which all `positions`, shape (n, 3) [mm], just fill the picture.

        aspect : width over height of the picture
        margin : room left around, as a factor
        """
        positions = np.asarray(positions, np.float64).reshape(-1, 3)
        if not len(positions):
            raise GeometryError("There is nothing to look at.")
        back = np.asarray(direction, np.float64) / np.linalg.norm(direction)
        right, upright = _axes(-back, up)
        centre = (positions.min(axis=0) + positions.max(axis=0)) / 2.0
        offset = positions - centre
        tangent = np.tan(np.radians(field_of_view) / 2.0) / margin
        along = offset @ back
        # Shift the target sideways to the middle of what is seen, then stand back until the widest point fits.
        sideways, height = offset @ right, offset @ upright
        middle = (_middle(sideways), _middle(height))
        half_width = np.abs(sideways - middle[0]) / aspect
        half_height = np.abs(height - middle[1])
        distance = float((along + np.maximum(half_width, half_height) / tangent).max())
        distance = max(distance, 1e-9 + 1e-6 * float(np.abs(centre).max()))
        target = centre + middle[0] * right + middle[1] * upright
        return Camera(_vector(target + distance * back), _vector(target), _vector(upright), field_of_view)

    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Unit vectors to the right, up and forward in the picture."""
        forward = np.subtract(self.target, self.position)
        forward = forward / np.linalg.norm(forward)
        right, upright = _axes(forward, self.up)
        return right, upright, forward


def _middle(values: np.ndarray) -> float:
    return float(values.min() + values.max()) / 2.0


def _axes(forward: np.ndarray, up: Vector) -> tuple[np.ndarray, np.ndarray]:
    """Right and upright; where `up` lies along the view, another axis stands in."""
    right = np.cross(forward, up)
    if np.linalg.norm(right) < 1e-6 * np.linalg.norm(up):
        right = np.cross(forward, (0.0, 1.0, 0.0))
    right = right / np.linalg.norm(right)
    return right, np.cross(right, forward)


def _vector(values: np.ndarray) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])
