"""Inputs of a Run on their way to the engine process: arrays go through files, not through the pipe.

Pickling hundreds of megabytes would hold Python's lock, and so the window, even from another thread.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io.transport import pack, unpack


@dataclass(frozen=True)
class Parcel:
    """A Geometry that arrives as itself: what is unpickled of a Parcel is its content.

    folder : where arrays go that have no file yet; the receiver removes them
    """

    content: Mesh | Points
    folder: Path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        try:
            folder = Path(tempfile.mkdtemp(prefix="input-", dir=self.folder))
            return unpack, (pack(self.content, folder), folder)
        except OSError:  # no room on the disk
            return _as_it_is, (self.content,)


def parcelled(inputs: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The inputs of a Run with every Geometry in a Parcel."""
    return {
        role: Parcel(content, folder) if isinstance(content, (Mesh, Points)) else content
        for role, content in inputs.items()
    }


def _as_it_is(content: Mesh | Points) -> Mesh | Points:
    return content
