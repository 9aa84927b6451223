"""Plastic folds: the rest angle of an edge follows when it is bent beyond its yield angle, and hardens.

The angle beyond rest θ − θ₀ has an elastic part ε = θ − θ₀ − θₚ. The edge yields where f = |ε| − (κ + H/k · a) is
positive, with the yield angle κ, the hardening H over the edge's stiffness k, and the accumulated plastic angle a:
f / (1 + H/k) is added to a, and to θₚ with the sign of ε (one-dimensional plasticity with linear isotropic hardening;
J. C. Simo, T. J. R. Hughes: Computational Inelasticity, section 1.4).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class CreaseState:
    """plastic : θₚ [rad], shape (edge_count,)
    accumulated : a [rad], shape (edge_count,)
    """

    plastic: Tensor
    accumulated: Tensor


@dataclass(frozen=True)
class CreaseAdjoint:
    """Adjoints of what `crease_update` was given, each of shape (edge_count,)."""

    angle: Tensor
    plastic: Tensor
    accumulated: Tensor
    yield_angle: Tensor
    hardening: Tensor


def yield_margin(angle: Tensor, state: CreaseState, yield_angle: Tensor, hardening: Tensor) -> Tensor:
    """f [rad]: positive where the edge yields. Where it is zero the update has no derivative but two one-sided ones."""
    return (angle - state.plastic).abs() - (yield_angle + hardening * state.accumulated)


def crease_update(angle: Tensor, state: CreaseState, yield_angle: Tensor, hardening: Tensor) -> CreaseState:
    """The state after the edges have come to `angle` (beyond rest) [rad].

    yield_angle : κ [rad], infinite for an edge that never yields
    hardening : H/k, at least 0
    """
    flow = yield_margin(angle, state, yield_angle, hardening).clamp(min=0.0) / (1.0 + hardening)
    return CreaseState(state.plastic + torch.sign(angle - state.plastic) * flow, state.accumulated + flow)


def crease_update_adjoint(
    angle: Tensor, state: CreaseState, yield_angle: Tensor, hardening: Tensor, adjoint: CreaseState
) -> CreaseAdjoint:
    """Adjoint of `crease_update`, asked with what that was given and the adjoint of the state that it returned.

    Below yield the rest angle does not move, and the derivative is zero: no substitute stands in for it. At the yield
    point itself this is the derivative towards unloading.
    """
    margin = yield_margin(angle, state, yield_angle, hardening)
    active = margin > 0.0
    sign = torch.sign(angle - state.plastic)
    flow = torch.where(active, (sign * adjoint.plastic + adjoint.accumulated) / (1.0 + hardening), 0.0)
    slope = torch.where(active, margin, 0.0) / (1.0 + hardening) + state.accumulated
    return CreaseAdjoint(
        angle=sign * flow,
        plastic=adjoint.plastic - sign * flow,
        accumulated=adjoint.accumulated - hardening * flow,
        yield_angle=-flow,
        hardening=-slope * flow,
    )
