"""What was not manifold is, and looks as before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.geometry.cleaning import weld_vertices
from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh
from engine.geometry.quality import enclosed_volume, surface_area
from engine.geometry.splitting import split_nonmanifold
from engine.geometry.topology import measure_topology, part_labels
from engine.geometry.verification import box_mesh, sphere_mesh


def joined(*meshes: Mesh) -> Mesh:
    """One mesh of several, vertices at the same place merged."""
    starts = np.cumsum([0, *(mesh.vertex_count for mesh in meshes)])
    both = Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, starts, strict=False)]),
    )
    return weld_vertices(both).mesh


def box(*centre: float, half: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Mesh:
    vertices, triangles = box_mesh(half)
    return Mesh(vertices + np.array(centre), triangles)


def manifold(mesh: Mesh) -> bool:
    topology = measure_topology(mesh.triangles)
    return topology.edge_manifold and topology.vertex_manifold


def test_two_boxes_that_touch_in_an_edge_become_two_boxes() -> None:
    touching = joined(box(0, 0, 0), box(2, 2, 0))
    assert measure_topology(touching.triangles).nonmanifold_edges == 1
    repaired = split_nonmanifold(touching)
    assert repaired.done == "Took apart 1 non-manifold edge."
    topology = measure_topology(repaired.mesh.triangles)
    assert manifold(repaired.mesh) and topology.watertight and topology.parts == 2
    assert enclosed_volume(repaired.mesh.vertices, repaired.mesh.triangles) == pytest.approx(16.0)


def test_two_boxes_that_touch_in_a_corner_become_two_boxes() -> None:
    repaired = split_nonmanifold(joined(box(0, 0, 0), box(2, 2, 2)))
    assert repaired.found == "1 non-manifold vertex"
    topology = measure_topology(repaired.mesh.triangles)
    assert manifold(repaired.mesh) and topology.watertight and topology.parts == 2 and topology.vertices == 16


@pytest.mark.parametrize("inside_out", [(), (0,), (1,), (0, 1)])
def test_it_does_not_matter_which_way_a_box_faces(inside_out: tuple[int, ...]) -> None:
    boxes = [box(0, 0, 0), box(2, 0, 2)]
    for index in inside_out:
        boxes[index] = replace(boxes[index], triangles=boxes[index].triangles[:, ::-1])
    repaired = split_nonmanifold(joined(*boxes)).mesh
    topology = measure_topology(repaired.triangles)
    assert manifold(repaired) and topology.watertight and topology.parts == 2


def test_a_fin_comes_off() -> None:
    fin = Mesh(
        np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1]]),
        np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4]]),
    )
    repaired = split_nonmanifold(fin).mesh
    assert manifold(repaired) and part_labels(repaired.triangles).max() == 1
    assert surface_area(repaired.vertices, repaired.triangles) == pytest.approx(1.5)


def test_a_pinched_ring_gets_a_middle() -> None:
    """Eight boxes round a hole, of which two touch in an edge only: its ends stay in one fan each."""
    ring = [(0, 0), (2, 0), (4, 0), (4, 2), (4, 4), (2, 4), (2, 2)]
    boxes = [box(x, y, 0) for x, y in ring[:-1]]
    pinched = joined(*boxes, box(0, 2, 0), box(2, 4, 4), box(2, 4, 2))
    # Faces between boxes are there twice, once each way: a solid has neither.
    inner = np.sort(pinched.triangles, axis=1)
    _, index, count = np.unique(inner, axis=0, return_inverse=True, return_counts=True)
    solid = replace(pinched, triangles=pinched.triangles[count[index.reshape(-1)] == 1])
    assert measure_topology(solid.triangles).nonmanifold_edges > 0
    repaired = split_nonmanifold(solid).mesh
    topology = measure_topology(repaired.triangles)
    assert manifold(repaired) and topology.watertight
    for measure in (enclosed_volume, surface_area):
        assert measure(repaired.vertices, repaired.triangles) == pytest.approx(measure(solid.vertices, solid.triangles))


def test_four_triangles_on_an_edge_whose_ends_hold_together() -> None:
    """A ball of which two distant edges are pulled onto each other: only a middle can part them."""
    ball = Mesh(*sphere_mesh(12))
    a, b = (np.argmax(ball.vertices @ np.array(direction)) for direction in ([1.0, 0, 0.1], [1.0, 0, -0.15]))
    c, d = (np.argmax(ball.vertices @ np.array(direction)) for direction in ([-1.0, 0, 0.1], [-1.0, 0, -0.15]))
    merged = ball.triangles.copy()
    merged[merged == c], merged[merged == d] = a, b
    pinched = replace(ball, triangles=merged)
    assert measure_topology(merged).nonmanifold_edges == 1
    repaired = split_nonmanifold(pinched).mesh
    assert manifold(repaired) and measure_topology(repaired.triangles).watertight
    assert surface_area(repaired.vertices, repaired.triangles) == pytest.approx(
        surface_area(pinched.vertices, pinched.triangles)
    )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 60))
def test_any_triangles_become_manifold_and_stay_where_they_are(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    triangles = np.array([rng.choice(9, 3, replace=False) for _ in range(count)])
    _, first = np.unique(np.sort(triangles, axis=1), axis=0, return_index=True)
    triangles = triangles[first]
    heat = Field("heat", rng.random(9))
    label = Field("label", np.arange(len(triangles)), domain="face")
    soup = Mesh(rng.normal(size=(9, 3)), triangles, {"heat": heat, "label": label})
    repaired = split_nonmanifold(soup)
    assert manifold(repaired.mesh)
    assert repaired.changed == (not manifold(soup))
    assert surface_area(repaired.mesh.vertices, repaired.mesh.triangles) == pytest.approx(
        surface_area(soup.vertices, soup.triangles)
    )
    assert len(repaired.mesh.fields["heat"].values) == repaired.mesh.vertex_count
    assert len(repaired.mesh.fields["label"].values) == repaired.mesh.triangle_count
    np.testing.assert_array_equal(repaired.mesh.vertices[:9], soup.vertices)


def test_fields_follow_the_vertices_that_are_doubled() -> None:
    touching = joined(box(0, 0, 0), box(2, 2, 0))
    heat = Field("heat", touching.vertices @ np.array([1.0, 10.0, 100.0]))
    repaired = split_nonmanifold(replace(touching, fields={"heat": heat})).mesh
    np.testing.assert_allclose(repaired.fields["heat"].values, repaired.vertices @ np.array([1.0, 10.0, 100.0]))
