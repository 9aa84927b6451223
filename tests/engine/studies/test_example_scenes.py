"""The scenes that the program brings: each does what physics says, and nothing passes through anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ipctk
import numpy as np
import pytest
import torch

from engine.protocol.scene_file import read_scene
from engine.protocol.trajectory import Trajectory
from engine.simulation.world.world import World, build_world
from engine.studies.recorded_steps import record
from engine.studies.scenes import example_names, example_path


def world_of(name: str) -> World:
    return build_world(read_scene(example_path(name)))


def crossing(world: World, positions: np.ndarray) -> bool:
    """Whether surfaces cross, except what a gripper carries and its fingers."""
    triangles = world.triangles.astype(np.int32)
    mesh = ipctk.CollisionMesh(world.positions.numpy(), ipctk.edges(triangles), triangles)
    return bool(ipctk.has_intersections(mesh, np.asarray(positions, np.float64)))


@pytest.mark.parametrize("name", example_names())
def test_it_begins(name: str) -> None:
    world = world_of(name)
    stepper = world.stepper()
    for step in (1, 2):
        solved = stepper.step(world.held_positions(step * world.scene.time.step))
        assert solved.report.residuals[-1] <= world.scene.time.tolerance
    readings = world.readings(stepper, solved)
    assert all(np.isfinite(value) for value in (*readings.energies.values(), *readings.scalars.values()))
    assert not crossing(world, stepper.positions.numpy())


def drape_ball(world: World, end: np.ndarray, series: Callable[[str], np.ndarray]) -> None:
    """The middle rests on the ball, the corners hang; the ball carries what the floor does not."""
    cloth = end[world.bodies["cloth"].vertices]
    weight = 9.81 * float(world.system.vertex_masses.sum())
    assert cloth[len(cloth) // 2, 2] == pytest.approx(0.0, abs=2e-3)
    assert cloth[:, 2].min() < -0.08
    assert 0.5 * weight < -series("on the ball z [N]")[-1] < 1.05 * weight


def hanging_cloth(world: World, end: np.ndarray, series: Callable[[str], np.ndarray]) -> None:
    """Both corners carry half of the weight when it has come to rest, and pull together."""
    weight = 9.81 * float(world.system.vertex_masses.sum())
    last = slice(-20, None)
    both = series("left corner z [N]")[last] + series("right corner z [N]")[last]
    assert -both.mean() == pytest.approx(weight, rel=0.1)
    assert series("left corner x [N]")[-1] == pytest.approx(-series("right corner x [N]")[-1], rel=0.1)


def cantilever_paper(world: World, end: np.ndarray, series: Callable[[str], np.ndarray]) -> None:
    """It sinks by a little less than the beam of small angles, q L⁴ / 8 D."""
    material = world.scene.sheets[0].material
    load = material.density * material.thickness * 9.81
    # A strip is free to bend across: not as a plate.
    narrow = 1.0 - material.poisson**2 * material.young_cross / material.young
    sinking = load * 0.08**4 / (8.0 * material.bending_stiffness * narrow)
    tip = -float(end[-1, 2])
    assert 0.7 * sinking < tip < 1.15 * sinking


def fold_crease(world: World, end: np.ndarray, series: Callable[[str], np.ndarray]) -> None:
    """The crease has kept the fold, but for its yield angle."""
    state = world.system.states()["paper.bending"]["plastic_angles"]
    folds = state[torch.as_tensor(world.creases["paper/middle"].edges)].abs()
    assert float(folds.mean()) == pytest.approx(np.radians(150.0) - 0.1, rel=0.1)


def sliding_cards(world: World, end: np.ndarray, series: Callable[[str], np.ndarray]) -> None:
    """The lower card sticks, the upper one slides by ½ g (sin − μ cos) t²."""
    moved = (end - world.positions.numpy())[:, 0]
    slope = np.radians(20.0)
    expected = 0.5 * 9.81 * (np.sin(slope) - 0.15 * np.cos(slope)) * 0.3**2
    assert moved[world.bodies["upper"].vertices].mean() == pytest.approx(expected, rel=0.05)
    assert abs(moved[world.bodies["lower"].vertices].mean()) < 0.01 * expected


def press_cushion(world: World, end: np.ndarray, series: Callable[[str], np.ndarray]) -> None:
    """Stiffer than a bar of free sides, softer than one in a box; the table carries the weight as well."""
    block = end[world.bodies["cushion"].vertices]
    strain = 1.0 - np.ptp(block[:, 2]) / 0.04
    bar = 2e4 * 0.06**2 * strain
    pressed = series("plate z [N]")[-1]
    assert bar < pressed < bar * (1.0 - 0.3) / ((1.0 + 0.3) * (1.0 - 0.6))
    weight = 9.81 * 100.0 * 0.06 * 0.06 * 0.04
    assert -series("table z [N]")[-1] == pytest.approx(pressed + weight, rel=1e-3)


def pull_through_fingers(world: World, end: np.ndarray, series: Callable[[str], np.ndarray]) -> None:
    """The strip comes along; what pulls it is what the fingers hold back, and no friction is above μ N."""
    strip = (end - world.positions.numpy())[world.bodies["strip"].vertices, 0]
    assert strip.mean() == pytest.approx(0.02, rel=0.1)
    pull, back = -series("pull x [N]")[-10:].mean(), series("fingers x [N]")[-10:].mean()
    assert pull > 0.0
    assert back == pytest.approx(pull, rel=0.3)


PHYSICS = (
    drape_ball, hanging_cloth, cantilever_paper, fold_crease, sliding_cards, press_cushion, pull_through_fingers
)  # fmt: skip


def test_every_example_is_checked() -> None:
    assert sorted(check.__name__.replace("_", "-") for check in PHYSICS) == example_names()


@pytest.mark.slow
@pytest.mark.parametrize("check", PHYSICS, ids=lambda check: check.__name__)
def test_it_does_what_physics_says(
    check: Callable[[World, np.ndarray, Callable[[str], np.ndarray]], None], tmp_path: Path
) -> None:
    world = world_of(check.__name__.replace("_", "-"))
    recorded = record(world, tmp_path / "out", steps=world.scene.time.steps)
    assert recorded.failure is None and recorded.steps == world.scene.time.steps
    assert recorded.residual <= world.scene.time.tolerance
    trajectory = Trajectory.open(tmp_path / "out")
    for frame in trajectory:
        assert not crossing(world, frame.positions), f"step {frame.step}"
    check(world, np.asarray(trajectory[len(trajectory) - 1].positions, np.float64), trajectory.series)
