"""What is done with the parts of a scene, and what speaks of them follows; workspaces keep their studies."""

from __future__ import annotations

import numpy as np
import pytest

from app.document import motions
from app.document.document import Document
from app.document.placement import Placement
from app.document.records import Decoder, Encoder
from app.document.scene_items import Item, duplicated, find, items, renamed, title_of, with_part, with_value, without
from app.document.workspaces import SHELL, SURFACE, switched, workspace_of
from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.protocol.edits import SetScene
from engine.protocol.scene import (
    Crease,
    FrictionPair,
    Gripper,
    Keyframe,
    MeshShape,
    Motion,
    Obstacle,
    Pin,
    Pose,
    Region,
    Scene,
    Sensor,
    Sheet,
)
from engine.protocol.study import Study


@pytest.fixture
def scene() -> Scene:
    return Scene(
        sheets=[Sheet(name="Cloth", pins=[Pin(name="edge", region=Region(kind="border"), gripper="Hand")])],
        obstacles=[Obstacle(name="Ball")],
        grippers=[Gripper(name="Hand")],
        friction=[FrictionPair(between=("Cloth", "Ball"), coefficient=0.1)],
        sensors=[Sensor(name="Force", body="Cloth", pin="edge")],
    )


def test_a_new_name_follows_to_all_that_speaks_of_it(scene: Scene) -> None:
    changed = renamed(renamed(scene, Item("gripper", "Hand"), "Left hand"), Item("sheet", "Cloth"), "Silk")
    changed = renamed(changed, Item("pin", "Silk", 0), "rim")
    assert changed.sheets[0].pins[0].gripper == "Left hand"
    assert changed.friction[0].between == ("Silk", "Ball")
    assert (changed.sensors[0].body, changed.sensors[0].pin) == ("Silk", "rim")


@pytest.mark.parametrize("name", ["", "  ", "Ball", "Force"])
def test_a_name_is_refused_that_is_empty_or_taken(scene: Scene, name: str) -> None:
    with pytest.raises(ParameterError, match="name"):
        renamed(scene, Item("sheet", "Cloth"), name)


def test_what_goes_takes_along_what_speaks_of_it(scene: Scene) -> None:
    assert without(scene, Item("gripper", "Hand")).sheets[0].pins[0].gripper == ""
    assert not without(scene, Item("obstacle", "Ball")).friction
    assert not without(scene, Item("pin", "Cloth", 0)).sensors
    assert not without(scene, Item("sheet", "Cloth")).sensors


def test_a_copy_stands_beside_with_a_name_of_its_own(scene: Scene) -> None:
    scene, _ = with_part(scene, "Cloth", Crease(line=[(0.0, 0.0, 0.0), (0.1, 0.0, 0.0)], angle=1.0))
    changed, copy = duplicated(scene, Item("sheet", "Cloth"), 0.5)
    found = find(changed, copy)
    assert copy == Item("sheet", "Cloth 2")
    assert found.pose.translation == (0.5, 0.0, 0.0)
    assert found.creases[0].line == [(0.5, 0.0, 0.0), (0.6, 0.0, 0.0)]


def test_items_are_told_in_order_and_parts_without_a_name_are_numbered(scene: Scene) -> None:
    scene, crease = with_part(scene, "Cloth", Crease(line=[(0.0, 0.0, 0.0), (0.1, 0.0, 0.0)]))
    assert [item.kind for item in items(scene)] == [
        "sheet", "pin", "crease", "obstacle", "gripper", "sensor", "contact", "time", "scene"
    ]  # fmt: skip
    assert title_of(scene, crease) == "Crease 1"
    assert title_of(scene, Item("pin", "Cloth", 0)) == "edge"


def test_a_value_that_cannot_be_is_refused_with_its_name(scene: Scene) -> None:
    with pytest.raises(ParameterError, match="radius"):
        with_value(scene, Item("obstacle", "Ball"), ["shape", "radius"], -1.0)
    with pytest.raises(ParameterError, match="no pins"):
        with_part(scene, "Ball", Pin())


# Motions --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", [(0.0, 0.0, 0.0), (10.0, -20.0, 30.0), (0.0, 0.0, 180.0), (180.0, 0.0, 0.0)])
def test_a_keyframe_leads_to_where_a_body_was_put(turn: tuple[float, float, float]) -> None:
    stands = Placement((10.0, 20.0, 30.0), (5.0, 0.0, 40.0))
    put = Placement((15.0, 18.0, 60.0), turn)
    keyframe = motions.keyframe_between(stands, put, 0.5)
    assert keyframe.time == 0.5
    assert motions.put_by(stands, keyframe) == pytest.approx(put.matrix(), abs=1e-5)


def test_a_vector_of_a_rotation_and_back() -> None:
    for vector in ([0.0, 0.0, 0.0], [0.3, -0.2, 1.0], [0.0, np.pi - 1e-8, 0.0], [1e-12, 0.0, 0.0]):
        matrix = motions.rotation_matrix(np.asarray(vector))
        assert motions.rotation_matrix(motions.rotation_vector(matrix)) == pytest.approx(matrix, abs=1e-7)


def test_a_keyframe_takes_the_place_of_one_of_its_time() -> None:
    motion = Motion(keyframes=[Keyframe(time=0.0), Keyframe(time=1.0)])
    motion = motions.keyed(motion, Keyframe(time=0.5, translation=(1.0, 0.0, 0.0)))
    motion = motions.keyed(motion, Keyframe(time=0.5, translation=(2.0, 0.0, 0.0)))
    assert [frame.time for frame in motion.keyframes] == [0.0, 0.5, 1.0]
    assert motions.at(motion, 0.5).translation == (2.0, 0.0, 0.0)  # type: ignore[union-attr]  # it is there


# Workspaces -----------------------------------------------------------------------------------------------------------


def test_each_workspace_has_a_study_of_its_own_and_nothing_is_lost(target: Mesh) -> None:
    document = Document()
    document.add_object(target, source="/data/ball.ply")
    document.switch_workspace(SHELL)
    assert document.workspace == SHELL and document.study.scene == Scene()
    assert not document.project.roles
    document.add_object(target, source="/data/other.ply")
    assert not document.project.roles  # a scene takes its objects one by one
    changed = document.study.model_copy(update={"scene": Scene(name="mine")})
    document.set_study(changed)
    document.switch_workspace(SURFACE)
    assert document.study.inputs == {"target": "/data/ball.ply"}
    document.switch_workspace(SHELL)
    assert document.study.scene == Scene(name="mine")
    document.undo()
    assert document.workspace == SURFACE


def test_names_and_absences_of_objects_follow_into_resting_studies(target: Mesh) -> None:
    document = Document()
    item = document.add_object(target, source="/data/ball.ply")
    document.switch_workspace(SHELL)
    document.change("rename", document.project.with_object(item.name, name="Other"))
    assert document.project.resting[SURFACE].roles == {"target": "Other"}
    document.remove_object("Other")
    assert document.project.resting[SURFACE].roles == {}


def test_a_document_keeps_the_studies_of_all_workspaces(target: Mesh, tmp_path) -> None:
    document = Document()
    document.add_object(target, source="/data/ball.ply")
    scene = Scene(sheets=[Sheet(name="Cloth", shape=MeshShape(input="ball.ply"))])
    project = switched(document.project, SHELL, None)
    encoder = Encoder()
    from dataclasses import replace

    project = replace(project, study=project.study.model_copy(update={"scene": scene}))
    record = encoder.project(project)
    decoder = Decoder(tmp_path / "a.formwright", encoder.table(), lambda name, dtype, shape: encoder.arrays[name])
    assert decoder.project(record) == project


def test_the_catalogue_says_the_workspace_and_without_one_the_scene() -> None:
    assert workspace_of(Study(), None) == SURFACE
    assert workspace_of(Study(study="simulate", scene=Scene()), None) == SHELL


# What a Run follows ---------------------------------------------------------------------------------------------------


def test_a_run_follows_what_can_change_and_the_rest_waits_for_the_next() -> None:
    document = Document()
    document.switch_workspace(SHELL)
    scene = Scene(sheets=[Sheet(name="Cloth")], obstacles=[Obstacle(name="Ball")])
    document.set_study(document.study.model_copy(update={"scene": scene}))
    sent: list[object] = []
    document.engine.carry = sent.append
    document.new_run(1)
    document.run.state = "running"

    def change(scene: Scene) -> None:
        document.change("change", document.project.__class__(study=document.study.model_copy(update={"scene": scene})))

    moved = scene.obstacles[0].model_copy(update={"pose": Pose(translation=(0.0, 0.0, 1.0))})
    waiting = scene.model_copy(update={"obstacles": [moved]})
    change(waiting)
    assert not sent
    change(waiting.model_copy(update={"gravity": (0.0, 0.0, -1.0)}))
    (edit,) = sent
    assert isinstance(edit, SetScene)
    assert edit.scene.gravity == (0.0, 0.0, -1.0)
    assert edit.scene.obstacles == scene.obstacles  # the obstacle that was moved waits
    document.undo()
    assert isinstance(sent[-1], SetScene) and sent[-1].scene == scene
