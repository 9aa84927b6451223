"""Coordinates of a map keep their precision: taken away at reading, given back to the last bit at writing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io.isosurface import isosurface
from engine.io.registry import read, write
from engine.io.shift import NO_SHIFT, Neighbour, choose_shift

ON_A_MAP = np.array([512_345.678, 4_512_345.123, 87.5])
"""A place [m] in a map's projection."""


def on_a_map(folder: Path, suffix: str = "xyz", *, offset: np.ndarray = ON_A_MAP, name: str = "site") -> Path:
    """A ball of 2000 points, 20 m in diameter, written in metres with three digits."""
    ball = np.random.default_rng(0).normal(size=(2000, 3))
    ball *= 10.0 / np.linalg.norm(ball, axis=1, keepdims=True)
    rows = np.round(ball + offset, 3)
    path = folder / f"{name}.{suffix}"
    if suffix == "xyz":
        np.savetxt(path, rows, fmt="%.3f")
    else:
        write(Points(1000.0 * rows, unit="m"), path)
    return path


@pytest.mark.parametrize("suffix", ["xyz", "ply", "vtp", "obj"])
def test_the_file_comes_back_to_the_last_bit(tmp_path: Path, suffix: str) -> None:
    path = on_a_map(tmp_path, suffix)
    there = read(path, unit="m", shift="none")
    shifted = read(path, unit="m")
    assert isinstance(there, Points) and isinstance(shifted, Points)
    assert shifted.shift == (512_300_000.0, 4_512_300_000.0, 100_000.0)
    assert np.abs(shifted.positions).max() < 1e5
    assert any("4,512,300, 100 m were taken away" in note for note in shifted.notes)
    report = write(shifted, tmp_path / f"back.{suffix}", unit="m")
    back = read(report.path, unit="m", shift="none")
    assert isinstance(back, Points)
    np.testing.assert_array_equal(back.positions, there.positions)
    inches = read(write(shifted, tmp_path / f"inches.{suffix}", unit="in").path, unit="in", shift="none")
    assert isinstance(inches, Points)
    np.testing.assert_allclose(inches.positions, there.positions, rtol=0, atol=4e-6)


def test_millimetres_survive_in_the_shifted_frame(tmp_path: Path) -> None:
    path = on_a_map(tmp_path)
    rows = np.loadtxt(path)
    found = read(path, unit="m")
    assert isinstance(found, Points)
    assert found.positions.astype(np.float32) == pytest.approx((rows * 1000.0) - found.shift, abs=1e-2)


def test_without_giving_back_a_part_stays_where_it_is_worked_on(tmp_path: Path, mesh: Mesh) -> None:
    far = replace(mesh, shift=(4.5e9, 0.0, 0.0))
    write(far, tmp_path / "here.stl", give_back_shift=False)
    here = read(tmp_path / "here.stl")
    np.testing.assert_allclose(here.bounds, mesh.bounds, atol=1e-4)
    report = write(far, tmp_path / "there.stl")
    assert report.rounding > 50.0 and "single precision" in report.warnings[0]


def test_what_is_opened_beside_an_object_stands_where_it_belongs(tmp_path: Path) -> None:
    first = read(on_a_map(tmp_path), unit="m")
    neighbour = Neighbour(first.shift, first.diagonal)
    path = on_a_map(tmp_path, offset=ON_A_MAP + np.array([70.0, 0.0, 0.0]), name="next")
    alone, beside = read(path, unit="m"), read(path, unit="m", beside=(neighbour,))
    assert alone.shift != first.shift
    assert beside.shift == first.shift
    np.testing.assert_allclose(beside.bounds - first.bounds, [[70_000.0, 0, 0]] * 2, atol=1e-3)


def test_nothing_near_its_origin_is_shifted(mesh: Mesh) -> None:
    assert choose_shift(mesh.bounds, millimetres=1.0) == NO_SHIFT
    # A large assembly, and a small part of it: together they keep their frame.
    part = np.array([[250_000.0, 0, 0], [250_010.0, 10, 10]])
    assert choose_shift(part, millimetres=1.0) == (250_000.0, 0.0, 0.0)
    assert choose_shift(part, millimetres=1.0, beside=(Neighbour(NO_SHIFT, 3e5),)) == NO_SHIFT
    # Beside a part at the origin a place on a map cannot keep it.
    there = np.stack([ON_A_MAP - 10, ON_A_MAP + 10]) * 1000.0
    assert choose_shift(there, millimetres=1e3, beside=(Neighbour(NO_SHIFT, 50.0),)) != NO_SHIFT


def test_a_shift_that_is_asked_for_is_taken(tmp_path: Path, mesh: Mesh) -> None:
    write(mesh, tmp_path / "a.ply")
    found = read(tmp_path / "a.ply", shift=(5.0, -7.0, 11.0))
    assert found.shift == (5.0, -7.0, 11.0)
    np.testing.assert_allclose(found.bounds.mean(axis=0), 0.0, atol=1e-9)
    far = read(on_a_map(tmp_path), unit="m", shift="none")
    assert far.shift == NO_SHIFT and any("far from the origin" in note for note in far.notes)


def test_a_single_point_and_volumes_have_a_place_too(corpus: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "one.xyz").write_text("4512345.6 0 0\n")
    found = read(tmp_path / "one.xyz")
    assert isinstance(found, Points) and found.positions[0, 0] + found.shift[0] == 4512345.6
    volume = read(corpus["vti"], shift=(10.0, 20.0, 30.0))
    np.testing.assert_allclose(volume.bounds[0], 0.0)
    assert isosurface(volume, field="distance", level=0.0).shift == (10.0, 20.0, 30.0)  # type: ignore[arg-type]  # a Volume
