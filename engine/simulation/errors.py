"""Why a step cannot be made."""

from __future__ import annotations

from engine.core.errors import FormwrightError

KEPT = "The last good state is kept."


class StepError(FormwrightError):
    """A step that cannot be made; nothing has changed by trying.

    step : of the simulation, 0 where there is none
    place : vertices that it is about, by their numbers among all, for the viewport to show; may be empty
    finer : part of the step's length that may do; None where shorter steps do not help
    """

    def __init__(
        self,
        what: str,
        place: tuple[int, ...] = (),
        *,
        step: int,
        remedy: str,
        finer: float | None = None,
        at: str = "at",
    ) -> None:
        where = f", {at} vertex {place[0]}" if place else ""
        super().__init__(f"Step {step} {what}{where}.", remedy=f"{remedy} {KEPT}")
        self.step = step
        self.place = place
        self.finer = finer
        self._what, self._at = what, at

    def told(self, where: str) -> str:
        """The message with the place in these words."""
        return f"Step {self.step} {self._what}, {self._at} {where}."
