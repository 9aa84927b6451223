"""Undo: named steps from one Project to the next, under a budget of bytes."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from app.document.difference import edits_between, steered_study
from app.document.project import Project
from app.document.steering import apply_edit
from app.document.topic import Topic
from engine.core.errors import ParameterError
from engine.protocol.catalogue import Catalogue
from engine.protocol.edits import AddTerm, Edit, RemoveTerm

DEFAULT_BUDGET = 2**29
"""Bytes that earlier and undone Projects may hold beside the present one."""


@dataclass
class Step:
    """One thing that a person did: it led from `before` to `after`.

    gesture : changes of the same non-empty gesture (one drag, one stroke) grow into one step
    """

    name: str
    gesture: str
    before: Project
    after: Project


class UndoStack:
    """Steps done and undone. It only remembers: the Document takes the Projects over.

    budget : bytes that the remembered Projects may hold beside the present one; the oldest steps go first
    limit : steps remembered at most
    """

    def __init__(self, *, budget: int = DEFAULT_BUDGET, limit: int = 1000) -> None:
        self.changed = Topic()
        self.budget = budget
        self._limit = limit
        self._done: list[Step] = []
        self._undone: list[Step] = []

    @property
    def undo_name(self) -> str:
        """Name of what undo would take back; "" when there is nothing."""
        return self._done[-1].name if self._done else ""

    @property
    def redo_name(self) -> str:
        return self._undone[-1].name if self._undone else ""

    @property
    def undo_names(self) -> list[str]:
        """Everything that can be undone, the last step first."""
        return [step.name for step in reversed(self._done)]

    @property
    def redo_names(self) -> list[str]:
        """Everything that can be redone, the next step first."""
        return [step.name for step in reversed(self._undone)]

    def push(self, name: str, before: Project, after: Project, *, gesture: str = "") -> Step:
        """Remember a change that was made; returns its step, which may be an earlier one of the same gesture."""
        self._undone.clear()
        last = self._done[-1] if self._done else None
        if last is not None and self.goes_on(gesture):
            grown = last.after.arrays.keys() != after.arrays.keys()
            last.after = after
        else:
            grown = True
            last = Step(name, gesture, before, after)
            self._done.append(last)
            del self._done[: -self._limit]
        if grown:
            self._keep_budget(after)
        self.changed()
        return last

    def undo(self) -> Project | None:
        """The Project before the last step; None when there is nothing to undo."""
        if not self._done:
            return None
        step = self._done.pop()
        step.gesture = ""
        self._undone.append(step)
        self.changed()
        return step.before

    def redo(self) -> Project | None:
        """The Project after the step undone last; None when there is nothing to redo."""
        if not self._undone:
            return None
        step = self._undone.pop()
        self._done.append(step)
        self.changed()
        return step.after

    def goes_on(self, gesture: str) -> bool:
        """The next change of this gesture grows the last step."""
        return bool(gesture and self._done and self._done[-1].gesture == gesture)

    def end_gesture(self) -> None:
        """What comes next is a new step, even when its gesture has the same name."""
        if self._done:
            self._done[-1].gesture = ""

    def rewrite(self, change: Callable[[Project], Project]) -> None:
        """Let every remembered Project be what `change` makes of it (the same object where it changes nothing): what
        happened to the Run outside undo. A step that is nothing any more goes."""
        nothing = set()
        for step in [*self._done, *self._undone]:
            before, after = change(step.before), change(step.after)
            if (before is not step.before or after is not step.after) and before == after:
                nothing.add(id(step))
            step.before, step.after = before, after
        if nothing:
            self._done = [step for step in self._done if id(step) not in nothing]
            self._undone = [step for step in self._undone if id(step) not in nothing]
            self.changed()

    def rebase(self, step: Step, refused: Edit, correction: list[Edit], catalogue: Catalogue | None) -> None:
        """Take an Edit that the engine refused out of its step, and out of the Projects of the steps after it.

        correction : the Edits that lead from what was wanted back to what holds
        A step that is nothing without it goes.
        """
        timeline = [*self._done, *reversed(self._undone)]
        place = next((place for place, other in enumerate(timeline) if other is step), None)
        if place is None:
            return
        project = step.before
        for other in timeline[place:]:
            if other.before.study.study == other.after.study.study:
                edits = edits_between(other.before, other.after, catalogue)
                if other is step and _in_effect(refused, other.after):
                    edits += correction
                other.after = _with_edits(project, other.after, edits, catalogue)
            other.before, project = project, other.after
        if step.after == step.before:
            self._done = [other for other in self._done if other is not step]
            self._undone = [other for other in self._undone if other is not step]
        self.changed()

    def clear(self) -> None:
        self._done.clear()
        self._undone.clear()
        self.changed()

    def bytes(self, present: Project) -> int:
        """Bytes that are held for undo and redo alone."""
        sizes: dict[int, int] = {}
        for step in (*self._done, *self._undone):
            sizes |= step.before.arrays | step.after.arrays
        return sum(size for key, size in sizes.items() if key not in present.arrays)

    def _keep_budget(self, present: Project) -> None:
        """Drop the oldest steps until what they alone hold fits; the last step stays, whatever it holds."""
        held: Counter[int] = Counter()
        sizes: dict[int, int] = {}
        for step in self._done:
            for project in (step.before, step.after):
                sizes |= project.arrays
                held.update(project.arrays.keys())
        total = sum(size for key, size in sizes.items() if key not in present.arrays)
        dropped = 0
        while total > self.budget and dropped < len(self._done) - 1:
            for project in (self._done[dropped].before, self._done[dropped].after):
                for key in project.arrays:
                    held[key] -= 1
                    if not held[key] and key not in present.arrays:
                        total -= sizes[key]
            dropped += 1
        del self._done[:dropped]


def _with_edits(project: Project, later: Project, edits: list[Edit], catalogue: Catalogue | None) -> Project:
    """`later`, but what Edits change follows from `project` and these Edits."""
    study, strokes = project.study, project.strokes
    for edit in edits:
        with contextlib.suppress(ParameterError):
            study, strokes = apply_edit(study, strokes, edit)
    return replace(later, study=steered_study(later.study, study, catalogue), strokes=strokes)


def _in_effect(edit: Edit, project: Project) -> bool:
    """Whether the Project is as if the Edit had just been made; a later one of its gesture may have taken over."""
    try:
        return apply_edit(project.study, project.strokes, edit) == (project.study, project.strokes)
    except ParameterError:
        return isinstance(edit, AddTerm | RemoveTerm)
