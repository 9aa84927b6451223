"""Choosing names of the scene, what a study is to meet, and reading what it has found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem
from tests_app_fakes import FakeSession

from app.document.document import Document
from app.panels.inputs_form import InputsForm
from app.panels.names_editor import NamesEditor
from app.panels.offers import Offer, offers
from app.panels.results_card import ResultsCard, travel_text, value_text
from app.work.engine_link import EngineLink
from app.work.results import Found
from app.work.sensing import rows_of
from app.work.tasks import Tasks
from app.work.workbench import Workbench
from engine.geometry.mesh import Mesh
from engine.protocol.catalogue import Catalogue
from engine.protocol.scene import Crease, Gripper, Obstacle, Pin, RectangleShape, Region, Scene, Sheet
from engine.protocol.session import Sensitivity
from engine.protocol.snapshot import Snapshot
from engine.protocol.study import Study
from engine.protocol.trajectory import Layout, Trajectory
from engine.protocol.trajectory_bodies import TrajectoryBody
from engine.protocol.trajectory_writer import TrajectoryWriter
from engine.studies.catalogue import make_catalogue


def scene() -> Scene:
    cloth = Sheet(
        name="cloth", shape=RectangleShape(columns=2, rows=2),
        pins=[Pin(name="nail", region=Region(kind="corner", corner="top-left"))],
        creases=[Crease(name="fold", line=[(0.0, -0.1, 0.0), (0.0, 0.1, 0.0)], angle=0.5)],
    )  # fmt: skip
    return Scene(sheets=[cloth], obstacles=[Obstacle(name="ball")], grippers=[Gripper(name="tongs")])


def click_row(editor: NamesEditor, row: int) -> None:
    """Click the box of a row."""
    option = QStyleOptionViewItem()
    option.initFrom(editor)
    option.rect = editor.visualItemRect(editor.item(row))
    option.features |= QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator
    box = editor.style().subElementRect(QStyle.SubElement.SE_ItemViewItemCheckIndicator, option, editor)
    QTest.mouseClick(
        editor.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(box.center())
    )  # fmt: skip


@pytest.fixture
def editor(qtbot: Any) -> NamesEditor:
    editor = NamesEditor("Unknowns")
    qtbot.addWidget(editor)
    editor.resize(250, 120)
    editor.show()
    editor.set_offers([Offer("a.young", "Young", "1 MPa", taken=True), Offer("a.density", "Density", "300 kg/m³")])
    return editor


def test_what_nothing_means_is_checked_and_boxes_make_the_text(editor: NamesEditor) -> None:
    told: list[str] = []
    editor.names_changed.connect(told.append)
    assert editor.checked() == ["a.young"] and editor.value() == ""
    click_row(editor, 1)
    assert told == ["a.young, a.density"]
    click_row(editor, 0)
    assert told[-1] == "a.density"
    click_row(editor, 1)
    assert editor.checked() == ["a.density"] and told[-1] == "a.density", "the last one stays"
    click_row(editor, 0)
    click_row(editor, 1)
    assert told[-1] == "", "what is meant anyway needs no names"


def test_a_name_that_the_scene_lost_is_said_and_can_be_let_go(editor: NamesEditor) -> None:
    editor.set_value("a.density, b.young")
    assert "not in the scene" in editor.item(2).text()
    click_row(editor, 2)
    assert editor.value() == "a.density"


def test_offers_have_the_scene_s_values_and_what_is_meant() -> None:
    numbers = {offer.name: offer for offer in offers(scene(), "numbers", str)}
    assert numbers["cloth.young"].taken and numbers["cloth.young"].value == "10 MPa"
    assert numbers["contact.friction"].value == "0.3"
    movers = offers(scene(), "movers", str)
    assert [(offer.name, offer.taken) for offer in movers] == [
        ("cloth/nail", False), ("ball", False), ("tongs", True)
    ]  # fmt: skip
    (crease,) = offers(scene(), "creases", str)
    assert (crease.name, crease.title, crease.taken) == ("cloth/fold", "fold", True)
    assert [offer.name for offer in offers(scene(), "sheet", str)] == ["cloth"]
    assert offers(None, "numbers", str) == []


# What is to be met ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def offered() -> Catalogue:
    return make_catalogue()


@pytest.fixture
def room(offered: Catalogue, target: Mesh, tmp_path: Path) -> Any:
    document, tasks = Document(), Tasks()
    link = EngineLink(document, tasks, FakeSession)
    work = Workbench(document, link, tasks, tmp_path / "store")
    document.set_catalogue(offered)
    document.set_study(Study(study="simulate", scene=scene()))
    document.add_object(target, source="/data/ball.ply")
    yield document, work, tasks
    work.close()


def written(folder: Path) -> Path:
    """A Trajectory of a triangle, of three frames."""
    body = TrajectoryBody("cloth", "sheet", slice(0, 3), np.array([[0, 1, 2]]))
    writer = TrajectoryWriter(folder, Layout(3, energies=("membrane",)), [body])
    for step in range(3):
        writer.add(step, 0.1 * step, np.full((3, 3), 0.5 * step), {"membrane": 1.0})
    writer.close()
    return folder


def test_roles_are_shown_where_the_study_has_them(room: Any, qtbot: Any) -> None:
    document, work, _ = room
    form = InputsForm(document, work.inputs)
    qtbot.addWidget(form)
    assert not form.buttons and form.isHidden(), "a simulation is to meet nothing"
    document.choose_study("hold")
    button = form.buttons["target"]
    assert button.text() == "Choose…"
    button.menu().aboutToShow.emit()
    button.menu().actions()[0].trigger()
    assert document.playing("target") is document.objects[0] and button.text() == document.objects[0].name
    document.choose_study("identify")
    assert list(form.buttons) == ["recording"]


def test_what_a_term_lacks_is_said_before_the_run(room: Any, qtbot: Any) -> None:
    document, work, _ = room
    form = InputsForm(document, work.inputs)
    qtbot.addWidget(form)
    for study in ("hold", "fold", "flat-pattern"):
        document.choose_study(study)
        assert work.inputs.lacking == {"target": "Shape at the end"}
        assert "“Shape at the end” needs a target" in form.lacking.text() and not form.lacking.isHidden()
        assert not work.running.can_run, "what was simulated would go, for nothing"
        work.inputs.use_object("target", document.objects[0].name)
        assert form.lacking.isHidden() and work.inputs.lacking == {} and work.running.can_run
        work.inputs.use_nothing("target")
        assert not form.lacking.isHidden()
        work.steering.remove_term("end-shape")
        # A study without any Term takes its usual ones.
        assert form.lacking.isHidden() == bool(document.study.terms)
    document.choose_study("identify")
    assert "needs a recording" in form.lacking.text()
    document.choose_study("simulate")
    assert work.inputs.lacking == {}


def test_the_frames_of_the_last_simulation_are_kept_as_a_recording(room: Any, tmp_path: Path, qtbot: Any) -> None:
    document, work, tasks = room
    assert work.inputs.last_simulation is None
    assert work.playing.open(written(tmp_path / "run"))
    document.choose_study("identify")
    work.inputs.use_last_simulation("recording")
    qtbot.waitUntil(lambda: bool(tasks.poll() or document.study.inputs))
    kept = Trajectory.open(Path(document.study.inputs["recording"]))
    assert (tmp_path / "store") in kept.folder.parents and len(kept) == 3
    np.testing.assert_array_equal(kept[2].positions, np.full((3, 3), 1.0))
    assert kept.bodies[0].name == "cloth" and kept[2].time == 0.2


def test_files_of_every_kind_play_a_role_or_are_refused_in_words(room: Any, tmp_path: Path) -> None:
    document, work, _ = room
    document.choose_study("identify")
    said: list[Any] = []
    work.notices.said.subscribe(said.append)
    work.inputs.use_file("recording", written(tmp_path / "run") / "trajectory.json")
    assert document.study.inputs["recording"] == str(tmp_path / "run")
    table = tmp_path / "points.csv"
    table.write_text("time,x,y,z\n0,0,0,0\n")
    work.inputs.use_file("recording", table)
    assert document.study.inputs["recording"] == str(table) and not said
    (tmp_path / "empty").mkdir()
    work.inputs.use_file("recording", tmp_path / "empty")
    assert "no trajectory" in said[0].text and document.study.inputs["recording"] == str(table)
    work.inputs.use_nothing("recording")
    assert document.study.inputs == {}


# What was found ------------------------------------------------------------------------------------------------------


def arrived(work: Any, **info: Any) -> None:
    work.link.snapshot_arrived(Snapshot(0, 3, 50, "running", 0, (0.0, 0.0, 0.0), {}, {}, info))


def begin(document: Document, work: Any, kind: str) -> None:
    document.choose_study(kind)
    work.link.begun()


def test_numbers_are_shown_with_unit_and_deviation_until_they_change(room: Any, qtbot: Any) -> None:
    document, work, _ = room
    card = ResultsCard(work.results)
    qtbot.addWidget(card)
    begin(document, work, "identify")
    assert card.isHidden()
    arrived(work, found={"cloth.young": {"value": 2e6, "unit": "Pa"}})
    assert not card.isHidden() and card.texts() == [("cloth.young", "2 MPa")]
    work.results._answered({"found": {"cloth.young": {"value": 2e6, "standard_deviation": 3e4, "unit": "Pa"}}})
    assert card.texts() == [("cloth.young", "2.000 ± 0.030 MPa")]
    assert "cloth.young\t2000000\t30000\tPa" in work.results.text()
    arrived(work, found={"cloth.young": {"value": 2.1e6, "unit": "Pa"}})
    assert card.texts() == [("cloth.young", "2.1 MPa")], "the deviation was that of another value"
    document.choose_study("simulate")
    assert card.isHidden(), "it belongs to the other kind"


def test_writing_down_is_one_step_of_undo(room: Any, qtbot: Any) -> None:
    document, work, _ = room
    begin(document, work, "fold")
    arrived(work, found={"cloth/fold": {"value": 1.25, "unit": "rad"}})
    work.results.apply()
    assert document.study.scene.sheets[0].creases[0].angle == 1.25
    document.undo()
    assert document.study.scene == scene()


def test_ways_are_curves_about_what_is_moved(room: Any) -> None:
    document, work, _ = room
    begin(document, work, "hold")
    path = [[0.0] * 6, [0.0, 0.0, 0.05, 0.0, 0.0, 0.0]]
    arrived(work, paths={"cloth/nail": path})
    curve = work.results.curves()["cloth/nail"]
    np.testing.assert_allclose(curve, [[-100.0, 100.0, 0.0], [-100.0, 100.0, 50.0]], atol=1e-9)
    assert travel_text(np.array(path)) == "moves 50 mm"
    work.results.apply()
    keyframes = document.study.scene.sheets[0].pins[0].motion.keyframes
    assert keyframes[-1].translation == (0.0, 0.0, 0.05)


def test_what_cannot_be_known_is_said() -> None:
    assert value_text(Found("a.young", 1e5, "Pa", float("inf"))) == "100 ± unknown kPa"
    assert value_text(Found("a/fold", 1.5e-38, "rad", None)) == "0 °", "what is rounding has no digits"


def test_derivatives_become_rows_with_units_and_elasticities() -> None:
    found = Sensitivity(
        "cloth centre z [m]", -0.02, 10, np.zeros(3, np.float32), np.zeros((3, 3)),
        {
            "cloth.young": (np.array(1e6), np.array(-3e-9)),
            "gravity": (np.array([0.0, 0.0, -10.0]), np.array([0.0, 0.0, 0.05])),
        },
    )  # fmt: skip
    rows = {row.name: row for row in rows_of(found)}
    assert next(iter(rows)) == "gravity z"
    assert rows["cloth.young"].elasticity == pytest.approx(1e6 * -3e-9 / -0.02)
    assert rows["cloth.young"].shown() == ("cloth.young", "1 MPa", "-3e-09 m/Pa", "+0.15")
    assert rows["gravity z"].slope_unit == "m/(m/s²)"
