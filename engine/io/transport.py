"""A Geometry on its way between processes: arrays as `.npy` files in a folder, the rest as plain data.

The receiver maps the files and removes their names, so no array is held twice and nothing is left behind.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.volume import Volume

_KINDS: dict[str, type[Mesh] | type[Points] | type[Volume]] = {"mesh": Mesh, "points": Points, "volume": Volume}
_ARRAYS = ("vertices", "triangles", "positions", "normals")


def pack(geometry: Mesh | Points | Volume, folder: Path) -> dict[str, Any]:
    """Save the arrays into `folder`; returns what `unpack` needs, plain data."""
    kind = next(name for name, record in _KINDS.items() if isinstance(geometry, record))
    plain = {key: value for key, value in vars(geometry).items() if key != "fields" and key not in _ARRAYS}
    arrays = [key for key in _ARRAYS if getattr(geometry, key, None) is not None]
    for key in arrays:
        np.save(folder / f"{key}.npy", getattr(geometry, key))
    fields = []
    for index, field in enumerate(geometry.fields.values()):
        np.save(folder / f"field{index}.npy", field.values)
        fields.append({key: value for key, value in vars(field).items() if key != "values"})
    return {"kind": kind, "plain": plain, "arrays": arrays, "fields": fields}


def unpack(manifest: dict[str, Any], folder: Path) -> Mesh | Points | Volume:
    """The Geometry that `pack` saved. Its arrays are private to this process; the files are removed."""
    parts: dict[str, Any] = dict(manifest["plain"])
    parts |= {key: _take(folder / f"{key}.npy") for key in manifest["arrays"]}
    parts["fields"] = {
        field["name"]: Field(values=_take(folder / f"field{index}.npy"), **field)
        for index, field in enumerate(manifest["fields"])
    }
    return _KINDS[manifest["kind"]](**parts)


def _take(path: Path) -> np.ndarray:
    """The array in a file, mapped where an open file may lose its name (not on Windows)."""
    array = np.load(path, mmap_mode=None if os.name == "nt" else "c", allow_pickle=False)
    path.unlink()
    return np.asarray(array)
