"""The selections dock: what is selected now, how it is changed, and the selections that were kept under a name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.document.document import Document
from app.document.project import RESULT
from app.panels.icons import icon
from app.panels.kept_selections import KeptSelections
from app.panels.number_field import NumberField
from app.panels.schema import ParameterField
from app.panels.select_tools import SelectTools
from app.panels.selections_menu import fill_use_menu
from app.work.selected_area import describe

if TYPE_CHECKING:
    from app.work.workbench import Workbench

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
        self.tools = SelectTools(self)
        column.addWidget(self.tools)
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
