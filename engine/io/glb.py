"""The binary container of glTF 2.0: one piece of JSON, and one of binary data that it speaks of.

Source: Khronos, glTF 2.0 specification, sections 3.6 (binary data) and 4.4 (GLB).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

_JSON, _BINARY = 0x4E4F534A, 0x004E4942
FLOAT, UNSIGNED_INT = 5126, 5125
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
_TYPES = {1: "SCALAR", 3: "VEC3"}


class Glb:
    """Arrays in the order in which they are added; a description speaks of them by the numbers that `add` gives."""

    def __init__(self) -> None:
        self._accessors: list[dict[str, Any]] = []
        self._views: list[dict[str, Any]] = []
        self._parts: list[np.ndarray] = []
        self._size = 0

    def add(self, values: np.ndarray, *, target: int | None = None, bounds: bool = False) -> int:
        """An accessor for values of shape (n,) or (n, 3): whole numbers as uint32, others as float32.

        target : `ARRAY_BUFFER` or `ELEMENT_ARRAY_BUFFER` for what is drawn
        bounds : write the lowest and highest values, which positions and times must have
        """
        whole = np.issubdtype(values.dtype, np.integer)
        part = np.ascontiguousarray(values, "<u4" if whole else "<f4")
        view: dict[str, Any] = {"buffer": 0, "byteOffset": self._size, "byteLength": part.nbytes}
        if target is not None:
            view["target"] = target
        accessor: dict[str, Any] = {
            "bufferView": len(self._views),
            "componentType": UNSIGNED_INT if whole else FLOAT,
            "count": len(part),
            "type": _TYPES[1 if part.ndim == 1 else part.shape[1]],
        }
        if bounds:
            rows = part.reshape(len(part), -1)
            accessor["min"], accessor["max"] = rows.min(axis=0).tolist(), rows.max(axis=0).tolist()
        self._views.append(view)
        self._accessors.append(accessor)
        self._parts.append(part)
        self._size += part.nbytes
        return len(self._accessors) - 1

    def write(self, path: Path, description: dict[str, Any]) -> None:
        """Write the file: `description` is the JSON without what this class adds (asset, accessors, buffers)."""
        whole = {
            "asset": {"version": "2.0", "generator": "Formwright"},
            **description,
            "accessors": self._accessors,
            "bufferViews": self._views,
            "buffers": [{"byteLength": self._size}],
        }
        text = json.dumps(whole).encode("utf-8")
        text += b" " * (-len(text) % 4)
        with path.open("wb") as stream:
            stream.write(b"glTF" + np.array([2, 12 + 8 + len(text) + 8 + self._size], "<u4").tobytes())
            stream.write(np.array([len(text), _JSON], "<u4").tobytes() + text)
            stream.write(np.array([self._size, _BINARY], "<u4").tobytes())
            for part in self._parts:
                stream.write(part.tobytes())


def y_up(vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, 3) of a frame whose z is up, in glTF's, whose y is."""
    x, y, z = vectors.T
    return np.stack([x, z, -y], axis=1)
