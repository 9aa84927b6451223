"""The Select menu: what is selected, and by what the selection tool selects."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app.actions.action import Action
from app.actions.texts import tr
from app.viewport.viewing import RESULT

if TYPE_CHECKING:
    from app.viewport.records import SelectMode
    from app.viewport.viewing import Viewing
    from app.window.main_window import MainWindow
    from engine.geometry.selection import Profile

STEP = 0.02
"""By what share of the diagonal of everything a selection grows or shrinks."""


def select_commands(window: MainWindow) -> list[Action]:
    """What is selected, and by what."""
    viewing = window.viewing
    modes: tuple[tuple[SelectMode, str, str], ...] = (
        ("click", tr("By click"), tr("One vertex or point")),
        ("connected", tr("By connected part"), tr("All that hangs together with what is clicked")),
        ("box", tr("By box"), tr("What is seen within a box that is drawn over the view")),
        ("lasso", tr("By lasso"), tr("What is seen within a line that is drawn over the view")),
        ("brush", tr("By brush"), tr("What a brush passes over; [ and ] change its size")),
        ("geodesic", tr("By distance along the surface"), tr("Press on a point and drag away from it to widen")),
    )
    profiles: tuple[tuple[Profile, str], ...] = (
        ("constant", tr("Hard rim")),
        ("linear", tr("Rim fades evenly")),
        ("smooth", tr("Rim fades softly")),
    )

    def is_selected() -> bool:
        return window.workbench.selecting.working is not None

    def step() -> float:
        return STEP * (window.document.diagonal() or 1.0)

    def on_what() -> str:
        current = window.workbench.scene.current
        return RESULT if current is None else current.name

    return [
        Action("select.all", tr("Select all"), lambda: window.workbench.selecting.select_all(on_what()), "Select",
               "Ctrl+A", group="what", help=tr("All of the chosen object, or of the result")),
        Action("select.none", tr("Select nothing"), lambda: window.workbench.selecting.clear(), "Select",
               "Ctrl+Shift+A", enabled=is_selected, group="what"),
        Action("select.invert", tr("Invert selection"), lambda: window.workbench.selecting.invert(), "Select",
               "Ctrl+I", enabled=is_selected, group="what"),
        Action("select.grow", tr("Grow selection"), lambda: window.workbench.selecting.grow(step()), "Select",
               "Ctrl+]", enabled=is_selected, group="rim", help=tr("Along the surface, by 2 % of the whole")),
        Action("select.shrink", tr("Shrink selection"), lambda: window.workbench.selecting.shrink(step()), "Select",
               "Ctrl+[", enabled=is_selected, group="rim", help=tr("Along the surface, by 2 % of the whole")),
        Action("select.soften", tr("Soften selection"), lambda: window.workbench.selecting.smooth(), "Select",
               enabled=is_selected, group="rim", help=tr("Let its rim fade")),
        Action("select.frame", tr("Frame selection"), viewing.frame_selection, "Select", "Shift+F",
               enabled=is_selected, group="look"),
        *(
            Action(f"select.{mode}", title, partial(viewing.select_by, mode), "Select/Tool",
                   checked=partial(_is_mode, viewing, mode), group="mode",
                   help=help)
            for mode, title, help in modes
        ),
        Action("select.through", tr("Also what is hidden"), viewing.toggle_select_through, "Select/Tool",
               checked=lambda: viewing.select_through, group="through",
               help=tr("Box and lasso also take what something else hides")),
        *(
            Action(f"select.rim-{profile}", title, partial(viewing.set_select_profile, profile), "Select/Tool",
                   checked=partial(_is_profile, viewing, profile), group="rim")
            for profile, title in profiles
        ),
    ]  # fmt: skip


def _is_mode(viewing: Viewing, mode: str) -> bool:
    return viewing.tool == "select" and viewing.select_mode == mode


def _is_profile(viewing: Viewing, profile: str) -> bool:
    return viewing.select_profile == profile
