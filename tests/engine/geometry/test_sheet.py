"""The sheet says what is true of good and bad meshes, in words too."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.sheet import quality_sheet
from engine.geometry.verification import sphere_mesh


def test_a_good_box(box: Mesh) -> None:
    sheet = quality_sheet(box)
    assert sheet.watertight and sheet.printable and sheet.verdict == ("Watertight.",)
    assert sheet.volume == pytest.approx(48.0) and sheet.area == pytest.approx(88.0)
    assert sheet.size == pytest.approx((2.0, 4.0, 6.0))
    assert sheet.surface_to_reference is None


def test_distance_between_concentric_spheres_both_ways(ball: Mesh) -> None:
    larger = Mesh(ball.vertices * 1.1, ball.triangles, name="larger")
    sheet = quality_sheet(ball, larger, samples=5000)
    for distances in (sheet.surface_to_reference, sheet.reference_to_surface):
        assert distances is not None
        assert distances.mean == pytest.approx(0.1, rel=0.02) and distances.maximum < 0.11
        assert distances.mean_of_diagonal == pytest.approx(distances.mean / larger.diagonal)


def test_distance_from_a_scan_is_one_way_and_exact(ball: Mesh) -> None:
    directions = np.random.default_rng(0).normal(size=(500, 3))
    scan = Points(1.5 * directions / np.linalg.norm(directions, axis=1, keepdims=True), name="scan")
    sheet = quality_sheet(ball, scan)
    assert sheet.surface_to_reference is None and sheet.reference_to_surface is not None
    assert sheet.reference_to_surface.mean == pytest.approx(0.5, abs=0.01)
    assert sheet.reference_to_surface.samples == 500
    assert "From scan" in sheet.to_text()


def test_holes_flips_and_inside_out_are_told(box: Mesh, moebius: Mesh, kissing_bricks: Mesh) -> None:
    holed = replace(box, triangles=np.delete(box.triangles, [0, 3], axis=0))
    assert "2 boundary loops: not printable as is." in quality_sheet(holed).verdict
    assert quality_sheet(holed).volume is None and not quality_sheet(holed).printable
    inverted = replace(box, triangles=box.triangles[:, ::-1])
    assert "Inside out: the triangles face inwards." in quality_sheet(inverted).verdict
    assert quality_sheet(moebius).boundary_loops == 1
    assert any("1 vertex where" in line for line in quality_sheet(kissing_bricks).verdict)


def test_crossing_parts_are_told() -> None:
    vertices, triangles = sphere_mesh(8)
    both = Mesh(
        np.concatenate([vertices, vertices + np.array([0.7, 0.1, 0.2])]),
        np.concatenate([triangles, triangles + len(vertices)]),
    )
    sheet = quality_sheet(both)
    assert sheet.intersecting_triangles > 0 and sheet.parts == 2 and not sheet.printable
    assert sheet.verdict[0] == "Watertight, but:" and "2 separate parts." in sheet.verdict


def test_empty_and_single_triangle() -> None:
    empty = quality_sheet(Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.int32)))
    assert empty.verdict == ("Empty: there is no surface.",) and not empty.printable
    one = quality_sheet(Mesh(np.eye(3), np.array([[0, 1, 2]])), Points(np.zeros((1, 3))))
    assert one.smallest_angle == pytest.approx(60.0)
    assert one.reference_to_surface is not None
    assert one.reference_to_surface.mean == pytest.approx(1 / np.sqrt(3))


def test_json_and_text_hold_the_same(ball: Mesh) -> None:
    sheet = quality_sheet(ball, ball, samples=100)
    data = json.loads(json.dumps(sheet.to_dict()))
    assert data["euler_characteristic"] == 2 and data["printable"] is True
    assert data["surface_to_reference"]["mean"] == pytest.approx(0.0, abs=1e-12)
    assert "Euler characteristic    2" in sheet.to_text()


def test_a_million_millimetres_away_the_numbers_stay(ball: Mesh) -> None:
    far = replace(ball, vertices=ball.vertices + 1e6)
    sheet = quality_sheet(far, replace(far, name="reference"), samples=1000)
    assert sheet.volume == pytest.approx(quality_sheet(ball).volume, rel=1e-6)
    assert sheet.surface_to_reference is not None and sheet.surface_to_reference.maximum < 1e-8
