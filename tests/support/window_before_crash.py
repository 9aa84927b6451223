"""A window in which a person works, and which then waits to be killed: `python window_before_crash.py STORE SCAN OPEN`.

STORE : folder of what the window keeps
SCAN : the file that it opens
OPEN : file that appears when the work is done, a document with what was open then; where its run is, is printed
"""

from __future__ import annotations

import sys
from pathlib import Path

import mouse
from PySide6.QtTest import QTest
from stage import Stage

from app.document.file import save_document

ITERATIONS = 60


def main() -> None:
    store, scan, what_was_open = (Path(argument) for argument in sys.argv[1:4])
    stage = Stage(store)
    work(stage, scan)
    print(f"iteration {stage.run.iteration}", flush=True)
    save_document(what_was_open, stage.window.documents.content(preview=b""))
    while True:
        QTest.qWait(100)


def work(stage: Stage, scan: Path) -> None:
    """Open a scan, run, steer, select, measure."""
    stage.drop(scan)
    stage.wait(lambda: bool(stage.document.objects), "the scan")
    stage.type("Resolution", "24")
    stage.type("Iterations", "1000")  # it shall not end by itself
    stage.key("Space")
    stage.wait(lambda: stage.run.iteration > 3, "the descent")
    stage.hide_object(scan.stem)
    stage.run_to(25)
    stage.type("Weight of Smoothness", "2.5")
    stage.key("B")
    x, y = stage.pixel(stage.seen_at(0.6, 0.6))
    mouse.drag(stage.view, (x - 20.0, y), (x + 20.0, y))
    stage.menu("Select", "Selection tool", "By box")
    mouse.drag(stage.view, (0.4 * stage.view.width(), 60.0), (0.6 * stage.view.width(), 0.5 * stage.view.height()))
    selecting = stage.window.workbench.selecting
    stage.wait(lambda: selecting.working is not None, "what is within the box")
    stage.show_dock("selections")
    stage.press("Keep what is selected now, under a name")
    stage.menu("Tools", "What is measured", "Measure a distance")
    for across in (0.45, 0.6):
        mouse.click(stage.view, stage.pixel(stage.seen_at(across, 0.35)))
    assert stage.document.project.measurements and stage.document.project.strokes
    stage.run_to(stage.run.iteration + 20)
    stage.type("Iterations", str(ITERATIONS))
    stage.wait(lambda: stage.run.iterations == ITERATIONS, "as many iterations")


if __name__ == "__main__":
    main()
