"""A sample in the middle of the window: a field on its mesh, and beside it on the common shape of all samples."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QCheckBox, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.document.digits import shown
from app.panels.colour_scale import ColourBar
from app.panels.editors import CalmComboBox
from app.panels.field_view import FieldView
from app.panels.icons import icon
from app.panels.plot_legend import PlotLegend
from app.panels.sample_colours import scale_for
from app.work.samples import Samples

NARROW = 1.1
"""Width over height under which the two stand above each other."""


class SamplePage(QWidget):
    """Both views have one colour scale, and mark the node that the pointer is at in either."""

    files_dropped = Signal(list)

    def __init__(self, samples: Samples, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._samples = samples
        self._drawn: tuple[object, ...] = ()
        self._node = -1
        self.setProperty("panel", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("Sample"))
        self.setAcceptDrops(True)
        self._title = QLabel(self)
        self._title.setProperty("big", True)
        self.before = self._button("chevron-left", self.tr("The sample before"), lambda: self._step(-1))
        self.after = self._button("chevron-right", self.tr("The next sample"), lambda: self._step(1))
        self.field = CalmComboBox(self)
        self.field.setAccessibleName(self.tr("Field"))
        self.field.setToolTip(self.tr("The field that colours samples and their pictures"))
        self.field.textActivated.connect(samples.choose_field)
        self.own_range = QCheckBox(self.tr("Own range"), self)
        self.own_range.setToolTip(self.tr("Colours span the values of this sample alone, and not those of all samples"))
        self.own_range.toggled.connect(lambda _: self.refresh())
        self.edges = QCheckBox(self.tr("Edges"), self)
        self.edges.setToolTip(self.tr("Draw the edges of the meshes"))
        self.sample = FieldView(self.tr("Field on the sample"), self)
        self.morph = FieldView(self.tr("Field on the common shape"), self)
        for check in (self.own_range, self.edges):
            check.setAccessibleName(check.text())
        for view in (self.sample, self.morph):
            view.hovered.connect(self._hover)
            self.edges.toggled.connect(view.show_edges)
        self.bar = ColourBar(self)
        self._sample_note, self._morph_note = QLabel(self), QLabel(self)
        self._numbers = PlotLegend(self)
        self._readout = QLabel(self)
        self._readout.setAccessibleName(self.tr("Value under the pointer"))
        for label in (self._title, self._readout):  # a long text never makes the window wider
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._pair = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._lay_out()
        for topic in (samples.changed, samples.chosen_changed):
            topic.subscribe(self.refresh)
        samples.rows_changed.subscribe(self._rows_changed)

    def refresh(self) -> None:
        """Show the sample that is chosen."""
        if not self.isVisible():
            self._drawn = ()
            return
        samples, number = self._samples, self._samples.sample
        if samples.look is None or number is None:
            return
        row, field = samples.look.rows[number], samples.field
        drawn = (samples.look.folder, number, row.worst_angle is not None)
        arrays = samples.arrays(number)
        if drawn != self._drawn:
            same = self._drawn[:1] == drawn[:1]
            self.sample.show_mesh(arrays.nodes, arrays.triangles, keep_view=same)
            if arrays.is_morphed:
                flat = not arrays.morphed[:, 2].any()
                places = arrays.morphed[:, :2] if flat else arrays.morphed
                self.morph.show_mesh(places, arrays.triangles, keep_view=same)
            else:
                self.morph.show_nothing(row.complaint or self._why_no_morph())
            self._drawn, self._node = drawn, -1
        scale, values = scale_for(samples, number, own=self.own_range.isChecked()), samples.values(number)
        for view in (self.sample, self.morph):
            view.show_values(values, scale)
        self.bar.show_scale(scale, samples.look.units.get(field, ""))
        self.bar.setVisible(bool(field))
        self._show_texts(number)
        self._hover(self._node)

    def apply_theme(self) -> None:
        for widget in (self.sample, self.morph, self.bar):
            widget.update()

    def readout(self) -> str:
        """What is said of the node under the pointer."""
        return self._readout.text()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self.files_dropped.emit([url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()])

    def resizeEvent(self, event: QResizeEvent) -> None:
        narrow = self.width() < NARROW * self.height()
        direction = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
        if self._pair.direction() != direction:
            self._pair.setDirection(direction)
        super().resizeEvent(event)

    # --------------------------------------------------------------------------------------------------------------

    def _rows_changed(self, numbers: list[int] | None) -> None:
        if numbers is None or self._samples.sample in numbers:
            self.refresh()

    def _show_texts(self, number: int) -> None:
        look = self._samples.look
        assert look is not None
        row = look.rows[number]
        self._title.setText(row.name)
        names = list(look.field_names)
        if [self.field.itemText(k) for k in range(self.field.count())] != names:
            self.field.clear()
            self.field.addItems(names)
        self.field.setCurrentText(self._samples.field)
        self.field.setVisible(bool(names))
        self.own_range.setVisible(bool(names))
        self.before.setEnabled(number > 0)
        self.after.setEnabled(number < len(look.rows) - 1)
        self._sample_note.setText(
            self.tr("{0} nodes, {1} triangles").format(f"{row.node_count:,}", f"{row.triangle_count:,}")
        )
        morph = self.tr("Morph")
        if row.worst_angle is not None:
            morph += self.tr(": worst angle {0}°").format(f"{row.worst_angle:.1f}")
        if row.flipped:
            morph += self.tr(", {0} upside down").format(row.flipped)
        self._morph_note.setText(morph)
        parts = [
            f"{name} <b>{shown(value)}</b> {look.units.get(name, '')}".strip()
            for name, value in (*row.inputs.items(), *row.outputs.items())
        ]
        self._numbers.show_parts(parts)

    def _hover(self, node: int) -> None:
        """Mark a node in both views, and say what is there."""
        self._node = node
        for view in (self.sample, self.morph):
            view.mark(node)
        number, look = self._samples.sample, self._samples.look
        if node < 0 or number is None or look is None:
            self._readout.setText(self.tr("Point at a node to read it"))
            self._readout.setEnabled(False)
            return
        place = ", ".join(shown(float(value)) for value in self._samples.arrays(number).nodes[node])
        text = self.tr("Node {0} at ({1}) {2}").format(node, place, look.units.get("length", ""))
        values = self._samples.values(number)
        if values is not None:
            field = self._samples.field
            value = f"{shown(float(values[node]))} {look.units.get(field, '')}".strip()
            text = f"{field} = {value} · {text}"
        self._readout.setText(text)
        self._readout.setToolTip(text)
        self._readout.setEnabled(True)

    def _why_no_morph(self) -> str:
        look = self._samples.look
        if look is not None and look.problem:
            return look.problem
        return self.tr("Being morphed …") if self._samples.row is not None else self.tr("It was not morphed.")

    def _step(self, by: int) -> None:
        number, look = self._samples.sample, self._samples.look
        if number is not None and look is not None:
            self._samples.choose(look.rows[min(max(number + by, 0), len(look.rows) - 1)].name)

    def _button(self, symbol: str, name: str, does: Callable[[], object]) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(symbol))
        button.setAccessibleName(name)
        button.setToolTip(name)
        button.clicked.connect(does)
        return button

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        for widget in (self.before, self.after):
            head.addWidget(widget)
        head.addWidget(self._title, 1)
        head.addWidget(self.field)
        self._pair.setSpacing(8)
        for view, note in ((self.sample, self._sample_note), (self.morph, self._morph_note)):
            note.setProperty("soft", True)
            note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            half = QVBoxLayout()
            half.setSpacing(2)
            half.addWidget(note)
            half.addWidget(view, 1)
            self._pair.addLayout(half, 1)
        middle = QHBoxLayout()
        middle.addLayout(self._pair, 1)
        middle.addWidget(self.bar)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 10, 10)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._numbers)
        column.addLayout(middle, 1)
        foot = QHBoxLayout()
        foot.addWidget(self._readout, 1)
        foot.addWidget(self.own_range)
        foot.addWidget(self.edges)
        column.addLayout(foot)
