"""The objects dock under keys and mouse: several chosen, renamed, copied, grouped, dragged, hidden; all undoable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QTreeWidgetItem

from app.document.placement import Placement
from app.panels.objects_panel import EYE, NAME
from engine.geometry.mesh import Mesh

NAMES = ("a", "b", "c", "d")


@pytest.fixture
def scene(window: Any, target: Mesh, qtbot: Any) -> Any:
    """Four balls side by side; "d" is the target."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    for place, name in enumerate(NAMES):
        window.document.add_object(Mesh(target.vertices + 30.0 * place, target.triangles, name=name))
    window.objects.setFocus()
    return window


def row_of(window: Any, name: str) -> QTreeWidgetItem:
    return next(row for row in window.objects._all_rows() if row.data(0, NAME) == name)


def click(window: Any, qtbot: Any, name: str, *, column: int = 0, keys: Any = Qt.KeyboardModifier.NoModifier) -> None:
    tree = window.objects
    index = tree.indexFromItem(row_of(window, name), column)
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, keys, tree.visualRect(index).center())


def drag(window: Any, names: list[str], onto: str, part: float) -> None:
    """Drop rows onto another one, at a share of its height."""
    tree = window.objects
    data = tree.mimeData([row_of(window, name) for name in names])
    rect = tree.visualItemRect(row_of(window, onto))
    place = QPoint(rect.center().x(), rect.top() + round(part * (rect.height() - 1)))
    moves, left, none = Qt.DropAction.MoveAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    for event in (
        QDragEnterEvent(place, moves, data, left, none),
        QDragMoveEvent(place, moves, data, left, none),
        QDropEvent(QPointF(place), moves, data, left, none),
    ):
        QApplication.sendEvent(tree.viewport(), event)


def order(window: Any) -> list[tuple[str, str]]:
    return [(item.name, item.group) for item in window.document.objects]


def choose_in_menu(window: Any, qtbot: Any, name: str, *path: str) -> None:
    tree = window.objects
    place = tree.visualItemRect(row_of(window, name)).center()
    reason = QContextMenuEvent.Reason.Mouse
    QApplication.sendEvent(tree.viewport(), QContextMenuEvent(reason, place, tree.viewport().mapToGlobal(place)))
    menu = tree.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)[-1]
    for title in path[:-1]:
        menu = next(action.menu() for action in menu.actions() if action.text() == title)
    next(action for action in menu.actions() if action.text().split("\t")[0] == path[-1]).trigger()
    menu.close()


def test_f2_renames_in_place_and_undo_gives_the_name_back(scene: Any, qtbot: Any) -> None:
    click(scene, qtbot, "b")
    qtbot.keyClick(scene.objects, Qt.Key.Key_F2)
    editor = scene.objects.findChild(QLineEdit)
    qtbot.keyClicks(editor, "bracket")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: scene.document.object("bracket") is not None)
    assert scene.document.undo_stack.undo_name == "rename b to bracket"
    assert scene.workbench.scene.chosen == ("bracket",)
    scene.document.undo()
    assert row_of(scene, "b").text(0) == "b"


def test_a_name_that_is_taken_is_refused_with_a_word(scene: Any, qtbot: Any) -> None:
    click(scene, qtbot, "b")
    qtbot.keyClick(scene.objects, Qt.Key.Key_F2)
    editor = scene.objects.findChild(QLineEdit)
    qtbot.keyClicks(editor, "c")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "another object called c" in scene.error_bar.text())
    assert [name for name, _ in order(scene)] == list(NAMES)
    qtbot.waitUntil(lambda: row_of(scene, "b").text(0) == "b")


def test_several_are_chosen_copied_and_removed_in_one_step_each(scene: Any, qtbot: Any) -> None:
    click(scene, qtbot, "a")
    click(scene, qtbot, "c", keys=Qt.KeyboardModifier.ControlModifier)
    assert scene.workbench.scene.chosen == ("a", "c")
    qtbot.keyClick(scene.objects, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert [name for name, _ in order(scene)] == ["a", "a 2", "b", "c", "c 2", "d"]
    assert set(scene.workbench.scene.chosen) == {"a 2", "c 2"}
    assert {row.data(0, NAME) for row in scene.objects.selectedItems()} == {"a 2", "c 2"}
    qtbot.keyClick(scene.objects, Qt.Key.Key_Delete)
    assert [name for name, _ in order(scene)] == list(NAMES)
    assert scene.document.undo_stack.undo_names[:2] == ["close 2 objects", "duplicate 2 objects"]
    scene.document.undo()
    scene.document.undo()
    assert [name for name, _ in order(scene)] == list(NAMES)


def test_a_group_folds_and_hides_as_one(scene: Any, qtbot: Any) -> None:
    click(scene, qtbot, "a")
    click(scene, qtbot, "c", keys=Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(scene.objects, Qt.Key.Key_G, Qt.KeyboardModifier.ControlModifier)
    assert order(scene) == [("a", "Group"), ("c", "Group"), ("b", ""), ("d", "")]
    click(scene, qtbot, "Group", column=EYE)
    assert [item.visible for item in scene.document.objects] == [False, False, True, True]
    assert scene.document.undo_stack.undo_name == "hide 2 objects"
    arguments, _ = scene.viewport.last("set_object_visible")
    assert arguments == ("c", False)
    row_of(scene, "Group").setExpanded(False)
    scene.document.set_visible("b", False)  # the tree is drawn anew
    assert not row_of(scene, "Group").isExpanded()
    click(scene, qtbot, "Group")
    assert set(scene.workbench.scene.chosen) == {"a", "c"}
    qtbot.keyClick(scene.objects, Qt.Key.Key_V)  # here it is the eye, elsewhere the selection tool
    assert [item.visible for item in scene.document.objects[:2]] == [True, True]
    assert scene.viewing.tool == "navigate"
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(scene.objects, Qt.Key.Key_G, modifiers)
    assert [group for _, group in order(scene)] == ["", "", "", ""]


def test_rows_are_dragged_into_order_and_into_groups(scene: Any) -> None:
    drag(scene, ["d"], "b", 0.05)
    assert order(scene) == [("a", ""), ("d", ""), ("b", ""), ("c", "")]
    scene.workbench.scene.choose(["a", "d"])
    scene.workbench.scene.group()
    drag(scene, ["c"], "Group", 0.5)
    assert order(scene) == [("a", "Group"), ("d", "Group"), ("c", "Group"), ("b", "")]
    drag(scene, ["a"], "b", 0.95)
    assert order(scene) == [("d", "Group"), ("c", "Group"), ("b", ""), ("a", "")]
    drag(scene, ["Group"], "a", 0.95)
    assert [name for name, _ in order(scene)] == ["b", "a", "d", "c"]
    assert scene.document.undo_stack.undo_name == "move 2 objects"
    for _ in range(5):
        scene.document.undo()
    assert order(scene) == [(name, "") for name in NAMES]


def test_the_menu_colours_places_and_is_about_all_that_is_chosen(scene: Any, qtbot: Any) -> None:
    scene.workbench.scene.choose(["a", "b"])
    choose_in_menu(scene, qtbot, "b", "Colour", "Rose")
    assert [item.colour for item in scene.document.objects[:2]] == ["#a56f8f"] * 2
    assert scene.viewport.last("show_object")[1]["colour"] == "#a56f8f"
    choose_in_menu(scene, qtbot, "b", "Place", "On the ground")
    assert [round(item.bounds[0][2], 9) for item in scene.document.objects[:2]] == [0.0, 0.0]
    assert scene.document.undo_stack.undo_name == "place 2 objects on the ground"
    assert scene.viewport.last("set_placement")[0][1] == Placement((0.0, 0.0, -20.0))
    choose_in_menu(scene, qtbot, "b", "Place", "Where the file puts it")
    assert scene.document.objects[0].placement == Placement()


def test_a_drag_of_the_gizmo_is_one_step_and_the_next_run_takes_what_was_placed(scene: Any, session: Any) -> None:
    scene.viewport.object_picked.emit("d")
    assert scene.viewport.last("set_gizmo")[0] == ("d",)
    steps = len(scene.document.undo_stack.undo_names)
    for height in (1.0, 2.0, 3.0):
        scene.viewport.placement_dragged.emit("d", Placement((0.0, 0.0, height)), height == 3.0)
    scene.viewport.placement_dragged.emit("d", Placement((0.0, 0.0, 9.0)), True)
    assert len(scene.document.undo_stack.undo_names) == steps + 2
    scene.document.undo()
    assert scene.document.object("d").placement.translation == (0.0, 0.0, 3.0)
    scene.workbench.running.start()
    before = scene.document.object("d").geometry.vertices
    np.testing.assert_allclose(session.inputs["target"].vertices, np.add(before, (0.0, 0.0, 3.0)))
    scene.viewport.placement_dragged.emit("d", Placement((0.0, 0.0, 5.0)), True)
    assert "goes on with the geometry it began with" in scene.status_line.currentMessage()


def test_the_result_becomes_an_object_that_can_be_the_next_target(running: Any, qtbot: Any) -> None:
    running.objects.refresh()
    choose_in_menu(running, qtbot, "result", "Take as an object")
    qtbot.waitUntil(lambda: running.poll() or len(running.document.objects) == 2)
    item = running.document.objects[1]
    assert item.name == "result of ball.ply" and running.document.role_of(item.name) == ""
    assert running.document.undo_stack.undo_name == "take result of ball.ply as an object"
    running.document.undo()
    assert len(running.document.objects) == 1
