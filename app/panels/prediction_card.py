"""What a Model predicts of the part that is seen: which layer colours it, scalars with bands, and probes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.editors import CalmComboBox
from app.panels.flag_banner import FlagBanner
from app.panels.icons import icon
from app.panels.range_row import RangeRow
from app.viewport.viewing import SENSITIVITY
from app.work.predicting import value_text
from engine.protocol.layers import BAND, DIFFERENCE, FIELD, RESIDUAL, TRUTH, parts_of

if TYPE_CHECKING:
    from app.viewport.viewing import Viewing
    from app.work.predicting import Predicting
    from app.work.probing import Probing


class PredictionCard(QFrame):
    """Seen while a Run of *Predict* has something to tell."""

    def __init__(
        self, predicting: Predicting, probing: Probing, viewing: Viewing, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._predicting = predicting
        self._probing = probing
        self._viewing = viewing
        self._probe_rows: dict[int, tuple[QToolButton, QLabel, QToolButton]] = {}
        self._scalar_rows: list[tuple[QLabel, QLabel]] = []
        self.setProperty("card", True)
        self.setAccessibleName(self.tr("Prediction"))
        heading = QLabel(self.tr("Prediction"), self)
        heading.setProperty("heading", True)
        self.banner = FlagBanner(self)
        self.banner.place_wanted.connect(predicting.show_place)
        self.field = self._choice(self.tr("Field"), self.tr("Which predicted field is shown"))
        self.field.activated.connect(lambda _: predicting.choose_field(self.field.currentText()))
        self.layer = self._choice(self.tr("Layer"), self.tr("What colours the part"))
        self.layer.activated.connect(lambda _: viewing.colour_by(str(self.layer.currentData())))
        self.range = RangeRow(viewing, self)
        choices = QGridLayout()
        choices.setHorizontalSpacing(8)
        choices.setVerticalSpacing(5)
        choices.setColumnStretch(1, 1)
        for row, (title, box) in enumerate(((self.tr("Field"), self.field), (self.tr("Layer"), self.layer))):
            choices.addWidget(QLabel(title, self), row, 0)
            choices.addWidget(box, row, 1)
        choices.addWidget(QLabel(self.tr("Colours"), self), 2, 0)
        choices.addWidget(self.range, 2, 1)
        self._scalars = self._grid(wide=0)
        self._probes = self._grid(wide=1)
        self.probe = QToolButton(self)
        self.probe.setIcon(icon("probe"))
        self.probe.setText(self.tr("Probe a point"))
        self.probe.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.probe.setAccessibleName(self.tr("Probe a point"))
        self.probe.setToolTip(self.tr("Click on the part to keep what is predicted there in sight"))
        self.probe.clicked.connect(partial(viewing.set_tool, "probe"))
        column = QVBoxLayout(self)
        column.setContentsMargins(9, 6, 8, 7)
        column.setSpacing(6)
        column.addWidget(heading)
        column.addWidget(self.banner)
        column.addLayout(choices)
        column.addLayout(self._scalars)
        column.addLayout(self._probes)
        column.addWidget(self.probe, 0, Qt.AlignmentFlag.AlignLeft)
        predicting.changed.subscribe(self.refresh)
        probing.changed.subscribe(self._show_probes)
        viewing.recoloured.subscribe(self._show_layers)
        self.refresh()

    def refresh(self) -> None:
        """Show what is there now."""
        predicting = self._predicting
        self.setVisible(predicting.there)
        if not predicting.there:
            return
        self.banner.show_flag(predicting.flag)
        _fill(self.field, [(name, name) for name in predicting.fields], predicting.field)
        self._show_layers()
        self._show_scalars()
        self._show_probes()

    def texts(self) -> list[tuple[str, str]]:
        """Names and values of the scalars as they are shown."""
        return [(name.text(), value.text()) for name, value in self._scalar_rows]

    def probe_texts(self) -> list[str]:
        """Of the probes as they are shown."""
        return [row[1].text() for row in self._probe_rows.values()]

    def _show_layers(self) -> None:
        names = [("plain", _tr("None")), *((name, layer_title(name)) for name in self._predicting.layers)]
        _fill(self.layer, [(title, name) for name, title in names], self._viewing.colouring)
        self.range.refresh()

    def _show_scalars(self) -> None:
        scalars = self._predicting.scalars
        while len(self._scalar_rows) > len(scalars):
            for label in self._scalar_rows.pop():
                label.hide()
                label.deleteLater()
        while len(self._scalar_rows) < len(scalars):
            name, value = QLabel(self), QLabel(self)
            name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            name.setWordWrap(True)
            value.setToolTip(_tr("Mean ± half of the 95 % band"))
            for column, label in enumerate((name, value)):
                label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                self._scalars.addWidget(label, len(self._scalar_rows), column)
            self._scalar_rows.append((name, value))
        for (name, value), one in zip(self._scalar_rows, scalars, strict=True):
            name.setText(one.name)
            name.setToolTip(one.name)
            value.setText(value_text(one.mean, one.band, one.unit))

    def _show_probes(self) -> None:
        if not self._predicting.there:
            return
        readings = {reading.probe.number: reading for reading in self._probing.readings()}
        if list(readings) != list(self._probe_rows):
            self._draw_probes(list(readings))
        for number, reading in readings.items():
            self._probe_rows[number][1].setText(self._probing.text(reading))

    def _draw_probes(self, numbers: list[int]) -> None:
        for row in self._probe_rows.values():
            for gone in row:
                gone.hide()
                gone.deleteLater()
        self._probe_rows = {}
        for place, number in enumerate(numbers):
            menu_button = QToolButton(self)
            menu_button.setText(self.tr("Probe {0}").format(number))
            menu_button.setAccessibleName(self.tr("Probe {0}").format(number))
            menu_button.setToolTip(self.tr("Lower or raise the field here"))
            menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
            menu_button.setProperty("menuButton", True)
            menu = QMenu(menu_button)
            menu.aboutToShow.connect(partial(self._fill_menu, menu, number))
            menu_button.setMenu(menu)
            value = QLabel(self)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            remove = QToolButton(self)
            remove.setIcon(icon("remove"))
            remove.setAutoRaise(True)
            remove.setAccessibleName(self.tr("Remove probe {0}").format(number))
            remove.setToolTip(self.tr("Remove probe {0}").format(number))
            remove.clicked.connect(partial(self._probing.remove, number))
            for column, widget in enumerate((menu_button, value, remove)):
                self._probes.addWidget(widget, place, column)
            self._probe_rows[number] = (menu_button, value, remove)

    def _fill_menu(self, menu: QMenu, number: int) -> None:
        menu.clear()
        field, can = self._predicting.field, self._probing.can_aim(number)
        for aim, title in (("lower", self.tr("Lower {0} here")), ("raise", self.tr("Raise {0} here"))):
            action = menu.addAction(title.format(field), partial(self._probing.aim, number, aim))
            action.setEnabled(can)
        menu.addSeparator()
        menu.addAction(self.tr("Remove all probes"), self._probing.remove_all)

    def _choice(self, title: str, help: str) -> CalmComboBox:
        box = CalmComboBox(self)
        box.setAccessibleName(title)
        box.setToolTip(help)
        box.give_way(8)
        return box

    def _grid(self, *, wide: int) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(wide, 1)
        return grid


def layer_title(name: str) -> str:
    """What a layer shows, without the field's name, which stands beside it."""
    titles = {
        FIELD: _tr("Mean"), BAND: _tr("Band width"), TRUTH: _tr("Truth, solved"),
        DIFFERENCE: _tr("Predicted − true"), RESIDUAL: _tr("Where it is new"), SENSITIVITY: _tr("Sensitivity"),
    }  # fmt: skip
    return titles.get(parts_of(name)[0] or name, name)


def _fill(box: CalmComboBox, entries: list[tuple[str, str]], chosen: str) -> None:
    """Entries (title, data) of a list, and which is chosen; signals nothing."""
    blocked = box.blockSignals(True)
    if [(box.itemText(row), box.itemData(row)) for row in range(box.count())] != entries:
        box.clear()
        for title, data in entries:
            box.addItem(title, data)
    box.setCurrentIndex(max(box.findData(chosen), 0))
    box.blockSignals(blocked)


def _tr(text: str) -> str:
    return QCoreApplication.translate("PredictionCard", text)
