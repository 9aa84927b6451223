"""What is wrong with a body of a scene, in words that name it and the place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from engine.core.errors import FormwrightError, GeometryError

Point = tuple[float, float, float]


class BodyError(GeometryError):
    """A body cannot be simulated.

    body : its name
    place : vertices of the body
    point : where in the world [mm], for the camera to go there; None where no place is meant
    """

    def __init__(
        self,
        body: str,
        message: str,
        *,
        place: Sequence[int] = (),
        point: Point | None = None,
        remedy: str = "",
        repairs: tuple[str, ...] = (),
    ) -> None:
        super().__init__(
            message if _names(message, body) else f"{body}: {message}",
            place=tuple(place),
            remedy=remedy,
            repairs=repairs,
        )
        self.body = body
        self.point = point


def _names(message: str, body: str) -> bool:
    """Whether it says already whose it is: a name may be a word of any sentence, or a part of one."""
    return repr(body) in message or message.startswith((f"{body}: ", f"{body} "))


@contextmanager
def named(body: str, positions: np.ndarray | None = None, first: int = 0, *, part: str = "") -> Iterator[None]:
    """Errors within the block say whose they are.

    part : of the body, for the message ("the pin 'left'")
    positions : of the body in the world [m], shape (n, 3), for the point that an error means
    first : number of the body's first vertex where errors count those of all bodies
    """
    prefix = f"{part}: " if part else ""
    try:
        yield
    except BodyError:
        raise
    except GeometryError as error:
        place = tuple(vertex - first for vertex in error.place)
        raise BodyError(
            body,
            f"{prefix}{error.message}",
            place=place,
            point=point_of(positions, place),
            remedy=error.remedy,
            repairs=error.repairs,
        ) from None
    except FormwrightError as error:
        raise BodyError(body, f"{prefix}{error.message}", remedy=error.remedy) from None


def point_of(positions: np.ndarray | None, place: Sequence[int]) -> Point | None:
    """The middle of some vertices [mm], from positions [m]."""
    if positions is None or not len(place):
        return None
    x, y, z = (1e3 * positions[list(place)].mean(axis=0)).tolist()
    return (x, y, z)
