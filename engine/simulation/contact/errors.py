"""What goes wrong between bodies."""

from __future__ import annotations

from engine.core.errors import FormwrightError


class ContactError(FormwrightError):
    """Something that moves as it is told cannot get past a body that is in its way.

    bodies : the two, by name
    place : vertices of the nearest pair, for the viewport to show
    """

    def __init__(self, bodies: tuple[str, str], place: tuple[int, ...], *, step: int = 0) -> None:
        one, other = bodies
        between = f"{one!r} and {other!r}" if one != other else f"{one!r} and itself"
        super().__init__(
            f"Step {step}: contact between {between} leaves no way on, at vertex {place[0]}.",
            remedy="Move what is held more slowly or less far, or give what is squeezed room. The last good state is "
            "kept.",
        )
        self.bodies = bodies
        self.place = place
        self.step = step
