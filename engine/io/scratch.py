"""Folders on the disk for arrays that are too large to be held twice: one a process, gone with it."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from pathlib import Path

import platformdirs
import psutil

_lock = threading.Lock()
_made: Path | None = None


def scratch_folder() -> Path:
    """The folder of this process, in the user's cache. Those of processes that have died are removed first."""
    global _made  # noqa: PLW0603, one a process
    with _lock:
        if _made is None or not _made.is_dir():
            _made = _make()
            atexit.register(shutil.rmtree, _made, ignore_errors=True)
        return _made


def new_folder() -> Path:
    """A new, empty folder in it."""
    return Path(tempfile.mkdtemp(prefix="read-", dir=scratch_folder()))


def _make() -> Path:
    root = Path(platformdirs.user_cache_dir("formwright", appauthor=False)) / "scratch"
    try:
        root.mkdir(parents=True, exist_ok=True)
        for old in root.iterdir():
            owner = old.name.partition("-")[0]
            if owner.isdigit() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(old, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=root))
    except OSError:  # no cache folder can be made
        return Path(tempfile.mkdtemp(prefix="formwright-"))
