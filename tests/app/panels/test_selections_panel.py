"""The selections dock, the masks of Terms, and what reaches a Run of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QMenu, QPushButton

from app.document.project import Selection
from app.panels.selections_menu import fill_use_menu
from engine.geometry.mesh import Mesh
from engine.protocol.catalogue import Catalogue, TermEntry
from engine.protocol.edits import AddTerm, PaintFreeze, RemoveMask, SetMask, SetTermMask


@pytest.fixture
def scene(window: Any, target: Mesh, catalogue: Catalogue, qtbot: Any) -> Any:
    """A ball whose upper half is selected; Fit and Smoothness take masks, and there is a no-go region."""
    for entry in catalogue.terms:
        entry.maskable = entry.kind != "handle"
    no_go = TermEntry(kind="no-go", title="No-go region", help="Keeps away.", maskable=True, needs_mask=True)
    catalogue.terms.append(no_go)
    window.document.set_catalogue(catalogue)
    window.document.add_object(target, source="/data/ball.ply")
    window.docks["selections"].raise_()
    select(window, "", target.vertices[:, 2] > 0.0)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window


def select(window: Any, name: str, values: np.ndarray) -> None:
    item = window.document.objects[0]
    selection = Selection(name, item.name, values.astype(np.float32))
    window.document.change("select", window.document.project.with_selection(selection))


def press(window: Any, qtbot: Any, title: str) -> None:
    button = next(button for button in window.selections.findChildren(QPushButton) if button.text() == title)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def values(window: Any, name: str = "") -> np.ndarray:
    return np.asarray(window.document.project.selection(name).values)


def settle(window: Any, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: window.poll() or not window.tasks.busy)


def test_it_counts_what_is_selected_and_its_area(scene: Any, target: Mesh) -> None:
    text = scene.selections.summary.text()
    count = int((target.vertices[:, 2] > 0.0).sum())
    assert text.startswith(f"{count} of {target.vertex_count} vertices of ball.ply, ")
    area = float(text.split(", ")[-1].removesuffix(" mm²"))
    assert area == pytest.approx(2.0 * np.pi * 100.0, rel=0.05)  # half of the ball


def test_buttons_change_the_selection_in_steps_that_undo(scene: Any, qtbot: Any, target: Mesh) -> None:
    upper = values(scene)
    press(scene, qtbot, "Invert")
    settle(scene, qtbot)
    np.testing.assert_array_equal(values(scene), 1.0 - upper)
    scene.selections.distance.set_value(6.0)
    press(scene, qtbot, "Grow")
    settle(scene, qtbot)
    grown = target.vertices[values(scene) > 0.5, 2]
    assert 2.0 < grown.max() < 6.1  # 6 mm along the ball of 10 mm from the highest ring that was selected
    press(scene, qtbot, "All")
    settle(scene, qtbot)
    assert values(scene).all()
    press(scene, qtbot, "None")
    assert scene.document.project.selection("") is None and scene.selections.summary.text() == "Nothing is selected"
    for _ in range(4):
        scene.document.undo()
    np.testing.assert_array_equal(values(scene), upper)


def test_it_is_kept_under_a_name_that_is_written_at_once(scene: Any, qtbot: Any) -> None:
    press(scene, qtbot, "Keep")
    editor = scene.selections.tree.findChild(QLineEdit)
    qtbot.keyClicks(editor, "top")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: scene.document.project.selection("top") is not None)
    np.testing.assert_array_equal(values(scene, "top"), values(scene))


def card(window: Any, title: str) -> Any:
    return window.study.terms.card(title)


def choose(qtbot: Any, combo: Any, text: str) -> None:
    combo.setFocus()
    combo.showPopup()
    view = combo.view()
    index = combo.model().index(combo.findText(text), 0)
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center())


def test_the_working_selection_becomes_a_mask_while_it_runs(scene: Any, session: Any, qtbot: Any) -> None:
    scene.workbench.running.start()
    scene.poll()
    chooser = card(scene, "Smoothness").where
    choose(qtbot, chooser.choice, "What is selected now")
    mask, term_mask = session.sent[-2:]
    assert isinstance(mask, SetMask) and mask.name == "Selection"
    assert term_mask == SetTermMask(term="Smoothness", mask="Selection", outside=0.0)
    np.testing.assert_array_equal(np.asarray(mask.values), values(scene))
    chooser.outside.setFocus()
    chooser.outside.selectAll()
    qtbot.keyClicks(chooser.outside, "0.25")
    qtbot.keyClick(chooser.outside, Qt.Key.Key_Return)
    assert session.sent[-1] == SetTermMask(term="Smoothness", mask="Selection", outside=0.25)
    scene.document.undo()
    scene.document.undo()
    kinds = [type(edit) for edit in session.sent[-3:]]
    assert kinds == [SetTermMask, SetTermMask, RemoveMask] and scene.document.study.term("Smoothness").mask == ""
    assert scene.document.project.selection("Selection") is None  # kept and used in one step


def test_a_kept_selection_that_is_taken_up_again_is_painted_while_it_runs(scene: Any, session: Any, qtbot: Any) -> None:
    scene.workbench.masking.set_mask("Fit to scan", "")
    scene.workbench.running.start()
    scene.poll()
    before = len(session.sent)
    row = scene.selections.tree.topLevelItem(0)
    place = scene.selections.tree.visualItemRect(row).center()
    qtbot.mouseClick(scene.selections.tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseDClick(scene.selections.tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert scene.workbench.selecting.follows == "Selection"
    press(scene, qtbot, "Invert")
    settle(scene, qtbot)
    assert [type(edit) for edit in session.sent[before:]] == [SetMask]
    np.testing.assert_array_equal(np.asarray(session.sent[-1].values), values(scene, "Selection"))
    press(scene, qtbot, "Done changing Selection")
    press(scene, qtbot, "Invert")
    settle(scene, qtbot)
    assert len(session.sent) == before + 1


def test_renaming_a_selection_renames_the_masks_in_one_step(scene: Any, session: Any) -> None:
    scene.workbench.masking.set_mask("Fit to scan", "")
    scene.workbench.running.start()
    scene.poll()
    before = len(session.sent)
    scene.workbench.masking.rename("Selection", "top")
    assert scene.document.study.term("Fit to scan").mask == "top"
    assert [type(edit) for edit in session.sent[before:]] == [SetMask, SetTermMask, RemoveMask]
    scene.document.undo()
    assert scene.document.study.term("Fit to scan").mask == "Selection"
    scene.workbench.selecting.remove("Selection")
    assert scene.document.study.term("Fit to scan").mask == ""  # it counts everywhere again
    scene.document.undo()
    assert scene.document.study.term("Fit to scan").mask == "Selection"


def test_a_region_is_frozen_forbidden_and_copied(scene: Any, session: Any, target: Mesh, qtbot: Any) -> None:
    scene.workbench.running.start()
    scene.poll()
    menu = QMenu(scene)
    fill_use_menu(menu, "", scene.document, scene.workbench.masking)
    do = {action.text(): action for action in menu.actions()}
    do["Freeze"].trigger()
    settle(scene, qtbot)
    stroke = session.sent[-1]
    assert isinstance(stroke, PaintFreeze) and stroke.frozen and min(place[2] for place in stroke.centres) > 0.0
    do["No-go region"].trigger()
    mask, added = session.sent[-2:]
    assert isinstance(mask, SetMask) and isinstance(added, AddTerm) and added.spec.mask == mask.name
    do["Copy to an object"].trigger()
    part = scene.document.objects[-1]
    assert part.name == "part of ball.ply" and part.geometry.vertices[:, 2].min() > 0.0
    assert 0 < part.geometry.triangle_count < target.triangle_count / 2
    assert scene.document.role_of("ball.ply") == "target"


def test_without_a_selection_a_region_term_says_what_to_do(scene: Any) -> None:
    scene.workbench.selecting.clear()
    scene.workbench.steering.add_term("no-go")
    assert scene.status_line.currentMessage() == "Select a region first, with the Select tool"
    assert [spec.kind for spec in scene.document.study.terms] == ["fit", "smooth"]
