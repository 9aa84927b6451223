"""The surface that is shown, written to a file or taken as an object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.scene import with_new
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.tasks import Tasks
from engine.geometry.mesh import Mesh
from engine.geometry.tet_mesh import TetMesh
from engine.protocol.session import ResultMesh, ResultTetrahedra


class Exporting:
    """Takes results out of the Run: into a file, off the window's thread, or into the scene."""

    def __init__(self, document: Document, link: EngineLink, tasks: Tasks, notices: Notices) -> None:
        self._document = document
        self._link = link
        self._tasks = tasks
        self._notices = notices

    def export(self, path: Path, unit: str, done: Callable[[Any], object]) -> None:
        """Write the surface that is shown to a file, or its inside in tetrahedra where the file is one of these; `done`
        gets the ExportReport."""
        from engine.io.registry import extensions

        title = _tr("Exporting {0}").format(path.name)

        def write(geometry: Mesh | TetMesh) -> None:
            self._tasks.do(lambda: _write(geometry, path, unit), done, self._notices.say, title=title)

        filled = any(path.suffix.lower() in group for group in extensions("write", "tetrahedra").values())
        request = ResultTetrahedra if filled else ResultMesh
        self._link.ask(request(checkpoint=self._link.viewed), write, title=title)

    def take_as_object(self) -> None:
        """Let the surface that is shown be an object of the scene: to go on with, or to compare."""
        target = self._document.project.roles.get("target", "")
        name = _tr("result of {0}").format(target) if target else _tr("surface")

        def take(mesh: Mesh) -> None:
            project, called = with_new(self._document.project, replace(mesh, name=name), name)
            self._document.change(_tr("take {0} as an object").format(called), project)
            self._document.select(called)

        self._link.ask(ResultMesh(checkpoint=self._link.viewed), take)


def _write(geometry: Mesh | TetMesh, path: Path, unit: str) -> Any:
    from engine.io.registry import write

    return write(geometry, path, unit=unit or None)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Exporting", text)
