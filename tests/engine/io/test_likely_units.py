"""A size that nothing has asks for the unit; one that is usual, or known, does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.geometry.mesh import Mesh
from engine.io.likely_units import describe_size, likely_units
from engine.io.registry import read, write


def sized(mesh: Mesh, diagonal: float) -> Mesh:
    return replace(mesh, vertices=mesh.vertices * (diagonal / mesh.diagonal), unit_assumed=True)


@pytest.mark.parametrize(("diagonal", "unit"), [(0.2, "m"), (2e5, "um"), (5e-4, "m"), (1e6, "um")])
def test_an_improbable_size_names_a_unit_that_would_make_it_usual(mesh: Mesh, diagonal: float, unit: str) -> None:
    offered = likely_units(sized(mesh, diagonal))
    assert offered[0][0] == unit
    assert {name for name, _ in offered} == {"um", "mm", "cm", "m", "in", "ft"}


@pytest.mark.parametrize("diagonal", [2.0, 60.0, 500.0, 9_000.0])
def test_a_usual_size_asks_nothing(mesh: Mesh, diagonal: float) -> None:
    assert likely_units(sized(mesh, diagonal)) == []


def test_what_is_known_is_not_asked(mesh: Mesh) -> None:
    assert likely_units(replace(sized(mesh, 0.2), unit_assumed=False)) == []


def test_coordinates_of_a_map_are_metres(mesh: Mesh) -> None:
    offered = likely_units(replace(sized(mesh, 120.0), shift=(512_000.0, 4_512_000.0, 0.0)))
    assert offered[0][0] == "m" and offered[0][1].endswith(" m")


def test_the_size_is_that_of_the_unit(mesh: Mesh) -> None:
    sides = mesh.bounds[1] - mesh.bounds[0]
    offered = dict(likely_units(replace(mesh, vertices=mesh.vertices / 1000.0, unit_assumed=True)))
    assert offered["m"] == describe_size(sides) == f"{sides[0]:.3g} × {sides[1]:.3g} × {sides[2]:.3g} mm"
    assert describe_size(np.array([2e6, 5e5, 1e3])) == "2 × 0.5 × 0.001 km"
    assert describe_size(np.array([0.05, 0.02, 0.0])) == "50 × 20 × 0 µm"


def test_files_say_whether_their_unit_was_assumed(corpus: dict[str, Path]) -> None:
    for name, path in corpus.items():
        declared = name in ("glb", "3mf", "scan e57")
        assert read(path).unit_assumed is not declared, name
        assert not read(path, unit="cm").unit_assumed, name


def test_export_in_another_unit_than_a_slicer_reads_says_so(mesh: Mesh, tmp_path: Path) -> None:
    write(mesh, tmp_path / "a.glb")
    metres = read(tmp_path / "a.glb")
    assert isinstance(metres, Mesh)
    for suffix in ("stl", "obj", "ply", "off"):
        report = write(metres, tmp_path / f"b.{suffix}")
        assert report.unit == "m" and len(report.warnings) == 1
        assert "slicer" in report.warnings[0] and "52 × 52 × 12 µm" in report.warnings[0]
        assert not write(metres, tmp_path / f"b.{suffix}", unit="mm").warnings
    assert not write(metres, tmp_path / "b.3mf").warnings and not write(metres, tmp_path / "b.glb").warnings
