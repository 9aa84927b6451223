"""Undo of steering: named steps, each a list of Edits and the Edits that take them back."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.document.topic import Topic
from engine.protocol.edits import Edit, SetParameter, SetWeight


@dataclass
class Step:
    """One thing that a person did: `forward` does it, `backward` (in the order of `forward`) takes it back.

    gesture : steps of the same non-empty gesture (one drag, one stroke) grow into one
    confirmed : the engine has carried some of it out
    """

    name: str
    gesture: str = ""
    forward: list[Edit] = field(default_factory=list)
    backward: list[Edit | None] = field(default_factory=list)
    confirmed: bool = False

    def add(self, edit: Edit, inverse: Edit | None) -> int:
        """Grow by one Edit; returns the place of its inverse. A later value of the same thing replaces the earlier."""
        for place, earlier in enumerate(self.forward):
            if _same_target(earlier, edit):
                self.forward[place] = edit
                return -1
        self.forward.append(edit)
        self.backward.append(inverse)
        return len(self.forward) - 1


class UndoStack:
    """Steps done and undone. It only remembers: the Document carries the Edits out."""

    def __init__(self, limit: int = 500) -> None:
        self.changed = Topic()
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._limit = limit

    @property
    def undo_name(self) -> str:
        """Name of what undo would take back; "" when there is nothing."""
        return self._done[-1].name if self._done else ""

    @property
    def redo_name(self) -> str:
        return self._undone[-1].name if self._undone else ""

    def push(self, name: str, edit: Edit, inverse: Edit | None, *, gesture: str = "") -> tuple[Step, int]:
        """Remember an Edit that was carried out; returns its step and the place of its inverse (-1: merged away)."""
        self._undone.clear()
        last = self._done[-1] if self._done else None
        if last is None or not gesture or last.gesture != gesture:
            last = Step(name, gesture)
            self._done.append(last)
            del self._done[: -self._limit]
        place = last.add(edit, inverse)
        self.changed()
        return last, place

    def undo(self) -> list[Edit]:
        """The Edits that take the last step back, in the order in which they must act."""
        if not self._done:
            return []
        step = self._done.pop()
        self._undone.append(step)
        self.changed()
        return [edit for edit in reversed(step.backward) if edit is not None]

    def redo(self) -> list[Edit]:
        """The Edits that do the last undone step again."""
        if not self._undone:
            return []
        step = self._undone.pop()
        self._done.append(step)
        self.changed()
        return list(step.forward)

    def end_gesture(self) -> None:
        """What comes next is a new step, even when its gesture has the same name."""
        if self._done:
            self._done[-1].gesture = ""

    def forget(self, step: Step) -> None:
        """A step that was refused is neither undone nor redone."""
        self._done = [other for other in self._done if other is not step]
        self._undone = [other for other in self._undone if other is not step]
        self.changed()

    def clear(self) -> None:
        self._done.clear()
        self._undone.clear()
        self.changed()


def _same_target(earlier: Edit, edit: Edit) -> bool:
    if isinstance(earlier, SetWeight) and isinstance(edit, SetWeight):
        return earlier.term == edit.term
    if isinstance(earlier, SetParameter) and isinstance(edit, SetParameter):
        return (earlier.owner, earlier.name) == (edit.owner, edit.name)
    return False
