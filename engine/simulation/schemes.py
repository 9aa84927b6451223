"""Time stepping schemes as tables of numbers: every one of them minimises an energy with inertia, then moves on.

A step minimises E(x*) + w/2 |x* − x̂|²_M, where x̂ is a combination of positions and velocities before it, and new
positions and velocities are combinations of x* and those. Implicit Euler damps; BDF2 damps less; the implicit midpoint
rule does not damp, and keeps linear and angular momentum (E. Hairer, C. Lubich, G. Wanner: Geometric numerical
integration, section IV.2). "quasi-static" has no inertia: every step is an equilibrium.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.core.errors import ParameterError

SchemeName = Literal["implicit-euler", "bdf2", "implicit-midpoint", "quasi-static"]
SCHEMES: tuple[SchemeName, ...] = ("implicit-euler", "bdf2", "implicit-midpoint", "quasi-static")


@dataclass(frozen=True)
class Combination:
    """solved · x* + position · x + velocity · v + earlier_position · x' + earlier_velocity · v'

    of the positions and velocities before the step, and of those before them.
    """

    solved: float = 0.0
    position: float = 0.0
    velocity: float = 0.0
    earlier_position: float = 0.0
    earlier_velocity: float = 0.0


@dataclass(frozen=True)
class Scheme:
    """inertia : w [1/s²]
    target : x̂
    next_position, next_velocity : after the step
    """

    inertia: float
    target: Combination
    next_position: Combination
    next_velocity: Combination


def scheme_table(name: SchemeName, step_size: float, *, first: bool) -> Scheme:
    """The numbers of a scheme for steps of `step_size` [s]; the first step of BDF2 is one of implicit Euler."""
    h = step_size
    if name == "quasi-static":
        return Scheme(0.0, Combination(position=1.0), Combination(solved=1.0), Combination())
    if name == "implicit-midpoint":
        return Scheme(
            4.0 / h**2,
            Combination(position=1.0, velocity=0.5 * h),
            Combination(solved=2.0, position=-1.0),
            Combination(solved=4.0 / h, position=-4.0 / h, velocity=-1.0),
        )
    if name == "bdf2" and not first:
        return Scheme(
            2.25 / h**2,
            Combination(
                position=4.0 / 3.0, velocity=8.0 * h / 9.0, earlier_position=-1.0 / 3.0, earlier_velocity=-2.0 * h / 9.0
            ),
            Combination(solved=1.0),
            Combination(solved=1.5 / h, position=-2.0 / h, earlier_position=0.5 / h),
        )
    if name in ("implicit-euler", "bdf2"):
        return Scheme(
            1.0 / h**2,
            Combination(position=1.0, velocity=h),
            Combination(solved=1.0),
            Combination(solved=1.0 / h, position=-1.0 / h),
        )
    raise ParameterError("scheme", f"there is no {name!r}.", remedy=f"There are {', '.join(SCHEMES)}.")
