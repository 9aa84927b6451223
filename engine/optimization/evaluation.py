"""One evaluation of a problem: the losses, the gradients, and who is to blame when they are not finite."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.core.errors import NonFiniteError, ParameterError
from engine.optimization.optimizer import Optimizer
from engine.optimization.problem import DescentProblem


def evaluate_gradients(
    problem: DescentProblem, optimizer: Optimizer, iteration: int
) -> tuple[Tensor, dict[str, float]]:
    """Evaluate Σ weight · term and fill the leaves' gradients, masked.

    Returns
    -------
    total : detached loss, shape ()
    losses : "loss" (the total) and "term:NAME" (unweighted)

    Raises
    ------
    NonFiniteError : a Term of positive weight, or a gradient, is NaN or infinite; its `source` names the Term
    ParameterError : no Term is enabled
    """
    optimizer.zero_gradients()
    values, weights = problem.evaluate(), problem.weights()
    if not values:
        raise ParameterError("terms", "no Term is enabled, so there is nothing to descend.", remedy="Enable a Term.")
    numbers = torch.stack([value.detach().double().reshape(()) for value in values.values()]).tolist()
    for name, number in zip(values, numbers, strict=True):
        if weights[name] != 0.0 and not math.isfinite(number):
            raise NonFiniteError(name, iteration)
    weighted = [weights[name] * value for name, value in values.items() if weights[name] != 0.0]
    total = torch.stack([value.reshape(()) for value in weighted]).sum() if weighted else None
    if total is not None and total.requires_grad:
        total.backward()
    problem.mask_gradients()
    _fill_missing(optimizer)
    tensor = _non_finite_gradient(optimizer)
    if tensor is not None:
        raise NonFiniteError(_guilty_term(problem, optimizer) or f"the gradient of {tensor}", iteration)
    detached = total.detach() if total is not None else torch.zeros(())
    losses = {"loss": float(detached)}
    losses.update({f"term:{name}": number for name, number in zip(values, numbers, strict=True)})
    return detached, losses


def _fill_missing(optimizer: Optimizer) -> None:
    """A leaf that no Term reaches has a zero gradient: its momentum goes on, as in a dense optimiser."""
    for tensor in optimizer.tensors.values():
        if tensor.grad is None:
            tensor.grad = torch.zeros_like(tensor)


def _non_finite_gradient(optimizer: Optimizer) -> str | None:
    """Name of a leaf whose gradient is not finite. The sum is not finite then; the converse is looked at."""
    gradients = {name: tensor.grad for name, tensor in optimizer.tensors.items() if tensor.grad is not None}
    if not gradients:
        return None
    sums = torch.stack([gradient.sum().double() for gradient in gradients.values()])
    if bool(torch.isfinite(sums).all()):
        return None
    return next((name for name, gradient in gradients.items() if not bool(torch.isfinite(gradient).all())), None)


def _guilty_term(problem: DescentProblem, optimizer: Optimizer) -> str | None:
    """The first Term whose own gradient is not finite, from a second evaluation."""
    leaves = list(optimizer.tensors.values())
    values, weights = problem.evaluate(), problem.weights()
    for name, value in values.items():
        if weights[name] == 0.0 or not value.requires_grad:
            continue
        gradients = torch.autograd.grad(weights[name] * value, leaves, retain_graph=True, allow_unused=True)
        if any(gradient is not None and not bool(torch.isfinite(gradient).all()) for gradient in gradients):
            return name
    return None
