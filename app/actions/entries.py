"""What the command palette offers: actions, parameters to jump to, what is open, Terms to add, studies."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from app.actions.palette import Entry
from app.actions.texts import menu_path
from app.window.repair_menu import repairable

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


def palette_entries(window: MainWindow) -> list[Entry]:
    """Everything that can be asked of the window now."""
    registry, workbench, document = window.registry, window.workbench, window.document
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
    entries += [
        Entry(item.name, partial(_show_object, window, item.name), _tr("Object"), "", "mesh")
        for item in document.objects
    ]
    entries += [
        Entry(kept.name, partial(_take_selection, window, kept.name), _tr("Selection"))
        for kept in document.project.selections
        if kept.name
    ]
    name = repairable(window)
    repairs = workbench.repairing.titles() if name else []
    entries += [
        Entry(title, partial(workbench.repairing.repair, name, repair), _tr("Repair {0}").format(name))
        for repair, title, _ in repairs
    ]
    entries += [
        Entry(_tr("Sensitivity of {0}").format(number), partial(workbench.sensing.ask, number), _tr("Simulation"))
        for number in workbench.sensing.numbers
    ]
    catalogue = document.catalogue
    if catalogue is not None:
        entries += [
            Entry(study.title, partial(window.choose_study, study.study), _tr("Study"), "", "", not document.run.active)
            for study in catalogue.studies
        ]
        entries += [
            Entry(
                _tr("Add term: {0}").format(term.title),
                partial(workbench.steering.add_term, term.kind),
                _tr("Term"),
                "",
                "add",
            )
            for term in document.offered_terms()
        ]
        entries += [
            Entry(item.title, partial(workbench.files.run_gallery, item), _tr("Gallery"), "", "run")
            for item in catalogue.gallery
        ]
    return entries


def _show_object(window: MainWindow, name: str) -> None:
    """Choose an open object and let it fill the view."""
    window.show_dock("objects")
    window.document.select(name)
    window.frame_named(name)


def _take_selection(window: MainWindow, name: str) -> None:
    """Let a kept selection be the working one."""
    window.show_dock("selections")
    window.workbench.selecting.take(name)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Palette", text)
