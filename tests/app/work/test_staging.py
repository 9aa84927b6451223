"""The scene as a person makes it: bodies clear of each other, pins and creases that follow, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.document.command_line import command_line
from app.document.placement import Placement
from app.document.scene_items import Item
from app.work.bodies import placement, pose
from engine.geometry.mesh import Mesh
from engine.protocol.catalogue import StudyEntry
from engine.protocol.scene import Pose, Region
from engine.protocol.snapshot import Snapshot


@pytest.fixture
def staging(window: Any) -> Any:
    """The staging of a window in the workspace Shell."""
    window.registry.trigger("workspace.shell")
    return window.workbench.staging


def test_new_bodies_stand_clear_of_each_other(staging: Any) -> None:
    for kind, shape in (("obstacle", "plane"), ("obstacle", "ball"), ("sheet", "rectangle"), ("gripper", "")):
        staging.add_body(kind, shape)
    heights = {body.name: staging.box_of(body.name)[:, 2] for body in staging.scene.bodies()}
    assert heights["Plane"].max() == 0.0
    assert heights["Ball"].min() > 0.0
    assert heights["Sheet"].min() > heights["Ball"].max()
    assert heights["Gripper"].max() > heights["Sheet"].max()
    assert staging.chosen == Item("gripper", "Gripper")


def test_an_obstacle_goes_below_the_sheet_that_is_in_its_way_and_a_solid_above(staging: Any) -> None:
    staging.add_body("sheet", "rectangle")
    staging.add_body("obstacle", "ball")
    staging.add_body("obstacle", "plane")
    staging.add_body("solid", "box")
    heights = {body.name: staging.box_of(body.name)[:, 2] for body in staging.scene.bodies()}
    assert heights["Ball"].max() < heights["Sheet"].min()
    assert heights["Plane"].max() < heights["Ball"].min()
    assert heights["Box"].min() > heights["Sheet"].max()


def test_an_obstacle_goes_below_a_sheet_that_was_drawn_on_the_ground_unless_something_carries_it(staging: Any) -> None:
    square = [(-80.0, -80.0, 0.0), (80.0, -80.0, 0.0), (80.0, 80.0, 0.0), (-80.0, 80.0, 0.0)]
    staging.add_outline(square)
    assert staging.box_of("Sheet")[:, 2].max() == 0.0, "where it was drawn"
    staging.add_body("obstacle", "ball")
    assert staging.box_of("Ball")[1, 2] < 0.0, "the sheet falls on it"
    staging.add_body("obstacle", "box")
    assert staging.box_of("Box")[0, 2] > 0.0, "the sheet has what it falls on"


def test_the_set_up_stays_in_sight_until_the_run_shows_something(staging: Any, window: Any) -> None:
    staging.add_body("sheet", "rectangle")
    drawing, link = window.workbench.scene_drawing, window.link
    window.document.run.state = "preparing"
    link.begun()
    assert drawing.setup_shown
    arrays = {"vertices": np.zeros((3, 3), np.float32), "triangles": np.array([[0, 1, 2]], np.int32)}
    link.snapshot_arrived(Snapshot(0, 0, 1, "running", 0, (0.0, 0.0, 0.0), arrays, {}, {}))
    assert not drawing.setup_shown


def test_a_pose_and_a_placement_are_the_same_place() -> None:
    there = Pose(translation=(0.1, -0.2, 0.3), rotation=(10.0, 20.0, 30.0), scale=2.0)
    assert pose(placement(there)) == there


def test_the_gizmo_places_a_body_in_one_step(staging: Any, window: Any) -> None:
    staging.add_body("sheet", "rectangle")
    steps = len(window.document.undo_stack.undo_names)
    for height in (30.0, 40.0, 50.0):
        window.viewport.placement_dragged.emit("body:Sheet", Placement((0.0, 0.0, height)), height == 50.0)
    assert staging.scene.sheets[0].pose.translation == (0.0, 0.0, 0.05)
    assert window.document.undo_stack.undo_names[0] == "place Sheet"
    assert len(window.document.undo_stack.undo_names) == steps + 1


def test_a_crease_moves_with_its_sheet(staging: Any, window: Any) -> None:
    staging.add_body("sheet", "rectangle")
    window.viewport.crease_drawn.emit("Sheet", [(0.0, -100.0, 20.0), (0.0, 100.0, 20.0)])
    window.viewport.placement_dragged.emit("body:Sheet", Placement((10.0, 0.0, 20.0), (0.0, 0.0, 90.0)), True)
    line = np.array(staging.scene.sheets[0].creases[0].line)
    assert line == pytest.approx(np.array([[0.11, 0.0, 0.02], [-0.09, 0.0, 0.02]]), abs=1e-9)


def test_strokes_of_the_brush_grow_one_pin_and_shift_lets_go(staging: Any, window: Any) -> None:
    staging.add_body("sheet", "rectangle")
    paint = window.viewport.pin_painted.emit
    paint("Sheet", [(-100.0, -100.0, 20.0)], 15.0, True, False)
    paint("Sheet", [(-100.0, -80.0, 20.0)], 15.0, True, False)
    paint("Sheet", [], 15.0, True, True)
    assert window.document.undo_stack.undo_names[0] == "pin Sheet"
    (pin,) = staging.scene.sheets[0].pins
    held = staging.mesh_of("Sheet").vertices[pin.region.vertices]
    assert (np.abs(held[:, 0] + 100.0) < 15.1).all() and held[:, 1].max() > -80.0
    paint("Sheet", [(-100.0, -90.0, 20.0)], 60.0, False, True)
    assert not staging.scene.sheets[0].pins
    window.document.undo()
    window.document.undo()
    assert not staging.scene.sheets[0].pins and window.document.undo_stack.redo_name == "pin Sheet"


@pytest.mark.parametrize("kind", ["side", "corner", "box", "ball"])
def test_a_pin_of_another_region_holds_something_from_the_start(staging: Any, window: Any, kind: str) -> None:
    staging.add_body("sheet", "rectangle")
    staging.add_pin("Sheet")
    assert staging.set_value(staging.chosen, ["region", "kind"], kind, "Region") == ""
    (pin,) = staging.scene.sheets[0].pins
    assert pin.region.kind == kind
    assert not window.workbench.scene_drawing.problems


def test_painted_pins_stay_where_they_are_on_a_finer_sheet(staging: Any, window: Any) -> None:
    staging.add_body("sheet", "rectangle")
    window.viewport.pin_painted.emit("Sheet", [(-100.0, 0.0, 20.0)], 25.0, True, True)
    assert staging.set_value(Item("sheet", "Sheet"), ["shape", "columns"], 40, "Columns") == ""
    (pin,) = staging.scene.sheets[0].pins
    held = staging.mesh_of("Sheet").vertices[pin.region.vertices]
    assert len(held) > 12
    assert np.linalg.norm(held[:, :2] - [-100.0, 0.0], axis=1).max() < 32.0


def test_a_solid_is_held_within_a_ball_and_an_obstacle_is_not_pinned(staging: Any, window: Any) -> None:
    said: list[Any] = []
    window.workbench.notices.said.subscribe(said.append)
    staging.add_body("solid", "box")
    staging.add_body("obstacle", "ball")
    window.viewport.pin_painted.emit("Box", [(0.0, 0.0, 100.0)], 30.0, True, True)
    assert staging.scene.solids[0].pins[0].region == Region(kind="ball", centre=(0.0, 0.0, 0.1), radius=0.03)
    window.viewport.pin_painted.emit("Ball", [(0.0, 0.0, 100.0)], 30.0, True, True)
    assert "held as a whole" in said[-1].text


def test_keyframes_are_set_with_the_gizmo_and_the_body_stays_where_it_stands(staging: Any, window: Any) -> None:
    staging.add_body("obstacle", "ball")
    before = staging.scene.obstacles[0].pose
    staging.key_at(0.5)
    put = placement(before)
    window.viewport.placement_dragged.emit(
        "body:Ball", Placement((put.translation[0] + 20.0, *put.translation[1:])), True
    )
    (ball,) = staging.scene.obstacles
    assert ball.pose == before
    assert ball.motion.keyframes[0].translation == pytest.approx((0.02, 0.0, 0.0))
    (_, options) = next(
        (arguments, options) for call, arguments, options in reversed(window.viewport.calls) if call == "show_object"
    )
    assert options["placement"] == put
    assert window.viewport.last("set_placement")[0][1].translation[0] == pytest.approx(20.0)


def test_an_outline_becomes_a_sheet_where_it_was_drawn(staging: Any, window: Any) -> None:
    window.viewport.outline_drawn.emit([(50.0, 0.0, 0.0), (150.0, 0.0, 0.0), (150.0, 60.0, 0.0), (50.0, 60.0, 0.0)])
    box = staging.box_of("Sheet")
    assert box == pytest.approx(np.array([[50.0, 0.0, 0.0], [150.0, 60.0, 0.0]]))
    window.viewport.outline_drawn.emit([(140.0, 50.0, 0.0), (200.0, 50.0, 0.0), (200.0, 90.0, 0.0)])
    assert staging.box_of("Sheet 2")[:, 2] == pytest.approx(20.0), "above the one that it would lie in"
    window.document.undo()
    said: list[Any] = []
    window.workbench.notices.said.subscribe(said.append)
    window.viewport.outline_drawn.emit([(0.0, 0.0, 0.0), (10.0, 10.0, 0.0), (10.0, 0.0, 0.0), (0.0, 10.0, 0.0)])
    assert said and len(staging.scene.sheets) == 1  # it crosses itself


def test_an_open_mesh_becomes_a_body_and_is_drawn_once(staging: Any, window: Any, target: Mesh) -> None:
    window.document.add_object(target, source="/data/ball.ply")
    staging.add_mesh("sheet", "ball.ply")
    assert window.document.project.roles == {"ball.ply": "ball.ply"}
    assert window.document.study.inputs == {"ball.ply": "/data/ball.ply"}
    shown = [arguments for call, arguments, _ in window.viewport.calls if call == "set_object_visible"]
    assert ("ball.ply", False) in shown
    drawing = window.workbench.scene_drawing
    assert not drawing.problems
    window.workbench.scene.remove(["ball.ply"])
    (problem,) = drawing.problems
    assert problem.item == Item("sheet", "ball") and "Open it" in problem.text
    window.document.undo()
    assert not drawing.problems
    staging.remove(Item("sheet", "ball"))
    assert not window.document.project.roles


def test_a_scene_file_is_opened_and_saved_and_has_a_command(window: Any, tmp_path: Path) -> None:
    entry = StudyEntry(study="simulate", title="Simulate", help="", workspace="Shell")
    window.document.catalogue.studies.append(entry)
    path = tmp_path / "drape.toml"
    path.write_text('[[sheets]]\nname = "Cloth"\nmaterial = "silk"\n[[obstacles]]\nname = "Ball"\n', encoding="utf-8")
    window.viewport.files_dropped.emit([str(path)])
    assert window.workspaces.current == "Shell"
    assert [body.name for body in window.workbench.staging.scene.bodies()] == ["Cloth", "Ball"]
    assert window.document.undo_stack.undo_names == ["open the scene drape.toml"]
    copy = tmp_path / "copy.toml"
    window.workbench.files.save_scene(copy)
    window.document.undo()
    assert window.workspaces.current == "Surface"
    window.workbench.files.open([copy])
    assert window.workbench.staging.scene.sheets[0].preset == "silk"
    assert command_line(window.document.study, None) == "formwright simulate scene.toml -o simulation"
    path.write_text('[[sheets]]\nname = "Cloth"\nthick = 3\n', encoding="utf-8")
    said: list[Any] = []
    window.workbench.notices.said.subscribe(said.append)
    window.workbench.files.open([path])
    assert "thick" in said[-1].text
