"""What goes wrong between bodies."""

from __future__ import annotations

from engine.simulation.errors import StepError


class ContactError(StepError):
    """A step that contact does not allow.

    bodies : the two, by name
    """

    def __init__(
        self,
        what: str,
        bodies: tuple[str, str],
        place: tuple[int, ...],
        *,
        step: int,
        remedy: str,
        finer: float | None = None,
    ) -> None:
        super().__init__(what, place, step=step, remedy=remedy, finer=finer)
        self.bodies = bodies


class BlockedError(ContactError):
    """Something that moves as it is told cannot get past a body that is in its way."""

    def __init__(self, bodies: tuple[str, str], place: tuple[int, ...], *, step: int = 0) -> None:
        one, other = bodies
        between = f"{one!r} and {other!r}" if one != other else f"{one!r} and itself"
        super().__init__(
            f"leaves no way on for contact between {between}",
            bodies,
            place,
            step=step,
            remedy="Move what is held more slowly or less far, or give what is squeezed room.",
        )


class PassingError(ContactError):
    """Something is so fast that it has got past a body within one step, round its border, instead of meeting it."""

    def __init__(self, bodies: tuple[str, str], place: tuple[int, ...], *, finer: float, step: int = 0) -> None:
        one, other = bodies
        through = f"{one!r} through {other!r}" if one != other else f"{one!r} through itself"
        super().__init__(
            f"is too long: it would lead {through}", bodies, place, step=step, remedy="Take smaller steps.", finer=finer
        )
