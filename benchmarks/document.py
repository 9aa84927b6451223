"""How long documents take to write and to open, and what keeping one against a crash costs the window.

python benchmarks/document.py
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from measurement import Measurement, write

from app.document.file import Content, open_document, save_document
from app.document.project import Measurement as Dimension
from app.document.project import Project, SceneObject
from app.document.records import ArrayNames
from app.document.recovery import RecoveryFolder
from engine.geometry.points import Points

POINTS = 4_200_000
"""Of a scan that fills a hundred megabytes."""
REPEATS = 5


def main() -> int:
    """Measure, and write the result for the report."""
    scan = Points(np.random.default_rng(0).normal(size=(POINTS, 3)), name="scan")
    content = Content(Project(objects=(SceneObject("scan", scan, "#7f8c99"),)), name="scan")
    with tempfile.TemporaryDirectory() as folder:
        path, numpy_file = Path(folder) / "scan.formwright", Path(folder) / "scan.npy"
        saving = seconds(lambda: save_document(path, content))
        np.save(numpy_file, scan.positions)
        opening = seconds(lambda: open_document(path))
        peer = seconds(lambda: np.load(numpy_file))
        first, later = keeping(Path(folder), content)
        size = path.stat().st_size / 1e6
    measurements = [
        Measurement(
            f"Opening a document of {size:.0f} MB", opening, "s", bar=1.0, peer="np.load", ratio=opening / peer
        ),
        Measurement(f"Writing a document of {size:.0f} MB", saving, "s", note="to the disk itself"),
        Measurement(f"Keeping {size:.0f} MB against a crash, the first time", first, "s"),
        Measurement("Keeping it again after a change", later * 1e3, "ms", bar=100.0),
    ]
    print(write("document", measurements, title="Documents"))
    return 0


def keeping(folder: Path, content: Content) -> tuple[float, float]:
    """Seconds for the first time, and for a time when no array is new."""
    home = RecoveryFolder.make(folder / "recovery", ArrayNames())
    began = time.perf_counter()
    home.keep(content)
    first = time.perf_counter() - began

    def change() -> None:
        measured = (Dimension("distance", ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)), time.perf_counter()),)
        home.keep(replace(content, project=replace(content.project, measurements=measured)))

    return first, seconds(change)


def seconds(action: Callable[[], Any]) -> float:
    """The quickest of several times."""
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    sys.exit(main())
