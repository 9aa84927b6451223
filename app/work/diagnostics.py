"""What a bug report needs to know: versions, devices, memory, what is open, and what was logged last. No folders."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil

from app.document.document import Document
from app.work.logbook import Logbook, without_folders

LIBRARIES = ("numpy", "pydantic", "PySide6_Essentials", "vtk", "torch", "warp-lang")
LOG_LINES = 60


def diagnostics_text(document: Document, logbook: Logbook, engine: dict[str, Any] | None) -> str:
    """The whole text; `engine` is what the engine says of itself, None where it does not answer."""
    parts = {
        "Program": _program(),
        "Window": _window(document),
        "Engine": {key: str(value) for key, value in (engine or {"state": "does not answer"}).items()},
    }
    lines: list[str] = []
    for title, facts in parts.items():
        lines += [title, *(f"  {name}: {fact}" for name, fact in facts.items()), ""]
    lines += ["Log", *(f"  {line}" for line in logbook.recent(LOG_LINES))]
    return without_folders("\n".join(lines))


def _program() -> dict[str, str]:
    facts = {"formwright": _version("formwright"), "python": platform.python_version(), "system": platform.platform()}
    facts |= {name: _version(name) for name in LIBRARIES}
    memory = psutil.virtual_memory()
    facts["memory"] = f"{memory.available / 2**30:.1f} GB free of {memory.total / 2**30:.1f} GB"
    facts["processors"] = str(psutil.cpu_count())
    return facts


def _window(document: Document) -> dict[str, str]:
    undo = document.undo_stack
    facts = {f"object {number}": item.describe() for number, item in enumerate(document.objects, start=1)}
    facts["study"] = document.study.study
    facts["terms"] = ", ".join(f"{spec.kind} {spec.weight:g}" for spec in document.study.terms)
    facts["run"] = f"{document.run.state}, iteration {document.run.iteration} of {document.run.iterations}"
    facts["checkpoints"] = str(len(document.run.checkpoints))
    facts["undo"] = undo.undo_name or "nothing"
    facts["memory of the window"] = f"{psutil.Process().memory_info().rss / 2**20:.0f} MB"
    facts["platform of the window"] = _platform()
    return facts


def _platform() -> str:
    from PySide6.QtGui import QGuiApplication

    screen = QGuiApplication.primaryScreen()
    size = screen.size() if screen is not None else None
    shown = f"{size.width()} x {size.height()} at {screen.devicePixelRatio():g}" if size is not None else "no screen"
    return f"{QGuiApplication.platformName()}, {shown}, {sys.platform}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
