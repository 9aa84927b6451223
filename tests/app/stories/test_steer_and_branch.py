"""Steer and branch: what a person wants otherwise while the surface descends, and two ways that are compared."""

from __future__ import annotations

from pathlib import Path

import mouse
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog
from scipy.spatial import cKDTree
from stage import Stage

from engine.io.registry import write
from engine.studies.samples import nut_scan

RESOLUTION, ITERATIONS, POINTS = 32, 120, 8000
FINE = 48, 160, 20_000
"""The same where pictures are taken, to be looked at."""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_steer_and_branch(stage: Stage, tmp_path: Path) -> None:
    document = stage.document
    file = tmp_path / "nut.ply"
    resolution, iterations, points = FINE if stage.pictures else (RESOLUTION, ITERATIONS, POINTS)
    write(nut_scan(points=points), file)
    stage.name_file(file)
    stage.key("Ctrl+O", stage.window.objects)
    stage.wait(lambda: bool(document.objects), "the scan")
    stage.picture("opened")
    stage.type("Resolution", str(resolution))
    stage.type("Iterations", str(iterations))
    stage.key("Space")
    stage.wait(lambda: stage.run.iteration > 3, "the descent")
    stage.hide_object("nut")

    weigh(stage)
    pull_a_handle(stage)
    smooth_only_where_it_is_painted(stage)
    freeze(stage)
    stage.key("S")
    stage.picture("sensitivity")
    stage.key("S")
    go_back_and_branch(stage)
    compare_and_promote(stage)


def weigh(stage: Stage) -> None:
    """The weight of a Term follows its slider; the run follows the weight, and undo brings both back."""
    slider = stage.window.study.terms.card("smoothness").slider
    before = stage.document.study.term("smoothness").weight
    stage.window.study.ensureWidgetVisible(slider)
    middle = slider.rect().center()  # there the knob is
    mouse.drag(slider, (middle.x(), middle.y()), (middle.x() + 30.0, middle.y()))
    after = stage.document.study.term("smoothness").weight
    assert after > before
    stage.wait(lambda: stage.run.scalars.get("weight:smoothness") == after, "the run to weigh it so")
    stage.menu("Edit", "Undo weight")
    assert stage.document.study.term("smoothness").weight == before
    stage.wait(lambda: stage.run.scalars.get("weight:smoothness") == before, "the run to follow undo")
    stage.key("Ctrl+Y")
    assert stage.document.study.term("smoothness").weight == after
    stage.key("Ctrl+Z")


def pull_a_handle(stage: Stage) -> None:
    """A press places a handle, the drag pulls it, and the surface comes after."""
    stage.run_to(stage.run.iteration + 5)
    stage.key("H")
    start = stage.pixel(stage.seen_at(0.5, 0.3))
    mouse.drag(stage.view, start, (start[0] + 20.0, start[1] - 70.0))
    handle = stage.document.handles()[-1]
    anchor, target = (np.array(handle.parameters[name]) for name in ("anchor", "target"))
    assert np.linalg.norm(target - anchor) > 3.0
    before = np.linalg.norm(stage.vertices - target, axis=1).min()
    stage.run_to(stage.run.iteration + 25)
    assert np.linalg.norm(stage.vertices - target, axis=1).min() < before - 1.0
    stage.picture("handle")
    stage.key("Escape")


def smooth_only_where_it_is_painted(stage: Stage) -> None:
    """A selection that is painted on the result becomes the mask of a Term while it runs."""
    stage.resume()
    stage.menu("Select", "Selection tool", "By brush")
    stage.show_dock("selections")
    place = stage.pixel(stage.seen_at(0.65, 0.45))
    mouse.drag(stage.view, place, (place[0] - 50.0, place[1] - 70.0), steps=12)
    working = stage.window.workbench.selecting
    stage.wait(lambda: working.working is not None and working.working.count > 20, "what the brush selects")
    assert stage.run.state == "running"
    stage.drop_down("Use what is selected now", "Mask of a term", "Smoothness")
    mask = stage.document.study.term("smoothness").mask
    assert mask and stage.document.project.selection(mask) is not None
    stage.run_to(stage.run.iteration + 5)
    assert stage.document.study.term("smoothness").mask == mask, "the engine has refused it"
    stage.window.study.ensureWidgetVisible(stage.window.study.terms.card("smoothness"))
    stage.picture("mask")
    stage.menu("Select", "Select nothing")


def freeze(stage: Stage) -> None:
    """What the brush has frozen stays where it is; Ctrl+Z thaws it."""
    stage.key("B")
    place = stage.seen_at(0.62, 0.62)
    x, y = stage.pixel(place)
    radius = stage.view.brush_radius
    mouse.drag(stage.view, (x - 25.0, y), (x + 25.0, y), steps=10)
    assert len(stage.document.project.strokes) > 0
    stage.menu("Edit", "Undo")
    assert stage.document.project.strokes == ()
    stage.menu("Edit", "Redo")
    stage.picture("frozen")
    stage.run_to(stage.run.iteration + 2)
    frozen = stage.vertices[np.linalg.norm(stage.vertices - place, axis=1) < 0.8 * radius]
    assert len(frozen) > 5
    stage.run_to(stage.run.iteration + 10)
    nearest = np.linalg.norm(stage.vertices[None] - frozen[:, None], axis=2).min(axis=1)
    assert nearest.max() < 1e-4
    stage.key("Escape")


def go_back_and_branch(stage: Stage) -> None:
    """From an earlier Checkpoint the run goes on as a branch, with that Checkpoint's wishes; both ways stay."""
    stage.run_to_the_end()
    ended = max(stage.run.checkpoints)
    early = next(id for id, info in sorted(stage.run.checkpoints.items()) if info.iteration >= 10)
    stage.click_checkpoint(early)
    stage.wait(lambda: stage.window.selected_checkpoint == early, "the Checkpoint")
    stage.press("Continue from here")
    stage.wait(lambda: len(stage.run.branches()) == 2, "the branch")
    assert not stage.document.handles()  # it was placed later
    stage.wait(lambda: stage.run.iteration >= stage.run.iterations and stage.run.state == "finished", "its end")
    assert ended in stage.run.checkpoints and stage.run.branch != "main"

    stage.key("F2", stage.window.history.strip)
    stage.wait(lambda: bool(stage.window.findChildren(QInputDialog)), "the question for the name")
    dialog = stage.window.findChildren(QInputDialog)[0]
    dialog.setTextValue("without the handle")
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert stage.document.project.branch_titles[stage.run.branch] == "without the handle"
    stage.picture("history")


def compare_and_promote(stage: Stage) -> None:
    """How far the two ways are apart is told in millimetres and in colours; the better one becomes the main branch."""
    comparing = stage.window.workbench.comparing
    other = max(id for id, info in stage.run.checkpoints.items() if info.branch == "main")
    mouse.click(stage.window.history.strip, point(stage, other), mouse.SHIFT)
    stage.wait(lambda: comparing.active, "the comparison")
    stage.press("Distance")
    stage.wait(lambda: "largest" in stage.window.compare_bar.numbers(), "the distances")
    comparison = comparing.comparison
    assert comparison is not None and comparison.distances is not None and comparing.mode == "distance"
    assert comparison.first is not None and comparison.second is not None
    first, second = (
        snapshot.arrays["vertices"] + snapshot.origin for snapshot in (comparison.first, comparison.second)
    )
    away = cKDTree(second).query(first)[0]  # of a vertex to a vertex: no less than to the surface
    assert 0.0 <= (away.max() - comparison.distances.maximum) < 1.5
    assert comparison.distances.mean < away.mean()
    assert comparison.distances.maximum > 1.0  # there a handle pulls
    stage.picture("compare")
    stage.press("Leave the comparison")
    assert not comparing.active

    branch = stage.run.branch
    stage.menu("Run", "Branch", "Make it the main branch")
    stage.wait(lambda: stage.run.branch == "main", "the branch to be the main one")
    assert branch not in stage.run.branches() and len(stage.run.branches()) == 2
    assert stage.document.project.branch_titles["main"] == "without the handle"


def point(stage: Stage, checkpoint: int) -> mouse.Pixel:
    place = stage.window.history.strip.place(checkpoint)
    return place.x(), place.y()
