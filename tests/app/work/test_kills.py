"""Window and engine killed at random moments, fifty times: little is lost, nothing is damaged, nothing stays behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from engine_watch import shared_blocks
from patience import PATIENCE, is_running, until_so

from app.document.file import open_document

SUPPORT = Path(__file__).resolve().parents[2] / "support"
MOST_LOST = 30.0
"""Seconds of work that may be lost."""
CHAINS, WINDOWS, ENGINES = 2, 13, 12
"""Two desktops side by side; on each so many windows and engines are killed."""


class Desktop:
    """Starts windows one after the other, each recovering what the last one left, and kills them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.kills: list[tuple[str, float]] = []
        self.documents_looked_at = 0
        self.processes: set[int] = set()
        self.error: BaseException | None = None
        folder.mkdir()

    def live(self) -> None:
        """All of it; an error is kept for the thread that waits."""
        try:
            with_engine = [number < ENGINES for number in range(WINDOWS)]
            self.random.shuffle(with_engine)
            for number in range(WINDOWS):
                self.one_window(number, kill_engine=with_engine[number])
                self.look_at_documents()
            self.run(WINDOWS, "finish").wait(timeout=120)
        except BaseException as error:
            self.error = error

    def one_window(self, number: int, *, kill_engine: bool) -> None:
        window = self.run(number)
        try:
            self.wait_for(number, "open", window)
            if self.random.random() < 0.75:  # else while all of it still begins
                self.wait_for(number, "iteration", window)
            if kill_engine:
                self.wait_for(number, "engine", window)
                time.sleep(self.random.uniform(0.0, 4.0))
                engine = [event["process"] for event in self.events(number) if event["what"] == "engine"][-1]
                self.kills.append(("engine", time.time()))
                os.kill(engine, signal.SIGKILL)
            time.sleep(self.random.uniform(0.0, 5.0))
        finally:
            assert window.poll() is None, (self.folder / f"output-{number}").read_text()[-3000:]
            self.kills.append(("window", time.time()))
            window.kill()
            window.wait()
            self.processes |= {event["process"] for event in self.events(number) if "process" in event}

    def run(self, number: int, *options: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": f"{SUPPORT}{os.pathsep}{SUPPORT.parents[1]}",
        }  # fmt: skip
        arguments = [str(SUPPORT / "killed_window.py"), str(self.folder / "store"), str(self.log(number)), *options]
        with (self.folder / f"output-{number}").open("wb") as output:
            return subprocess.Popen([sys.executable, *arguments], env=environment, stdout=output, stderr=output)

    def log(self, number: int) -> Path:
        return self.folder / f"log-{number:02d}"

    def wait_for(self, number: int, what: str, window: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + PATIENCE
        while not any(event["what"] == what for event in self.events(number)):
            output = (self.folder / f"output-{number}").read_text()[-3000:]
            assert time.monotonic() < end and window.poll() is None, f"no {what!r}: {output}"
            time.sleep(0.05)

    def events(self, number: int) -> list[dict[str, Any]]:
        """What a window has written down; its last line may be cut off."""
        log = self.log(number)
        lines = log.read_text().splitlines(keepends=True) if log.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def look_at_documents(self) -> None:
        """Every document that is there opens, with its Run: none was damaged by what was killed while writing it."""
        for path in self.folder.glob("*.formwright"):
            place = self.folder / "looked-at"
            opened = open_document(path, run_folder=place)
            assert opened.content.project.object("cloud") is not None
            assert opened.content.run is None or (place / "run.json").exists()
            self.documents_looked_at += 1

    def all_events(self) -> list[dict[str, Any]]:
        events = [event for number in range(WINDOWS + 1) for event in self.events(number)]
        events += [{"what": f"{what} killed", "time": moment} for what, moment in self.kills]
        return sorted(events, key=lambda event: float(event["time"]))


def lost(events: list[dict[str, Any]], what: str, value: str, taken_up: Any, killed: tuple[str, ...]) -> list[float]:
    """How old each piece of work was, when its process was killed, that was not there afterwards [s].

    what, value : the events that are work, and which of their numbers grows with it
    taken_up : the number from which it went on, for an event that says so, else None
    killed : the kills that matter
    """
    ages, line, kills = [], [], [event["time"] for event in events if event["what"] in killed]
    for event in events:
        since = taken_up(event)
        if since is not None:
            for moment, number in line:
                if number > since:
                    ages.append(next(kill for kill in kills if kill >= moment) - moment)
            line = [(moment, number) for moment, number in line if number <= since]
        if event["what"] == what:
            line.append((event["time"], event[value]))
    return ages


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killing_window_and_engine_fifty_times_loses_little_and_damages_nothing(tmp_path: Path) -> None:
    before = shared_blocks()
    desktops = [Desktop(tmp_path / f"desktop-{seed}", seed) for seed in range(CHAINS)]
    threads = [threading.Thread(target=desktop.live) for desktop in desktops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for desktop in desktops:
        if desktop.error is not None:
            raise desktop.error
    assert sum(len(desktop.kills) for desktop in desktops) == 50
    assert all(desktop.documents_looked_at >= WINDOWS for desktop in desktops)

    worst = 0.0
    for desktop in desktops:
        events = desktop.all_events()
        changes = lost(events, "change", "counter", _counter_taken_up, ("window killed",))
        iterations = lost(events, "iteration", "iteration", _IterationTakenUp(), ("window killed", "engine killed"))
        assert changes and iterations, "a kill always loses the last moments: with nothing lost this looks at nothing"
        worst = max(worst, *changes, *iterations)
        assert sum(event["what"] == "recovered" for event in events) >= WINDOWS // 2
        assert sum(event["what"] == "saved" for event in events) >= WINDOWS // 2
        end = events[-1]
        assert end["what"] == "end" and end["state"] == "paused"
        assert end["curve"] == end["iteration"] > 0, "the losses of every iteration are there"
        assert end["engine_weight"] == pytest.approx(end["weight"]), "the run is steered by what the document says"
        assert not list((desktop.folder / "store" / "recovery").iterdir()), "a window that closes leaves nothing"
    assert worst <= MOST_LOST
    print(f"at most {worst:.1f} s of work were lost")

    processes = set().union(*(desktop.processes for desktop in desktops))
    assert until_so(lambda: not any(is_running(process) for process in processes))
    assert until_so(lambda: shared_blocks() <= before)


def _counter_taken_up(event: dict[str, Any]) -> float | None:
    """From which change a window went on: the one that was recovered, or none at all."""
    if event["what"] == "recovered":
        return float(event["counter"])
    return -1.0 if event["what"] == "begin" else None


class _IterationTakenUp:
    """From which iteration a Run went on: the first that is seen after a kill."""

    def __init__(self) -> None:
        self.killed = False

    def __call__(self, event: dict[str, Any]) -> float | None:
        if event["what"].endswith("killed"):
            self.killed = True
        elif event["what"] == "iteration" and self.killed:
            self.killed = False
            return float(event["iteration"])
        return None
