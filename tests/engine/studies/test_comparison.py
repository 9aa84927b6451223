"""The distance of one surface of a Run to another one, against spheres."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from sphere_study import build

from engine.core.errors import GeometryError
from engine.geometry.mesh import Mesh
from engine.protocol import session as requests
from engine.protocol.snapshot import Snapshot
from engine.protocol.study import OptimizerSpec, Study
from engine.studies.comparison import compare
from engine.studies.session import LocalSession


def sphere() -> Mesh:
    ball = trimesh.creation.icosphere(subdivisions=3, radius=10.0)
    return Mesh(ball.vertices, ball.faces)


def surface(mesh: Mesh, scale: float, origin: tuple[float, float, float]) -> Snapshot:
    arrays = {"vertices": (mesh.vertices * scale).astype(np.float32), "triangles": mesh.triangles}
    return Snapshot(1, 0, 10, "running", 0, origin, arrays)


def test_a_larger_sphere_is_outside_and_a_smaller_one_inside_also_far_from_zero() -> None:
    ball = sphere()
    radius = float(np.linalg.norm(ball.vertices, axis=1).mean())
    far = (4.0e6, -1.0e6, 3.0e5)
    b = surface(ball, 1.0, far)
    for scale in (1.1, 0.9):
        seen = compare(surface(ball, scale, (far[0] + 0.0, far[1], far[2])), b)
        distance = seen.arrays["distance"]
        assert distance.dtype == np.float32 and len(distance) == len(ball.vertices)
        assert np.allclose(distance, (scale - 1.0) * radius, rtol=0.02)
        assert seen.scalars["distance:mean"] == pytest.approx(0.1 * radius, rel=0.02)
        assert seen.scalars["distance:maximum"] >= seen.scalars["distance:percentile_95"]
    moved = compare(surface(ball, 1.0, (far[0] + 0.25 * radius, far[1], far[2])), b).arrays["distance"]
    assert moved.max() == pytest.approx(0.25 * radius, rel=0.02) and moved.min() == pytest.approx(
        -0.25 * radius, rel=0.02
    )


def test_nothing_cannot_be_compared() -> None:
    ball = surface(sphere(), 1.0, (0.0, 0.0, 0.0))
    empty = Snapshot(1, 0, 10, "running", 0, (0.0, 0.0, 0.0), {
        "vertices": np.zeros((0, 3), np.float32), "triangles": np.zeros((0, 3), np.int32),
    })  # fmt: skip
    for pair in ((ball, empty), (empty, ball)):
        with pytest.raises(GeometryError, match="no surface"):
            compare(*pair)


def test_a_session_compares_checkpoints_and_the_present_and_is_not_touched() -> None:
    plain, asked = LocalSession(build=build), LocalSession(build=build)
    study = Study(study="sphere", parameters={"iterations": 30}, optimizer=OptimizerSpec(learning_rate=0.02))
    for session in (plain, asked):
        session.start(study, {})
        while session.run is None or session.run.iteration < 17:
            session.advance()
    same = asked.ask(requests.CompareCheckpoints(2, 2)).result()
    assert same.iteration == 10 and same.scalars["distance:maximum"] < 1e-5
    grown = asked.ask(requests.CompareCheckpoints(None, 0)).result()
    expected = np.linalg.norm(grown.arrays["vertices"], axis=1) - 1.0
    assert grown.iteration == 17 and np.abs(np.abs(grown.arrays["distance"]) - expected).max() < 0.2 * expected.max()
    with pytest.raises(Exception, match="no Checkpoint 99"):
        asked.ask(requests.CompareCheckpoints(0, 99)).result()
    asked.ask(requests.RenameBranch("main", "first")).result()
    for session in (plain, asked):
        session.run_to_end()
    radii = [session.run.problem.tensors()["radii"].detach().numpy() for session in (plain, asked) if session.run]
    assert np.array_equal(*radii)
    assert asked.run is not None and asked.run.branch == "first"
