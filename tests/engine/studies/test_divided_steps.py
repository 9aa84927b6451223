"""Steps of a Scene that are divided: told, kept with the state, allowed while it runs, differentiated as they were."""

from __future__ import annotations

import pytest
import torch

from engine.optimization.problem import StepFailedError
from engine.protocol import edits
from engine.protocol.scene import Scene
from engine.protocol.study import Study
from engine.simulation.world.world import build_world
from engine.studies.examples import end_of
from engine.studies.numbers import number_value, sensitivity_of
from engine.studies.registry import build_problem
from engine.studies.simulate import SimulateProblem
from engine.studies.verification import hold_problem, root_mean_square

NUMBER = "upper centre z [m]"


def meeting(divide: int) -> Scene:
    """One of two sheets of rubber falls at 15 m/s on the other, whose left side is turned and lifted meanwhile."""
    sheet = {
        "material": "rubber",
        "shape": {"kind": "rectangle", "width": 0.06, "height": 0.06, "columns": 3, "rows": 3},
    }
    keyframes = [{"time": 0.0}, {"time": 0.02, "translation": [0.0, 0.0, 2e-3], "rotation": [0.0, 20.0, 10.0]}]
    side = {
        "name": "side",
        "region": {"kind": "side", "side": "left"},
        "motion": {"interpolation": "smooth", "keyframes": keyframes},
    }
    return Scene.model_validate(
        {
            "gravity": [0.0, 0.0, 0.0],
            "time": {"step": 5e-3, "duration": 0.02, "divide": divide, "tolerance": 1e-11},
            "contact": {"friction": 0.2},
            "sheets": [
                sheet | {"name": "lower", "pins": [side]},
                sheet
                | {
                    "name": "upper",
                    "pose": {"translation": [5e-3, 7e-3, 10e-3]},
                    "velocity": [0.5, 0.0, -15.0],
                },
            ],
        }
    )


def problem_of(scene: Scene) -> SimulateProblem:
    problem = build_problem(Study(study="simulate", scene=scene), {})
    assert isinstance(problem, SimulateProblem)
    return problem


def test_divided_steps_are_told_and_kept_with_the_state() -> None:
    problem = problem_of(meeting(8))
    start = problem.state()
    assert "divided" not in problem.view()[2]
    problem.advance()
    assert list(problem.divided) == [1]
    told = problem.view()[2]["divided"]
    assert told == {"count": 1, "step": 1, "parts": problem.divided[1]}
    after = problem.state()
    problem.restore(start)
    assert not problem.divided and "divided" not in problem.view()[2]
    problem.restore(after)
    assert problem.view()[2]["divided"] == told
    problem.advance()
    assert problem.stepper.time == pytest.approx(0.01), "steps stay as long as they are"
    problem.close()


def test_a_study_through_a_simulation_tells_them_too() -> None:
    scene = meeting(8)
    scene = scene.model_copy(update={"time": scene.time.model_copy(update={"duration": 0.01})})
    problem = hold_problem(end_of(scene), scene, knots=1)
    assert root_mean_square(problem) == pytest.approx(0.0, abs=1e-9), "it knows the motion within divided steps"
    told = problem.view()[2]["divided"]
    assert told["count"] >= 1 and told["parts"] > 1


def test_parts_are_allowed_while_it_runs() -> None:
    problem = problem_of(meeting(1))
    with pytest.raises(StepFailedError, match="Step 1 is too long") as caught:
        problem.advance()
    assert caught.value.step_size is not None and caught.value.step_size <= 2.5e-3
    problem.apply(edits.SetScene(scene=meeting(8)))
    problem.advance()
    assert problem.divided[1] > 1
    problem.close()


def test_a_number_depends_on_what_happened_within_divided_steps() -> None:
    world = build_world(meeting(8))
    stepper = world.stepper()
    before, horizon = stepper.snapshot(), 3
    parts = [len(stepper.step(world.held_during(step)).parts) for step in range(horizon)]
    assert max(parts) > 1
    found = sensitivity_of(world, stepper, before, NUMBER, horizon)
    no_forces = torch.zeros_like(world.positions)
    # Made again with all that moves where it was: also between the ends of the steps.
    assert found.value == pytest.approx(
        float(number_value(world, NUMBER, stepper.positions, stepper.velocities, no_forces)), rel=1e-9
    )

    def end(change: torch.Tensor) -> float:
        poses = world.poses(horizon)["lower/side"]
        path = world.held_way(horizon, {"lower/side": poses + change})
        moved = world.stepper()
        moved.restore(before)
        for step in range(horizon):
            moved.step(lambda part, step=step: path.at(torch.tensor([step + part], dtype=torch.float64))[0])
        return float(number_value(world, NUMBER, moved.positions, moved.velocities, no_forces))

    for name, column, size in (("offset", 2, 1e-6), ("turn", 1, 1e-4)):
        change = torch.zeros(6, dtype=torch.float64)
        change[{"offset": 0, "turn": 3}[name] + column] = size
        measured = (end(change) - end(-change)) / (2.0 * size)
        assert measured != 0.0
        assert found.parameters[f"lower/side.{name}"][1][column] == pytest.approx(measured, rel=1e-2)
