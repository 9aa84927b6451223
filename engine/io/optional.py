"""Libraries that are installed only where somebody wants them."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from engine.core.errors import FileError


def optional_library(path: Path, *modules: str, extra: str) -> list[Any]:
    """The modules, imported; raises `FileError` that says how to install them.

    extra : name of the extra that brings them ("scans")
    """
    try:
        return [importlib.import_module(name) for name in modules]
    except ImportError:
        raise FileError(
            path,
            f"reading it needs {modules[0]}, which is not installed.",
            remedy=f"Install it with: pip install 'formwright[{extra}]'. PLY, PCD and XYZ need nothing.",
        ) from None
