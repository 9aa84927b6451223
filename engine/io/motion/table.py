"""CSV: what was measured and what was driven, a line a frame: energies, sensors, controls. SI units, in the header."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from engine.core.atomic import atomic_write
from engine.io.format import Progress
from engine.io.motion.motion import Motion
from engine.io.motion.registry import MotionFormat


def write(motion: Motion, path: Path, unit: str, progress: Progress) -> tuple[Path, ...]:
    rows = []
    names: dict[str, None] = {}
    for index in range(len(motion)):
        frame = motion.frame(index)
        names |= dict.fromkeys(frame.numbers)
        rows.append((frame.time, frame.numbers))
        progress((index + 1) / len(motion))
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["frame", "time [s]", *names])
        for number, (time, numbers) in zip(motion.numbers, rows, strict=True):
            values = [numbers.get(name, math.nan) for name in names]
            table.writerow([number, repr(time), *(repr(float(v)) if math.isfinite(v) else "" for v in values)])
    return (path,)


FORMATS = (MotionFormat("csv", ".csv", write, unit="m"),)
