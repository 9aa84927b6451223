"""Where the nodes of a border go on a circle: by length between anchors, and, if wanted, by turning too."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

SMOOTHING = 0.03
"""Part of a stretch between two anchors over which its turning is spread."""

STRAIGHT = 0.05
"""Turning at a node below this counts little [rad]."""

STEPS = 400
"""Places along a stretch at which the smoothed turning is known."""


def circle_positions(
    points: Tensor, places: Tensor, angles: Tensor, *, radius: float, turning_share: float, clockwise: bool = False
) -> Tensor:
    """Positions on a circle of the nodes of a loop, shape (loop_count, 2), with the graph of `points`.

    points : of the loop, from its first anchor on, shape (loop_count, 2 or 3)
    places : of the anchors in the loop, the first 0, shape (anchor_count,), int64
    angles : of the anchors on the circle, growing by less than 2π from the first to the last (falling where it is
        clockwise), shape (anchor_count,)
    turning_share : part of the way along each stretch that goes to where the border turns, in [0, 1); the rest goes
        by length
    """
    goals = torch.cat([angles, angles[:1] + (-2.0 if clockwise else 2.0) * math.pi])
    along = shares_along(points, places, turning_share)
    stretch = along.detach().floor().to(torch.int64)
    angle = goals[stretch] + (goals[stretch + 1] - goals[stretch]) * (along - stretch)
    return radius * torch.stack([angle.cos(), angle.sin()], dim=1)


def shares_along(points: Tensor, places: Tensor, turning_share: float) -> Tensor:
    """How far along a loop each of its nodes is, shape (loop_count,), with the graph of `points`: at the k-th anchor k,
    from there to the next up to k + 1; the rest as `circle_positions` takes it."""
    ends = torch.cat([places, places.new_tensor([len(points)])]).tolist()
    closed = torch.cat([points, points[:1]])
    return torch.cat(
        [
            k + _shares(closed[begin : end + 1], turning_share)[:-1].clamp_max(1.0 - 1e-12)
            for k, (begin, end) in enumerate(pairwise(ends))
        ]
    )


def stretch_lengths(points: Tensor, places: Tensor) -> Tensor:
    """Length of the border from each anchor to the next, shape (anchor_count,)."""
    ends = torch.cat([places, places.new_tensor([len(points)])])
    lengths = (torch.cat([points[1:], points[:1]]) - points).norm(dim=1)
    along = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    return along[ends[1:]] - along[ends[:-1]]


def _shares(points: Tensor, turning_share: float) -> Tensor:
    """From 0 to 1 along an open polyline, shape (point_count,)."""
    way = points[1:] - points[:-1]
    length = way.norm(dim=1)
    along = torch.cat([length.new_zeros(1), length.cumsum(0)]) / length.sum()
    if turning_share <= 0.0 or len(points) < 3:
        return along
    direction = way / length[:, None]
    chord = (direction[1:] - direction[:-1]).square().sum(1)
    # Smooth where the border is straight.
    turn = (chord + STRAIGHT**2).sqrt() - STRAIGHT
    return (1.0 - turning_share) * along + turning_share * _spread(along, along[1:-1], turn)


def _spread(along: Tensor, at: Tensor, turn: Tensor) -> Tensor:
    """Cumulated turning at the places `along`, each turn spread over `SMOOTHING`, from 0 to 1; a straight line turns
    everywhere alike."""
    steps = torch.linspace(0.0, 1.0, STEPS, dtype=along.dtype)
    floor = 0.05
    # A turn is spread as a normal distribution; what would leave the stretch is mirrored back into it.
    scale = math.sqrt(2.0) * SMOOTHING
    cumulated = sum(
        0.5 * (torch.erf((steps[:, None] - mirrored) / scale) - torch.erf(-mirrored / scale))
        for mirrored in (at, -at, 2.0 - at)
    )
    total = (cumulated * turn).sum(1) + floor * steps
    known = total / total[-1]
    cell = (along * (STEPS - 1)).floor().clamp(0, STEPS - 2).to(torch.int64)
    part = along * (STEPS - 1) - cell
    return known[cell] * (1.0 - part) + known[cell + 1] * part
