"""Whether a descent still descends, judged from the losses of a window of iterations."""

from __future__ import annotations

import itertools
import math
import statistics
from dataclasses import dataclass, field

from engine.core.leaves import State
from engine.protocol.snapshot import Convergence


@dataclass
class ConvergenceMonitor:
    """Feeds on the total loss of each iteration; judges every `window` / 2 iterations.

    The mean loss of the first half of the window is compared with that of the second half. The relative improvement
    (first − second) / |first| counts when it is larger than `tolerance` and than three standard errors that
    the scatter of the losses (from random samples) gives it: then the descent is "descending", or "stalled" when the
    loss rises by as much (for example because the step size is too large). Else it has "converged".

    window : iterations looked at
    tolerance : relative improvement over half a window that counts as none
    """

    window: int = 100
    tolerance: float = 1e-3
    convergence: Convergence = "descending"
    _losses: list[float] = field(default_factory=list)

    def update(self, loss: float) -> bool:
        """Take the next loss; True when `convergence` changed."""
        if not math.isfinite(loss):
            return False
        self._losses.append(loss)
        if len(self._losses) < self.window:
            return False
        half = self.window // 2
        first, second = self._losses[:half], self._losses[half:]
        self._losses = second
        before, self.convergence = self.convergence, self._judge(first, second)
        return self.convergence != before

    def _judge(self, first: list[float], second: list[float]) -> Convergence:
        old, new = statistics.fmean(first), statistics.fmean(second)
        scatter = _scatter(first) / len(first) + _scatter(second) / len(second)
        threshold = max(self.tolerance * abs(old), 3.0 * math.sqrt(scatter))
        if old - new > threshold:
            return "descending"
        return "stalled" if new - old > threshold else "converged"

    def reset(self) -> None:
        """Forget: the total loss means something else from now on."""
        self._losses.clear()
        self.convergence = "descending"

    def state(self) -> State:
        return {"convergence": self.convergence, "losses": list(self._losses)}

    def restore(self, state: State) -> None:
        losses = state["losses"]
        assert isinstance(losses, list)
        self._losses = [float(value) for value in losses]
        self.convergence = state["convergence"]  # type: ignore[assignment]  # written by `state`


def _scatter(losses: list[float]) -> float:
    """Variance of the losses about their trend: half the mean squared difference of neighbours (von Neumann 1941)."""
    return sum((a - b) ** 2 for a, b in itertools.pairwise(losses)) / (2.0 * max(len(losses) - 1, 1))
