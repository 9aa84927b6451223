"""Export: format, unit and place, with the quality sheet beside it. Not modal: the run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from app.document.digits import shown
from app.panels.editors import CalmComboBox
from app.panels.icons import icon
from app.panels.run_bar import format_bytes
from app.panels.theme import current_tokens
from app.work.workbench import Workbench
from engine.core.units import MILLIMETRES_PER

UNIT_TITLES = {"um": "µm", "mm": "mm", "cm": "cm", "m": "m", "in": "inch", "ft": "foot"}


class ExportDialog(QDialog):
    """Asks the engine for the quality sheet when it opens, and for the surface when Export is pressed."""

    def __init__(self, workbench: Workbench, suggested: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workbench = workbench
        self._written: Path | None = None
        self.setWindowTitle(self.tr("Export surface"))
        self.setAccessibleName(self.tr("Export surface"))
        self.setMinimumWidth(460)
        self._place = QLineEdit(str(suggested), self)
        self._place.setAccessibleName(self.tr("File"))
        choose = QPushButton(icon("folder"), self.tr("Choose…"), self)
        choose.setAccessibleName(self.tr("Choose the file"))
        choose.setAutoDefault(False)
        choose.clicked.connect(self._choose)
        self._format = CalmComboBox(self)
        self._format.setAccessibleName(self.tr("Format"))
        self._unit = CalmComboBox(self)
        self._unit.setAccessibleName(self.tr("Unit"))
        for unit in MILLIMETRES_PER:
            self._unit.addItem(UNIT_TITLES[unit], unit)
        self._fill_formats()
        self._format.currentIndexChanged.connect(self._format_chosen)
        self._note = QLabel(self)
        self._note.setWordWrap(True)
        self._note.setProperty("soft", True)
        self._sheet = QFrame(self)
        self._sheet.setProperty("card", True)
        self._rows = QGridLayout(self._sheet)
        self._rows.setContentsMargins(12, 10, 12, 10)
        self._rows.setHorizontalSpacing(16)
        self._rows.setColumnStretch(1, 1)
        self._result = QLabel(self)
        self._result.setWordWrap(True)
        self._result.setAccessibleName(self.tr("Result"))
        self._show_folder = QPushButton(icon("folder"), self.tr("Show in folder"), self)
        self._show_folder.setAutoDefault(False)
        self._show_folder.setAccessibleName(self.tr("Show in folder"))
        self._show_folder.clicked.connect(self._open_folder)
        self._show_folder.hide()
        self.export_button = QPushButton(icon("export", colour=current_tokens().accent_text), self.tr("Export"), self)
        self.export_button.setProperty("primary", True)
        self.export_button.setDefault(True)
        self.export_button.setAccessibleName(self.tr("Export"))
        self.export_button.clicked.connect(self.export)
        close = QPushButton(self.tr("Close"), self)
        close.setAutoDefault(False)
        close.setAccessibleName(self.tr("Close"))
        close.clicked.connect(self.close)
        self._lay_out(choose, close)
        self._format_chosen()
        self._place.textEdited.connect(self._follow_place)
        self._say(self.tr("Asking the engine for the quality sheet …"))
        workbench.running.ask_quality(self.show_sheet)

    def set_place(self, path: Path) -> None:
        """Where to write, as if it had been typed."""
        self._place.setText(str(path))
        self._follow_place(str(path))

    def said(self) -> str:
        """What the dialog said last."""
        return self._result.text()

    def show_sheet(self, sheet: dict[str, Any]) -> None:
        """Fill the table with what was measured; the dialog may have been closed meanwhile."""
        if not isValid(self):
            return
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for row, (title, text, good) in enumerate(sheet_rows(sheet)):
            label = QLabel(title, self._sheet)
            label.setProperty("soft", True)
            value = QLabel(text, self._sheet)
            value.setAccessibleName(f"{title}: {text}")
            value.setWordWrap(True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            tokens = current_tokens()
            if good is not None:
                value.setStyleSheet(f"color: {tokens.good if good else tokens.warning}; font-weight: 600;")
            self._rows.addWidget(label, row, 0)
            self._rows.addWidget(value, row, 1)
        self._say("")

    def export(self) -> None:
        """Ask for the surface and write it; the result is told when it is there."""
        self.export_button.setEnabled(False)
        self._show_folder.hide()
        self._say(self.tr("Writing …"))
        self._workbench.exporting.export(
            Path(self._place.text()).expanduser(), self._unit.currentData(), self._exported
        )

    def _exported(self, report: Any) -> None:
        if not isValid(self):
            return
        self.export_button.setEnabled(True)
        self._written = report.path
        lines = [self.tr("Wrote {0}, {1}, in {2}.").format(report.path.name, format_bytes(report.size), report.unit)]
        self._say("<br>".join([*lines, *report.warnings]), warning=bool(report.warnings))
        self._show_folder.show()
        self._workbench.notices.noted(lines[0])

    def failed(self) -> None:
        """The export did not work; the bar says why."""
        self.export_button.setEnabled(True)
        self._say("")

    def _lay_out(self, choose: QPushButton, close: QPushButton) -> None:
        form = QGridLayout()
        form.setHorizontalSpacing(10)
        form.setVerticalSpacing(8)
        form.setColumnStretch(1, 1)
        for row, (title, widget) in enumerate(
            ((self.tr("File"), self._place), (self.tr("Format"), self._format), (self.tr("Unit"), self._unit))
        ):
            label = QLabel(title, self)
            label.setBuddy(widget)
            form.addWidget(label, row, 0)
            form.addWidget(widget, row, 1)
        form.addWidget(choose, 0, 2)
        form.addWidget(self._note, 3, 1, 1, 2)
        heading = QLabel(self.tr("Quality"), self)
        heading.setProperty("heading", True)
        buttons = QHBoxLayout()
        buttons.addWidget(self._show_folder)
        buttons.addStretch(1)
        buttons.addWidget(close)
        buttons.addWidget(self.export_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 14)
        column.setSpacing(10)
        column.addLayout(form)
        column.addWidget(heading)
        column.addWidget(self._sheet)
        column.addWidget(self._result)
        column.addStretch(1)
        column.addLayout(buttons)

    def _fill_formats(self) -> None:
        from engine.io.registry import extensions

        for title, suffixes in extensions("write", "mesh").items():
            self._format.addItem(f"{title} ({suffixes[0]})", suffixes[0])
        if self._fills:
            for title, suffixes in extensions("write", "tetrahedra").items():
                for suffix in suffixes:
                    self._format.addItem(self.tr("{0}, tetrahedra ({1})").format(title, suffix), suffix)
        index = self._format.findData(Path(self._place.text()).suffix)
        self._format.setCurrentIndex(max(index, 0))

    @property
    def _fills(self) -> bool:
        """Whether the surface that is shown has an inside that can be filled with tetrahedra."""
        study = self._workbench.document.project.study
        return study.study == "reconstruct" and study.parameters.get("surface", "flexicubes") == "flexicubes"

    def _format_chosen(self) -> None:
        from engine.io.registry import formats

        suffix = self._format.currentData() or ".stl"
        path = Path(self._place.text())
        self._place.setText(str(path.with_suffix(suffix)))
        entry = next((item for item in formats() if suffix in item.extensions), None)
        fixed = entry.unit if entry else None
        target = self._workbench.document.inputs().get("target")
        wanted = fixed or (target.unit if target is not None else "mm")
        self._unit.setCurrentIndex(max(self._unit.findData(wanted), 0))
        self._unit.setEnabled(not fixed)
        if fixed:
            self._note.setText(self.tr("This format is always in {0}.").format(UNIT_TITLES[fixed]))
        else:
            self._note.setText(self.tr("Coordinates as in the input."))

    def _follow_place(self, text: str) -> None:
        index = self._format.findData(Path(text).suffix.lower())
        if index >= 0 and index != self._format.currentIndex():
            blocked = self._format.blockSignals(True)
            self._format.setCurrentIndex(index)
            self._format.blockSignals(blocked)

    def _choose(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, self.tr("Export surface"), self._place.text())
        if name:
            path = Path(name)
            self._place.setText(str(path if path.suffix else path.with_suffix(self._format.currentData())))
            self._follow_place(self._place.text())

    def _open_folder(self) -> None:
        if self._written is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written.parent)))

    def _say(self, text: str, *, warning: bool = False) -> None:
        self._result.setText(text)
        self.adjustSize()  # a longer text must not squeeze the rows above it
        self._result.setStyleSheet(f"color: {current_tokens().warning};" if warning else "")

    def sizeHint(self) -> QSize:
        return QSize(500, 420)


def sheet_rows(sheet: dict[str, Any]) -> list[tuple[str, str, bool | None]]:
    """Title, text and verdict (None: neither good nor bad) of what matters of a quality sheet.

    The keys are those of `engine.geometry.sheet.QualitySheet.to_dict`; what a sheet lacks is left out.
    """
    flags = (
        (_tr("Watertight"), ("watertight",)),
        (_tr("Manifold"), ("edge_manifold", "vertex_manifold")),
        (_tr("Consistent winding"), ("consistent_winding",)),
    )
    counts = {
        "euler_characteristic": _tr("Euler number χ"),
        "parts": _tr("Parts"),
        "triangles": _tr("Triangles"),
        "intersecting_triangles": _tr("Intersecting triangles"),
    }
    distances = {"reference_to_surface": _tr("Input to surface"), "surface_to_reference": _tr("Surface to input")}
    rows: list[tuple[str, str, bool | None]] = []
    for title, keys in flags:
        if all(key in sheet for key in keys):
            good = all(bool(sheet[key]) for key in keys)
            rows.append((title, _tr("yes") if good else _tr("no"), good))
    for key, title in counts.items():
        if key in sheet:
            verdict = not sheet[key] if key == "intersecting_triangles" else None
            rows.append((title, f"{sheet[key]:,}".replace("-", "−"), verdict))
    if sheet.get("smallest_angle") is not None:
        rows.append((_tr("Smallest angle"), f"{shown(sheet['smallest_angle'])}°", None))
    if sheet.get("volume") is not None:
        rows.append((_tr("Volume"), f"{shown(sheet['volume'])} mm³", None))
    if sheet.get("size"):
        rows.append((_tr("Size"), " × ".join(shown(side) for side in sheet["size"]) + " mm", None))
    for key, title in distances.items():
        found = sheet.get(key)
        if found:
            for part, words in (
                ("mean", _tr("mean")),
                ("percentile_95", _tr("95 % within")),
                ("maximum", _tr("largest")),
            ):
                rows.append((f"{title}, {words}", f"{shown(found[part])} mm", None))
    return rows


def _tr(text: str) -> str:
    return QCoreApplication.translate("QualitySheet", text)
