"""LAS, LAZ and E57: metres, far from zero, in pieces; and what is said where their library is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from survey_files import write_e57, write_las

from engine.core.errors import FileError
from engine.geometry.points import Points
from engine.io import las
from engine.io.registry import read

ON_A_MAP = np.array([512_345.678, 4_512_345.123, 87.5])


def survey(count: int = 5000) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 3)) * 10.0


@pytest.mark.parametrize("suffix", ["las", "laz"])
def test_las_keeps_its_millimetres_on_a_map(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(las, "POINTS_AT_ONCE", 700)
    points = np.round(survey() + ON_A_MAP, 3)
    write_las(points, tmp_path / f"a.{suffix}")
    told: list[float] = []
    found = read(tmp_path / f"a.{suffix}", progress=told.append)
    assert isinstance(found, Points) and found.unit == "m" and found.unit_assumed
    world = found.positions / 1000.0 + np.array(found.shift) / 1000.0
    np.testing.assert_allclose(world, points, rtol=0, atol=1e-6)
    assert len(told) == 8 and told == sorted(told) and told[-1] == 1.0
    np.testing.assert_array_equal(found.fields["intensity"].values, np.arange(5000))
    assert found.fields["colour"].values[-1].tolist() == [1.0, 0.0, 0.0]
    assert list(found.fields) == ["colour", "intensity"]


def test_e57_stands_where_the_scanner_stood(tmp_path: Path) -> None:
    points = survey().astype(np.float32).astype(np.float64)
    write_e57(points, tmp_path / "a.e57", ON_A_MAP)
    found = read(tmp_path / "a.e57")
    assert isinstance(found, Points) and found.unit == "m" and not found.unit_assumed
    world = found.positions / 1000.0 + np.array(found.shift) / 1000.0
    np.testing.assert_allclose(world, points + ON_A_MAP, rtol=0, atol=1e-6)
    assert found.fields["colour"].values[255].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(("name", "library"), [("scan las", "laspy"), ("scan laz", "laspy"), ("scan e57", "pye57")])
def test_a_missing_library_is_named(
    corpus: dict[str, Path], name: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(FileError) as caught:
        read(corpus[name])
    assert library in caught.value.message and "pip install 'formwright[scans]'" in caught.value.remedy
