"""Folders on the disk for arrays that are too large to be held twice: one a process, gone with it."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import threading
from pathlib import Path

from engine.core.process_folder import make_process_folder

_lock = threading.Lock()
_made: Path | None = None


def scratch_folder() -> Path:
    """The folder of this process, in the user's cache. Those of processes that have died are removed first."""
    global _made  # noqa: PLW0603, one a process
    with _lock:
        if _made is None or not _made.is_dir():
            _made = make_process_folder("scratch")
            atexit.register(shutil.rmtree, _made, ignore_errors=True)
        return _made


def new_folder() -> Path:
    """A new, empty folder in it."""
    return Path(tempfile.mkdtemp(prefix="read-", dir=scratch_folder()))
