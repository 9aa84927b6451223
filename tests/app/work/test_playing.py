"""Frames of a simulation: scrubbed, played, followed while they come, of a bending trajectory, from a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from motions import STEP, RisingStrip
from tests_app_fakes import FakeSession, FakeViewport

from app.document.document import Document
from app.work.drawing import Drawing
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.playing import Playing, is_trajectory
from app.work.tasks import Tasks
from engine.protocol.snapshot import Snapshot


@dataclass
class Room:
    """Playing with a clock that is set by hand, and what the viewport was shown."""

    playing: Playing
    link: EngineLink
    document: Document
    view: FakeViewport
    said: list[Any]
    now: float = 0.0

    def arrive(self, folder: Path | str, frame: int, *, state: Any = "running") -> None:
        """The Run sends a Snapshot."""
        self.document.run.state = state
        arrays = {"vertices": np.full((14, 3), float(frame), np.float32), "triangles": np.array([[0, 1, 2]], np.int32)}
        info = {"trajectory": str(folder), "time": STEP * frame, "bodies": ["strip", "block"]}
        self.link.snapshot_arrived(Snapshot(0, frame, 100, state, 0, (0.0, 0.0, 0.0), arrays, {}, info))

    def pass_time(self, seconds: float) -> None:
        """Let the playing timer tick once after so long."""
        self.now += seconds
        self.playing._timer.timeout.emit()

    @property
    def shown(self) -> Snapshot:
        (snapshot,), _ = self.view.last("show_snapshot")
        return snapshot

    def height(self) -> float:
        """Of the strip that is shown [mm]."""
        return float(self.shown.arrays["vertices"][0, 2] + self.shown.origin[2])


@pytest.fixture
def room(qtbot: Any) -> Any:
    document, tasks, notices = Document(), Tasks(), Notices()
    link = EngineLink(document, tasks, FakeSession)
    drawing = Drawing(document, link)
    view = FakeViewport()
    qtbot.addWidget(view)
    drawing.set_viewport(view)  # type: ignore[arg-type]  # the fake has the methods
    made: Room
    playing = Playing(document, link, drawing, notices, clock=lambda: made.now)
    made = Room(playing, link, document, view, [])
    notices.said.subscribe(made.said.append)
    yield made
    playing.close()


def test_scrubbing_shows_the_frame_as_it_was_recorded(room: Room, tmp_path: Path) -> None:
    strip = RisingStrip(tmp_path / "t").write(8)
    room.arrive(strip.folder, 7)
    assert room.playing.live and room.playing.frame == 7 and room.playing.frame_count == 8
    room.playing.show_frame(3)
    assert not room.playing.live and room.playing.time == pytest.approx(3 * STEP)
    vertices = room.shown.arrays["vertices"] + np.asarray(room.shown.origin)
    expected = 1000.0 * strip.positions
    expected[:10, 2] += 3.0
    np.testing.assert_allclose(vertices, expected, atol=1e-4)
    np.testing.assert_array_equal(room.shown.arrays["body"], [0] * 10 + [1] * 4)
    np.testing.assert_allclose(room.shown.arrays["strain"][-1], 0.03, rtol=1e-6)
    assert room.shown.info["bodies"] == ["strip", "block"] and len(room.shown.arrays["triangles"]) == 12
    room.playing.show_frame(99)
    assert room.playing.frame == 7


def test_a_run_goes_on_below_what_is_scrubbed_and_live_comes_back(room: Room, tmp_path: Path) -> None:
    strip = RisingStrip(tmp_path / "t").write(5)
    room.arrive(strip.folder, 4)
    room.playing.show_frame(1)
    strip.write(3)
    room.arrive(strip.folder, 7)
    assert room.height() == pytest.approx(1.0), "what the Run sends does not take the place of what is looked at"
    assert room.playing.frame == 1 and room.playing.frame_count == 8
    room.playing.go_live()
    assert room.shown.iteration == 7 and room.playing.frame == 7
    strip.write(1)
    room.arrive(strip.folder, 8)
    assert room.shown.iteration == 8 and room.playing.frame == 8


def test_frames_that_became_coarser_and_as_many_as_before_have_their_own_times(room: Room, tmp_path: Path) -> None:
    strip = RisingStrip(tmp_path / "t", most=8).write(8)
    room.arrive(strip.folder, 7)
    strip.write(8)
    room.arrive(strip.folder, 15)
    assert room.playing.times.tolist() == pytest.approx([STEP * frame for frame in range(0, 16, 2)])
    room.playing.show_frame(3)
    assert room.playing.time == pytest.approx(6 * STEP) and room.height() == pytest.approx(6.0)


def test_the_frames_stay_while_checkpoints_from_before_the_first_or_of_another_branch_are_looked_at(
    room: Room, tmp_path: Path
) -> None:
    strip, other = RisingStrip(tmp_path / "t").write(8), RisingStrip(tmp_path / "other").write(3)
    room.arrive(strip.folder, 7)
    room.link._viewed = 0
    room.arrive("", 0)
    assert room.playing.frame_count == 8 and room.playing.frame == 0 and room.playing.live
    room.arrive(other.folder, 2)
    assert room.playing.frame_count == 3
    room.link.view_live()
    room.playing.go_live()
    assert room.playing.trajectory is not None
    assert room.playing.frame_count == 8 and room.playing.frame == 7


def test_playing_keeps_to_the_clock_and_ends_at_the_last_frame(room: Room, tmp_path: Path) -> None:
    strip = RisingStrip(tmp_path / "t").write(11)
    room.arrive(strip.folder, 10, state="finished")
    room.playing.play()
    assert room.playing.frame == 0, "from the last frame it begins again"
    room.pass_time(0.035)
    assert room.playing.frame == 3
    room.pass_time(0.006)
    assert room.playing.frame == 4, "what was left over of a tick counts in the next"
    room.playing.set_speed(0.5)
    room.pass_time(0.04)
    assert room.playing.frame == 6
    room.playing.set_speed(4.0)
    room.pass_time(0.05)
    assert room.playing.frame == 10 and not room.playing.playing


def test_a_busy_window_does_not_skip_what_it_missed(room: Room, tmp_path: Path) -> None:
    strip = RisingStrip(tmp_path / "t").write(101)
    room.arrive(strip.folder, 100, state="finished")
    room.playing.play()
    room.pass_time(5.0)
    assert room.playing.frame == 10 and room.playing.playing


def test_looping_begins_again_and_backwards_ends_at_the_first(room: Room, tmp_path: Path) -> None:
    strip = RisingStrip(tmp_path / "t").write(5)
    room.arrive(strip.folder, 4, state="finished")
    room.playing.set_loop(True)
    room.playing.show_frame(3)
    room.playing.play()
    room.pass_time(0.03)
    assert room.playing.frame == 0 and room.playing.playing
    room.playing.set_loop(False)
    room.playing.show_frame(2)
    room.playing.play(backwards=True)
    room.pass_time(0.012)
    assert room.playing.frame == 0
    room.pass_time(0.03)
    assert room.playing.frame == 0 and not room.playing.playing


def test_who_plays_to_the_end_of_a_running_simulation_waits_for_more(room: Room, tmp_path: Path) -> None:
    strip = RisingStrip(tmp_path / "t").write(4)
    room.arrive(strip.folder, 3)
    room.playing.show_frame(2)
    room.playing.play()
    room.pass_time(0.05)
    assert room.playing.frame == 3 and room.playing.playing
    strip.write(2)
    room.pass_time(0.01)
    assert room.playing.frame == 4 and room.playing.playing


def test_an_optimised_trajectory_bends_at_the_moment_that_is_looked_at(room: Room, tmp_path: Path) -> None:
    first = RisingStrip(tmp_path / "1").write(6)
    room.arrive(first.folder, 5)
    room.playing.show_frame(4)
    assert room.height() == pytest.approx(4.0)
    second = RisingStrip(tmp_path / "2", height=2.5).write(6)
    room.arrive(second.folder, 5)
    assert room.height() == pytest.approx(10.0) and room.playing.frame == 4


def test_a_trajectory_from_a_folder_is_seen_without_an_engine(room: Room, tmp_path: Path) -> None:
    strip = RisingStrip(tmp_path / "t").write(4)
    assert is_trajectory(strip.folder) and is_trajectory(strip.folder / "trajectory.json")
    assert not is_trajectory(tmp_path)
    assert room.playing.open(strip.folder / "trajectory.json")
    assert room.playing.from_disk and room.playing.there and room.height() == pytest.approx(0.0)
    room.playing.step(2)
    assert room.height() == pytest.approx(2.0)
    room.document.objects_changed()
    assert room.view.calls[-1][0] != "clear_snapshot", "it stays though there is no Run"
    room.link.begun()
    assert not room.playing.there and room.playing.live


def test_damage_is_said_and_what_was_seen_stays(room: Room, tmp_path: Path) -> None:
    strip = RisingStrip(tmp_path / "t").write(4)
    room.arrive(strip.folder, 3)
    room.playing.show_frame(1)
    path = strip.folder / "frames-0.bin"
    content = bytearray(path.read_bytes())
    content[3 * len(content) // 4 - 9] ^= 0xFF
    path.write_bytes(bytes(content))
    count = room.view.count("show_snapshot")
    room.playing.show_frame(2)
    assert room.view.count("show_snapshot") == count and room.playing.frame == 1
    assert "damaged" in room.said[-1].text
    assert not room.playing.open(tmp_path)
    assert "no trajectory" in room.said[-1].text


def test_another_kind_of_run_has_no_timeline(room: Room, tmp_path: Path) -> None:
    room.arrive(RisingStrip(tmp_path / "t").write(3).folder, 2)
    room.playing.show_frame(0)
    room.arrive("", 5)
    assert not room.playing.there
    assert room.shown.iteration == 5
