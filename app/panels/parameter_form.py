"""A form of parameters: label and editor a row, the advanced ones folded away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.panels.editors import FieldLabel, ParameterEditor
from app.panels.number_field import parameter_text
from app.panels.offers import SEVERAL
from app.panels.schema import ParameterField
from engine.protocol.scene import Scene


class ParameterForm(QWidget):
    """Edits the parameters of one owner ("study", "optimizer", or a Term)."""

    value_changed = Signal(str, object)  # name, value
    gesture_ended = Signal()
    pick_wanted = Signal(str)  # name of a place

    def __init__(self, fields: list[ParameterField], *, label_width: int = 92, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.editors: dict[str, ParameterEditor] = {}
        self._labels: dict[str, FieldLabel] = {}
        self._hints: dict[str, QLabel] = {}
        self._values: dict[str, Any] = {}
        self._only: list[str] | None = None
        self._label_width = label_width
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._grid([field for field in fields if not field.advanced]))
        advanced = [field for field in fields if field.advanced]
        self._fold: QToolButton | None = None
        if advanced:
            folded = self._grid(advanced)
            folded.setVisible(False)
            self._fold = _fold_button(self.tr("More"), folded, self)
            column.addWidget(self._fold)
            column.addWidget(folded)

    def set_values(self, values: dict[str, Any]) -> None:
        """Show values; a name that is missing shows its default."""
        for name, editor in self.editors.items():
            editor.set_value(values.get(name, editor.field.default))
        self._values = {name: values.get(name, editor.field.default) for name, editor in self.editors.items()}
        for name, hint in self._hints.items():
            text = self.editors[name].field.choice_help.get(str(self._values[name]), "")
            hint.setText(parameter_text(text) if text else "")
        self._show()

    def set_diagonal(self, diagonal: float | None) -> None:
        for editor in self.editors.values():
            editor.set_diagonal(diagonal)

    def set_scene(self, scene: Scene | None) -> None:
        """Offer what of the scene can be named."""
        for editor in self.editors.values():
            editor.set_scene(scene)

    def set_names(self, names: Mapping[str, Sequence[str]]) -> None:
        """Offer what a Model predicts, by what of it is picked."""
        for editor in self.editors.values():
            editor.set_names(names)

    def set_running(self, running: bool) -> None:
        """While a Run is active only live parameters can change; the others say why they rest."""
        for name, editor in self.editors.items():
            usable = editor.field.live or not running
            editor.setEnabled(usable)
            self._labels[name].setEnabled(usable)

    def fitting(self, query: str) -> list[str]:
        """The parameters whose title or help has every word of `query`."""
        words = query.lower().split()
        texts = {name: f"{editor.field.title} {editor.field.help}".lower() for name, editor in self.editors.items()}
        return [name for name, text in texts.items() if all(word in text for word in words)]

    def show_only(self, names: list[str] | None) -> None:
        """Show these parameters, folded ones too; None shows all as usual."""
        self._only = names
        self._show()
        if self._fold is not None:
            found = names is not None and any(self.editors[name].field.advanced for name in names)
            self._fold.setVisible(names is None)
            self._fold.setChecked(found)

    def _show(self) -> None:
        """Show what is asked for and means something beside the other values."""
        for name, editor in self.editors.items():
            shown = editor.field.is_shown(self._values) and (self._only is None or name in self._only)
            editor.setVisible(shown)
            self._labels[name].setVisible(shown)
            if name in self._hints:
                self._hints[name].setVisible(shown and bool(self._hints[name].text()))

    def _grid(self, fields: list[ParameterField]) -> QWidget:
        holder = QWidget(self)
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(1, 1)
        grid.setColumnMinimumWidth(0, self._label_width)
        for row, field in enumerate(fields):
            editor = ParameterEditor(field, holder)
            label = FieldLabel(field, editor, holder)
            label.reset_wanted.connect(editor.reset)
            editor.value_changed.connect(lambda value, name=field.name: self.value_changed.emit(name, value))
            editor.gesture_ended.connect(self.gesture_ended)
            editor.pick_wanted.connect(lambda name=field.name: self.pick_wanted.emit(name))
            if field.picks in SEVERAL:  # a list has the whole width, below its title
                grid.addWidget(label, 2 * row, 0, 1, 2)
                grid.addWidget(editor, 2 * row + 1, 0, 1, 2)
            else:
                label.setMaximumWidth(self._label_width + 12)
                grid.addWidget(label, 2 * row, 0, Qt.AlignmentFlag.AlignVCenter)
                grid.addWidget(editor, 2 * row, 1)
            if field.choice_help:
                hint = QLabel(holder)
                hint.setWordWrap(True)
                hint.setProperty("soft", True)
                hint.setVisible(False)
                grid.addWidget(hint, 2 * row + 1, 0, 1, 2)
                self._hints[field.name] = hint
            self.editors[field.name] = editor
            self._labels[field.name] = label
        return holder


def _fold_button(title: str, folded: QWidget, parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    button.setText(title)
    button.setCheckable(True)
    button.setArrowType(Qt.ArrowType.RightArrow)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setAccessibleName(title)
    button.setToolTip(QCoreApplication.translate("ParameterForm", "Show what is seldom changed"))

    def fold(opened: bool) -> None:
        folded.setVisible(opened)
        button.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)

    button.toggled.connect(fold)
    return button
