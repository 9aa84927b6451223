"""The history dock: the strips, what is selected, and what can be done with it."""

from __future__ import annotations

import math

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.history_menu import branch_menu, checkpoint_menu, fill_compare_menu
from app.panels.history_strip import HistoryStrip
from app.panels.icons import icon
from app.panels.run_bar import WIDTH, format_bytes
from app.work.workbench import Workbench


class HistoryPanel(QWidget):
    """Scrub, continue from here, keep a Checkpoint; memory of the history against its budget."""

    scrubbed = Signal(int)
    live_wanted = Signal()
    continue_wanted = Signal(int)
    keep_wanted = Signal()

    def __init__(self, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document = workbench.document
        self.branching = workbench.branching
        self.comparing = workbench.comparing
        self._branch_count = 0
        self.setProperty("panel", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("History"))
        self.strip = HistoryStrip(self)
        self.strip.scrubbed.connect(self._scrubbed)
        self.strip.continue_wanted.connect(self.continue_wanted)
        self.strip.compare_wanted.connect(self.compare_with)
        self.strip.menu_wanted.connect(lambda id, place: checkpoint_menu(self, id).popup(place))
        self.strip.branch_menu_wanted.connect(lambda branch, place: branch_menu(self, branch).popup(place))
        self.strip.naming_wanted.connect(self.name_branch)
        self.strip.deleting_wanted.connect(self.branching.ask_to_delete)
        self.strip.branch_title = self.branching.title
        self.strip.term_title = document.term_title
        document.titles_changed.subscribe(self.refresh)
        self.comparing.changed.subscribe(self.refresh)
        area = QScrollArea(self)
        area.setProperty("panel", True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setAccessibleName(self.tr("History"))
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(self.strip)
        self._selected = QLabel(self)
        self._selected.setWordWrap(True)
        self._selected.setProperty("soft", True)
        self._selected.setAccessibleName(self.tr("Selected checkpoint"))
        self._continue = self._button("branch", self.tr("Continue from here"))
        self._continue.setToolTip(self.tr("Go on from this checkpoint, as a new branch; nothing is lost"))
        self._compare = QToolButton(self)
        self._compare.setIcon(icon("compare"))
        self._compare.setAccessibleName(self.tr("Compare"))
        self._compare.setToolTip(self.tr("Compare the selected checkpoint, or the present surface, with another one"))
        self._compare.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._compare.setProperty("menuButton", True)
        choices = QMenu(self._compare)
        choices.setAccessibleName(self._compare.accessibleName())
        choices.aboutToShow.connect(lambda: fill_compare_menu(self, choices, self.strip.selected))
        self._compare.setMenu(choices)
        self._live = self._button("live", self.tr("Back to now"))
        self._live.setToolTip(self.tr("Show the running surface again"))
        self._keep = self._button("bookmark", self.tr("Keep"))
        self._keep.setToolTip(self.tr("Make a checkpoint of the present state"))
        self._continue.clicked.connect(self._continue_from_selected)
        self._live.clicked.connect(self.live_wanted)
        self._keep.clicked.connect(self.keep_wanted)
        self._memory = QProgressBar(self)
        self._memory.setTextVisible(False)
        self._memory.setAccessibleName(self.tr("Memory of the history"))
        self._memory_text = QLabel(self)
        self._memory_text.setProperty("soft", True)
        self._memory_text.setAccessibleName(self.tr("Memory of the history against its budget"))
        side = QWidget(self)
        side.setFixedWidth(WIDTH)  # as the run bar above it: strips and plot begin at the same place
        buttons = QVBoxLayout(side)
        buttons.setContentsMargins(12, 2, 12, 8)
        buttons.setSpacing(5)
        first = QHBoxLayout()
        first.setSpacing(5)
        first.addWidget(self._continue, 1)
        first.addWidget(self._compare)
        buttons.addLayout(first)
        pair = QHBoxLayout()
        pair.setSpacing(5)
        pair.addWidget(self._live, 3)
        pair.addWidget(self._keep, 2)
        buttons.addLayout(pair)
        buttons.addWidget(self._selected)
        buttons.addStretch(1)
        buttons.addWidget(self._memory_text)
        buttons.addWidget(self._memory)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(side)
        row.addWidget(area, 1)
        self._area = area
        self.refresh()

    def refresh(self) -> None:
        """Show the Run's Checkpoints and what can be done."""
        run = self.document.run
        branches = run.branches()
        self.strip.branch_number = run.branch_number
        self.strip.compared = self._compared()
        now = run.iteration if run.state == "paused" else None
        self.strip.show_checkpoints(run.checkpoints, run.branch, run.iterations, now)
        if len(branches) != self._branch_count:
            self._branch_count = len(branches)
            self._area.ensureVisible(0, self.strip.sizeHint().height())
        selected = self.strip.selected
        self._continue.setEnabled(selected is not None)
        self._live.setEnabled(selected is not None)
        self._keep.setEnabled(run.active)
        self._compare.setEnabled(bool(run.checkpoints))
        info = run.checkpoints.get(selected) if selected is not None else None
        if info is not None:
            loss = info.losses.get("loss")
            text = self.tr("Iteration {0} · {1}").format(
                f"{info.iteration:,}", info.label or self.strip.title(info.branch)
            )
            self._selected.setText(text + (f" · {loss:.2e}" if loss is not None and math.isfinite(loss) else ""))
        else:
            self._selected.setText("")
        held, budget = run.scalars.get("history_memory", 0.0), run.scalars.get("history_budget", 0.0)
        self._memory.setVisible(bool(budget))
        self._memory_text.setText(
            self.tr("History {0} of {1}").format(format_bytes(held), format_bytes(budget)) if budget else ""
        )
        if budget:
            self._memory.setRange(0, 1000)
            self._memory.setValue(round(1000 * min(held / budget, 1.0)))
            self._memory.setToolTip(self.tr("Older checkpoints go to disk when the budget is reached"))

    def mark(self, checkpoint: int) -> None:
        """This Checkpoint is the one that is shown."""
        self.strip.select(checkpoint)
        self.refresh()

    def leave_checkpoint(self) -> None:
        """The running surface is shown again."""
        self.strip.select(None)
        self.refresh()

    def name_branch(self, branch: str) -> None:
        """Ask what a branch is to be called; an empty name gives it back its own."""
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(self.tr("Name the branch"))
        dialog.setLabelText(self.tr("Name of the branch"))
        dialog.setTextValue(self.branching.title(branch))
        dialog.textValueSelected.connect(lambda text: self.branching.name(branch, text))
        dialog.open()

    def compare_with(self, checkpoint: int) -> None:
        """Compare what is selected (else the present surface) with this Checkpoint."""
        self.comparing.compare(self.strip.selected, checkpoint)

    def _compared(self) -> dict[int, str]:
        comparison = self.comparing.comparison
        if comparison is None:
            return {}
        pairs = ((comparison.b, "B"), (comparison.a, "A"))
        return {checkpoint: letter for checkpoint, letter in pairs if checkpoint is not None}

    def _scrubbed(self, id: int) -> None:
        self.refresh()
        self.scrubbed.emit(id)

    def _continue_from_selected(self) -> None:
        if self.strip.selected is not None:
            self.continue_wanted.emit(self.strip.selected)

    def _button(self, symbol: str, title: str) -> QPushButton:
        button = QPushButton(icon(symbol), title, self)
        button.setIconSize(QSize(16, 16))
        button.setAccessibleName(title)
        return button
