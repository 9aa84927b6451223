"""The context menu of the objects dock: what can be done with the chosen objects."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction, QColor, QKeySequence
from PySide6.QtWidgets import QColorDialog, QMenu, QTreeWidgetItem

from app.document.difference import TARGET
from app.document.document import OBJECT_COLOURS, Document
from app.document.workspaces import SHELL
from app.panels.icons import icon
from app.work.files import unit_title
from engine.core.units import MILLIMETRES_PER
from engine.geometry.mesh import Mesh

if TYPE_CHECKING:
    from app.panels.objects_panel import ObjectsPanel
    from app.work.workbench import Workbench


def fill_objects_menu(
    menu: QMenu, panel: ObjectsPanel, row: QTreeWidgetItem, document: Document, workbench: Workbench
) -> None:
    """Fill a menu for a row of the tree; what it does, it does to all that is chosen."""
    from app.panels.objects_panel import KIND, NAME

    kind, name = row.data(0, KIND), row.data(0, NAME)
    scene = workbench.scene
    if kind != "group":
        menu.addAction(icon("frame"), _tr("Frame"), partial(panel.frame_wanted.emit, name))
    if kind != "handle":
        menu.addAction(icon("eye"), _tr("Show or hide"), partial(panel.toggle_visibility, row))
    if kind == "result":
        take = menu.addAction(icon("add"), _tr("Take as an object"), workbench.exporting.take_as_object)
        take.setEnabled(document.run.iterations > 0)
        return
    if kind in ("object", "group"):
        menu.addSeparator()
        _with_key(menu.addAction(_tr("Rename"), panel.rename_current), "F2")
        _with_key(menu.addAction(icon("copy"), _tr("Duplicate"), scene.duplicate), "Ctrl+D")
        _with_key(menu.addAction(icon("folder"), _tr("Group"), scene.group), "Ctrl+G")
        ungroup = _with_key(menu.addAction(_tr("Ungroup"), scene.ungroup), "Ctrl+Shift+G")
        ungroup.setEnabled(any(item.group for item in scene.chosen_objects))
        _add_colours(menu, panel, workbench)
        _add_placing(menu, workbench)
    if kind == "object":
        menu.addSeparator()
        role = document.main_role
        title = _tr("Use as target") if role == TARGET else _tr("Predict this part")
        use = menu.addAction(icon("target"), title, partial(scene.use_as_target, name))
        use.setEnabled(document.role_of(name) != role and document.takes(role))
        _add_staging(menu, document, workbench, name)
        _add_repairs(menu, document, workbench, name)
        _add_units(menu, document, workbench, name)
    menu.addSeparator()
    _with_key(menu.addAction(icon("remove"), _tr("Remove"), panel.remove_selected), "Del")


def _add_colours(menu: QMenu, panel: ObjectsPanel, workbench: Workbench) -> None:
    colours = menu.addMenu(_tr("Colour"))
    scene = workbench.scene
    names = [_tr("Grey"), _tr("Sand"), _tr("Blue"), _tr("Green"), _tr("Rose")]
    for colour, title in zip(OBJECT_COLOURS, names, strict=True):
        colours.addAction(icon("swatch", colour=colour), title, partial(scene.colour, scene.chosen, colour))

    def ask() -> None:
        now = scene.current.colour if scene.current else OBJECT_COLOURS[0]
        found = QColorDialog.getColor(QColor(now), panel, _tr("Colour"))
        if found.isValid():
            scene.colour(scene.chosen, found.name())

    colours.addAction(_tr("Other…"), ask)


def _add_placing(menu: QMenu, workbench: Workbench) -> None:
    place = menu.addMenu(_tr("Place"))
    scene = workbench.scene
    place.addAction(_tr("On the ground"), scene.put_on_the_ground)
    place.addAction(_tr("In the centre"), scene.put_in_the_centre)
    place.addAction(_tr("Where the file puts it"), scene.reset_placement)


def _add_staging(menu: QMenu, document: Document, workbench: Workbench, name: str) -> None:
    """A mesh as a body of a scene."""
    item = document.object(name)
    if item is None or not isinstance(item.geometry, Mesh):
        return
    open_as = menu.addMenu(_tr("Simulate as"))
    open_as.setEnabled(not document.run.active or document.workspace == SHELL)
    for kind, title in (("sheet", _tr("Sheet")), ("solid", _tr("Solid")), ("obstacle", _tr("Obstacle"))):
        open_as.addAction(title, partial(workbench.staging.add_mesh, kind, name))


def _add_repairs(menu: QMenu, document: Document, workbench: Workbench, name: str) -> None:
    """Every repair; what it found to do is said afterwards."""
    item = document.object(name)
    if item is None or not isinstance(item.geometry, Mesh):
        return
    repairs = menu.addMenu(_tr("Repair"))
    repairs.setToolTipsVisible(True)
    for repair, title, help in workbench.repairing.titles():
        repairs.addAction(title, partial(workbench.repairing.repair, name, repair)).setToolTip(help)


def _add_units(menu: QMenu, document: Document, workbench: Workbench, name: str) -> None:
    """A file that declares no unit was taken for millimetres; here a person says otherwise."""
    item = document.object(name)
    if item is None:
        return
    units = menu.addMenu(_tr("Unit of the file"))
    for unit in MILLIMETRES_PER:
        action = units.addAction(unit_title(unit))
        action.setCheckable(True)
        action.setChecked(item.unit == unit)
        action.triggered.connect(lambda _=False, unit=unit: workbench.files.set_unit(name, unit))


def _with_key(action: QAction, key: str) -> QAction:
    """Show the shortcut of the command that does the same; the window's own action answers to it."""
    action.setText(f"{action.text()}\t{QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)}")
    return action


def _tr(text: str) -> str:
    return QCoreApplication.translate("ObjectsMenu", text)
