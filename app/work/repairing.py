"""Repairs of open meshes, by name: offered where a file needs them, done off the window's thread, undoable."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.panels.error_bar import Message
from app.work.notices import Notices
from app.work.tasks import Tasks
from engine.geometry.mesh import Mesh

if TYPE_CHECKING:
    from engine.geometry.repair import Suggestion

ALL = "all"
"""Every repair that a mesh needs, one after the other."""
MOST_OFFERS = 3
"""Buttons that a bar has at most."""
APART_FROM = 50_000
"""Triangles from which the work gets a process of its own: Python would slow the window down beside it."""
UNSAID = ("drop-unreferenced",)
"""Repairs that nobody needs to be asked for: what they change is not seen."""


class Repairing:
    """Looks for what would make a mesh sound, and does it."""

    def __init__(self, document: Document, tasks: Tasks, notices: Notices) -> None:
        self._document = document
        self._tasks = tasks
        self._notices = notices

    def titles(self) -> list[tuple[str, str, str]]:
        """Name, title and help of every repair, in the order in which they are best applied."""
        from engine.geometry.repair import REPAIRS

        return [
            (name, repair.title, repair.help)
            for name, repair in REPAIRS.items()
            if name not in (*UNSAID, "drop-non-finite")  # an open mesh has numbers only
        ]

    def look(self, name: str, *, asked: bool = False) -> None:
        """Offer what would make an open mesh sound; a study may well run without.

        asked : somebody wants to know, and hears also that nothing is wrong
        """
        mesh = self._mesh(name)
        if mesh is None:
            return

        def offer(found: tuple[Suggestion, ...]) -> None:
            wanted = [suggestion for suggestion in found if suggestion.name not in UNSAID]
            if self._mesh(name) is not mesh:
                return
            if not wanted:
                if asked:
                    self._notices.noted(_tr("{0} needs no repair").format(name))
                return
            repairs = [(suggestion.title, suggestion.name) for suggestion in wanted]
            if len(wanted) > 1:
                repairs = [*repairs[: MOST_OFFERS - 1], (_tr("Repair all"), ALL)]
            text = _tr("{0} has {1}.").format(name, listed([suggestion.found for suggestion in wanted]))
            offers = tuple((title, partial(self.repair, name, repair)) for title, repair in repairs)
            remedy = _tr("The study runs without repairs, too.")
            self._notices.said(Message(text, remedy, kind="note", offers=offers, about=name))

        self._do(mesh, partial(_suggestions, mesh), offer, lambda error: None, _tr("Checking {0}").format(name))

    def repair(self, name: str, repair: str) -> None:
        """Apply a repair by name, or `ALL`, to an open mesh."""
        mesh = self._mesh(name)
        if mesh is None:
            return

        def take(result: tuple[Mesh | None, str]) -> None:
            repaired, done = result
            if self._mesh(name) is not mesh:
                self._notices.noted(_tr("{0} was changed meanwhile, and is not repaired").format(name))
                return
            if repaired is not None:
                step = _tr("repair {0}") if repair == ALL else f"{repair_title(repair).lower()} in {{0}}"
                self._document.replace_geometry(name, repaired, step.format(name))
                self.look(name)
            self._notices.noted(done or _tr("{0} needs no repair").format(name))

        title = _tr("Repairing {0}").format(name)
        self._do(mesh, partial(_repaired, mesh, repair), take, self._notices.say, title)

    def _mesh(self, name: str) -> Mesh | None:
        item = self._document.object(name)
        return item.geometry if item is not None and isinstance(item.geometry, Mesh) else None

    def _do(
        self,
        mesh: Mesh,
        work: Callable[[], Any],
        done: Callable[[Any], object],
        failed: Callable[[BaseException], object],
        title: str,
    ) -> None:
        if mesh.triangle_count >= APART_FROM:
            self._tasks.do_apart(work, done, failed, title=title)
        else:
            self._tasks.do(work, done, failed)


def repair_title(name: str) -> str:
    """What a repair's button says."""
    from engine.geometry.repair import REPAIRS

    if name in REPAIRS:
        return REPAIRS[name].title
    return name.replace("-", " ").capitalize()  # of a file that cannot be read without it


def listed(parts: list[str]) -> str:
    """ "3 holes, 2 specks and 5 duplicate vertices"."""
    if len(parts) < 2:
        return "".join(parts)
    return _tr("{0} and {1}").format(", ".join(parts[:-1]), parts[-1])


def _suggestions(mesh: Mesh) -> tuple[Suggestion, ...]:
    from engine.geometry.repair import suggest_repairs

    return suggest_repairs(mesh)


def _repaired(mesh: Mesh, repair: str) -> tuple[Mesh | None, str]:
    """The repaired mesh, None where nothing had to be done, and what was done in words."""
    from engine.geometry.repair import apply_repair, repair_all

    if repair == ALL:
        steps = repair_all(mesh)
        return (steps[-1].mesh if steps else None), " ".join(step.done for step in steps)
    repaired = apply_repair(repair, mesh)
    return (repaired.mesh if repaired.changed else None), repaired.done


def _tr(text: str) -> str:
    return QCoreApplication.translate("Repairing", text)
