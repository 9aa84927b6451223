"""The list of Terms: each a wish with a weight, its loss as a small curve, and its own parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.document.document import Document
from app.document.project import Selection
from app.document.run_record import LossCurves
from app.panels.icons import icon
from app.panels.mask_chooser import MaskChooser
from app.panels.number_field import NumberField, ValueSlider
from app.panels.parameter_form import ParameterForm
from app.panels.schema import ParameterField, fields_of
from app.panels.sparkline import Sparkline
from app.panels.theme import current_tokens
from engine.protocol.catalogue import TermEntry
from engine.protocol.scene import Scene
from engine.protocol.study import TermSpec

LONGEST_TITLE = 140
"""Pixels that the title of a Term has for certain."""


class TermsPanel(QWidget):
    """One card a Term, in the order of the Study."""

    weight_changed = Signal(str, float)
    parameter_changed = Signal(str, str, object)  # term, name, value
    gesture_ended = Signal()
    pick_wanted = Signal(str, str)  # term, name of a place
    add_wanted = Signal(str)  # kind
    remove_wanted = Signal(str)
    mask_wanted = Signal(str, object)  # term, name of a selection: "" the working one, None everywhere
    outside_changed = Signal(str, float)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._cards: dict[str, TermCard] = {}
        self._menu_of = ("", "")
        self._names: Mapping[str, Sequence[str]] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 6, 0, 0)
        self._column.setSpacing(6)
        header = QHBoxLayout()
        heading = QLabel(self.tr("Terms"), self)
        heading.setProperty("heading", True)
        header.addWidget(heading, 1)
        self.add_button = QToolButton(self)
        self.add_button.setIcon(icon("add"))
        self.add_button.setText(self.tr("Add a term"))
        self.add_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.add_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.add_button.setProperty("menuButton", True)
        self.add_button.setAccessibleName(self.tr("Add a term"))
        self.add_button.setToolTip(self.tr("One more wish for the shape"))
        header.addWidget(self.add_button)
        self._column.addLayout(header)
        self.resting = QLabel(self)
        self.resting.setWordWrap(True)
        self.resting.setProperty("soft", True)
        self._column.addWidget(self.resting)
        document.catalogue_changed.subscribe(self._catalogue_changed)
        document.study_changed.subscribe(self.refresh)
        document.objects_changed.subscribe(self.refresh)
        document.selections_changed.subscribe(self.refresh)
        self._fill_menu()
        self.refresh()

    def refresh(self) -> None:
        """Show the Study's Terms; cards that stay keep their state."""
        if (self._document.study.study, self._document.surface) != self._menu_of:
            self._fill_menu()
        specs = self._document.study.terms
        titles = self._document.term_titles()
        for name in [name for name, card in self._cards.items() if card.title != titles.get(name)]:
            self._drop(name)
        for index, spec in enumerate(specs):
            if spec.name not in self._cards:
                self._cards[spec.name] = self._new_card(spec, titles[spec.name])
            card = self._cards[spec.name]
            if self._column.indexOf(card) != index + 1:
                self._column.insertWidget(index + 1, card)
            card.show_scene(self._document.study.scene)
            card.show_spec(spec, self._document.diagonal())
            card.show_selections(spec, self._document.project.selections)
            colours = current_tokens().series
            card.set_colour(colours[index % len(colours)])
        self._show_resting([name for name in self._document.resting_terms() if name in self._cards])

    def set_names(self, names: Mapping[str, Sequence[str]]) -> None:
        """What parameters of Terms may name of the study's Model, by what of it is picked."""
        if names != self._names:
            self._names = dict(names)
            for card in self._cards.values():
                card.show_names(self._names)

    def show_losses(self, curves: LossCurves) -> None:
        """Draw the small curves; at most once a frame."""
        for name, card in self._cards.items():
            card.show_values(curves.values.get(f"term:{name}", []))

    def _show_resting(self, names: list[str]) -> None:
        """In place of the cards of Terms that say nothing about the surface, a line that names them."""
        for name, card in self._cards.items():
            card.setVisible(name not in names)
        titles = ", ".join(self._cards[name].title for name in names)
        self.resting.setText(self.tr("At rest with this surface: {0}").format(titles))
        self.resting.setToolTip(self.tr("They say nothing about it, and count again with another surface."))
        self.resting.setVisible(bool(names))

    def card(self, name: str) -> TermCard:
        return self._cards[name]

    def _entry(self, kind: str) -> TermEntry | None:
        catalogue = self._document.catalogue
        return next((entry for entry in catalogue.terms if entry.kind == kind), None) if catalogue else None

    def _catalogue_changed(self) -> None:
        """Titles, tooltips and parameters come from the Catalogue: cards from before know none of them."""
        self._fill_menu()
        for name in list(self._cards):
            self._drop(name)
        self.refresh()

    def _drop(self, name: str) -> None:
        card = self._cards.pop(name)
        card.hide()
        card.deleteLater()

    def _new_card(self, spec: TermSpec, title: str) -> TermCard:
        card = TermCard(spec, title, self._entry(spec.kind), self)
        card.show_names(self._names)
        card.weight_changed.connect(lambda value, name=spec.name: self.weight_changed.emit(name, value))
        card.parameter_changed.connect(
            lambda parameter, value, name=spec.name: self.parameter_changed.emit(name, parameter, value)
        )
        card.pick_wanted.connect(lambda parameter, name=spec.name: self.pick_wanted.emit(name, parameter))
        card.gesture_ended.connect(self.gesture_ended)
        card.remove_wanted.connect(lambda name=spec.name: self.remove_wanted.emit(name))
        if card.where is not None:
            card.where.chosen.connect(lambda mask, name=spec.name: self.mask_wanted.emit(name, mask))
            card.where.outside_changed.connect(lambda value, name=spec.name: self.outside_changed.emit(name, value))
            card.where.gesture_ended.connect(self.gesture_ended)
        return card

    def _add(self, kind: str) -> None:
        """One more, with its parameters unfolded: what it is about is chosen there."""
        before = set(self._cards)
        self.add_wanted.emit(kind)
        for name in self._cards.keys() - before:
            self._cards[name].unfold()

    def _fill_menu(self) -> None:
        self._menu_of = (self._document.study.study, self._document.surface)
        before = self.add_button.menu()
        menu = QMenu(self.add_button)
        menu.setAccessibleName(self.tr("Add a term"))
        menu.setToolTipsVisible(True)
        for entry in self._document.offered_terms():
            action = menu.addAction(entry.title)
            action.setToolTip(term_tooltip(entry))
            action.triggered.connect(lambda _=False, kind=entry.kind: self._add(kind))
        self.add_button.setMenu(menu)
        if before is not None:
            before.deleteLater()
        self.add_button.setEnabled(not menu.isEmpty())


class TermCard(QFrame):
    """One Term."""

    weight_changed = Signal(float)
    parameter_changed = Signal(str, object)
    pick_wanted = Signal(str)
    gesture_ended = Signal()
    remove_wanted = Signal()

    def __init__(self, spec: TermSpec, title: str, entry: TermEntry | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setAccessibleName(title)
        self._form: ParameterForm | None = None
        self._fold: QToolButton | None = None
        self.title = title
        self.switch = QCheckBox(title, self)
        self.switch.setToolTip(term_tooltip(entry) if entry else spec.kind)
        self.switch.setAccessibleName(self.tr("{0} counts").format(title))
        # The curve gives way to the title, and a long title to the dock, which it never makes wider.
        self.switch.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.switch.setMinimumWidth(min(self.switch.sizeHint().width(), LONGEST_TITLE))
        self.switch.toggled.connect(lambda on: self.parameter_changed.emit("enabled", on))
        self._value = QLabel("", self)
        self._value.setProperty("soft", True)
        self._value.setAccessibleName(self.tr("Loss of {0}").format(title))
        self._value.setText("8.88e+88")  # a plus is wider than a minus
        self._value.setMinimumWidth(self._value.sizeHint().width())
        self._value.clear()
        self._value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._unit = entry.unit if entry else ""
        self.sparkline = Sparkline(title, self)
        self.number = NumberField(weight_field(), self)
        self.number.setAccessibleName(self.tr("Weight of {0}").format(title))
        self.number.setMaximumWidth(72)
        self.slider = ValueSlider(weight_field(), self)
        self.slider.setAccessibleName(self.tr("Weight of {0}, slider").format(title))
        self.number.value_changed.connect(self._weight_typed)
        self.number.gesture_ended.connect(self.gesture_ended)
        self.slider.value_dragged.connect(self._weight_dragged)
        self.slider.sliderReleased.connect(self.gesture_ended)
        remove = _small_button("remove", self.tr("Remove {0}").format(title), self)
        remove.clicked.connect(self.remove_wanted)
        grid = QGridLayout(self)
        grid.setContentsMargins(9, 6, 6, 7)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self.switch, 0, 0)
        grid.addWidget(self.sparkline, 0, 1)
        grid.addWidget(self._value, 0, 2)
        grid.addWidget(remove, 0, 3)
        weights = QHBoxLayout()
        weights.setSpacing(8)
        weights.addWidget(self.number)
        weights.addWidget(self.slider, 1)
        grid.addLayout(weights, 1, 0, 1, 3)
        self.where: MaskChooser | None = None
        if entry is not None and entry.maskable:
            self.where = MaskChooser(title, needs_mask=entry.needs_mask, parent=self)
            grid.addWidget(self.where, 2, 0, 1, 4)
        fields = fields_of(entry.schema_) if entry else []
        if fields:
            self._add_form(grid, fields, title)

    def show_scene(self, scene: Scene | None) -> None:
        """Offer the bodies that the Term may be about."""
        if self._form is not None:
            self._form.set_scene(scene)

    def show_names(self, names: Mapping[str, Sequence[str]]) -> None:
        """Offer what the study's Model predicts."""
        if self._form is not None:
            self._form.set_names(names)

    def show_spec(self, spec: TermSpec, diagonal: float | None) -> None:
        """Show the weight and the parameters of the Term as it is now."""
        blocked = self.switch.blockSignals(True)
        self.switch.setChecked(spec.enabled)
        self.switch.blockSignals(blocked)
        for widget in (self.number, self.slider, self.sparkline):
            widget.setEnabled(spec.enabled)
        self.number.set_value(spec.weight)
        self.slider.set_value(spec.weight)
        if self._form is not None:
            self._form.set_values(spec.parameters)
            self._form.set_diagonal(diagonal)

    def show_selections(self, spec: TermSpec, selections: tuple[Selection, ...]) -> None:
        """Show where the Term counts, of the selections that there are."""
        if self.where is not None:
            names = [selection.name for selection in selections if selection.name]
            working = any(not selection.name for selection in selections)
            self.where.show_mask(spec.mask, spec.outside, names, working=working)

    def show_values(self, values: list[float]) -> None:
        self.sparkline.set_values(values)
        rests = bool(values) and not math.isfinite(values[-1])
        text = "–" if rests else f"{values[-1]:.2e}" if values else ""
        if text != self._value.text():
            self._value.setText(text)
            measured = self.tr("Unweighted value, {0}").format(self._unit or self.tr("without unit"))
            self._value.setToolTip(self.tr("It rests: it has no part in the loss now") if rests else measured)
            self._value.setAccessibleDescription(self.tr("Rests") if rests else "")

    def set_colour(self, colour: str) -> None:
        """The Term's colour in every plot."""
        self.sparkline.colour = colour

    def unfold(self) -> None:
        """Show the parameters, where there are any."""
        if self._fold is not None:
            self._fold.setChecked(True)

    def _add_form(self, grid: QGridLayout, fields: list[ParameterField], name: str) -> None:
        self._form = ParameterForm(fields, label_width=70, parent=self)
        self._form.value_changed.connect(self.parameter_changed)
        self._form.gesture_ended.connect(self.gesture_ended)
        self._form.pick_wanted.connect(self.pick_wanted)
        self._form.hide()
        self._fold = fold = _small_button("chevron", self.tr("Parameters of {0}").format(name), self)
        fold.setCheckable(True)
        fold.toggled.connect(self._form.setVisible)
        grid.addWidget(fold, 1, 3)
        grid.addWidget(self._form, 3, 0, 1, 4)

    def _weight_typed(self, value: Any) -> None:
        self.slider.set_value(value)
        self.weight_changed.emit(float(value))

    def _weight_dragged(self, value: float) -> None:
        self.number.set_value(value)
        self.weight_changed.emit(value)


def term_tooltip(entry: TermEntry) -> str:
    """Title, help, the formula and its source."""
    parts = [f"<b>{entry.title}</b>", entry.help]
    if entry.formula:
        parts.append(f"<code>{entry.formula}</code>")
    if entry.source:
        parts.append(f"<i>{entry.source}</i>")
    return "<br>".join(parts)


def _small_button(name: str, title: str, parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    button.setIcon(icon(name))
    button.setAccessibleName(title)
    button.setToolTip(title)
    button.setAutoRaise(True)
    button.setFixedSize(24, 24)
    return button


def weight_field() -> ParameterField:
    """The weight of a Term, declared as a parameter is."""
    return ParameterField(
        name="weight", title=_tr("Weight"), help=_tr("How much this wish counts. 0 switches it off."), kind="number",
        default=1.0, minimum=0.0, soft_min=0.0, soft_max=100.0, logarithmic=True, live=True,
    )  # fmt: skip


def _tr(text: str) -> str:
    return QCoreApplication.translate("Term", text)
