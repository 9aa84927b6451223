"""A Run that is taken up again: the document is what it was, and the engine follows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests_app_fakes import fake_catalogue

from app.document.document import Document
from app.document.project import Selection
from engine.geometry.mesh import Mesh
from engine.protocol.edits import (
    Edit,
    PaintFreeze,
    Rewind,
    SetFrozen,
    SetMask,
    SetTermMask,
    SetWeight,
)
from engine.protocol.snapshot import EditApplied, SteeringRestored

TETRAHEDRON = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]), np.array([[0, 2, 1]]), name="part")
STROKE = PaintFreeze(centres=[(0.0, 0.0, 0.0)], radius=1.0)


@pytest.fixture
def document() -> Document:
    document = Document()
    document.set_catalogue(fake_catalogue())
    document.add_object(TETRAHEDRON)
    return document


def taken_up(document: Document) -> list[Edit]:
    """A Run is being taken up; returns what is sent to it."""
    sent: list[Edit] = []
    document.engine.carry = sent.append
    document.new_run(2, resumed=True)
    return sent


def restored(document: Document, *edits: Edit) -> None:
    """The engine says what it has: the study as it was begun with, and Edits."""
    begun = document.study.model_copy(update={"terms": document.catalogue.studies[0].default_terms})  # type: ignore[union-attr]
    told = [edit.model_dump(mode="json") for edit in edits]
    document.steering_restored(SteeringRestored(2, told, study=begun.model_dump(mode="json")))


def applied(document: Document, edit: Edit) -> None:
    document.edit_applied(EditApplied(2, 5, edit.model_dump(mode="json")))


def test_strokes_that_the_engine_repeats_are_not_painted_twice(document: Document) -> None:
    document.steer(STROKE, "freeze")
    document.steer(SetWeight(term="Smoothness", weight=0.7), "weight")
    steps = list(document.undo_stack.undo_names)
    sent = taken_up(document)
    applied(document, STROKE)  # it acted after the last save, and acts again
    applied(document, SetWeight(term="Smoothness", weight=0.7))
    assert document.strokes == (STROKE,)
    restored(document, STROKE, SetWeight(term="Smoothness", weight=0.7))
    assert document.strokes == (STROKE,) and document.study.term("Smoothness").weight == 0.7
    assert sent == [] and document.undo_stack.undo_names == steps, "nothing is to be done"


def test_what_the_engine_never_heard_of_is_sent_to_it(document: Document) -> None:
    document.steer(STROKE, "freeze")
    document.steer(SetWeight(term="Smoothness", weight=0.7), "weight")
    sent = taken_up(document)
    restored(document)
    assert sent == [SetWeight(term="Smoothness", weight=0.7), STROKE]
    assert document.strokes == (STROKE,) and document.study.term("Smoothness").weight == 0.7
    for edit in list(sent):
        applied(document, edit)
    assert document.strokes == (STROKE,)


def test_what_the_document_has_taken_back_is_taken_back_in_the_engine(document: Document) -> None:
    sent = taken_up(document)
    restored(document, STROKE, SetWeight(term="Smoothness", weight=0.7))
    assert sent == [SetWeight(term="Smoothness", weight=0.2), SetFrozen(strokes=[])]
    assert document.strokes == () and document.study.term("Smoothness").weight == 0.2


def test_what_is_changed_while_it_comes_back_is_not_sent_twice(document: Document) -> None:
    sent = taken_up(document)
    document.run.state = "preparing"
    document.steer(SetWeight(term="Smoothness", weight=0.9), "weight")
    restored(document)
    assert sent == [SetWeight(term="Smoothness", weight=0.9)]
    applied(document, sent[0])
    assert document.study.term("Smoothness").weight == 0.9


def masked(document: Document) -> SetMask:
    selection = Selection("rim", "part", np.array([0.0, 0.0, 1.0, 1.0]))
    document.change("select", document.project.with_selection(selection))
    document.steer(SetTermMask(term="Smoothness", mask="rim"), "mask")
    sent = taken_up(document)
    restored(document)
    mask, term = sent
    assert isinstance(mask, SetMask) and term == SetTermMask(term="Smoothness", mask="rim"), "the mask comes first"
    return mask


def test_masks_that_it_has_are_not_sent_again_and_those_it_lacks_are(document: Document) -> None:
    mask = masked(document)
    sent = taken_up(document)
    restored(document, mask, SetTermMask(term="Smoothness", mask="rim"))
    assert sent == []
    rim = document.project.selection("rim")
    assert rim is not None
    document.run.state = "stopped"
    document.change("grow", document.project.with_selection(replace(rim, values=np.ones(4, np.float32))))
    sent = taken_up(document)
    restored(document, mask, SetTermMask(term="Smoothness", mask="rim"))
    (newer,) = sent
    assert isinstance(newer, SetMask) and newer.values.tolist() == [1.0] * 4


def test_going_back_brings_the_mask_that_the_document_has_now(document: Document) -> None:
    """A selection is the document's: what a Checkpoint held under its name is replaced."""
    mask = masked(document)
    applied(document, mask)
    applied(document, SetTermMask(term="Smoothness", mask="rim"))
    sent: list[Edit] = []
    document.engine.carry = sent.append
    document.run.state = "running"
    old = mask.model_copy(update={"values": np.zeros(4, np.float32)})
    line = [edit.model_dump(mode="json") for edit in (old, SetTermMask(term="Smoothness", mask="rim"))]
    document.steering_restored(SteeringRestored(2, line, checkpoint=3))
    assert sent == [mask]


def test_going_back_to_a_checkpoint_that_this_window_never_saw(document: Document) -> None:
    document.steer(SetWeight(term="Smoothness", weight=0.7), "weight")
    taken_up(document)
    restored(document, SetWeight(term="Smoothness", weight=0.7))
    document.run.state = "running"
    sent: list[Edit] = []
    document.engine.carry = sent.append
    before = SetWeight(term="Smoothness", weight=0.4)
    line = [before.model_dump(mode="json"), STROKE.model_dump(mode="json")]
    document.steering_restored(SteeringRestored(2, line, checkpoint=1))
    applied(document, Rewind(checkpoint=1))
    assert document.study.term("Smoothness").weight == 0.4 and document.strokes == (STROKE,)
    assert sent == [] and document.undo_stack.undo_name == "the terms of checkpoint 1"
    document.undo()
    assert document.study.term("Smoothness").weight == 0.7 and document.strokes == ()
    assert {edit.edit for edit in sent} == {"set-weight", "set-frozen"}, "undo never takes the run back"


def test_what_went_back_while_it_was_taken_up_is_part_of_what_it_says_in_the_end(document: Document) -> None:
    document.steer(SetWeight(term="Smoothness", weight=0.4), "weight")
    sent = taken_up(document)
    document.steering_restored(SteeringRestored(2, [], checkpoint=1))
    assert document.study.term("Smoothness").weight == 0.4
    restored(document, SetWeight(term="Smoothness", weight=0.4))
    assert sent == [] and document.undo_stack.undo_names[0] != "the terms of checkpoint 1"
