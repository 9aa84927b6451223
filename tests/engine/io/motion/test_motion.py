"""Motions read back by other programs' readers say what was written."""

from __future__ import annotations

import ast
import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonExecutionModel import vtkStreamingDemandDrivenPipeline

from engine.core.errors import FileError, ParameterError
from engine.io.motion.motion import Motion, MotionFrame
from engine.io.motion.registry import motion_format, motion_formats, write_motion
from engine.io.motion.usd import prim_names
from engine.io.registry import read

STEP = 0.02


class StopHereError(Exception):
    pass


@pytest.mark.parametrize("suffix", [".ply", ".obj"])
@pytest.mark.parametrize(("unit", "scale"), [("mm", 1000.0), ("m", 1.0)])
def test_sequences_hold_every_frame(motion: Motion, tmp_path: Path, suffix: str, unit: str, scale: float) -> None:
    report = write_motion(motion, tmp_path / f"wave{suffix}", unit=unit)
    assert [file.name for file in report.files] == [f"wave-{index:06d}{suffix}" for index in range(5)]
    assert sorted(tmp_path.iterdir()) == list(report.files)
    for index, file in enumerate(report.files):
        mesh = read(file, unit="mm")
        np.testing.assert_allclose(mesh.vertices, scale * motion.frame(index).positions, rtol=0, atol=1e-4 * scale)
        np.testing.assert_array_equal(mesh.triangles, np.concatenate([body.triangles for body in motion.bodies]))


def test_ply_keeps_the_values_and_whose_a_vertex_is(motion: Motion, tmp_path: Path) -> None:
    report = write_motion(motion, tmp_path / "wave.ply")
    mesh = read(report.files[3])
    np.testing.assert_array_equal(mesh.fields["strain"].values, motion.frame(3).fields["strain"])
    np.testing.assert_array_equal(mesh.fields["body"].values, [0] * 10 + [1] * 4)
    np.testing.assert_array_equal(mesh.vertices, 1000.0 * motion.frame(3).positions)


def test_vtkhdf_is_played_by_vtk(motion: Motion, tmp_path: Path) -> None:
    from vtkmodules.vtkIOHDF import vtkHDFReader

    path = tmp_path / "wave.vtkhdf"
    report = write_motion(motion, path, unit="mm")
    assert report.unit == "m"
    reader = vtkHDFReader()
    reader.SetFileName(str(path))
    reader.UpdateInformation()
    assert reader.GetNumberOfSteps() == 5
    for index in (4, 0, 2):
        reader.SetStep(index)
        reader.Update()
        data = reader.GetOutput()
        frame = motion.frame(index)
        np.testing.assert_allclose(vtk_to_numpy(data.GetPoints().GetData()), frame.positions, rtol=0, atol=1e-15)
        np.testing.assert_array_equal(vtk_to_numpy(data.GetPointData().GetArray("strain")), frame.fields["strain"])
        assert reader.GetTimeValue() == pytest.approx(frame.time, abs=1e-7)
        assert data.GetNumberOfPolys() == 12


def test_gltf_is_played_by_vtk_also_between_frames(motion: Motion, tmp_path: Path) -> None:
    """vtkGLTFReader reads morph targets and the animation of their weights; it has Y up, as the file."""
    from vtkmodules.vtkIOGeometry import vtkGLTFReader

    path = tmp_path / "wave.glb"
    write_motion(motion, path)
    reader = vtkGLTFReader()
    reader.SetFileName(str(path))
    reader.ApplyDeformationsToGeometryOn()
    reader.SetFrameRate(1000)
    reader.UpdateInformation()
    assert reader.GetNumberOfAnimations() == 1
    assert reader.GetAnimationDuration(0) == pytest.approx(4 * STEP)
    reader.EnableAnimation(0)
    first, second = motion.frame(1).positions, motion.frame(2).positions
    for time, expected in ((0.0, motion.frame(0).positions), (STEP, first), (1.5 * STEP, 0.5 * (first + second))):
        reader.UpdateInformation()
        information = reader.GetOutputInformation(0)
        information.Set(vtkStreamingDemandDrivenPipeline.UPDATE_TIME_STEP(), time)
        reader.Modified()
        reader.UpdateTimeStep(time)
        found = _leaves(reader.GetOutput())
        assert [len(points) for points in found] == [10, 4]
        x, y, z = np.concatenate(found).T
        np.testing.assert_allclose(np.stack([x, -z, y], axis=1), expected, rtol=0, atol=2e-7)


def test_what_stands_has_no_targets(motion: Motion, tmp_path: Path) -> None:
    import json

    path = tmp_path / "wave.glb"
    write_motion(motion, path)
    content = path.read_bytes()
    length = int.from_bytes(content[12:16], "little")
    said = json.loads(content[20 : 20 + length])
    strip, block = said["meshes"]
    assert len(strip["primitives"][0]["targets"]) == 4
    assert "targets" not in block["primitives"][0]
    assert [channel["target"]["node"] for channel in said["animations"][0]["channels"]] == [0]
    assert int.from_bytes(content[8:12], "little") == len(content)


def test_a_table_has_a_line_a_frame_with_units(motion: Motion, tmp_path: Path) -> None:
    write_motion(motion.part(every=2), tmp_path / "wave.csv")
    with (tmp_path / "wave.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["frame", "time [s]", "bending [J]", "table reaction z [N]"]
    assert [row[0] for row in rows[1:]] == ["0", "2", "4"]
    assert [float(row[3]) for row in rows[1:]] == [0.1, 2.1, 4.1]


def test_a_part_of_the_frames_and_of_the_bodies(motion: Motion, tmp_path: Path) -> None:
    part = motion.part(1, 3, 2).only(["block"])
    report = write_motion(part, tmp_path / "part.ply")
    assert report.frames == 2
    np.testing.assert_array_equal(read(report.files[1]).vertices, 1000.0 * motion.frame(3).positions[10:])
    with pytest.raises(ParameterError, match="no such body"):
        motion.only(["lid"])
    with pytest.raises(ParameterError, match="none to write"):
        motion.part(7)


def test_usd_has_the_points_of_each_frame_at_its_time(motion: Motion, tmp_path: Path) -> None:
    """Its text is read here; OpenUSD 26.11 composes it to the same."""
    report = write_motion(motion, tmp_path / "wave 1.usda")
    assert (report.format, report.unit, report.frames) == ("usd", "m", 5)
    text = (tmp_path / "wave 1.usda").read_text()
    assert text.startswith("#usda 1.0\n") and 'upAxis = "Z"' in text and "metersPerUnit = 1\n" in text
    assert text.count("{") == text.count("}") and text.count("(") == text.count(")")
    strip, block = text.split("def Mesh ")[1:]
    assert strip.startswith('"strip"') and block.startswith('"block"')
    samples = _usd_samples(strip, "points")
    assert list(samples) == pytest.approx([24.0 * STEP * number for number in range(5)])
    for number, points in enumerate(samples.values()):
        np.testing.assert_allclose(points, motion.frame(number).positions[:10], rtol=1e-8, atol=1e-12)
    extents = _usd_samples(strip, "extent")
    for points, extent in zip(samples.values(), extents.values(), strict=True):
        np.testing.assert_array_equal(extent, [points.min(axis=0), points.max(axis=0)])
    assert len(_usd_samples(block, "points")) == 1, "what stands still is written once"
    indices = re.search(r"faceVertexIndices = \[(.*)\]", block)
    assert (
        indices and [int(one) for one in indices[1].split(",")] == motion.bodies[1].own_triangles.reshape(-1).tolist()
    )


def test_usd_holds_what_rests_until_it_moves(motion: Motion, tmp_path: Path) -> None:
    """Or it would creep there all the while, for samples are interpolated."""

    def load(number: int) -> MotionFrame:
        moved = motion.frame(0)
        return replace(moved, time=STEP * number, positions=moved.positions + (0.1 if number == 3 else 0.0))

    write_motion(replace(motion, load=load), tmp_path / "late.usda")
    strip = (tmp_path / "late.usda").read_text().split("def Mesh ")[1]
    assert list(_usd_samples(strip, "points")) == pytest.approx(
        [0.0, 24.0 * 2 * STEP, 24.0 * 3 * STEP, 24.0 * 4 * STEP]
    )


def test_usd_names_are_identifiers_and_no_two_alike() -> None:
    assert prim_names(["hand", "hand 2", "hand-2", "2", "Tuch ä", ""]) == [
        "hand",
        "hand_2",
        "hand_2_2",
        "_2",
        "Tuch__",
        "body",
    ]


def _usd_samples(prim: str, name: str) -> dict[float, np.ndarray]:
    """Time samples of an attribute, by their time codes."""
    block = re.search(rf"\b{name}\.timeSamples = \{{(.*?)\}}", prim, re.DOTALL)
    assert block
    lines = [line.split(": ") for line in block[1].strip().splitlines()]
    return {float(code): np.array(ast.literal_eval(values.rstrip(","))) for code, values in lines}


@pytest.mark.parametrize("entry", motion_formats(), ids=lambda entry: entry.name)
def test_a_stop_leaves_what_was_there(motion: Motion, tmp_path: Path, entry: object) -> None:
    place = tmp_path / f"wave{entry.extension}"  # type: ignore[attr-defined]
    place.write_bytes(b"before")

    def stop(_fraction: float) -> None:
        raise StopHereError

    with pytest.raises(StopHereError):
        write_motion(motion, place, progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == [place.name]
    assert place.read_bytes() == b"before"


def test_an_unknown_extension_is_told_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"\.glb, \.vtkhdf"):
        motion_format(tmp_path / "wave.doc")


def _leaves(data: object) -> list[np.ndarray]:
    """Points of every piece of a composite data set, in order."""
    iterator = data.NewIterator()  # type: ignore[attr-defined]
    iterator.InitTraversal()
    found = []
    while not iterator.IsDoneWithTraversal():
        found.append(vtk_to_numpy(iterator.GetCurrentDataObject().GetPoints().GetData()).astype(np.float64))
        iterator.GoToNextItem()
    return found
