"""Something that advances by itself: a mass on a spring, in steps that are exact, and cannot pass a wall."""

from __future__ import annotations

import math
from typing import Any

from engine.core.errors import ParameterError
from engine.core.leaves import State
from engine.optimization.problem import AdvancingProblem, StepFailedError
from engine.protocol import edits as edit_kinds
from engine.protocol.edits import Edit
from engine.protocol.scene import Scene
from engine.protocol.study import TermSpec


class Oscillator(AdvancingProblem):
    """x″ = g − x of a mass of 1 from rest at 1, where g is the scene's gravity along x; x < −`wall` cannot be."""

    def __init__(self, steps: int = 40, wall: float = math.inf) -> None:
        self.scene = scene_of(steps)
        self.wall = wall
        self.position, self.speed, self.step = 1.0, 0.0, 0

    @property
    def iterations(self) -> int:
        return self.scene.time.steps

    def losses(self) -> dict[str, float]:
        kinetic = 0.5 * self.speed**2
        elastic = 0.5 * self.position**2 - self.scene.gravity[0] * self.position
        return {"loss": kinetic + elastic, "term:kinetic": kinetic, "term:elastic": elastic}

    def advance(self) -> None:
        rest, step = self.scene.gravity[0], self.scene.time.step
        away = self.position - rest
        moved = rest + away * math.cos(step) + self.speed * math.sin(step)
        if moved < -self.wall:
            raise StepFailedError("The mass stands against the wall.", remedy="Pull it away.", place=(moved, 0.0, 0.0))
        self.speed = self.speed * math.cos(step) - away * math.sin(step)
        self.position = moved
        self.step += 1

    def terms(self) -> list[TermSpec]:
        return []

    def apply(self, edit: Edit) -> Edit | None:
        if not isinstance(edit, edit_kinds.SetScene):
            raise ParameterError(edit.edit, "an oscillator does not know this Edit.")
        if edit.scene.time.step != self.scene.time.step:
            raise ParameterError("time.step", "this cannot change while it runs.")
        inverse = edit_kinds.SetScene(scene=self.scene)
        self.scene = edit.scene
        return inverse

    def state(self) -> State:
        scene = self.scene.model_dump(mode="json")
        return {"position": self.position, "speed": self.speed, "step": self.step, "scene": scene}

    def restore(self, state: State) -> None:
        values: dict[str, Any] = dict(state)
        self.position, self.speed, self.step = values["position"], values["speed"], values["step"]
        self.scene = Scene.model_validate(values["scene"])


def scene_of(steps: int, gravity: float = 0.0) -> Scene:
    """`steps` steps of 0.1 s."""
    scene = Scene(gravity=(gravity, 0.0, 0.0))
    return scene.model_copy(update={"time": scene.time.model_copy(update={"step": 0.1, "duration": 0.1 * steps})})
