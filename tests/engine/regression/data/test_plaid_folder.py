"""PLAID folders in both layouts: written here with h5py as CGNS files are laid out, read by VTK."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from engine.core.errors import FileError
from engine.regression.data.plaid_folder import find_plaid
from engine.regression.data.reading import read_dataset

NODES = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0], [1.0, 0.4]])
TRIANGLES = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])
KINDS = {"f4": "R4", "f8": "R8", "i4": "I4", "i8": "I8", "i1": "C1"}


def node(parent: Any, name: str, label: str, values: np.ndarray | str | None = None) -> Any:
    """One node of a CGNS tree in HDF5."""
    made = parent.create_group(name) if name else parent
    kind = "MT"
    if values is not None:
        array = np.frombuffer(values.encode(), np.int8) if isinstance(values, str) else np.asarray(values)
        kind = KINDS[array.dtype.str[1:]]
        made.create_dataset(" data", data=array)
    for key, text, length in (("name", name or "HDF5 MotherNode", 33), ("label", label, 33), ("type", kind, 3)):
        made.attrs.create(key, np.bytes_(text), dtype=h5py.string_dtype("ascii", length))
    made.attrs.create("flags", np.array([1], np.int32))
    return made


def write_cgns(path: Path, shift: float, scalars: dict[str, float]) -> None:
    """The plate of five nodes, moved; a field in its nodes, corners as conditions, scalars in a base of their own."""
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as file:
        node(file, "", "Root Node of HDF5 File")
        file.create_dataset(" format", data=np.frombuffer(b"NATIVE\0", np.int8))
        file.create_dataset(" hdf5version", data=np.frombuffer(b"HDF5 Version 1.14.0".ljust(33, b"\0"), np.int8))
        node(file, "CGNSLibraryVersion", "CGNSLibraryVersion_t", np.array([4.0], np.float32))
        base = node(file, "Base_2_2", "CGNSBase_t", np.array([2, 2], np.int32))
        zone = node(base, "Zone", "Zone_t", np.array([[5], [4], [0]], np.int64))
        node(zone, "ZoneType", "ZoneType_t", "Unstructured")
        places = node(zone, "GridCoordinates", "GridCoordinates_t")
        for axis, name in enumerate(("CoordinateX", "CoordinateY")):
            node(places, name, "DataArray_t", NODES[:, axis] + shift)
        elements = node(zone, "Triangles", "Elements_t", np.array([5, 0], np.int32))
        node(elements, "ElementRange", "IndexRange_t", np.array([1, 4], np.int64))
        node(elements, "ElementConnectivity", "DataArray_t", TRIANGLES.reshape(-1).astype(np.int64) + 1)
        conditions = node(zone, "ZoneBC", "ZoneBC_t")
        for name, corner in (("b corner", 2), ("a corner", 0)):
            one = node(conditions, name, "BC_t", "BCTypeNull")
            node(one, "PointList", "IndexArray_t", np.array([[corner + 1]], np.int32))
        fields = node(zone, "VertexFields", "FlowSolution_t")
        node(fields, "GridLocation", "GridLocation_t", "Vertex")
        node(fields, "heat", "DataArray_t", NODES[:, 0] * shift)
        node(fields, "distance", "DataArray_t", NODES[:, 1])
        if scalars:
            whole = node(file, "Global", "CGNSBase_t", np.array([1, 1], np.int32))
            for name, value in scalars.items():
                node(whole, name, "DataArray_t", np.array([value]))


def newer(folder: Path) -> Path:
    for part, count in (("train", 2), ("test", 1)):
        for k in range(count):
            scalars = {"load": 1.0 + k, "force": 10.0 + k, "unused": 3.0}
            mesh = folder / "data" / part / f"sample_{k:09d}" / "meshes" / "mesh_000000000.cgns"
            write_cgns(mesh, 1.0 + k, scalars)
    (folder / "problem_definitions").mkdir()
    (folder / "problem_definitions" / "heat.yaml").write_text(
        "input_features: [Global/load, Base_2_2/Zone/VertexFields/distance]\n"
        "output_features: [Global/force, Base_2_2/Zone/VertexFields/heat]\n"
        "train_split: {train: [0, 1]}\ntest_split: {test: all}\n"
    )
    return folder


def older(folder: Path) -> Path:
    for k in range(3):
        place = folder / "dataset" / "samples" / f"sample_{k:09d}"
        write_cgns(place / "meshes" / "mesh_000000000.cgns", 1.0 + k, {})
        (place / "scalars.csv").write_text(f"load,force\n{1.0 + k},{10.0 + k}\n")
    problem = folder / "problem_definition"
    problem.mkdir()
    (problem / "split.json").write_text(json.dumps({"train_2": [0, 2], "test": [1]}))
    (problem / "problem_infos.yaml").write_text(
        "input_scalars: [load]\noutput_scalars: [force]\noutput_fields: [heat]\n"
    )
    return folder


@pytest.mark.parametrize(("write", "split"), [(newer, ("test", "train", "train")), (older, ("train", "test", "train"))])
def test_both_layouts_are_read(tmp_path: Path, write: Any, split: tuple[str, ...]) -> None:
    data = read_dataset(write(tmp_path / "plates"))
    assert data.name == "plates" and data.split == split
    assert data.field_names == ("heat",) and data.dimension == 2
    assert sorted(sample.inputs["load"] for sample in data) == sorted([1.0, 2.0, 1.0 if write is newer else 3.0])
    for sample in data:
        shift = sample.inputs["load"]
        np.testing.assert_allclose(sample.nodes, NODES + shift)
        np.testing.assert_allclose(sample.fields["heat"], NODES[:, 0] * shift)
        assert sample.outputs == {"force": 9.0 + shift}
        np.testing.assert_array_equal(sample.triangles, TRIANGLES)
        np.testing.assert_array_equal(sample.anchors, [0, 2])
    assert len({sample.name for sample in data}) == 3


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    folder = newer(tmp_path / "plates")
    said = folder / "problem_definitions" / "heat.yaml"
    text = said.read_text()
    said.write_text(text.replace("Global/load", "Global/weight"))
    with pytest.raises(FileError, match=r"sample_000000000.*no scalar weight"):
        read_dataset(folder)
    said.unlink()
    with pytest.raises(FileError, match="does not say what is known"):
        read_dataset(folder)
    said.write_text(text)
    broken = find_plaid(folder)
    assert broken is not None
    broken.write_bytes(b"no CGNS file")
    with pytest.raises(FileError, match=r"mesh_000000000\.cgns.*cannot be read"):
        read_dataset(folder)
    with pytest.raises(FileError, match="one file of a set"):
        read_dataset(broken)


def test_loose_cgns_files_are_no_data_set(tmp_path: Path) -> None:
    write_cgns(tmp_path / "set" / "wing.cgns", 1.0, {})
    with pytest.raises(FileError, match="as PLAID lays them out"):
        read_dataset(tmp_path / "set")
