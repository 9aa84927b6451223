"""Whether there is a screen, and the window on it. Imports nothing heavy, for the window must show at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from app.cli.console import UsageError


def has_display() -> bool:
    """Whether a window could be seen by someone."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_window(files: list[Path], *, demo: bool = False) -> int:
    """Open the window and wait until it is closed; returns the exit code."""
    if not has_display() and "QT_QPA_PLATFORM" not in os.environ:
        raise UsageError(
            "There is no display to open a window on.",
            remedy="The commands need none: try formwright demo, or formwright --help.",
        )
    from app.main import run_window

    return run_window(files, demo=demo)
