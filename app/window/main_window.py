"""The main window: docks around the viewport. Its frame shows at once, the rest is filled in after the first paint.

What stands here imports neither numpy nor pydantic: `app.window.furnishing` brings the rooms, `app.window.listening`
what happens in them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.actions.commands import window_actions
from app.actions.registry import ActionRegistry
from app.actions.shortcuts import Shortcuts
from app.document.settings_file import SettingsFile
from app.panels.error_bar import ErrorBar, Message
from app.panels.icons import icon
from app.panels.run_bar import RunBar
from app.panels.status_line import StatusLine
from app.viewport.viewing import BODY, RESULT, Viewing
from app.window.appearance import Appearance
from app.window.docks import build_docks, show_dock
from app.window.earlier_runs_menu import EarlierRunsMenu
from app.window.recent_menu import RecentMenu
from app.window.repair_menu import RepairMenu
from app.window.tab_order import next_in_reading_order
from app.window.tool_strip import ToolStrip
from app.window.workspace_tabs import WorkspaceTabs

if TYPE_CHECKING:
    from app.actions.palette import CommandPalette
    from app.document.document import Document
    from app.document.preferences import KeptPreferences
    from app.panels.compare_bar import CompareBar
    from app.panels.empty_state import EmptyState
    from app.panels.gallery_panel import GalleryPanel
    from app.panels.history_panel import HistoryPanel
    from app.panels.log_panel import LogPanel
    from app.panels.loss_plot import LossPlot
    from app.panels.model_panel import ModelPanel
    from app.panels.objects_panel import ObjectsPanel
    from app.panels.properties_panel import PropertiesPanel
    from app.panels.readings_plot import ReadingsPlot
    from app.panels.samples_panel import SamplesPanel
    from app.panels.scene_panel import ScenePanel
    from app.panels.selections_panel import SelectionsPanel
    from app.panels.study_panel import StudyPanel
    from app.panels.tasks_panel import TasksPanel
    from app.panels.timeline import Timeline
    from app.viewport.view import Viewport
    from app.window.dialogs import Dialogs
    from app.window.document_listening import DocumentListening
    from app.window.examining import Examining
    from app.window.listening import Listening
    from app.window.plotting import Plotting
    from app.window.preferring import Preferring
    from app.window.workspaces import Workspaces
    from app.work.documents import Documents
    from app.work.engine_link import EngineLink
    from app.work.engine_rows import EngineRows
    from app.work.keeping import Keeping
    from app.work.logbook import Logbook
    from app.work.sharing import Sharing
    from app.work.tasks import Tasks
    from app.work.workbench import Workbench
    from engine.protocol.catalogue import Catalogue
    from engine.protocol.session import Session

FRAME_MILLISECONDS = 33
LEAST_MIDDLE = (360, 160)
"""Pixels to which the middle gives way to panels and bars: with all of them a screen of 1024 by 700 is enough."""
PANELS_OF_TOOLS = {"select": "selections", "move": "properties"}
STAGING_TOOLS = ("move", "pin", "crease", "outline")
"""Tools that in a workspace that simulates are used with the panel of the scene."""


class MainWindow(QMainWindow):
    """Everything on the screen. Built around a Session that is made when the window has been shown.

    make_session : gives the engine; called once, after the first paint
    make_viewport : gives the viewport
    settings : where the layout is kept; None keeps nothing (tests, screenshots)
    settings_file : what the person has set: preferences and shortcuts
    store : folder of recent files, and of what is kept against a crash; None keeps nothing, and asks nothing
    kept_catalogue : the Catalogue of the last time, to draw panels from before the engine is up
    bare : only menus, tool strip and empty docks, until `furnish` is called
    """

    preferences: KeptPreferences
    preferring: Preferring
    logbook: Logbook
    tasks: Tasks
    engine_rows: EngineRows
    document: Document
    link: EngineLink
    workbench: Workbench
    documents: Documents
    keeping: Keeping
    document_listening: DocumentListening
    dialogs: Dialogs
    sharing: Sharing
    palette_of_commands: CommandPalette
    listening: Listening
    empty_state: EmptyState
    objects: ObjectsPanel
    properties: PropertiesPanel
    selections: SelectionsPanel
    scene_panel: ScenePanel
    samples: SamplesPanel
    model: ModelPanel
    workspaces: Workspaces
    gallery: GalleryPanel
    study: StudyPanel
    history: HistoryPanel
    compare_bar: CompareBar
    timeline: Timeline
    task_list: TasksPanel
    log: LogPanel

    def __init__(
        self,
        make_session: Callable[[], Session],
        make_viewport: Callable[[QWidget], Viewport],
        *,
        settings: QSettings | None = None,
        settings_file: SettingsFile | None = None,
        store: Path | None = None,
        kept_catalogue: Callable[[], Catalogue | None] = lambda: None,
        bare: bool = False,
    ) -> None:
        super().__init__()
        self.make_session = make_session
        self.kept_catalogue = kept_catalogue
        self.store = store
        self._make_viewport = make_viewport
        self.furnished = False
        self._furnishing = False
        self.viewport: Viewport | None = None
        self.loss_plot: LossPlot | None = None
        self.readings_plot: ReadingsPlot | None = None
        self.plotting: Plotting | None = None
        self.examining: Examining | None = None
        self._closed = False
        self.setWindowTitle("Formwright")
        self.setWindowIcon(icon("app"))
        self.setDockNestingEnabled(True)
        self.settings_file = settings_file or SettingsFile()
        self.registry = ActionRegistry(self, self.furnish, Shortcuts(self.settings_file))
        self.viewing = Viewing(self.registry.refresh)
        self.appearance = Appearance(self, settings, self.settings_file, self._themed)
        self.registry.add(window_actions(self))
        self.menus = self.registry.fill_menus(self.menuBar())
        self._build_centre()
        self._build_docks()
        self.status_line = StatusLine(self)
        self.setStatusBar(self.status_line)
        self.menus["File"].insertMenu(self.registry.drawn("file.save"), RecentMenu(self))
        self.menus["Run"].insertMenu(self.registry.drawn("run.keep"), EarlierRunsMenu(self))
        self.menus["Tools"].addMenu(RepairMenu(self))
        self._build_search()
        self.appearance.restore_layout()
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MILLISECONDS)
        self._timer.timeout.connect(self.poll)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._focus_moved)
        if not bare:
            self.furnish()

    # Life ---------------------------------------------------------------------------------------------------------

    def furnish(self, opening: Sequence[Path] = ()) -> bool:
        """Fill the docks, once; files to open are being read meanwhile. False while it is still at it."""
        if self.furnished or self._furnishing:
            return self.furnished
        self._furnishing = True
        from app.window.furnishing import fill_docks, make_rooms

        make_rooms(self)
        if opening:
            self.workbench.files.open(list(opening))
        # One paint for all of it, at the sizes that the empty docks already have.
        self.setUpdatesEnabled(False)
        fill_docks(self)
        self.furnished = True
        self.registry.refresh()
        self.choose_page()
        self.setUpdatesEnabled(True)
        return True

    def complete(self) -> None:
        """All that comes after the first paint, at once: viewport, plot, engine, and the timer."""
        self.furnish()
        self.add_viewport()
        self.add_plot()
        self.start_engine()
        self.start_timer()

    def add_viewport(self) -> None:
        """Make the viewport and show in it what is open."""
        if self.viewport is not None:
            return
        self.viewport = self._make_viewport(self)
        self.viewport.set_theme(dark=self.appearance.dark)
        self.viewing.set_viewport(self.viewport)
        self._stack.addWidget(self.viewport)
        self.viewport.installEventFilter(self)
        self.viewport.tool_changed.connect(self._show_panel_of)
        self.workbench.set_viewport(self.viewport)
        self.document_listening.outlook.viewport_came()
        self.choose_page()

    def add_plot(self) -> None:
        """Make the plot of the losses: its library is one of the slower ones."""
        if self.loss_plot is None:
            from app.panels.loss_plot import LossPlot
            from app.panels.readings_plot import ReadingsPlot
            from app.window.plotting import Plotting

            self.loss_plot = LossPlot(self)
            self.readings_plot = ReadingsPlot(self.workbench.readings, self)
            self.plotting = Plotting(self, self.loss_plot, self.readings_plot)
            self._run_row.replaceWidget(self._plot_place, self.plotting.stack)
            self._plot_place.deleteLater()
            self.listening.show_losses()

    def start_engine(self) -> None:
        """Start the engine process; idempotent."""
        if self.link.session is None and not self._closed:
            self.link.start_engine()
            if self.link.starting:
                self.engine_rows.starting()

    def start_timer(self) -> None:
        """Look 30 times a second at what engine and loader say."""
        self._timer.start()

    def stop_timer(self) -> None:
        """Let `poll` be called by someone else: tests and scripts that make screenshots."""
        self._timer.stop()

    def poll(self) -> None:
        """One frame: take in what the engine and the loader said, and show it."""
        self.workbench.pulling.frame()
        self.link.poll()
        self.tasks.poll()
        if self.workbench.files.opener.busy:
            self.workbench.files.opener.poll()
        self.listening.frame()
        self.document_listening.frame()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._closed and self.furnished and not self.document_listening.may_close():
            event.ignore()
            return
        if not self._closed:
            self._closed = True
            self._timer.stop()
            application = QApplication.instance()
            if isinstance(application, QApplication):
                application.focusChanged.disconnect(self._focus_moved)
            self.appearance.keep_layout()
            self.appearance.close()
            self.hide()
            if self.furnished:
                self.workbench.close()
                self.keeping.close()
                self.logbook.close()
            if self.viewport is not None:
                self.viewport.shut_down()
        super().closeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.furnished:
            self.palette_of_commands.hide()

    def focusNextPrevChild(self, forward: bool) -> bool:
        found = next_in_reading_order(self, QApplication.focusWidget(), forward=forward)
        if found is None:
            return super().focusNextPrevChild(forward)
        for dock in self.docks.values():
            if dock.isAncestorOf(found) and dock.visibleRegion().isEmpty():
                dock.raise_()  # nobody types into what is not seen
        found.setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # At the press, not at the release: what a tool tells on the release belongs to the drag that it ends.
        if event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick):
            self.workbench.end_stroke()
        return False

    def _show_panel_of(self, tool: str) -> None:
        """The panel that a tool is used with comes before those that share its place; one that is closed stays so."""
        self.choose_page()
        about_an_object = tool == "move" and bool(self.document.selected)
        staging = tool in STAGING_TOOLS and self.workbench.staging.scene is not None and not about_an_object
        dock = self.docks.get("scene" if staging else PANELS_OF_TOOLS.get(tool, ""))
        if dock is not None and not dock.isHidden():
            dock.raise_()

    def _focus_moved(self, before: QWidget | None, now: QWidget | None) -> None:
        """A button that has the focus keeps Space for being pressed."""
        self.registry.lend("Space" if isinstance(now, QAbstractButton) else "")

    # Building -----------------------------------------------------------------------------------------------------

    def _build_centre(self) -> None:
        self.error_bar = ErrorBar(self)
        self._stack = QStackedWidget(self)
        self._place = _blank(self)
        self._stack.addWidget(self._place)
        self.tool_strip = ToolStrip(self.registry, self)
        centre = QWidget(self)
        row = QHBoxLayout(centre)
        # The bars stand beside the strip, so that its tools stay where they are when one comes.
        self._middle = column = QVBoxLayout()
        for layout in (row, column):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(0)
        self._stack.setMinimumSize(*LEAST_MIDDLE)
        self.error_bar.setMinimumWidth(LEAST_MIDDLE[0])
        row.addWidget(self.tool_strip)
        row.addLayout(column, 1)
        column.addWidget(self.error_bar)
        column.addWidget(self._stack, 1)
        self.setCentralWidget(centre)

    def _build_docks(self) -> None:
        registry = self.registry
        self.run_bar = RunBar(
            registry.drawn("run.toggle"), registry.drawn("run.step"), registry.drawn("run.stop"), self
        )
        run_row = _blank(self)
        self._run_row = QHBoxLayout(run_row)
        self._run_row.setContentsMargins(0, 0, 0, 0)
        self._run_row.setSpacing(0)
        self._run_row.addWidget(self.run_bar)
        self._plot_place = _blank(self)
        self._run_row.addWidget(self._plot_place, 1)
        self.docks = build_docks(self, run=run_row, blank=lambda: _blank(self))

    def _build_search(self) -> None:
        """The tabs of the workspaces and the way into the command palette for the mouse, at the end of the menu bar."""
        button = QToolButton(self)
        button.setText(self.tr("Search  Ctrl+P"))
        button.setIcon(icon("search"))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setAccessibleName(self.tr("Search commands"))
        button.setToolTip(self.tr("Search commands and parameters"))
        button.clicked.connect(self.open_palette)
        corner = QWidget(self)
        row = QHBoxLayout(corner)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(WorkspaceTabs(self))
        row.addWidget(button)
        corner.setFocusProxy(button)
        self.menuBar().setCornerWidget(corner)

    # What a person asks -------------------------------------------------------------------------------------------

    def about(self) -> None:
        text = self.tr("Formwright shapes geometry by gradient descent while you steer it.")
        self.error_bar.show_message(Message(text, "Apache-2.0", kind="note"))

    def open_palette(self) -> None:
        self.registry.refresh()
        self.palette_of_commands.open()

    def frame(self) -> None:
        """Frame what is selected, or everything."""
        self.frame_named(self.document.selected)

    @property
    def selected_checkpoint(self) -> int | None:
        return self.history.strip.selected

    def continue_from_selected(self) -> None:
        if self.selected_checkpoint is not None:
            self.continue_from(self.selected_checkpoint)

    def view_live(self) -> None:
        """Show the running surface again."""
        self.history.leave_checkpoint()
        self.workbench.running.view_live()
        self.workbench.playing.go_live()
        self.registry.refresh()

    def choose_study(self, name: str) -> None:
        if name and name != self.document.study.study:
            self.document.choose_study(name)

    def scrub(self, checkpoint: int) -> None:
        """Show a Checkpoint, and mark it in the strip, whoever asks for it."""
        self.history.mark(checkpoint)
        self.workbench.running.view_checkpoint(checkpoint)
        self.registry.refresh()

    def continue_from(self, checkpoint: int) -> None:
        self.history.leave_checkpoint()
        self.workbench.running.continue_from(checkpoint)
        self.registry.refresh()

    def choose_page(self) -> None:
        """The empty state with nothing open, else the viewport (or its place, until it is there)."""
        scene = self.workbench.staging.scene
        staged = scene is not None and (self.viewing.tool == "outline" or any(True for _ in scene.bodies()))
        filled = bool(self.document.objects) or self.document.run.exists or self.workbench.playing.there or staged
        page: QWidget = self.empty_state
        if self.examining is not None and self.examining.shown:
            page, filled = self.examining.page, False
        elif filled or self.workbench.files.opener.at_work:
            page = self.viewport or self._place
        if self._stack.currentWidget() is not page:
            self._stack.setCurrentWidget(page)
        self.tool_strip.setEnabled(filled)
        if self.furnished:
            self.timeline.set_wanted(filled)

    def show_result(self, visible: bool) -> None:
        """Show or hide the Run's surface."""
        if self.viewport is not None:
            self.viewport.set_object_visible(RESULT, visible)

    def frame_named(self, name: str) -> None:
        known = {item.name for item in self.document.objects} | {RESULT}
        self.viewing.frame(name if name in known else None)

    def frame_body(self, name: str) -> None:
        """Let a body of the scene fill the view."""
        self.viewing.frame(BODY + name)

    def add_bar(self, bar: QWidget) -> None:
        """Put a bar over the viewport, below the messages."""
        self._middle.insertWidget(1, bar)

    def set_timeline(self, timeline: Timeline) -> None:
        """Put the timeline below the viewport."""
        self._middle.addWidget(timeline)

    def add_page(self, page: QWidget) -> None:
        """One more that the middle may show."""
        self._stack.addWidget(page)

    def set_empty_state(self, page: EmptyState) -> None:
        """What the middle shows with nothing open."""
        self.empty_state = page
        self._stack.addWidget(page)

    def _themed(self) -> None:
        """The theme has changed: what paints itself follows."""
        if self.viewport is not None:
            self.viewport.set_theme(dark=self.appearance.dark)
        if self.loss_plot is not None:
            self.loss_plot.apply_theme()
            if self.readings_plot is not None:
                self.readings_plot.apply_theme()
            self.listening.show_losses()
        if self.furnished:
            self.study.terms.refresh()
            self.samples.apply_theme()
            self.model.apply_theme()
            if self.examining is not None:
                self.examining.page.apply_theme()
            self.registry.refresh()

    def show_dock(self, name: str) -> None:
        """Bring a panel into sight."""
        show_dock(self, self.docks, name)

    def reveal(self, editor: QWidget) -> None:
        """Bring a parameter's editor into sight, with the focus in it."""
        self.show_dock("study")
        self.study.ensureWidgetVisible(editor)
        target = editor.nextInFocusChain()
        if target is not None:
            target.setFocus(Qt.FocusReason.ShortcutFocusReason)


def _blank(parent: QWidget) -> QWidget:
    """A place in the colour of what will stand there."""
    place = QWidget(parent)
    place.setProperty("panel", True)
    place.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    return place
