"""The prediction against the true solver, in the window: solved, looked at, added, learnt from, and gone on with."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from tests_app_fakes import FakeSession, FakeViewport

from app.document.document import Document
from app.document.samples import use_samples
from app.panels.closing_card import ClosingCard
from app.work import closing as closing_room
from app.work.engine_link import EngineLink
from app.work.task_rows import TaskCancelledError, TaskRow
from app.work.tasks import Tasks
from app.work.workbench import Workbench
from engine.core.errors import FormwrightError
from engine.geometry.mesh import Mesh
from engine.protocol.layers import BAND, DIFFERENCE, FIELD, TRUTH
from engine.protocol.session import ResultMesh
from engine.protocol.snapshot import Snapshot
from engine.studies.catalogue import make_catalogue

CORNERS = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 0.0], [10.0, 10.0, 0.0], [0.0, 10.0, 0.0]])
SQUARE = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
PART = Mesh(CORNERS, SQUARE, name="square")


def seen(vertices: np.ndarray = CORNERS, state: Any = "paused", run: int = 1) -> Snapshot:
    arrays = {
        "vertices": vertices.astype(np.float32), "triangles": SQUARE,
        FIELD + "stress": np.array([100, 200, 200, 100], np.float32),
        BAND + "stress": np.array([1, 3, 3, 1], np.float32),
    }  # fmt: skip
    inputs = {"load": {"value": 5.0, "low": 2.0, "high": 8.0, "mean": 5.0, "unit": "kN", "varies": False}}
    info = {"fields": {"stress": "MPa"}, "predicted": {"peak": [212.0, 3.0, "MPa"]}, "inputs": inputs}
    return Snapshot(run, 0, 10, state, 1, arrays=arrays, info=info)


def solved() -> SimpleNamespace:
    """As the engine tells it."""
    return SimpleNamespace(
        mesh=Mesh(CORNERS, SQUARE, name="square, solved"),
        truth={"stress": np.array([101.0, 190.0, 203.0, 100.0])},
        predicted={"stress": np.array([100.0, 200.0, 200.0, 100.0])},
        band={"stress": np.array([2.0, 4.0, 4.0, 2.0])},
        scalars={
            "peak": {"predicted": 212.0, "band": 3.0, "true": 219.0, "inside": False, "unit": "MPa"},
            "weight": {"predicted": 5.0, "band": 0.2, "true": 5.1, "inside": True, "unit": "kg"},
        },
        fields={"stress": {"error": 0.031, "inside": 0.75, "unit": "MPa"}},
    )


class FakeTasks(Tasks):
    """Keeps long work, to be carried out here by `finish`."""

    def __init__(self) -> None:
        super().__init__()
        self.long: list[tuple[Any, Callable[[Any], object], Callable[[BaseException], object], TaskRow]] = []

    def do_long(self, work: Any, done: Any, failed: Any, *, title: str, heard: Any = None, **_: Any) -> TaskRow:
        row = self.begin(title, cancel=lambda: None)
        self.long.append((work, done, failed, row))
        return row

    def finish(self) -> None:
        work, done, failed, row = self.long.pop()
        if row.stopping:
            self.end(row)
            failed(TaskCancelledError(""))
            return
        try:
            value = work(lambda title, fraction, news=None: None, lambda: False)
        except FormwrightError as error:
            self.end(row, failed=True)
            failed(error)
        else:
            self.end(row)
            done(value)


@pytest.fixture
def tasks() -> FakeTasks:
    return FakeTasks()


@pytest.fixture
def workbench(qtbot: Any, tmp_path: Path, tasks: FakeTasks) -> Iterator[Workbench]:
    document = Document()
    work = Workbench(document, EngineLink(document, tasks, FakeSession), tasks, tmp_path / "store")
    document.set_catalogue(make_catalogue())
    document.switch_workspace("Regression")
    document.add_object(PART)
    document.set_file_input("model", str(tmp_path / "plates.safetensors"))
    work.link.start_run(paused=True)
    work.link.snapshot_arrived(seen(run=document.run.run))
    yield work
    work.close()


@pytest.fixture
def solver(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """In the place of the engine's; `asked` is what it was given."""
    found = SimpleNamespace(asked=[], added=[], error=None)

    def verify_part(model: str, part: Mesh, inputs: dict[str, float], report: Any, stopping: Any) -> SimpleNamespace:
        found.asked.append((model, part, inputs))
        if found.error is not None:
            raise found.error
        return solved()

    def add_truth(data: str, verified: Any) -> str:
        found.added.append((data, verified))
        return "verified 1"

    found.verify_part, found.add_truth = verify_part, add_truth
    monkeypatch.setattr(closing_room.importlib, "import_module", lambda name: found)
    return found


@pytest.fixture
def card(qtbot: Any, workbench: Workbench) -> ClosingCard:
    card = ClosingCard(workbench.closing)
    qtbot.addWidget(card)
    card.show()
    return card


def press(button: QPushButton) -> None:
    assert not button.isHidden() and button.isEnabled()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def verified(card: ClosingCard, workbench: Workbench, tasks: FakeTasks) -> None:
    press(card.verify)
    workbench.tasks.poll()
    tasks.finish()


def test_the_part_as_it_is_now_is_solved_with_its_scalars(
    card: ClosingCard, workbench: Workbench, tasks: FakeTasks, solver: SimpleNamespace, tmp_path: Path
) -> None:
    press(card.verify)
    workbench.tasks.poll()
    assert isinstance(workbench.link.session.asked[-1], ResultMesh)  # type: ignore[union-attr]
    assert not card.verify.isEnabled() and not card.cancel.isHidden() and not card.progress.isHidden()
    tasks.finish()
    (model, part, inputs), *others = solver.asked
    assert not others and model == str(tmp_path / "plates.safetensors") and inputs == {"load": 5.0}
    assert part.name == "result" and card.progress.isHidden() and card.verify.isEnabled()
    assert card.texts()[2:6] == ["peak", "219.0", "outside", "predicted 212.0 ± 3.0 MPa"]
    assert card.texts()[6:10] == ["weight", "5.10", "in the band", "predicted 5.00 ± 0.20 kg"]
    assert card.texts()[-3:] == ["stress", "3.1 %", "75 %"]


def test_a_solution_that_is_cancelled_leaves_what_was_known_before(
    card: ClosingCard, workbench: Workbench, tasks: FakeTasks, solver: SimpleNamespace
) -> None:
    press(card.verify)
    press(card.verify)  # a double click: the engine has not answered yet
    workbench.tasks.poll()
    assert len(tasks.long) == 1
    press(card.cancel)
    (row,) = [row for row in tasks.rows.running if row.stopping]
    tasks.finish()
    assert row.outcome == "cancelled" and card.verify.isEnabled() and card.problem.isHidden() and card.truth.isHidden()

    verified(card, workbench, tasks)
    known, texts, undone = workbench.closing.verified, card.texts(), workbench.document.undo_stack.undo_names
    press(card.verify)
    workbench.tasks.poll()
    assert card.texts() == [] and not workbench.closing.shown
    press(card.cancel)
    tasks.finish()
    assert workbench.closing.verified is known and card.texts() == texts and workbench.closing.shown
    assert workbench.document.undo_stack.undo_names == undone


def test_truth_and_difference_are_layers_while_they_are_looked_at(
    card: ClosingCard, workbench: Workbench, tasks: FakeTasks, solver: SimpleNamespace
) -> None:
    view = FakeViewport()
    shown: list[str] = []
    workbench.set_viewport(view)
    workbench.predicting.shown.subscribe(shown.append)
    verified(card, workbench, tasks)
    assert shown[-1] == TRUTH + "stress" and card.truth.isChecked()
    held = view.last("show_snapshot")[0][0]
    np.testing.assert_allclose(held.arrays[DIFFERENCE + "stress"], [-1.0, 10.0, -3.0, 0.0])
    np.testing.assert_allclose(held.arrays["vertices"] + held.origin, CORNERS)
    assert DIFFERENCE + "stress" in workbench.predicting.layers
    press(card.truth)
    assert not workbench.closing.shown and shown[-1] == FIELD + "stress"
    assert TRUTH + "stress" not in workbench.predicting.layers
    press(card.truth)
    run = workbench.document.run.run
    workbench.link.snapshot_arrived(seen(run=run))
    assert workbench.closing.shown, "nothing has moved"
    workbench.link.snapshot_arrived(seen(1.1 * CORNERS, run=run))
    assert not workbench.closing.shown and not card.truth.isChecked(), "the part is another one now"


def test_a_part_that_cannot_be_solved_says_why_and_can_be_written(
    card: ClosingCard, workbench: Workbench, tasks: FakeTasks, solver: SimpleNamespace
) -> None:
    wanted: list[Any] = []
    card.export_wanted.connect(lambda: wanted.append(True))
    solver.error = FormwrightError("The data come from no solver of ours.", remedy="Write the part to a file.")
    verified(card, workbench, tasks)
    assert "no solver" in card.problem.text() and "Write the part" in card.problem.text()
    assert not card.problem.isHidden() and card.truth.isHidden() and card.verify.isEnabled()
    press(card.export)
    assert wanted == [True]
    solver.error = None
    verified(card, workbench, tasks)
    assert card.problem.isHidden() and card.export.isHidden()


def test_a_truth_becomes_a_sample_once(
    card: ClosingCard, workbench: Workbench, tasks: FakeTasks, solver: SimpleNamespace, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    again: list[bool] = []
    monkeypatch.setattr(workbench.samples, "read_again", lambda: again.append(True))
    verified(card, workbench, tasks)
    assert not card.add.isEnabled() and "Samples" in card.add.toolTip(), "there is no data set"
    use_samples(workbench.document, str(tmp_path / "plates.npz"))
    tasks.long.clear()  # reading it is the samples' matter
    card.refresh()
    press(card.add)
    tasks.finish()
    ((data, kept),) = solver.added
    assert data == str(tmp_path / "plates.npz") and again == [True]
    np.testing.assert_array_equal(kept.truth["stress"], solved().truth["stress"])
    assert card.add.text() == "Added as verified 1" and not card.add.isEnabled() and not card.retrain.isHidden()


def test_a_model_that_learnt_from_it_goes_on_from_the_part_that_was_found(
    card: ClosingCard, workbench: Workbench, tasks: FakeTasks, solver: SimpleNamespace, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    asked: list[tuple[Path, Any]] = []
    training, document = workbench.training, workbench.document

    def train(model: Path, options: Any) -> None:
        asked.append((model, options))
        training.model, training.row = model, TaskRow("learning")

    monkeypatch.setattr(training, "train", train)
    verified(card, workbench, tasks)
    workbench.closing.added = "verified 1"
    card.refresh()
    press(card.retrain)
    assert asked[0][0] == tmp_path / "plates 2.safetensors" and not card.retrain.isEnabled()
    asked[0][0].write_bytes(b"a model")
    training.row = None
    training.changed()
    assert workbench.closing.learnt == asked[0][0]
    document.run.state = "finished"
    before = document.run.run
    press(card.go_on)
    workbench.tasks.poll()
    assert document.run.run == before + 1 and document.study.inputs["model"] == str(asked[0][0])
    part = document.playing("mesh")
    assert part is not None and part.name != "square" and workbench.link.inputs["mesh"] is part.placed
    assert workbench.closing.verified is None and workbench.closing.learnt is None
    document.undo()
    assert document.playing("mesh") is document.object("square") and document.object(part.name) is None


def test_what_crosses_to_the_window_can_be_pickled_without_the_engine(solver: SimpleNamespace) -> None:
    found = closing_room._verify("model", PART, {}, lambda title, fraction, news=None: None, lambda: False)
    again = pickle.loads(pickle.dumps(found))
    assert again.scalars == found.scalars and again.fields[0].inside == 0.75 and isinstance(again.kept, bytes)
