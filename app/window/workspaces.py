"""The workspaces of the window: the study says which one it is, and each has its docks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.document.topic import Topic
from app.document.workspaces import REGRESSION, SHELL
from app.window.docks import make_room_for_samples

if TYPE_CHECKING:
    from app.viewport.records import CameraView
    from app.window.main_window import MainWindow

DOCKS = {SHELL: ("scene",), REGRESSION: ("samples", "model")}
"""Docks that a workspace brings up when it is shown first, and that others hide."""


class Workspaces(QObject):
    """Keeps the window as the study's workspace wants it; `changed` tells of another one. Each is looked at from where
    it was left: a sheet of a metre and a part of a millimetre are seen from no common place."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.current = window.document.workspace
        self.changed = Topic()
        self._cameras: dict[str, CameraView] = {}
        for another in (window.documents.emptied, window.documents.replaced):
            another.subscribe(self._cameras.clear)
        window.appearance.arrange = self._arrange
        window.document.study_changed.subscribe(self._follow)
        window.document.catalogue_changed.subscribe(self._follow)
        self._follow()

    def switch(self, workspace: str) -> None:
        """Let the study of a workspace be the study; the present one rests. A step of undo."""
        if not self._window.document.run.active:
            self._window.document.switch_workspace(workspace)

    def _follow(self) -> None:
        """The study may have become one of another workspace: by a tab, by undo, by opening a file."""
        workspace = self._window.document.workspace
        if workspace == self.current and workspace == self._window.appearance.workspace:
            return
        self._look(self.current, workspace)
        self.current = workspace
        self._window.appearance.switch(workspace)
        self._hide_foreign(workspace)
        self._window.choose_page()
        self._window.viewing.leave_tool()
        self._window.registry.refresh()
        self.changed()

    def _look(self, before: str, workspace: str) -> None:
        viewport, scene = self._window.viewport, self._window.workbench.staging.scene
        if viewport is None or not viewport.alive or before == workspace:
            return
        self._cameras[before] = viewport.camera()
        if workspace in self._cameras:
            kept = self._cameras[workspace]
            viewport.set_camera(kept)
            self._window.viewing.perspective = not kept.parallel
        elif scene is not None and any(True for _ in scene.bodies()):
            viewport.look("isometric")
            viewport.frame()
        else:
            viewport.frame_next()

    def _arrange(self, workspace: str) -> None:
        for name in DOCKS.get(workspace, ()):
            self._window.show_dock(name)
        if workspace == REGRESSION:
            make_room_for_samples(self._window, self._window.docks)
        self._hide_foreign(workspace)

    def _hide_foreign(self, workspace: str) -> None:
        """A layout that was kept before a dock was ever seen says nothing of it."""
        for other, names in DOCKS.items():
            for name in names if other != workspace else ():
                self._window.docks[name].hide()
