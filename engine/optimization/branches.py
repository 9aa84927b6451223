"""What a person does to the branches of a History: rename, promote, delete. None of it touches the descent."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.errors import ParameterError
from engine.optimization.history import MAIN_BRANCH
from engine.optimization.run import Run
from engine.protocol import snapshot as seen


def rename_branch(run: Run, branch: str, name: str) -> None:
    """Call `branch` `name`; raises `ParameterError` where there is none, or another one has that name."""
    _require(run, branch)
    name = name.strip()
    if not name:
        raise ParameterError("branch", "a branch needs a name.", remedy="Type one.")
    if name == branch:
        return
    if name in run.history.branches:
        raise ParameterError("branch", f"there is a branch {name!r} already.", remedy="Choose another name.")
    _call(run, {branch: name})


def promote_branch(run: Run, branch: str, old: str = "") -> None:
    """Make `branch` the main one; the branch that was it gets the name `old`, or a made-up one."""
    _require(run, branch)
    if branch == MAIN_BRANCH:
        return
    names = {branch: MAIN_BRANCH}
    if MAIN_BRANCH in run.history.branches:
        others = [name for name in run.history.branches if name not in (branch, MAIN_BRANCH)]
        old = old.strip()
        if old == MAIN_BRANCH or old in others:
            raise ParameterError("branch", f"there is a branch {old!r} already.", remedy="Choose another name.")
        names[MAIN_BRANCH] = old or _made_up([*others, MAIN_BRANCH])
    _call(run, names)


def delete_branch(run: Run, branch: str) -> None:
    """Remove `branch`; raises `ParameterError` for the one on which the Run descends."""
    _require(run, branch)
    if branch == run.branch:
        raise ParameterError(
            "branch", f"the run descends on {branch!r} now.", remedy="Continue from a Checkpoint of another one first."
        )
    run.events.flush(run.branch)
    removed, moved = run.history.delete_branch(branch, tip=run.checkpoint_above, tip_branch=run.branch)
    run.events.add(seen.BranchesChanged(run.number, moved=moved, deleted=tuple(removed), deleted_branch=branch))


def _call(run: Run, names: Mapping[str, str]) -> None:
    """Call branches otherwise: new names by old ones, all at once."""
    run.events.flush(run.branch)
    run.history.rename_branches(names)
    run.branch = names.get(run.branch, run.branch)
    run.events.add(seen.BranchesChanged(run.number, renamed=dict(names)))


def _require(run: Run, branch: str) -> None:
    if branch not in run.history.branches:
        known = ", ".join(run.history.branches)
        raise ParameterError("branch", f"the History has no branch {branch!r}.", remedy=f"It has {known}.")


def _made_up(taken: list[str]) -> str:
    count = 1
    while (name := f"earlier main {count}" if count > 1 else "earlier main") in taken:
        count += 1
    return name
