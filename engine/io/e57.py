"""E57, the exchange format of laser scanners, through pye57: all scans of the file in its common frame, in metres.

Source: ASTM E2807-11.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import FileError
from engine.geometry.fields import Field
from engine.io.format import Format, Progress, Raw
from engine.io.optional import optional_library

_COLOURS = ("colorRed", "colorGreen", "colorBlue")


def read(path: Path, progress: Progress) -> Raw:
    (pye57,) = optional_library(path, "pye57", extra="scans")
    try:
        with closing(pye57.E57(str(path))) as file:
            count = file.scan_count
            scans = []
            for index in range(count):
                scans.append(_scan(file, index))
                progress((index + 1) / count)
    except pye57.libe57.E57Exception as error:
        raise FileError(
            path, f"it is damaged or cut short ({str(error).splitlines()[0][:80]}).", remedy="Copy or export it again."
        ) from None
    if not any(len(positions) for positions, _ in scans):
        raise FileError(path, "it holds no points.", remedy="Export it again.")
    raw = Raw(np.concatenate([positions for positions, _ in scans]))
    if all(colour is not None for _, colour in scans):
        raw.fields["colour"] = Field("colour", np.concatenate([colour for _, colour in scans if colour is not None]))
    if count > 1:
        raw.notes.append(f"{count} scans were joined into one.")
    return raw


def _scan(file: Any, index: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Positions of one scan in the file's frame [m], and colours in [0, 1]."""
    available = set(file.get_header(index).point_fields)
    coloured = set(_COLOURS) <= available
    data = file.read_scan(index, ignore_missing_fields=True, colors=coloured)
    positions = np.stack([data[f"cartesian{axis}"] for axis in "XYZ"], axis=1).astype(np.float64)
    if not coloured:
        return positions, None
    return positions, np.stack([data[name] for name in _COLOURS], axis=1) / 255.0


FORMAT = Format(
    name="e57",
    title="E57",
    extensions=(".e57",),
    reads=("points",),
    read=read,
    unit="m",
)
