"""What a Model predicts, in the window: layers, scalars with bands, the flag, probes, inputs, and the trust region."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from tests_app_fakes import FakeSession, FakeViewport

from app.document.document import Document
from app.document.records import Decoder, Encoder
from app.panels.model_inputs_card import ModelInputsCard
from app.panels.prediction_card import PredictionCard
from app.panels.study_panel import StudyPanel
from app.panels.terms_panel import TermsPanel
from app.viewport.viewing import Viewing
from app.work.engine_link import EngineLink
from app.work.predicting import value_text
from app.work.probing import nearest_on
from app.work.tasks import Tasks
from app.work.workbench import Workbench
from engine.geometry.mesh import Mesh
from engine.io.model_file import ModelCard, write_model
from engine.protocol.edits import SetParameter
from engine.protocol.layers import BAND, FIELD, RESIDUAL
from engine.protocol.snapshot import Snapshot
from engine.regression.data.dataset import Dataset, Sample
from engine.regression.data.flat_file import write_flat
from engine.studies.catalogue import make_catalogue

CORNERS = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 0.0], [10.0, 10.0, 0.0], [0.0, 10.0, 0.0]])
SQUARE = np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def seen(**changes: Any) -> Snapshot:
    """A square of 10 mm whose stress is 100 MPa at its left and 200 MPa at its right side."""
    arrays = {
        "vertices": CORNERS.astype(np.float32), "triangles": SQUARE,
        FIELD + "stress": np.array([100, 200, 200, 100], np.float32),
        BAND + "stress": np.array([1, 3, 3, 1], np.float32),
        RESIDUAL: np.array([0, 0, 0, 0.5], np.float32), "sensitivity": np.zeros(4, np.float32),
    }  # fmt: skip
    info: dict[str, Any] = {
        "fields": {"stress": "MPa", "slide": "mm"},
        "predicted": {"peak": [212.34, 3.2, "MPa"], "weight": [0.5, 0.0, "kg"]},
        "inputs": {
            "load": {"value": 5.0, "low": 2.0, "high": 8.0, "mean": 5.0, "unit": "kN", "varies": False},
            "width": {"value": 9.0, "low": 3.0, "high": 6.0, "mean": 4.0, "unit": "", "varies": True},
        },
        "flag": {
            "is_new": False, "score": 0.4, "reason": "", "place": [0.0, 10.0, 0.0],
            "measures": {"distance": 0.4, "shape": 0.3, "morph": 0.2, "scalars": 0.0},
        },
    }  # fmt: skip
    arrays |= changes.pop("arrays", {})
    info |= changes.pop("info", {})
    return Snapshot(1, 0, 10, "paused", 1, arrays=arrays, info=info)


@pytest.fixture
def workbench(qtbot: Any, tmp_path: Path) -> Iterator[Workbench]:
    document, tasks = Document(), Tasks()
    work = Workbench(document, EngineLink(document, tasks, FakeSession), tasks, tmp_path / "store")
    document.set_catalogue(make_catalogue())
    yield work
    work.close()


@pytest.fixture
def predicting(workbench: Workbench) -> Workbench:
    """A Run of *Predict* that has told of a square; the Edits that are sent stand in `sent`."""
    document = workbench.document
    document.switch_workspace("Regression")
    document.new_run(1)
    document.run.state = "paused"
    workbench.link.inputs = {"mesh": Mesh(CORNERS, SQUARE, name="square")}
    workbench.link.begun()
    workbench.link.snapshot_arrived(seen())
    return workbench


@pytest.fixture
def sent(predicting: Workbench) -> list[Any]:
    told: list[Any] = []
    predicting.document.engine.carry = told.append
    return told


@pytest.fixture
def card(qtbot: Any, predicting: Workbench) -> PredictionCard:
    viewing = Viewing(lambda: None)
    predicting.predicting.shown.subscribe(viewing.colour_by)
    card = PredictionCard(predicting.predicting, predicting.probing, viewing)
    qtbot.addWidget(card)
    card.show()
    return card


def test_a_value_has_the_digits_that_its_band_lets_one_believe() -> None:
    assert value_text(307.1834, 2.5, "MPa") == "307.2 ± 2.5 MPa"
    assert value_text(float("nan"), 1.0, "mm") == "no value here"


def test_what_is_predicted_stands_with_its_band_and_its_unit(card: PredictionCard) -> None:
    assert card.texts() == [("peak", "212.3 ± 3.2 MPa"), ("weight", "0.5 ± 0 kg")]
    assert card.banner.text() == "Like the parts it has learnt from" and card.banner.property("bar") == "note"
    assert card.banner.show_place.isHidden()


def test_the_card_is_there_only_for_a_run_that_predicts(card: PredictionCard, predicting: Workbench) -> None:
    assert not card.isHidden()
    predicting.document.switch_workspace("Surface")
    assert card.isHidden()
    predicting.link.snapshot_arrived(seen())
    assert card.isHidden(), "of another study"


def test_a_new_part_says_why_and_where(card: PredictionCard, predicting: Workbench) -> None:
    view = FakeViewport()
    shown: list[Any] = []
    view.show_place = shown.append
    predicting.set_viewport(view)
    reason = "The model does not know this: its outline has details that no learnt shape has."
    flag = {"is_new": True, "score": 2.1, "reason": reason, "place": [0.0, 10.0, 0.0], "measures": {"shape": 2.1}}
    predicting.link.snapshot_arrived(seen(info={"flag": flag}))
    assert card.banner.text() == reason and card.banner.property("bar") == "warning"
    assert [probe.warning for probe in view.last("set_probes")[0][0]] == [True]
    QTest.mouseClick(card.banner.show_place, Qt.MouseButton.LeftButton)
    assert shown == [(0.0, 10.0, 0.0)]


def test_layers_are_chosen_and_the_range_is_fixed(card: PredictionCard, predicting: Workbench) -> None:
    titles = [card.layer.itemText(row) for row in range(card.layer.count())]
    assert titles == ["None", "Mean", "Band width", "Where it is new", "Sensitivity"]
    card.layer.setCurrentIndex(2)
    card.layer.activated.emit(2)
    viewing = card.range._viewing
    assert viewing.colouring == BAND + "stress" and not viewing.range_locked
    view = FakeViewport()
    view.colour_range = (1.0, 3.0)
    viewing.set_viewport(view)
    QTest.keyClick(card.range.fixed, Qt.Key.Key_Space)
    assert viewing.range_locked and not card.range.low.isHidden() and card.range.low.value() == 1.0
    card.range.high.setFocus()
    card.range.high.selectAll()
    QTest.keyClicks(card.range.high, "2.5")
    QTest.keyClick(card.range.high, Qt.Key.Key_Return)
    assert view.last("set_colouring")[1] == {"locked_range": (1.0, 2.5)}
    viewing.colour_by("sensitivity")
    assert card.layer.currentText() == "Sensitivity" and not viewing.range_locked


def test_another_field_is_asked_for_and_undo_brings_the_first_back(
    card: PredictionCard, predicting: Workbench, sent: list[Any]
) -> None:
    assert [card.field.itemText(row) for row in range(card.field.count())] == ["stress", "slide"]
    card.field.setCurrentIndex(1)
    card.field.activated.emit(1)
    assert sent == [SetParameter(owner="study", name="shown", value="slide")]
    assert card.range._viewing.colouring == FIELD + "slide" and predicting.predicting.layers[0] == RESIDUAL
    predicting.document.undo()
    assert predicting.predicting.field == "stress" and card.field.currentText() == "stress"


def test_probes_say_what_is_predicted_and_go_with_the_part(card: PredictionCard, predicting: Workbench) -> None:
    view = FakeViewport()
    predicting.set_viewport(view)
    view.probe_placed.emit((2.5, 4.0, 0.0))
    assert card.probe_texts() == ["125.0 ± 1.5 MPa"]
    (probe,) = view.last("set_probes")[0][0]
    assert probe.place == pytest.approx((2.5, 4.0, 0.0)) and probe.text.startswith("1:")
    wider = CORNERS * [2.0, 1.0, 1.0]
    predicting.link.snapshot_arrived(seen(arrays={"vertices": wider.astype(np.float32)}))
    (probe,) = view.last("set_probes")[0][0]
    assert probe.place == pytest.approx((5.0, 4.0, 0.0)), "the same point of the part"
    view.probe_placed.emit((0.0, 1.0, 0.0))
    assert len(card.probe_texts()) == 2
    QTest.mouseClick(card._probe_rows[1][2], Qt.MouseButton.LeftButton)
    assert [one.number for one in predicting.document.project.probes] == [2]
    predicting.document.undo()
    assert [one.number for one in predicting.document.project.probes] == [1, 2]
    predicting.link.snapshot_arrived(seen(arrays={"vertices": np.zeros((3, 3), np.float32)}))
    assert card.probe_texts() == ["on another part"] * 2 and view.last("set_probes")[0][0] == []


def test_probes_are_part_of_the_document(predicting: Workbench, tmp_path: Path) -> None:
    predicting.probing.place((9.0, 3.0, 0.0))
    encoder = Encoder()
    values = encoder.project(predicting.document.project)

    def read(name: str, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
        return encoder.arrays[name]

    kept = Decoder(tmp_path / "part.formwright", encoder.table(), read).project(values)
    assert kept.probes == predicting.document.project.probes != ()
    values["probes"][0]["corners"] = (0, 1, 4)
    with pytest.raises(Exception, match="its part has not"):
        Decoder(tmp_path / "part.formwright", encoder.table(), read).project(values)


def test_the_nearest_place_on_a_surface() -> None:
    corners, weights = nearest_on(CORNERS, SQUARE, np.array([8.0, 1.0, 3.0]))
    assert np.array(weights) @ CORNERS[list(corners)] == pytest.approx([8.0, 1.0, 0.0])
    corners, weights = nearest_on(CORNERS, SQUARE, np.array([5.0, 10.0, 0.0]))
    assert np.array(weights) @ CORNERS[list(corners)] == pytest.approx([5.0, 10.0, 0.0])


def test_a_probe_becomes_a_wish(card: PredictionCard, predicting: Workbench, sent: list[Any]) -> None:
    predicting.probing.place((9.0, 1.0, 0.0))
    menu = card._probe_rows[1][0].menu()
    menu.aboutToShow.emit()
    lower = next(action for action in menu.actions() if action.text() == "Lower stress here")
    assert lower.isEnabled()
    lower.trigger()
    spec = predicting.document.study.terms[-1]
    assert spec.kind == "predicted-field"
    assert predicting.document.term_parameters(spec) | {"reduce": "point", "point": [10.0, 0.0, 0.0]} == (
        predicting.document.term_parameters(spec)
    )
    assert sent[-1].edit == "add-term"
    predicting.document.undo()
    assert all(one.kind != "predicted-field" for one in predicting.document.study.terms)


def test_the_point_of_a_wish_is_typed_or_picked_on_the_part_and_marked_there(
    qtbot: Any, predicting: Workbench, sent: list[Any]
) -> None:
    view = FakeViewport()
    predicting.set_viewport(view)
    document, panel = predicting.document, TermsPanel(predicting.document)
    qtbot.addWidget(panel)
    panel.pick_wanted.connect(predicting.probing.pick)
    panel.parameter_changed.connect(predicting.steering.set_parameter)
    predicting.steering.add_term("predicted-field")
    name = document.study.terms[-1].name
    form = panel.card(name)._form
    assert form is not None
    point = form.editors["point"]
    assert point.pick is not None and point.isHidden(), "its mean and its largest value have no place"
    predicting.steering.set_parameter(name, "reduce", "point")
    assert not point.isHidden()
    (mark,) = view.last("set_probes")[0][0]
    assert mark.place == (0.0, 0.0, 0.0) and mark.text == document.term_title(name)

    # Typed.
    for number, text in zip(point.numbers, ("9", "8", "0"), strict=True):
        number.selectAll()
        QTest.keyClicks(number, text)
        QTest.keyClick(number, Qt.Key.Key_Return)
    assert sent[-1] == SetParameter(owner=name, name="point", value=[9.0, 8.0, 0.0])
    assert view.last("set_probes")[0][0][0].place == (10.0, 10.0, 0.0), "the nearest node"

    # Picked, on the part as it is by now: what is kept is the node's place at the beginning.
    wider = CORNERS * [2.0, 1.0, 1.0]
    predicting.link.snapshot_arrived(seen(arrays={"vertices": wider.astype(np.float32)}))
    QTest.mouseClick(point.pick, Qt.MouseButton.LeftButton)
    view.probe_placed.emit((19.0, 1.0, 0.0))
    assert sent[-1] == SetParameter(owner=name, name="point", value=[10.0, 0.0, 0.0])
    assert [number.value() for number in point.numbers] == [10.0, 0.0, 0.0]
    assert view.last("set_probes")[0][0][0].place == (20.0, 0.0, 0.0) and not document.project.probes
    document.undo()
    assert document.term_parameters(document.study.terms[-1])["point"] == [9.0, 8.0, 0.0]

    # Called off with the tool; the next click keeps a probe as ever, and one at the same node marks it.
    QTest.mouseClick(point.pick, Qt.MouseButton.LeftButton)
    view.leave_tool()
    view.probe_placed.emit((19.0, 9.0, 0.0))
    assert len(document.project.probes) == 1 and len(view.last("set_probes")[0][0]) == 1


def test_scalars_are_sliders_over_what_was_learnt(qtbot: Any, predicting: Workbench, sent: list[Any]) -> None:
    card = ModelInputsCard(predicting.predicting)
    qtbot.addWidget(card)
    card.show()
    load, width = card.rows["load"], card.rows["width"]
    assert load.number.value() == 5.0 and load.outside.isHidden() and not load.vary.isChecked()
    assert not width.outside.isHidden() and "3 to 6" in width.outside.text() and width.vary.isChecked()
    load.slider.setFocus()
    for _ in range(3):
        QTest.keyClick(load.slider, Qt.Key.Key_Right)
    assert sent[-1].name == "inputs" and sent[-1].value["load"] > 5.0 and sent[-1].value["width"] == 9.0
    count = len(sent)
    load.number.selectAll()
    QTest.keyClicks(load.number, "7.5")
    QTest.keyClick(load.number, Qt.Key.Key_Return)
    assert len(sent) == count + 1 and sent[-1].value["load"] == 7.5
    QTest.keyClick(load.vary, Qt.Key.Key_Space)
    assert sent[-1] == SetParameter(owner="study", name="vary", value=["width", "load"])


def test_the_trust_region_is_a_bar(qtbot: Any, predicting: Workbench) -> None:
    card = ModelInputsCard(predicting.predicting)
    qtbot.addWidget(card)
    assert predicting.predicting.trust == (0.4, 1.0) and card.trust.text().startswith("Inside")
    spec = next(one for one in predicting.document.study.terms if one.kind == "trust-region")
    predicting.steering.set_parameter(spec.name, "radius", 0.2)
    predicting.link.snapshot_arrived(seen())
    assert card.trust.text() == "Out of the trust region: 200 % of its radius"
    predicting.steering.remove_term(spec.name)
    predicting.link.snapshot_arrived(seen())
    assert predicting.predicting.trust is None and card.trust.isHidden()


def test_terms_offer_what_the_model_predicts(qtbot: Any, predicting: Workbench) -> None:
    document = predicting.document
    panel = TermsPanel(document)
    qtbot.addWidget(panel)
    panel.set_names(predicting.predicting.offers())
    predicting.steering.add_term("predicted-scalar")
    name = document.study.terms[-1].name
    form = panel.card(name)._form
    assert form is not None
    choice = form.editors["scalar"].choice
    assert choice is not None and [choice.itemText(row) for row in range(choice.count())] == ["peak", "weight"]
    predicting.steering.set_parameter(name, "scalar", "stiffness")
    panel.refresh()
    assert choice.currentText() == "stiffness: not of this Model"


def test_what_stands_in_the_cards_is_no_row_of_the_form(qtbot: Any, predicting: Workbench) -> None:
    panel = StudyPanel(predicting.document)
    qtbot.addWidget(panel)
    names = set(panel._forms["study"].editors)
    assert "freedom" in names and not names & {"inputs", "vary", "shown"}


def test_an_opened_mesh_is_the_part_and_a_model_brings_its_study(
    workbench: Workbench, qtbot: Any, tmp_path: Path
) -> None:
    document = workbench.document
    path = tmp_path / "plates.safetensors"
    details = {"fields": [{"name": "stress"}], "scalars": [{"name": "peak"}]}
    write_model(path, {"common": np.zeros(3)}, ModelCard(kind="regression", description="Of plates.", details=details))
    workbench.files.open([path])
    assert document.study.study == "predict" and document.workspace == "Regression"
    assert workbench.predicting.offers() == {"predicted-field": ("stress",), "predicted-scalar": ("peak",)}
    assert not workbench.running.can_run and not workbench.running.lacks_model
    document.add_object(Mesh(CORNERS, SQUARE, name="square"))
    assert document.project.roles == {"mesh": "square"} and workbench.running.can_run
    assert document.diagonal() == pytest.approx(np.sqrt(200.0))
    document.add_object(Mesh(CORNERS, SQUARE, name="other"))
    workbench.scene.use_as_target("square")
    assert document.project.roles == {"mesh": "square"}
    document.switch_workspace("Surface")
    assert not document.project.roles and document.main_role == "target"


def test_a_sample_becomes_the_part_with_its_scalars(
    workbench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, document = tmp_path / "plates.npz", workbench.document
    sample = Sample("plate 3", CORNERS[:, :2], SQUARE, inputs={"load": 7.0}, anchors=np.array([0, 2]))
    write_flat(Dataset((sample,), units={"length": "cm"}), path)
    monkeypatch.setattr(workbench.tasks, "do_apart", lambda work, done, failed, title: done(work()))
    document.switch_workspace("Regression")
    document.set_file_input("model", "plates.safetensors")
    before = document.run.run
    workbench.predicting.predict_sample(str(path), "plate 3")
    part = document.playing("mesh")
    assert part is not None and part.name == "plate 3" and part.diagonal == pytest.approx(100.0 * np.sqrt(2.0))
    assert document.study.parameters["inputs"] == {"load": 7.0} and document.run.run == before + 1
    workbench.predicting.predict_sample(str(path), "plate 3")
    assert document.run.run == before + 1, "the run is about the part that is there"
    document.run.state = "finished"
    document.undo()
    assert document.playing("mesh") is None and "inputs" not in document.study.parameters


def test_a_term_of_the_catalogue_says_what_it_picks() -> None:
    picks = {
        entry.kind: {each.get("picks") for each in entry.schema_["properties"].values()}
        for entry in make_catalogue().terms
        if entry.kind.startswith("predicted-")
    }
    assert "predicted-scalar" in picks["predicted-scalar"] and "predicted-field" in picks["predicted-field"]
