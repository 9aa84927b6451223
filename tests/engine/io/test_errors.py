"""Whatever is wrong with a file, a plain error names it and leaves everything as it was."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.core.atomic import atomic_write
from engine.core.errors import FileError, FormwrightError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io.registry import read, write


def refused(path: Path, *words: str, **options: object) -> FileError:
    with pytest.raises(FileError) as caught:
        read(path, **options)  # type: ignore[arg-type]  # options of `read` as they come
    text = str(caught.value)
    assert path.name in text and "Traceback" not in text
    for word in words:
        assert word in text, text
    assert caught.value.remedy
    return caught.value


def test_missing_directory_empty_and_unknown(tmp_path: Path) -> None:
    refused(tmp_path / "gone.stl", "no such file")
    (tmp_path / "folder.stl").mkdir()
    refused(tmp_path / "folder.stl", "folder")
    for suffix in ("obj", "stl", "ply", "glb", "3mf", "vtp", "xyz", "pcd"):
        (tmp_path / f"empty.{suffix}").touch()
        refused(tmp_path / f"empty.{suffix}", "empty")
    (tmp_path / "part.sldprt").write_bytes(b"\xd0\xcf\x11\xe0")
    refused(tmp_path / "part.sldprt", "no format")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_no_permission(tmp_path: Path, mesh: Mesh) -> None:
    write(mesh, tmp_path / "a.stl")
    (tmp_path / "a.stl").chmod(0)
    refused(tmp_path / "a.stl", "may not read")


def test_no_permission_is_plain_for_any_user(tmp_path: Path, mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    write(mesh, tmp_path / "a.stl")

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "denied")

    monkeypatch.setattr(Path, "open", deny)
    refused(tmp_path / "a.stl", "may not read")


@pytest.mark.parametrize("suffix", ["stl", "obj", "ply", "glb", "xyz", "vtp", "off", "pcd", "3mf"])
def test_a_picture_by_another_name_is_recognised(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"photo.{suffix}"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    refused(path, "PNG picture")


def test_wrong_extension_opens_by_content(corpus: dict[str, Path], tmp_path: Path) -> None:
    for name in ("ply", "glb", "3mf", "off", "vtp", "text stl"):
        path = tmp_path / f"{name}.obj"
        shutil.copy(corpus[name], path)
        found = read(path)
        assert isinstance(found, Mesh) and "named .obj" in found.notes[0]


def test_every_truncation_is_refused_or_opens_whole_triangles(corpus: dict[str, Path], tmp_path: Path) -> None:
    for name, source in corpus.items():
        content = source.read_bytes()
        for share in (0.02, 0.3, 0.7, 0.98):
            path = tmp_path / f"cut{source.suffix}"
            path.write_bytes(content[: int(len(content) * share)])
            try:
                found = read(path)
            except FormwrightError as error:
                assert path.name in str(error), name
            else:
                # Text without counts cannot tell that it was cut.
                assert name in ("obj", "scan xyz") and isinstance(found, Mesh | Points), (name, share)


@pytest.mark.parametrize("name", ["ply", "stl", "text stl", "off", "glb", "3mf", "vtp", "vtu", "vti", "pcd binary"])
def test_truncated_in_the_middle(corpus: dict[str, Path], tmp_path: Path, name: str) -> None:
    content = corpus[name].read_bytes()
    path = tmp_path / f"cut{corpus[name].suffix}"
    path.write_bytes(content[: len(content) // 2])
    refused(path)


@pytest.mark.parametrize("suffix", ["obj", "stl", "ply", "off", "glb", "3mf", "vtp", "vtu", "vti", "vtk", "xyz", "pcd"])
def test_garbage(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(1)
    (tmp_path / f"noise.{suffix}").write_bytes(rng.integers(0, 256, 5000, np.uint8).tobytes())
    refused(tmp_path / f"noise.{suffix}")
    (tmp_path / f"prose.{suffix}").write_text("It was a dark and stormy night;\nthe rain fell in torrents.\n" * 40)
    refused(tmp_path / f"prose.{suffix}")


def test_not_a_number_offers_a_repair_that_works(tmp_path: Path, mesh: Mesh) -> None:
    path = tmp_path / "nan.obj"
    write(mesh, path)
    lines = path.read_text().splitlines()
    lines[1] = "v nan 0 0"
    path.write_text("\n".join(lines))
    error = refused(path, "1 of its 96 vertices")
    assert error.repairs == ("drop-non-finite",)
    found = read(path, repairs=error.repairs)
    assert isinstance(found, Mesh) and found.vertex_count == 95 and found.triangle_count == mesh.triangle_count - 6
    assert any("left out" in note for note in found.notes)


def test_index_out_of_range_offers_a_repair_that_works(tmp_path: Path) -> None:
    path = tmp_path / "range.off"
    path.write_text("OFF\n4 3 0\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 1 2\n3 0 1 9\n3 0 -1 2\n")
    error = refused(path, "2 of its triangles")
    found = read(path, repairs=error.repairs)
    assert isinstance(found, Mesh) and found.triangle_count == 1


def test_zero_triangles(tmp_path: Path) -> None:
    (tmp_path / "none.stl").write_bytes(bytes(84))
    refused(tmp_path / "none.stl", "no triangles")
    (tmp_path / "none.obj").write_text("# nothing\n")
    refused(tmp_path / "none.obj", "no vertices")
    (tmp_path / "flat.obj").write_text("v 0 0 0\nv 1 0 0\nf 1 2 2\n")
    refused(tmp_path / "flat.obj", "collapsed")


def test_vtk_indices_out_of_range_do_not_reach_the_filters(tmp_path: Path) -> None:
    path = tmp_path / "bad.vtk"
    path.write_text(
        "# vtk DataFile Version 3.0\nbad\nASCII\nDATASET POLYDATA\nPOINTS 3 double\n0 0 0 1 0 0 0 1 0\n"
        "POLYGONS 1 4\n3 0 1 900000000\n"
    )
    refused(path, "do not exist")


def test_absurd_coordinates_and_counts(tmp_path: Path) -> None:
    (tmp_path / "far.obj").write_text("v 1e300 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3\n")
    refused(tmp_path / "far.obj", "beyond")
    header = "ply\nformat binary_little_endian 1.0\nelement vertex 99999999999999\nproperty float x\nproperty float y\n"
    (tmp_path / "huge.ply").write_text(header + "property float z\nend_header\n0000")
    refused(tmp_path / "huge.ply", "ends before")


def test_pcd_headers_that_promise_too_much(corpus: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "huge.pcd"
    for name in ("pcd ascii", "pcd binary", "pcd binary_compressed"):
        content = corpus[name].read_bytes()
        path.write_bytes(content.replace(b"COUNT 1 1 1", b"COUNT 1 1 99999999"))
        refused(path, "values a point")
        path.write_bytes(content.replace(b"POINTS 60", b"POINTS 61"))
        refused(path)


def test_non_manifold_opens_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "fin.obj"
    path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 -1 0\nv 0 0 1\nf 1 2 3\nf 2 1 4\nf 1 2 5\n")
    found = read(path)
    assert isinstance(found, Mesh)
    assert any("not manifold: 1 edges" in note for note in found.notes)
    assert any("open: 6 edges" in note for note in found.notes)


def test_points_that_no_triangle_uses_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "stray.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 500 0 0\nf 1 2 3\n")
    found = read(tmp_path / "stray.obj")
    assert isinstance(found, Mesh) and found.diagonal == pytest.approx(np.sqrt(2))


def test_write_refuses_plainly(tmp_path: Path, mesh: Mesh, scan: Points) -> None:
    for geometry, name, words in (
        (mesh, "a.step", "no format to write"),
        (mesh, "a", "no format to write"),
        (mesh, "a.vti", "no format to write"),
        (mesh, "a.xyz", "cannot hold a mesh"),
        (scan, "a.stl", "cannot hold a point cloud"),
        (mesh, "gone/a.stl", "does not exist"),
    ):
        with pytest.raises(FileError, match=words):
            write(geometry, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.ply"
    path.write_bytes(b"precious")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match=r"a\.ply: the disk is full"):
        write(mesh, path)
    assert path.read_bytes() == b"precious" and list(tmp_path.iterdir()) == [path]


def test_atomic_write_keeps_mode_and_links(tmp_path: Path) -> None:
    target, link = tmp_path / "real.stl", tmp_path / "link.stl"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    with atomic_write(link) as temporary:
        assert temporary.parent == tmp_path and temporary.suffix == ".stl"
        temporary.write_text("new")
    assert link.is_symlink() and target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640
    with pytest.raises(KeyError), atomic_write(target) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert target.read_text() == "new" and len(list(tmp_path.iterdir())) == 2
