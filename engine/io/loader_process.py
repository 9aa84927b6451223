"""What runs in the loader process: reads one file after the other for its parent, under a memory limit."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import shutil
import signal
import threading
import time
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import FileError, FormwrightError, MemoryLimitError

if TYPE_CHECKING:
    from engine.io.transport import Manifest

_folder: Path | None = None


def serve(connection: Connection, ahead: bool = False) -> None:
    """Answer requests until the pipe closes. A request is the keyword arguments of `_load`.

    ahead : import the libraries that read files before the first file comes, not when a file needs them
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    import engine.io.registry  # noqa: F401, the slow part of the start, done before a file is waiting

    if ahead:
        _import_libraries()
    connection.send(("ready", None))
    while True:
        try:
            request = connection.recv()
            answer = _answer(connection, request)
            connection.send(answer)
        except (EOFError, OSError):
            return


def _import_libraries() -> None:
    """What the formats import when they read; a second or two, most of it trimesh."""
    for name in ("trimesh", "vtkmodules.vtkIOGeometry", "vtkmodules.vtkIOXML", "vtkmodules.util.numpy_support"):
        importlib.import_module(name)


def _end_with(sentinel: int) -> None:
    """Outlive the parent by no more than a moment, and leave none of its files behind."""
    wait([sentinel])
    if _folder is not None:
        shutil.rmtree(_folder.parent, ignore_errors=True)
    os._exit(1)


def _answer(connection: Connection, request: dict[str, Any]) -> tuple[str, Any]:
    path = Path(request["path"])
    try:
        return "done", _load(connection, **request)
    except FormwrightError as error:
        error.__cause__ = error.__context__ = None
        return "error", error
    except MemoryError:
        return "error", MemoryLimitError(
            f"{path.name}: it does not fit into memory.", remedy="Close other programs, or open a coarser version."
        )
    except OSError as error:
        return "error", FileError(path, f"there is no room to read it ({error.strerror}).", remedy="Free some space.")


def _load(connection: Connection, path: str, options: dict[str, Any], folder: str, memory: int) -> Manifest:
    """Read the file and leave its arrays in `folder`; `memory` is how many bytes more this process may take."""
    global _folder  # noqa: PLW0603, the watching thread must know what to remove
    from engine.io.registry import read
    from engine.io.transport import pack

    told = 0.0

    def progress(fraction: float) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told > 0.05:
            told = now
            connection.send(("progress", fraction))

    _folder = Path(folder)
    _limit_memory(memory)
    return pack(read(path, **options, progress=progress), Path(folder))


def _limit_memory(more: int) -> None:
    """Let this process map `more` bytes beyond what it has, where the system can limit that."""
    try:
        import resource

        import psutil

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + more, hard))
    except (ImportError, ValueError, OSError):
        return  # the parent watches the memory too
