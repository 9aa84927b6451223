"""A Geometry on its way between processes: arrays as `.npy` files, the rest as plain data.

The receiver maps the files, so that no array goes through a pipe or is held twice. A large array keeps its file as long
as it lives, so that it can be handed on by its name alone.
"""

from __future__ import annotations

import contextlib
import weakref
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.volume import Volume

Geometry = Mesh | Points | Volume

LARGE = 8 << 20
"""Bytes from which on an array keeps its file."""

_KINDS: dict[str, type[Mesh] | type[Points] | type[Volume]] = {"mesh": Mesh, "points": Points, "volume": Volume}
_ARRAYS = ("vertices", "triangles", "inner", "tets", "positions", "normals")


@dataclass(frozen=True)
class Manifest:
    """What `unpack` needs, plain data.

    kind : key of the Geometry's class
    plain : its entries that are no arrays
    arrays : name of an array -> its file
    fields : of each Field, its entries but the values, and the file of those
    """

    kind: str
    plain: dict[str, Any]
    arrays: dict[str, Path]
    fields: tuple[tuple[dict[str, Any], Path], ...]


def pack(geometry: Geometry, folder: Path) -> Manifest:
    """Save the arrays into `folder`, but those that have a file already; raises `OSError` where there is no room."""
    kind = next(name for name, record in _KINDS.items() if isinstance(geometry, record))
    entries = {item.name: getattr(geometry, item.name) for item in fields(geometry)}
    found = entries.pop("fields")
    arrays = {key: value for key in _ARRAYS if (value := entries.pop(key, None)) is not None}
    return Manifest(
        kind,
        entries,
        {key: _stored(value, folder / f"{key}.npy") for key, value in arrays.items()},
        tuple(
            (
                {item.name: getattr(field, item.name) for item in fields(field) if item.name != "values"},
                _stored(field.values, folder / f"field{index}.npy"),
            )
            for index, field in enumerate(found.values())
        ),
    )


def unpack(manifest: Manifest, folder: Path) -> Geometry:
    """The Geometry that `pack` saved. Files in `folder` are this process's own now: it removes them, those of large
    arrays when nobody has the array any more. Others are mapped and left alone."""
    parts: dict[str, Any] = dict(manifest.plain)
    parts |= {key: _taken(path, folder) for key, path in manifest.arrays.items()}
    parts["fields"] = {
        entries["name"]: Field(values=_taken(path, folder), **entries) for entries, path in manifest.fields
    }
    with contextlib.suppress(OSError):  # what is large keeps its file in there
        folder.rmdir()
    return _KINDS[manifest.kind](**parts)


def backing_file(array: np.ndarray) -> Path | None:
    """The `.npy` file that the whole of `array` is mapped from, or None."""
    mapped: Any = array
    while mapped is not None and not isinstance(mapped, np.memmap):
        mapped = getattr(mapped, "base", None)
    if mapped is None or mapped.filename is None or (mapped.dtype, mapped.shape) != (array.dtype, array.shape):
        return None
    same = mapped.ctypes.data == array.ctypes.data and array.flags.c_contiguous
    path = Path(mapped.filename)
    return path if same and path.suffix == ".npy" and path.exists() else None


def _stored(array: np.ndarray, path: Path) -> Path:
    existing = backing_file(array)
    if existing is None:
        np.save(path, array, allow_pickle=False)
    return existing or path


def _taken(path: Path, folder: Path) -> np.ndarray:
    own = path.parent == folder
    small = path.stat().st_size < LARGE
    # Not read-only but copy-on-write: torch warns of arrays that it could not write.
    array = np.load(path, mmap_mode=None if small else "c", allow_pickle=False)
    if own and small:
        path.unlink()
    elif own:
        weakref.finalize(array, _remove, path)
    return np.asarray(array)


def _remove(path: Path) -> None:
    """Take away the file, and its folder with the last one."""
    with contextlib.suppress(OSError):  # on Windows it stays while another process has it mapped
        path.unlink()
        path.parent.rmdir()
