"""Trajectories on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import FileError, ParameterError
from engine.simulation.stepper import Stepper
from engine.simulation.trajectory import Trajectory


def positions(number: int) -> np.ndarray:
    return number + np.arange(15.0).reshape(5, 3) / 7.0


def fill(trajectory: Trajectory, numbers: range) -> None:
    for number in numbers:
        trajectory.add(0.1 * number, positions(number), {"bending": 2.0 * number, "kinetic": 1.0})


def check(trajectory: Trajectory, numbers: list[int]) -> None:
    assert len(trajectory) == len(numbers)
    for place, number in enumerate(numbers):
        frame = trajectory[place]
        assert frame.time == 0.1 * number
        assert np.array_equal(frame.positions, positions(number))
        assert frame.energies == {"bending": 2.0 * number, "kinetic": 1.0}


def test_frames_come_back_by_number(tmp_path: Path) -> None:
    trajectory = Trajectory.record(tmp_path / "t", 5, ["bending", "kinetic"], chunk=4)
    fill(trajectory, range(10))
    check(trajectory, list(range(10)))
    assert np.array_equal(trajectory[-1].positions, positions(9))
    with pytest.raises(IndexError):
        trajectory[10]


def test_it_is_opened_up_to_what_was_written_and_goes_on(tmp_path: Path) -> None:
    trajectory = Trajectory.record(tmp_path, 5, ["bending", "kinetic"], chunk=4)
    fill(trajectory, range(10))
    check(Trajectory.open(tmp_path), list(range(8)))  # as after a crash
    trajectory.flush()
    again = Trajectory.open(tmp_path)
    check(again, list(range(10)))
    fill(again, range(10, 15))
    again.flush()
    check(Trajectory.open(tmp_path), list(range(15)))
    with pytest.raises(FileError, match="already"):
        Trajectory.record(tmp_path, 5, [])


def test_a_budget_makes_it_coarser_and_not_shorter(tmp_path: Path) -> None:
    frame = 8 * (1 + 2 + 15)
    trajectory = Trajectory.record(tmp_path, 5, ["bending", "kinetic"], chunk=4, budget=12 * frame)
    fill(trajectory, range(60))
    trajectory.flush()
    stride = trajectory.stride
    assert stride in (4, 8)
    check(Trajectory.open(tmp_path), list(range(0, 60, stride)))
    assert sum(file.stat().st_size - 128 for file in tmp_path.glob("*.npy")) <= 12 * frame
    with pytest.raises(ParameterError, match="budget"):
        Trajectory.record(tmp_path / "small", 5, [], chunk=4, budget=100)


def test_what_is_damaged_or_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no trajectory"):
        Trajectory.open(tmp_path)
    fill(Trajectory.record(tmp_path, 5, ["bending", "kinetic"], chunk=4), range(8))
    broken = sorted(tmp_path.glob("*.npy"))[1]
    broken.write_bytes(broken.read_bytes()[:100])
    opened = Trajectory.open(tmp_path)
    assert opened[0].time == 0.0
    with pytest.raises(FileError, match=broken.name):
        opened[4]
    (tmp_path / "trajectory.json").write_text("{}")
    with pytest.raises(FileError, match="no index"):
        Trajectory.open(tmp_path)


def test_a_simulation_is_recorded(hang: Callable, tmp_path: Path) -> None:
    hung = hang()
    stepper = Stepper(hung.system, hung.rest, step_size=1e-2)
    trajectory = Trajectory.record(tmp_path, len(hung.rest), list(stepper.energies()))
    stepper.run(5, after=lambda now, _: trajectory.add(now.time, now.positions.numpy(), now.energies()))
    trajectory.flush()
    last = Trajectory.open(tmp_path)[-1]
    assert last.time == pytest.approx(0.05)
    assert np.array_equal(last.positions, stepper.positions.numpy())
    assert last.energies == stepper.energies()
    assert set(last.energies) == {"membrane", "bending", "gravity", "kinetic"}
