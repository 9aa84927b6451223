"""Folders in the user's cache that belong to one process, and go with it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import platformdirs
import psutil


def make_process_folder(purpose: str) -> Path:
    """A new folder of this process for a purpose ("scratch", "sessions"), named after its number.

    Those of processes that have died are removed first. It lies in the temporary folder where there is no cache.
    """
    root = Path(platformdirs.user_cache_dir("formwright", appauthor=False)) / purpose
    try:
        root.mkdir(parents=True, exist_ok=True)
        for old in root.iterdir():
            owner = old.name.partition("-")[0]
            if owner.isdigit() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(old, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=root))
    except OSError:
        return Path(tempfile.mkdtemp(prefix=f"formwright-{purpose}-"))
