"""Volumes from NRRD and NumPy files; the sign and the axes of a field, and what is asked when they are not clear."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import FileError, QuestionError
from engine.geometry.fields import Field
from engine.geometry.quality import enclosed_volume
from engine.geometry.volume import Volume
from engine.io.isosurface import isosurface
from engine.io.registry import read

SHAPE, SPACING = (40, 30, 50), (0.5, 0.8, 0.4)
AXES = [step * (np.arange(count) - (count - 1) / 2) for step, count in zip(SPACING, SHAPE, strict=True)]
POINTS = np.stack(np.meshgrid(*AXES, indexing="ij"))
ELLIPSOID = 4 / 3 * np.pi * 8 * 7 * 5
"""Volume of the ellipsoid with half axes 8, 7, 5: x is longest."""
LENGTHS = np.sqrt(sum((POINTS[axis] / half) ** 2 for axis, half in enumerate((8.0, 7.0, 5.0))))
DISTANCE = 6.0 * (LENGTHS - 1.0)


def volume(values: np.ndarray, **options: bool) -> Volume:
    field = Field("values", values.transpose().reshape(-1).copy(), "node")
    return Volume(SHAPE, (0.0, 0.0, 0.0), SPACING, {"values": field}, **options)


def enclosed(mesh: object) -> float:
    return enclosed_volume(mesh.vertices, mesh.triangles)  # type: ignore[attr-defined]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_inside_of_a_distance_is_found_by_its_border(sign: float) -> None:
    ball = np.sqrt((POINTS**2).sum(axis=0)) - 6.0
    found = isosurface(volume(sign * ball))
    assert enclosed(found) == pytest.approx(4 / 3 * np.pi * 6**3, rel=0.01)


def test_a_sign_that_is_said_is_believed_and_intensities_are_larger_inside() -> None:
    stretched = DISTANCE**3 + DISTANCE  # signed, and no distance
    assert enclosed(isosurface(volume(stretched), sign="negative")) == pytest.approx(ELLIPSOID, rel=0.02)
    assert enclosed(isosurface(volume(-stretched), sign="positive")) == pytest.approx(ELLIPSOID, rel=0.02)
    bright = (DISTANCE < 0) * 900.0 + 100.0
    assert enclosed(isosurface(volume(bright))) == pytest.approx(ELLIPSOID, rel=0.05)


def test_a_sign_in_doubt_is_asked_for() -> None:
    dark = (DISTANCE > 0) * 900.0 + 100.0
    cut = POINTS[0] + 0.1 * POINTS[1]  # a distance to a plane that leaves the volume
    for values in (dark, cut):
        with pytest.raises(QuestionError, match="inside") as asked:
            isosurface(volume(values))
        assert set(asked.value.readings) == {"negative", "positive"} and asked.value.parameter == "sign"
        assert enclosed(isosurface(volume(values), sign="negative")) > 0
    assert enclosed(isosurface(volume(dark), sign="negative")) == pytest.approx(ELLIPSOID, rel=0.05)


def test_an_array_without_axes_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "field.npy"
    np.save(path, DISTANCE)
    found = read(path)
    assert isinstance(found, Volume) and found.axes_assumed and found.shape == SHAPE
    np.testing.assert_array_equal(found.grid(), DISTANCE)
    with pytest.raises(QuestionError) as asked:
        isosurface(found)
    assert asked.value.parameter == "axes" and set(asked.value.readings) == {"xyz", "zyx"}
    ahead, turned = (isosurface(found, axes=axes, sign="negative") for axes in ("xyz", "zyx"))
    np.testing.assert_allclose(np.ptp(ahead.bounds, axis=0), np.ptp(turned.bounds, axis=0)[::-1], atol=1e-5)
    assert enclosed(ahead) == pytest.approx(ELLIPSOID / np.prod(SPACING), rel=0.03) == enclosed(turned)


def test_an_array_that_is_the_same_either_way_needs_no_question(tmp_path: Path) -> None:
    steps = np.arange(24.0) - 11.5
    x, y, z = np.meshgrid(steps, steps, steps, indexing="ij")
    np.save(tmp_path / "ball.npy", np.sqrt(x**2 + y**2 + z**2) - 8.0)
    found = read(tmp_path / "ball.npy")
    assert isinstance(found, Volume)
    assert enclosed(isosurface(found)) == pytest.approx(4 / 3 * np.pi * 8**3, rel=0.02)


def nrrd(values: np.ndarray, *lines: str, encoding: str = "raw", kind: str = "float", order: str = "<f4") -> bytes:
    sizes = " ".join(map(str, values.shape))
    header = ["NRRD0005", "# written by hand", f"type: {kind}", "dimension: 3", f"sizes: {sizes}", *lines,
              f"encoding: {encoding}", "key:=value: with colon", "", ""]  # fmt: skip
    content = values.transpose().astype(order).tobytes()
    return "\n".join(header).encode() + (gzip.compress(content) if encoding == "gzip" else content)


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
@pytest.mark.parametrize(("endian", "order"), [("little", "<f4"), ("big", ">f4")])
def test_nrrd_with_directions(tmp_path: Path, encoding: str, endian: str, order: str) -> None:
    lines = ("space: left-posterior-superior", "space directions: (-0.5,0,0) (0,0.8,0) (0,0,0.4)",
             "space origin: (10,20,30)", f"endian: {endian}")  # fmt: skip
    path = tmp_path / "scan.nrrd"
    path.write_bytes(nrrd(DISTANCE, *lines, encoding=encoding, order=order))
    found = read(path)
    assert isinstance(found, Volume) and found.spacing == SPACING and not found.axes_assumed
    np.testing.assert_array_equal(found.grid(), DISTANCE[::-1].astype(np.float32))  # x runs downwards in the file
    np.testing.assert_allclose(found.bounds, [[10 - 0.5 * 39, 20, 30], [10, 20 + 0.8 * 29, 30 + 0.4 * 49]])


def test_nrrd_with_spacings_and_labels(tmp_path: Path) -> None:
    labels = (DISTANCE < 0).astype(np.uint8)
    path = tmp_path / "labels.nrrd"
    path.write_bytes(nrrd(labels, "spacings: 0.5 0.8 0.4", kind="unsigned char", order="u1"))
    found = read(path)
    assert isinstance(found, Volume) and found.is_segmented()
    assert enclosed(isosurface(found)) == pytest.approx(ELLIPSOID, rel=0.03)


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    path = tmp_path / "a.nrrd"
    good = nrrd(DISTANCE, "spacings: 1 1 1", "endian: little")
    for content, words in (
        (good[:-100], "cut short"),
        (good[:60], "cut short"),
        (good.replace(b"spacings: 1 1 1", b"spacings: 1 nan 1"), "steps"),
        (good.replace(b"spacings: 1 1 1", b"space directions: (1,1,0) (0,1,0) (0,0,1)"), "oblique"),
        (good.replace(b"encoding: raw", b"encoding: bzip2"), "bzip2"),
        (good.replace(b"dimension: 3", b"dimension: 4"), "4 axes"),
        (good.replace(b"sizes: 40 30 50", b"sizes: 40 30 -5"), "cut short"),
        (good.replace(b"sizes: 40 30 50", b"sizes: 40000 30000 50000"), "cut short"),
        (good.replace(b"encoding: raw", b"data file: b.raw\nencoding: raw"), "another file"),
    ):
        path.write_bytes(content)
        with pytest.raises(FileError, match=words):
            read(path)
    for values, words in (
        (np.array([{}, 1], object), "Python objects"),
        (np.zeros((3, 3)), "three axes"),
        (np.zeros((3, 3, 3), complex), "complex"),
    ):
        np.save(tmp_path / "b.npy", values, allow_pickle=True)
        with pytest.raises(FileError, match=words):
            read(tmp_path / "b.npy")
