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
        super().__init__(f"Step {step} {what}.", remedy=f"{remedy} {KEPT}")
        self.step = step
        self.place = place
        self.finer = finer
        self._what, self._at = what, at
        self.message = self.told(f"vertex {place[0]}" if place else "")

    def told(self, where: str) -> str:
        """The message with the place in these words."""
        return f"Step {self.step} {self._what}{f', {self._at} {where}' if where else ''}."

    def tried_in(self, parts: int) -> None:
        """It is of one of so many parts of the step, and no more are allowed: `finer` becomes a part of the whole."""
        if parts > 1 and self.finer is not None:
            self.finer /= parts
            self._what += f", even in {parts} parts"
            self.message = self.told(f"vertex {self.place[0]}" if self.place else "")
