"""Descending: an optimiser on the gradients of a problem's Terms."""

from __future__ import annotations

from typing import Any

from engine.core.errors import ParameterError
from engine.core.leaves import State
from engine.optimization.evaluation import Evaluations
from engine.optimization.executors import executor_of
from engine.optimization.optimizer import Optimizer, make_optimizer
from engine.optimization.problem import DescentProblem
from engine.protocol import edits as edit_kinds
from engine.protocol.edits import Edit
from engine.protocol.study import OptimizerSpec


class Descent:
    """The `Method` of a `DescentProblem`.

    optimizer : the present one; a `restore`, and another kind by an Edit, make a new one
    """

    descends = True
    iterations = None

    def __init__(self, problem: DescentProblem, spec: OptimizerSpec) -> None:
        self._problem = problem
        self.optimizer = self._made(spec.model_copy())

    def learning_rate(self, iteration: int, iterations: int) -> float:
        """Of the next step, decay included."""
        return self.optimizer.learning_rate(iteration, iterations)

    def step(self, iteration: int, iterations: int) -> dict[str, float]:
        """Raises `NonFiniteError` and `ParameterError`."""
        remaps = self._problem.prepare(iteration, iterations)
        if self._problem.tensors().keys() == self.optimizer.tensors.keys():
            self.optimizer.remap(remaps)
        else:  # another design, for which nothing that was gathered counts
            self.optimizer = self._made(self.optimizer.spec)
        executor = executor_of(self.optimizer.spec.search_workers)
        evaluations = Evaluations(self._problem, self.optimizer, iteration, executor)
        self.optimizer.step(evaluations, self.learning_rate(iteration, iterations))
        self._problem.after_step()
        return evaluations.losses

    def apply(self, edit: Edit) -> Edit | None:
        if isinstance(edit, edit_kinds.SetParameter) and edit.owner == "optimizer":
            return self._set_optimizer(edit)
        inverse = self._problem.apply(edit)
        self.optimizer.objective_changed()
        return inverse

    def scalars(self, iteration: int, iterations: int) -> dict[str, float]:
        """ "learning_rate", and the weight of every enabled Term."""
        weights = {f"weight:{name}": float(weight) for name, weight in self._problem.weights().items()}
        return {"learning_rate": self.learning_rate(iteration, iterations), **weights}

    def state(self) -> State:
        return {"optimizer": self.optimizer.spec.model_dump(mode="json"), "moments": self.optimizer.state()}

    def restore(self, state: State) -> None:
        values: dict[str, Any] = dict(state)
        self.optimizer = self._made(OptimizerSpec.model_validate(values["optimizer"]))
        self.optimizer.restore(values["moments"])

    def halved(self) -> edit_kinds.SetParameter:
        """The Edit that halves the learning rate."""
        value = self.optimizer.spec.learning_rate / 2.0
        return edit_kinds.SetParameter(owner="optimizer", name="learning_rate", value=value)

    def _set_optimizer(self, edit: edit_kinds.SetParameter) -> Edit:
        old = self.optimizer.spec
        if edit.name not in type(old).model_fields:
            raise ParameterError(f"optimizer.{edit.name}", "there is no such parameter.")
        spec = OptimizerSpec.parse({**old.model_dump(), edit.name: edit.value}, owner="optimizer")
        if spec.kind == old.kind:
            self.optimizer.spec = spec
        else:
            self.optimizer = self._made(spec)
        return edit.model_copy(update={"value": getattr(old, edit.name)})

    def _made(self, spec: OptimizerSpec) -> Optimizer:
        return make_optimizer(spec, self._problem.tensors(), self._problem.learning_rate_factors())
