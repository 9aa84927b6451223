"""Reading files in a process of its own, which may hang, crash or eat memory without harm.

`load` blocks; `LoadTask` is for a window. The process is kept for the next file, unless it had to be ended.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import psutil

from engine.core.errors import FileError, FormwrightError, MemoryLimitError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.volume import Volume
from engine.io.format import Progress, silent
from engine.io.loader_process import serve
from engine.io.scratch import new_folder
from engine.io.shift import Neighbour, Shift
from engine.io.transport import Manifest, unpack

PATIENCE = 20.0
"""Seconds without progress after which a reader is taken for hung, for a small file. The first one waits for libraries
too, and a busy machine reads slowly."""
BYTES_A_SECOND = 4e6
"""A large file earns its reader a second more for every so many bytes: not every format tells its progress."""
START_PATIENCE = 60.0
MEMORY_SHARE = 0.8
"""Part of the free memory that a reader may take."""
KEPT_MEMORY = 512 << 20
"""A loader that has grown beyond this is not kept."""


class LoadCancelledError(FormwrightError):
    """The user called off the loading of a file."""


@dataclass(frozen=True)
class LoadState:
    """How far a LoadTask is: `fraction` 0 to 1 where the format tells, and whether it has ended."""

    fraction: float
    done: bool


def load(
    path: str | Path,
    *,
    unit: str | None = None,
    repairs: tuple[str, ...] = (),
    shift: Shift = "auto",
    beside: tuple[Neighbour, ...] = (),
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
    patience: float = PATIENCE,
    memory: int | None = None,
) -> Mesh | Points | Volume:
    """The Geometry in a file, in millimetres, read by the loader process.

    Parameters
    ----------
    unit, repairs, shift, beside : as of `engine.io.registry.read`
    progress : told the fraction read, in this thread
    cancel : asked twenty times a second whether to stop
    patience : seconds without progress before the reader is ended (more for large files)
    memory : bytes that the reader may take; None for 80 % of what is free

    Raises
    ------
    FileError, MemoryLimitError : the file cannot be read, or its reader hung, crashed or grew too large
    LoadCancelledError : `cancel` said so
    """
    path = Path(path)
    limit = memory if memory is not None else int(MEMORY_SHARE * psutil.virtual_memory().available)
    worker = _take_worker(cancel or _never)
    folder = new_folder()
    try:
        request = {
            "path": str(path.absolute()),
            "options": {"unit": unit, "repairs": tuple(repairs), "shift": shift, "beside": beside},
            "folder": str(folder),
            "memory": limit,
        }
        manifest = _supervise(worker, path, request, progress or silent, cancel or _never, patience, limit)
        geometry = unpack(manifest, folder)
        _ = geometry.bounds  # kept by it: the window's thread asks for them, and should not look at every point
        return geometry
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        _give_back(worker)


def warm_up() -> None:
    """Start the loader process now, libraries imported, so that the first file does not wait. Returns at once."""
    threading.Thread(target=_warm_up, name="loader warm-up", daemon=True).start()


def shut_down() -> None:
    """End the idle loader process, if there is one."""
    with _lock:
        worker = _idle.pop() if _idle else None
    if worker is not None:
        worker.end()


class LoadTask:
    """A file being read while the window lives.

    Poll it from a timer, or add a callback to `future` (called in the task's thread). The future's result is the
    Geometry; its exception is one of `load`'s.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        unit: str | None = None,
        repairs: tuple[str, ...] = (),
        shift: Shift = "auto",
        beside: tuple[Neighbour, ...] = (),
    ) -> None:
        self.path = Path(path)
        self._options: dict[str, Any] = {"unit": unit, "repairs": repairs, "shift": shift, "beside": beside}
        self.future: Future[Mesh | Points | Volume] = Future()
        self._fraction = 0.0
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"load {self.path.name}", daemon=True)
        self._thread.start()

    def poll(self) -> LoadState:
        """Where it is now; never waits."""
        return LoadState(self._fraction, self.future.done())

    def cancel(self) -> None:
        """Stop reading; the future ends with `LoadCancelledError` within a moment."""
        self._cancelled.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the task's thread has ended."""
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            geometry = load(self.path, **self._options, progress=self._progress, cancel=self._cancelled.is_set)
        except BaseException as error:
            self.future.set_exception(error)
        else:
            self._fraction = 1.0
            self.future.set_result(geometry)

    def _progress(self, fraction: float) -> None:
        self._fraction = fraction


@dataclass
class _Worker:
    process: SpawnProcess
    connection: Connection
    ready: bool = False
    dead: bool = False

    def end(self) -> None:
        self.dead = True
        self.connection.close()
        self.process.kill()
        self.process.join(5.0)


_lock = threading.Lock()
_idle: list[_Worker] = []
"""At most one process, waiting for the next file."""


def _never() -> bool:
    return False


def _spawn(ahead: bool) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, ahead), name="Formwright loader", daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _take_worker(cancel: Callable[[], bool], *, ahead: bool = False) -> _Worker:
    with _lock:
        worker = _idle.pop() if _idle else None
    if worker is not None and not worker.process.is_alive():
        worker.end()
        worker = None
    worker = worker or _spawn(ahead)
    deadline = time.monotonic() + START_PATIENCE
    try:
        while not worker.ready:
            if cancel():
                raise LoadCancelledError("Loading was cancelled.")
            if worker.connection.poll(0.05):
                worker.ready = worker.connection.recv()[0] == "ready"
            elif time.monotonic() > deadline:
                raise FormwrightError("The loader process does not start.", remedy="Start Formwright again.")
    except EOFError:
        worker.end()
        raise FormwrightError(
            "The loader process ended while starting.", remedy="Run `formwright doctor` to see what is wrong."
        ) from None
    except BaseException:
        worker.end()
        raise
    return worker


def _give_back(worker: _Worker) -> None:
    """Keep a healthy process for the next file."""
    if not worker.dead:
        with _lock:
            small = _resident(worker) < KEPT_MEMORY
            if not _idle and small:
                _idle.append(worker)
                return
        worker.end()


def _warm_up() -> None:
    with contextlib.suppress(FormwrightError, OSError):
        _give_back(_take_worker(_never, ahead=True))


def _supervise(
    worker: _Worker,
    path: Path,
    request: dict[str, Any],
    progress: Progress,
    cancel: Callable[[], bool],
    patience: float,
    memory: int,
) -> Manifest:
    """Follow the process until it answers; it is ended when it hangs, grows, or the user calls it off."""
    with contextlib.suppress(OSError):
        patience += path.stat().st_size / BYTES_A_SECOND
    before = _resident(worker)
    last = time.monotonic()
    answered = False
    try:
        worker.connection.send(request)
        while True:
            if worker.connection.poll(0.05):
                kind, content = worker.connection.recv()
                last = time.monotonic()
                if kind == "progress":
                    progress(content)
                    continue
                answered = True
                if kind == "error":
                    raise content
                assert isinstance(content, Manifest)
                return content
            if cancel():
                raise LoadCancelledError(f"Loading {path.name} was cancelled.")
            if time.monotonic() - last > patience:
                raise FileError(
                    path,
                    f"reading it was stopped: no progress for {patience:.0f} s.",
                    remedy="The file is probably damaged; export it again.",
                )
            if _resident(worker) - before > memory:
                raise MemoryLimitError(
                    f"{path.name}: reading it needs more than {memory / 2**30:.1f} GiB of memory.",
                    remedy="Close other programs, or open a coarser version.",
                )
    except (EOFError, ConnectionError):
        worker.process.join(1.0)
        raise FileError(
            path,
            f"its reader crashed (exit code {worker.process.exitcode}).",
            remedy="The file is probably damaged; export it again. Nothing else was affected.",
        ) from None
    finally:
        if not answered:
            worker.end()


def _resident(worker: _Worker) -> int:
    """Memory that the process holds now, bytes."""
    try:
        return int(psutil.Process(worker.process.pid).memory_info().rss)
    except psutil.Error:
        return 0
