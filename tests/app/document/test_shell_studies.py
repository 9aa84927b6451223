"""Kinds of studies on one scene: each keeps its own, the target is followed, and what is found is written down."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.document.applied import fewest, motion_of, with_motions, with_numbers, with_pattern
from app.document.document import Document
from app.document.placement import Placement
from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.protocol.catalogue import Catalogue
from engine.protocol.edits import Edit, PlaceInput, SetParameter, SetScene
from engine.protocol.scene import Crease, Gripper, MeshShape, Obstacle, Pin, RectangleShape, Region, Scene, Sheet
from engine.protocol.snapshot import EditApplied, SteeringRestored
from engine.protocol.study import OptimizerSpec, Study
from engine.studies.catalogue import make_catalogue


@pytest.fixture(scope="module")
def offered() -> Catalogue:
    return make_catalogue()


def scene() -> Scene:
    pins = [
        Pin(region=Region(kind="corner", corner="top-left")),
        Pin(name="hand", region=Region(kind="corner", corner="top-right"), gripper="grip"),
    ]
    cloth = Sheet(
        name="cloth", shape=RectangleShape(columns=2, rows=2), pins=pins,
        creases=[Crease(name="fold", line=[(0.0, -0.1, 0.0), (0.0, 0.1, 0.0)])],
    )  # fmt: skip
    return Scene(sheets=[cloth], obstacles=[Obstacle(name="ball")], grippers=[Gripper(name="grip", fingers=False)])


@pytest.fixture
def document(offered: Catalogue, target: Mesh) -> Document:
    document = Document()
    document.set_catalogue(offered)
    document.set_study(Study(study="simulate", scene=scene()))
    document.add_object(target, source="/data/ball.ply")
    return document


def test_another_kind_begins_with_what_suits_it_on_the_same_scene(document: Document, offered: Catalogue) -> None:
    document.choose_study("identify")
    entry = offered.study("identify")
    assert document.study.scene == scene()
    assert document.study.optimizer == entry.default_optimizer and document.study.optimizer.kind == "l-bfgs"
    assert [spec.kind for spec in document.study.terms] == [spec.kind for spec in entry.default_terms]
    assert {term.kind for term in document.offered_terms()} == {"recorded-vertices", "recorded-surface"}
    document.undo()
    assert document.study.study == "simulate", "one step"


def test_each_kind_keeps_its_own_and_the_scene_is_common(document: Document) -> None:
    document.choose_study("hold")
    item = document.object(document.objects[0].name)
    assert item is not None
    document.set_input("target", item)
    held = document.study.model_copy(update={"parameters": {"knots": 7}})
    document.change("knots", replace(document.project, study=held))
    document.choose_study("fold")
    assert document.playing("target") == item, "a target for one is a target for the other"
    assert document.study.parameters == {}
    softer = with_numbers(scene(), {"cloth.young": 2e7})
    document.change("", replace(document.project, study=document.study.model_copy(update={"scene": softer})))
    document.choose_study("simulate")
    assert document.playing("target") is None, "it has none"
    document.choose_study("hold")
    assert document.study.parameters == {"knots": 7} and document.study.scene == softer
    assert document.playing("target") == item


def test_a_motion_on_disk_plays_a_role_without_being_an_object(document: Document) -> None:
    document.choose_study("identify")
    document.set_file_input("recording", "/data/drape")
    assert document.study.inputs == {"recording": "/data/drape"} and document.inputs() == {}
    document.set_visible(document.objects[0].name, False)
    assert document.study.inputs == {"recording": "/data/drape"}
    document.set_input("recording", document.objects[0])
    assert document.study.inputs == {"recording": "/data/ball.ply"}
    document.remove_object(document.objects[0].name)
    assert document.study.inputs == {}, "what was closed is no recording any more"


def test_reset_keeps_scene_and_inputs(document: Document, offered: Catalogue) -> None:
    document.choose_study("identify")
    document.set_file_input("recording", "/data/drape")
    changed = document.study.model_copy(update={"parameters": {"iterations": 3}, "optimizer": OptimizerSpec()})
    document.change("", replace(document.project, study=changed))
    document.reset_study()
    assert document.study.parameters == {} and document.study.optimizer == offered.study("identify").default_optimizer
    assert document.study.inputs == {"recording": "/data/drape"} and document.study.scene == scene()


# A target that is dragged --------------------------------------------------------------------------------------------


@pytest.fixture
def holding(document: Document) -> Any:
    """A Run of *Hold it so* whose target stands 5 mm up, and what is sent to it."""
    document.choose_study("hold")
    name = document.objects[0].name
    document.change("", document.project.with_object(name, placement=Placement((0.0, 0.0, 5.0))))
    document.set_input("target", document.objects[0])
    sent: list[Edit] = []
    document.engine.carry = sent.append
    document.new_run(1)
    document.run.state = "running"
    sent.clear()
    return document, name, sent


def move(document: Document, name: str, height: float) -> None:
    document.change("place", document.project.with_object(name, placement=Placement((0.0, 0.0, height))))


def test_the_run_is_told_how_far_its_target_is_from_where_it_began(holding: Any) -> None:
    document, name, sent = holding
    assert document.follows(name)
    move(document, name, 12.0)
    (edit,) = sent
    assert isinstance(edit, PlaceInput) and edit.role == "target"
    np.testing.assert_allclose(np.array(edit.matrix)[:3, 3], (0.0, 0.0, 7.0), atol=1e-12)
    document.undo()
    np.testing.assert_allclose(sent[1].matrix, np.eye(4), atol=1e-12)


def test_gone_back_the_target_is_seen_where_it_was(holding: Any) -> None:
    document, name, sent = holding
    move(document, name, 12.0)
    move(document, name, 40.0)
    first, second = (edit.model_dump(mode="json") for edit in sent)
    for edit in (first, second):
        document.edit_applied(EditApplied(1, 4, edit))
    document.steering_restored(SteeringRestored(1, [first], checkpoint=3))
    assert document.object(name).placement.translation == (0.0, 0.0, 12.0)
    document.steering_restored(SteeringRestored(1, [], checkpoint=0))
    assert document.object(name).placement.translation == (0.0, 0.0, 5.0)


def test_the_scene_of_an_optimising_run_is_the_one_that_it_began_with(holding: Any) -> None:
    document, _, sent = holding
    softer = with_numbers(scene(), {"cloth.young": 2e7})
    document.change("", replace(document.project, study=document.study.model_copy(update={"scene": softer})))
    assert not any(isinstance(edit, SetScene) for edit in sent)
    document.steering_restored(SteeringRestored(1, [], checkpoint=0))
    assert document.study.scene == softer, "what waits for the next run stays"


def test_a_simulation_follows_no_target(holding: Any) -> None:
    document, name, sent = holding
    document.run.state = "finished"
    document.choose_study("simulate")
    document.new_run(2)
    document.run.state = "running"
    sent.clear()
    move(document, name, 90.0)
    assert sent == [] and not document.follows(name)


def test_a_finished_run_goes_on_where_nothing_but_more_iterations_is_asked_for(holding: Any) -> None:
    document, _, sent = holding
    document.run.state, document.run.iteration = "finished", 30
    sent.clear()
    document.set_parameters({"iterations": 20})
    assert sent == [], "fewer are for the next run"
    document.set_parameters({"iterations": 45})
    (edit,) = sent
    assert edit == SetParameter(owner="study", name="iterations", value=45)
    document.edit_applied(EditApplied(1, 30, edit.model_dump(mode="json")))
    sent.clear()
    document.set_parameters({"knots": 5})
    document.set_parameters({"iterations": 60})
    assert sent == [], "with other knots it is another run"


def test_a_finished_simulation_goes_on_where_the_scene_lasts_longer_and_is_else_the_same(holding: Any) -> None:
    document, _, sent = holding
    document.run.state = "idle"
    document.choose_study("simulate")
    document.new_run(2)
    document.run.state, document.run.iteration = "finished", 10
    sent.clear()
    lasting = document.study.scene.time.duration

    def let_last(duration: float, **changes: Any) -> None:
        time = document.study.scene.time.model_copy(update={"duration": duration, **changes})
        changed = document.study.scene.model_copy(update={"time": time})
        document.change("time", replace(document.project, study=document.study.model_copy(update={"scene": changed})))

    let_last(0.5 * lasting)
    assert sent == []
    let_last(2.0 * lasting, step=0.5 * document.study.scene.time.step)
    assert sent == [], "other steps are for the next run"
    document.undo()
    let_last(2.0 * lasting)
    assert isinstance(sent[-1], SetScene) and sent[-1].scene.time.duration == 2.0 * lasting


# What was found, into the scene --------------------------------------------------------------------------------------


def test_numbers_go_where_their_names_say() -> None:
    changed = with_numbers(scene(), {"cloth.thickness": 2e-4, "contact.friction": 0.7, "cloth/fold": 0.5})
    assert changed.sheets[0].material.thickness == 2e-4 and changed.sheets[0].creases[0].angle == 0.5
    assert changed.contact.friction == 0.7 and changed.sheets[0].material.young == scene().sheets[0].material.young
    with pytest.raises(ParameterError, match="no longer"):
        with_numbers(scene(), {"flag.young": 1.0})


def test_a_way_becomes_few_keyframes_close_to_it() -> None:
    time = np.linspace(0.0, 1.0, 101)
    path = np.zeros((101, 7))
    path[:, 0], path[:, 5], path[:, 6] = 0.1 * np.sin(3.0 * time), 0.5 * time, 0.02
    rows = fewest(path)
    assert len(rows) < 40
    for column, allowed in ((0, 1e-4), (5, 5e-3)):
        assert np.abs(np.interp(time, time[rows], path[rows, column]) - path[:, column]).max() <= allowed
    motion = motion_of(path, 0.01)
    assert motion.interpolation == "linear" and motion.keyframes[-1].time == 1.0
    assert motion.keyframes[-1].rotation[2] == pytest.approx(np.degrees(0.5))
    assert {frame.width for frame in motion.keyframes} == {0.02}
    assert motion_of(np.zeros((5, 6)), 0.01).keyframes == []


def test_ways_of_pins_obstacles_and_grippers_become_their_motions() -> None:
    path = np.linspace(0.0, 1.0, 3)[:, None] * np.array([0.0, 0.0, 0.1, 0.0, 0.0, 0.0])
    grip = np.column_stack([path, np.full(3, 0.02)])
    changed = with_motions(scene(), {"cloth/pin-1": path, "ball": path, "grip": grip})
    for motion in (changed.sheets[0].pins[0].motion, changed.obstacles[0].motion, changed.grippers[0].motion):
        assert motion.keyframes[-1].translation == (0.0, 0.0, 0.1)
    with pytest.raises(ParameterError, match="no longer"):
        with_motions(scene(), {"cloth/gone": path})


def test_a_pattern_becomes_the_shape_with_the_same_vertices_held() -> None:
    changed = with_pattern(scene(), "cloth", "cloth pattern", {0: [6], 1: [8]})
    assert changed.sheets[0].shape == MeshShape(input="cloth pattern")
    assert [pin.region.vertices for pin in changed.sheets[0].pins] == [[6], [8]]
    assert changed.sheets[0].pins[1].gripper == "grip"
