"""Scan to print: a scan with noise and holes is dropped on the window, and a part leaves it that a slicer takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stage import Stage
from tests_app_stories import scanned

from engine.geometry.mesh import Mesh
from engine.geometry.sheet import quality_sheet
from engine.geometry.topology import measure_topology
from engine.io.registry import read, write

ITERATIONS = 60
METRE = 1000.0
"""[mm]"""
AWAY = np.array([2000.0, 0.0, 500.0])
"""Where the scanner has it [mm]."""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_scan_to_print(stage: Stage, bracket: Mesh, tmp_path: Path) -> None:
    document, bar = stage.document, stage.window.error_bar
    scan = scanned(bracket)
    file = tmp_path / "bracket scan.stl"  # a format that says no unit
    write(replace(scan, vertices=scan.vertices + AWAY), file, unit="m")

    stage.picture("start")
    stage.drop(file)
    stage.wait(lambda: "does not say its unit" in bar.text(), "the question for the unit")
    assert document.diagonal() == pytest.approx(scan.diagonal / METRE, rel=1e-4)
    stage.picture("unit")
    stage.press(next(title for title in bar.offer_titles() if title.startswith("Metres")))
    assert document.diagonal() == pytest.approx(scan.diagonal, rel=1e-4)

    stage.wait(lambda: "holes" in bar.text(), "the offer of repairs")
    stage.picture("repair")
    name = document.objects[0].name
    assert holes(document.objects[0].geometry) == 3
    stage.press("Repair all" if "Repair all" in bar.offer_titles() else bar.offer_titles()[0])
    stage.wait(lambda: holes(document.objects[0].geometry) == 0, "the holes to be closed")
    stage.menu("Edit", "Undo")
    assert holes(document.objects[0].geometry) == 3
    stage.menu("Edit", "Redo")
    assert holes(document.objects[0].geometry) == 0

    stage.type("Iterations", str(ITERATIONS))
    stage.press("Run")
    stage.wait(lambda: stage.run.iteration > 5, "the descent")
    stage.hide_object(name)
    assert not document.objects[0].visible
    stage.run_to(ITERATIONS // 2)
    losses = stage.run.present_curves().values["loss"]
    assert len(losses) >= 10 and losses[-1] < losses[0]
    assert "triangles" in said(stage, "Triangles") and said(stage, "Parts") == "1 part"
    stage.picture("window")
    stage.run_to_the_end()

    stage.key("Ctrl+E")
    dialog = stage.window.dialogs.export
    assert dialog is not None
    stage.wait(lambda: "Watertight: yes" in names(dialog), "the quality sheet")
    assert "Manifold: yes" in names(dialog)
    printed = tmp_path / "bracket.stl"
    stage.pick("Unit", "mm")  # what slicers take an STL for
    stage.type("File", "bracket.stl", enter=False)  # not the folder of whoever takes the picture
    stage.picture("export")
    dialog.set_place(printed)
    stage.press("Export")
    stage.wait(lambda: "bracket.stl" in dialog.said(), "the file")
    assert "in mm." in dialog.said()
    dialog.close()

    result = read(printed, unit="mm")
    assert isinstance(result, Mesh)
    result = replace(result, vertices=result.vertices + result.shift)
    moved = replace(bracket, vertices=bracket.vertices + AWAY)
    sheet = quality_sheet(result, moved)
    assert sheet.watertight and sheet.edge_manifold and sheet.consistent_winding and sheet.parts == 1
    np.testing.assert_allclose(result.bounds, moved.bounds, atol=1.0)
    assert sheet.volume == pytest.approx(quality_sheet(bracket).volume, rel=0.02)
    assert sheet.surface_to_reference is not None and sheet.surface_to_reference.mean < 0.2


def holes(geometry: object) -> int:
    assert isinstance(geometry, Mesh)
    return measure_topology(geometry.triangles).boundary_loops


def said(stage: Stage, name: str) -> str:
    from PySide6.QtWidgets import QLabel

    return str(stage.find(QLabel, name, stage.window.status_line).text())


def names(dialog: object) -> list[str]:
    from PySide6.QtWidgets import QLabel, QWidget

    assert isinstance(dialog, QWidget)
    return [label.accessibleName() for label in dialog.findChildren(QLabel)]
