"""The engine process seen from the window: how soon an Edit acts, how many Snapshots come, what they cost to take, and
how much memory a reconstruction of 128 cells a side needs.

python benchmarks/session.py [--meshes PART …]

But for the memory the study is a sphere of vertices, so that the iterations themselves cost next to nothing.

PART : meshes to reconstruct; without any, a bracket that the program generates itself
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from measurement import Measurement, write

from app.worker.catalogue_cache import CatalogueCache
from app.worker.messages import Settings
from app.worker.session import EngineSession
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.volume import Volume
from engine.io.registry import read
from engine.protocol.edits import SetWeight
from engine.protocol.snapshot import CheckpointMade, EditApplied, Snapshot, StateChanged
from engine.protocol.study import Study
from engine.studies.registry import default_study
from engine.studies.samples import sample_named

SEGMENTS = 16


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--meshes", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))  # the engine process inherits it
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(folder=folder / "session", build="sphere_study:build", warm_up=False)
        session = EngineSession(settings, catalogue_cache=CatalogueCache(folder / "cache"))
        try:
            measurements = [latency(session), *rate(session), cost(session), *death(session)]
        finally:
            session.close()
        geometries = [read(path) for path in options.meshes] or [sample_named("bracket").make()]
        for geometry in geometries:
            measurements += memory(geometry, folder)
    for measurement in measurements:
        print(f"{measurement.name:60} {measurement.value:10.3g} {measurement.unit}")
    write("session", measurements, title="The engine process")
    return 0


def latency(session: EngineSession, count: int = 30) -> Measurement:
    """Iterations between the one under way when an Edit is sent and the one before which it acts.

    Iterations take 60 ms, so that every one has its Snapshot: when that of iteration k comes, k is under way.
    """
    start(session, rings=12, sleep=0.06)
    delays = []
    for k in range(count):
        under_way = next_snapshot(session).iteration
        session.send(SetWeight(term="noise", weight=0.001 * (k + 1)))
        applied: list[EditApplied] = []
        while not applied:
            applied = [event for event in session.events() if isinstance(event, EditApplied)]
            time.sleep(0.001)
        delays.append(applied[-1].iteration - under_way)
    return Measurement("Iterations until an Edit acts (largest)", float(max(delays)), "", bar=1.0)


def rate(session: EngineSession) -> list[Measurement]:
    """Snapshots a second from an engine running flat out, polled every 5 ms."""
    start(session, rings=12)
    begin, count, first, last = time.monotonic(), 0, 0, 0
    while time.monotonic() - begin < 4.0:
        snapshot = session.snapshot()
        session.events()
        if snapshot is not None:
            count, first, last = count + 1, first or snapshot.iteration, snapshot.iteration
        time.sleep(0.005)
    return [
        Measurement("Snapshots a second, engine flat out", count / 4.0, "1/s", bar=30.5, note="limited to 30"),
        Measurement("Iterations a second meanwhile", (last - first) / 4.0, "1/s"),
    ]


def cost(session: EngineSession, vertices: int = 50_000) -> Measurement:
    """CPU time of `snapshot()` that returns one of `vertices` vertices and twice as many triangles."""
    start(session, rings=vertices // SEGMENTS, sleep=0.005)
    taken: list[float] = []
    seen: Snapshot | None = None
    while len(taken) < 60:
        begin = time.thread_time()
        snapshot = session.snapshot()
        spent = time.thread_time() - begin
        if snapshot is not None:
            taken.append(spent)
            seen = snapshot
        session.events()
        time.sleep(0.005)
    assert seen is not None
    copies = []
    for _ in range(60):
        begin = time.thread_time()
        for array in seen.arrays.values():
            array.copy()
        copies.append(time.thread_time() - begin)
    ratio = statistics.median(taken) / statistics.median(copies)
    return Measurement(
        f"`snapshot()` in the window, {vertices:,} vertices", 1e3 * statistics.median(taken), "CPU ms",
        peer="a copy of the same arrays", ratio=ratio,
    )  # fmt: skip


def death(session: EngineSession) -> list[Measurement]:
    """Seconds from SIGKILL to the event, and to the first Snapshot after a restart."""
    start(session, rings=12)
    while next_snapshot(session).iteration < 100:
        pass
    assert session.process_id is not None
    killed = time.monotonic()
    os.kill(session.process_id, signal.SIGKILL)
    while session.alive:
        session.events()
        time.sleep(0.005)
    noticed = time.monotonic()
    session.restart()
    while session.snapshot() is None:
        time.sleep(0.005)
    return [
        Measurement("From the engine's SIGKILL to the window's word", noticed - killed, "s", bar=1.0),
        Measurement("From restart to the first Snapshot", time.monotonic() - noticed, "s"),
    ]


def memory(geometry: Mesh | Points | Volume, folder: Path, iterations: int = 60) -> list[Measurement]:
    """Private memory of the engine process at its highest, History included, and the largest Checkpoint."""
    session = EngineSession(Settings(folder=folder / geometry.name), catalogue_cache=CatalogueCache(folder / "cache"))
    try:
        study = default_study({}).model_copy(update={"parameters": {"resolution": 128, "iterations": iterations}})
        session.start(study, {"target": geometry})
        assert session.process_id is not None
        process, highest, largest, ended = psutil.Process(session.process_id), 0.0, 0, False
        while not ended:
            highest = max(highest, float(process.memory_full_info().uss))
            session.snapshot()
            for event in session.events():
                if isinstance(event, CheckpointMade):
                    largest = max(largest, event.checkpoint.memory)
                ended |= isinstance(event, StateChanged) and event.state in ("finished", "failed", "stopped")
            time.sleep(0.1)
    finally:
        session.close()
    return [
        Measurement(
            f"{geometry.name}, 128³: private memory of the engine, highest", highest / 2**20, "MiB", bar=2048.0
        ),
        Measurement(f"{geometry.name}, 128³: the largest Checkpoint, moments included", largest / 1e6, "MB", bar=40.0),
    ]


def start(session: EngineSession, **parameters: Any) -> None:
    """A new Run, until it shows something."""
    session.start(Study(study="sphere", parameters={"iterations": 10**7, "steps": 1, **parameters}), {})
    next_snapshot(session)


def next_snapshot(session: EngineSession) -> Snapshot:
    while (snapshot := session.snapshot()) is None:
        session.events()
        time.sleep(0.001)
    return snapshot


if __name__ == "__main__":
    sys.exit(main())
