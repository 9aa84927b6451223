"""Branches renamed, promoted and deleted: names and Checkpoints move, numbers and the descent stay."""

from __future__ import annotations

import numpy as np
import pytest
from sphere_study import SphereProblem

from engine.core.errors import ParameterError
from engine.optimization.branches import delete_branch, promote_branch, rename_branch
from engine.optimization.run import Run
from engine.protocol import edits, snapshot
from engine.protocol.study import OptimizerSpec


def make_run() -> Run:
    """main: Checkpoints at 0, 5, ... 20; "side" from 10 to 20; "late" from 15 of main."""
    run = Run(SphereProblem(), OptimizerSpec(learning_rate=0.02), 20)
    descend(run)
    for checkpoint, name in ((2, "side"), (3, "late")):
        run.send(edits.Rewind(checkpoint=checkpoint, branch=name))
        run.apply_edits()
        descend(run)
    run.take_events()
    return run


def descend(run: Run) -> None:
    while run.step():
        pass


def branches_of(run: Run) -> dict[int, str]:
    return {info.id: info.branch for info in run.history.infos()}


def changes(run: Run) -> list[snapshot.BranchesChanged]:
    return [event for event in run.take_events() if isinstance(event, snapshot.BranchesChanged)]


def test_a_renamed_branch_keeps_checkpoints_and_losses() -> None:
    run = make_run()
    before = branches_of(run)
    losses = run.history.losses("side")[1]["loss"]
    rename_branch(run, "side", "  smoother ")
    assert branches_of(run) == {number: {"side": "smoother"}.get(name, name) for number, name in before.items()}
    assert np.array_equal(run.history.losses("smoother")[1]["loss"], losses)
    assert [event.renamed for event in changes(run)] == [{"side": "smoother"}]
    rename_branch(run, "late", "present")
    assert run.branch == "present"
    for name in ("", "main"):
        with pytest.raises(ParameterError):
            rename_branch(run, "smoother", name)
    with pytest.raises(ParameterError, match="no branch 'side'"):
        rename_branch(run, "side", "other")


def test_a_promoted_branch_is_main_and_the_old_one_gets_a_name() -> None:
    run = make_run()
    before = branches_of(run)
    promote_branch(run, "side")
    assert branches_of(run) == {n: {"side": "main", "main": "earlier main"}.get(b, b) for n, b in before.items()}
    assert [event.renamed for event in changes(run)] == [{"side": "main", "main": "earlier main"}]
    with pytest.raises(ParameterError, match="already"):
        promote_branch(run, "earlier main", old="late")
    promote_branch(run, "earlier main", old="side")
    assert branches_of(run) == before
    promote_branch(run, "main")
    assert branches_of(run) == before


def test_a_deleted_leaf_is_gone_and_no_number_is_given_twice() -> None:
    run = make_run()
    gone = [number for number, branch in branches_of(run).items() if branch == "side"]
    memory = run.history.memory
    delete_branch(run, "side")
    assert "side" not in run.history.branches and not set(gone) & set(branches_of(run))
    assert run.history.memory < memory
    event = changes(run)[0]
    assert (event.deleted, event.moved, event.deleted_branch) == (tuple(gone), {}, "side")
    with pytest.raises(ParameterError, match=f"no Checkpoint {gone[0]}"):
        run.rewind(gone[0])
    newest = max(branches_of(run))
    delete = run.checkpoint().id
    assert delete == newest + 1
    run.rewind(3, "again")
    delete_branch(run, "late")
    assert run.checkpoint().id > delete


def test_what_others_descend_from_outlives_its_branch_as_part_of_the_oldest_of_them() -> None:
    run = make_run()
    trunk = [info for info in run.history.infos() if info.branch == "main"]
    whole = run.history.losses("main")[1]["loss"]
    delete_branch(run, "main")
    branches = branches_of(run)
    kept = {info.id: "side" if info.iteration <= 10 else "late" for info in trunk if info.iteration <= 15}
    assert {number: branch for number, branch in branches.items() if number in {i.id for i in trunk}} == kept
    assert changes(run)[0].moved == kept
    assert all(info.parent is None or info.parent in branches for info in run.history.infos())
    iterations, losses = run.history.losses("late")
    assert iterations.tolist() == list(range(20)) and np.array_equal(losses["loss"][:15], whole[:15])
    iterations, losses = run.history.losses("side")
    assert iterations.tolist() == list(range(20)) and np.array_equal(losses["loss"][:10], whole[:10])
    run.rewind(1)
    assert run.iteration == 5


def test_the_line_of_the_run_is_kept_even_before_its_branch_has_a_checkpoint() -> None:
    run = make_run()
    run.rewind(5, "fresh")
    assert branches_of(run)[5] == "side" and "fresh" not in branches_of(run).values()
    delete_branch(run, "side")
    assert branches_of(run)[5] == "fresh"
    with pytest.raises(ParameterError, match="descends on 'fresh'"):
        delete_branch(run, "fresh")
    run.send(edits.Resume())
    descend(run)
    assert run.status == "finished"


def test_names_and_deletions_do_not_touch_the_descent() -> None:
    plain, changed = make_run(), make_run()
    rename_branch(changed, "late", "now")
    delete_branch(changed, "side")
    for run in (plain, changed):
        run.send(edits.SetParameter(owner="study", name="iterations", value=40))
        run.send(edits.Resume())
        run.apply_edits()
        descend(run)
    radii = [run.problem.tensors()["radii"].detach().numpy() for run in (plain, changed)]
    assert np.array_equal(*radii)
    assert plain.history.infos()[-1].id == changed.history.infos()[-1].id
