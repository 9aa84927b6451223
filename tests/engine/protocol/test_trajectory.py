"""Trajectories on disk."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import FileError, ParameterError
from engine.protocol.trajectory import Index, Layout, Trajectory
from engine.protocol.trajectory_bodies import TrajectoryBody
from engine.protocol.trajectory_writer import FEWEST, TrajectoryWriter

LAYOUT = Layout(5, ("bending", "kinetic"), ("pull.x",), ("strain",))
SIZE = LAYOUT.dtype.itemsize


def positions(number: int) -> np.ndarray:
    return number + np.arange(15.0).reshape(5, 3) / 7.0


def fill(writer: TrajectoryWriter, numbers: range, *, shift: float = 0.0) -> None:
    for number in numbers:
        writer.add(
            number,
            0.1 * number,
            positions(number) + shift,
            {"bending": 2.0 * number, "kinetic": 1.0},
            scalars={"pull.x": 3.0 * number} if number % 2 else {},
            fields={"strain": np.arange(5) + number},
        )


def check(trajectory: Trajectory, numbers: list[int], *, shift: float = 0.0) -> None:
    assert trajectory.steps().tolist() == numbers
    assert trajectory.times().tolist() == [0.1 * number for number in numbers]
    assert trajectory.series("bending").tolist() == [2.0 * number for number in numbers]
    for place, number in enumerate(numbers):
        frame = trajectory[place]
        assert (frame.step, frame.time) == (number, 0.1 * number)
        assert np.array_equal(frame.positions, positions(number) + shift)
        assert frame.energies == {"bending": 2.0 * number, "kinetic": 1.0}
        assert frame.scalars["pull.x"] == 3.0 * number if number % 2 else np.isnan(frame.scalars["pull.x"])
        assert frame.fields["strain"].tolist() == [number, number + 1, number + 2, number + 3, number + 4]


def test_frames_come_back_by_number(tmp_path: Path) -> None:
    writer = TrajectoryWriter(tmp_path / "t", LAYOUT)
    fill(writer, range(10))
    trajectory = Trajectory.open(tmp_path / "t")
    check(trajectory, list(range(10)))
    assert np.array_equal(trajectory[-1].positions, positions(9))
    for number in (10, -11):
        with pytest.raises(IndexError):
            trajectory[number]
    with pytest.raises(ParameterError, match="no such series"):
        trajectory.series("contact")


def test_positions_may_be_float32(tmp_path: Path) -> None:
    layout = Layout(5, precision="single")
    TrajectoryWriter(tmp_path, layout).add(0, 0.0, positions(1), {})
    kept = Trajectory.open(tmp_path)[0].positions
    assert kept.dtype == np.float32
    assert np.array_equal(kept, positions(1).astype(np.float32))


def test_a_frame_can_be_read_as_soon_as_it_is_added(tmp_path: Path) -> None:
    writer = TrajectoryWriter(tmp_path, LAYOUT)
    trajectory = Trajectory.open(tmp_path)
    assert len(trajectory) == 0
    assert trajectory.times().tolist() == []
    for count in range(1, 6):
        fill(writer, range(count - 1, count))
        assert trajectory.refresh() == count
        check(trajectory, list(range(count)))


def test_a_budget_makes_it_coarser_and_not_shorter(tmp_path: Path) -> None:
    writer = TrajectoryWriter(tmp_path, LAYOUT, budget=12 * SIZE)
    reader = Trajectory.open(tmp_path)
    for number in range(60):
        fill(writer, range(number, number + 1))
        assert writer.size <= 12 * SIZE
        assert reader.refresh() == len(writer)
        assert reader.steps().tolist() == list(range(0, number + 1, reader.stride))
    assert reader.stride == 8
    check(Trajectory.open(tmp_path), list(range(0, 60, 8)))
    assert sum(file.stat().st_size for file in tmp_path.glob("*.bin")) <= 12 * SIZE
    with pytest.raises(ParameterError, match="budget"):
        TrajectoryWriter(tmp_path / "small", LAYOUT, budget=FEWEST * SIZE - 1)


def test_a_map_that_was_opened_before_it_was_made_coarser_stays_readable(tmp_path: Path) -> None:
    writer = TrajectoryWriter(tmp_path, LAYOUT, budget=12 * SIZE)
    fill(writer, range(12))
    early = Trajectory.open(tmp_path)
    fill(writer, range(12, 40))
    check(early, list(range(12)))


def test_what_follows_takes_over_from_a_step(tmp_path: Path) -> None:
    first = TrajectoryWriter(tmp_path / "0", LAYOUT)
    fill(first, range(10))
    second = TrajectoryWriter(tmp_path / "1", LAYOUT, follows=(tmp_path / "0", 4))
    fill(second, range(5, 8), shift=0.5)
    third = TrajectoryWriter(tmp_path / "2", LAYOUT, follows=(tmp_path / "1", 2))
    fill(third, range(3, 5), shift=0.25)
    fourth = TrajectoryWriter(tmp_path / "3", LAYOUT, follows=(tmp_path / "1", 6))
    fill(fourth, range(7, 9))
    check(Trajectory.open(tmp_path / "0"), list(range(10)))
    whole = Trajectory.open(tmp_path / "1")
    assert whole.steps().tolist() == list(range(8))
    assert np.array_equal(whole[4].positions, positions(4))
    assert np.array_equal(whole[5].positions, positions(5) + 0.5)
    assert Trajectory.open(tmp_path / "2").steps().tolist() == [0, 1, 2, 3, 4]
    assert Trajectory.open(tmp_path / "3").steps().tolist() == list(range(9))
    with pytest.raises(ParameterError, match="after 4"):
        fill(TrajectoryWriter(tmp_path / "4", LAYOUT, follows=(tmp_path / "0", 4)), range(4, 5))


def test_what_it_follows_may_have_gone_moved_or_be_of_other_bodies(tmp_path: Path) -> None:
    fill(TrajectoryWriter(tmp_path / "0", LAYOUT), range(5))
    fill(TrajectoryWriter(tmp_path / "1", LAYOUT, follows=(tmp_path / "0", 4)), range(5, 8))
    (tmp_path / "run").mkdir()
    for name in ("0", "1"):
        (tmp_path / name).rename(tmp_path / "run" / name)
    check(Trajectory.open(tmp_path / "run" / "1"), list(range(8)))
    (tmp_path / "run" / "0").rename(tmp_path / "run" / "gone")
    check(Trajectory.open(tmp_path / "run" / "1"), [5, 6, 7])
    TrajectoryWriter(tmp_path / "run" / "0", Layout(4))
    with pytest.raises(FileError, match="other bodies"):
        Trajectory.open(tmp_path / "run" / "1")


def test_series_are_missing_where_they_were_not_recorded(tmp_path: Path) -> None:
    first = TrajectoryWriter(tmp_path / "0", Layout(5, ("bending",)))
    for step in range(2):
        first.add(step, 0.0, positions(0), {"bending": 1.0})
    second = TrajectoryWriter(tmp_path / "1", Layout(5, (), ("force",)), follows=(tmp_path / "0", 1))
    second.add(2, 0.0, positions(0), {}, scalars={"force": 7.0})
    trajectory = Trajectory.open(tmp_path / "1")
    assert trajectory.series("force").tolist()[2:] == [7.0]
    assert np.isnan(trajectory.series("force")[:2]).all()
    assert np.isnan(trajectory.series("bending")[2])


def test_bodies_say_whose_vertices_are_whose(tmp_path: Path) -> None:
    triangles = np.array([[0, 1, 2], [2, 1, 3]])
    bodies = [
        TrajectoryBody("cloth", "sheet", slice(0, 4), triangles, "#ff0000"),
        TrajectoryBody("floor", "obstacle", slice(4, 5), np.zeros((0, 3), np.int64)),
    ]
    TrajectoryWriter(tmp_path, LAYOUT, bodies)
    cloth, floor = Trajectory.open(tmp_path).bodies
    assert (cloth.name, cloth.kind, cloth.vertices, cloth.colour) == ("cloth", "sheet", slice(0, 4), "#ff0000")
    assert cloth.triangles.dtype == np.int64
    assert np.array_equal(cloth.triangles, triangles)
    assert (floor.name, floor.vertices, len(floor.triangles), floor.colour) == ("floor", slice(4, 5), 0, "")
    (tmp_path / "bodies.json").write_text(json.dumps({"unit": "m", "bodies": [{"name": 1}]}))
    with pytest.raises(FileError, match="damaged"):
        _ = Trajectory.open(tmp_path).bodies


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"positions": np.zeros((4, 3))}, "shape"),
        ({"energies": {"bending": 1.0}}, "kinetic"),
        ({"energies": {"bending": 1.0, "kinetic": 1.0, "contact": 1.0}}, "contact"),
        ({"scalars": {"pull.y": 1.0}}, "pull.y"),
        ({"fields": {}}, "strain"),
        ({"fields": {"strain": np.zeros(4)}}, "strain"),
        ({"step": 2}, "after 2"),
    ],
)
def test_a_frame_of_another_kind_is_refused(tmp_path: Path, changed: dict, message: str) -> None:
    writer = TrajectoryWriter(tmp_path, LAYOUT)
    fill(writer, range(3))
    frame = {
        "step": 3, "time": 0.1 * 3, "positions": positions(3), "energies": {"bending": 6.0, "kinetic": 1.0},
        "fields": {"strain": np.arange(5) + 3.0}, "scalars": {"pull.x": 9.0},
    }  # fmt: skip
    with pytest.raises(ParameterError, match=message):
        writer.add(**(frame | changed))
    writer.add(**frame)
    check(Trajectory.open(tmp_path), [0, 1, 2, 3])


def test_what_is_damaged_or_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no trajectory"):
        Trajectory.open(tmp_path)
    fill(TrajectoryWriter(tmp_path, LAYOUT), range(8))
    with pytest.raises(FileError, match="already"):
        TrajectoryWriter(tmp_path, LAYOUT)
    (file,) = tmp_path.glob("*.bin")
    content = bytearray(file.read_bytes())
    content[3 * SIZE + 40] ^= 1
    file.write_bytes(bytes(content))
    opened = Trajectory.open(tmp_path)
    assert opened[2].step == 2
    with pytest.raises(FileError, match="frame 3 is damaged"):
        opened[3]
    del opened
    file.unlink()
    with pytest.raises(FileError, match="missing"):
        Trajectory.open(tmp_path)
    index = json.loads((tmp_path / "trajectory.json").read_text())
    (tmp_path / "trajectory.json").write_text(json.dumps(index | {"format": 99}))
    with pytest.raises(FileError, match="its format is 99"):
        Trajectory.open(tmp_path)
    (tmp_path / "trajectory.json").write_text("{}")
    with pytest.raises(FileError, match="no index"):
        Trajectory.open(tmp_path)


def test_a_frame_that_was_cut_off_does_not_count(tmp_path: Path) -> None:
    fill(TrajectoryWriter(tmp_path, LAYOUT), range(5))
    (file,) = tmp_path.glob("*.bin")
    whole = file.read_bytes()
    for length in (4 * SIZE + 1, 5 * SIZE - 1):
        file.write_bytes(whole[:length])
        check(Trajectory.open(tmp_path), [0, 1, 2, 3])


@pytest.mark.parametrize("reading", ["open", "refresh"])
def test_frames_that_go_after_the_index_was_read(tmp_path: Path, reading: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer makes the trajectory coarser between a reader's look at the index and that at the frames."""
    writer = TrajectoryWriter(tmp_path, LAYOUT, budget=FEWEST * SIZE)
    fill(writer, range(FEWEST))
    trajectory = Trajectory.open(tmp_path)
    read, left = Index.read, iter([range(FEWEST, 2 * FEWEST + 1)])

    def read_too_early(folder: Path) -> Index:
        index = read(folder)
        for numbers in left:
            fill(writer, numbers)
        return index

    monkeypatch.setattr(Index, "read", staticmethod(read_too_early))
    if reading == "open":
        trajectory = Trajectory.open(tmp_path)
    else:
        trajectory.refresh()
    assert next(left, None) is None
    check(trajectory, [0, 4, 8, 12, 16])


@pytest.mark.parametrize("reading", ["open", "refresh"])
@pytest.mark.parametrize("seen", ["before", "index"])
def test_what_a_trajectory_follows_goes_while_it_is_read(
    tmp_path: Path, reading: str, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A budget removes it just before a reader's look at its index, or between that and the look at its frames."""
    first, second = tmp_path / "0", tmp_path / "1"
    before = TrajectoryWriter(first, LAYOUT)
    fill(before, range(6))
    fill(TrajectoryWriter(second, LAYOUT, follows=(first, 3)), range(4, 7))
    trajectory = Trajectory.open(second)
    fill(before, [6])
    read = Index.read

    def read_meanwhile(folder: Path) -> Index:
        if folder.name == "0" and seen == "before":
            shutil.rmtree(first, ignore_errors=True)
        index = read(folder)
        if folder.name == "0":
            shutil.rmtree(first)
        return index

    monkeypatch.setattr(Index, "read", staticmethod(read_meanwhile))
    if reading == "open":
        check(Trajectory.open(second), [4, 5, 6])
    else:
        trajectory.refresh()
        check(trajectory, [0, 1, 2, 3, 4, 5, 6])
    assert not first.exists()


def test_a_trajectory_that_is_removed_can_still_be_read_where_it_was_open(tmp_path: Path) -> None:
    fill(TrajectoryWriter(tmp_path / "t", LAYOUT), range(4))
    trajectory = Trajectory.open(tmp_path / "t")
    (tmp_path / "t" / "frames-0.bin").unlink()
    check(trajectory, [0, 1, 2, 3])
    assert trajectory.refresh() == 4
    shutil.rmtree(tmp_path / "t")
    assert trajectory.refresh() == 4
    check(trajectory, [0, 1, 2, 3])


WRITING = """
import sys, numpy as np
from engine.protocol.trajectory import Layout
from engine.protocol.trajectory_writer import TrajectoryWriter
layout = Layout(20000, ("e",), (), ("f",))
writer = TrajectoryWriter(sys.argv[1], layout, budget=40 * layout.dtype.itemsize)
step = 0
while True:
    values = np.full((20000, 3), float(step))
    writer.add(step, float(step), values, {"e": 2.0 * step}, fields={"f": values[:, 0]})
    step += 1
"""


def test_another_process_writes_and_is_killed(tmp_path: Path) -> None:
    """Large frames, a budget that is passed again and again, and a reader that looks all the time."""
    folder = tmp_path / "t"
    writer = subprocess.Popen([sys.executable, "-c", WRITING, str(folder)])
    try:
        until = time.monotonic() + 120.0
        while not (folder / "trajectory.json").exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        reader, looks = Trajectory.open(folder), 0
        while reader.refresh() == 0 or reader.stride < 4:
            assert time.monotonic() < until
            if len(reader):
                frame = reader[-1]
                assert (frame.positions == frame.step).all()
                assert (frame.fields["f"] == frame.step).all()
                looks += 1
        assert looks
    finally:
        writer.kill()
        writer.wait()
    after = Trajectory.open(folder)
    steps = after.steps()
    assert (np.diff(steps) == after.stride).all()
    for number in range(len(after)):
        frame = after[number]
        assert (frame.positions == frame.step).all()
        assert frame.energies == {"e": 2.0 * frame.step}
