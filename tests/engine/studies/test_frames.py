"""Frames of a Run: stretches that follow one another, under one budget."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import FileError
from engine.protocol.trajectory import Layout, Trajectory
from engine.protocol.trajectory_bodies import TrajectoryBody
from engine.studies.frames import FOLDER, Frames, Kept

LAYOUT = Layout(3, ("bending",), ("force",), ("strain",), "single")
BODY = TrajectoryBody("cloth", "sheet", slice(0, 3), np.array([[0, 1, 2]]))


def add(frames: Frames, stretch: str, steps: range, mark: float = 0.0) -> str:
    for step in steps:
        kept = Kept({"bending": float(step)}, {"force": mark}, {"strain": np.full(3, mark)})
        stretch = frames.add(stretch, step, 0.1 * step, np.full((3, 3), step + mark), kept)
    return stretch


def steps_of(frames: Frames, stretch: str) -> list[int]:
    folder = frames.of(stretch)
    assert folder is not None
    return [int(step) for step in Trajectory.open(folder).steps()]


def marks_of(frames: Frames, stretch: str) -> list[float]:
    folder = frames.of(stretch)
    assert folder is not None
    return [float(mark) for mark in Trajectory.open(folder).series("force")]


def test_going_back_begins_another_stretch_that_follows_the_one_it_left(tmp_path: Path) -> None:
    frames = Frames(LAYOUT, [BODY])
    frames.keep_in(tmp_path)
    first = add(frames, "", range(6), 0.0)
    second = add(frames, first, range(3, 5), 0.25)
    third = add(frames, first, range(6, 8), 0.5)
    assert len({first, second, third}) == 3
    assert steps_of(frames, first) == list(range(6))
    assert (steps_of(frames, second), marks_of(frames, second)) == (list(range(5)), [0.0] * 3 + [0.25] * 2)
    assert (steps_of(frames, third), marks_of(frames, third)) == (list(range(8)), [0.0] * 6 + [0.5] * 2)
    assert add(frames, third, range(8, 9), 0.5) == third
    assert {path.parent.name for path in tmp_path.glob("*/*")} == {FOLDER}
    assert [body.name for body in Trajectory.open(tmp_path / FOLDER / third).bodies] == ["cloth"]


def test_a_run_that_goes_on_from_another_folder_has_its_frames(tmp_path: Path) -> None:
    before = Frames(LAYOUT, [BODY])
    before.keep_in(tmp_path / "run-1")
    stretch = add(before, "", range(10), 0.0)
    before.close()
    frames = Frames(LAYOUT, [BODY])
    frames.keep_in(tmp_path / "run-2", tmp_path / "run-1")
    after = add(frames, stretch, range(7, 9), 1.0)  # what came after the saved state of step 6 is done again
    assert (steps_of(frames, after), marks_of(frames, after)) == (list(range(9)), [0.0] * 7 + [1.0] * 2)
    for path in (tmp_path / "run-1" / FOLDER).glob("*/*"):
        path.unlink()
    assert steps_of(frames, after) == list(range(9))


def test_frames_that_have_gone_leave_those_that_come(tmp_path: Path) -> None:
    frames = Frames(LAYOUT, [BODY])
    frames.keep_in(tmp_path)
    assert frames.of("") is None
    assert frames.of("4") is None
    stretch = add(frames, "4", range(20, 23))
    assert steps_of(frames, stretch) == [20, 21, 22]


def test_other_sensors_begin_another_stretch(tmp_path: Path) -> None:
    frames = Frames(LAYOUT, [BODY])
    frames.keep_in(tmp_path)
    first = add(frames, "", range(3))
    frames.layout = Layout(3, ("bending",), ("other",), ("strain",), "single")
    kept = Kept({"bending": 0.0}, {"other": 2.0}, {"strain": np.zeros(3)})
    second = frames.add(first, 3, 0.3, np.zeros((3, 3)), kept)
    assert second != first
    folder = frames.of(second)
    assert folder is not None
    assert Trajectory.open(folder).series("other").tolist()[3:] == [2.0]
    assert steps_of(frames, second) == [0, 1, 2, 3]


def test_the_budget_holds_for_all_stretches_and_costs_those_that_nobody_follows(tmp_path: Path) -> None:
    size = LAYOUT.dtype.itemsize
    budget = 400 * size
    frames = Frames(LAYOUT, [BODY], budget=budget)
    frames.keep_in(tmp_path)
    root = add(frames, "", range(100))
    last = ""
    for branch in range(12):
        last = add(frames, root, range(50, 150), float(branch))
    total = sum(path.stat().st_size for path in tmp_path.rglob("*.bin"))
    assert total <= budget
    assert marks_of(frames, last) == [0.0] * 50 + [11.0] * 100, "the present line is whole"
    assert frames.of("1") is None, "the oldest branch has gone"


def test_without_a_folder_they_are_temporary() -> None:
    frames = Frames(LAYOUT, [BODY])
    frames.keep_in(None)
    stretch = add(frames, "", range(3))
    folder = frames.of(stretch)
    assert folder is not None
    frames.close()
    frames.close()
    assert not folder.exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file where a folder should be")
    frames = Frames(LAYOUT, [BODY])
    frames.keep_in(tmp_path)
    with pytest.raises(FileError):
        add(frames, "", range(1))
