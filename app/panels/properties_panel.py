"""The properties dock: where the chosen objects stand, how large they are, and what their files say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.document.document import Document
from app.document.placement import Placement, Vector
from app.document.project import SceneObject
from app.panels.editors import CalmComboBox
from app.panels.schema import ParameterField
from app.panels.vector_field import VectorField
from app.work.files import unit_title
from engine.core.errors import FormwrightError, GeometryError
from engine.core.units import MILLIMETRES_PER
from engine.geometry.mesh import Mesh

if TYPE_CHECKING:
    from app.work.workbench import Workbench

LARGE = 100_000
"""Vertices or points of a turned object from which on its size is worked out beside the window: each counts."""
LATER = 120
"""[ms] after which such a size follows an object that is being moved."""


class PropertiesPanel(QScrollArea):
    """Placement with numeric entry, size, unit of the file, counts. With several objects chosen, a field is empty where
    they differ, and what is typed counts for all."""

    def __init__(self, document: Document, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._scene = workbench.scene
        self._files = workbench.files
        self._tasks = workbench.tasks
        self.setProperty("panel", True)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Properties"))
        holder = QWidget(self)
        self.setWidget(holder)
        column = QVBoxLayout(holder)
        column.setContentsMargins(10, 6, 10, 10)
        column.setSpacing(6)
        self._title = QLabel(holder)
        self._title.setProperty("heading", True)
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._hint = QLabel(self.tr("Choose an object, in the list or with the Move tool."), holder)
        self._hint.setProperty("soft", True)
        self._hint.setWordWrap(True)
        self._body = QWidget(holder)
        for widget in (self._title, self._hint, self._body):
            column.addWidget(widget)
        column.addStretch(1)
        self._build_body()
        self._sizes_later = QTimer(self)
        self._sizes_later.setSingleShot(True)
        self._sizes_later.setInterval(LATER)
        self._sizes_later.timeout.connect(self._find_sizes)
        document.objects_changed.subscribe(self.refresh)
        self._scene.chosen_changed.subscribe(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the chosen objects as they are."""
        items = self._scene.chosen_objects
        self._hint.setVisible(not items)
        self._body.setVisible(bool(items))
        self._title.setVisible(bool(items))
        if not items:
            return
        self._title.setText(items[0].name if len(items) == 1 else self.tr("{0} objects").format(len(items)))
        self._title.setToolTip("\n".join(item.name for item in items))
        for name, field in self.fields.items():
            if name != "size":
                field.set_values(_common([getattr(item.placement, name) for item in items]))
        units = {item.unit for item in items}
        assumed = any(item.geometry.unit_assumed for item in items)
        blocked = self.unit.blockSignals(True)
        self.unit.setCurrentIndex(self.unit.findData(units.pop()) if len(units) == 1 else -1)
        self.unit.blockSignals(blocked)
        self._unit_note.setText(self.tr("The file does not say its unit") if assumed else "")
        self._unit_note.setVisible(assumed)
        self._facts.setText("\n".join(self._facts_of(items)))
        if any(any(item.placement.rotation) and _count(item) > LARGE for item in items):
            self._sizes_later.start()
        else:
            self._show_sizes(items, [_size(item) for item in items])

    # Building -----------------------------------------------------------------------------------------------------

    def _build_body(self) -> None:
        grid = QGridLayout(self._body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(1, 1)
        self.fields: dict[str, VectorField] = {}
        for row, (name, title, field) in enumerate(self._rows()):
            vector = VectorField(field, self._body)
            vector.component_changed.connect(self._handlers[name])
            vector.gesture_ended.connect(self._document.undo_stack.end_gesture)
            label = QLabel(f"{title} <span style='color: gray'>{field.unit or '×'}</span>", self._body)
            label.setToolTip(field.help)
            grid.addWidget(label, row, 0)
            grid.addWidget(vector, row, 1)
            self.fields[name] = vector
        self.lock = QCheckBox(self.tr("Keep proportions"), self._body)
        self.lock.setAccessibleName(self.lock.text())
        self.lock.setChecked(True)
        self.lock.setToolTip(self.tr("A scale or a size that is typed changes the others with it"))
        grid.addWidget(self.lock, 4, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for title, help, do in (
            (self.tr("Ground"), self.tr("The lowest point at z = 0"), self._scene.put_on_the_ground),
            (self.tr("Centre"), self.tr("The middle of the box at the origin"), self._scene.put_in_the_centre),
            (self.tr("Reset"), self.tr("Where the file puts it"), self._scene.reset_placement),
        ):
            button = QPushButton(title, self._body)
            button.setToolTip(help)
            button.setAccessibleName(help)
            button.setStyleSheet("padding: 4px 6px;")
            button.clicked.connect(do)
            buttons.addWidget(button, 1)
        grid.addLayout(buttons, 5, 0, 1, 2)
        self.unit = CalmComboBox(self._body)
        self.unit.setAccessibleName(self.tr("Unit of the file"))
        for unit in MILLIMETRES_PER:
            self.unit.addItem(unit_title(unit), unit)
        self.unit.activated.connect(self._unit_chosen)
        self._unit_note = _soft(self._body)
        grid.addWidget(QLabel(self.tr("File unit"), self._body), 6, 0)
        grid.addWidget(self.unit, 6, 1)
        grid.addWidget(self._unit_note, 7, 1)
        self._facts = _soft(self._body)
        self._facts.setAccessibleName(self.tr("Counts, box and notes"))
        self._facts.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        grid.addWidget(self._facts, 8, 0, 1, 2)

    def _rows(self) -> Sequence[tuple[str, str, ParameterField]]:
        self._handlers: dict[str, Callable[[int, float], None]] = {
            "translation": self._translated,
            "rotation": self._rotated,
            "scale": self._scaled,
            "size": self._resized,
        }
        helps = {
            "translation": self.tr("How far it is moved from where its file has it [mm]"),
            "rotation": self.tr("Degrees about the fixed x axis, then y, then z"),
            "scale": self.tr("Factors along its own axes; a negative one mirrors"),
            "size": self.tr("Of its box, where it stands [mm]; type another to scale it"),
        }
        return (
            ("translation", self.tr("Move"),
             ParameterField("translation", self.tr("Position"), helps["translation"], "number", unit="mm")),
            ("rotation", self.tr("Turn"),
             ParameterField("rotation", self.tr("Rotation"), helps["rotation"], "number", unit="°", step=5.0)),
            ("scale", self.tr("Scale"),
             ParameterField("scale", self.tr("Scale"), helps["scale"], "number", step=0.1)),
            ("size", self.tr("Size"),
             ParameterField("size", self.tr("Size"), helps["size"], "number", unit="mm", above=0.0)),
        )  # fmt: skip

    # What is typed ------------------------------------------------------------------------------------------------

    def _translated(self, axis: int, value: float) -> None:
        self._change("position", axis, lambda item: replace(
            item.placement, translation=_with(item.placement.translation, axis, value)))  # fmt: skip

    def _rotated(self, axis: int, value: float) -> None:
        self._change("rotation", axis, lambda item: replace(
            item.placement, rotation=_with(item.placement.rotation, axis, value)))  # fmt: skip

    def _scaled(self, axis: int, value: float) -> None:
        def scaled(item: SceneObject) -> Placement:
            before = item.placement.scale
            if not self.lock.isChecked():
                return replace(item.placement, scale=_with(before, axis, value))
            factor = value / before[axis]
            x, y, z = (value if place == axis else scale * factor for place, scale in enumerate(before))
            return replace(item.placement, scale=(x, y, z))

        self._change("scale", axis, scaled)

    def _resized(self, axis: int, value: float) -> None:
        self._scene.resize(axis, value, uniform=self.lock.isChecked())
        self.refresh()

    def _change(self, what: str, axis: int, placed: Callable[[SceneObject], Placement]) -> None:
        items = self._scene.chosen_objects
        try:
            placements = {item.name: placed(item) for item in items}
        except FormwrightError as error:
            self._scene.refuse(error)
        else:
            self._scene.place_chosen(placements, what, gesture=f"{what} {axis}")
        self.refresh()

    def _unit_chosen(self, index: int) -> None:
        with self._document.scope(self.tr("unit of {0}").format(self._title.text())):
            for name in self._scene.chosen:
                self._files.set_unit(name, self.unit.itemData(index))

    # What is shown ------------------------------------------------------------------------------------------------

    def _find_sizes(self) -> None:
        items = self._scene.chosen_objects
        self._tasks.do(lambda: [_size(item) for item in items], partial(self._show_sizes, items), lambda error: None)

    def _show_sizes(self, items: Sequence[SceneObject], found: Sequence[Vector | None]) -> None:
        if [id(item) for item in items] != [id(item) for item in self._scene.chosen_objects]:
            return  # others were chosen meanwhile, or it was moved on
        sizes = [size for size in found if size is not None]
        self.fields["size"].set_values(_common(sizes) if sizes else [None, None, None])
        self.fields["translation"].set_diagonal(items[0].diagonal if len(sizes) == len(items) == 1 else None)

    def _facts_of(self, items: Sequence[SceneObject]) -> list[str]:
        if len(items) > 1:
            return [f"{item.name}: {item.describe()}" for item in items]
        item = items[0]
        geometry = item.geometry
        facts = [item.describe()]
        if isinstance(geometry, Mesh):
            facts[0] += self.tr(", {0} vertices").format(f"{geometry.vertex_count:,}")
        elif geometry.normals is not None:
            facts[0] += self.tr(" with normals")
        if geometry.fields:
            facts.append(self.tr("Fields: {0}").format(", ".join(geometry.fields)))
        if any(geometry.shift):
            shift = ", ".join(f"{value / MILLIMETRES_PER[geometry.unit]:,.10g}" for value in geometry.shift)
            facts.append(self.tr("Moved by ({0}) {1} from map coordinates; an export gives it back").format(
                shift, geometry.unit))  # fmt: skip
        facts += [note for note in geometry.notes if not (any(geometry.shift) and "far from the origin" in note)]
        if item.source:
            facts.append(item.source)
        return facts


def _soft(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setProperty("soft", True)
    label.setWordWrap(True)
    # A long path without spaces must not make the dock wider.
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def _size(item: SceneObject) -> Vector | None:
    try:
        low, high = item.bounds
    except GeometryError:
        return None
    x, y, z = (high - low).tolist()
    return x, y, z


def _count(item: SceneObject) -> int:
    return item.geometry.vertex_count if isinstance(item.geometry, Mesh) else item.geometry.point_count


def _with(values: Vector, axis: int, value: float) -> Vector:
    x, y, z = (value if place == axis else other for place, other in enumerate(values))
    return x, y, z


def _common(vectors: Sequence[Vector]) -> list[float | None]:
    """Each component where all have the same, else None."""
    return [values[0] if len(set(values)) == 1 else None for values in zip(*vectors, strict=True)]
