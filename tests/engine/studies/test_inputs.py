"""What a study reads: in its unit, where it belongs, mended as asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.topology import measure_topology
from engine.geometry.verification import sphere_mesh
from engine.io.loader import shut_down
from engine.io.registry import write
from engine.protocol.study import Study
from engine.studies.inputs import load_geometry, load_inputs

SHIFT = (512_300_000.0, 4_512_300_000.0, 0.0)


@pytest.fixture(scope="module", autouse=True)
def no_process_stays() -> object:
    yield
    shut_down()


@pytest.fixture
def wreck(tmp_path: Path) -> Path:
    """A ball with two holes, a few triangles turned over, and a crumb beside it."""
    vertices, triangles = sphere_mesh(12)
    torn = np.delete(triangles, [3, 200], axis=0)
    torn[10:20] = torn[10:20, ::-1]
    both = Mesh(
        np.concatenate([20.0 * vertices, 0.1 * vertices + 40.0]), np.concatenate([torn, triangles + len(vertices)])
    )
    write(both, tmp_path / "wreck.obj")
    return tmp_path / "wreck.obj"


def test_repairs_by_name_are_done_in_their_best_order_and_told(wreck: Path) -> None:
    told: list[str] = []
    found = load_geometry(wreck, repairs=["fill-holes=10", "orient", "remove-specks"], tell=told.append)
    assert isinstance(found, Mesh)
    topology = measure_topology(found.triangles)
    assert topology.watertight and topology.consistent_winding and topology.parts == 1
    assert told[-3:] == [
        "wreck.obj: Removed 1 speck.",
        "wreck.obj: Turned 10 triangles.",
        "wreck.obj: Filled 2 holes.",
    ]


def test_all_repairs_tell_only_what_they_did(wreck: Path) -> None:
    told: list[str] = []
    found = load_geometry(wreck, repairs=["all"], tell=told.append)
    assert isinstance(found, Mesh) and measure_topology(found.triangles).watertight
    assert [line.split(": ")[1].split()[0] for line in told[-3:]] == ["Removed", "Turned", "Filled"]


def test_names_that_are_none_are_refused_before_the_file_is_read(tmp_path: Path) -> None:
    for wrong in ("magic", "fill-holes=many", "orient=3"):
        with pytest.raises(ParameterError):
            load_geometry(tmp_path / "there is no such file.stl", repairs=[wrong])


def test_a_scan_with_repairs_for_meshes_is_left_alone(tmp_path: Path) -> None:
    write(Points(np.random.default_rng(0).normal(size=(50, 3))), tmp_path / "scan.ply")
    told: list[str] = []
    assert isinstance(load_geometry(tmp_path / "scan.ply", repairs=["fill-holes"], tell=told.append), Points)
    assert "nothing to repair" in told[-1]


def test_a_study_says_unit_and_shift_of_its_inputs(tmp_path: Path) -> None:
    scan = Points(1000.0 * np.random.default_rng(0).normal(size=(50, 3)), unit="m", shift=SHIFT)
    write(scan, tmp_path / "scan.ply")
    study = Study(inputs={"target": str(tmp_path / "scan.ply")}, units={"target": "m"}, shifts={"target": SHIFT})
    assert Study.from_toml(study.to_toml()) == study
    found = load_inputs(study)["target"]
    assert found.shift == SHIFT and not found.unit_assumed
    np.testing.assert_allclose(found.positions, scan.positions, rtol=0, atol=1e-5)
    elsewhere = (SHIFT[0] - 7000.0, *SHIFT[1:])
    moved = load_inputs(study.model_copy(update={"shifts": {"target": elsewhere}}))["target"]
    np.testing.assert_allclose(moved.positions - scan.positions, [[7000.0, 0, 0]] * 50, atol=1e-5)
    assert load_inputs(study, shift="none")["target"].shift == (0.0, 0.0, 0.0)


@pytest.mark.slow
def test_millimetres_on_a_map_survive_a_reconstruction(tmp_path: Path) -> None:
    """A ball of 300 mm, 4.5e6 m away: read, reconstructed, written and read again, its centre is where it was."""
    from engine.studies.session import LocalSession

    normals = np.random.default_rng(0).normal(size=(6000, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    centre = np.array([512_345.678, 4_512_345.123, 87.5])
    np.savetxt(tmp_path / "ball.xyz", np.hstack([centre + 0.15 * normals, normals]), fmt="%.6f")
    study = Study(
        inputs={"target": str(tmp_path / "ball.xyz")}, units={"target": "m"},
        parameters={"resolution": 24, "iterations": 60, "samples": 1500},
    )  # fmt: skip
    session = LocalSession(thumbnails=False)
    session.start(study, load_inputs(study))
    session.run_to_end()
    assert session.run is not None
    result = session.run.problem.result_mesh()
    session.close()
    write(result, tmp_path / "result.ply", unit="m")
    back = load_geometry(tmp_path / "result.ply", unit="m", shift="none")
    assert isinstance(back, Mesh)
    offset = back.vertices - 1000.0 * centre
    assert np.abs(offset.mean(axis=0)).max() < 1.0
    assert np.abs(np.linalg.norm(offset, axis=1) - 150.0).max() < 5.0
    # What was written is what was made, to the resolution of float64 at this distance.
    np.testing.assert_allclose(back.vertices, result.vertices + np.array(result.shift), rtol=0, atol=2e-6)
    assert replace(back, name="").triangle_count == result.triangle_count
