"""Repairs by name: offered with counts, done as a step of undo, in a process of their own where the mesh is large; and
the unit that a file does not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from app.document.recent import RecentFiles
from app.work import repairing
from engine.geometry.mesh import Mesh


@pytest.fixture
def damaged() -> Mesh:
    """A ball of two doubled vertices with one hole."""
    ball = trimesh.creation.icosphere(subdivisions=2, radius=10.0)
    vertices = np.concatenate([ball.vertices, ball.vertices[:2]])
    triangles = np.array(ball.faces)[1:]
    for old in (0, 1):
        triangles[np.argmax((triangles == old).any(axis=1))][triangles[0] == old] = old
    row = np.flatnonzero((triangles == 0).any(axis=1))[0]
    triangles[row][triangles[row] == 0] = len(ball.vertices)
    triangles[row, triangles[row] == 0] = len(ball.vertices)
    return Mesh(vertices, triangles, name="nut")


def settle(window: Any, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: window.poll() or not window.tasks.busy)


def press(window: Any, qtbot: Any, title: str) -> None:
    button = next(item for item in window.error_bar.findChildren(QPushButton) if item.text() == title)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_what_a_mesh_needs_is_said_with_counts_and_done_undoably(window: Any, qtbot: Any, damaged: Mesh) -> None:
    window.document.add_object(damaged)
    window.workbench.repairing.look("nut")
    settle(window, qtbot)
    assert window.error_bar.text().startswith("nut has ") and "1 hole" in window.error_bar.text()
    assert window.error_bar.offer_titles()[-1] == "Repair all" and len(window.error_bar.offer_titles()) <= 3
    press(window, qtbot, "Repair all")
    settle(window, qtbot)
    repaired = window.document.object("nut").geometry
    assert trimesh.Trimesh(repaired.vertices, repaired.triangles, process=False).is_watertight
    assert "Filled 1 hole" in window.status_line.currentMessage()
    assert window.document.undo_stack.undo_name == "repair nut"
    window.document.undo()
    assert window.document.object("nut").geometry is damaged


def test_the_tools_menu_and_the_palette_repair_the_chosen_mesh(window: Any, qtbot: Any, damaged: Mesh) -> None:
    from app.actions.entries import palette_entries
    from app.window.repair_menu import RepairMenu

    window.document.add_object(damaged)
    next(entry for entry in palette_entries(window) if entry.title == "Weld vertices").do()
    settle(window, qtbot)
    assert window.document.undo_stack.undo_name == "weld vertices in nut"
    menu = window.findChild(RepairMenu)
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if action.text() == "Fill holes").trigger()
    settle(window, qtbot)
    assert window.document.undo_stack.undo_name == "fill holes in nut"
    window.workbench.repairing.look("nut", asked=True)
    settle(window, qtbot)
    assert window.status_line.currentMessage() == "nut needs no repair"


def test_a_large_repair_can_be_cancelled(
    window: Any, qtbot: Any, damaged: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repairing, "APART_FROM", 1)
    window.document.add_object(damaged)
    window.workbench.repairing.repair("nut", "fill-holes")
    row = window.tasks.rows.running[-1]
    assert row.title == "Repairing nut" and row.cancellable
    row.cancel()
    settle(window, qtbot)
    assert window.document.object("nut").geometry is damaged and not window.error_bar.isVisible()
    window.workbench.repairing.repair("nut", "fill-holes")
    settle(window, qtbot)
    assert window.document.undo_stack.undo_name == "fill holes in nut"


def test_a_file_of_unusual_size_asks_for_its_unit_and_remembers_it(window: Any, qtbot: Any, tmp_path: Path) -> None:
    path = tmp_path / "bracket.stl"
    trimesh.creation.box((0.2, 0.1, 0.1)).export(path)
    window.workbench.files.open([path])
    qtbot.waitUntil(lambda: window.poll() or bool(window.error_bar.text()))
    assert window.error_bar.text() == "bracket does not say its unit, and would be 0.2 mm long."
    titles = window.error_bar.offer_titles()
    assert "Millimetres: 0.2 mm" in titles and len(titles) == 3
    title = next(title for title in titles if title == "Metres: 200 mm")
    press(window, qtbot, title)
    item = window.document.objects[0]
    assert item.unit == "m" and not item.geometry.unit_assumed
    np.testing.assert_allclose(np.diff(item.geometry.bounds, axis=0)[0], (200.0, 100.0, 100.0), rtol=1e-6)
    assert window.document.study.units == {"target": "m"}
    window.documents.new()
    window.workbench.files.open([path])
    qtbot.waitUntil(lambda: window.poll() or bool(window.document.objects))
    settle(window, qtbot)
    assert window.document.objects[0].unit == "m" and "unit" not in window.error_bar.text()


def test_units_are_kept_with_the_recent_files(tmp_path: Path) -> None:
    store, path = tmp_path / "recent.json", tmp_path / "scan.ply"
    path.touch()
    recent = RecentFiles(store)
    recent.add(path)
    recent.remember_unit(path, "in")
    again = RecentFiles(store)
    assert again.paths() == [path] and again.unit(path) == "in" and again.unit(tmp_path / "other.ply") is None
    store.write_text(f'["{path}", {{"path": 3}}, 7]')  # an older list, and one that is damaged
    assert RecentFiles(store).paths() == [path]
