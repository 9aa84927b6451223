"""What can be added to a scene, as a menu."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QMenu

from app.document.document import Document
from app.panels.icons import icon
from app.work.staging import Staging
from engine.geometry.mesh import Mesh


def fill_add_menu(menu: QMenu, document: Document, staging: Staging, draw_outline: Callable[[], object]) -> None:
    """One menu a kind of body; open meshes can be each of them."""
    meshes = [item.name for item in document.objects if isinstance(item.geometry, Mesh)]
    kinds = (
        ("sheet", _tr("Sheet"), (("rectangle", _tr("Rectangle")), ("disk", _tr("Disk")))),
        ("solid", _tr("Solid"), (("box", _tr("Box")), ("ball", _tr("Ball")), ("cylinder", _tr("Cylinder")))),
        (
            "obstacle",
            _tr("Obstacle"),
            (
                ("plane", _tr("Ground plane")),
                ("box", _tr("Box")),
                ("ball", _tr("Ball")),
                ("cylinder", _tr("Cylinder")),
            ),
        ),
    )
    icons = {"sheet": "sheet", "solid": "mesh", "obstacle": "obstacle"}
    for kind, title, shapes in kinds:
        within = menu.addMenu(icon(icons[kind]), title)
        within.setAccessibleName(title)
        for shape, name in shapes:
            within.addAction(name, partial(staging.add_body, kind, shape))
        if kind == "sheet":
            within.addAction(icon("outline"), _tr("Draw an outline…"), draw_outline)
        if meshes:
            within.addSeparator()
        for name in meshes:
            within.addAction(icon("mesh"), _tr("Mesh {0}").format(name), partial(staging.add_mesh, kind, name))
    menu.addAction(icon("gripper"), _tr("Gripper"), partial(staging.add_body, "gripper", ""))
    menu.addAction(icon("sensor"), _tr("Sensor"), staging.add_sensor)


def _tr(text: str) -> str:
    return QCoreApplication.translate("SceneMenu", text)
