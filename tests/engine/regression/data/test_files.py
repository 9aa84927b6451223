"""Data sets on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pyvista

from engine.core.errors import FileError
from engine.regression.data.checking import check_dataset, check_sample
from engine.regression.data.dataset import Dataset, DatasetError, OutputGradient
from engine.regression.data.flat_file import read_flat, write_flat
from engine.regression.data.folder import ANCHOR, read_folder
from engine.regression.data.reading import read_candidates, read_dataset, read_mesh, write_fields
from engine.regression.generation.known_bodies import known_blob, known_filled_blob


def small(plates: Dataset) -> Dataset:
    return Dataset(plates.samples[:4], ("train", "test", "train", "train"), plates.units, name="small")


def test_a_flat_file_gives_back_what_was_written(plates: Dataset, tmp_path: Path) -> None:
    dataset = small(plates)
    write_flat(dataset, tmp_path / "small.npz")
    back = read_flat(tmp_path / "small.npz")
    assert back.split == dataset.split and dict(back.units) == dict(dataset.units) and back.name == "small"
    for one, two in zip(dataset, back, strict=True):
        assert one.name == two.name and one.inputs == two.inputs and one.outputs == two.outputs
        assert np.array_equal(one.nodes, two.nodes) and np.array_equal(one.triangles, two.triangles)
        assert np.array_equal(one.anchors, two.anchors)
        assert all(np.array_equal(one.fields[name], two.fields[name]) for name in one.fields)


def test_samples_of_one_name_are_numbered_and_a_note_says_so(plates: Dataset, tmp_path: Path) -> None:
    names = ("a", "b", "a", "a (2)", "a", "b")
    samples = tuple(replace(sample, name=name) for sample, name in zip(plates.samples, names, strict=False))
    write_flat(Dataset(samples, units=plates.units), tmp_path / "twins.npz")
    back = read_dataset(tmp_path / "twins.npz")
    assert [sample.name for sample in back] == ["a", "b", "a (3)", "a (2)", "a (4)", "b (2)"]
    assert [bool(np.array_equal(one.nodes, two.nodes)) for one, two in zip(samples, back, strict=True)] == [True] * 6
    assert [note.split(":")[0] for note in back.notes] == ["3 samples are called a", "2 samples are called b"]
    check_dataset(back)
    assert read_dataset(written_folder(small(plates), tmp_path / "folder", ".vtu")).notes == ()


def test_meshes_of_one_name_in_a_folder_are_samples_of_their_own(plates: Dataset, tmp_path: Path) -> None:
    folder = written_folder(small(plates), tmp_path / "folder", ".vtu")
    write_fields(folder / "a0.vtp", plates.samples[0], dict(plates.samples[0].fields))
    back = read_dataset(folder)
    assert sorted(sample.name for sample in back) == ["a0", "a0 (2)", "a1", "a2", "a3"]
    assert back.notes == ("2 samples are called a0: the further ones are numbered.",)


def test_a_flat_file_keeps_gradients_and_the_recipe(plates: Dataset, tmp_path: Path) -> None:
    first, *others = plates.samples[:3]
    known = OutputGradient(np.arange(first.node_count * 2.0).reshape(-1, 2), {"load": 3.0})
    second = replace(others[0], gradients={"narrowest": OutputGradient(None, {"load": 0.0})})
    recipe = {"generator": "known", "seed": 2, "options": {"law": "elastic"}}
    dataset = Dataset((replace(first, gradients={"strength": known}), second, others[1]), recipe=recipe)
    write_flat(dataset, tmp_path / "sloped.npz")
    back = read_flat(tmp_path / "sloped.npz")
    assert back.recipe == recipe and set(back.samples[0].gradients) == {"strength"}
    found = back.samples[0].gradients["strength"]
    assert found.nodes is not None and np.array_equal(found.nodes, known.nodes) and found.inputs == {"load": 3.0}
    assert back.samples[1].gradients == {"narrowest": OutputGradient(None, {"load": 0.0})}
    assert back.samples[2].gradients == {}
    arrays = dict(np.load(tmp_path / "sloped.npz"))
    np.savez(tmp_path / "short.npz", **{**arrays, "gradients_nodes": arrays["gradients_nodes"][:-1]})
    with pytest.raises(FileError, match="gradients_nodes has shape"):
        read_flat(tmp_path / "short.npz")


def test_a_flat_file_needs_only_what_it_must_have(plates: Dataset, tmp_path: Path) -> None:
    write_flat(small(plates), tmp_path / "small.npz")
    arrays = dict(np.load(tmp_path / "small.npz"))
    for optional in ("anchors", "names", "units"):
        del arrays[optional]
    np.savez(tmp_path / "plain.npz", **arrays)
    assert len(read_flat(tmp_path / "plain.npz").samples[0].anchors) == 0


def test_other_ways_to_write_a_flat_file_are_understood(plates: Dataset, tmp_path: Path) -> None:
    """Nodes numbered over all samples, texts as bytes, one field as one row of numbers."""
    expected = small(plates)
    write_flat(expected, tmp_path / "small.npz")
    arrays = dict(np.load(tmp_path / "small.npz"))
    before = np.concatenate([[0], np.cumsum(arrays["nodes_count"])])[:-1]
    arrays["triangles"] = arrays["triangles"] + np.repeat(before, arrays["triangles_count"])[:, None]
    arrays["anchors"] = arrays["anchors"] + before[:, None]
    arrays["fields"], arrays["field_names"] = arrays["fields"][:, 0], arrays["field_names"][:1].astype(np.bytes_)
    arrays["split"] = arrays["split"].astype(np.bytes_)
    np.savez(tmp_path / "other.npz", **arrays)
    found = read_flat(tmp_path / "other.npz")
    assert found.split == expected.split and found.field_names == expected.field_names[:1]
    for one, two in zip(expected, found, strict=True):
        assert np.array_equal(one.triangles, two.triangles) and np.array_equal(one.anchors, two.anchors)
        assert np.array_equal(one.fields["stress"], two.fields["stress"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a.pop("fields"), "fields is missing"),
        (lambda a: a.update(fields=a["fields"][:-1]), "array fields has"),
        (lambda a: a.update(split=np.array(["train", "valid", "train", "train"])), "the split of .* is 'valid'"),
        (lambda a: a.update(field_names=np.array(["one"])), "field_names has 1"),
        (lambda a: a.update(field_names=np.array(["stress", "stress"])), "field_names says 'stress' twice"),
        (lambda a: a.update(fields=a["fields"] * 1j), "fields holds something else than real numbers"),
        (lambda a: a.update(triangles=a["triangles"][:, :2]), "triangles has shape"),
        (lambda a: a.update(scalars_in=a["scalars_in"][:2]), "scalars_in has shape"),
        (lambda a: a.update(nodes=np.array([{}], dtype=object)), "no data set"),
    ],
)  # fmt: skip
def test_a_bad_flat_file_names_the_array(change, said: str, plates: Dataset, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write_flat(small(plates), tmp_path / "small.npz")
    arrays = dict(np.load(tmp_path / "small.npz"))
    change(arrays)
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(FileError, match=said):
        read_flat(tmp_path / "bad.npz")


@pytest.mark.parametrize("ending", [".vtu", ".vtp", ".vtk"])
def test_a_folder_of_meshes_is_the_same_data_set(ending: str, plates: Dataset, tmp_path: Path) -> None:
    folder = written_folder(small(plates), tmp_path / "folder", ending)
    back = read_folder(folder)
    assert back.dimension == 2 and back.split == ("train", "test", "train", "train")
    assert back.units["load"] == "kN" and back.units["strength"] == ""
    for one, two in zip(small(plates), back, strict=True):
        assert one.inputs == two.inputs and one.outputs == two.outputs
        assert np.allclose(one.nodes, two.nodes) and np.array_equal(one.anchors, two.anchors)
        assert np.array_equal(np.sort(one.triangles, axis=1), np.sort(two.triangles, axis=1))
        assert set(one.fields) == set(two.fields) and np.allclose(one.fields["stress"], two.fields["stress"])
    assert read_mesh(folder / f"a0{ending}").node_count == plates.samples[0].node_count
    assert len(read_candidates(folder)) == 4


@pytest.mark.parametrize(
    ("line", "text", "said"),
    [
        (0, "name,in:load,strength,split", "neither in:"),
        (0, "name;in:load;out:strength;split", "has one column. Separate columns by commas"),
        (0, "name,in:load,out:load,out:strength,split", "two columns are called load"),
        (2, "a1,much,1,1,train", "'much' is no number for load"),
        (2, "a1,1,1,1,valid", "the split is 'valid'"),
        (2, "a1,1,1", "line 3 has 3 cells"),
        (2, "a0,1,1,1,train", "names a0 a second time"),
        (2, "b,1,1,1,train", "no row for a1|there is no such file"),
    ],
)
def test_a_bad_table_names_its_line(line: int, text: str, said: str, plates: Dataset, tmp_path: Path) -> None:
    folder = written_folder(small(plates), tmp_path / "folder", ".vtu")
    lines = (folder / "scalars.csv").read_text().splitlines()
    lines[line] = text
    (folder / "scalars.csv").write_text("\n".join(lines))
    with pytest.raises(FileError, match=said):
        read_folder(folder)


def test_a_table_may_name_files_with_their_ending_and_must_name_all(plates: Dataset, tmp_path: Path) -> None:
    folder = written_folder(small(plates), tmp_path / "folder", ".vtu")
    table = folder / "scalars.csv"
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *(row.replace(",", ".vtu,", 1) for row in rows)]))
    assert [sample.inputs for sample in read_folder(folder)] == [sample.inputs for sample in small(plates)]
    table.write_text(header + "\n")
    with pytest.raises(FileError, match=r"it has no row for a0\.vtu"):
        read_folder(folder)


@pytest.mark.parametrize("ending", [".vtu", ".vtp", ".vtk"])
@pytest.mark.parametrize("left", [0.0, 0.5])
def test_a_mesh_that_is_cut_short_is_named_and_nothing_else_is_said(
    left: float, ending: str, plates: Dataset, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = written_folder(small(plates), tmp_path / "folder", ending)
    path = folder / f"a2{ending}"
    path.write_bytes(path.read_bytes()[: int(left * path.stat().st_size)])
    capfd.readouterr()
    with pytest.raises(FileError, match=f"a2{ending}: it is damaged or cut short"):
        read_folder(folder)
    assert capfd.readouterr() == ("", "")


def test_point_data_that_is_no_field(plates: Dataset, tmp_path: Path) -> None:
    mesh = pyvista.PolyData.from_regular_faces(
        np.pad(plates.samples[0].nodes, ((0, 0), (0, 1))), plates.samples[0].triangles
    )
    mesh.point_data["word"] = np.array(["a"] * mesh.n_points)
    mesh.point_data["force"] = np.ones((mesh.n_points, 2))
    mesh.save(tmp_path / "part.vtp")
    assert list(read_mesh(tmp_path / "part.vtp").fields) == ["force1", "force2"]
    mesh.point_data["force1"] = np.zeros(mesh.n_points)
    mesh.save(tmp_path / "part.vtp")
    with pytest.raises(FileError, match="two of its fields are called force1"):
        read_mesh(tmp_path / "part.vtp")


def test_what_is_no_data_set_is_said(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    with pytest.raises(FileError, match="it holds one array"):
        read_dataset(tmp_path / "one.npz")
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.npz").write_text("hello")
    for path, said in (("none", "does not exist"), ("empty", "holds no"), ("text.npz", "no data set")):
        with pytest.raises(FileError, match=said):
            read_dataset(tmp_path / path)


def test_fields_are_written_beside_the_mesh(plates: Dataset, tmp_path: Path) -> None:
    sample = plates.samples[0]
    write_fields(tmp_path / "out.vtu", sample, {"stress": sample.fields["stress"]})
    assert np.allclose(pyvista.read(tmp_path / "out.vtu").point_data["stress"], sample.fields["stress"])
    with pytest.raises(FileError, match="cannot be written"):
        write_fields(tmp_path / "out.stl", sample, {})


def written_folder(dataset: Dataset, folder: Path, ending: str) -> Path:
    folder.mkdir()
    lines = ["name,in:load [kN],out:narrowest [mm],out:strength,split"]
    for k, (sample, part) in enumerate(zip(dataset, dataset.split, strict=True)):
        mesh = pyvista.PolyData.from_regular_faces(np.pad(sample.nodes, ((0, 0), (0, 1))), sample.triangles)
        grid = mesh.cast_to_unstructured_grid() if ending == ".vtu" else mesh
        for name, values in sample.fields.items():
            grid.point_data[name] = values
        numbers = np.zeros(sample.node_count, np.int32)
        numbers[sample.anchors] = np.arange(1, len(sample.anchors) + 1)
        grid.point_data[ANCHOR] = numbers
        grid.save(folder / f"a{k}{ending}")
        values = [sample.inputs["load"], sample.outputs["narrowest"], sample.outputs["strength"]]
        lines.append(",".join([f"a{k}", *(repr(float(value)) for value in values), part]))
    (folder / "scalars.csv").write_text("\n".join(lines))
    return folder


def test_volumes_come_back_from_a_flat_file_and_from_vtu(tmp_path: Path) -> None:
    samples = tuple(known_filled_blob(index, nodes=60, layers=3) for index in range(3))
    write_flat(Dataset(samples), tmp_path / "solid.npz")
    for one, two in zip(samples, read_flat(tmp_path / "solid.npz"), strict=True):
        assert np.array_equal(one.tetrahedra, two.tetrahedra) and np.array_equal(one.triangles, two.triangles)
    numbered = np.zeros(samples[0].node_count)
    numbered[samples[0].anchors] = np.arange(1, 4)
    write_fields(tmp_path / "solid.vtu", samples[0], {**samples[0].fields, ANCHOR: numbered})
    back = read_mesh(tmp_path / "solid.vtu")
    assert np.array_equal(back.tetrahedra, samples[0].tetrahedra)
    assert np.array_equal(np.sort(back.triangles, axis=None), np.sort(samples[0].triangles, axis=None))
    assert np.array_equal(back.anchors, samples[0].anchors)
    assert np.allclose(back.fields["warmth"], samples[0].fields["warmth"])
    with pytest.raises(FileError, match="fields of a volume cannot be written"):
        write_fields(tmp_path / "solid.vtp", samples[0], {})
    arrays = dict(np.load(tmp_path / "solid.npz"))
    np.savez(tmp_path / "cut.npz", **{**arrays, "tetrahedra": arrays["tetrahedra"][:-1]})
    with pytest.raises(FileError, match="array tetrahedra has"):
        read_flat(tmp_path / "cut.npz")


def test_a_volume_and_a_surface_are_not_learnt_together() -> None:
    solid = known_filled_blob(0, nodes=60, layers=3)
    with pytest.raises(DatasetError, match="blob 1 is a surface; filled blob 0 is a volume"):
        check_dataset(Dataset((solid, known_blob(1, nodes=60))))
    stray = replace(solid, tetrahedra=solid.tetrahedra + 1)
    with pytest.raises(DatasetError, match="filled blob 0: a tetrahedron refers to a node"):
        check_sample(stray)
