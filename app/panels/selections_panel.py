"""The selections dock: what is selected now, how it is changed, and the selections that were kept under a name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.document.document import Document
from app.document.project import RESULT, Selection
from app.panels.icons import icon
from app.panels.number_field import NumberField
from app.panels.schema import ParameterField
from app.panels.selections_menu import fill_use_menu
from app.work.selected_area import describe

if TYPE_CHECKING:
    from app.work.workbench import Workbench

NAME = Qt.ItemDataRole.UserRole
COUNT, EYE = 1, 2
DISTANCE = ParameterField(
    "distance", "Distance", "How far Grow and Shrink move the rim, along the surface.", "number", 1.0, unit="mm",
    above=0.0,
)  # fmt: skip


class SelectionsPanel(QWidget):
    """Above, the working selection with what can be done to it; below, the kept ones, each with an eye."""

    def __init__(self, document: Document, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._selecting = workbench.selecting
        self._masking = workbench.masking
        self._scene = workbench.scene
        self._distance_typed = False
        self.setProperty("panel", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("Selections"))
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 8)
        column.setSpacing(6)
        self.summary = QLabel(self)
        self.summary.setWordWrap(True)
        self.summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.summary.setAccessibleName(self.tr("What is selected now"))
        column.addWidget(self.summary)
        self._following = QPushButton(self)
        self._following.setToolTip(self.tr("What is selected from now on leaves the kept selection as it is"))
        self._following.clicked.connect(self._selecting.leave)
        column.addWidget(self._following)
        column.addLayout(self._build_buttons())
        column.addLayout(self._build_keeping())
        self.tree = KeptSelections(document, workbench, self)
        column.addWidget(self.tree, 1)
        document.selections_changed.subscribe(self.refresh)
        document.objects_changed.subscribe(self.refresh)
        document.study_changed.subscribe(self.tree.refresh)
        self._scene.chosen_changed.subscribe(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is selected now, and what was kept."""
        working = self._selecting.working
        self.summary.setText(describe(self._document.project, working) if working else self.tr("Nothing is selected"))
        follows = self._selecting.follows
        self._following.setText(self.tr("Done changing {0}").format(follows))
        self._following.setAccessibleName(self._following.text())
        self._following.setVisible(bool(follows) and working is not None)
        for button in self._needing:
            button.setEnabled(working is not None)
        self._all.setEnabled(bool(self.subject))
        if not self._distance_typed:
            self.distance.set_value(float(f"{0.01 * (self._diagonal() or 100.0):.2g}"))
        self.distance.set_diagonal(self._diagonal())
        self.tree.refresh()

    @property
    def subject(self) -> str:
        """What *All* selects all of: what is selected on, the current object, the result, the only object."""
        document, working = self._document, self._selecting.working
        if working is not None:
            return working.of
        if self._scene.current is not None:
            return self._scene.current.name
        if document.selected == RESULT or (document.run.exists and document.run.iteration > 0):
            return RESULT
        return document.objects[0].name if len(document.objects) == 1 else ""

    # Building -----------------------------------------------------------------------------------------------------

    def _build_buttons(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(4)
        selecting = self._selecting
        self.distance = NumberField(DISTANCE, self)
        self.distance.value_changed.connect(self._distance_changed)
        buttons = (
            (self.tr("All"), self.tr("Select all of the object"), lambda: selecting.select_all(self.subject)),
            (self.tr("None"), self.tr("Select nothing"), selecting.clear),
            (self.tr("Invert"), self.tr("Select what is not selected"), selecting.invert),
            (self.tr("Grow"), self.tr("Move the rim outwards by the distance"), lambda: selecting.grow(self._far())),
            (self.tr("Shrink"), self.tr("Move the rim inwards by the distance"), lambda: selecting.shrink(self._far())),
            (self.tr("Connected"), self.tr("All that hangs together with it"), selecting.connect),
            (self.tr("Soften"), self.tr("A softer rim"), selecting.smooth),
        )
        self._needing: list[QWidget] = []
        for place, (title, help, do) in enumerate(buttons):
            button = QPushButton(title, self)
            button.setToolTip(help)
            button.setAccessibleName(help)
            button.setStyleSheet("padding: 4px 3px;")
            button.clicked.connect(do)
            row, column = divmod(place if place < 5 else place + 1, 3)  # the distance stands beside Grow and Shrink
            grid.addWidget(button, row, column)
            grid.setColumnStretch(column, 1)
            if place == 0:
                self._all = button
            else:
                self._needing.append(button)
        grid.addWidget(self.distance, 1, 2)
        return grid

    def _build_keeping(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        keep = QPushButton(icon("bookmark"), self.tr("Keep"), self)
        keep.setToolTip(self.tr("Keep what is selected now, under a name"))
        keep.setAccessibleName(keep.toolTip())
        keep.clicked.connect(self._keep)
        use = QToolButton(self)
        use.setText(self.tr("Use as"))
        use.setIcon(icon("chevron"))
        use.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        use.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        use.setProperty("menuButton", True)
        use.setAccessibleName(self.tr("Use what is selected now"))
        use.setToolTip(self.tr("As the mask of a term, to freeze, as a region to keep away from, as an object"))
        menu = QMenu(use)
        menu.setAccessibleName(use.accessibleName())
        menu.aboutToShow.connect(partial(self._fill_use, menu))
        use.setMenu(menu)
        row.addWidget(keep)
        row.addWidget(use)
        row.addStretch(1)
        self._needing += [keep, use]
        return row

    # ---------------------------------------------------------------------------------------------------------------

    def _fill_use(self, menu: QMenu) -> None:
        menu.clear()
        fill_use_menu(menu, "", self._document, self._masking)

    def _keep(self) -> None:
        name = self._masking.keep()
        if name:
            self.tree.edit_name(name)

    def _far(self) -> float:
        return float(self.distance.value() or 1.0)

    def _distance_changed(self, value: object) -> None:
        self._distance_typed = True

    def _diagonal(self) -> float | None:
        item = self._document.object(self.subject)
        return item.geometry.diagonal if item is not None else self._document.diagonal()


class KeptSelections(QTreeWidget):
    """The selections that have a name: colour, name, how much, eye. Double click selects one again, to change it."""

    def __init__(self, document: Document, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._selecting = workbench.selecting
        self._masking = workbench.masking
        self._shown: list[tuple[object, ...]] = []
        self.setAccessibleName(self.tr("Kept selections"))
        self.setColumnCount(3)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        header = self.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(0)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(COUNT, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(EYE, QHeaderView.ResizeMode.Fixed)
        self.setColumnWidth(EYE, 30)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._context_menu)
        self.itemClicked.connect(self._clicked)
        self.itemDoubleClicked.connect(lambda row, _: self._selecting.take(row.data(0, NAME)))
        self.itemChanged.connect(self._renamed)
        self.itemDelegate().closeEditor.connect(self._editor_closed)

    def refresh(self) -> None:
        """Draw the rows anew when something in them changed."""
        kept = [item for item in self._document.project.selections if item.name]
        masks = {spec.mask: self._document.term_title(spec.name) for spec in self._document.study.terms if spec.mask}
        follows = self._selecting.follows
        rows: list[tuple[object, ...]] = [
            (item.name, item.of, item.count, item.name in self._selecting.hidden, masks.get(item.name), follows)
            for item in kept
        ]
        if rows == self._shown or self.state() == QAbstractItemView.State.EditingState:
            return
        self._shown = rows
        row_now = self.currentItem()
        current = row_now.data(0, NAME) if row_now is not None else ""
        blocked = self.blockSignals(True)
        self.clear()
        for item in kept:
            row = self._row(item, masks.get(item.name, ""))
            if item.name == current:
                self.setCurrentItem(row)
        self.blockSignals(blocked)

    def edit_name(self, name: str) -> None:
        """Let the person write a name in place."""
        for row in self.findItems(name, Qt.MatchFlag.MatchExactly):
            self.setCurrentItem(row)
            self.editItem(row, 0)

    def event(self, event: QEvent) -> bool:
        """V shows and hides here, whatever tool of the window it chooses elsewhere."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and _is_v(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.currentItem()
        if row is not None and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._selecting.remove(row.data(0, NAME))
        elif row is not None and event.key() == Qt.Key.Key_V:
            self._clicked(row, EYE)
        elif row is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._selecting.take(row.data(0, NAME))
        else:
            super().keyPressEvent(event)

    def _row(self, item: Selection, mask_of: str) -> QTreeWidgetItem:
        row = QTreeWidgetItem(self, [item.name, f"{item.count:,}"])
        row.setData(0, NAME, item.name)
        row.setFlags(row.flags() | Qt.ItemFlag.ItemIsEditable)
        row.setIcon(0, icon("swatch", colour=self._selecting.colour_of(item.name)))
        follows = item.name == self._selecting.follows
        font = row.font(0)
        font.setBold(follows)
        row.setFont(0, font)
        of = self.tr("the result") if item.of == RESULT else item.of
        tip = describe(self._document.project, item) + "\n" + self.tr("Selected on {0}").format(of)
        tip += "\n" + self.tr("Mask of {0}").format(mask_of) if mask_of else ""
        tip += "\n" + self.tr("It changes with what is selected now") if follows else ""
        row.setToolTip(0, tip)
        shown = item.name not in self._selecting.hidden
        row.setIcon(EYE, icon("eye" if shown else "eye-off"))
        row.setToolTip(EYE, self.tr("Hide") if shown else self.tr("Show"))
        row.setData(EYE, Qt.ItemDataRole.AccessibleTextRole, row.toolTip(EYE))
        return row

    def _clicked(self, row: QTreeWidgetItem, column: int) -> None:
        if column == EYE:
            name = row.data(0, NAME)
            self._selecting.show(name, name in self._selecting.hidden)
            self.refresh()

    def _context_menu(self, place: QPoint) -> None:
        row = self.itemAt(place)
        if row is None:
            return
        name = row.data(0, NAME)
        menu = QMenu(self)
        menu.addAction(self.tr("Select it again, to change it"), partial(self._selecting.take, name))
        save = menu.addAction(self.tr("Replace with what is selected now"), partial(self._selecting.keep, name))
        save.setEnabled(self._selecting.working is not None)
        menu.addAction(self.tr("Rename"), partial(self.edit_name, name))
        menu.addSeparator()
        fill_use_menu(menu, name, self._document, self._masking)
        menu.addSeparator()
        menu.addAction(icon("remove"), self.tr("Remove"), partial(self._selecting.remove, name))
        menu.popup(self.viewport().mapToGlobal(place))

    def _renamed(self, row: QTreeWidgetItem, column: int) -> None:
        if column == 0 and row.text(0) != row.data(0, NAME):
            self._masking.rename(row.data(0, NAME), row.text(0))

    def _editor_closed(self) -> None:
        self.setState(QAbstractItemView.State.NoState)
        self._shown = []
        self.refresh()


def _is_v(event: QKeyEvent) -> bool:
    return event.key() == Qt.Key.Key_V and event.modifiers() == Qt.KeyboardModifier.NoModifier
