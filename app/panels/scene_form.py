"""The form of what is chosen in a scene: numbers with units, material, motion; what is wrong stands above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.document.document import Document
from app.document.scene_items import Item, find, title_of
from app.panels.editors import CalmComboBox
from app.panels.friction_editor import FrictionEditor
from app.panels.icons import icon
from app.panels.keyframes_editor import KeyframesEditor
from app.panels.number_field import parameter_text
from app.panels.parameter_form import ParameterForm
from app.panels.scene_sections import Section, sections, values_at
from engine.geometry.mesh import Mesh
from engine.protocol.scene import Pin, Scene, Sheet
from engine.protocol.shell_materials import PRESETS

if TYPE_CHECKING:
    from app.work.workbench import Workbench


WIDEST = 290
"""Pixels that the form asks for at most; it is no reason to make the window wider."""


class SceneForm(QScrollArea):
    """Drawn from the declarations of the scene; made anew when another thing, or another kind of it, is chosen."""

    def __init__(self, document: Document, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._staging = workbench.staging
        self._drawing = workbench.scene_drawing
        self._sections: list[Section] = []
        self._item: Item | None = None
        self.forms: dict[str, ParameterForm] = {}
        self.material: CalmComboBox | None = None
        self.keyframes: KeyframesEditor | None = None
        self.friction: FrictionEditor | None = None
        self.setProperty("panel", True)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Properties of what is chosen in the scene"))
        self._body = body = QWidget(self)
        body.setProperty("panel", True)
        body.installEventFilter(self)
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(10, 6, 8, 12)
        self._column.setSpacing(6)
        self.title = QLabel(body)
        self.title.setProperty("heading", True)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.problem = QLabel(body)
        self.problem.setProperty("problem", True)
        self.problem.setWordWrap(True)
        self.problem.setAccessibleName(self.tr("What is wrong"))
        self.problem.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self._refused = ""
        self._holder = QWidget(body)
        self._holder_column = QVBoxLayout(self._holder)
        self._holder_column.setContentsMargins(0, 0, 0, 0)
        self._holder_column.setSpacing(6)
        for widget in (self.title, self.problem, self._holder):
            self._column.addWidget(widget)
        self._column.addStretch(1)
        self.setWidget(body)

    def minimumSizeHint(self) -> QSize:
        """So wide that nothing is cut off at its side, for it scrolls only up and down."""
        width = self._body.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width()
        return QSize(min(width, WIDEST), super().minimumSizeHint().height())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._body and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def refresh(self) -> None:
        """Show what is chosen as it is now."""
        scene, item = self._staging.scene, self._staging.chosen
        thing = find(scene, item) if scene is not None and item is not None else None
        if scene is None or item is None or thing is None:
            self._build(None, [])
            self.title.setText("")
            self._show_problems(None)
            return
        wanted = sections(scene, item, self._mesh_names(), self.tr)
        if item != self._item or wanted != self._sections:
            self._build(item, wanted)
        self.title.setText(title_of(scene, item))
        self._show_problems(item)
        self._show_values(scene, item, thing)

    def editor_titles(self) -> list[tuple[str, QWidget]]:
        """Every parameter's title with the widget to jump to, for the command palette."""
        return [(editor.field.title, editor) for form in self.forms.values() for editor in form.editors.values()]

    # Building -----------------------------------------------------------------------------------------------------

    def _build(self, item: Item | None, wanted: list[Section]) -> None:
        if item != self._item:
            self._refused = ""
        self._item, self._sections = item, wanted
        self.forms.clear()
        self.material = self.keyframes = self.friction = None
        while (taken := self._holder_column.takeAt(0)) is not None:
            widget = taken.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        if item is None:
            return
        for section in wanted:
            if section.title:
                self._head(section.title)
            if section.key == "material" and item.kind == "sheet":
                self._holder_column.addWidget(self._build_material(item))
            self._holder_column.addWidget(self._build_form(item, section))
        if item.kind in ("obstacle", "gripper", "pin"):
            self._build_keyframes(item)
        if item.kind == "contact":
            self._build_friction()
        if item.kind in ("sheet", "solid"):
            self._build_pin_button(item)

    def _build_form(self, item: Item, section: Section) -> ParameterForm:
        form = ParameterForm(list(section.fields), parent=self._holder)
        titles = {field.name: field.title for field in section.fields}
        form.value_changed.connect(
            lambda name, value, section=section: self._changed(item, section, name, value, titles[name])
        )
        form.gesture_ended.connect(self._document.undo_stack.end_gesture)
        self.forms[section.key] = form
        return form

    def _build_material(self, item: Item) -> CalmComboBox:
        box = CalmComboBox(self._holder)
        box.give_way(12)
        box.setAccessibleName(self.tr("Material"))
        for name, preset in PRESETS.items():
            box.addItem(parameter_text(preset.title), name)
            box.setItemData(box.count() - 1, preset.source, Qt.ItemDataRole.ToolTipRole)
        box.addItem(self.tr("Other"), "")
        box.activated.connect(lambda index: self._material_chosen(item, box.itemData(index)))
        self.material = box
        return box

    def _build_keyframes(self, item: Item) -> None:
        self._head(self.tr("Motion"))
        editor = KeyframesEditor(width=item.kind == "gripper", gizmo=item.kind != "pin", parent=self._holder)
        editor.motion_changed.connect(
            lambda motion, step: self._refuse(self._staging.set_values(item, {"motion": motion}, step))
        )
        editor.gesture_ended.connect(self._document.undo_stack.end_gesture)
        editor.key_wanted.connect(self._staging.key_at)
        self.keyframes = editor
        self._holder_column.addWidget(editor)

    def _build_friction(self) -> None:
        self._head(self.tr("Friction of pairs"))
        editor = FrictionEditor(self._holder)
        editor.pairs_changed.connect(
            lambda pairs, step: self._refuse(self._staging.set_values(Item("scene"), {"friction": pairs}, step))
        )
        self.friction = editor
        self._holder_column.addWidget(editor)

    def _build_pin_button(self, item: Item) -> None:
        self._head(self.tr("Held by"))
        button = QPushButton(icon("pin"), self.tr("Add a pin"), self._holder)
        button.setToolTip(self.tr("Holds its border, a side, a corner, or what the pin brush paints"))
        button.setAccessibleName(self.tr("Add a pin to {0}").format(item.name))
        button.clicked.connect(lambda: self._staging.add_pin(item.name))
        self._holder_column.addWidget(button)

    def _head(self, title: str) -> None:
        heading = QLabel(title, self._holder)
        heading.setProperty("heading", True)
        heading.setContentsMargins(0, 6, 0, 0)
        self._holder_column.addWidget(heading)

    # Showing ------------------------------------------------------------------------------------------------------

    def _show_values(self, scene: Scene, item: Item, thing: Any) -> None:
        for section in self._sections:
            self.forms[section.key].set_values(values_at(thing, section.path))
        if self.material is not None and isinstance(thing, Sheet):
            self._show_material(thing)
        if self.keyframes is not None:
            carried = isinstance(thing, Pin) and bool(thing.gripper)
            self.keyframes.setEnabled(not carried)
            self.keyframes.show_motion(thing.motion, keyed=self._staging.key_time)
        if self.friction is not None:
            self.friction.show_scene(scene)

    def _show_material(self, sheet: Sheet) -> None:
        assert self.material is not None
        preset = PRESETS.get(sheet.preset)
        changed = preset is not None and preset.material != sheet.material
        blocked = self.material.blockSignals(True)
        self.material.setCurrentIndex(self.material.findData(sheet.preset if preset is not None else ""))
        self.material.blockSignals(blocked)
        source = preset.source if preset is not None else ""
        note = self.tr("Some of its numbers were changed; choose it again to have them back.") if changed else ""
        self.material.setToolTip("\n\n".join(text for text in (source, note) if text))
        self.material.setAccessibleDescription(note)
        for index, (name, each) in enumerate(PRESETS.items()):
            title = parameter_text(each.title)
            self.material.setItemText(
                index, self.tr("{0} (changed)").format(title) if changed and name == sheet.preset else title
            )

    def _show_problems(self, item: Item | None) -> None:
        problems = self._drawing.problems_of(item) if item is not None else []
        self.problem.setText("\n".join([*([self._refused] if self._refused else []), *problems]))
        self.problem.setVisible(bool(self.problem.text()))

    def _mesh_names(self) -> list[str]:
        return [item.name for item in self._document.objects if isinstance(item.geometry, Mesh)]

    # What is typed ------------------------------------------------------------------------------------------------

    def _changed(self, item: Item, section: Section, name: str, value: Any, title: str) -> None:
        if section.key == "shape" and name == "kind":
            self._refuse(self._staging.set_shape(item, value))
        elif section.key == "shape" and name == "input":
            self._refuse(self._staging.set_mesh(item, value))
        else:
            self._refuse(self._staging.set_value(item, [*section.path, name], value, title))

    def _material_chosen(self, item: Item, name: str) -> None:
        values: dict[str, Any] = {"preset": name}
        if name:
            values["material"] = PRESETS[name].material.model_dump()
        step = self.tr("material of {0}").format(item.name)
        self._refuse(self._staging.set_values(item, values, step))

    def _refuse(self, reason: str) -> None:
        """Say why something cannot be so, and show again what holds."""
        if reason or self._refused:
            self._refused = reason
            self.refresh()
