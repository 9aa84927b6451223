"""One evaluation of a problem: the losses, the gradients, and who is to blame when they are not finite."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import FormwrightError, NonFiniteError, ParameterError
from engine.optimization.executors import SerialExecutor
from engine.optimization.optimizer import Optimizer
from engine.optimization.problem import DescentProblem, Elsewhere

Design = Mapping[str, np.ndarray]
"""Values of all tensors by name."""


class Evaluations:
    """The evaluations of one iteration, as optimisers ask for them: with gradients at the design as it is, or losses
    alone at many designs.

    executor : where designs are evaluated; in this thread, one after the other, without one. One in other processes
        serves problems that can go there (see `DescentProblem.elsewhere`)
    losses : of the design before the step: of the first evaluation, unless the optimiser knows better
    """

    def __init__(
        self, problem: DescentProblem, optimizer: Optimizer, iteration: int, executor: Executor | None = None
    ) -> None:
        self._problem = problem
        self._optimizer = optimizer
        self._iteration = iteration
        self._executor = executor
        self.losses: dict[str, float] = {}

    def __call__(self) -> Tensor:
        total, losses = evaluate_gradients(self._problem, self._optimizer, self._iteration)
        self.losses = self.losses or losses
        return total

    def of(self, designs: Sequence[Design]) -> list[dict[str, float]]:
        """Losses of each of `designs`, which leave the present one as it is; "loss" is NaN where an evaluation failed.

        Raises the first failure where all fail.
        """
        task: Elsewhere | None = self._problem.elsewhere(len(designs)) if self._executor is not None else None
        futures = [
            (self._executor or _SERIAL).submit(self._here, design)
            if task is None
            else (self._executor or _SERIAL).submit(task, design)
            for design in designs
        ]
        results: list[dict[str, float]] = []
        failures: list[FormwrightError] = []
        for future in futures:
            try:
                results.append(future.result())
            except ParameterError:
                raise
            except FormwrightError as error:
                failures.append(error)
                results.append({"loss": math.nan})
        if failures and len(failures) == len(results):
            raise failures[0]
        return results

    def _here(self, design: Design) -> dict[str, float]:
        tensors = self._problem.tensors()
        before = {name: tensor.detach().clone() for name, tensor in tensors.items()}
        try:
            with torch.no_grad():
                put(tensors, design)
                return evaluate_losses(self._problem, self._iteration)
        finally:
            put(tensors, before)


_SERIAL = SerialExecutor()


def put(tensors: Mapping[str, Tensor], values: Mapping[str, Tensor] | Design) -> None:
    """Let the tensors have these values; what looks at them is not told."""
    with torch.no_grad():
        for name, value in values.items():
            tensors[name].copy_(torch.as_tensor(value))


def evaluate_losses(problem: DescentProblem, iteration: int) -> dict[str, float]:
    """ "loss" (Σ weight · term) and "term:NAME" (unweighted), without gradients; raises as `evaluate_gradients`."""
    with torch.no_grad():
        _, losses = _weighted(problem, iteration)
    return losses


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
    total, losses = _weighted(problem, iteration)
    if total.requires_grad:
        total.backward()
    problem.mask_gradients()
    _fill_missing(optimizer)
    tensor = _non_finite_gradient(optimizer)
    if tensor is not None:
        raise NonFiniteError(_guilty_term(problem, optimizer) or f"the gradient of {tensor}", iteration)
    return total.detach(), losses


def _weighted(problem: DescentProblem, iteration: int) -> tuple[Tensor, dict[str, float]]:
    """The weighted sum, with its graph, and the losses as numbers."""
    values, weights = problem.evaluate(), problem.weights()
    if not values:
        raise ParameterError("terms", "no Term is enabled, so there is nothing to descend.", remedy="Enable a Term.")
    numbers = torch.stack([value.detach().double().reshape(()) for value in values.values()]).tolist()
    for name, number in zip(values, numbers, strict=True):
        if weights[name] != 0.0 and not math.isfinite(number):
            raise NonFiniteError(name, iteration)
    weighted = [weights[name] * value for name, value in values.items() if weights[name] != 0.0]
    total = torch.stack([value.reshape(()) for value in weighted]).sum() if weighted else torch.zeros(())
    losses = {"loss": float(total.detach())}
    losses.update({f"term:{name}": number for name, number in zip(values, numbers, strict=True)})
    return total, losses


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
