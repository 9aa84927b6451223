"""Optimisers behind one small interface, whose design tensors may be replaced while they go on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.adam import adam

from engine.core.errors import NonFiniteError
from engine.core.leaves import Remap, State
from engine.protocol.study import OptimizerSpec

Closure = Callable[[], Tensor]
"""Zeroes the gradients, evaluates the total loss, fills the gradients, and returns the (detached) loss."""


class Optimizer(ABC):
    """One descent method on named leaves.

    spec : what was asked for; `learning_rate` and `decay` may be changed at any time
    tensors : the leaves by name, in a fixed order
    factors : factor on the learning rate of each leaf (1 where absent)
    """

    def __init__(self, spec: OptimizerSpec, tensors: dict[str, Tensor], factors: dict[str, float]) -> None:
        self.spec = spec
        self.tensors = dict(tensors)
        self.factors = dict(factors)

    def learning_rate(self, iteration: int, iterations: int) -> float:
        """Learning rate · 10^(−decay · iteration / iterations)."""
        return float(self.spec.learning_rate * 10.0 ** (-self.spec.decay * iteration / max(iterations, 1)))

    @abstractmethod
    def step(self, closure: Closure, learning_rate: float) -> None:
        """One step down; calls `closure` at least once."""

    @abstractmethod
    def remap(self, remaps: list[Remap]) -> None:
        """Go on with the new leaves of `remaps`."""

    @abstractmethod
    def objective_changed(self) -> None:
        """The function to descend is another one from now on (an Edit acted)."""

    @abstractmethod
    def state(self) -> State:
        """Moments as arrays: enough to continue bit for bit."""

    @abstractmethod
    def restore(self, state: State) -> None:
        """Continue from a `state` of the same method on leaves of the same shapes."""

    def zero_gradients(self) -> None:
        for tensor in self.tensors.values():
            tensor.grad = None


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, arXiv 1412.6980) with torch's defaults: beta 0.9 and 0.999, eps 1e-8.

    The moments of a remapped leaf are carried over by the remap. Entries that join an active set behave as in a dense
    Adam in which they have had no gradient so far.

    It calls torch's functional form: making a `torch.optim.Adam` imports torch's compiler, which takes a second.
    """

    def __init__(self, spec: OptimizerSpec, tensors: dict[str, Tensor], factors: dict[str, float]) -> None:
        super().__init__(spec, tensors, factors)
        self._moments: dict[str, dict[str, Tensor]] = {}

    def step(self, closure: Closure, learning_rate: float) -> None:
        closure()
        for name, tensor in self.tensors.items():
            if tensor.grad is not None:
                self._step_leaf(name, tensor, tensor.grad, learning_rate * self.factors.get(name, 1.0))

    def _step_leaf(self, name: str, tensor: Tensor, gradient: Tensor, learning_rate: float) -> None:
        if name not in self._moments:
            self._moments[name] = {
                "step": torch.zeros((), dtype=torch.float32, device=tensor.device),
                "exp_avg": torch.zeros_like(tensor, requires_grad=False),
                "exp_avg_sq": torch.zeros_like(tensor, requires_grad=False),
            }
        moments = self._moments[name]
        with torch.no_grad():
            adam(
                [tensor],
                [gradient],
                [moments["exp_avg"]],
                [moments["exp_avg_sq"]],
                [],
                [moments["step"]],
                fused=tensor.device.type in ("cpu", "cuda"),
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=learning_rate,
                weight_decay=0.0,
                eps=1e-8,
                maximize=False,
            )

    def remap(self, remaps: list[Remap]) -> None:
        for remap in remaps:
            moments = self._moments.pop(remap.name, None)
            if moments and remap.old is not None:
                self._moments[remap.name] = {
                    "step": moments["step"],
                    **{key: remap.moments(moments[key]).detach().clone() for key in ("exp_avg", "exp_avg_sq")},
                }
            self.tensors[remap.name] = remap.new

    def objective_changed(self) -> None:
        """The running means of the gradient adapt by themselves."""

    def state(self) -> State:
        arrays: dict[str, Any] = {
            name: {
                "step": float(moments["step"]),
                "exp_avg": _array(moments["exp_avg"]),
                "exp_avg_sq": _array(moments["exp_avg_sq"]),
            }
            for name, moments in self._moments.items()
        }
        return {"kind": "adam", "moments": arrays}

    def restore(self, state: State) -> None:
        saved = state["moments"]
        assert isinstance(saved, dict)
        self._moments = {
            name: {
                "step": torch.tensor(float(moments["step"]), dtype=torch.float32, device=self.tensors[name].device),
                **{
                    key: _tensor(moments[key], self.tensors[name]).reshape(self.tensors[name].shape)
                    for key in ("exp_avg", "exp_avg_sq")
                },
            }
            for name, moments in saved.items()
        }


WALL = 10.0
"""Times the loss that a design counts which is not finite, for the line search of L-BFGS."""


class LBFGS(Optimizer):
    """L-BFGS with a strong Wolfe line search (Nocedal and Wright 2006, algorithms 7.5 and 3.5), one step an iteration.

    A remap, or an Edit that changes the objective, **resets its curvature memory**: pairs of steps and gradient
    differences of another function, or of other variables, would spoil the direction. The learning rate scales the
    first step after a reset only; later the line search starts from the full quasi-Newton step. Factors of the single
    leaves do not apply: the curvature takes their place. Where the line search tries a design that is not finite, it
    goes back.
    """

    memory = 20
    """Pairs kept."""
    evaluations = 20
    """At most so many evaluations a step."""

    _TENSORS = ("d", "prev_flat_grad")
    _LISTS = ("old_dirs", "old_stps", "ro")

    def __init__(self, spec: OptimizerSpec, tensors: dict[str, Tensor], factors: dict[str, float]) -> None:
        super().__init__(spec, tensors, factors)
        self._reset()

    def _reset(self) -> None:
        self._lbfgs = torch.optim.LBFGS(
            list(self.tensors.values()),
            max_iter=1,
            max_eval=self.evaluations,
            history_size=self.memory,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            line_search_fn="strong_wolfe",
        )

    @property
    def _memory(self) -> dict[str, Any]:
        return self._lbfgs.state[next(iter(self.tensors.values()))]

    def step(self, closure: Closure, learning_rate: float) -> None:
        first = self._memory.get("n_iter", 0) == 0
        self._lbfgs.param_groups[0]["lr"] = learning_rate if first else 1.0
        start: float | None = None

        def value() -> float:
            nonlocal start
            try:
                found = float(closure())
            except NonFiniteError:
                if start is None:
                    raise
                for tensor in self.tensors.values():
                    tensor.grad = torch.zeros_like(tensor)
                # High and finite: the line search goes back, and its cubics have no infinities to subtract.
                return start + WALL * (abs(start) + 1.0)
            start = found if start is None else start
            return found

        self._lbfgs.step(value)

    def remap(self, remaps: list[Remap]) -> None:
        if remaps:
            self.tensors.update({remap.name: remap.new for remap in remaps})
            self._reset()

    def objective_changed(self) -> None:
        self._reset()

    def state(self) -> State:
        memory = self._memory
        saved: State = {"kind": "l-bfgs", "n_iter": int(memory.get("n_iter", 0))}
        if saved["n_iter"]:
            for key in self._TENSORS:
                saved[key] = _array(memory[key])
            for key in self._LISTS:
                saved[key] = [_array(value) for value in memory[key]]
            for key in ("t", "H_diag"):
                saved[key] = _array(memory[key]) if isinstance(memory[key], Tensor) else float(memory[key])
        return saved

    def restore(self, state: State) -> None:
        self._reset()
        if not state["n_iter"]:
            return
        like = next(iter(self.tensors.values()))
        memory = self._memory
        memory.update(func_evals=0, n_iter=state["n_iter"], prev_loss=0.0)
        for key in self._TENSORS:
            memory[key] = _tensor(state[key], like)
        for key in self._LISTS:
            values = state[key]
            assert isinstance(values, list)
            memory[key] = [_tensor(value, like) for value in values]
        for key in ("t", "H_diag"):
            memory[key] = _tensor(state[key], like) if isinstance(state[key], np.ndarray) else state[key]


def make_optimizer(spec: OptimizerSpec, tensors: dict[str, Tensor], factors: dict[str, float]) -> Optimizer:
    """The optimiser that `spec.kind` names; raises `ParameterError` for a design that it does not suit."""
    from engine.optimization.search import CMAES, Hybrid  # they are made of these, and of evaluations

    kinds: dict[str, type[Optimizer]] = {"adam": Adam, "l-bfgs": LBFGS, "cma-es": CMAES, "hybrid": Hybrid}
    return kinds[spec.kind](spec, tensors, factors)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().copy()


def _tensor(array: Any, like: Tensor) -> Tensor:
    """A tensor of its own (never a view of the saved array) on the device of `like`."""
    return torch.as_tensor(np.array(array)).to(device=like.device, copy=True)
