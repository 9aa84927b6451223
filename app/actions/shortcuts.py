"""Shortcuts: the ones that come with the actions, and what a person has set in their place. No widgets in here."""

from __future__ import annotations

from typing import Any

from PySide6.QtGui import QKeySequence

from app.document.settings_file import SettingsFile
from app.document.topic import Topic

KEY = "shortcuts"
"""Where they stand in the SettingsFile: `{"run.toggle": "Ctrl+Return"}`, several separated by "; ", none as ""."""


class Shortcuts:
    """Portable texts of key sequences ("Ctrl+O") by action. `changed` is told the id of an action.

    file : where they are kept; None keeps nothing
    """

    def __init__(self, file: SettingsFile | None = None) -> None:
        self.changed = Topic()
        self._file = file or SettingsFile()
        self._own: dict[str, str] = {}
        self._set = _texts(self._file.get(KEY))

    def declare(self, id: str, own: str) -> None:
        """An action and the shortcut that it comes with."""
        self._own[id] = own

    def of(self, id: str) -> list[str]:
        """Every shortcut of an action; the first one is shown."""
        return _split(self._set.get(id, self._own.get(id, "")))

    def shown(self, id: str) -> str:
        """The one that menus and tooltips show, as the platform writes it; "" for none."""
        texts = self.of(id)
        return QKeySequence(texts[0]).toString(QKeySequence.SequenceFormat.NativeText) if texts else ""

    def is_own(self, id: str) -> bool:
        """Whether an action has the shortcut that it comes with."""
        return self.of(id) == _split(self._own.get(id, ""))

    def taken_by(self, shortcut: str, *, other_than: str = "") -> str:
        """The action that a shortcut belongs to, or one that begins with the same keys; "" where it is free."""
        others = (id for id in self._own if id != other_than)
        return next((id for id in others if any(_collide(text, shortcut) for text in self.of(id))), "")

    def set(self, id: str, shortcuts: list[str]) -> None:
        """Give an action these shortcuts in place of its own, and take them away from whoever has them."""
        for shortcut in shortcuts:
            holder = self.taken_by(shortcut, other_than=id)
            while holder:
                self._put(holder, [text for text in self.of(holder) if not _collide(text, shortcut)])
                holder = self.taken_by(shortcut, other_than=id)
        self._put(id, shortcuts)

    def reset(self, id: str) -> None:
        """The shortcut that an action comes with, unless another action has it by now: that one keeps it."""
        free = [text for text in _split(self._own.get(id, "")) if not self.taken_by(text, other_than=id)]
        self._put(id, free)

    def reset_all(self) -> None:
        """Every action has its own shortcut again."""
        changed = [id for id in self._own if not self.is_own(id)]
        self._set = {id: text for id, text in self._set.items() if id not in self._own}
        self._keep()
        for id in changed:
            self.changed(id)

    def _put(self, id: str, shortcuts: list[str]) -> None:
        if self.of(id) == shortcuts:
            return
        self._set[id] = "; ".join(shortcuts)
        if self.is_own(id):
            del self._set[id]
        self._keep()
        self.changed(id)

    def _keep(self) -> None:
        self._file.set(KEY, dict(self._set) or None)


def _collide(one: str, other: str) -> bool:
    """The same keys, or the beginning of the other's."""
    first, second = QKeySequence(one), QKeySequence(other)
    none = QKeySequence.SequenceMatch.NoMatch
    return first.matches(second) != none or second.matches(first) != none


def _split(text: str) -> list[str]:
    return [part for part in text.split("; ") if part]


def _texts(kept: Any) -> dict[str, str]:
    """What a file holds, without what is no shortcut."""
    if not isinstance(kept, dict):
        return {}
    known = {id: text for id, text in kept.items() if isinstance(id, str) and isinstance(text, str)}
    return {id: text for id, text in known.items() if all(QKeySequence(part).toString() for part in _split(text))}
