"""The surface that is shown, written to a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.tasks import Tasks
from engine.geometry.mesh import Mesh
from engine.protocol.session import ResultMesh


class Exporting:
    """Writes results off the window's thread."""

    def __init__(self, link: EngineLink, tasks: Tasks, notices: Notices) -> None:
        self._link = link
        self._tasks = tasks
        self._notices = notices

    def export(self, path: Path, unit: str, done: Callable[[Any], object]) -> None:
        """Write the surface that is shown to a file; `done` gets the ExportReport."""

        def write(mesh: Mesh) -> None:
            title = f"Exporting {path.name}"
            self._tasks.do(lambda: _write(mesh, path, unit), done, self._notices.say, title=title)

        self._link.ask(ResultMesh(checkpoint=self._link.viewed), write)


def _write(mesh: Mesh, path: Path, unit: str) -> Any:
    from engine.io.registry import write

    return write(mesh, path, unit=unit or None)
