"""The middle of the window in the workspace Regression: a sample, or the part that is predicted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget

from app.document.workspaces import REGRESSION
from app.panels.sample_page import SamplePage

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


class Examining(QObject):
    """Two tabs over the middle while samples are open. Choosing a sample shows it; a part that is opened, or a Run that
    begins, shows the view.

    page : what shows the sample
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._wanted = True
        self.page = SamplePage(window.workbench.samples, window)
        window.add_page(self.page)
        self.page.files_dropped.connect(lambda paths: window.workbench.files.open([Path(path) for path in paths]))
        self.tabs = QWidget(window)
        self.tabs.setProperty("panel", True)
        self.tabs.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.tabs.setAccessibleName(self.tr("What the middle shows"))
        self.samples = self._tab(self.tr("Samples"), self.tr("The samples that are learnt from"))
        self.part = self._tab(self.tr("Part"), self.tr("The part that is predicted, and what is done with it"))
        group = QButtonGroup(self)
        row = QHBoxLayout(self.tabs)
        row.setContentsMargins(10, 3, 10, 3)
        row.setSpacing(2)
        for button in (self.samples, self.part):
            group.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        predict = QToolButton(self.tabs)
        predict.setDefaultAction(window.registry.drawn("study.predict-sample"))
        predict.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        predict.setAccessibleName(self.tr("Predict this sample"))
        predict.setProperty("tab", True)
        row.addWidget(predict)
        self.samples.clicked.connect(lambda _=False: self.show_samples(True))
        self.part.clicked.connect(lambda _=False: self.show_samples(False))
        window.add_bar(self.tabs)
        samples, document = window.workbench.samples, window.document
        samples.changed.subscribe(self.refresh)
        samples.progressed.subscribe(self.refresh)
        samples.changed.subscribe(window.registry.refresh)
        samples.opened_by_hand.subscribe(lambda: self.show_samples(True))
        window.samples.sample_chosen.connect(lambda: self.show_samples(True))
        window.link.begun.subscribe(lambda: self.show_samples(False))
        self._objects = {item.name for item in document.objects}
        document.objects_changed.subscribe(self._objects_changed)
        self.refresh()

    @property
    def shown(self) -> bool:
        """A sample has the middle now."""
        return self._there and self._wanted and self._window.workbench.samples.look is not None

    def show_samples(self, wanted: bool) -> None:
        """Show the sample that is chosen, or the part."""
        self._wanted = wanted
        self.refresh()

    def refresh(self) -> None:
        """Another workspace, other samples."""
        self.tabs.setVisible(self._there and self._window.workbench.samples.look is not None)
        (self.samples if self._wanted else self.part).setChecked(True)
        self._window.choose_page()

    @property
    def _there(self) -> bool:
        return self._window.document.workspace == REGRESSION

    def _objects_changed(self) -> None:
        names = {item.name for item in self._window.document.objects}
        if names - self._objects and self._there:
            self.show_samples(False)
        self._objects = names

    def _tab(self, title: str, help: str) -> QToolButton:
        button = QToolButton(self.tabs)
        button.setText(title)
        button.setToolTip(help)
        button.setAccessibleName(title)
        button.setCheckable(True)
        button.setProperty("tab", True)
        return button
