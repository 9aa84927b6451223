"""A Geometry arrives as it was, its large arrays by the name of their file."""

from __future__ import annotations

import gc
import os
import pickle
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io import scratch
from engine.io.transport import LARGE, backing_file, pack, unpack


def large_scan() -> Points:
    positions = np.random.default_rng(0).normal(size=(LARGE // 24 + 1000, 3))
    heat = Field("heat", positions[:, 0].copy(), "point")
    return Points(positions, None, {"heat": heat}, "large", "m", ("a note",), (4.5e9, 5e8, 0.0), True)


def carried(geometry: Points | Mesh, folder: Path) -> Points | Mesh:
    folder.mkdir()
    found = unpack(pickle.loads(pickle.dumps(pack(geometry, folder))), folder)
    assert isinstance(found, (Points, Mesh))
    return found


def test_everything_arrives(tmp_path: Path, mesh: Mesh, scan: Points) -> None:
    for index, sent in enumerate((mesh, scan, large_scan())):
        found = carried(sent, tmp_path / str(index))
        for item in fields(sent):
            one, other = getattr(sent, item.name), getattr(found, item.name)
            if item.name == "fields":
                assert list(one) == list(other)
                assert all(np.array_equal(one[key].values, other[key].values) for key in one)
            else:
                np.testing.assert_array_equal(one, other, err_msg=item.name)


def test_a_large_array_keeps_its_file_as_long_as_it_lives(tmp_path: Path) -> None:
    found = carried(large_scan(), tmp_path / "a")
    path = backing_file(found.positions)
    assert path is not None and path.exists()
    renamed = replace(found, name="other")
    del found
    gc.collect()
    assert backing_file(renamed.positions) == path
    del renamed
    gc.collect()
    assert not (tmp_path / "a").exists()


def test_what_has_a_file_is_handed_on_by_its_name(tmp_path: Path) -> None:
    first = carried(large_scan(), tmp_path / "a")
    (tmp_path / "b").mkdir()
    manifest = pack(first, tmp_path / "b")
    assert manifest.arrays["positions"] == backing_file(first.positions)
    second = unpack(manifest, tmp_path / "b")
    del second
    gc.collect()
    assert backing_file(first.positions) is not None, "the receiver may not remove a file that is not its own"


def test_a_part_of_a_mapped_array_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    whole = carried(large_scan(), tmp_path / "a")
    assert backing_file(whole.positions[1:]) is None
    assert backing_file(whole.positions[::-1]) is None
    assert backing_file(whole.positions.astype(np.float32)) is None
    assert backing_file(whole.positions.copy()) is None


def test_folders_of_the_dead_are_removed(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_made", None)
    root = own_folders / "cache" / "formwright" / "scratch"
    dead, alive = root / "999999999-x", root / f"{os.getpid()}-x"
    for folder in (dead, alive):
        folder.mkdir(parents=True)
    mine = scratch.new_folder()
    assert mine.is_dir() and mine.parent.parent == root
    assert alive.exists() and not dead.exists()
