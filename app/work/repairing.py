"""Repairs of open meshes, by name: offered where a file needs them, done off the window's thread, undoable."""

from __future__ import annotations

from functools import partial
from typing import Any

from app.document.document import Document
from app.panels.error_bar import Message
from app.work.notices import Notices
from app.work.tasks import Tasks
from engine.geometry.mesh import Mesh


class Repairing:
    """Looks for what would make a mesh sound, and does it."""

    def __init__(self, document: Document, tasks: Tasks, notices: Notices) -> None:
        self._document = document
        self._tasks = tasks
        self._notices = notices

    def look(self, name: str, mesh: Mesh) -> None:
        """Offer what would make a mesh sound; a study may well run without."""

        def offer(repairs: tuple[Any, ...]) -> None:
            wanted = [repair for repair in repairs if repair.name != "drop-unreferenced"]
            item = self._document.object(name)
            if wanted and item is not None and item.geometry is mesh:
                offers = tuple((repair.title, partial(self.repair, name, repair.name)) for repair in wanted)
                remedy = "The study runs without, too."
                found = ", ".join(repair.found for repair in wanted)
                message = Message(f"{name} can be repaired: {found}.", remedy, kind="note", offers=offers, about=name)
                self._notices.said(message)

        self._tasks.do(partial(_suggest_repairs, mesh), offer, lambda error: None)

    def repair(self, name: str, repair: str) -> None:
        """Apply a repair by name to an open mesh."""
        item = self._document.object(name)
        if item is None or not isinstance(item.geometry, Mesh):
            return

        def replace(repaired: Any) -> None:
            self._document.replace_geometry(name, repaired.mesh, f"{repair_title(repair).lower()} in {name}")
            self._notices.noted(repaired.done)
            self.look(name, repaired.mesh)

        self._tasks.do(partial(_repaired, item.geometry, repair), replace, self._notices.say)


def repair_title(name: str) -> str:
    """What a repair's button says."""
    if name == "drop-invalid-triangles":
        return "Leave out broken triangles"  # a repair of what is read, before there is a mesh
    from engine.geometry.repair import REPAIRS

    return REPAIRS[name].title


def _suggest_repairs(mesh: Mesh) -> tuple[Any, ...]:
    from engine.geometry.repair import suggest_repairs

    return suggest_repairs(mesh)


def _repaired(mesh: Mesh, repair: str) -> Any:
    from engine.geometry.repair import apply_repair

    return apply_repair(repair, mesh)
