"""The View menu: camera, colours, theme, layout."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app.actions.action import Action
from app.actions.texts import tr
from app.window.docks import dock_titles

if TYPE_CHECKING:
    from app.viewport.view import View
    from app.viewport.viewing import Viewing
    from app.window.main_window import MainWindow

DOCK_ICONS = {"tasks": "tasks", "log": "log"}


def view_commands(window: MainWindow) -> list[Action]:
    """Camera, colours, theme, layout."""
    viewing, appearance = window.viewing, window.appearance
    views: tuple[tuple[View, str], ...] = (
        ("isometric", tr("Isometric")),
        ("front", tr("Front")),
        ("back", tr("Back")),
        ("left", tr("Left")),
        ("right", tr("Right")),
        ("top", tr("Top")),
        ("bottom", tr("Bottom")),
    )
    colours = (
        ("plain", tr("Plain, by body"), tr("Each body of a simulation in its own colour")),
        ("overhang", tr("Overhang"), tr("How far faces hang over, where the Term Overhang says which way is up")),
        ("strain", tr("Strain"), tr("How much the material is stretched or compressed")),
        ("bending_energy", tr("Bending energy"), tr("Energy of bending on an area")),
        ("contact_pressure", tr("Contact pressure"), tr("Force of contacts on an area")),
        ("friction", tr("Friction"), tr("Where a contact sticks, and where it slides")),
    )

    def may_switch(workspace: str) -> bool:
        return not window.document.run.active or window.workspaces.current == workspace

    def why_not(workspace: str) -> str:
        return "" if may_switch(workspace) else tr("Stop the run to switch to another workspace")

    workspaces = (
        ("Surface", tr("Surface"), "Ctrl+1", tr("Surfaces by descent: reconstruct, sculpt, repair")),
        ("Shell", tr("Shell"), "Ctrl+2", tr("Thin shells: fold, drape, press and pull sheets")),
        ("Regression", tr("Regression"), "Ctrl+3", tr("Learn a simulation from samples, and predict and steer by it")),
    )
    return [
        *(
            Action(f"workspace.{name.lower()}", title, partial(_switch, window, name), "View", shortcut,
                   checked=partial(_is_workspace, window, name), enabled=partial(may_switch, name),
                   why_not=partial(why_not, name), group="workspace", help=help)
            for name, title, shortcut, help in workspaces
        ),
        Action("view.frame", tr("Frame"), window.frame, "View", "F", "frame", group="camera",
               help=tr("Let what is selected, or everything, fill the view")),
        *(
            Action(f"view.{view}", title, partial(viewing.look, view), "View/Camera", str(number), group="camera")
            for number, (view, title) in enumerate(views)
        ),
        Action("view.perspective", tr("Perspective"), viewing.toggle_perspective, "View", "P", "perspective",
               checked=lambda: viewing.perspective, group="projection"),
        Action("view.sensitivity", tr("Sensitivity"), viewing.toggle_sensitivity, "View", "S", "sensitivity",
               checked=lambda: viewing.sensitivity, group="colour",
               help=tr("Colour the surface by where a push along the normal lowers the total loss, per mm")),
        *(
            Action(f"view.colour-{name.replace('_', '-')}", title, partial(viewing.colour_by, name), "View/Colour",
                   enabled=partial(_has_values, viewing, name), checked=partial(_is_coloured_by, viewing, name),
                   group="colour", help=help)
            for name, title, help in colours
        ),
        Action("view.lock-range", tr("Lock colour range"), viewing.toggle_range_lock, "View", "L", "lock",
               checked=lambda: viewing.range_locked, enabled=lambda: viewing.colouring != "plain", group="colour",
               help=tr("Keep the ends of the colour bar where they are")),
        Action("view.setup", tr("Set-up"), lambda: _toggle_setup(window), "View", "E", "sheet", group="setup",
               checked=lambda: window.workbench.scene_drawing.setup_shown,
               enabled=lambda: window.workbench.staging.scene is not None and window.document.run.exists,
               help=tr("The bodies as they are set up, in place of the run's, to look at or to change them")),
        Action("view.wireframe", tr("Edges"), viewing.toggle_wireframe, "View", "W", "mesh",
               checked=lambda: viewing.wireframe, group="colour", help=tr("Draw the edges of the result")),
        Action("view.theme-system", tr("Theme: as the system"), lambda: window.preferences.set("theme", "system"),
               "View/Theme",
               checked=lambda: appearance.theme == "system", group="theme"),
        Action("view.theme-light", tr("Theme: light"), lambda: window.preferences.set("theme", "light"),
               "View/Theme",
               checked=lambda: appearance.theme == "light", group="theme"),
        Action("view.theme-dark", tr("Theme: dark"), lambda: window.preferences.set("theme", "dark"), "View/Theme",
               checked=lambda: appearance.theme == "dark", group="theme"),
        *(
            Action(f"panel.{name}", title, partial(_toggle_dock, window, name), "View/Panels",
                   icon=DOCK_ICONS.get(name, ""), checked=partial(_is_shown, window, name), group="layout")
            for name, title in dock_titles().items()
        ),
        Action("view.reset-layout", tr("Reset layout"), appearance.reset_layout, "View", icon="reset", group="layout"),
    ]  # fmt: skip


def _has_values(viewing: Viewing, name: str) -> bool:
    return name == "plain" or viewing.has_values(name)


def _is_coloured_by(viewing: Viewing, name: str) -> bool:
    return viewing.colouring == name


def _switch(window: MainWindow, workspace: str) -> None:
    window.workspaces.switch(workspace)


def _is_workspace(window: MainWindow, workspace: str) -> bool:
    return window.workspaces.current == workspace


def _toggle_setup(window: MainWindow) -> None:
    drawing = window.workbench.scene_drawing
    drawing.show_setup(not drawing.setup_shown)


def _is_shown(window: MainWindow, name: str) -> bool:
    return not window.docks[name].isHidden()


def _toggle_dock(window: MainWindow, name: str) -> None:
    """Hide a panel that is seen; bring up one that is hidden or lies behind another."""
    if window.docks[name].visibleRegion().isEmpty():
        window.show_dock(name)
    else:
        window.docks[name].hide()
