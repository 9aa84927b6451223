"""The Run menu: starting, stepping, ending, going back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.actions.action import Action
from app.actions.texts import tr

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


def run_commands(window: MainWindow) -> list[Action]:
    """Starting, stepping, ending, going back."""

    def toggle_title() -> str:
        state = window.document.run.state if window.furnished else "idle"
        if state in ("running", "preparing"):
            return tr("Pause")
        if window.furnished and window.document.simulates:
            return tr("Play")
        return tr("Resume") if state == "paused" else tr("Run")

    def can_toggle() -> bool:
        return window.document.run.active or window.workbench.running.can_run

    def why_no_run() -> str:
        document = window.document
        if can_toggle():
            return ""
        if document.catalogue is None:
            return tr("The engine is starting")
        scene = document.study.scene
        if scene is not None and (scene.sheets or scene.solids):
            return window.workbench.inputs.lack
        if scene is not None:
            return tr("Add a sheet or a solid to the scene first")
        if window.workbench.running.lacks_model:
            return tr("Train a Model or open one first")
        return tr("Choose a target in Objects first") if document.objects else tr("Open a scan or a mesh first")

    def can_step() -> bool:
        return window.document.run.state not in ("running", "preparing") and can_toggle()

    def is_active() -> bool:
        return window.document.run.active

    def can_restart() -> bool:
        return window.workbench.running.can_run and window.document.run.exists

    def has_numbers() -> bool:
        return bool(window.workbench.sensing.numbers)

    def is_selected() -> bool:
        return window.selected_checkpoint is not None

    return [
        Action("run.toggle", toggle_title, lambda: window.workbench.running.toggle(), "Run", "Space", "run",
               enabled=can_toggle, group="run", why_not=why_no_run,
               help=tr("Run the study, or pause it")),
        Action("run.step", tr("Step"), lambda: window.workbench.running.step(), "Run", ".", "step", group="run",
               enabled=can_step, help=tr("Make one iteration, or one step of time")),
        Action("run.stop", tr("Stop"), lambda: window.workbench.running.stop(), "Run", "Ctrl+.", "stop", group="run",
               enabled=is_active, help=tr("End the run; its result and its history stay")),
        Action("run.restart", tr("Start over"), lambda: window.workbench.running.start(), "Run", "Ctrl+R", "reset",
               group="run", enabled=can_restart, help=tr("Begin anew; the last run goes to Earlier runs")),
        Action("run.keep", tr("Keep checkpoint"), lambda: window.link.keep_checkpoint("kept"), "Run", "K", "bookmark",
               enabled=is_active, group="history"),
        Action("run.continue", tr("Continue from here"), window.continue_from_selected, "Run", icon="branch",
               enabled=is_selected, group="history",
               help=tr("Go on from the selected checkpoint, as a new branch")),
        Action("run.live", tr("Back to now"), window.view_live, "Run", "N", "live",
               enabled=is_selected, group="history"),
        Action("run.sensitivity", tr("Sensitivity of…"), lambda: window.dialogs.show_sensitivity(), "Run",
               icon="sensitivity", enabled=has_numbers, group="numbers",
               help=tr("What a number of the simulation depends on, in every vertex and every parameter")),
    ]  # fmt: skip
