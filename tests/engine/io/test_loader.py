"""The loader process: results, progress, cancelling, hanging, crashing, memory, and nothing left behind."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from patience import is_running, until_so

from engine.core.errors import FileError, MemoryLimitError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.volume import Volume
from engine.io import loader, scratch
from engine.io.loader import LoadCancelledError, LoadTask, load, shut_down
from engine.io.registry import read


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]  # a generator
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(scratch, "_made", tmp_path / "scratch")
    yield
    shut_down()
    gc.collect()
    assert list((tmp_path / "scratch").iterdir()) == []


def fifo(tmp_path: Path) -> Path:
    """A file whose reader waits for ever."""
    path = tmp_path / "endless.xyz"
    os.mkfifo(path)
    return path


def until_opened(path: Path) -> int:
    """Wait until a reader has opened the fifo, which then waits for what is never written; returns its other end."""
    writing: list[int] = []

    def has_opened() -> bool:
        with contextlib.suppress(OSError):  # nobody reads
            writing.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        return bool(writing)

    assert until_so(has_opened)
    return writing[0]


def test_loader_gives_what_read_gives(corpus: dict[str, Path]) -> None:
    for name in ("ply", "stl", "scan ply", "vti", "glb", "vtp"):
        one, other = read(corpus[name]), load(corpus[name])
        assert type(one) is type(other) and one.notes == other.notes and one.unit == other.unit
        np.testing.assert_array_equal(one.bounds, other.bounds)
        if isinstance(one, Mesh) and isinstance(other, Mesh):
            np.testing.assert_array_equal(one.triangles, other.triangles)
        if isinstance(one, Points) and isinstance(other, Points):
            np.testing.assert_array_equal(one.normals, other.normals)
        if isinstance(one, Volume) and isinstance(other, Volume):
            np.testing.assert_array_equal(one.field("labels").values, other.field("labels").values)


def test_unit_and_repairs_reach_the_loader(tmp_path: Path) -> None:
    path = tmp_path / "nan.obj"
    path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nv nan 1 0\nf 1 2 3\n")
    with pytest.raises(FileError) as caught:
        load(path, unit="in")
    assert caught.value.repairs == ("drop-non-finite",) and caught.value.path.name == "nan.obj"
    found = load(path, unit="in", repairs=caught.value.repairs)
    assert found.bounds[1, 0] == 25.4


def test_the_process_is_kept_for_the_next_file(corpus: dict[str, Path]) -> None:
    load(corpus["ply"])
    first = loader._idle[0].process.pid
    load(corpus["stl"])
    assert loader._idle[0].process.pid == first


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the process's libraries as Linux tells them")
def test_warm_up_starts_a_process_that_has_its_libraries(corpus: dict[str, Path]) -> None:
    loader.warm_up()
    assert until_so(lambda: loader._idle)
    process = loader._idle[0].process
    assert "vtkIOGeometry" in Path(f"/proc/{process.pid}/maps").read_text()
    assert isinstance(load(corpus["obj"]), Mesh)
    assert loader._idle[0].process is process


def test_progress_tells_bytes_read(tmp_path: Path) -> None:
    path = tmp_path / "large.xyz"
    rows = np.random.default_rng(0).random((300_000, 3)).round(9)
    np.savetxt(path, rows, fmt="%.9f")
    told: list[float] = []
    found = load(path, progress=told.append)
    assert isinstance(found, Points) and found.point_count == 300_000
    assert told == sorted(told) and 0.0 < told[0] < 1.0


@pytest.mark.skipif(os.name == "nt", reason="no named pipes of this kind")
def test_task_polls_and_cancels(tmp_path: Path, corpus: dict[str, Path]) -> None:
    task = LoadTask(corpus["ply"])
    assert isinstance(task.future.result(120), Mesh)
    assert task.poll().done and task.poll().fraction == 1.0
    hung = LoadTask(fifo(tmp_path))
    assert not hung.poll().done
    hung.cancel()
    with pytest.raises(LoadCancelledError, match="endless"):
        hung.future.result(120)
    for item in (task, hung):
        item.join(120)


@pytest.mark.skipif(os.name == "nt", reason="no named pipes of this kind")
def test_a_hanging_reader_is_ended(tmp_path: Path, corpus: dict[str, Path]) -> None:
    path = fifo(tmp_path)
    with pytest.raises(FileError, match="no progress"):
        load(path, patience=0.5)
    assert isinstance(load(corpus["ply"]), Mesh)


@pytest.mark.skipif(os.name == "nt", reason="no named pipes of this kind")
def test_a_crashed_reader_is_a_plain_error(tmp_path: Path, corpus: dict[str, Path]) -> None:
    load(corpus["ply"])
    process = loader._idle[0].process
    task = LoadTask(fifo(tmp_path))
    writing = until_opened(tmp_path / "endless.xyz")
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(FileError, match="crashed"):
        task.future.result(120)
    task.join(120)
    os.close(writing)
    assert isinstance(load(corpus["ply"]), Mesh)


def test_memory_limit(tmp_path: Path) -> None:
    path = tmp_path / "large.stl"
    path.write_bytes(bytes(80) + (400_000).to_bytes(4, "little") + bytes(50 * 400_000))
    with pytest.raises(MemoryLimitError, match=r"large\.stl"):
        load(path, memory=20 << 20)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_killing_the_parent_ends_the_loader_and_removes_its_files(tmp_path: Path) -> None:
    path = fifo(tmp_path)
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys, time\nfrom engine.io import loader\n"
        "if __name__ == '__main__':\n"
        "    loader.warm_up()\n"
        "    while not loader._idle: time.sleep(0.01)\n"
        "    print(loader._idle[0].process.pid, flush=True)\n"
        f"    loader.load({str(path)!r}, patience=60)\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(loader.__file__).parents[2]),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        writing = until_opened(path)
        assert list((tmp_path / "cache").glob("**/read-*"))
        parent.kill()
    assert until_so(lambda: not is_running(child))
    assert until_so(lambda: not list((tmp_path / "cache" / "formwright" / "scratch").iterdir()))
    os.close(writing)
