"""Data sets and meshes from files, whatever their format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.core.errors import FileError
from engine.regression.data.dataset import Dataset, Sample
from engine.regression.data.flat_file import read_flat
from engine.regression.data.folder import ENDINGS, read_folder, read_sample
from engine.regression.data.plaid_folder import find_plaid, read_plaid

FLAT_FILE = "dataset.npz"


def read_dataset(path: Path) -> Dataset:
    """An `.npz`, a folder that holds a `dataset.npz`, a folder of VTU, VTP or VTK files, or one of PLAID; raises
    `FileError`. Samples of one name are numbered, and a note says so."""
    return _read(path).with_unique_names()


def _read(path: Path) -> Dataset:
    if not path.exists():
        raise FileError(path, "it does not exist.")
    if path.is_dir() and not (path / FLAT_FILE).exists():
        return read_plaid(path) if find_plaid(path) else read_folder(path)
    if path.is_dir() or path.name == FLAT_FILE:  # the folder says what is in it
        folder = (path if path.is_dir() else path.parent).resolve()
        return replace(read_flat(folder / FLAT_FILE), name=folder.name)
    if path.suffix.lower() == ".cgns":
        raise FileError(path, "it is one file of a set.", remedy="Open the PLAID folder that it lies in.")
    if path.suffix.lower() != ".npz":
        raise FileError(path, "it is no data set.", remedy="Give an .npz or a folder of VTU, VTP or VTK files.")
    return read_flat(path)


def read_mesh(path: Path, index: int = 0) -> Sample:
    """A mesh to predict on: a VTU, VTP or VTK file, or a sample of an `.npz`; raises `FileError`."""
    if path.suffix.lower() in ENDINGS:
        if not path.exists():
            raise FileError(path, "it does not exist.")
        return read_sample(path)
    dataset = read_dataset(path)
    if not 0 <= index < len(dataset):
        raise FileError(path, f"it has no sample {index}.", remedy=f"It has samples 0 to {len(dataset) - 1}.")
    return dataset.samples[index]


def read_candidates(path: Path) -> tuple[Sample, ...]:
    """All samples of a file: one mesh, or those of an `.npz`; raises `FileError`."""
    return (read_mesh(path),) if path.suffix.lower() in ENDINGS else read_dataset(path).samples


def write_fields(path: Path, sample: Sample, fields: dict[str, np.ndarray]) -> None:
    """A mesh with fields as VTU or VTP, a volume as VTU; raises `FileError`."""
    import pyvista

    from engine.core.atomic import atomic_write

    points = np.pad(sample.nodes, ((0, 0), (0, 3 - sample.nodes.shape[1])))
    ending = path.suffix.lower()
    possible = (".vtu",) if len(sample.tetrahedra) else (".vtu", ".vtp")
    if ending not in possible:
        what = "fields of a volume" if len(sample.tetrahedra) else "fields"
        raise FileError(
            path, f"{what} cannot be written as {ending or 'a file without ending'}.",
            remedy=f"Use {' or '.join(possible)}.",
        )  # fmt: skip
    if len(sample.tetrahedra):
        grid = pyvista.UnstructuredGrid({pyvista.CellType.TETRA: sample.tetrahedra}, points)
    else:
        surface = pyvista.PolyData.from_regular_faces(points, sample.triangles)
        grid = surface.cast_to_unstructured_grid() if ending == ".vtu" else surface
    for name, values in fields.items():
        grid.point_data[name] = values
    with atomic_write(path) as temporary:
        grid.save(temporary)
