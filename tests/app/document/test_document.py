"""The Document: objects, steering with undo, what the engine confirms, rewinding."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from app.document.command_line import command_line
from app.document.document import Document
from app.document.recent import RecentFiles
from app.document.run_record import LossCurves, RunRecord
from app.document.steering import apply_edit, unique
from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.protocol.catalogue import Catalogue
from engine.protocol.edits import (
    AddTerm,
    Edit,
    PaintFreeze,
    RemoveTerm,
    SetFrozen,
    SetParameter,
    SetTermMask,
    SetWeight,
)
from engine.protocol.snapshot import CheckpointInfo, EditApplied, EditRefused, LossesRecorded, SteeringRestored
from engine.protocol.study import Study, TermSpec


@pytest.fixture
def document(catalogue: Catalogue, target: Mesh) -> Document:
    document = Document()
    document.set_catalogue(catalogue)
    document.add_object(target, source="/data/ball.ply")
    return document


class FollowingEngine:
    """Holds what a Run would hold, by carrying out what it is sent."""

    def __init__(self, document: Document) -> None:
        self.study, self.strokes = document.study, document.strokes
        document.engine.carry = self.carry
        document.new_run(1, resumed=True)
        document.run.state = "running"

    def carry(self, edit: Edit) -> None:
        self.study, self.strokes = apply_edit(self.study, self.strokes, edit)

    def check(self, document: Document) -> None:
        """The same Terms, values and strokes as the document's; a value that is missing is the default."""

        def terms(study: Study) -> dict[str, TermSpec]:
            return {spec.name: spec for spec in study.terms}

        assert terms(self.study) == terms(document.study)
        assert self.study.optimizer == document.study.optimizer
        defaults = {"resolution": 32, "iterations": 300}
        assert {**defaults, **self.study.parameters} == {**defaults, **document.study.parameters}
        assert self.strokes == document.strokes


def applied(edit: Edit, inverse: Edit | None = None, iteration: int = 1) -> EditApplied:
    plain = inverse.model_dump(mode="json") if inverse is not None else None
    return EditApplied(1, iteration, edit.model_dump(mode="json"), plain)


def test_an_opened_object_is_the_target_and_gives_percentages_their_length(document: Document, target: Mesh) -> None:
    assert document.study.inputs == {"target": "/data/ball.ply"}
    assert document.inputs() == {"target": target}
    assert document.diagonal() == pytest.approx(target.diagonal)
    document.remove_object("ball.ply")
    assert document.inputs() == {} and document.study.inputs == {} and document.diagonal() is None


def test_an_object_of_the_same_file_is_replaced_and_others_get_names_of_their_own(
    document: Document, target: Mesh
) -> None:
    document.add_object(target, source="/data/ball.ply")
    assert [item.name for item in document.objects] == ["ball.ply"]
    document.add_object(target, source="/other/ball.ply")
    assert [item.name for item in document.objects] == ["ball.ply", "ball.ply 2"]


def test_the_catalogue_fills_in_the_default_terms(document: Document) -> None:
    assert [spec.name for spec in document.study.terms] == ["Fit to scan", "Smoothness"]


@pytest.mark.parametrize(
    "edit",
    [
        SetWeight(term="Smoothness", weight=3.0),
        SetParameter(owner="optimizer", name="learning_rate", value=0.05),
        SetParameter(owner="study", name="resolution", value=64),
        SetParameter(owner="Smoothness", name="enabled", value=False),
        SetTermMask(term="Smoothness", mask="nose", outside=0.5),
        AddTerm(spec=TermSpec(kind="volume", name="Volume")),
        RemoveTerm(term="Smoothness"),
        PaintFreeze(centres=[(0.0, 0.0, 0.0)], radius=1.0),
        SetFrozen(strokes=[PaintFreeze(centres=[(0.0, 0.0, 0.0)], radius=1.0)]),
    ],
)
def test_every_edit_is_undone_and_the_engine_is_led_back(document: Document, edit: Edit) -> None:
    engine = FollowingEngine(document)
    before = document.project
    document.steer(edit, "something")
    assert document.project != before
    engine.check(document)
    document.undo()
    assert document.project == before
    engine.check(document)
    document.redo()
    assert document.project != before
    engine.check(document)


def test_an_unknown_term_is_refused_and_nothing_changes(document: Document) -> None:
    before = document.study
    with pytest.raises(ParameterError, match="Nose"):
        document.steer(SetWeight(term="Nose", weight=1.0), "weight of Nose")
    assert document.study is before and document.undo_stack.undo_name == "open ball.ply"


def test_a_drag_is_one_step_of_undo_with_a_name(document: Document) -> None:
    for weight in (0.3, 0.4, 0.5):
        document.steer(SetWeight(term="Smoothness", weight=weight), "weight of Smoothness", gesture="drag 1")
    document.steer(SetWeight(term="Smoothness", weight=0.9), "weight of Smoothness", gesture="drag 2")
    assert document.undo_stack.undo_name == "weight of Smoothness"
    document.undo()
    assert document.study.term("Smoothness").weight == 0.5
    document.undo()
    assert document.study.term("Smoothness").weight == 0.2
    document.redo()
    assert document.study.term("Smoothness").weight == 0.5
    assert document.undo_stack.redo_name == "weight of Smoothness"


def test_undo_sends_what_leads_back(document: Document) -> None:
    sent: list[Edit] = []
    document.engine.carry = sent.append
    document.new_run(1)
    edit = SetWeight(term="Smoothness", weight=2.0)
    document.steer(edit, "weight of Smoothness")
    document.undo()
    assert sent == [edit, SetWeight(term="Smoothness", weight=0.2)]


def test_nothing_is_sent_without_a_run(document: Document) -> None:
    sent: list[Edit] = []
    document.engine.carry = sent.append
    document.steer(SetWeight(term="Smoothness", weight=2.0), "weight")
    assert sent == []


def test_an_edit_that_the_engine_refused_is_taken_back(document: Document) -> None:
    document.engine.carry = lambda edit: None
    document.new_run(1)
    document.steer(SetParameter(owner="study", name="resolution", value=64), "resolution")
    weight = SetWeight(term="Smoothness", weight=2.0)
    document.steer(weight, "weight")
    document.edit_applied(applied(weight, SetWeight(term="Smoothness", weight=0.2)))
    assert "resolution" not in document.study.parameters
    assert document.study.term("Smoothness").weight == 2.0


def test_a_refusal_brings_the_old_value_back_at_once(document: Document) -> None:
    document.new_run(1)
    document.engine.carry = lambda edit: None
    first = SetWeight(term="Smoothness", weight=0.5)
    document.steer(first, "weight")
    wrong = SetParameter(owner="study", name="resolution", value=10_000)
    document.steer(wrong, "resolution")
    document.edit_refused(EditRefused(1, 3, wrong.model_dump(mode="json")))
    assert "resolution" not in document.study.parameters
    assert document.study.term("Smoothness").weight == 0.5  # still on its way
    assert document.undo_stack.undo_name == "weight"
    document.edit_applied(applied(first, SetWeight(term="Smoothness", weight=0.2)))
    assert document.study.term("Smoothness").weight == 0.5


def test_a_term_is_switched_off_and_undo_switches_it_on(document: Document) -> None:
    document.steer(SetParameter(owner="Smoothness", name="enabled", value=False), "off")
    spec = document.study.term("Smoothness")
    assert not spec.enabled and "enabled" not in spec.parameters
    document.undo()
    assert document.study.term("Smoothness").enabled


def test_terms_are_called_by_their_kinds_titles_or_by_names_a_person_gave(
    document: Document, catalogue: Catalogue
) -> None:
    terms = [
        TermSpec(kind="fit", name="fit"),
        TermSpec(kind="smooth", name="smooth"),
        TermSpec(kind="smooth", name="Smoothness"),
        TermSpec(kind="handle", name="Handle 2"),
        TermSpec(kind="unknown", name="mine"),
    ]
    document.set_study(Study(terms=terms))
    assert document.term_titles() == {
        "fit": "Fit to scan",
        "smooth": "Smoothness",
        "Smoothness": "Smoothness 2",
        "Handle 2": "Handle 2",
        "mine": "mine",
    }
    assert document.add_term("smooth", "Smoothness") == "Smoothness 3"


def test_a_change_by_the_engine_is_shown_and_can_be_undone(document: Document) -> None:
    document.engine.carry = lambda edit: None
    document.new_run(1)
    halved = SetParameter(owner="optimizer", name="learning_rate", value=0.005)
    document.edit_applied(applied(halved, SetParameter(owner="optimizer", name="learning_rate", value=0.01)))
    assert document.study.optimizer.learning_rate == 0.005
    assert document.undo_stack.undo_name == "learning rate by the engine"


def test_rewinding_brings_back_terms_and_frozen_regions_but_not_the_number_of_iterations(document: Document) -> None:
    document.engine.carry = lambda edit: None
    document.new_run(1)
    for edit in (
        SetWeight(term="Smoothness", weight=2.0),
        PaintFreeze(centres=[(0, 0, 0)], radius=1.0),
        SetParameter(owner="study", name="iterations", value=900),
    ):
        document.steer(edit, "later")
        document.edit_applied(applied(edit))
    iterations = SetParameter(owner="study", name="iterations", value=900).model_dump(mode="json")
    document.steering_restored(SteeringRestored(1, [iterations], checkpoint=7))
    assert document.study.term("Smoothness").weight == 0.2
    assert document.strokes == ()
    assert document.study.parameters["iterations"] == 900
    document.undo()
    assert document.study.term("Smoothness").weight == 2.0 and len(document.strokes) == 1


def test_thawing_takes_stamps_away_and_undo_brings_exactly_them_back(document: Document) -> None:
    document.steer(PaintFreeze(centres=[(0, 0, 0), (5, 0, 0)], radius=1.0), "freeze")
    document.steer(PaintFreeze(centres=[(5, 0, 0)], radius=1.0, frozen=False), "thaw")
    centres, radii = document.frozen_stamps()
    np.testing.assert_allclose(centres, [[0, 0, 0]])
    assert radii.tolist() == [1.0]
    document.undo()
    assert len(document.frozen_stamps()[0]) == 2
    document.undo()
    assert len(document.frozen_stamps()[0]) == 0


def test_a_branch_begins_with_the_losses_of_where_it_left() -> None:
    run = RunRecord(run=1)
    run.record(LossesRecorded(1, "main", [0, 1, 2, 3], {"loss": [4.0, 3.0, 2.0, 1.0]}))
    run.checkpoints[5] = CheckpointInfo(5, None, "main", 2, {})
    run.rewound_to = 5
    run.record(LossesRecorded(1, "b", [2, 3], {"loss": [9.0, 8.0], "term:x": [1.0, 2.0]}))
    curves = run.present_curves()
    assert curves.iterations == [0, 1, 2, 3]
    assert curves.values["loss"] == [4.0, 3.0, 9.0, 8.0]
    assert np.isnan(curves.values["term:x"][:2]).all() and curves.values["term:x"][2:] == [1.0, 2.0]
    assert run.curves["main"].values["loss"] == [4.0, 3.0, 2.0, 1.0]


def test_a_term_that_went_is_not_a_number_from_then_on() -> None:
    curves = LossCurves()
    curves.add(LossesRecorded(1, "main", [0], {"loss": [1.0], "term:x": [2.0]}))
    curves.add(LossesRecorded(1, "main", [1], {"loss": [0.5]}))
    assert curves.values["term:x"][0] == 2.0 and np.isnan(curves.values["term:x"][1])


def test_recent_files_are_kept_newest_first_and_survive_garbage(tmp_path: Path) -> None:
    store = tmp_path / "recent.json"
    files = [tmp_path / name for name in ("a.ply", "b.ply")]
    for path in files:
        path.touch()
    recent = RecentFiles(store)
    for path in [*files, files[0]]:
        recent.add(path)
    assert RecentFiles(store).paths() == [files[0], files[1]]
    files[0].unlink()
    assert RecentFiles(store).paths() == [files[1]]
    store.write_text("{", encoding="utf-8")
    assert RecentFiles(store).paths() == []


def test_the_command_line_says_only_what_differs(document: Document, catalogue: Catalogue) -> None:
    assert command_line(document.study, catalogue) == ("formwright reconstruct /data/ball.ply -o ball-reconstruct.stl")
    document.steer(SetParameter(owner="study", name="resolution", value=64), "resolution")
    document.steer(SetWeight(term="Smoothness", weight=0.5), "weight")
    assert command_line(document.study, catalogue).endswith("--resolution 64 --weight Smoothness=0.5")
    document.add_term("volume", "Volume")
    assert "formwright run" in command_line(document.study, catalogue)


def test_names_of_terms_are_unique() -> None:
    study = Study(terms=[TermSpec(kind="handle", name="Handle"), TermSpec(kind="handle", name="Handle 2")])
    assert unique("Handle", [spec.name for spec in study.terms]) == "Handle 3"


def test_the_document_knows_nothing_of_qt() -> None:
    import subprocess

    code = "import sys, app.document.document, app.document.command_line; print('PySide6' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
