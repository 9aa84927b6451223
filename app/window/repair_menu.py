"""The repairs of the chosen mesh, as a menu that is filled when it is shown."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


class RepairMenu(QMenu):
    """Stands in the Tools menu."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(self.tr("Repair"), window)
        self._window = window
        self.setAccessibleName(self.tr("Repair"))
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self._fill)

    def _fill(self) -> None:
        self.clear()
        self._window.furnish()
        name = repairable(self._window)
        repairing = self._window.workbench.repairing
        if not name:
            self.addAction(self.tr("Choose a mesh first")).setEnabled(False)
            return
        self.addSection(name)
        self.addAction(self.tr("Look for what needs repair"), partial(repairing.look, name, asked=True))
        self.addAction(self.tr("Repair all"), partial(repairing.repair, name, "all"))
        self.addSeparator()
        for repair, title, help in repairing.titles():
            self.addAction(title, partial(repairing.repair, name, repair)).setToolTip(help)


def repairable(window: MainWindow) -> str:
    """The mesh that a repair is about: the chosen one, or the only one; "" where there is none."""
    from engine.geometry.mesh import Mesh  # not before the window's first paint

    current = window.workbench.scene.current
    meshes = [item.name for item in window.document.objects if isinstance(item.geometry, Mesh)]
    if current is not None:
        return current.name if current.name in meshes else ""
    return meshes[0] if len(meshes) == 1 else ""
