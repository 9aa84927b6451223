"""What a Run tells: its events, with the losses of several iterations in one."""

from __future__ import annotations

import math

from engine.core.errors import FormwrightError
from engine.optimization.problem import StepFailedError
from engine.protocol import snapshot as seen
from engine.protocol.edits import Edit


class RunEvents:
    """Events of the Run `number`, oldest first, until they are taken."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._events: list[seen.Event] = []
        self._losses: list[tuple[int, dict[str, float]]] = []

    def add(self, event: seen.Event) -> None:
        self._events.append(event)

    def losses(self, iteration: int, losses: dict[str, float]) -> None:
        """Losses of one iteration; they are told with the next `flush`."""
        self._losses.append((iteration, losses))

    def flush(self, branch: str) -> None:
        """Tell the losses so far, which are of `branch`."""
        if not self._losses:
            return
        names = dict.fromkeys(name for _, losses in self._losses for name in losses)
        values = {name: [losses.get(name, math.nan) for _, losses in self._losses] for name in names}
        iterations = [iteration for iteration, _ in self._losses]
        self.add(seen.LossesRecorded(self._number, branch, iterations, values))
        self._losses = []

    def applied(self, iteration: int, edit: Edit, inverse: Edit | None, *, by_engine: bool = False) -> None:
        """An Edit acted before `iteration`."""
        undoing = inverse.model_dump(mode="json") if inverse is not None else None
        self.add(seen.EditApplied(self._number, iteration, edit.model_dump(mode="json"), undoing, by_engine))

    def problem(self, error: FormwrightError) -> None:
        """Something went wrong."""
        place, step_size = (error.place, error.step_size) if isinstance(error, StepFailedError) else (None, None)
        self.add(seen.ProblemRaised(error.message, error.remedy, place=place, step_size=step_size))

    def take(self) -> list[seen.Event]:
        """All of them; none is left."""
        events, self._events = self._events, []
        return events
