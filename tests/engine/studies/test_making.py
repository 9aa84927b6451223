"""Descents with the Terms for making things: the shape becomes what the Term says, measured by other means."""

from __future__ import annotations

from typing import Any

import igl
import numpy as np
import pytest
import torch
import trimesh

from engine.geometry.mesh import Mesh
from engine.geometry.topology import euler_and_parts, measure_topology
from engine.geometry.vertex_clusters import clustered
from engine.objectives.drag import flow_estimate
from engine.objectives.shape_verification import joined
from engine.objectives.verification import cube, sphere
from engine.optimization.run import Run
from engine.protocol.study import OptimizerSpec, Study, TermSpec
from engine.studies.registry import build_problem


def descended(target: Mesh, steps: int, *, resolution: int = 20, specks: bool = True, **terms: Any) -> trimesh.Trimesh:
    """The result after so many iterations with these Terms: a weight each, or a weight and parameters."""
    specs = [TermSpec(kind="even-faces", name="even-faces", weight=0.5)]
    for kind, wanted in terms.items():
        weight, parameters = wanted if isinstance(wanted, tuple) else (wanted, {})
        name = kind.replace("_", "-")
        specs.append(TermSpec(kind=name, name=name, weight=weight, parameters=parameters))
    values = {
        "resolution": resolution, "iterations": steps, "samples": 2000, "device": "cpu", "remove_specks": specks
    }  # fmt: skip
    problem = build_problem(Study(parameters=values, terms=specs), {"target": target})
    run = Run(problem, OptimizerSpec(), steps)
    for _ in range(steps):
        assert run.step(), run.take_events()
    result = problem.result_mesh()
    return trimesh.Trimesh(result.vertices, result.triangles, process=False)


def test_a_thin_wall_reaches_its_thickness() -> None:
    plate = Mesh(cube(1.0).vertices * [20.0, 20.0, 2.0], cube(1.0).triangles)
    result = descended(plate, 60, thickness=(10.0, {"thickness": 4.0}), fit=1.0)
    inner = result.triangles_center[np.abs(result.triangles_center[:, :2]).max(axis=1) < 8.0]
    upper, lower = (np.median(inner[side, 2]) for side in (inner[:, 2] > 0, inner[:, 2] < 0))
    assert 3.8 < upper - lower < 4.6


def test_overhangs_go_and_smoothness_keeps_them_from_coming_out_as_icicles() -> None:
    ball = sphere(10.0, 24)
    result = descended(ball, 120, overhang=(20.0, {"angle": 45.0}), smoothness=1.0, fit=1.0)
    lowest = result.vertices[:, 2].min()
    hanging = (result.face_normals[:, 2] < -np.sin(np.radians(50.0))) & (result.triangles_center[:, 2] > lowest + 1.0)
    before = np.pi * 100.0 * np.cos(np.radians(50.0)) * 2 * (1.0 - np.sin(np.radians(50.0)))
    assert result.area_faces[hanging].sum() < 0.1 * before


def test_a_lopsided_body_becomes_symmetric() -> None:
    ball = sphere(10.0, 24)
    stretch = np.where(ball.vertices[:, :1] > 0.0, 1.4, 1.0)
    lopsided = Mesh(ball.vertices * np.hstack([stretch, np.ones((len(stretch), 2))]), ball.triangles)
    result = descended(lopsided, 80, symmetry=(10.0, {"point": (2.0, 0.0, 0.0), "normal": (1.0, 0.0, 0.0)}), fit=1.0)
    mirrored = result.vertices * [-1.0, 1.0, 1.0] + [4.0, 0.0, 0.0]
    squared = igl.point_mesh_squared_distance(mirrored, result.vertices, result.faces)[0]
    assert np.sqrt(squared).mean() < 0.05
    assert result.bounds[:, 0].mean() == pytest.approx(2.0, abs=0.1)


def test_floaters_vanish_until_the_wanted_number_of_parts_is_left() -> None:
    speck, shifts = sphere(2.0, 10), ([9.0, 9.0, 9.0], [-9.0, 9.0, 9.0])
    body = joined(sphere(10.0, 20), *(Mesh(speck.vertices + np.array(shift), speck.triangles) for shift in shifts))
    for parts in (1, 3):
        result = descended(body, 50, specks=False, parts=(10.0, {"parts": parts}), volume=1.0)
        assert euler_and_parts(result.faces)[1] == parts


@pytest.mark.slow
def test_a_blob_becomes_developable_in_strips() -> None:
    """The curvature of a ball gathers on few vertices; the others become hinges or flat."""
    ball = sphere(10.0, 24)

    def curved_share(result: trimesh.Trimesh) -> float:
        defect = np.abs(result.vertex_defects)
        # Share of the vertices that carry nine tenths of the curvature.
        carried = np.cumsum(np.sort(defect)[::-1]) / defect.sum()
        return float(np.searchsorted(carried, 0.9) / len(defect))

    plain = descended(ball, 100, fit=1.0)
    strips = descended(ball, 100, developability=3.0, fit=1.0)
    assert curved_share(strips) < 0.8 * curved_share(plain)


def test_a_block_in_a_stream_loses_drag_and_keeps_its_volume() -> None:
    block = Mesh(cube(1.0).vertices * [20.0, 8.0, 8.0], cube(1.0).triangles)

    def coefficient(result: trimesh.Trimesh) -> float:
        panels = clustered(result.vertices, result.faces, 600)
        sums = np.stack([np.bincount(panels.label, column) for column in result.vertices.T], axis=1)
        corners = torch.from_numpy(sums / np.bincount(panels.label)[:, None])
        stream = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
        return float(flow_estimate(corners, torch.from_numpy(panels.triangles), stream, 0.004).volumetric_coefficient)

    before = descended(block, 1, fit=1.0)
    after = descended(block, 60, drag=(1.0, {"panels": 300}), volume=10.0, smoothness=10.0)
    assert coefficient(after) < 0.5 * coefficient(before)
    assert after.volume == pytest.approx(before.volume, rel=0.03)


def test_a_hole_closes_and_the_rim_of_a_bowl_stays() -> None:
    ball = sphere(10.0, 32)
    centres = ball.vertices[ball.triangles].mean(axis=1)
    bottom = (np.hypot(centres[:, 0], centres[:, 1]) < 3.0) & (centres[:, 2] < 0.0)
    bowl = Mesh(ball.vertices, ball.triangles[(centres[:, 2] < 2.0) & ~bottom])
    assert measure_topology(bowl.triangles).boundary_loops == 2
    values = {"surface": "g-shell", "resolution": 16, "iterations": 80, "samples": 1000, "device": "cpu"}
    terms = [
        TermSpec(kind="holes", name="holes", parameters={"borders": 1}),
        TermSpec(kind="fit", name="fit"),
        TermSpec(kind="even-faces", name="even-faces", weight=0.5),
    ]
    problem = build_problem(Study(parameters=values, terms=terms), {"target": bowl})
    run = Run(problem, OptimizerSpec(decay=0.0), 80)
    for _ in range(80):
        assert run.step(), run.take_events()
    result = problem.result_mesh()
    assert measure_topology(result.triangles).boundary_loops == 1
    rim = result.vertices[result.vertices[:, 2] > 1.0]
    assert np.hypot(rim[:, 0], rim[:, 1]).max() == pytest.approx(np.sqrt(96.0), abs=0.5)
