"""Checks of this room against theory."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.core.checks import CheckResult, check, compare
from engine.core.leaves import Remap
from engine.optimization.optimizer import LBFGS, Adam, Closure
from engine.protocol.study import OptimizerSpec

ADAM = "Kingma and Ba 2015, arXiv 1412.6980, algorithm 1"


@check("optimization.adam_update", title="Adam takes the steps that its paper says", source=ADAM)
def adam_update(steps: int = 25, learning_rate: float = 0.05) -> CheckResult:
    """Largest difference from algorithm 1, written out in scalars, on f(x) = Σ c x² / 2."""
    curvature = torch.tensor([0.1, 1.0, 30.0], dtype=torch.float64)
    design = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    adam = Adam(OptimizerSpec(learning_rate=learning_rate), {"design": design}, {})
    expected = design.tolist()
    first, second = [0.0] * 3, [0.0] * 3
    worst = 0.0
    for step in range(1, steps + 1):
        adam.step(_quadratic(adam, curvature), learning_rate)
        for i, c in enumerate(curvature.tolist()):
            gradient = c * expected[i]
            first[i] = 0.9 * first[i] + 0.1 * gradient
            second[i] = 0.999 * second[i] + 0.001 * gradient**2
            unbiased = first[i] / (1.0 - 0.9**step)
            spread = (second[i] / (1.0 - 0.999**step)) ** 0.5
            expected[i] -= learning_rate * unbiased / (spread + 1e-8)
        worst = max(worst, *(abs(a - b) for a, b in zip(design.tolist(), expected, strict=True)))
    return compare("optimization.adam_update", worst, 0.0, 1e-12, steps=steps)


@check(
    "optimization.remapped_adam",
    title="Adam on unknowns that join later takes the steps of Adam on all of them",
    source=ADAM,
)
def remapped_adam(count: int = 40, steps: int = 60) -> CheckResult:
    """Largest difference of the designs; entry i joins, and gets its first gradient, at step i."""
    target = torch.linspace(-1.0, 1.0, count, dtype=torch.float64)
    dense_design = torch.zeros(count, dtype=torch.float64, requires_grad=True)
    sparse_design = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    spec = OptimizerSpec(learning_rate=0.03)
    dense = Adam(spec, {"design": dense_design}, {})
    sparse = Adam(spec, {"design": sparse_design}, {})
    for step in range(steps):
        active = min(step + 1, count)
        if active != len(sparse_design):
            remap = _grown(sparse_design, active)
            sparse_design = remap.new
            sparse.remap([remap])
        dense.step(_distance(dense, target, active), spec.learning_rate)
        sparse.step(_distance(sparse, target, active), spec.learning_rate)
    worst = float((dense_design - torch.cat([sparse_design, torch.zeros(count - active)])).detach().abs().max())
    return compare("optimization.remapped_adam", worst, 0.0, 1e-14, entries=count)


@check(
    "optimization.l_bfgs_quadratic",
    title="L-BFGS solves a quadratic of n unknowns within 2 n steps",
    source="Nocedal and Wright 2006, theorem 6.4: finite termination of quasi-Newton methods",
)
def l_bfgs_quadratic(unknowns: int = 8, condition: float = 10.0) -> CheckResult:
    """Distance to the solution, relative to the start's, after 2 n steps. Theory gives n for exact line searches; those
    here only satisfy the Wolfe conditions. Steepest descent, at best, would be at ((κ − 1)/(κ + 1))^2n."""
    curvature = torch.logspace(0.0, float(torch.tensor(condition).log10()), unknowns, dtype=torch.float64)
    design = torch.ones(unknowns, dtype=torch.float64, requires_grad=True)
    lbfgs = LBFGS(OptimizerSpec(kind="l-bfgs", learning_rate=1.0), {"design": design}, {})
    for _ in range(2 * unknowns):
        lbfgs.step(_quadratic(lbfgs, curvature), 1.0)
    distance = float(design.detach().norm()) / unknowns**0.5
    steepest = ((condition - 1.0) / (condition + 1.0)) ** (2 * unknowns)
    return compare("optimization.l_bfgs_quadratic", distance, 0.0, 1e-6, steepest_descent=steepest)


def _quadratic(optimizer: Adam | LBFGS, curvature: Tensor) -> Closure:
    def closure() -> Tensor:
        optimizer.zero_gradients()
        loss = 0.5 * (curvature * optimizer.tensors["design"] ** 2).sum()
        loss.backward()
        return loss.detach()

    return closure


def _distance(optimizer: Adam, target: Tensor, active: int) -> Closure:
    def closure() -> Tensor:
        optimizer.zero_gradients()
        loss = ((optimizer.tensors["design"][:active] - target[:active]) ** 4).sum()
        loss.backward()
        return loss.detach()

    return closure


def _grown(design: Tensor, count: int) -> Remap:
    def pad(tensor: Tensor) -> Tensor:
        return torch.cat([tensor.detach(), torch.zeros(count - len(tensor), dtype=tensor.dtype)])

    return Remap("design", design, pad(design).requires_grad_(), pad)
