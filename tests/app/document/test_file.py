"""Documents on disk: nothing is lost, nothing in a file is trusted, and what stood there stays when writing fails."""

from __future__ import annotations

import dataclasses
import io
import json
import resource
import signal
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from documents import content, equal, part, run_files

from app.document import migrations, records
from app.document.archive import ArchiveWriter, is_safe
from app.document.file import MANIFEST, Content, open_document, save_document
from app.document.migrations import migrated
from app.document.placement import Placement
from app.document.project import Clip, Measurement, Project, SceneObject, Selection
from engine.core.errors import FileError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.tet_mesh import tet_volumes

FIXTURES = Path(__file__).parent / "data"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "everything.formwright"
    save_document(path, content())
    return path


def repacked(path: Path, change: Callable[[str, bytes], bytes | None], added: dict[str, bytes] | None = None) -> Path:
    """The same zip with members changed, left out (None) or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            member = change(name, old.read(name))
            if member is not None:
                new.writestr(name, member)
        for name, member in (added or {}).items():
            new.writestr(name, member)
    path.write_bytes(out.getvalue())
    return path


def with_manifest(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    def edit(name: str, member: bytes) -> bytes:
        if name != MANIFEST:
            return member
        values = json.loads(member)
        change(values)
        return json.dumps(values).encode()

    return repacked(path, edit)


# What is kept ---------------------------------------------------------------------------------------------------------


def test_everything_comes_back_as_it_was(saved: Path) -> None:
    opened = open_document(saved)
    assert equal(opened.content, content())
    assert not opened.read_only
    fields = opened.content.project.objects[0].geometry.fields
    assert (
        fields["heat"].values.dtype == np.float32
        and fields["heat"].signed
        and fields["heat"].meta == {"from": "a test"}
    )
    assert np.isnan(fields["gaps"].values[:, 1]).all(), "a field may lack a value"


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        (Project, records.ProjectRecord),
        (SceneObject, records.ObjectRecord),
        (Selection, records.SelectionRecord),
        (Clip, None), (Measurement, None), (Placement, None),
    ],
)  # fmt: skip
def test_no_part_of_a_project_is_forgotten(kind: Any, record: Any) -> None:
    """A new field of the Project needs a place in the file (and, where that is misread without it, a new format)."""
    if record is not None:
        # What is not compared is of the Run and not of the file: see `Project.moved`.
        assert {field.name for field in dataclasses.fields(kind) if field.compare} == set(record.model_fields)


@pytest.mark.parametrize("kind", [Mesh, Points])
def test_no_part_of_a_geometry_is_forgotten(kind: Any) -> None:
    kept = set(records.GeometryRecord.model_fields) | {"vertices"}
    assert {field.name for field in dataclasses.fields(kind)} <= kept


def test_tetrahedra_come_back_and_follow_their_placement(tmp_path: Path) -> None:
    mesh, tets = part(), np.array([[0, 2, 1, 4], [0, 1, 3, 4], [0, 3, 2, 4], [1, 2, 3, 4]])[:, [1, 0, 2, 3]]
    filled = replace(mesh, inner=np.array([[0.2, 0.2, 0.2]]), tets=tets)
    mirrored = Placement((1.0, 2.0, 3.0), (10.0, 0.0, 0.0), (1.0, -2.0, 1.0))
    project = Project(objects=(SceneObject("part", filled, "#7f8c99", placement=mirrored),))
    save_document(tmp_path / "filled.formwright", Content(project))
    opened = open_document(tmp_path / "filled.formwright").content.project
    assert opened == project
    placed = opened.objects[0].placed
    assert isinstance(placed, Mesh) and placed.tets is not None and placed.inner is not None
    np.testing.assert_allclose(placed.inner, mirrored.points(np.array([[0.2, 0.2, 0.2]])))
    # Mirrored, they are turned: twice as large, and none is inverted.
    volumes = tet_volumes(placed.all_vertices, placed.tets)
    np.testing.assert_allclose(volumes, 2.0 * tet_volumes(filled.all_vertices, tets))
    assert volumes.min() > 0.0


def test_an_empty_document_can_be_kept(tmp_path: Path) -> None:
    save_document(tmp_path / "empty.formwright", Content())
    assert equal(open_document(tmp_path / "empty.formwright").content, Content())


def test_equal_arrays_are_written_once(tmp_path: Path) -> None:
    project = Project(objects=tuple(SceneObject(f"part {n}", part(), "#7f8c99") for n in range(5)))
    save_document(tmp_path / "many.formwright", Content(project))
    names = zipfile.ZipFile(tmp_path / "many.formwright").namelist()
    assert len([name for name in names if name.startswith("arrays/")]) == 5, "vertices, triangles, three fields"
    objects = open_document(tmp_path / "many.formwright").content.project.objects
    assert np.shares_memory(objects[0].positions, objects[4].positions), "and held once"


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_document(tmp_path / name, content())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_files_of_a_run_come_back_and_unfinished_ones_are_left_out(tmp_path: Path) -> None:
    folder, note = run_files(tmp_path / "run")
    save_document(tmp_path / "x.formwright", content(run=note), run_folder=folder)
    opened = open_document(tmp_path / "x.formwright", run_folder=tmp_path / "back")
    assert {path.name: path.read_bytes() for path in (tmp_path / "back").iterdir()} == {
        name: (folder / name).read_bytes() for name in ("run.json", "state-1.zip")
    }
    assert opened.content.run is not None and opened.content.run.iteration == 12
    save_document(tmp_path / "x.formwright", content(run=note))
    assert open_document(tmp_path / "x.formwright").content.run is None, "there are no files for it"


def test_nothing_in_a_document_is_pickled(tmp_path: Path) -> None:
    save_document(tmp_path / "x.formwright", content())
    with zipfile.ZipFile(tmp_path / "x.formwright") as archive:
        assert all(name.endswith((".json", ".npy", ".png")) for name in archive.namelist())
        for name in archive.namelist():
            if name.endswith(".npy"):
                np.load(io.BytesIO(archive.read(name)), allow_pickle=False)


# Failing to write -----------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Files cannot grow beyond 64 KiB, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def big() -> Content:
    points = Points(np.random.default_rng(0).normal(size=(10_000, 3)))
    return Content(Project(objects=(SceneObject("big", points, "#7f8c99"),)))


def test_a_disk_that_is_full_leaves_the_old_document(saved: Path, small_disk: None) -> None:
    before = saved.read_bytes()
    with pytest.raises(FileError) as caught:
        save_document(saved, big())
    assert "everything.formwright" in caught.value.message
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name], "no rest of the attempt"


def test_a_save_that_is_cancelled_leaves_the_old_document(saved: Path) -> None:
    class CancelledError(Exception):
        pass

    def cancel(fraction: float) -> None:
        raise CancelledError

    before = saved.read_bytes()
    with pytest.raises(CancelledError):
        save_document(saved, big(), report=cancel)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_what_is_no_number_cannot_get_into_a_document(tmp_path: Path) -> None:
    project = content().project
    study = project.study.model_copy(update={"parameters": {"resolution": float("nan")}})
    with pytest.raises(FileError, match="cannot be kept"):
        save_document(tmp_path / "x.formwright", Content(replace(project, study=study)))
    assert not (tmp_path / "x.formwright").exists()


# Files that are not to be trusted -------------------------------------------------------------------------------------


def refused(path: Path, *words: str) -> None:
    with pytest.raises(FileError) as caught:
        open_document(path, run_folder=path.parent / "run")
    for word in words:
        assert word in str(caught.value), caught.value
    assert path.name in caught.value.message


@pytest.mark.parametrize(
    "name",
    ["../../evil.json", "/etc/evil", "arrays/../../evil.npy", "C:\\evil", "runs/1/../../../evil", "a//b", ".hidden"],
)  # fmt: skip
def test_members_that_would_lie_elsewhere_are_refused(saved: Path, name: str) -> None:
    assert not is_safe(name)
    refused(repacked(saved, lambda _, member: member, {name: b"evil"}), "would lie outside")
    assert not (saved.parent / "run").exists()


def test_a_zip_bomb_is_refused(saved: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, b"{}")
        archive.writestr("arrays/" + "0" * 32 + ".npy", bytes(50_000_000))
    saved.write_bytes(out.getvalue())
    refused(saved, "packed it anew")


def test_a_member_that_claims_ten_gigabytes_is_refused(saved: Path) -> None:
    raw = bytearray(saved.read_bytes())
    at = raw.rfind(b"PK\x01\x02")
    raw[at + 20 : at + 28] = struct.pack("<LL", 3 * 10**9, 3 * 10**9)
    saved.write_bytes(bytes(raw))
    refused(saved, "damaged")


def test_an_array_that_claims_ten_gigabytes_is_refused(saved: Path) -> None:
    def claim(values: dict[str, Any]) -> None:
        name = values["project"]["objects"][0]["geometry"]["positions"]
        values["arrays"][name]["shape"] = [10**9, 3]

    refused(with_manifest(saved, claim), "of shape")


def test_an_endless_list_of_members_is_refused(saved: Path) -> None:
    raw = bytearray(saved.read_bytes())
    at = raw.rfind(b"PK\x05\x06")
    raw[at + 12 : at + 16] = struct.pack("<L", 2**31)
    saved.write_bytes(bytes(raw))
    refused(saved, "list of members")


def array_of(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def with_positions(path: Path, member: bytes) -> Path:
    with zipfile.ZipFile(path) as archive:
        name = json.loads(archive.read(MANIFEST))["project"]["objects"][0]["geometry"]["positions"]
    return repacked(path, lambda found, old: member if found == f"arrays/{name}.npy" else old)


@pytest.mark.parametrize(
    ("member", "word"),
    [
        (array_of(np.full((4, 3), np.nan)), "not a number"),
        (array_of(np.full((4, 3), np.inf)), "not a number"),
        (array_of(np.zeros((5, 3))), "of shape (5, 3)"),
        (array_of(np.zeros((4, 3), np.float32)), "<f4"),
        (array_of(np.zeros((4, 3), ">f8")), ">f8"),
        (array_of(np.asfortranarray(np.arange(12.0).reshape(4, 3))), "of shape"),
        (array_of(np.zeros((4, 3)))[:-1], "as long as its shape"),
        (b"\x93NUMPY\x01\x00\xff\xff", "no array"),
        (b"not an array at all", "no array"),
        (b"", "no array"),
    ],
)  # fmt: skip
def test_an_array_that_is_not_as_declared_is_refused_by_name(saved: Path, member: bytes, word: str) -> None:
    refused(with_positions(saved, member), word, "arrays/")


def test_a_pickle_is_never_loaded(saved: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (pytest.fail, ("it was unpickled",))

    stream = io.BytesIO()
    np.save(stream, np.array([Evil()] * 12, dtype=object).reshape(4, 3), allow_pickle=True)
    refused(with_positions(saved, stream.getvalue()), "arrays/", "|O")


def objects(values: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = values["project"]["objects"]
    return found


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda values: values.pop("format"), "format"),
        (lambda values: values.update(format="1"), "format"),
        (lambda values: values.update(arrays=[]), "table of arrays"),
        (lambda values: values.update(project=None), "project"),
        (lambda values: values.update(camera={"position": [0, 0]}), "camera"),
        (lambda values: values.update(layout="!!"), "layout"),
        (lambda values: values.update(run={"folder": "../../elsewhere"}), "outside"),
        (lambda values: objects(values)[0].update(name="scan"), "same name"),
        (lambda values: objects(values)[0].update(name="result"), "same name"),
        (lambda values: objects(values)[0]["placement"].update(scale=[0, 1, 1]), "scale"),
        (lambda values: objects(values)[0]["placement"].update(scale=[1e308, 1e308, 1]), "farther away"),
        (lambda values: objects(values)[0]["geometry"].update(positions="0" * 32), "missing"),
        (lambda values: objects(values)[0]["geometry"].update(positions=objects(values)[0]["geometry"]["triangles"]),
         "cannot serve"),
        (lambda values: objects(values)[0]["geometry"].update(triangles=objects(values)[0]["geometry"]["positions"]),
         "cannot serve"),
        (lambda values: values["project"]["selections"][0].update(of="scan 2"), "fits no object"),
        (lambda values: values["project"]["roles"].update(target="gone"), "role"),
        (lambda values: values["project"]["study"].update(terms=[{"kind": 1}]), "term"),
        (lambda values: values["project"]["strokes"][0].update(radius=-1.0), "radius"),
        (lambda values: values["project"]["clip"].update(kind="ball"), "clip"),
        (lambda values: next(iter(values["arrays"].values())).update(dtype="|O"), "dtype"),
        (lambda values: next(iter(values["arrays"].values())).update(shape=[-1, -3]), "shape"),
    ],
)  # fmt: skip
def test_a_document_whose_parts_do_not_fit_is_refused(saved: Path, change: Any, word: str) -> None:
    refused(with_manifest(saved, change), word)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"[" * 100_000, "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[1]", "no JSON object"),
        (b'{"format": 1, "saved": NaN}', "not a number"),
        (b'{"format": 1, "saved": 1e999}', "not a number"),
    ],
)
def test_a_description_that_is_no_json_of_numbers_is_refused(saved: Path, text: bytes, word: str) -> None:
    refused(repacked(saved, lambda name, member: text if name == MANIFEST else member), word)


def test_a_flipped_bit_is_noticed(saved: Path) -> None:
    raw = saved.read_bytes()
    with zipfile.ZipFile(saved) as archive:
        member = next(info for info in archive.infolist() if info.filename.startswith("arrays/"))
    at = member.header_offset + 30 + len(member.filename) + 20 + 128 + 5
    saved.write_bytes(raw[:at] + bytes([raw[at] ^ 4]) + raw[at + 1 :])
    refused(saved, "damaged")


@pytest.mark.parametrize("kept", [0, 10, 100, 0.3, 0.6, 0.99])
def test_a_document_that_is_cut_off_is_refused(saved: Path, kept: float) -> None:
    raw = saved.read_bytes()
    saved.write_bytes(raw[: int(kept if kept > 1 else kept * len(raw))])
    refused(saved, "damaged")


def test_what_is_not_there_says_so(tmp_path: Path) -> None:
    refused(tmp_path / "gone.formwright", "cannot be read")


# Versions -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.formwright")), ids=lambda path: path.stem)
def test_documents_of_every_format_open(path: Path, tmp_path: Path) -> None:
    opened = open_document(path, run_folder=tmp_path / "run")
    expected = content(run=opened.content.run)
    if path.stem == "format-1":
        expected = replace(expected, project=replace(expected.project, resting={}))
    assert equal(opened.content, expected)
    assert opened.content.run is not None and opened.content.run.iteration == 12
    assert (tmp_path / "run" / "state-1.zip").read_bytes() == b"state" * 1000
    assert not opened.read_only


def test_every_format_has_a_fixture_and_a_way_to_the_present_one() -> None:
    assert {path.stem for path in FIXTURES.glob("*.formwright")} == {
        f"format-{n + 1}" for n in range(migrations.FORMAT)
    }
    assert set(migrations.MIGRATIONS) == set(range(1, migrations.FORMAT))


def test_an_old_document_goes_through_every_step(tmp_path: Path) -> None:
    steps = {
        1: lambda values: values | {"title": values["name"]},
        2: lambda values: values | {"title": values["title"] + "!"},
    }
    values, read_only = migrated({"format": 1, "name": "x"}, tmp_path, to=3, migrations=steps)
    assert values == {"format": 3, "name": "x", "title": "x!"} and not read_only
    with pytest.raises(FileError, match="no way from format 2"):
        migrated({"format": 2}, tmp_path, to=3, migrations={1: lambda values: values})


def test_a_newer_document_may_be_looked_at_where_it_says_so(saved: Path) -> None:
    with_manifest(saved, lambda values: values.update(format=7, readable_by=1, formwright="9.4", novelty={"x": 1}))
    opened = open_document(saved)
    assert opened.read_only and opened.written_by == "9.4" and equal(opened.content, content())


def test_a_newer_document_says_what_it_needs(saved: Path) -> None:
    with_manifest(saved, lambda values: values.update(format=7, readable_by=6, formwright="9.4"))
    refused(saved, "9.4", "format 7", "newer")


def test_members_that_this_version_does_not_know_are_left_alone(saved: Path) -> None:
    with_more = repacked(saved, lambda _, member: member, {"notes/later.txt": b"?"})
    assert equal(open_document(with_more).content, content())


def test_an_archive_is_a_zip_that_others_read(tmp_path: Path) -> None:
    with (tmp_path / "x.zip").open("wb") as stream, ArchiveWriter(stream) as writer:
        writer.array("a.npy", np.arange(6.0).reshape(2, 3))
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.testzip() is None
        assert np.load(io.BytesIO(archive.read("a.npy"))).tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_a_damaged_file_of_the_run_costs_nothing_else(tmp_path: Path) -> None:
    folder, note = run_files(tmp_path / "run")
    (folder / "checkpoint-00001.zip").write_bytes(b"a checkpoint, with enough in it to be found" * 20)
    path = tmp_path / "x.formwright"
    save_document(path, content(run=note), run_folder=folder)
    raw = path.read_bytes()
    at = raw.index(b"enough in it")
    path.write_bytes(raw[:at] + b"E" + raw[at + 1 :])
    opened = open_document(path, run_folder=tmp_path / "back")
    assert opened.lost == ("runs/1/checkpoint-00001.zip",)
    assert {file.name for file in (tmp_path / "back").iterdir()} == {"run.json", "state-1.zip"}
    assert [item.name for item in opened.content.project.objects] == [item.name for item in content().project.objects]
