"""NumPy's arrays (`.npy`) as volumes: values on a grid of unit steps, the array's axes taken for x, y and z."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.core.errors import FileError
from engine.geometry.fields import Field
from engine.geometry.volume import Volume
from engine.io.format import Format, Progress


def read(path: Path, progress: Progress) -> Volume:
    try:
        values = np.load(path, allow_pickle=False, mmap_mode="r")
    except ValueError as error:
        if "Python objects" in str(error) or "pickle" in str(error):
            raise FileError(
                path, "it holds Python objects, not numbers.", remedy="Save an array of numbers."
            ) from error
        raise FileError(path, "it is damaged or cut short.", remedy="Save it again.") from error
    if values.ndim != 3 or not (np.issubdtype(values.dtype, np.number) or values.dtype == np.bool_):
        raise FileError(
            path, f"it holds an array of shape {values.shape} and type {values.dtype}.",
            remedy="Save numbers on a grid: an array with three axes.",
        )  # fmt: skip
    if np.iscomplexobj(values):
        raise FileError(path, "it holds complex numbers.", remedy="Save real ones.")
    progress(0.5)
    if values.dtype == np.bool_:
        values = values.astype(np.uint8)
    ordered = np.ascontiguousarray(values.transpose(), values.dtype.newbyteorder("=")).reshape(-1)
    return Volume(values.shape, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), {"values": Field("values", ordered, "node")},
                  axes_assumed=True)  # fmt: skip


FORMAT = Format(name="npy", title="NumPy array", extensions=(".npy",), reads=("volume",), read=read)
