"""Every command of the window, in the order of its menus.

The menus are there before what they act on: a callback finds the rooms of the window when it is called, not before.
"""

# ruff: noqa: PLW0108  (a lambda looks its room up when it is called: `window.workbench.stop` itself would need it now)

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from app.actions.action import Action

if TYPE_CHECKING:
    from app.viewport.view import Tool, View
    from app.viewport.viewing import Viewing
    from app.window import MainWindow


def window_actions(window: MainWindow) -> list[Action]:
    """The actions of a window, bound to it; they may be made before the window is furnished."""
    return [
        *_file_actions(window),
        *_edit_actions(window),
        *_view_actions(window),
        *_study_actions(window),
        *_run_actions(window),
        *_tool_actions(window),
        *_help_actions(window),
    ]


def _tr(text: str) -> str:
    return QCoreApplication.translate("Action", text)


def _file_actions(window: MainWindow) -> list[Action]:
    def has_result() -> bool:
        return window.document.run.iterations > 0 and window.link.alive

    def has_objects() -> bool:
        return bool(window.document.objects)

    return [
        Action("file.open", _tr("Open…"), lambda: window.dialogs.open_files(), "File", "Ctrl+O", "open", group="open",
               help=_tr("Open meshes, scans or a study")),
        Action("file.save-study", _tr("Save study…"), lambda: window.dialogs.save_study(), "File", "Ctrl+S", "save",
               group="save", help=_tr("Save what is set up as a study, for formwright run")),
        Action("file.export", _tr("Export surface…"), lambda: window.dialogs.export_surface(), "File", "Ctrl+E",
               "export", enabled=has_result, group="save",
               help=_tr("Write the surface to a file, with its quality sheet")),
        Action("file.picture", _tr("Save picture…"), lambda: window.dialogs.save_picture(), "File", "Ctrl+Shift+P",
               group="save", enabled=has_objects),
        Action("file.close-all", _tr("Close everything"), lambda: window.workbench.close_everything(), "File", "Ctrl+W",
               enabled=has_objects, group="close"),
        Action("file.quit", _tr("Quit"), window.close, "File", "Ctrl+Q", group="quit"),
    ]  # fmt: skip


def _edit_actions(window: MainWindow) -> list[Action]:
    def undo_name() -> str:
        return window.document.undo_stack.undo_name if window.furnished else ""

    def redo_name() -> str:
        return window.document.undo_stack.redo_name if window.furnished else ""

    return [
        Action("edit.undo", lambda: _tr("Undo {0}").format(undo_name()).strip(), lambda: window.document.undo(),
               "Edit", "Ctrl+Z", "undo", enabled=lambda: bool(undo_name()), group="undo"),
        Action("edit.redo", lambda: _tr("Redo {0}").format(redo_name()).strip(), lambda: window.document.redo(),
               "Edit", "Ctrl+Shift+Z; Ctrl+Y", "redo", enabled=lambda: bool(redo_name()), group="undo"),
        Action("edit.palette", _tr("Search commands…"), window.open_palette, "Edit", "Ctrl+P", "search",
               group="search"),
    ]  # fmt: skip


def _view_actions(window: MainWindow) -> list[Action]:
    viewing, appearance = window.viewing, window.appearance
    views: tuple[View, ...] = ("front", "back", "left", "right", "top", "bottom")
    return [
        Action("view.frame", _tr("Frame"), window.frame, "View", "F", "frame", group="camera",
               help=_tr("Let what is selected, or everything, fill the view")),
        *(
            Action(f"view.{view}", _tr(view.capitalize()), partial(viewing.look, view), "View", str(number),
                   group="camera")
            for number, view in enumerate(views, start=1)
        ),
        Action("view.isometric", _tr("Isometric"), partial(viewing.look, "isometric"), "View", "0", group="camera"),
        Action("view.perspective", _tr("Perspective"), viewing.toggle_perspective, "View", "P", "perspective",
               checked=lambda: viewing.perspective, group="projection"),
        Action("view.sensitivity", _tr("Sensitivity"), viewing.toggle_sensitivity, "View", "S", "sensitivity",
               checked=lambda: viewing.sensitivity, group="colour",
               help=_tr("Colour the surface by where a push along the normal lowers the total loss, per mm")),
        Action("view.lock-range", _tr("Lock colour range"), viewing.toggle_range_lock, "View", "L", "lock",
               checked=lambda: viewing.range_locked, enabled=lambda: viewing.sensitivity, group="colour",
               help=_tr("Keep the ends of the colour bar where they are")),
        Action("view.wireframe", _tr("Edges"), viewing.toggle_wireframe, "View", "W", "mesh",
               checked=lambda: viewing.wireframe, group="colour", help=_tr("Draw the edges of the result")),
        Action("view.theme-system", _tr("Theme: as the system"), partial(appearance.choose_theme, "system"), "View",
               checked=lambda: appearance.theme == "system", group="theme"),
        Action("view.theme-light", _tr("Theme: light"), partial(appearance.choose_theme, "light"), "View",
               checked=lambda: appearance.theme == "light", group="theme"),
        Action("view.theme-dark", _tr("Theme: dark"), partial(appearance.choose_theme, "dark"), "View",
               checked=lambda: appearance.theme == "dark", group="theme"),
        Action("view.reset-layout", _tr("Reset layout"), appearance.reset_layout, "View", icon="reset", group="layout"),
    ]  # fmt: skip


def _study_actions(window: MainWindow) -> list[Action]:
    def can_reset() -> bool:
        return window.document.catalogue is not None and not window.document.run.active

    return [
        Action("study.reset", _tr("Reset parameters"), lambda: window.workbench.reset_study(), "Study", icon="reset",
               enabled=can_reset, group="study",
               help=_tr("All parameters, terms and weights as they were at first")),
        Action("study.copy-command", _tr("Copy as command line"), lambda: window.sharing.copy_command_line(), "Study",
               "Ctrl+Shift+C", "copy", enabled=lambda: bool(window.document.study.inputs), group="copy",
               help=_tr("The command that does the same without a window")),
    ]  # fmt: skip


def _run_actions(window: MainWindow) -> list[Action]:
    def toggle_title() -> str:
        state = window.document.run.state if window.furnished else "idle"
        if state in ("running", "preparing"):
            return _tr("Pause")
        return _tr("Resume") if state == "paused" else _tr("Run")

    def can_toggle() -> bool:
        return window.document.run.active or window.workbench.can_run

    def why_no_run() -> str:
        document = window.document
        if can_toggle():
            return ""
        if document.catalogue is None:
            return _tr("The engine is starting")
        return _tr("Choose a target in Objects first") if document.objects else _tr("Open a scan or a mesh first")

    def can_step() -> bool:
        return window.document.run.state not in ("running", "preparing") and can_toggle()

    def is_active() -> bool:
        return window.document.run.active

    def can_restart() -> bool:
        return window.workbench.can_run and window.document.run.exists

    def is_selected() -> bool:
        return window.selected_checkpoint is not None

    return [
        Action("run.toggle", toggle_title, lambda: window.workbench.toggle_run(), "Run", "Space", "run",
               enabled=can_toggle, group="run", why_not=why_no_run,
               help=_tr("Run the study, or pause it")),
        Action("run.step", _tr("Step"), lambda: window.workbench.step(), "Run", ".", "step", group="run",
               enabled=can_step, help=_tr("Make one iteration")),
        Action("run.stop", _tr("Stop"), lambda: window.workbench.stop(), "Run", "Ctrl+.", "stop", group="run",
               enabled=is_active, help=_tr("End the run; its result and its history stay")),
        Action("run.restart", _tr("Start over"), lambda: window.workbench.start_run(), "Run", "Ctrl+R", "reset",
               group="run", enabled=can_restart, help=_tr("Begin anew from the input")),
        Action("run.keep", _tr("Keep checkpoint"), lambda: window.link.keep_checkpoint("kept"), "Run", "K", "bookmark",
               enabled=is_active, group="history"),
        Action("run.continue", _tr("Continue from here"), window.continue_from_selected, "Run", icon="branch",
               enabled=is_selected, group="history",
               help=_tr("Go on from the selected checkpoint, as a new branch")),
        Action("run.live", _tr("Back to now"), window.view_live, "Run", "N", "live",
               enabled=is_selected, group="history"),
    ]  # fmt: skip


def _tool_actions(window: MainWindow) -> list[Action]:
    viewing = window.viewing
    tools: tuple[tuple[Tool, str, str, str], ...] = (
        ("navigate", _tr("Navigate"), "Q", _tr("Turn, shift and zoom the view")),
        ("handle", _tr("Handle"), "H", _tr("Press on the surface to place a handle, and drag to pull")),
        ("brush", _tr("Freeze brush"), "B", _tr("Paint what must stay as it is; Shift thaws, [ and ] change the size")),
        ("measure", _tr("Measure"), "M", _tr("Distance between two clicked points")),
    )
    return [
        *(
            Action(f"tool.{tool}", title, partial(viewing.set_tool, tool), "Tools", shortcut, tool,
                   checked=partial(_is_tool, viewing, tool), group="tools", help=help)
            for tool, title, shortcut, help in tools
        ),
        Action("tool.leave", _tr("Leave the tool"), viewing.leave_tool, "Tools", "Esc", group="leave",
               help=_tr("Never stops the run")),
    ]  # fmt: skip


def _help_actions(window: MainWindow) -> list[Action]:
    return [
        Action("help.diagnostics", _tr("Copy diagnostics"), lambda: window.sharing.copy_diagnostics(), "Help",
               icon="copy", group="help",
               help=_tr("Versions, devices and memory, for a bug report")),
        Action("help.about", _tr("About Formwright"), window.about, "Help", icon="app", group="help"),
    ]  # fmt: skip


def _is_tool(viewing: Viewing, tool: Tool) -> bool:
    return viewing.tool == tool
