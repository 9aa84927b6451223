"""Designs of a study on a simulation evaluated in another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.leaves import State
from engine.optimization.evaluation import evaluate_losses, put
from engine.protocol.study import Study


@dataclass(frozen=True)
class Elsewhere:
    """Losses of a design; it is pickled, and the process that gets it makes the problem once.

    study, inputs : from which the problem is built
    state : of the problem
    iteration, progress : of the Run
    """

    study: Study
    inputs: Mapping[str, Any]
    state: State
    iteration: int
    progress: float

    def __call__(self, design: Mapping[str, np.ndarray]) -> dict[str, float]:
        problem = _built(self)
        problem.restore(self.state)
        problem.take_progress(self.iteration, self.progress)
        put(problem.tensors(), design)
        return evaluate_losses(problem, self.iteration)


_BUILT: dict[str, Any] = {}
"""The problem that this process has built, by its study: there is one at a time."""


def _built(task: Elsewhere) -> Any:
    from engine.studies.registry import build_problem

    key = task.study.model_dump_json()
    if key not in _BUILT:
        _BUILT.clear()
        _BUILT[key] = build_problem(task.study, dict(task.inputs))
    return _BUILT[key]
