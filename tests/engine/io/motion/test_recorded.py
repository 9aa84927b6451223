"""A Trajectory as a motion: bodies, numbers, and what was driven."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from motions import RisingStrip
from scipy.spatial.transform import Rotation

from engine.core.errors import FileError
from engine.io.motion.controls import rigid_motion
from engine.io.motion.motion import GROUND_COLOUR, body_colour, scene_colours
from engine.io.motion.recorded import motion_of
from engine.io.motion.registry import motion_formats, write_motion
from engine.protocol.scene import Obstacle, PlaneShape, Scene, Sheet, Solid
from engine.protocol.trajectory import Layout, Trajectory
from engine.protocol.trajectory_bodies import TrajectoryBody
from engine.protocol.trajectory_writer import TrajectoryWriter

BLOCK = np.array([[x, y, z] for x in (0.0, 0.01) for y in (0.0, 0.02) for z in (0.0, 0.03)])
SIDE = np.array([[0, 1, 2]])


def test_bodies_and_numbers_are_those_of_the_trajectory(tmp_path: Path) -> None:
    motion = motion_of(Trajectory.open(RisingStrip(tmp_path / "rise").write(5).folder))
    assert motion.name == "rise" and len(motion) == 5
    assert [(body.name, body.colour) for body in motion.bodies] == [
        ("strip", body_colour(0)),
        ("block", body_colour(1)),
    ]
    numbers = motion.frame(3).numbers
    assert numbers == pytest.approx({"bending energy [J]": 3e-3, "gravity energy [J]": 6e-3, "table force z [N]": 1.5})


def test_bodies_without_a_surface_are_left_out_and_every_format_takes_the_others(tmp_path: Path) -> None:
    """A gripper without fingers has neither vertices nor triangles."""
    bodies = (
        TrajectoryBody("block", "obstacle", slice(0, 8), SIDE),
        TrajectoryBody("hand", "gripper", slice(8, 8), np.empty((0, 3), np.int64)),
    )
    layout = Layout(8, scalars=("hand x [m]",))
    writer = TrajectoryWriter(tmp_path / "t", layout, bodies)
    for step in range(3):
        writer.add(step, 0.1 * step, BLOCK + np.array([0.0, 0.0, 0.01 * step]), {}, scalars={"hand x [m]": 0.5 * step})
    motion = motion_of(Trajectory.open(tmp_path / "t"))
    assert [body.name for body in motion.bodies] == ["block"]
    for entry in motion_formats():
        assert write_motion(motion, tmp_path / f"motion{entry.extension}").frames == 3
    header, *_, last = (line.split(",") for line in (tmp_path / "motion.csv").read_text().splitlines())
    assert dict(zip(header, last, strict=True))["hand x [m]"] == "1.0", "where it was is told all the same"


def test_what_was_driven_is_told_in_metres_and_radians(tmp_path: Path) -> None:
    fingers = np.concatenate([BLOCK + np.array([-0.02, 0.0, 0.0]), BLOCK + np.array([0.01, 0.0, 0.0])])
    bodies = (
        TrajectoryBody("hand", "gripper", slice(0, 16), SIDE),
        TrajectoryBody("lid", "obstacle", slice(16, 24), SIDE + 16),
        TrajectoryBody("table", "obstacle", slice(24, 32), SIDE + 24),
    )
    writer = TrajectoryWriter(tmp_path / "t", Layout(32), bodies)
    turn = np.array([0.1, -0.3, 0.2])
    for step in range(5):
        closing = np.repeat([[0.002 * step, 0.0, 0.0], [-0.002 * step, 0.0, 0.0]], 8, axis=0)
        lid = Rotation.from_rotvec(step * turn).apply(BLOCK - BLOCK.mean(axis=0)) + BLOCK.mean(axis=0)
        writer.add(step, 0.1 * step, np.concatenate([fingers + closing + [0.0, 0.0, 0.01 * step], lid, BLOCK]), {})
    numbers = motion_of(Trajectory.open(tmp_path / "t")).frame(4).numbers
    assert not any(name.startswith("table") for name in numbers), "what stands is no control"
    assert numbers["hand z [m]"] == pytest.approx(0.04) and numbers["hand opening [m]"] == pytest.approx(0.03 - 0.016)
    assert numbers["hand rotation z [rad]"] == pytest.approx(0.0, abs=1e-9)
    assert [numbers[f"lid rotation {axis} [rad]"] for axis in "xyz"] == pytest.approx(4 * turn)
    assert numbers["lid x [m]"] == pytest.approx(0.0, abs=1e-12)


def test_flat_points_are_not_mirrored() -> None:
    flat = np.random.default_rng(2).normal(size=(9, 3)) * [1.0, 1.0, 0.0]
    turn = np.array([0.4, 1.1, -0.7])
    shift = np.array([1.0, 2.0, 3.0])
    translation, rotation = rigid_motion(flat, Rotation.from_rotvec(turn).apply(flat) + shift)
    np.testing.assert_allclose(rotation, turn, atol=1e-12)
    middle = flat.mean(axis=0)
    np.testing.assert_allclose(translation, Rotation.from_rotvec(turn).apply(middle) + shift - middle)


def test_a_trajectory_without_frames_is_refused(tmp_path: Path) -> None:
    RisingStrip(tmp_path / "t")
    with pytest.raises(FileError, match="no frames yet"):
        motion_of(Trajectory.open(tmp_path / "t"))


def test_another_body_changes_no_colour() -> None:
    cloth, ball, ground = Sheet(name="cloth"), Obstacle(name="ball"), Obstacle(name="ground", shape=PlaneShape())
    before = scene_colours(Scene(sheets=[cloth], obstacles=[ball, ground]))
    after = scene_colours(
        Scene(sheets=[cloth, Sheet(name="second")], obstacles=[ball, ground], solids=[Solid(name="soft")])
    )
    assert {name: after[name] for name in before} == before
    assert before["ground"] == GROUND_COLOUR and len(set(after.values())) == 5
