"""Every command of the window, in the order of its menus: one file a menu, `app/actions/MENU_commands.py`.

A new command is one `Action` in the file of its menu. The menus are there before what they act on, so a callback finds
the rooms of the window when it is called: `lambda: window.dialogs.open_files()`, not `window.dialogs.open_files`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.actions.action import Action
from app.actions.clip_commands import clip_commands, measure_commands
from app.actions.edit_commands import edit_commands
from app.actions.file_commands import file_commands
from app.actions.help_commands import help_commands
from app.actions.history_commands import history_commands
from app.actions.object_commands import object_commands
from app.actions.run_commands import run_commands
from app.actions.scene_commands import scene_commands
from app.actions.select_commands import select_commands
from app.actions.study_commands import study_commands
from app.actions.tools_commands import tools_commands
from app.actions.view_commands import view_commands

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

MENUS_FILLED_BY = (
    file_commands,
    edit_commands,
    object_commands,
    scene_commands,
    select_commands,
    view_commands,
    clip_commands,
    study_commands,
    run_commands,
    history_commands,
    tools_commands,
    measure_commands,
    help_commands,
)


def window_actions(window: MainWindow) -> list[Action]:
    """The actions of a window, bound to it; they may be made before the window is furnished."""
    return [action for commands in MENUS_FILLED_BY for action in commands(window)]
