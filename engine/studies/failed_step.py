"""A step that failed, in the words of the scene."""

from __future__ import annotations

import math

from torch import Tensor

from engine.core.errors import FormwrightError
from engine.optimization.problem import StepFailedError
from engine.simulation.errors import KEPT, StepError
from engine.simulation.world.world import World


def failed_step(error: FormwrightError, world: World, positions: Tensor) -> StepFailedError:
    """The same error, which says of which body its vertex is, where, and which time step may do.

    positions : of all vertices when it failed [m], shape (vertex_count, 3)
    """
    if not isinstance(error, StepError):
        return StepFailedError(error.message, remedy=error.remedy, place=getattr(error, "point", None))
    message, place = error.message, None
    if error.place:
        message = error.told(world.where(error.place[0], positions))
        x, y, z = (1e3 * positions[list(error.place)].mean(dim=0)).tolist()
        place = (x, y, z)
    if error.finer is None:
        return StepFailedError(message, remedy=error.remedy, place=place)
    size = round_below(error.finer * world.scene.time.step)
    remedy = f"Start anew with steps of {1e3 * size:g} ms. {KEPT}"
    return StepFailedError(message, remedy=remedy, place=place, step_size=size)


def round_below(value: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above a positive value."""
    power = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return float(f"{max(part for part in (1.0, 2.0, 5.0) if part * power <= value * (1.0 + 1e-9)) * power:.3g}")
