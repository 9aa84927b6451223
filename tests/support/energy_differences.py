"""Energies of a simulation against central differences of what they say themselves."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.simulation.energy import Energy


def random_like(values: Tensor, seed: int) -> Tensor:
    return torch.randn(values.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gradient_error(energy: Energy, q: Tensor, *, step: float = 1e-6, directions: int = 3) -> float:
    """Largest relative error of the gradient along random directions."""
    errors = []
    for seed in range(directions):
        z = random_like(q, seed)
        measured = (energy.value(q + step * z) - energy.value(q - step * z)) / (2.0 * step)
        errors.append(float(abs(measured - energy.gradient(q) @ z) / abs(measured)))
    return max(errors)


def hessian_error(energy: Energy, q: Tensor, *, step: float = 1e-6, directions: int = 3) -> float:
    """Largest relative error of the exact Hessian times random directions, against the gradient."""
    matrix = energy.hessian(q, project=False)
    errors = []
    for seed in range(directions):
        z = random_like(q, seed)
        measured = (energy.gradient(q + step * z) - energy.gradient(q - step * z)) / (2.0 * step)
        errors.append(float((measured - matrix.multiply(z)).norm() / measured.norm()))
    return max(errors)


def mixed_errors(energy: Energy, q: Tensor, *, step: float = 1e-5) -> dict[str, float]:
    """Relative error of zᵀ ∂²E/∂q∂p along a random change of every parameter p, against the gradient."""
    z = random_like(q, 11)
    errors = {}
    for name, derivative in energy.mixed(q, z).items():
        if name not in energy.parameters:
            continue
        before = energy.parameters[name]
        change = step * random_like(before, 12) * (before.abs() + 0.01)
        sides = []
        for sign in (1.0, -1.0):
            energy.assign({name: before + sign * change})
            sides.append(float(energy.gradient(q) @ z))
        energy.assign({name: before})
        measured, said = 0.5 * (sides[0] - sides[1]), float((derivative * change).sum())
        errors[name] = abs(measured - said) / max(abs(measured), 1e-300) if measured or said else 0.0
    return errors


def lowest_eigenvalue(energy: Energy, q: Tensor, *, project: bool) -> float:
    """Of the Hessian, over its largest entry."""
    matrix = energy.hessian(q, project=project).dense()
    return float(torch.linalg.eigvalsh(matrix)[0] / matrix.abs().max())
