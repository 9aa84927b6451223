"""The study panel: what is optimised, with its parameters and its optimiser."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.document.document import Document
from app.document.workspaces import PREDICT
from app.panels.editors import CalmComboBox
from app.panels.parameter_form import ParameterForm
from app.panels.schema import fields_of
from app.panels.terms_panel import TermsPanel
from engine.protocol.catalogue import StudyEntry

WIDEST = 330
"""Pixels that the panel asks for at most; it is no reason to make the window wider."""

ELSEWHERE = {PREDICT: ("inputs", "vary", "shown")}
"""Parameters that are no rows of the form: what is predicted stands beside them in a card."""


class StudyPanel(QScrollArea):
    """Drawn from the Catalogue; shows the Document's Study and asks for changes by signals."""

    parameter_changed = Signal(str, str, object, bool)  # owner, name, value, live
    gesture_ended = Signal()
    study_chosen = Signal(str)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._shown_study = ""
        self._forms: dict[str, ParameterForm] = {}
        self.terms = TermsPanel(document, self)
        self.setProperty("panel", True)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Study"))
        self._body = QWidget(self)
        self._body.setProperty("panel", True)
        self._column = QVBoxLayout(self._body)
        self._column.setContentsMargins(12, 4, 12, 12)
        self._column.setSpacing(8)
        self._choice = CalmComboBox(self._body)
        self._choice.setAccessibleName(self.tr("Kind of study"))
        self._choice.currentIndexChanged.connect(lambda _: self.study_chosen.emit(self._choice.currentData() or ""))
        self._help = QLabel(self._body)
        self._help.setWordWrap(True)
        self._help.setProperty("soft", True)
        self._forms_holder = QWidget(self._body)
        self._forms_column = QVBoxLayout(self._forms_holder)
        self._forms_column.setContentsMargins(0, 0, 0, 0)
        self._forms_column.setSpacing(8)
        for widget in (self._choice, self._help, self._forms_holder, self.terms):
            self._column.addWidget(widget)
        self._column.addStretch(1)
        self.setWidget(self._body)
        document.catalogue_changed.subscribe(self._draw)
        document.study_changed.subscribe(self.refresh)
        document.objects_changed.subscribe(self.refresh)
        self._draw()

    def add_sections(self, above: Sequence[QWidget], below: Sequence[QWidget]) -> None:
        """What a study is to meet and the shape of its Model, over its parameters; and below them what it has found."""
        for section in above:
            self._column.insertWidget(self._column.indexOf(self._forms_holder), section)
        for section in below:
            self._column.insertWidget(self._column.indexOf(self.terms), section)

    def minimumSizeHint(self) -> QSize:
        """So wide that nothing is cut off at its side, for it scrolls only up and down."""
        width = self._body.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width()
        return QSize(min(width, WIDEST), super().minimumSizeHint().height())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.widget() and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def refresh(self) -> None:
        """Show the Study's values and what can be changed now."""
        study = self._document.study
        if study.study != self._shown_study:
            self._draw()
        values = {"study": study.parameters, "optimizer": study.optimizer.model_dump()}
        diagonal = self._document.diagonal()
        for owner, form in self._forms.items():
            form.set_scene(study.scene)
            form.set_values(values[owner])
            form.set_diagonal(diagonal)
            form.set_running(self._document.run.active)
        self._choice.setEnabled(not self._document.run.active)

    def editor_titles(self) -> list[tuple[str, QWidget]]:
        """Every parameter's title with the widget to jump to, for the command palette."""
        return [(editor.field.title, editor) for form in self._forms.values() for editor in form.editors.values()]

    def _draw(self) -> None:
        catalogue = self._document.catalogue
        self._clear_forms()
        if catalogue is None:
            self._choice.hide()
            self._help.setText(self.tr("The engine is starting. Its studies appear here."))
            return
        blocked = self._choice.blockSignals(True)
        self._choice.clear()
        for offered in catalogue.studies:
            if offered.workspace == self._document.workspace:
                self._choice.addItem(offered.title, offered.study)
        self._choice.setCurrentIndex(self._choice.findData(self._document.study.study))
        self._choice.blockSignals(blocked)
        self._choice.show()
        self._shown_study = self._document.study.study
        entry = next((item for item in catalogue.studies if item.study == self._shown_study), None)
        self._help.setText(entry.help if entry else "")
        self.terms.setVisible(entry is None or entry.descends)
        if entry is not None:
            self._add_forms(entry, catalogue.optimizer_schema)
        self.refresh()

    def _add_forms(self, entry: StudyEntry, optimizer_schema: dict[str, object]) -> None:
        for owner, title, schema in (
            ("study", "", entry.schema_),
            ("optimizer", self.tr("Descent"), optimizer_schema),
        ):
            fields = [field for field in fields_of(schema) if field.name not in ELSEWHERE.get(entry.study, ())]
            if not fields or (owner == "optimizer" and not entry.descends):
                continue
            if title:
                heading = QLabel(title, self._forms_holder)
                heading.setProperty("heading", True)
                heading.setContentsMargins(0, 6, 0, 0)
                self._forms_column.addWidget(heading)
            form = ParameterForm(fields, parent=self._forms_holder)
            live = {field.name: field.live for field in fields}
            form.value_changed.connect(
                lambda name, value, owner=owner, live=live: self.parameter_changed.emit(owner, name, value, live[name])
            )
            form.gesture_ended.connect(self.gesture_ended)
            self._forms_column.addWidget(form)
            self._forms[owner] = form

    def _clear_forms(self) -> None:
        self._forms.clear()
        while (item := self._forms_column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
