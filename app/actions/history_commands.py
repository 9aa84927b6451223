"""Commands of the History, in the Run menu: comparing, and the branches."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app.actions.action import Action
from app.actions.texts import tr

if TYPE_CHECKING:
    from app.viewport.records import CompareMode
    from app.window.main_window import MainWindow


def history_commands(window: MainWindow) -> list[Action]:
    """Comparing two surfaces of the History; naming, promoting and deleting a branch."""
    modes: tuple[tuple[CompareMode, str], ...] = (
        ("overlay", tr("Overlay")),
        ("swipe", tr("Swipe")),
        ("distance", tr("Distance as colours")),
    )

    def comparing() -> bool:
        return window.workbench.comparing.active

    def compare_title() -> str:
        return tr("Leave the comparison") if window.furnished and comparing() else tr("Compare with a checkpoint")

    def toggle() -> None:
        if comparing():
            window.workbench.comparing.leave()
        else:
            window.workbench.comparing.compare_now_with(window.selected_checkpoint)

    def branch() -> str:
        return window.history.strip.branch_in_hand

    def has_branch() -> bool:
        return bool(window.document.run.checkpoints)

    return [
        Action("compare.toggle", compare_title, toggle, "Run/Compare", "C", "compare", group="compare",
               enabled=lambda: comparing() or window.workbench.comparing.possible,
               help=tr("The present surface and the selected checkpoint, over each other")),
        *(
            Action(f"compare.{mode}", title, partial(_set_mode, window, mode), "Run/Compare", group="modes",
                   enabled=comparing, checked=partial(_is_mode, window, mode))
            for mode, title in modes
        ),
        Action("compare.exchange", tr("Exchange A and B"), lambda: window.workbench.comparing.exchange(),
               "Run/Compare", icon="exchange", enabled=comparing, group="exchange"),
        Action("branch.name", tr("Name this branch…"), lambda: window.history.name_branch(branch()), "Run/Branch",
               enabled=has_branch, group="branch",
               help=tr("That of the selected checkpoint, or the present one; F2 in the history")),
        Action("branch.promote", tr("Make it the main branch"), lambda: window.workbench.branching.promote(branch()),
               "Run/Branch", icon="branch", group="branch",
               enabled=lambda: has_branch() and window.workbench.branching.can_promote(branch()),
               help=tr("The branch that was it stays, under another name")),
        Action("branch.delete", tr("Delete this branch…"), lambda: window.workbench.branching.ask_to_delete(branch()),
               "Run/Branch", icon="remove", group="delete",
               enabled=lambda: has_branch() and not window.workbench.branching.why_not_delete(branch()),
               why_not=lambda: window.workbench.branching.why_not_delete(branch()) if has_branch() else "",
               help=tr("Its checkpoints go, and undo does not bring them back")),
    ]  # fmt: skip


def _is_mode(window: MainWindow, mode: CompareMode) -> bool:
    return window.workbench.comparing.active and window.workbench.comparing.mode == mode


def _set_mode(window: MainWindow, mode: CompareMode) -> None:
    window.workbench.comparing.set_mode(mode)
