"""What goes wrong between bodies."""

from __future__ import annotations

from engine.core.errors import FormwrightError


class ContactError(FormwrightError):
    """A step that contact does not allow.

    bodies : the two, by name
    place : vertices of the pair that it is about, for the viewport to show
    step : of the simulation
    """

    def __init__(
        self, message: str, bodies: tuple[str, str], place: tuple[int, ...], *, step: int, remedy: str
    ) -> None:
        super().__init__(f"Step {step}: {message}", remedy=f"{remedy} The last good state is kept.")
        self.bodies = bodies
        self.place = place
        self.step = step


class BlockedError(ContactError):
    """Something that moves as it is told cannot get past a body that is in its way."""

    def __init__(self, bodies: tuple[str, str], place: tuple[int, ...], *, step: int = 0) -> None:
        super().__init__(
            f"contact between {_between(bodies)} leaves no way on, at vertex {place[0]}.",
            bodies,
            place,
            step=step,
            remedy="Move what is held more slowly or less far, or give what is squeezed room.",
        )


class PassingError(ContactError):
    """Something is so fast that it has got past a body within one step, round its border, instead of meeting it."""

    def __init__(self, bodies: tuple[str, str], place: tuple[int, ...], *, step: int = 0) -> None:
        super().__init__(
            f"the way of this step leads {_through(bodies)}, at vertex {place[0]}: it is too fast for steps so long.",
            bodies,
            place,
            step=step,
            remedy="Take smaller steps of time.",
        )


def _between(bodies: tuple[str, str]) -> str:
    one, other = bodies
    return f"{one!r} and {other!r}" if one != other else f"{one!r} and itself"


def _through(bodies: tuple[str, str]) -> str:
    one, other = bodies
    return f"{one!r} through {other!r}" if one != other else f"{one!r} through itself"
