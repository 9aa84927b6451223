"""What can be done with a Checkpoint, and with a branch, as menus."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QMenu

from app.panels.icons import icon

if TYPE_CHECKING:
    from app.panels.history_panel import HistoryPanel


def checkpoint_menu(panel: HistoryPanel, checkpoint: int) -> QMenu:
    """What can be done with a Checkpoint and its branch."""
    menu = _menu(panel)
    menu.addAction(icon("branch"), _tr("Continue from here"), lambda: panel.continue_wanted.emit(checkpoint))
    menu.addAction(icon("live"), _tr("Back to now"), panel.live_wanted.emit)
    menu.addSeparator()
    fill_compare_menu(panel, menu.addMenu(icon("compare"), _tr("Compare with")), checkpoint)
    info = panel.document.run.checkpoints.get(checkpoint)
    if info is not None:
        menu.addSeparator()
        _add_branch_actions(panel, menu, info.branch)
    return menu


def branch_menu(panel: HistoryPanel, branch: str) -> QMenu:
    """What can be done with a branch."""
    menu = _menu(panel)
    _add_branch_actions(panel, menu, branch)
    return menu


def fill_compare_menu(panel: HistoryPanel, menu: QMenu, checkpoint: int | None) -> None:
    """With what a Checkpoint (None: the present surface) can be compared."""
    menu.clear()
    comparing = panel.comparing
    for other in comparing.choices():
        if other != checkpoint:
            menu.addAction(comparing.title(other), partial(comparing.compare, checkpoint, other))
    menu.setEnabled(not menu.isEmpty())


def _add_branch_actions(panel: HistoryPanel, menu: QMenu, branch: str) -> None:
    branching = panel.branching
    name = menu.addAction(_tr("Name this branch…"), partial(panel.name_branch, branch))
    promote = menu.addAction(_tr("Make it the main branch"), partial(branching.promote, branch))
    promote.setEnabled(branching.can_promote(branch))
    delete = menu.addAction(icon("remove"), _tr("Delete this branch…"), partial(branching.ask_to_delete, branch))
    why = branching.why_not_delete(branch)
    delete.setEnabled(not why)
    delete.setToolTip(why or _tr("Its checkpoints go; undo does not bring them back"))
    for action, key in ((name, Qt.Key.Key_F2), (delete, Qt.Key.Key_Delete)):
        action.setShortcut(key)
        action.setShortcutVisibleInContextMenu(True)


def _menu(panel: HistoryPanel) -> QMenu:
    menu = QMenu(panel)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.setToolTipsVisible(True)
    return menu


def _tr(text: str) -> str:
    return QCoreApplication.translate("HistoryMenu", text)
