"""Commands for the scene of a simulation, in the Edit menu."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app.actions.action import Action
from app.actions.texts import tr

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


def scene_commands(window: MainWindow) -> list[Action]:
    """What is added to a scene, and what is done with the chosen part of it."""

    def there() -> bool:
        return window.workbench.staging.scene is not None

    def chosen() -> bool:
        item = window.workbench.staging.chosen
        return item is not None and (item.is_body or item.is_part or item.kind == "sensor")

    def copied() -> bool:
        item = window.workbench.staging.chosen
        return chosen() and item is not None and not item.is_part

    def is_mesh() -> bool:
        from engine.geometry.mesh import Mesh

        current = window.workbench.scene.current
        return current is not None and isinstance(current.geometry, Mesh) and not window.document.run.active

    def add(kind: str, shape: str) -> None:
        window.workbench.staging.add_body(kind, shape)

    def simulate_as(kind: str) -> None:
        current = window.workbench.scene.current
        if current is not None:
            window.workbench.staging.add_mesh(kind, current.name)

    bodies = (
        ("sheet", "rectangle", tr("Add a rectangular sheet"), "sheet"),
        ("sheet", "disk", tr("Add a round sheet"), "sheet"),
        ("solid", "box", tr("Add a soft box"), "mesh"),
        ("solid", "ball", tr("Add a soft ball"), "mesh"),
        ("solid", "cylinder", tr("Add a soft cylinder"), "mesh"),
        ("obstacle", "plane", tr("Add a ground plane"), "obstacle"),
        ("obstacle", "box", tr("Add a rigid box"), "obstacle"),
        ("obstacle", "ball", tr("Add a rigid ball"), "obstacle"),
        ("obstacle", "cylinder", tr("Add a rigid cylinder"), "obstacle"),
        ("gripper", "gripper", tr("Add a gripper"), "gripper"),
    )
    kinds = (
        ("sheet", tr("Simulate as a sheet")),
        ("solid", tr("Simulate as a solid")),
        ("obstacle", tr("Simulate as an obstacle")),
    )
    return [
        *(
            Action(f"scene.add-{kind}-{shape}", title, partial(add, kind, shape), "Edit/Scene", icon=symbol,
                   enabled=there, group="scene")
            for kind, shape, title, symbol in bodies
        ),
        Action("scene.add-sensor", tr("Add a sensor"), lambda: window.workbench.staging.add_sensor(), "Edit/Scene",
               icon="sensor", enabled=there, group="scene", help=tr("Something that is recorded at every step")),
        Action("scene.duplicate", tr("Duplicate in the scene"), lambda: window.workbench.staging.duplicate(),
               "Edit/Scene", icon="copy", enabled=copied, group="scene"),
        Action("scene.rename", tr("Rename in the scene"), lambda: window.scene_panel.tree.rename_current(),
               "Edit/Scene", enabled=chosen, group="scene"),
        Action("scene.remove", tr("Remove from the scene"), lambda: window.workbench.staging.remove(), "Edit/Scene",
               icon="remove", enabled=chosen, group="scene"),
        *(
            Action(f"object.as-{kind}", title, partial(simulate_as, kind), "Edit/Scene", icon="mesh", enabled=is_mesh,
                   group="scene", help=tr("The current object as a body of the scene, where it stands"))
            for kind, title in kinds
        ),
    ]  # fmt: skip
