"""The scene dock: the tree, the forms with their units, materials, keyframes, friction, and what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QMenu, QToolTip

from app.document.scene_items import Item
from app.panels.gallery_panel import GalleryCard
from app.panels.objects_panel import ROLE
from engine.geometry.mesh import Mesh
from engine.protocol.catalogue import StudyEntry
from engine.protocol.scene import Pin, Region
from engine.protocol.shell_materials import PRESETS


@pytest.fixture
def shell(window: Any) -> Any:
    """A window in the workspace Shell, with a sheet over a ball."""
    window.registry.trigger("workspace.shell")
    staging = window.workbench.staging
    staging.add_body("obstacle", "ball")
    staging.add_body("sheet", "rectangle")
    return window


def typed(window: Any, qtbot: Any, section: str, name: str, text: str) -> None:
    editor = window.scene_panel.form.forms[section].editors[name]
    number = editor.number or editor.numbers[-1]
    number.setFocus()
    number.selectAll()
    qtbot.keyClicks(number, text)
    qtbot.keyClick(number, Qt.Key.Key_Return)


def titles(window: Any) -> list[str]:
    tree = window.scene_panel.tree
    return [row.text(0) for row in tree._rows()]


def test_a_workspace_brings_its_dock_and_takes_it_along(window: Any, qtbot: Any) -> None:
    dock = window.docks["scene"]
    assert dock.isHidden()
    window.registry.trigger("workspace.shell")
    qtbot.waitUntil(lambda: not dock.visibleRegion().isEmpty())
    assert window.registry.drawn("workspace.shell").isChecked()
    assert window.registry.drawn("tool.pin").isEnabled()
    window.registry.trigger("workspace.surface")
    assert dock.isHidden()
    assert not window.registry.drawn("tool.pin").isEnabled()
    window.registry.trigger("workspace.shell")
    assert not dock.isHidden()


def test_each_workspace_is_looked_at_from_where_it_was_left(window: Any) -> None:
    view = window.viewport
    window.registry.trigger("workspace.shell")
    assert view.last("frame_next"), "what is shown first there fills the view"
    window.workbench.staging.add_body("sheet", "rectangle")
    view.calls.clear()
    window.registry.trigger("workspace.surface")
    (kept,), _ = view.last("set_camera")
    assert kept == view.camera()
    window.registry.trigger("file.new")
    window.registry.trigger("workspace.shell")
    assert view.last("frame_next"), "another document begins anew"


def test_a_run_keeps_its_workspace(running: Any) -> None:
    running.registry.refresh()
    drawn = running.registry.drawn("workspace.shell")
    assert not drawn.isEnabled() and "Stop the run" in drawn.toolTip()


def test_an_empty_scene_says_how_to_begin(window: Any, qtbot: Any) -> None:
    window.registry.trigger("workspace.shell")
    panel = window.scene_panel
    assert panel.empty.isVisible()
    assert window.empty_state.isVisible() and not window.workbench.scene_drawing.problems
    assert next(card.text() for card in window.gallery.findChildren(GalleryCard)) == "A hanging cloth"
    window.workbench.staging.add_body("obstacle", "ball")
    (problem,) = window.workbench.scene_drawing.problems
    assert problem.item == Item("scene") and "add a sheet" in problem.text
    window.workbench.staging.add_body("sheet", "disk")
    assert not panel.empty.isVisible() and not window.empty_state.isVisible()
    assert not window.workbench.scene_drawing.problems
    window.registry.trigger("file.new")
    assert window.document.workspace == "Shell" and window.empty_state.isVisible()


def test_an_equilibrium_of_what_nothing_holds_is_marked(window: Any, qtbot: Any) -> None:
    window.registry.trigger("workspace.shell")
    staging = window.workbench.staging
    staging.add_body("sheet", "rectangle")
    assert staging.set_value(Item("time"), ["scheme"], "quasi-static", "Time stepping") == ""
    (problem,) = window.workbench.scene_drawing.problems
    assert problem.item == Item("time") and "add a pin" in problem.text
    staging.add_pin("Sheet")
    assert not window.workbench.scene_drawing.problems


def test_an_outline_is_drawn_in_the_view_and_not_on_the_page_for_beginners(window: Any, qtbot: Any) -> None:
    window.registry.trigger("workspace.shell")
    window.empty_state.outline_wanted.emit()
    assert not window.empty_state.isVisible()
    window.viewing.set_tool("navigate")
    assert window.empty_state.isVisible()


def test_a_name_in_a_list_reads_as_it_was_written(shell: Any, qtbot: Any) -> None:
    staging = shell.workbench.staging
    staging.rename(Item("sheet", "Sheet"), "table cloth")
    staging.add_sensor()
    choice = shell.scene_panel.form.forms["sensor"].editors["body"].choice
    assert [choice.itemText(index) for index in range(choice.count())] == ["None", "table cloth", "Ball"]


def test_setting_keyframes_by_gizmo_takes_the_tool_with_the_gizmo(shell: Any, qtbot: Any) -> None:
    shell.workbench.staging.add_body("gripper", "")
    editor = shell.scene_panel.form.keyframes
    editor.add.click()
    assert shell.viewing.tool == "navigate"
    editor.key.click()
    assert shell.workbench.staging.key_time == 0.0 and shell.viewing.tool == "move"


def test_a_number_that_is_refused_says_why_at_once(shell: Any, qtbot: Any) -> None:
    typed(shell, qtbot, "shape", "width", "-3 mm")
    assert "out of range" in QToolTip.text() and "more than 0" in QToolTip.text()
    assert shell.workbench.staging.scene.sheets[0].shape.width == pytest.approx(0.2)


def test_the_schemas_of_a_form_are_made_once(shell: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """They took most of the time that the window stood still when a material was chosen."""
    made: list[str] = []
    monkeypatch.setattr("app.panels.schema.fields_of", lambda schema: made.append(schema["title"]) or [])
    box = shell.scene_panel.form.material
    box.setCurrentIndex(box.findData("silk"))
    box.activated.emit(box.currentIndex())
    assert shell.workbench.staging.scene.sheets[0].preset == "silk" and made == []


def test_numbers_are_typed_in_handy_units_and_undone(shell: Any, qtbot: Any) -> None:
    form = shell.scene_panel.form
    assert form.forms["shape"].editors["width"].number.text() == "200 mm"
    typed(shell, qtbot, "shape", "width", "30 cm")
    (sheet,) = shell.workbench.staging.scene.sheets
    assert sheet.shape.width == pytest.approx(0.3)
    assert shell.document.undo_stack.undo_names[0] == "width of Sheet"
    typed(shell, qtbot, "pose", "translation", "150")
    assert shell.workbench.staging.scene.sheets[0].pose.translation[2] == pytest.approx(0.15)
    shell.registry.trigger("edit.undo")
    shell.registry.trigger("edit.undo")
    assert form.forms["shape"].editors["width"].number.text() == "200 mm"


def test_a_material_is_chosen_with_its_source_and_its_numbers_can_differ(shell: Any, qtbot: Any) -> None:
    box = shell.scene_panel.form.material
    index = box.findData("paper")
    assert "Tappi" in box.itemData(index, Qt.ItemDataRole.ToolTipRole)
    box.setCurrentIndex(index)
    box.activated.emit(index)
    (sheet,) = shell.workbench.staging.scene.sheets
    assert sheet.preset == "paper" and sheet.material == PRESETS["paper"].material
    form = shell.scene_panel.form
    assert {"yield_angle", "young_cross"} <= set(form.forms["material"].editors)
    assert form.forms["material"].editors["young"].number.text() == "5.5 GPa"
    typed(shell, qtbot, "material", "thickness", "0.2")
    assert shell.workbench.staging.scene.sheets[0].material.thickness == pytest.approx(2e-4)
    assert form.material.currentText().endswith("(changed)")
    assert "changed" in form.material.accessibleDescription()


def test_keys_rename_hide_and_remove(shell: Any, qtbot: Any) -> None:
    tree, staging = shell.scene_panel.tree, shell.workbench.staging
    staging.choose(Item("sheet", "Sheet"))
    tree.setFocus()
    qtbot.keyClick(tree, Qt.Key.Key_V)
    assert not staging.scene.sheets[0].visible
    qtbot.keyClick(tree, Qt.Key.Key_F2)
    editor = tree.findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    qtbot.keyClicks(editor, "Cloth")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: staging.scene.sheets[0].name == "Cloth")
    assert staging.chosen == Item("sheet", "Cloth")
    tree.setFocus()
    qtbot.keyClick(tree, Qt.Key.Key_Delete)
    assert not staging.scene.sheets
    assert "Cloth" not in titles(shell)
    assert shell.document.undo_stack.undo_names[:3] == ["remove Cloth", "rename Sheet to Cloth", "hide Sheet"]


def test_a_taken_name_is_refused_and_the_tree_shows_what_holds(shell: Any) -> None:
    said: list[Any] = []
    shell.workbench.notices.said.subscribe(said.append)
    shell.workbench.staging.rename(Item("sheet", "Sheet"), "Ball")
    assert "another Ball" in said[-1].text
    assert "Sheet" in titles(shell)


def test_every_row_says_what_it_is(shell: Any) -> None:
    staging = shell.workbench.staging
    staging.add_pin("Sheet")
    staging.show(Item("obstacle", "Ball"), False)
    said = {row.data(0, Qt.ItemDataRole.AccessibleTextRole) for row in shell.scene_panel.tree._rows()}
    assert {"Sheet, Sheet", "Pin 1, Pin", "Ball, Obstacle, hidden"} <= said


def test_a_pin_is_told_by_its_region_and_what_carries_it(shell: Any) -> None:
    staging, form = shell.workbench.staging, shell.scene_panel.form
    staging.add_pin("Sheet")
    assert set(form.forms["region"].editors) == {"kind"}
    choice = form.forms["region"].editors["kind"].choice
    choice.setCurrentIndex(choice.findData("side"))
    assert set(form.forms["region"].editors) == {"kind", "side"}
    drawing = shell.workbench.scene_drawing
    assert not drawing.problems and not form.problem.isVisible(), "it holds one side from the start"
    nowhere = {"kind": "ball", "centre": [1.0, 1.0, 1.0], "radius": 1e-3}
    assert staging.set_value(Item("pin", "Sheet", 0), ["region"], nowhere, "Region") == ""
    assert drawing.problems_of(Item("pin", "Sheet", 0)) and form.problem.isVisible()
    choice = form.forms["region"].editors["kind"].choice
    choice.setCurrentIndex(choice.findData("side"))
    choice = form.forms["region"].editors["side"].choice
    choice.setCurrentIndex(choice.findData("left"))
    assert not drawing.problems and not form.problem.isVisible()
    (mark,) = shell.viewport.last("set_marks")[0][0]
    assert len(mark.points) == 21 and mark.chosen and mark.meaning == "Held"
    staging.add_body("gripper", "")
    staging.choose(Item("pin", "Sheet", 0))
    carrier = form.forms["pin"].editors["gripper"].choice
    carrier.setCurrentIndex(carrier.findData("Gripper"))
    assert shell.viewport.last("set_marks")[0][0][0].meaning == "Carried by Gripper"
    assert not form.keyframes.isEnabled()


def test_keyframes_are_added_changed_and_removed(shell: Any, qtbot: Any) -> None:
    staging, form = shell.workbench.staging, shell.scene_panel.form
    staging.choose(Item("obstacle", "Ball"))
    qtbot.mouseClick(form.keyframes.add, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(form.keyframes.add, Qt.MouseButton.LeftButton)
    assert [frame.time for frame in staging.scene.obstacles[0].motion.keyframes] == [0.0, 0.5]
    number = form.keyframes.form.editors["translation"].numbers[2]
    number.setFocus()
    number.selectAll()
    qtbot.keyClicks(number, "30")
    qtbot.keyClick(number, Qt.Key.Key_Return)
    assert staging.scene.obstacles[0].motion.keyframes[1].translation == pytest.approx((0.0, 0.0, 0.03))
    assert "z +30 mm" in form.keyframes.list.item(1).text()
    form.keyframes.key.click()
    assert staging.key_time == 0.5
    assert shell.viewport.last("set_placement")[0][1].translation[2] == pytest.approx(82.0)
    qtbot.mouseClick(form.keyframes.remove, Qt.MouseButton.LeftButton)
    assert len(staging.scene.obstacles[0].motion.keyframes) == 1


def test_a_pair_has_a_friction_of_its_own(shell: Any, qtbot: Any) -> None:
    staging, form = shell.workbench.staging, shell.scene_panel.form
    staging.choose(Item("contact"))
    qtbot.mouseClick(form.friction.add, Qt.MouseButton.LeftButton)
    (pair,) = staging.scene.friction
    assert set(pair.between) == {"Sheet", "Ball"} and pair.coefficient == 0.3
    staging.rename(Item("obstacle", "Ball"), "Stone")
    staging.choose(Item("contact"))
    assert form.friction._grid.itemAtPosition(0, 1).widget().currentText() == "Stone"


def test_what_cannot_be_is_said_in_the_form(shell: Any) -> None:
    form, staging = shell.scene_panel.form, shell.workbench.staging
    law = form.forms["material"].editors["law"].choice
    law.setCurrentIndex(law.findData("stable-neo-hookean"))  # cotton is woven
    assert "no weave" in form.problem.text() and form.problem.isVisible()
    assert staging.scene.sheets[0].material.law == "st-venant-kirchhoff"
    assert form.forms["material"].editors["law"].value() == "st-venant-kirchhoff"
    staging.choose(Item("time"))
    assert not form.problem.isVisible()


def test_a_part_that_goes_by_undo_is_chosen_no_more(shell: Any) -> None:
    staging = shell.workbench.staging
    staging.add_pin("Sheet")
    assert staging.chosen == Item("pin", "Sheet", 0)
    shell.document.undo()
    assert staging.chosen is None
    assert shell.scene_panel.form.title.text() == ""


def test_the_menu_offers_every_kind_of_body(shell: Any) -> None:
    menu = shell.scene_panel.add.menu()
    assert isinstance(menu, QMenu)
    menu.aboutToShow.emit()
    assert [action.text() for action in menu.actions()] == ["Sheet", "Solid", "Obstacle", "Gripper", "Sensor"]
    within = menu.actions()[2].menu()
    assert isinstance(within, QMenu)
    next(action for action in within.actions() if action.text() == "Ground plane").trigger()
    assert shell.workbench.staging.scene.obstacles[-1].shape.kind == "plane"


def test_a_pin_that_holds_nothing_is_marked_in_the_tree(shell: Any) -> None:
    staging = shell.workbench.staging
    far = Pin(region=Region(kind="ball", centre=(9.0, 0.0, 0.0), radius=0.1))
    staging.set_values(Item("sheet", "Sheet"), {"pins": [far.model_dump()]}, "far pin")
    row = next(row for row in shell.scene_panel.tree._rows() if row.text(0) == "Pin 1")
    assert "holds nothing" in row.toolTip(0)


def test_moving_an_object_leaves_the_study_in_sight_and_moving_a_body_brings_its_scene(
    shell: Any, qtbot: Any, target: Mesh
) -> None:
    shell.document.add_object(target, source="/data/target.ply")
    shell.show_dock("study")
    shell.document.select(shell.document.objects[0].name)
    shell.viewing.set_tool("move")
    qtbot.waitUntil(lambda: not shell.docks["study"].visibleRegion().isEmpty())
    shell.viewing.set_tool("navigate")
    shell.document.select("")
    shell.viewing.set_tool("move")
    qtbot.waitUntil(lambda: not shell.docks["scene"].visibleRegion().isEmpty())


def test_an_object_says_what_it_is_to_the_study(shell: Any, qtbot: Any, target: Mesh) -> None:
    shell.document.add_object(target, source="/data/wing.ply")
    name = shell.document.objects[0].name
    shell.workbench.staging.add_mesh("obstacle", name)
    (row,) = shell.objects.findItems(name, Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)
    assert row.text(ROLE) == "in the scene"
    shell.registry.trigger("workspace.surface")
    shell.document.set_input("target", shell.document.objects[0])
    (row,) = shell.objects.findItems(name, Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)
    assert row.text(ROLE) == "target"


def test_the_plot_is_that_of_the_run_until_another_one_begins(shell: Any) -> None:
    document = shell.document
    kinds = [("simulate", False), ("fold", True)]
    studies = [
        StudyEntry(study=kind, title=kind, help="", scene=True, descends=descends, schema_={})
        for kind, descends in kinds
    ]
    document.set_catalogue(document.catalogue.model_copy(update={"studies": studies}))
    shell.add_plot()
    stack = shell.plotting.stack
    assert stack.currentWidget() is shell.readings_plot
    document.choose_study("fold")
    assert stack.currentWidget() is shell.loss_plot, "there is no run: what will be plotted"
    document.choose_study("simulate")
    shell.registry.trigger("run.toggle")
    assert document.run.exists and document.run_simulates
    document.choose_study("fold")
    assert stack.currentWidget() is shell.readings_plot and document.run_simulates and not document.simulates
