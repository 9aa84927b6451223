"""A data set as a folder: one VTU, VTP or VTK file a sample, and `scalars.csv`.

`scalars.csv` begins with a header. Its first column names the sample (the file's name without its ending); a column
`in:NAME [UNIT]` is known beforehand, `out:NAME [UNIT]` is to predict, and `split` says train or test. Fields are the
point data of the files; the integers of point data called `anchor` number the anchors from 1 on, 0 elsewhere.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import FileError
from engine.io.vtk import read_data
from engine.regression.data.border import border_triangles, positive
from engine.regression.data.dataset import Dataset, Sample, Split

ENDINGS = (".vtu", ".vtp", ".vtk")
SCALARS = "scalars.csv"
ANCHOR = "anchor"
NUMBERS = "biuf"
"""Kinds of NumPy's types that are read as numbers."""

MOST_COMPONENTS = 9
"""Of one array at the nodes, each a field; arrays of more are passed over."""

FLAT = 1e-9
"""Parts of its extent that a mesh in the plane may reach out of it."""

COLUMN = re.compile(r"^(in|out):\s*(?P<name>.+?)\s*(?:\[(?P<unit>[^\]]*)\])?$")


@dataclass(frozen=True)
class _Row:
    inputs: dict[str, float]
    outputs: dict[str, float]
    split: Split


def read_folder(folder: Path) -> Dataset:
    """Read the folder; raises `FileError` that names the file, row or column."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
    if not files:
        raise FileError(
            folder, f"it holds no {', '.join(ENDINGS)} files.", remedy="Give a folder of meshes with fields."
        )
    table = folder / SCALARS
    rows, units = _read_scalars(table) if table.exists() else ({}, {})
    for path in files:
        if table.exists() and path.stem not in rows:
            raise FileError(table, f"it has no row for {path.name}.")
    known = {path.stem for path in files}
    for name in rows:
        if name not in known:
            raise FileError(table, f"it has a row for {name}, and there is no such file.")
    samples = tuple(_read_sample(path, rows.get(path.stem)) for path in files)
    split: tuple[Split, ...] = tuple(rows[path.stem].split if rows else "train" for path in files)
    return Dataset(in_the_plane(samples), split, units, name=folder.name)


def read_sample(path: Path) -> Sample:
    """One mesh with its fields, without scalars; raises `FileError`."""
    return in_the_plane((_read_sample(path, None),))[0]


def _read_sample(path: Path, row: _Row | None) -> Sample:
    import pyvista

    try:
        grid = pyvista.wrap(read_data(path))
    except OSError as error:
        raise FileError(path, f"it cannot be read ({error.strerror or error}).") from None
    sample = as_sample(path, grid, name=path.stem)
    return replace(sample, inputs=row.inputs, outputs=row.outputs) if row else sample


def as_sample(path: Path, grid: Any, *, name: str) -> Sample:
    """A grid of the file with its point data, without scalars; raises `FileError` for cells that cannot serve."""
    import pyvista

    nodes, tetrahedra = np.asarray(grid.points, np.float64), _tetrahedra(grid)
    if not len(nodes) or not grid.n_cells:
        raise FileError(path, "it has no cells.")
    if len(tetrahedra):
        triangles = border_triangles(positive(nodes, tetrahedra))
    else:
        surface = grid if isinstance(grid, pyvista.PolyData) else _surface(path, grid)
        triangles = np.asarray((surface if surface.is_all_triangles else surface.triangulate()).regular_faces)
    fields, anchors = _point_data(path, grid)
    return Sample(
        name=name,
        nodes=nodes,
        triangles=triangles,
        fields=fields,
        anchors=anchors,
        tetrahedra=tetrahedra,
    )


def _point_data(path: Path, grid: Any) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Fields by name, one for every component, and the anchors; texts are passed over."""
    fields: dict[str, np.ndarray] = {}
    anchors = np.zeros(0, np.int64)
    for title in grid.point_data:
        values = np.asarray(grid.point_data[title])
        if values.dtype.kind not in NUMBERS:
            continue
        if title == ANCHOR:
            numbered = np.flatnonzero(values > 0)
            anchors = numbered[np.argsort(values[numbered], kind="stable")]
            continue
        columns = {title: values} if values.ndim == 1 else {f"{title}{k + 1}": each for k, each in enumerate(values.T)}
        if len(columns) > MOST_COMPONENTS:
            continue
        for name, column in columns.items():
            if name in fields:
                raise FileError(path, f"two of its fields are called {name}.", remedy="Rename one of them.")
            fields[name] = column.astype(np.float64)
    return fields, anchors


def _tetrahedra(grid: Any) -> np.ndarray:
    """Those of a grid; its other cells do not count beside them."""
    import pyvista

    cells = getattr(grid, "cells_dict", {})
    found = cells.get(pyvista.CellType.TETRA, np.zeros((0, 4), np.int32))
    return np.asarray(found, np.int32)


def _surface(path: Path, grid: Any) -> Any:
    """The faces of a grid of triangles and quadrilaterals, over its own points."""
    import pyvista

    faces = []
    for kind, cells in getattr(grid, "cells_dict", {}).items():
        if kind not in (pyvista.CellType.TRIANGLE, pyvista.CellType.QUAD):
            raise FileError(path, "it has cells that are neither triangles nor quadrilaterals, and no tetrahedra.")
        faces.append(np.insert(cells, 0, cells.shape[1], axis=1).ravel())
    if not faces:
        raise FileError(path, "it has neither triangles, quadrilaterals nor tetrahedra.")
    return pyvista.PolyData(np.asarray(grid.points), np.concatenate(faces))


def in_the_plane(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """Without the third coordinate where it says nothing in any sample."""
    flat = all(
        sample.nodes.shape[1] == 3 and np.ptp(sample.nodes[:, 2]) <= FLAT * np.ptp(sample.nodes, axis=0).max()
        for sample in samples
    )
    if not flat:
        return tuple(samples)
    return tuple(replace(sample, nodes=sample.nodes[:, :2]) for sample in samples)


def _read_scalars(path: Path) -> tuple[dict[str, _Row], dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileError(path, f"it cannot be read ({error}).") from None
    if not lines or not any(lines[0]):
        raise FileError(path, "it is empty.", remedy="Its first line names the columns.")
    header, units = [title.strip() for title in lines[0]], dict[str, str]()
    if len(header) < 2:
        raise FileError(path, "its first line has one column.", remedy="Separate columns by commas.")
    columns: list[tuple[str, str] | None] = [None]
    for title in header[1:]:
        found = COLUMN.match(title)
        if found:
            name = found.group("name")
            if name in units:
                raise FileError(path, f"two columns are called {name}.", remedy="Rename one of them.")
            columns.append((found.group(1), name))
            units[name] = found.group("unit") or ""
        elif title == "split":
            columns.append(("split", ""))
        else:
            raise FileError(path, f"column {title!r} is neither in:…, out:… nor split.")
    rows: dict[str, _Row] = {}
    for number, line in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in line):
            continue
        if len(line) != len(header):
            raise FileError(path, f"line {number} has {len(line)} cells; the header has {len(header)}.")
        name = line[0].strip()
        name = name[: -len(ENDINGS[0])] if name.lower().endswith(ENDINGS) else name
        if name in rows:
            raise FileError(path, f"line {number} names {name} a second time.")
        rows[name] = _row(path, number, columns, line)
    return rows, units


def _row(path: Path, number: int, columns: list[tuple[str, str] | None], line: list[str]) -> _Row:
    inputs: dict[str, float] = {}
    outputs: dict[str, float] = {}
    split: Split = "train"
    for column, cell in zip(columns, line, strict=True):
        if column is None:
            continue
        kind, name = column
        if kind == "split":
            if cell.strip() not in ("train", "test"):
                raise FileError(path, f"line {number}: the split is {cell.strip()!r}.", remedy="It is train or test.")
            split = "test" if cell.strip() == "test" else "train"
            continue
        try:
            value = float(cell)
        except ValueError:
            raise FileError(path, f"line {number}: {cell.strip()!r} is no number for {name}.") from None
        (inputs if kind == "in" else outputs)[name] = value
    return _Row(inputs, outputs, split)
