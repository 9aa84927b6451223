"""A design of few numbers in a curved valley (Rosenbrock's), whose problem goes to other processes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import NonFiniteError
from engine.core.leaves import Remap, State
from engine.protocol.edits import Edit
from engine.protocol.study import TermSpec


@dataclass(frozen=True)
class Elsewhere:
    """Rosenbrock's function in another process."""

    wall: float

    def __call__(self, design: Mapping[str, np.ndarray]) -> dict[str, float]:
        problem = ValleyProblem(wall=self.wall)
        with torch.no_grad():
            for name, tensor in problem.tensors().items():
                tensor.copy_(torch.as_tensor(design[name]))
            value = float(problem.evaluate()["valley"])
        return {"loss": value, "term:valley": value}


class ValleyProblem:
    """(1 − a)² + 100 (b − a²)², which is 0 at a = b = 1.

    wall : the loss is not finite where a is beyond it
    """

    def __init__(self, *, wall: float = math.inf, numbers: int = 1) -> None:
        self.wall = wall
        self.a = torch.full((1,), -1.2, dtype=torch.float64, requires_grad=True)
        self.b = torch.full((numbers, 1), 1.0, dtype=torch.float64, requires_grad=True)
        self.evaluations = 0

    def tensors(self) -> dict[str, Tensor]:
        return {"a": self.a, "b": self.b}

    def learning_rate_factors(self) -> dict[str, float]:
        return {}

    def prepare(self, iteration: int, iterations: int) -> list[Remap]:
        return []

    def evaluate(self) -> dict[str, Tensor]:
        self.evaluations += 1
        if float(self.a.detach()) > self.wall:
            raise NonFiniteError("valley", 0)
        return {"valley": ((1.0 - self.a) ** 2).sum() + 100.0 * ((self.b - self.a**2) ** 2).sum()}

    def weights(self) -> dict[str, float]:
        return {"valley": 1.0}

    def elsewhere(self, count: int) -> Elsewhere:
        return Elsewhere(self.wall)

    def mask_gradients(self) -> None:
        pass

    def after_step(self) -> None:
        pass

    def terms(self) -> list[TermSpec]:
        return [TermSpec(kind="valley", name="valley")]

    def apply(self, edit: Edit) -> Edit | None:
        return None

    def state(self) -> State:
        return {name: tensor.detach().numpy().copy() for name, tensor in self.tensors().items()}

    def restore(self, state: State) -> None:
        values: dict[str, Any] = dict(state)
        self.a, self.b = (torch.as_tensor(np.array(values[name])).requires_grad_() for name in ("a", "b"))
