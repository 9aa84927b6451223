"""Springs of the mouse: their derivatives, and a body that follows them."""

from __future__ import annotations

import pytest
import torch

from engine.core.errors import ParameterError
from engine.protocol.scene import BallShape, Obstacle, Pose, RectangleShape, Scene, Sheet, Time
from engine.simulation.energy import Unknowns
from engine.simulation.world.pulls import Pulls
from engine.simulation.world.world import build_world
from tests.support.energy_differences import gradient_error, hessian_error, mixed_errors, random_like


def test_derivatives_against_differences() -> None:
    pulls = Pulls(Unknowns(5, 2), torch.device("cpu"))
    stiffness = torch.tensor([1.0, 2.0, 0.1, 3.0, 0.5], dtype=torch.float64)
    pulls.assign({"stiffness": stiffness, "targets": random_like(torch.zeros(5, 3), 3).to(torch.float64)})
    q = random_like(torch.zeros(17), 4).to(torch.float64)
    assert gradient_error(pulls, q) < 1e-8
    assert hessian_error(pulls, q) < 1e-8
    errors = mixed_errors(pulls, q)
    assert set(errors) == {"stiffness", "targets"}
    assert max(errors.values()) < 1e-8


def test_a_pull_brings_a_body_along_and_lets_go() -> None:
    sheet = Sheet(name="card", shape=RectangleShape(columns=4, rows=4), material="card")
    world = build_world(Scene(sheets=[sheet], gravity=(0.0, 0.0, 0.0), time=Time(step=0.01)))
    stepper = world.stepper()
    world.pull("mouse", "card", 12, (0.0, 0.0, 0.1))
    stepper.run(60)
    # Half a swing of the mass m on the spring m / (20 h)², about the target.
    assert float(stepper.positions[:, 2].mean()) == pytest.approx(0.2, rel=0.1)
    world.pull("mouse", "card", 12, None)
    assert stepper.energies()["pulls"] == 0.0
    assert not world.pulls


def test_a_spring_balances_the_weight() -> None:
    sheet = Sheet(name="card", shape=RectangleShape(columns=2, rows=2), material="card")
    world = build_world(Scene(sheets=[sheet], time=Time(scheme="quasi-static", step=1.0)))
    weight = float(world.system.vertex_masses.sum()) * 9.81
    for corner, name in enumerate(("a", "b", "c")):
        world.pull(name, "card", (0, 6, 2)[corner], tuple(world.positions[(0, 6, 2)[corner]].tolist()), 10.0)
    stepper = world.stepper()
    stepper.step()
    forces = sum(10.0 * (pull.target[2] - float(stepper.positions[pull.vertex, 2])) for pull in world.pulls.values())
    assert forces == pytest.approx(weight, rel=1e-6)


def test_only_what_deforms_can_be_pulled() -> None:
    sheet = Sheet(name="cloth", pose=Pose(translation=(0.0, 0.0, 1.0)))
    world = build_world(Scene(sheets=[sheet], obstacles=[Obstacle(name="ball", shape=BallShape())]))
    with pytest.raises(ParameterError, match="cannot be pulled"):
        world.pull("mouse", "ball", 0, (0.0, 0.0, 0.0))
    with pytest.raises(ParameterError, match="no vertex 1000"):
        world.pull("mouse", "cloth", 1000, (0.0, 0.0, 0.0))
    with pytest.raises(ParameterError, match="no such body"):
        world.pull("mouse", "hat", 0, (0.0, 0.0, 0.0))
