"""The samples panel: opening a data set, and the table of its samples."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QKeyEvent, QPixmap, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QStackedWidget,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.document.samples import PARTS
from app.panels.field_picture import still
from app.panels.icons import icon
from app.panels.sample_colours import scale_of
from app.panels.samples_table import COMPLAINT, NAME, SPLIT, FilteredSamples, SamplesTable
from app.panels.work_progress import WorkProgress
from app.work.samples import Samples

PICTURE = QSize(54, 40)
BUDGET_SECONDS = 0.012
"""That pictures of samples may take of a frame."""
FRAME_MILLISECONDS = 33


class _View(QTableView):
    """Space says here what samples are for, whatever it does in the rest of the window."""

    space_pressed = Signal()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and _is_space(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if _is_space(event):
            self.space_pressed.emit()
        else:
            super().keyPressEvent(event)


def _is_space(event: QKeyEvent) -> bool:
    return event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.NoModifier


class SamplesPanel(QWidget):
    """Empty it says how to begin; while a data set is read, how far that is."""

    file_wanted = Signal()
    folder_wanted = Signal()
    copy_wanted = Signal()
    sample_chosen = Signal()

    def __init__(self, samples: Samples, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._samples = samples
        self._scale_shown: object = None
        self.setProperty("panel", True)
        self.setAccessibleName(self.tr("Samples"))
        self.table = SamplesTable(samples, self)
        self.filtered = FilteredSamples(self.table, self)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._beginning())
        self._stack.addWidget(self._listing())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._stack)
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MILLISECONDS)
        self._timer.timeout.connect(self._tick)
        samples.changed.subscribe(self._changed)
        samples.progressed.subscribe(self.refresh)
        samples.rows_changed.subscribe(lambda _: self.refresh())
        samples.chosen_changed.subscribe(self._chosen_changed)
        self._changed()

    def refresh(self) -> None:
        """Show how it stands."""
        samples, busy = self._samples, self._samples.row is not None
        self._stack.setCurrentIndex(0 if samples.look is None and not busy else 1)
        self._progress.follow(samples.row)
        self._outcome.setText(samples.outcome)
        self._outcome.setVisible(bool(samples.outcome))
        self._show_summary()
        if self.isVisible() and self._pictures_missing():
            self._timer.start()

    def summary(self) -> str:
        """What the panel says of the data set."""
        return self._summary.text()

    def notes(self) -> str:
        """What the panel says that reading the data set found."""
        return self._notes.text()

    def selected_names(self) -> list[str]:
        """Samples that are selected in the table."""
        look = self._samples.look
        rows = {self.filtered.mapToSource(place).row() for place in self.view.selectionModel().selectedRows()}
        return [look.rows[row].name for row in sorted(rows)] if look is not None else []

    def apply_theme(self) -> None:
        self.table.forget_pictures()
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    # --------------------------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        """Another data set."""
        self.refresh()
        self._show_chosen()
        header = self.view.horizontalHeader()
        if self.table.columnCount():
            header.resizeSection(NAME, 158)
            header.resizeSection(SPLIT, 62)

    def _chosen_changed(self) -> None:
        self._show_chosen()
        if self._scale_shown != self._samples.field:
            self._scale_shown = self._samples.field
            self.table.forget_pictures()
            self.refresh()

    def _show_summary(self) -> None:
        look = self._samples.look
        row = self._samples.row
        self._title.setText(look.name if look is not None else row.title if row is not None else "")
        self._title.setToolTip(look.path if look is not None else "")
        if look is None:
            self._summary.setText("")
            self._notes.hide()
            return
        counts = self._samples.counts()
        said = [self.tr("{0} to train, {1} to test").format(counts["train"], counts["test"])]
        if counts["out"]:
            said.append(self.tr("{0} left out").format(counts["out"]))
        complaints = len(self._samples.complaints())
        if complaints:
            said.append(self.tr("{0} with a complaint").format(complaints))
        self._summary.setText(" · ".join(said))
        self._notes.setText("\n".join(look.notes))
        self._notes.setVisible(bool(look.notes))
        problem = look.problem or (
            self.tr("Samples with a complaint cannot be learnt from. Leave them out, or repair the data.")
            if complaints else ""
        )  # fmt: skip
        self._problem.setText(self._samples.outcome or problem)
        self._problem.setVisible(bool(self._problem.text()))
        self._leave_out.setVisible(complaints > 0)
        self._copy.setEnabled(look.path.endswith(".npz"))
        self.view.setColumnHidden(COMPLAINT, not any(row.complaint for row in look.rows))

    def _show_chosen(self) -> None:
        """Let the row of the sample that is shown be the current one."""
        number = self._samples.sample
        if number is None or not self.table.rowCount():
            return
        place = self.filtered.mapFromSource(self.table.index(number, NAME))
        current = self.view.selectionModel().currentIndex()
        if place.isValid() and current.row() != place.row():
            flags = QItemSelectionModel.SelectionFlag
            blocked = self.view.selectionModel().blockSignals(True)
            self.view.selectionModel().setCurrentIndex(place, flags.ClearAndSelect | flags.Rows)
            self.view.selectionModel().blockSignals(blocked)
            self.view.scrollTo(place)
            self.view.viewport().update()

    def _selected(self, selected: QItemSelection, _: QItemSelection) -> None:
        current = self.view.selectionModel().currentIndex()
        look = self._samples.look
        if look is not None and current.isValid() and not selected.isEmpty():
            self._samples.choose(look.rows[self.filtered.mapToSource(current).row()].name)
            self.sample_chosen.emit()

    def _next_part(self) -> None:
        """Train, test and left out in turn, for all that are selected."""
        names, look = self.selected_names(), self._samples.look
        if names and look is not None:
            first = look.index(names[0])
            assert first is not None
            part = self._samples.part(first)
            self._samples.set_part(names, PARTS[(PARTS.index(part) + 1) % len(PARTS)])

    def _double_clicked(self, place: object) -> None:
        if self.view.currentIndex().column() == SPLIT:
            self._next_part()

    def _menu(self, place: QPoint) -> None:
        names = self.selected_names()
        if not names:
            return
        menu = QMenu(self)
        titles = {"train": self.tr("Use for training"), "test": self.tr("Use for testing"), "out": self.tr("Leave out")}
        for part in PARTS:
            menu.addAction(titles[part]).triggered.connect(
                lambda _=False, part=part: self._samples.set_part(names, part)
            )
        menu.exec(self.view.viewport().mapToGlobal(place))

    def _leave_complaints_out(self) -> None:
        look = self._samples.look
        if look is not None:
            self._samples.set_part([row.name for row in look.rows if row.complaint], "out")

    # Pictures -----------------------------------------------------------------------------------------------------

    def _visible_rows(self) -> list[int]:
        """Samples whose rows are seen."""
        count = self.filtered.rowCount()
        if not count or not self.view.isVisible():
            return []
        top = max(self.view.rowAt(0), 0)
        bottom = self.view.rowAt(self.view.viewport().height() - 1)
        bottom = count - 1 if bottom < 0 else bottom
        return [self.filtered.mapToSource(self.filtered.index(row, 0)).row() for row in range(top, bottom + 1)]

    def _pictures_missing(self) -> list[int]:
        return [row for row in self._visible_rows() if not self.table.has_picture(row)]

    def _tick(self) -> None:
        missing, began = self._pictures_missing(), time.perf_counter()
        while missing and time.perf_counter() - began < BUDGET_SECONDS:
            number = missing.pop(0)
            self.table.set_picture(number, QPixmap.fromImage(self._picture(number)))
        if not missing:
            self._timer.stop()

    def _picture(self, number: int) -> QImage:
        arrays, values = self._samples.arrays(number), self._samples.values(number)
        ratio = self.devicePixelRatioF()
        picture = still(arrays.nodes, arrays.triangles, values, scale_of(self._samples, None), PICTURE * ratio)
        picture.setDevicePixelRatio(ratio)
        return picture

    # Building -----------------------------------------------------------------------------------------------------

    def _beginning(self) -> QWidget:
        page = QWidget(self)
        column = QVBoxLayout(page)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(8)
        how = QLabel(
            self.tr("Open samples to learn from: meshes with the fields and numbers that a simulation gave for them."),
            page,
        )
        how.setWordWrap(True)
        how.setProperty("soft", True)
        self._outcome = self._problem_label(page)
        column.addWidget(how)
        for symbol, title, tip, wanted in (
            ("open", self.tr("Open a data set…"), self.tr("One .npz with all samples"), self.file_wanted),
            ("folder", self.tr("Open a folder of samples…"),
             self.tr("One VTU, VTP or VTK file a sample, and scalars.csv"), self.folder_wanted),
        ):  # fmt: skip
            button = QPushButton(icon(symbol), title, page)
            button.setToolTip(tip)
            button.setAccessibleName(title)
            button.clicked.connect(lambda _=False, wanted=wanted: wanted.emit())
            column.addWidget(button)
        shipped = QPushButton(icon("mesh"), self.tr("Try the notched plates"), page)
        shipped.setAccessibleName(shipped.text())
        shipped.setToolTip(self.tr("A small set that comes with the program: stress in plates with notches"))
        shipped.clicked.connect(lambda _=False: self._samples.open_shipped())
        column.addWidget(shipped)
        column.addWidget(self._outcome)
        column.addStretch(1)
        return page

    def _listing(self) -> QWidget:
        page = QWidget(self)
        self._title = QLabel(page)
        self._title.setProperty("heading", True)
        more = QToolButton(page)
        more.setIcon(icon("open"))
        more.setAccessibleName(self.tr("Open other samples"))
        more.setToolTip(more.accessibleName())
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        more.setProperty("menuButton", True)
        menu = QMenu(more)
        menu.setAccessibleName(more.accessibleName())
        menu.addAction(self.tr("Open a data set…")).triggered.connect(lambda _=False: self.file_wanted.emit())
        menu.addAction(self.tr("Open a folder of samples…")).triggered.connect(
            lambda _=False: self.folder_wanted.emit()
        )
        self._copy = menu.addAction(self.tr("Save a copy…"))
        self._copy.triggered.connect(lambda _=False: self.copy_wanted.emit())
        menu.addAction(self.tr("Close the data set")).triggered.connect(lambda _=False: self._samples.close_data())
        more.setMenu(menu)
        self.filter = QLineEdit(page)
        self.filter.setPlaceholderText(self.tr("Filter: name, train, test, complaint"))
        self.filter.setAccessibleName(self.tr("Filter the samples"))
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self.filtered.filter_by)
        self.filter.textChanged.connect(lambda _: self.refresh())
        self._summary = QLabel(page)
        self._summary.setProperty("soft", True)
        self._summary.setWordWrap(True)
        self._notes = QLabel(page)
        self._notes.setProperty("soft", True)
        self._notes.setWordWrap(True)
        self._notes.hide()
        self._problem = self._problem_label(page)
        self._leave_out = QPushButton(self.tr("Leave them out"), page)
        self._leave_out.setAccessibleName(self.tr("Leave out samples with a complaint"))
        self._leave_out.clicked.connect(lambda _=False: self._leave_complaints_out())
        self._leave_out.hide()
        self._cancel = QToolButton(page)
        self._cancel.setIcon(icon("remove"))
        self._cancel.setAccessibleName(self.tr("Stop reading"))
        self._cancel.setToolTip(self._cancel.accessibleName())
        self._cancel.clicked.connect(lambda _=False: self._samples.cancel())
        self._progress = WorkProgress(self.tr("How far reading is"), self._cancel, page)
        self.view = self._make_view(page)
        head, progress = QHBoxLayout(), QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(more)
        progress.addWidget(self._progress, 1)
        progress.addWidget(self._cancel)
        top = QVBoxLayout()
        top.setContentsMargins(12, 2, 8, 0)
        top.setSpacing(5)
        for layout in (head, progress):
            top.addLayout(layout)
        for widget in (self._summary, self._notes, self._problem, self._leave_out, self.filter):
            top.addWidget(widget)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(top)
        column.addWidget(self.view, 1)
        return page

    def _make_view(self, page: QWidget) -> QTableView:
        view = _View(page)
        view.space_pressed.connect(self._next_part)
        view.setModel(self.filtered)
        view.setAccessibleName(self.tr("Samples of the data set"))
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setSortingEnabled(True)
        view.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        view.setIconSize(PICTURE)
        view.setShowGrid(False)
        view.setWordWrap(False)
        view.setTabKeyNavigation(False)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(PICTURE.height() + 6)
        view.horizontalHeader().setHighlightSections(False)
        view.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        view.horizontalHeader().setDefaultSectionSize(96)
        view.horizontalScrollBar().setSingleStep(20)
        view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._menu)
        view.doubleClicked.connect(self._double_clicked)
        view.selectionModel().selectionChanged.connect(self._selected)
        view.verticalScrollBar().valueChanged.connect(lambda _: self.refresh())
        self.filtered.layoutChanged.connect(self.refresh)
        return view

    def _problem_label(self, page: QWidget) -> QLabel:
        label = QLabel(page)
        label.setProperty("problem", True)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.hide()
        return label
