"""The Tools menu: what the mouse does in the viewport."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from app.actions.action import Action
from app.actions.texts import tr

if TYPE_CHECKING:
    from app.viewport.records import Tool
    from app.viewport.viewing import Viewing
    from app.window.main_window import MainWindow


STAGING = ("pin", "crease", "outline")
"""Tools that need a scene."""
REGIONS = ("open-here", "closed-here")
"""Tools that paint the region of a Term of their name."""


def tools_commands(window: MainWindow) -> list[Action]:
    """What the mouse does in the viewport."""
    viewing = window.viewing
    tools: tuple[tuple[Tool, str, str, str], ...] = (
        ("navigate", tr("Navigate"), "Q", tr("Turn, shift and zoom the view")),
        ("handle", tr("Handle"), "H", tr("Press on the surface to place a handle, and drag to pull")),
        ("brush", tr("Freeze brush"), "B", tr("Paint what must stay as it is; Shift thaws, [ and ] change the size")),
        ("select", tr("Select"), "V", tr("Select on a surface or a scan; Shift adds, Ctrl takes away")),
        ("move", tr("Move"), "G", tr("Move, turn and scale the chosen object by its gizmo; Ctrl goes in steps")),
        ("measure", tr("Measure"), "M", tr("Distances, angles and thicknesses, by clicks")),
        ("pin", tr("Pin brush"), "I", tr("Paint what is held; Shift lets go, [ and ] change the size")),
        ("crease", tr("Crease"), "R", tr("Drag over a sheet to draw a line along which it folds")),
        (
            "outline",
            tr("Draw a sheet"),
            "O",
            tr("Click the outline of a sheet on the ground; its first point closes it"),
        ),
        ("open-here", tr("Open here"), "", tr("Paint where the surface must be open; Ctrl takes away")),
        ("closed-here", tr("Closed here"), "", tr("Paint where the surface must go on; Ctrl takes away")),
        ("pull", tr("Pull"), "U", tr("Pull at a body with a spring while the simulation runs")),
        ("probe", tr("Probe"), "J", tr("Click on the surface to keep what is predicted there in sight")),
    )
    needs: dict[str, Callable[[], bool]] = {tool: partial(_is_staged, window) for tool in STAGING}
    needs |= {tool: partial(_is_offered, window, tool) for tool in REGIONS}
    return [
        *(
            Action(f"tool.{tool}", title, partial(viewing.set_tool, tool), "Tools", shortcut, tool,
                   checked=partial(_is_tool, viewing, tool), group="tools", help=help,
                   enabled=needs.get(tool))
            for tool, title, shortcut, help in tools
        ),
        Action("tool.leave", tr("Leave the tool"), viewing.leave_tool, "Tools", "Esc", group="leave",
               help=tr("Never stops the run")),
    ]  # fmt: skip


def _is_staged(window: MainWindow) -> bool:
    return window.workbench.staging.scene is not None


def _is_offered(window: MainWindow, kind: str) -> bool:
    """Terms of this kind serve the study and its surface."""
    return any(entry.kind == kind for entry in window.document.offered_terms())


def _is_tool(viewing: Viewing, tool: Tool) -> bool:
    return viewing.tool == tool
