"""The engine process: steering, Snapshots, death on either side."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from engine_watch import Watch, shared_blocks
from patience import is_running, until_so

from app.worker.catalogue_cache import CatalogueCache
from engine.core.errors import EngineStoppedError, FormwrightError
from engine.protocol import edits, snapshot
from engine.protocol import session as requests
from engine.protocol.run_folder import is_run_folder, read_summary, run_folder
from engine.protocol.study import Study

Make = Callable[..., Watch]
Sphere = Callable[..., Study]


def test_a_run_seen_from_the_window(watch: Watch, sphere: Sphere) -> None:
    number = watch.session.start(sphere(iterations=200), {})
    watch.until(lambda: any(e.state == "finished" for e in watch.of(snapshot.StateChanged)))
    watch.until(lambda: watch.last_iteration() == 200)
    assert [e.state for e in watch.of(snapshot.StateChanged) if e.run == number] == ["preparing", "running", "finished"]
    recorded = [i for e in watch.of(snapshot.LossesRecorded) if e.run == number for i in e.iterations]
    assert recorded == list(range(200))
    last = watch.snapshots[-1]
    assert last.run == number and last.state == "finished"
    radius = np.linalg.norm(last.arrays["vertices"], axis=1)
    assert np.allclose(radius, last.arrays["sensitivity"], atol=1e-5)
    mesh = watch.session.wait(watch.session.ask(requests.ResultMesh()))
    assert mesh.vertex_count == last.info["vertex_count"]


def test_the_catalogue_comes_from_the_engine_first_and_from_disk_later(make_session: Make, tmp_path: Path) -> None:
    watch = make_session()
    first = watch.session.catalogue()
    assert not first.done()
    assert watch.session.wait(first).version == "sphere"
    assert watch.session.catalogue().done()
    assert CatalogueCache(tmp_path / "cache").read() == first.result()
    CatalogueCache(tmp_path / "cache").path.write_text("garbage")
    assert CatalogueCache(tmp_path / "cache").read() is None


def test_many_edits_all_act_in_order(watch: Watch, sphere: Sphere) -> None:
    number = watch.session.start(sphere(), {})
    watch.until(lambda: watch.last_iteration() > 0)
    for k in range(1000):
        watch.session.send(edits.SetWeight(term="noise", weight=0.001 * k))
    watch.until(lambda: len(watch.of(snapshot.EditApplied)) == 1000)
    assert all(event.run == number for event in watch.of(snapshot.EditApplied))
    weights = [event.edit["weight"] for event in watch.of(snapshot.EditApplied)]
    assert weights == [0.001 * k for k in range(1000)]
    iterations = [event.iteration for event in watch.of(snapshot.EditApplied)]
    assert iterations == sorted(iterations)


def test_snapshots_are_whole_while_sizes_grow_and_the_reader_is_slow(watch: Watch, sphere: Sphere) -> None:
    watch.session.start(sphere(rings=2000, active=4, grow=3, noise=0.0), {})
    watch.until(lambda: watch.snapshots)

    def sizes() -> list[int]:
        return [seen.arrays["vertices"].nbytes for seen in watch.snapshots]

    def has_seen_enough() -> bool:
        time.sleep(0.3 if len(watch.snapshots) % 10 == 5 else 0.0)
        return len(watch.snapshots) > 20 and max(sizes()) > 3 * min(sizes())

    watch.until(has_seen_enough)
    for seen in watch.snapshots:
        vertices, triangles = seen.arrays["vertices"], seen.arrays["triangles"]
        assert len(vertices) == seen.info["vertex_count"] and len(triangles) == seen.info["triangle_count"]
        assert triangles.max() == len(vertices) - 1
        # Torn arrays would mix the radii of two iterations.
        assert np.allclose(np.linalg.norm(vertices, axis=1), seen.arrays["sensitivity"], atol=1e-5)
    iterations = [seen.iteration for seen in watch.snapshots]
    assert iterations == sorted(set(iterations))


def test_memory_mapped_files_stand_in_for_shared_memory(
    make_session: Make, sphere: Sphere, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("app.worker.block.RESERVE", 2**60)
    before = shared_blocks()
    watch = make_session()
    watch.session.start(sphere(rings=200), {})
    watch.until(lambda: len(watch.snapshots) > 3)
    assert shared_blocks() <= before
    assert list((tmp_path / "session-0").glob("slots-*"))
    seen = watch.snapshots[-1]
    assert np.allclose(np.linalg.norm(seen.arrays["vertices"], axis=1), seen.arrays["sensitivity"], atol=1e-5)
    watch.session.close()
    assert not (tmp_path / "session-0").exists()


def test_a_killed_engine_is_noticed_and_the_run_goes_on_from_its_last_save(make_session: Make, sphere: Sphere) -> None:
    watch = make_session()
    number = watch.session.start(sphere(), {})
    folder = run_folder(watch.session.folder, number)
    watch.until(lambda: is_run_folder(folder) and read_summary(folder).iteration > 20)
    watch.session.send(edits.SetWeight(term="noise", weight=0.45))
    watch.until(lambda: watch.of(snapshot.EditApplied))
    applied = watch.of(snapshot.EditApplied)[0].iteration
    watch.until(lambda: watch.last_iteration() > applied + 5)
    old = watch.session.process_id
    assert old is not None
    future = watch.session.ask(requests.CheckpointView(checkpoint=10**6))
    os.kill(old, signal.SIGKILL)
    watch.until(lambda: not watch.session.alive)
    watch.poll()
    problem = watch.of(snapshot.ProblemRaised)[-1]
    assert problem.fatal and "SIGKILL" in problem.message
    assert (watch.of(snapshot.StateChanged)[-1].run, watch.of(snapshot.StateChanged)[-1].state) == (number, "failed")
    assert future.done() and isinstance(future.exception(), FormwrightError)
    with pytest.raises(EngineStoppedError):
        watch.session.ask(requests.ResultMesh()).result()
    watch.session.send(edits.Pause())

    again = watch.session.restart()
    assert again == number + 1 and watch.session.alive
    watch.snapshots.clear()
    watch.until(lambda: watch.snapshots)
    first = watch.snapshots[0]
    assert first.run == again and first.iteration > 20
    restored = {e.checkpoint.id: e.checkpoint for e in watch.of(snapshot.CheckpointMade) if e.run == again}
    assert restored[0].iteration == 0 and restored[0].thumbnail is not None
    view = watch.session.wait(watch.session.ask(requests.CheckpointView(checkpoint=0)))
    assert np.allclose(np.linalg.norm(view.arrays["vertices"], axis=1), 1.0), "the very first one is there again"
    curve = next(e for e in watch.of(snapshot.LossesRecorded) if e.run == again)
    assert curve.iterations == list(range(len(curve.iterations)))
    watch.until(lambda: watch.snapshots[-1].scalars.get("weight:noise") == pytest.approx(0.45))
    assert not psutil.pid_exists(old), "a zombie is left"


def test_a_restart_with_no_run_just_starts_the_engine(make_session: Make) -> None:
    watch = make_session()
    watch.until(lambda: watch.of(snapshot.Progress))
    assert watch.of(snapshot.Progress)[0].task == "starting the engine"
    assert watch.session.restart() is None
    assert watch.session.wait(watch.session.ask(requests.Diagnostics()))["engine_threads"] == 1


@pytest.mark.parametrize("fault", ["build", "geometry"])
def test_an_error_while_building_leaves_the_engine_alive(watch: Watch, sphere: Sphere, fault: str) -> None:
    watch.session.start(sphere(fault=fault), {})
    watch.until(lambda: watch.of(snapshot.ProblemRaised))
    watch.until(lambda: watch.of(snapshot.StateChanged)[-1].state == "failed")
    watch.session.start(sphere(iterations=10), {})
    watch.until(lambda: watch.of(snapshot.StateChanged)[-1].state == "finished")
    assert watch.session.alive


def test_close_is_idempotent_and_leaves_no_process(make_session: Make, sphere: Sphere) -> None:
    watch = make_session()
    watch.session.start(sphere(), {})
    watch.until(lambda: watch.last_iteration() > 0)
    process = watch.session.process_id
    watch.session.close()
    watch.session.close()
    assert process is not None and not psutil.pid_exists(process)
    assert watch.session.snapshot() is None
    assert not [child for child in psutil.Process().children() if child.status() == psutil.STATUS_ZOMBIE]


def test_close_while_the_engine_is_still_loading(make_session: Make) -> None:
    watch = make_session()
    process = watch.session.process_id
    watch.session.close()
    assert process is not None and not psutil.pid_exists(process)


@pytest.mark.parametrize("temporary", [True, False])
def test_killing_the_window_ends_the_engine_and_leaves_no_shared_memory(tmp_path: Path, temporary: bool) -> None:
    before = shared_blocks()
    support = Path(__file__).parents[2] / "support"
    script = tmp_path / "window.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys, time
        sys.path[:0] = [{str(support)!r}, {str(support.parents[1])!r}]

        if __name__ == "__main__":
            from pathlib import Path
            from app.worker.messages import Settings
            from app.worker.session import EngineSession
            from engine.protocol.study import Study

            folder = Path({str(tmp_path)!r}) / "session"
            settings = Settings(
                folder=folder, threads=1, build="sphere_study:build", warm_up=False, temporary={temporary},
                autosave_seconds=1000.0,
            )
            session = EngineSession(settings)
            session.start(Study(study="sphere", parameters={{"iterations": 10**6, "rings": 50}}), {{}})
            while (snapshot := session.snapshot()) is None or snapshot.iteration < 100:
                session.events()
                time.sleep(0.01)
            print(session.process_id, flush=True)
            time.sleep(600)
        """)
    )
    window = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert window.stdout is not None
    engine = int(window.stdout.readline())
    assert is_running(engine)
    assert not shared_blocks() - before  # mapped by both, and without a name: nothing can be left behind
    window.kill()
    window.wait()
    assert until_so(lambda: not is_running(engine))
    assert until_so(lambda: shared_blocks() <= before)
    assert (tmp_path / "session").exists() is not temporary
    if not temporary:
        summary = read_summary(run_folder(tmp_path / "session", 1))
        assert summary.iteration >= 100, "saved when the window died, not only at the start"


def test_the_window_side_imports_neither_torch_nor_warp() -> None:
    code = textwrap.dedent("""
        import sys
        import app.worker.session, app.worker.catalogue_cache
        loaded = {name.partition(".")[0] for name in sys.modules}
        print(",".join(sorted(loaded & {"torch", "warp", "vtk", "vtkmodules", "PySide6"})))
    """)
    root = Path(__file__).parents[3]
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert result.stdout.strip() == ""


def test_the_engine_leaves_a_core_to_the_window(tmp_path: Path) -> None:
    from app.worker.messages import Settings
    from app.worker.process import thread_count

    cores = len(os.sched_getaffinity(0))
    assert thread_count(Settings(folder=tmp_path)) == max(1, cores - 1)
    assert thread_count(Settings(folder=tmp_path, threads=3)) == 3


def test_inputs_that_do_not_pickle_are_reported(watch: Watch, sphere: Sphere) -> None:
    bad: dict[str, Any] = {"target": lambda: None}
    watch.session.start(sphere(), bad)
    watch.until(lambda: watch.of(snapshot.ProblemRaised))
    assert "cannot be sent" in watch.of(snapshot.ProblemRaised)[0].message
