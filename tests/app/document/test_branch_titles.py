"""Titles of branches are undoable; they go along when the History renames or loses a branch."""

from __future__ import annotations

import pytest

from app.document.branch_titles import branch_title, with_branch_title
from app.document.document import Document
from app.document.project import Project
from app.document.run_record import RunRecord
from engine.protocol.snapshot import BranchesChanged, CheckpointInfo, LossesRecorded


@pytest.fixture
def document() -> Document:
    document = Document()
    document.new_run(1)
    return document


def name(document: Document, branch: str, title: str) -> None:
    document.change(f"name {branch}", with_branch_title(document.project, branch, title))


def test_a_title_is_taken_away_by_nothing_and_by_the_name_itself() -> None:
    project = with_branch_title(Project(), "branch 2", "  nose out ")
    assert branch_title(project, "branch 2") == "nose out"
    assert branch_title(project, "main") == "main"
    assert with_branch_title(project, "branch 2", "nose out") is project
    for words in ("", "  ", "branch 2"):
        assert with_branch_title(project, "branch 2", words).branch_titles == {}


def test_a_promoted_branch_keeps_its_title_also_where_undo_leads(document: Document) -> None:
    name(document, "branch 2", "nose out")
    name(document, "main", "first try")
    name(document, "branch 2", "nose far out")
    document.branches_changed(BranchesChanged(1, renamed={"branch 2": "main", "main": "earlier main"}))
    assert document.project.branch_titles == {"main": "nose far out", "earlier main": "first try"}
    document.undo()
    assert document.project.branch_titles == {"main": "nose out", "earlier main": "first try"}
    document.undo()
    assert document.project.branch_titles == {"main": "nose out"}
    document.redo()
    document.redo()
    assert document.project.branch_titles == {"main": "nose far out", "earlier main": "first try"}


def test_nothing_is_modified_by_what_undo_does_not_cover(document: Document) -> None:
    name(document, "branch 2", "nose out")
    document.mark_saved(document.project)
    document.branches_changed(BranchesChanged(1, renamed={"branch 2": "main", "main": "earlier main"}))
    assert not document.modified


def test_naming_a_branch_that_is_gone_is_no_step_any_more(document: Document) -> None:
    name(document, "main", "first try")
    name(document, "branch 2", "nose out")
    document.branches_changed(BranchesChanged(1, deleted_branch="branch 2"))
    assert document.project.branch_titles == {"main": "first try"}
    assert document.undo_stack.undo_names == ["name main"]


def test_another_run_has_other_branches_and_a_resumed_one_the_same(document: Document) -> None:
    name(document, "branch 2", "nose out")
    document.new_run(2, resumed=True)
    assert document.project.branch_titles == {"branch 2": "nose out"}
    document.new_run(3)
    assert document.project.branch_titles == {}
    assert document.undo_stack.undo_name == ""


def test_a_branch_keeps_its_number_whatever_happens_to_the_others() -> None:
    run = RunRecord(run=1)
    for id, branch in enumerate(("main", "branch 2", "branch 3")):
        run.record(LossesRecorded(1, branch, [id], {"loss": [1.0]}))
        run.checkpoints[id] = CheckpointInfo(id, None, branch, 10 * id, {})
    assert [run.branch_number(branch) for branch in run.branches()] == [0, 1, 2]
    run.branches_changed(BranchesChanged(1, renamed={"branch 3": "main", "main": "earlier main"}))
    assert {branch: run.branch_number(branch) for branch in run.branches()} == {
        "earlier main": 0, "branch 2": 1, "main": 2,
    }  # fmt: skip
    run.branches_changed(BranchesChanged(1, deleted=(1,), deleted_branch="branch 2"))
    assert run.branch_number("main") == 2
    assert run.branch_number("branch 4") == 1  # the free one
    assert (run.tip("main"), run.tip("branch 2")) == (2, None)
