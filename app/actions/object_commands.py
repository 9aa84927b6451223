"""Commands for the objects of the scene, in the Edit and the File menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.actions.action import Action
from app.actions.texts import tr

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


def object_commands(window: MainWindow) -> list[Action]:
    """What is done with the chosen objects."""

    def is_chosen() -> bool:
        return bool(window.workbench.scene.chosen)

    def can_rename() -> bool:
        return is_chosen() or bool(window.objects.chosen_groups())

    def is_grouped() -> bool:
        return any(item.group for item in window.workbench.scene.chosen_objects)

    def has_result() -> bool:
        return window.document.run.iterations > 0 and window.link.alive

    return [
        Action("object.rename", tr("Rename object"), lambda: window.objects.rename_current(), "Edit", "F2",
               enabled=can_rename, group="objects"),
        Action("object.duplicate", tr("Duplicate object"), lambda: window.workbench.scene.duplicate(), "Edit",
               "Ctrl+D", enabled=is_chosen, group="objects", help=tr("A copy of what is chosen, beside it")),
        Action("object.group", tr("Group objects"), lambda: window.workbench.scene.group(), "Edit", "Ctrl+G",
               enabled=is_chosen, group="objects", help=tr("What is chosen folds and hides as one")),
        Action("object.ungroup", tr("Ungroup objects"), lambda: window.workbench.scene.ungroup(), "Edit",
               "Ctrl+Shift+G", enabled=is_grouped, group="objects"),
        Action("object.remove", tr("Remove objects"), lambda: window.objects.remove_selected(), "Edit",
               enabled=is_chosen, group="objects", help=tr("Take what is chosen out of the scene")),
        Action("object.ground", tr("Place on the ground"), lambda: window.workbench.scene.put_on_the_ground(),
               "Edit/Place", enabled=is_chosen, group="place", help=tr("The lowest point at z = 0")),
        Action("object.centre", tr("Place in the centre"), lambda: window.workbench.scene.put_in_the_centre(),
               "Edit/Place", enabled=is_chosen, group="place", help=tr("The middle of the box at the origin")),
        Action("object.reset-placement", tr("Place where the file has it"),
               lambda: window.workbench.scene.reset_placement(), "Edit/Place", enabled=is_chosen, group="place"),
        Action("object.take-result", tr("Take the result as an object"),
               lambda: window.workbench.exporting.take_as_object(), "Run", icon="add", enabled=has_result,
               group="history", help=tr("The surface that is shown, as an object of the scene")),
    ]  # fmt: skip
