"""Search without gradients, and the hybrid that begins with it: for designs of few numbers whose losses are rough."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.core.leaves import Remap, State
from engine.optimization.evaluation import Evaluations
from engine.optimization.optimizer import LBFGS, Adam, Closure, Optimizer
from engine.protocol.study import OptimizerSpec

MOST_NUMBERS = 400
"""Numbers of a design beyond which the covariance of a generation is not learnt in any useful time."""


class CMAES(Optimizer):
    """Covariance matrix adaptation (N. Hansen: The CMA evolution strategy, a tutorial, arXiv 1604.00772), by `cma`.

    One step is one generation. The design is the best one so far; a candidate whose evaluation fails ranks last. All
    tensors are one vector, and the first generation spreads by `search_spread` of their own units in each number. What
    it draws comes from a generator of its own: the same seed gives the same bits, wherever a state is taken up, for a
    state holds what every generation was told and tells it again.

    Raises `ParameterError` for designs of more than `MOST_NUMBERS`.
    """

    def __init__(self, spec: OptimizerSpec, tensors: dict[str, Tensor], factors: dict[str, float]) -> None:
        super().__init__(spec, tensors, factors)
        self._begin(_flat(self.tensors))

    def _begin(self, start: np.ndarray) -> None:
        if not 0 < len(start) <= MOST_NUMBERS:
            raise ParameterError(
                "optimizer.kind",
                f"CMA-ES suits designs of at most {MOST_NUMBERS} numbers, and this one has {len(start)}.",
                remedy="Choose Adam or L-BFGS.",
            )
        population = self.spec.search_population or 4 + int(3.0 * math.log(max(len(start), 2)))
        self._best: tuple[np.ndarray, dict[str, float]] | None = None
        self._told: list[np.ndarray] = []
        self._setting: dict[str, Any] = {
            "start": start, "spread": self.spec.search_spread, "population": population, "seed": self.spec.search_seed,
        }  # fmt: skip
        self._strategy = _strategy(**self._setting)

    def step(self, closure: Closure, learning_rate: float) -> None:
        if not isinstance(closure, Evaluations):
            raise TypeError("CMA-ES evaluates whole generations, which a plain closure cannot.")
        if self._best is None:
            start = _flat(self.tensors)
            (losses,) = closure.of([self._named(start)])
            self._best = (start, losses)
        closure.losses = self._best[1]
        drawn = self._strategy.ask()
        numbers = len(self._setting["start"])
        results = closure.of([self._named(solution[:numbers]) for solution in drawn])
        values = _ranked([losses["loss"] for losses in results])
        self._strategy.tell(drawn, values.tolist())
        self._told.append(values)
        first = int(values.argmin())
        if results[first]["loss"] < self._best[1]["loss"]:
            self._best = (np.asarray(drawn[first][:numbers], np.float64).copy(), results[first])
        self._put(self._best[0])

    def remap(self, remaps: list[Remap]) -> None:
        """Other numbers are another search."""
        if remaps:
            self.tensors.update({remap.name: remap.new for remap in remaps})
            self._begin(_flat(self.tensors))

    def objective_changed(self) -> None:
        """The distribution stays; which design is the best so far has to be found again."""
        self._best = None

    def state(self) -> State:
        best: dict[str, Any] = {}
        if self._best is not None:
            best = {"design": self._best[0].copy(), "losses": dict(self._best[1])}
        told = np.stack(self._told) if self._told else np.zeros((0, self._setting["population"]))
        return {"kind": "cma-es", **self._setting, "start": self._setting["start"].copy(), "told": told, "best": best}

    def restore(self, state: State) -> None:
        values: dict[str, Any] = dict(state)
        self._setting = {
            "start": np.array(values["start"], np.float64),
            "spread": float(values["spread"]),
            "population": int(values["population"]),
            "seed": int(values["seed"]),
        }
        self._strategy = _strategy(**self._setting)
        self._told = [np.array(row, np.float64) for row in values["told"]]
        for row in self._told:
            self._strategy.tell(self._strategy.ask(), row.tolist())
        best = values["best"]
        self._best = (np.array(best["design"], np.float64), dict(best["losses"])) if best else None

    def _named(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        """One vector as tensors' values by name."""
        named, at = {}, 0
        for name, tensor in self.tensors.items():
            named[name] = np.asarray(numbers[at : at + tensor.numel()], np.float64).reshape(tuple(tensor.shape))
            at += tensor.numel()
        return named

    def _put(self, numbers: np.ndarray) -> None:
        with torch.no_grad():
            for name, values in self._named(numbers).items():
                self.tensors[name].copy_(torch.as_tensor(values))


class Hybrid(Optimizer):
    """CMA-ES for `search_generations` generations, then the gradient (`search_then`) from its best design."""

    def __init__(self, spec: OptimizerSpec, tensors: dict[str, Tensor], factors: dict[str, float]) -> None:
        super().__init__(spec, tensors, factors)
        self._search = CMAES(spec, self.tensors, factors)
        self._descent = _gradient_method(spec, self.tensors, factors)
        self._steps = 0

    @property
    def _present(self) -> Optimizer:
        return self._search if self._steps < self.spec.search_generations else self._descent

    def step(self, closure: Closure, learning_rate: float) -> None:
        self._present.step(closure, learning_rate)
        self._steps += 1

    def remap(self, remaps: list[Remap]) -> None:
        self._search.remap(remaps)
        self._descent.remap(remaps)
        self.tensors.update({remap.name: remap.new for remap in remaps})

    def objective_changed(self) -> None:
        self._search.objective_changed()
        self._descent.objective_changed()

    def state(self) -> State:
        return {
            "kind": "hybrid", "steps": self._steps, "search": self._search.state(), "descent": self._descent.state(),
        }  # fmt: skip

    def restore(self, state: State) -> None:
        values: dict[str, Any] = dict(state)
        self._steps = int(values["steps"])
        self._search.restore(values["search"])
        self._descent = _gradient_method(self.spec, self.tensors, self.factors, kind=values["descent"]["kind"])
        self._descent.restore(values["descent"])


def _gradient_method(
    spec: OptimizerSpec, tensors: dict[str, Tensor], factors: dict[str, float], *, kind: str = ""
) -> Optimizer:
    return (Adam if (kind or spec.search_then) == "adam" else LBFGS)(spec, tensors, factors)


def _strategy(start: np.ndarray, spread: float, population: int, seed: int) -> Any:
    import cma

    # The package wants two numbers at least: a second one, that nothing looks at, does no harm.
    numbers = start if len(start) > 1 else np.append(start, 0.0)
    generator = np.random.default_rng(seed)
    options: Mapping[str, Any] = {
        "popsize": population,
        "randn": lambda *shape: generator.standard_normal(shape),
        "seed": math.nan,  # the one of numpy.random, which is everybody's
        "verbose": -9,
        "verb_log": 0,
        "verb_disp": 0,
        "signals_filename": "",
        "CMA_mirrors": 0,
    }
    return cma.CMAEvolutionStrategy(numbers, spread, options)


def _ranked(losses: list[float]) -> np.ndarray:
    """The losses, with those that are not finite behind all others."""
    values = np.array(losses, np.float64)
    good = np.isfinite(values)
    worst = values[good].max()
    values[~good] = worst + abs(worst) + 1.0
    return values


def _flat(tensors: dict[str, Tensor]) -> np.ndarray:
    parts = [tensor.detach().cpu().double().numpy().reshape(-1) for tensor in tensors.values()]
    return np.concatenate(parts) if parts else np.zeros(0)
