"""The table of samples: what is known of each, with a picture of the field that is shown."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QColor, QIcon, QPixmap

from app.document.digits import shown
from app.document.samples import PARTS, Part
from app.panels.theme import current_tokens
from app.work.samples import Samples

Index = QModelIndex | QPersistentModelIndex
NAME, SPLIT, COMPLAINT, ANGLE, NODES = range(5)
FIRST_SCALAR = 5
SORTED_BY = Qt.ItemDataRole.UserRole
POOR_ANGLE = 1.0
"""Degrees under which a morph is poor."""


class SamplesTable(QAbstractTableModel):
    """A row a sample. What its columns after the first five are, the data set says: inputs, then outputs."""

    def __init__(self, samples: Samples, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._samples = samples
        self._pictures: dict[int, QIcon] = {}
        samples.changed.subscribe(self._reset)
        samples.rows_changed.subscribe(self._rows_changed)

    # What Qt asks -------------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index | None = None) -> int:
        look = self._samples.look
        return 0 if look is None or (parent is not None and parent.isValid()) else len(look.rows)

    def columnCount(self, parent: Index | None = None) -> int:
        look = self._samples.look
        return 0 if look is None else FIRST_SCALAR + len(look.input_names) + len(look.output_names)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        look = self._samples.look
        if orientation != Qt.Orientation.Horizontal or look is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            titles = [self.tr("Sample"), self.tr("For"), self.tr("Complaint"), self.tr("Worst angle"), self.tr("Nodes")]
            scalars = [_with_unit(name, look.units.get(name, "")) for name in (*look.input_names, *look.output_names)]
            return [*titles, *scalars][section]
        if role == Qt.ItemDataRole.ToolTipRole:
            tips = [
                self.tr("What the sample is called"),
                self.tr("Train: learnt from. Test: kept to measure errors. Space or a double click changes it."),
                self.tr("Why a sample cannot be learnt from"),
                self.tr("Smallest angle of the morph; small or negative ones make bad predictions"),
                self.tr("Nodes of the mesh"),
                *(self.tr("{0}: known beforehand").format(name) for name in look.input_names),
                *(self.tr("{0}: to predict").format(name) for name in look.output_names),
            ]
            return tips[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        look = self._samples.look
        if look is None or not index.isValid():
            return None
        number, column = index.row(), index.column()
        row = look.rows[number]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(number, column)
        if role == SORTED_BY:
            return self._sorted_by(number, column)
        if role == Qt.ItemDataRole.DecorationRole and column == NAME:
            return self._pictures.get(number)
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.complaint or (row.name if column == NAME else self._text(number, column))
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._ink(number, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column >= ANGLE:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    # Pictures -----------------------------------------------------------------------------------------------------

    def has_picture(self, number: int) -> bool:
        return number in self._pictures

    def set_picture(self, number: int, picture: QPixmap) -> None:
        symbol = QIcon(picture)
        symbol.addPixmap(picture, QIcon.Mode.Selected)  # else its colours change where the row is selected
        self._pictures[number] = symbol
        place = self.index(number, NAME)
        self.dataChanged.emit(place, place, [Qt.ItemDataRole.DecorationRole])

    def forget_pictures(self) -> None:
        """They show another field now, or other colours."""
        self._pictures.clear()
        if self.rowCount():
            self.dataChanged.emit(self.index(0, NAME), self.index(self.rowCount() - 1, NAME))

    # --------------------------------------------------------------------------------------------------------------

    def _scalar(self, number: int, column: int) -> float:
        look = self._samples.look
        assert look is not None
        row, name = look.rows[number], (*look.input_names, *look.output_names)[column - FIRST_SCALAR]
        known = row.inputs if column - FIRST_SCALAR < len(look.input_names) else row.outputs
        return known.get(name, float("nan"))

    def _text(self, number: int, column: int) -> str:
        assert self._samples.look is not None
        row = self._samples.look.rows[number]
        if column == NAME:
            return row.name
        if column == SPLIT:
            return part_title(self._samples.part(number))
        if column == COMPLAINT:
            return row.complaint
        if column == ANGLE:
            return "" if row.worst_angle is None else f"{row.worst_angle:.1f}°"
        if column == NODES:
            return f"{row.node_count:,}"
        return shown(self._scalar(number, column))

    def _sorted_by(self, number: int, column: int) -> Any:
        assert self._samples.look is not None
        row = self._samples.look.rows[number]
        if column == NAME:
            return _natural(row.name)
        if column == SPLIT:
            return PARTS.index(self._samples.part(number))
        if column == COMPLAINT:
            return row.complaint
        if column == ANGLE:
            return -1e9 if row.worst_angle is None else row.worst_angle
        return row.node_count if column == NODES else self._scalar(number, column)

    def _ink(self, number: int, column: int) -> QColor | None:
        assert self._samples.look is not None
        row, tokens = self._samples.look.rows[number], current_tokens()
        if self._samples.part(number) == "out":
            return QColor(tokens.text_off)
        if row.complaint and column in (NAME, COMPLAINT):
            return QColor(tokens.error)
        poor = row.flipped > 0 or (row.worst_angle is not None and row.worst_angle < POOR_ANGLE)
        return QColor(tokens.warning) if column == ANGLE and poor else None

    def _reset(self) -> None:
        self.beginResetModel()
        self._pictures.clear()
        self.endResetModel()

    def _rows_changed(self, numbers: list[int] | None) -> None:
        if numbers is None:
            numbers = [0, self.rowCount() - 1]
        if self.rowCount():
            self.dataChanged.emit(self.index(min(numbers), 0), self.index(max(numbers), self.columnCount() - 1))


class FilteredSamples(QSortFilterProxyModel):
    """The samples that have all words of a filter somewhere in name, purpose or complaint, in the order asked for."""

    def __init__(self, table: SamplesTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._words: list[str] = []
        self.setSourceModel(table)
        self.setSortRole(SORTED_BY)

    def filter_by(self, text: str) -> None:
        self._words = text.lower().split()
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        table = self.sourceModel()
        texts = (str(table.data(table.index(row, column))) for column in (NAME, SPLIT, COMPLAINT))
        said = " ".join(texts).lower()
        return all(word in said for word in self._words)

    def lessThan(self, left: Index, right: Index) -> bool:
        table = self.sourceModel()
        return bool(table.data(left, SORTED_BY) < table.data(right, SORTED_BY))


def part_title(part: Part) -> str:
    """What a person calls what a sample is for."""
    return {"train": _tr("Train"), "test": _tr("Test"), "out": _tr("Left out")}[part]


def _with_unit(name: str, unit: str) -> str:
    return f"{name} [{unit}]" if unit else name


def _natural(name: str) -> tuple[tuple[str, int], ...]:
    """ "plate 2" before "plate 10"."""
    parts: list[tuple[str, int]] = []
    text, digits = "", ""
    for character in name + " ":
        if character.isdigit():
            digits += character
            continue
        if digits:
            parts.append((text, int(digits)))
            text, digits = "", ""
        text += character.lower()
    return (*parts, (text, -1))


def _tr(text: str) -> str:
    return QCoreApplication.translate("SamplesTable", text)
