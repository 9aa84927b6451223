"""Writing a motion in any format the program knows."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine.core.errors import FileError
from engine.core.units import unit_name
from engine.io.format import Progress, silent
from engine.io.motion.motion import Motion

MODULES = ("gltf", "vtkhdf", "usd", "sequence", "table")


@dataclass(frozen=True)
class MotionReport:
    """What was written. files : all of them, in order; size : of all [bytes]"""

    format: str
    files: tuple[Path, ...]
    frames: int
    unit: str
    size: int


@dataclass(frozen=True)
class MotionFormat:
    """One way to write a motion.

    name : what code calls it ("gltf")
    extension : with the dot
    unit : of lengths, where the format prescribes it; None lets a person choose
    numbered : every frame is a file of its own
    write : writes a motion at a place, its lengths in a unit, tells the fraction done, and returns the files
    """

    name: str
    extension: str
    write: Callable[[Motion, Path, str, Progress], tuple[Path, ...]]
    unit: str | None = None
    numbered: bool = False


@cache
def motion_formats() -> tuple[MotionFormat, ...]:
    """Every format, those that more programs play first."""
    found: list[MotionFormat] = []
    for module in MODULES:
        found += importlib.import_module(f"engine.io.motion.{module}").FORMATS
    return tuple(found)


def motion_format(path: str | Path) -> MotionFormat:
    """By extension; raises `FileError`."""
    path = Path(path)
    entry = next((one for one in motion_formats() if one.extension == path.suffix.lower()), None)
    if entry is None:
        names = ", ".join(one.extension for one in motion_formats())
        raise FileError(path, f"{path.suffix or 'no extension'!r} holds no motion.", remedy=f"Use one of {names}.")
    return entry


def write_motion(
    motion: Motion, path: str | Path, *, unit: str | None = None, progress: Progress = silent
) -> MotionReport:
    """Write a motion in the format that the extension says, whole or not at all.

    Parameters
    ----------
    unit : of lengths; None for millimetres. A format that prescribes its own takes that
    progress : told the fraction written; what it raises ends the writing, and leaves nothing behind

    Raises
    ------
    FileError : the extension is unknown, or the disk refuses
    """
    path = Path(path)
    entry = motion_format(path)
    chosen = entry.unit or unit_name(unit or "mm")
    files = entry.write(motion, path, chosen, progress)
    return MotionReport(entry.name, files, len(motion), chosen, sum(file.stat().st_size for file in files))
