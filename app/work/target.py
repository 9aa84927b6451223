"""Which object the study is about, and the handles that were placed on one before it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.project import SceneObject
from engine.protocol.edits import RemoveTerm


class Target:
    """Lets an object be the target, or the part that is predicted. Handles placed on another one go, as one step of
    undo: at once, or with the next Run where one is active that they steer."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._now: SceneObject | None = None
        self._placed_on: dict[str, SceneObject] = {}

    def use(self, name: str) -> str:
        """Let an open object be the target; returns what is to be said of it."""
        item = self._document.object(name)
        role = self._document.main_role
        if item is None or self._document.role_of(name) == role:
            return ""
        if self._now is None:
            others = self._document.objects
            self._now = next((other for other in others if self._document.role_of(other.name) == role), None)
        with self._document.scope(f"use {name} as {role}"):
            self._document.set_input(role, item)
            return self.changed(item)

    def changed(self, item: SceneObject, *, own_handles: bool = False) -> str:
        """`item` is the target now; returns what is to be said of it, "" where it is the first one.

        own_handles : the study's handles were placed on it, in the window that saved the study
        """
        before, self._now = self._now, item
        said = _tr("{0} is the target now").format(item.name)
        if own_handles or before is None:
            self._placed_on.clear()
            return "" if before is None or _same(before, item) else said
        if not _same(before, item):
            there = {spec.name: before for spec in self._document.handles()}
            self._placed_on = {name: self._placed_on.get(name, placed) for name, placed in there.items()}
        elif not self._placed_on:
            return ""  # read anew
        if self._document.run.active:
            return _tr("{0} is the target of the next run").format(item.name)
        went = self.drop_foreign_handles()
        return "; ".join([said, *([went] if went else [])])

    def renamed(self, name: str, new: str) -> None:
        """An object is called otherwise; it is still the same one."""
        if self._now is not None and self._now.name == name:
            self._now = replace(self._now, name=new)
        self._placed_on = {
            handle: replace(item, name=new) if item.name == name else item for handle, item in self._placed_on.items()
        }

    def drop_foreign_handles(self) -> str:
        """Remove the handles that were placed on another target; returns what is to be said of it."""
        now, placed_on = self._now, self._placed_on
        self._placed_on = {}
        names = {spec.name for spec in self._document.handles()}
        foreign = [name for name, item in placed_on.items() if name in names and (now is None or not _same(item, now))]
        if not foreign:
            return ""
        owner = placed_on[foreign[0]].name
        with self._document.scope(f"remove the handles of {owner}"):
            for name in foreign:
                self._document.steer(RemoveTerm(term=name), f"remove {name}")
        return _tr("the handles of {0} are removed, undo brings them back").format(owner)


def _same(one: SceneObject, other: SceneObject) -> bool:
    """Of one file, read anew in another unit or repaired; or the same object."""
    return one.name == other.name or bool(one.source and one.source == other.source)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Target", text)
