"""The bar over the viewport while two surfaces are compared: which, how, and how far they are apart."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.document.digits import shown
from app.panels.editors import CalmComboBox
from app.panels.icons import icon
from app.viewport.records import CompareMode
from app.work.comparing import Comparing


class CompareBar(QFrame):
    """Shown while `Comparing` is active."""

    def __init__(self, comparing: Comparing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._comparing = comparing
        self.setProperty("bar", "note")
        self.setAccessibleName(self.tr("Comparison"))
        self.a = self._choice(self.tr("Surface A"))
        self.b = self._choice(self.tr("Surface B"))
        exchange = self._button("exchange", self.tr("Exchange A and B"))
        exchange.clicked.connect(comparing.exchange)
        self.renew = self._button("reset", self.tr("Compare with the surface as it is now"))
        self.renew.clicked.connect(comparing.renew)
        self.modes = QButtonGroup(self)
        self.modes.setExclusive(True)
        modes: tuple[tuple[CompareMode, str, str], ...] = (
            ("overlay", self.tr("Overlay"), self.tr("B over A, translucent")),
            ("swipe", self.tr("Swipe"), self.tr("A left of a divider that you drag, B right of it")),
            ("distance", self.tr("Distance"), self.tr("A, coloured by its distance to B in mm")),
        )
        row = QHBoxLayout()
        row.setSpacing(6)
        for letter, box in (("A", self.a), ("B", self.b)):
            label = QLabel(f"<b>{letter}</b>", self)
            label.setBuddy(box)
            row.addWidget(label)
            row.addWidget(box)
            if letter == "A":
                row.addWidget(exchange)
        row.addWidget(self.renew)
        row.addStretch(1)
        below = QHBoxLayout()
        below.setSpacing(6)
        for mode, title, help in modes:
            button = QToolButton(self)
            button.setText(title)
            button.setCheckable(True)
            button.setAccessibleName(title)
            button.setToolTip(help)
            button.clicked.connect(lambda _=False, mode=mode: comparing.set_mode(mode))
            self.modes.addButton(button)
            button.setProperty("mode", mode)
            below.addWidget(button)
        self._numbers = QLabel(self)
        self._numbers.setProperty("soft", True)
        self._numbers.setAccessibleName(self.tr("Distance from A to B"))
        self._numbers.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._numbers.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        below.addSpacing(8)
        below.addWidget(self._numbers, 1)
        leave = self._button("remove", self.tr("Leave the comparison"))
        leave.clicked.connect(comparing.leave)
        row.addWidget(leave)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 5, 8, 6)
        column.setSpacing(3)
        column.addLayout(row)
        column.addLayout(below)
        comparing.changed.subscribe(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is compared."""
        comparison = self._comparing.comparison
        self.setVisible(comparison is not None)
        if comparison is None:
            return
        for box, chosen in ((self.a, comparison.a), (self.b, comparison.b)):
            self._fill(box, chosen)
        self.renew.setVisible(None in (comparison.a, comparison.b))
        for button in self.modes.buttons():
            button.setChecked(button.property("mode") == self._comparing.mode)
        distances = comparison.distances
        if distances is None:
            text = self.tr("Measuring …")
        else:
            text = self.tr("A to B: mean {0} · 95 % within {1} · largest {2} mm").format(
                *(shown(value) for value in (distances.mean, distances.percentile_95, distances.maximum))
            )
        self._numbers.setText(text)
        self._numbers.setToolTip(text + "\n" + self.tr("Of every vertex of A to the surface of B"))

    def numbers(self) -> str:
        """What it says of the distance."""
        return self._numbers.text()

    def _fill(self, box: CalmComboBox, chosen: int | None) -> None:
        comparing = self._comparing
        wanted = [(comparing.title(id), id) for id in comparing.choices()]
        known = [(box.itemText(index), box.itemData(index)) for index in range(box.count())]
        if wanted != known:
            box.clear()
            for title, id in wanted:
                box.addItem(title, id)
        box.setCurrentIndex(next(index for index, (_, id) in enumerate(wanted) if id == chosen))

    def _chosen(self) -> None:
        self._comparing.choose(self.a.currentData(), self.b.currentData())

    def _choice(self, name: str) -> CalmComboBox:
        box = CalmComboBox(self)
        box.setAccessibleName(name)
        box.setMinimumWidth(90)
        box.setMaximumWidth(240)
        box.activated.connect(self._chosen)
        return box

    def _button(self, symbol: str, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(symbol))
        button.setAccessibleName(name)
        button.setToolTip(name)
        return button
