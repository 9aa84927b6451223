"""Where held unknowns are at any time of a simulation, differentiable in what moves them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class HeldPath:
    """A function of time in torch's graph.

    leaves : what it can be differentiated by
    places : [m], shape (k, held_count), at times, shape (k,), counted in steps since the start, as leaves say
    """

    leaves: tuple[Tensor, ...]
    places: Callable[[Tensor, Sequence[Tensor]], Tensor]

    def at(self, times: Tensor) -> Tensor:
        """`places` of its own leaves."""
        return self.places(times, self.leaves)


def straight_path(knots: Tensor) -> HeldPath:
    """Straight lines through `knots` [m], shape (steps + 1, held_count): at the start and after each step."""
    return HeldPath((knots,), lambda times, leaves: straight(leaves[0], times))


def straight(knots: Tensor, times: Tensor) -> Tensor:
    """Values at `times`, shape (k,), on straight lines between knots at 0, 1, 2 …, shape (n, m): shape (k, m)."""
    before = times.floor().clamp(max=len(knots) - 2).to(torch.int64)
    share = (times - before)[:, None].to(knots.device)
    start, end = knots[before], knots[before + 1]
    # Exactly a knot where there is one.
    return torch.where(share == 1.0, end, start + share * (end - start))
