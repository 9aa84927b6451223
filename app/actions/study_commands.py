"""The Study menu: what is optimised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.actions.action import Action
from app.actions.texts import tr

if TYPE_CHECKING:
    from app.window import MainWindow


def study_commands(window: MainWindow) -> list[Action]:
    """What is optimised."""

    def can_reset() -> bool:
        return window.document.catalogue is not None and not window.document.run.active

    return [
        Action("study.reset", tr("Reset parameters"), lambda: window.workbench.files.reset_study(), "Study",
               icon="reset", enabled=can_reset, group="study",
               help=tr("All parameters, terms and weights as they were at first")),
        Action("study.copy-command", tr("Copy as command line"), lambda: window.sharing.copy_command_line(), "Study",
               "Ctrl+Shift+C", "copy", enabled=lambda: bool(window.document.study.inputs), group="copy",
               help=tr("The command that does the same without a window")),
    ]  # fmt: skip
