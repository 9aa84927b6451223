"""Undo: random sequences of commands come back to equal documents, also while an engine answers late and refuses."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.document.document import Document
from app.document.placement import Placement
from app.document.project import Clip, Measurement, Project, Selection
from app.document.steering import apply_edit
from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.protocol.catalogue import Catalogue
from engine.protocol.edits import Edit, PaintFreeze, RemoveTerm, SetParameter, SetTermMask, SetWeight
from engine.protocol.snapshot import EditApplied, EditRefused, SteeringRestored
from engine.protocol.study import Study

TETRAHEDRON = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)


class LateEngine:
    """Answers what it was sent some time later, refuses weights above 5, and now and then changes a value itself."""

    def __init__(self, document: Document, random: np.random.Generator) -> None:
        self.document = document
        self.random = random
        self.queue: deque[Edit] = deque()
        document.new_run(1)
        document.run.state = "running"
        document.engine.carry = self.queue.append
        self.study, self.strokes = document.study, document.strokes
        self.line: list[Edit] = []
        self.checkpoints: list[tuple[Study, tuple[PaintFreeze, ...], list[Edit]]] = []

    def work(self) -> None:
        """Some iterations: answers, a Checkpoint, a change of its own, a way back."""
        for _ in range(int(self.random.integers(0, 4))):
            self.answer()
        if self.random.random() < 0.2:
            self.checkpoints.append((self.study, self.strokes, list(self.line)))
        if self.random.random() < 0.1:
            rate = self.study.optimizer.learning_rate / 2.0
            self.apply(SetParameter(owner="optimizer", name="learning_rate", value=rate), by_engine=True)
        if self.checkpoints and self.random.random() < 0.1 and not self.queue:
            checkpoint = int(self.random.integers(len(self.checkpoints)))
            iterations = self.study.parameters.get("iterations")
            self.study, self.strokes, self.line = self.checkpoints[checkpoint]
            self.line = list(self.line)
            if iterations is not None:
                asked = SetParameter(owner="study", name="iterations", value=iterations)
                self.study, _ = apply_edit(self.study, (), asked)
                self.line.append(asked)
            told = [edit.model_dump(mode="json") for edit in self.line]
            self.document.steering_restored(SteeringRestored(1, told, checkpoint=checkpoint))

    def finish(self) -> None:
        while self.queue:
            self.answer()

    def answer(self) -> None:
        if self.queue:
            edit = self.queue.popleft()
            refused = isinstance(edit, SetWeight) and edit.weight > 5.0
            if refused:
                self.document.edit_refused(EditRefused(1, 1, edit.model_dump(mode="json")))
            else:
                self.apply(edit)

    def apply(self, edit: Edit, *, by_engine: bool = False) -> None:
        try:
            self.study, self.strokes = apply_edit(self.study, self.strokes, edit)
            self.line.append(edit)
        except ParameterError:
            self.document.edit_refused(EditRefused(1, 1, edit.model_dump(mode="json")))
        else:
            self.document.edit_applied(EditApplied(1, 1, edit.model_dump(mode="json"), by_engine=by_engine))

    def agrees(self) -> bool:
        """It holds the same Terms and values as the document; a value that is missing is the default."""
        defaults = {"resolution": 32, "iterations": 300}
        mine, theirs = self.study, self.document.study
        return (
            {spec.name: spec for spec in mine.terms} == {spec.name: spec for spec in theirs.terms}
            and mine.optimizer == theirs.optimizer
            and {**defaults, **mine.parameters} == {**defaults, **theirs.parameters}
            and self.strokes == self.document.strokes
        )


def commands(document: Document, random: np.random.Generator, number: int) -> Callable[[], object]:
    """One thing that a person could do now, by chance."""
    project = document.project
    mesh = Mesh(TETRAHEDRON * (1.0 + number), FACES, name="part")
    names = [item.name for item in project.objects]
    terms = [spec.name for spec in project.study.terms]
    value = float(random.integers(1, 7))
    gesture = f"drag {number // 4}" if random.random() < 0.5 else ""
    offered: list[Callable[[], object]] = [
        lambda: document.add_object(mesh),
        lambda: document.add_object(mesh, source="/data/part.stl"),
        lambda: document.add_term("volume", "Volume"),
        lambda: document.steer(SetParameter(owner="study", name="resolution", value=8 * int(value)), "resolution"),
        lambda: document.steer(
            SetParameter(owner="optimizer", name="decay", value=value / 2), "decay", gesture=gesture
        ),
        lambda: document.steer(PaintFreeze(centres=[(value, 0.0, 0.0)], radius=1.0), "freeze", gesture=gesture),
        lambda: document.change("clip", replace(project, clip=Clip(origin=(value, 0.0, 0.0)))),
        lambda: document.change("measure", replace(project, measurements=(Measurement("distance", (), value),))),
        lambda: document.change("name", replace(project, branch_titles={"main": f"name {number}"})),
    ]
    if names:
        name = names[int(random.integers(len(names)))]
        selection = Selection(f"s{int(value) % 2}", name, random.random(4).astype(np.float32))
        offered += [
            lambda: document.remove_object(name),
            lambda: document.replace_geometry(name, mesh, "repair"),
            lambda: document.set_visible(name, random.random() < 0.5),
            lambda: document.change("rename", project.with_object(name, name=document.free_name("other"))),
            lambda: document.change("move", project.with_object(name, placement=Placement((value, 0.0, 0.0)))),
            lambda: document.change("select", project.with_selection(selection)),
        ]
    if terms:
        term = terms[int(random.integers(len(terms)))]
        offered += [
            lambda: document.steer(SetWeight(term=term, weight=value), "weight", gesture=gesture),
            lambda: document.steer(SetParameter(owner=term, name="enabled", value=value > 3), "enabled"),
            lambda: document.steer(RemoveTerm(term=term), "remove"),
        ]
    if terms and project.selections:
        mask = project.selections[0].name
        offered += [
            lambda: document.steer(SetTermMask(term=term, mask=mask, outside=value / 10), "mask"),
            lambda: document.change("forget", project.without_selection(mask)),
        ]
    return offered[int(random.integers(len(offered)))]


def play(document: Document, random: np.random.Generator, count: int, engine: LateEngine | None) -> None:
    for number in range(count):
        chance = random.random()
        if chance < 0.15:
            document.undo()
        elif chance < 0.25:
            document.redo()
        elif chance < 0.35:
            with document.scope("several"):
                for _ in range(3):
                    commands(document, random, number)()
        else:
            commands(document, random, number)()
        if engine is not None:
            engine.work()


def all_the_way_back_and_forth(document: Document, settle: Callable[[], object]) -> None:
    """Undo everything and redo everything: every Project on the way is met again."""
    while document.undo_stack.redo_name:
        document.redo()
        settle()
    met = [document.project]
    while document.undo_stack.undo_name:
        document.undo()
        settle()
        met.append(document.project)
    for project in reversed(met[:-1]):
        document.redo()
        settle()
        assert document.project == project
    assert document.undo_stack.redo_name == ""


@pytest.mark.parametrize("block", range(4))
def test_random_sequences_come_back_to_equal_documents(catalogue: Catalogue, block: int) -> None:
    for seed in range(block * 500, (block + 1) * 500):
        document = Document()
        document.set_catalogue(catalogue)
        start = document.project
        play(document, np.random.default_rng(seed), 14, None)
        all_the_way_back_and_forth(document, lambda: None)
        while document.undo_stack.undo_name:
            document.undo()
        assert document.project == start and not document.modified


@pytest.mark.parametrize("block", range(4))
def test_random_sequences_beside_a_run(catalogue: Catalogue, block: int) -> None:
    """The engine answers late, refuses, changes values itself and goes back; in the end both hold the same."""
    for seed in range(block * 500, (block + 1) * 500):
        random = np.random.default_rng(seed)
        document = Document()
        document.set_catalogue(catalogue)
        engine = LateEngine(document, random)
        play(document, random, 14, engine)
        engine.finish()
        assert engine.agrees(), seed
        all_the_way_back_and_forth(document, engine.finish)
        assert engine.agrees(), seed


def test_what_the_engine_refused_leaves_the_steps_after_it(catalogue: Catalogue) -> None:
    document = Document()
    document.set_catalogue(catalogue)
    engine = LateEngine(document, np.random.default_rng(0))
    document.steer(SetWeight(term="Smoothness", weight=9.0), "too much")
    document.steer(SetWeight(term="Fit to scan", weight=2.0), "fit")
    engine.finish()
    assert document.study.term("Smoothness").weight == 0.2 and document.study.term("Fit to scan").weight == 2.0
    assert document.undo_stack.undo_names == ["fit"]
    document.undo()
    assert document.study.term("Smoothness").weight == 0.2 and document.study.term("Fit to scan").weight == 1.0


def test_a_scope_is_one_step(catalogue: Catalogue) -> None:
    document = Document()
    document.set_catalogue(catalogue)
    before = document.project
    with document.scope("tidy up"), document.scope("within"):
        document.steer(SetWeight(term="Smoothness", weight=1.0), "one")
        document.steer(SetWeight(term="Fit to scan", weight=3.0), "two")
    assert document.undo_stack.undo_names == ["tidy up"]
    document.undo()
    assert document.project == before


def test_what_is_equal_is_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The title asks whether something is modified, several times a second while a Run goes on."""
    document = Document()
    document.add_object(Mesh(TETRAHEDRON, FACES, name="part"), source="/part.ply")
    document.mark_saved(document.project)
    document.add_object(Mesh(TETRAHEDRON.copy(), FACES, name="part"), source="/part.ply")
    compared = []
    equal = np.array_equal

    def array_equal(*arrays: Any, **how: Any) -> bool:
        compared.append(arrays)
        return equal(*arrays, **how)

    monkeypatch.setattr(np, "array_equal", array_equal)
    assert not document.modified and compared
    before = len(compared)
    assert not any(document.modified for _ in range(20))
    assert len(compared) == before
    document.set_visible("part", False)
    assert document.modified
    document.undo()
    assert not document.modified


def test_modified_is_exact(catalogue: Catalogue) -> None:
    document = Document()
    document.set_catalogue(catalogue)
    assert not document.modified
    part = document.add_object(Mesh(TETRAHEDRON, FACES, name="part"))
    written = document.project
    document.mark_saved(written)
    assert not document.modified
    document.change("move", document.project.with_object(part.name, placement=Placement((1.0, 0.0, 0.0))))
    assert document.modified
    document.undo()
    assert not document.modified
    document.set_visible(part.name, False)
    document.set_visible(part.name, True)
    assert not document.modified  # as the file has it, though by two steps
    document.undo()
    assert document.modified
    document.mark_saved(written)  # a writing that began before has ended now
    assert document.modified


def test_the_oldest_steps_go_when_the_budget_is_spent(catalogue: Catalogue) -> None:
    document = Document(undo_budget=10_000_000)
    document.set_catalogue(catalogue)
    vertices = np.zeros((100_000, 3))  # 2.4 MB
    document.add_object(Mesh(vertices, np.zeros((0, 3), np.int32), name="large"), source="/data/large.stl")
    for number in range(9):
        mesh = Mesh(vertices + number, np.zeros((0, 3), np.int32), name="large")
        document.replace_geometry("large", mesh, f"repair {number}")
        assert document.undo_stack.bytes(document.project) <= 10_000_000
    assert document.undo_stack.undo_names == [f"repair {number}" for number in (8, 7, 6, 5)]
    for number in (7, 6, 5, 4):
        document.undo()
        assert float(document.objects[0].positions[0, 0]) == number
    assert document.undo_stack.undo_name == ""


def test_a_mask_goes_with_its_selection_and_undo_brings_both_back(catalogue: Catalogue) -> None:
    document = Document()
    document.set_catalogue(catalogue)
    part = document.add_object(Mesh(TETRAHEDRON, FACES, name="part"))
    document.change("select", document.project.with_selection(Selection("nose", part.name, np.ones(4, np.float32))))
    document.steer(SetTermMask(term="Smoothness", mask="nose"), "mask")
    before = document.project
    document.remove_object(part.name)
    assert document.study.term("Smoothness").mask == "" and document.project.selections == ()
    document.undo()
    assert document.project == before


def test_values_outside_of_a_selection_are_refused() -> None:
    with pytest.raises(ParameterError, match="between 0 and 1"):
        Selection("nose", "part", np.array([0.5, np.nan]))
    with pytest.raises(ParameterError, match="position"):
        Selection("nose", "result", np.ones(2), np.zeros((1, 3)))


def test_projects_are_equal_by_content() -> None:
    def project(scale: float) -> Project:
        document = Document()
        document.add_object(Mesh(TETRAHEDRON * scale, FACES, name="part"))
        return document.project

    assert project(1.0) == project(1.0)
    assert project(1.0) != project(2.0)
