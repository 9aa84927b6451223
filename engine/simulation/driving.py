"""Moving what is held to where it shall be: at once where it may, in parts where something is in its way."""

from __future__ import annotations

import math

from torch import Tensor

from engine.simulation.newton import Newton, NotConvergedError, Objective
from engine.simulation.system import System

MAX_PARTS = 500
SMALL_PART = 1e-3
MAX_SMALL_PARTS = 12
"""Parts in a row that hardly bring anything: then nothing gets out of the way."""
ITERATIONS_BETWEEN = 4


def drive(system: System, newton: Newton, objective: Objective, start: Tensor, there: Tensor, *, step: int) -> Tensor:
    """`start` with the held unknowns at `there` [m], shape (held_count,), and the free ones out of their way.

    Each part goes as far as the limits let it, and then what is free makes room. Raises what the limits say where
    nothing does, and `NotConvergedError` where they know nothing.
    """
    held, q, small = system.held, start, 0
    for _ in range(MAX_PARTS):
        motion = there - q[held]
        if not bool((motion != 0.0).any()):
            return q
        moved, part = newton.predict(objective, q, held, motion)
        if part >= 1.0:
            moved[held] = there
            return moved
        small = small + 1 if part < SMALL_PART else 0
        if small >= MAX_SMALL_PARTS:
            break
        on_way = q + part * (moved - q)
        q = newton.approach(objective, on_way, ITERATIONS_BETWEEN)
    raise system.blocked(q, step) or NotConvergedError(math.inf, None, 0, step=step)
