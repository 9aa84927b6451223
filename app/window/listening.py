"""What happens in the window: the engine's events and the panels' wishes, each to whom it concerns."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.document.scene_items import Item
from app.panels.error_bar import RUN, Message
from engine.protocol import snapshot as seen

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

FRAMES_A_PLOT = 4
"""Curves and numbers are drawn anew every so many frames: nobody reads them faster, and the viewport needs the time."""
MEMORY_SECONDS = 5.0
TOOLS_LEFT_OUT = {
    "Surface": ("tool.pin", "tool.crease", "tool.outline", "tool.pull", "tool.probe", "view.setup"),
    "Shell": ("tool.handle", "tool.brush", "tool.probe"),
    "Regression": ("tool.pin", "tool.crease", "tool.outline", "tool.pull", "view.setup"),
}
"""What of the tool strip makes no sense in a workspace."""
PAINTED = ("tool.open-here", "tool.closed-here")
"""What of the tool strip is there for some kinds of surface only."""


class Listening(QObject):
    """Connects the rooms of one window. `frame` is called once a frame."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._window_memory = 0
        self._memory_at = 0.0
        self._frame = 0
        self._stale: set[str] = set()
        self._shown_state: tuple[int, seen.State] | None = None
        self._has_frames = False
        self._left_out: set[str] = set()
        self._advice: tuple[int, seen.AnotherAdvised] | None = None
        self._listen_to_the_engine()
        self._listen_to_the_panels()

    def frame(self) -> None:
        """Draw what has changed, where its time has come."""
        self._show_rows()
        self._window.workbench.readings.frame()
        self._frame += 1
        if self._frame % FRAMES_A_PLOT == 0:
            self._window.task_list.refresh()
            self._window.log.refresh()
        if self._frame % FRAMES_A_PLOT == 0 and self._stale:
            stale, self._stale = self._stale, set()
            if "numbers" in stale:
                self._show_numbers()
            if "losses" in stale:
                self.show_losses()
            if "history" in stale:
                self._window.history.refresh()

    def _show_rows(self) -> None:
        self._window.status_line.show_rows(self._window.tasks.rows.running)

    def _listen_to_the_engine(self) -> None:
        window, document, link, workbench = (
            self._window,
            self._window.document,
            self._window.link,
            self._window.workbench,
        )
        document.undo_stack.changed.subscribe(window.registry.refresh)
        workbench.scene.chosen_changed.subscribe(window.registry.refresh)
        document.objects_changed.subscribe(self._objects_changed)
        document.catalogue_changed.subscribe(window.registry.refresh)
        workbench.notices.said.subscribe(window.error_bar.show_message)
        workbench.notices.asked.subscribe(window.dialogs.ask)
        workbench.notices.past.subscribe(window.error_bar.forget)
        workbench.notices.noted.subscribe(window.status_line.say)
        workbench.files.opener.changed.subscribe(window.choose_page)
        workbench.playing.frames_changed.subscribe(self._frames_changed)
        link.begun.subscribe(partial(window.error_bar.forget, RUN))
        link.run_changed.subscribe(self._run_changed)
        link.losses_changed.subscribe(partial(self._stale_now, "losses"))
        link.checkpoints_changed.subscribe(partial(self._stale_now, "history"))
        workbench.comparing.changed.subscribe(window.registry.refresh)
        link.topology_changed.subscribe(window.status_line.flash_topology)
        link.problem_raised.subscribe(self._problem)
        link.advised.subscribe(self._advised)
        document.study_changed.subscribe(self._taken_late)
        link.engine_died.subscribe(self._engine_died)
        link.rolled_back.subscribe(self._rolled_back)
        link.settled.subscribe(self._settled)
        window.tasks.rows.changed.subscribe(self._show_rows)
        link.logged.subscribe(lambda line: window.logbook.hear(line.level, line.text))

    def _listen_to_the_panels(self) -> None:
        window, workbench, link = self._window, self._window.workbench, self._window.link
        empty, objects, study, history = window.empty_state, window.objects, window.study, window.history
        empty.files_dropped.connect(lambda paths: workbench.files.open([Path(path) for path in paths]))
        empty.open_wanted.connect(window.dialogs.open_files)
        window.scene_panel.open_wanted.connect(window.dialogs.open_files)
        window.scene_panel.outline_wanted.connect(partial(window.viewing.set_tool, "outline"))
        window.scene_panel.tree.frame_wanted.connect(window.frame_body)
        workbench.staging.chosen_changed.subscribe(window.registry.refresh)
        workbench.staging.chosen_changed.subscribe(self._let_gizmo_set_keyframes)
        workbench.scene_drawing.changed.subscribe(window.registry.refresh)
        workbench.scene_drawing.changed.subscribe(window.choose_page)
        window.workspaces.changed.subscribe(self._show_tools)
        window.document.study_changed.subscribe(self._show_tools)
        window.document.catalogue_changed.subscribe(self._show_tools)
        self._show_tools()
        empty.entry_chosen.connect(workbench.files.run_gallery)
        empty.sheet_wanted.connect(lambda: workbench.staging.add_body("sheet", "rectangle"))
        empty.outline_wanted.connect(partial(window.viewing.set_tool, "outline"))
        objects.result_visibility_changed.connect(window.show_result)
        objects.frame_wanted.connect(window.frame_named)
        window.gallery.entry_chosen.connect(workbench.files.run_gallery)
        study.parameter_changed.connect(
            lambda owner, name, value, live: workbench.steering.set_parameter(owner, name, value, live=live)
        )
        study.study_chosen.connect(window.choose_study)
        terms = study.terms
        terms.weight_changed.connect(workbench.steering.set_weight)
        terms.parameter_changed.connect(workbench.steering.set_parameter)
        terms.add_wanted.connect(workbench.steering.add_term)
        terms.pick_wanted.connect(workbench.probing.pick)
        terms.mask_wanted.connect(workbench.masking.set_mask)
        terms.outside_changed.connect(workbench.masking.set_outside)
        terms.remove_wanted.connect(workbench.steering.remove_term)
        for ended in (terms.gesture_ended, study.gesture_ended):
            ended.connect(workbench.end_stroke)
        history.scrubbed.connect(window.scrub)
        history.live_wanted.connect(window.view_live)
        history.continue_wanted.connect(window.continue_from)
        history.keep_wanted.connect(lambda: link.keep_checkpoint("kept"))
        window.status_line.tasks_wanted.connect(partial(window.show_dock, "tasks"))

    def _show_tools(self) -> None:
        left_out = {*TOOLS_LEFT_OUT[self._window.workspaces.current]}
        left_out |= {id for id in PAINTED if not self._window.registry.action(id).usable}
        if left_out != self._left_out:
            self._left_out = left_out
            self._window.tool_strip.leave_out(left_out)
            self._window.registry.refresh()

    def _let_gizmo_set_keyframes(self) -> None:
        """There is a gizmo with its tool only."""
        if self._window.workbench.staging.key_time is not None:
            self._window.viewing.set_tool("move")

    def _stale_now(self, what: str) -> None:
        self._stale.add(what)

    def _objects_changed(self) -> None:
        self._window.choose_page()
        self._window.registry.refresh()

    def _run_changed(self) -> None:
        """A Snapshot or a change of state: the numbers wait for their frame, the rest follows the state."""
        self._stale.add("numbers")
        run = self._window.document.run
        if run.state == "paused":  # it may have gone back
            self._stale.add("history")
        if (run.run, run.state) == self._shown_state:
            return
        self._shown_state = (run.run, run.state)
        toggle = self._window.registry.drawn("run.toggle")
        toggle.setData("pause" if run.state in ("running", "preparing") else "run")
        self._show_numbers()
        self._window.registry.refresh()
        self._window.objects.refresh()
        self._window.study.refresh()
        self._window.history.refresh()
        self._window.choose_page()

    def _show_numbers(self) -> None:
        run = self._window.document.run
        self._window.run_bar.show_run(run, simulates=self._window.document.run_simulates)
        now = time.monotonic()
        if now - self._memory_at > MEMORY_SECONDS:
            self._memory_at = now
            self._window.tasks.do(_own_memory, self._memory_known, lambda error: None)
        self._window.status_line.show_run(run, self._window_memory)

    def _memory_known(self, size: int) -> None:
        self._window_memory = size

    def show_losses(self) -> None:
        """Draw the curves as they are now."""
        if self._window.plotting is not None:
            self._window.plotting.show()
        self._window.study.terms.show_losses(self._window.document.run.present_curves())

    def _frames_changed(self) -> None:
        """There are frames to export now, or none any more."""
        there = self._window.workbench.playing.there
        if there != self._has_frames:
            self._has_frames = there
            self._window.choose_page()
            self._window.registry.refresh()

    def _problem(self, event: seen.ProblemRaised) -> None:
        offers: tuple[tuple[str, Callable[[], object]], ...] = ()
        show = None
        if event.place is not None and self._window.viewport is not None:
            show = self.tr("Show"), partial(self._window.viewport.show_place, event.place)
        if event.step_size is not None:
            title = self.tr("Start anew with steps of {0:g} ms").format(1e3 * event.step_size)
            offers = ((title, partial(self._start_anew, event.step_size)),)
        self._window.error_bar.show_message(
            Message(event.message, event.remedy, event.details, offers=offers, about=RUN, show=show)
        )

    def _advised(self, event: seen.AnotherAdvised) -> None:
        offers = ((event.title, partial(self._window.workbench.running.begin_otherwise, event.parameters)),)
        self._advice = self._window.document.run.run, event
        self._window.error_bar.show_message(Message(event.message, kind="note", offers=offers, about=RUN))

    def _taken_late(self) -> None:
        """Say what the advice of this Run comes to where it is taken while that goes on."""
        if self._advice is None:
            return
        (number, advice), document = self._advice, self._window.document
        if number != document.run.run or not document.run.active:
            return
        if all(document.study.parameters.get(name) == value for name, value in advice.parameters.items()):
            self._advice = None
            self._window.error_bar.forget(RUN)
            offers = ((self.tr("Begin anew"), self._window.workbench.running.start),)
            self._window.error_bar.show_message(Message(advice.late, kind="note", offers=offers, about=RUN))

    def _start_anew(self, step_size: float) -> None:
        """Simulate from the start with other steps of time; that they are others is a step of undo."""
        workbench = self._window.workbench
        if not workbench.staging.set_value(Item("time"), ["step"], step_size, self.tr("Time step")):
            workbench.running.start()

    def _engine_died(self, event: seen.ProblemRaised) -> None:
        offers = ((self.tr("Restart from the last checkpoint"), self._window.workbench.running.restart_engine),)
        self._window.error_bar.show_message(
            Message(event.message, event.remedy, event.details, offers=offers, about=RUN)
        )

    def _rolled_back(self, event: seen.RolledBack) -> None:
        text = self.tr("{0} became non-finite at iteration {1}; the run went back to the last good checkpoint.")
        title = self._window.document.term_title(event.source)
        self._window.error_bar.show_message(Message(text.format(title, event.iteration), kind="warning", about=RUN))

    def _settled(self, convergence: seen.Convergence) -> None:
        words = {
            "descending": self.tr("The loss falls"),
            "converged": self.tr("The loss has settled"),
            "stalled": self.tr("The loss rises: lower the step size, or look at the weights"),
        }
        self._window.status_line.say(words[convergence])


def _own_memory() -> int:
    """What this process alone holds, bytes: shared libraries would make it look twice as large."""
    import psutil

    return int(psutil.Process().memory_full_info().uss)
