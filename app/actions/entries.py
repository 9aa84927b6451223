"""What the command palette offers: actions, parameters to jump to, Terms to add, studies of the gallery."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from app.actions.palette import Entry
from app.actions.texts import menu_path

if TYPE_CHECKING:
    from app.window import MainWindow


def palette_entries(window: MainWindow) -> list[Entry]:
    """Everything that can be asked of the window now."""
    registry, workbench = window.registry, window.workbench
    entries = [
        Entry(
            action.text,
            partial(registry.trigger, action.id),
            menu_path(action.menu),
            registry.shortcuts.shown(action.id),
            action.icon,
            action.usable,
        )
        for action in registry.all()
        if action.id != "edit.palette"
    ]
    entries += [
        Entry(title, partial(window.reveal, editor), _tr("Parameter")) for title, editor in window.study.editor_titles()
    ]
    catalogue = window.document.catalogue
    if catalogue is not None:
        entries += [
            Entry(
                _tr("Add term: {0}").format(term.title),
                partial(workbench.steering.add_term, term.kind),
                _tr("Term"),
                "",
                "add",
            )
            for term in catalogue.terms
        ]
        entries += [
            Entry(item.title, partial(workbench.files.run_gallery, item), _tr("Gallery"), "", "run")
            for item in catalogue.gallery
        ]
    return entries


def _tr(text: str) -> str:
    return QCoreApplication.translate("Palette", text)
