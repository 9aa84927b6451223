"""Friction between pairs of bodies that differs from the friction of all others."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.panels.editors import CalmComboBox
from app.panels.icons import icon
from app.panels.number_field import NumberField
from app.panels.schema import declared
from engine.protocol.scene import FrictionPair, Scene


class FrictionEditor(QWidget):
    """A row a pair: two bodies and their coefficient. Signals all pairs as plain values when one was changed."""

    pairs_changed = Signal(list, str)  # pairs, what was done

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene = Scene()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self._rows = QWidget(self)
        self._grid = QGridLayout(self._rows)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)
        column.addWidget(self._rows)
        self._none = QLabel(self.tr("No pair of bodies has a friction of its own."), self)
        self._none.setProperty("soft", True)
        self._none.setWordWrap(True)
        column.addWidget(self._none)
        self.add = QPushButton(icon("add"), self.tr("Add a pair"), self)
        self.add.setToolTip(
            self.tr("Friction between two bodies, or of a body with itself, that differs from the rest")
        )
        self.add.setAccessibleName(self.tr("Add a pair with its own friction"))
        self.add.clicked.connect(self._add)
        column.addWidget(self.add)

    def show_scene(self, scene: Scene) -> None:
        """Show the pairs of a scene."""
        names = [body.name for body in scene.bodies()]
        same = scene.friction == self._scene.friction and names == [body.name for body in self._scene.bodies()]
        self._scene = scene
        self.add.setEnabled(bool(names))
        self._none.setVisible(not scene.friction)
        if same and self._grid.count() == 4 * len(scene.friction):
            return
        while (taken := self._grid.takeAt(0)) is not None:
            widget = taken.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for row, pair in enumerate(scene.friction):
            self._add_row(row, pair, names)

    def _add_row(self, row: int, pair: FrictionPair, names: list[str]) -> None:
        for place, name in enumerate(pair.between):
            box = CalmComboBox(self._rows)
            box.setAccessibleName(self.tr("Body {0} of pair {1}").format(place + 1, row + 1))
            for choice in names:
                box.addItem(choice, choice)
            box.setCurrentIndex(box.findData(name))
            box.setMinimumContentsLength(5)
            box.activated.connect(lambda _, row=row, place=place, box=box: self._renamed(row, place, box.currentData()))
            self._grid.addWidget(box, row, place)
            self._grid.setColumnStretch(place, 1)
        field = next(f for f in declared(FrictionPair) if f.name == "coefficient")
        number = NumberField(field, self._rows)
        number.setMinimumWidth(48)
        number.set_value(pair.coefficient)
        number.value_changed.connect(lambda value, row=row: self._change(row, coefficient=value))
        self._grid.addWidget(number, row, 2)
        remove = QToolButton(self._rows)
        remove.setIcon(icon("remove"))
        remove.setAutoRaise(True)
        remove.setToolTip(self.tr("This pair has the friction of all others again"))
        remove.setAccessibleName(self.tr("Remove pair {0}").format(row + 1))
        remove.clicked.connect(lambda _=False, row=row: self._remove(row))
        self._grid.addWidget(remove, row, 3)

    def _renamed(self, row: int, place: int, name: str) -> None:
        between = list(self._scene.friction[row].between)
        between[place] = name
        self._change(row, between=between)

    def _change(self, row: int, **values: Any) -> None:
        pairs = [pair.model_dump() for pair in self._scene.friction]
        pairs[row].update(values)
        self.pairs_changed.emit(pairs, self.tr("friction of a pair"))

    def _add(self) -> None:
        names = [body.name for body in self._scene.bodies()]
        taken = {frozenset(pair.between) for pair in self._scene.friction}
        every = [(one, other) for place, one in enumerate(names) for other in names[place:]]
        every.sort(key=lambda pair: pair[0] == pair[1])
        free = next((pair for pair in every if frozenset(pair) not in taken), None)
        if free is not None:
            new = {"between": free, "coefficient": self._scene.contact.friction}
            pairs = [*(pair.model_dump() for pair in self._scene.friction), new]
            self.pairs_changed.emit(pairs, self.tr("add a friction pair"))

    def _remove(self, row: int) -> None:
        pairs = [pair.model_dump() for place, pair in enumerate(self._scene.friction) if place != row]
        self.pairs_changed.emit(pairs, self.tr("remove a friction pair"))
