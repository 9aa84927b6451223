"""Each repair mends what it names and leaves the rest alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import GeometryError, ParameterError
from engine.geometry.cleaning import (
    drop_degenerate_triangles,
    drop_unreferenced_vertices,
    finite_mesh,
    remove_specks,
    weld_vertices,
)
from engine.geometry.fields import Field
from engine.geometry.holes import fill_holes
from engine.geometry.mesh import Mesh
from engine.geometry.orienting import facing_out, orient_consistently
from engine.geometry.quality import enclosed_volume
from engine.geometry.repair import REPAIRS, apply_repair, repair_all, suggest_repairs
from engine.geometry.topology import measure_topology


def soup(mesh: Mesh) -> Mesh:
    """Every triangle with corners of its own, as STL stores it."""
    return Mesh(mesh.vertices[mesh.triangles].reshape(-1, 3), np.arange(3 * mesh.triangle_count).reshape(-1, 3))


def test_a_good_mesh_is_left_alone(ball: Mesh, torus: Mesh) -> None:
    for mesh in (ball, torus):
        for name in REPAIRS:
            repaired = apply_repair(name, mesh)
            assert not repaired.changed, name
        assert suggest_repairs(mesh) == ()


def test_welding_a_soup_gives_the_surface_back(torus: Mesh) -> None:
    welded = weld_vertices(soup(torus))
    assert welded.changed and welded.mesh.vertex_count == torus.vertex_count
    assert measure_topology(welded.mesh.triangles).watertight
    assert "1,999 duplicate" not in welded.done and "duplicate vertices" in welded.done


def test_welding_within_a_tolerance(ball: Mesh) -> None:
    shaken = soup(ball)
    noise = np.random.default_rng(0).uniform(-1e-7, 1e-7, shaken.vertices.shape)
    shaken = replace(shaken, vertices=np.round(shaken.vertices, 3) + 0.0004 + noise)
    assert not weld_vertices(shaken).changed
    assert weld_vertices(shaken, 1e-3).mesh.vertex_count <= ball.vertex_count


def test_what_is_not_a_number_goes_with_its_triangles(box: Mesh) -> None:
    vertices = box.vertices.copy()
    vertices[3, 1] = np.nan
    with pytest.raises(GeometryError) as raised:
        Mesh(vertices, box.triangles)
    assert raised.value.repairs[0] in REPAIRS
    repaired = finite_mesh(vertices, box.triangles)
    assert repaired.mesh.vertex_count == 7 and np.isfinite(repaired.mesh.vertices).all()
    assert repaired.mesh.triangle_count == (box.triangles != 3).all(axis=1).sum()
    np.testing.assert_array_equal(
        repaired.mesh.vertices[repaired.mesh.triangles], vertices[box.triangles[(box.triangles != 3).all(axis=1)]]
    )


def test_degenerate_and_repeated_triangles_are_dropped(box: Mesh) -> None:
    bad = np.concatenate([box.triangles, [[0, 0, 1]], box.triangles[:1, [1, 2, 0]]])
    on_a_line = replace(box, vertices=np.concatenate([box.vertices, [(box.vertices[0] + box.vertices[1]) / 2]]))
    mesh = replace(on_a_line, triangles=np.concatenate([bad, [[0, 8, 1]]]))
    repaired = drop_degenerate_triangles(mesh)
    np.testing.assert_array_equal(repaired.mesh.triangles, box.triangles)
    assert repaired.done.startswith("Dropped 3 triangles")


def test_fields_follow_their_elements(box: Mesh) -> None:
    vertices = np.concatenate([[[9.0, 9, 9]], box.vertices])
    heat = Field("heat", np.arange(9.0))
    label = Field("label", np.arange(12), domain="face")
    mesh = Mesh(vertices, box.triangles + 1, {"heat": heat, "label": label})
    repaired = drop_unreferenced_vertices(mesh).mesh
    np.testing.assert_array_equal(repaired.fields["heat"].values, np.arange(1.0, 9.0))
    np.testing.assert_array_equal(repaired.fields["label"].values, np.arange(12))


def test_orientation_is_made_consistent_and_outward(torus: Mesh) -> None:
    flipped = torus.triangles.copy()
    turn = np.random.default_rng(0).random(len(flipped)) < 0.4
    flipped[turn] = flipped[turn][:, ::-1]
    repaired = orient_consistently(replace(torus, triangles=flipped)).mesh
    assert measure_topology(repaired.triangles).consistent_winding
    assert enclosed_volume(repaired.vertices, repaired.triangles) == pytest.approx(
        enclosed_volume(torus.vertices, torus.triangles)
    )
    inward = orient_consistently(replace(torus, triangles=torus.triangles[:, ::-1]))
    assert enclosed_volume(torus.vertices, inward.mesh.triangles) > 0


def test_a_mesh_faces_out_as_a_whole_and_keeps_its_cavity(ball: Mesh) -> None:
    shells = Mesh(
        np.concatenate([ball.vertices, 0.5 * ball.vertices]),
        np.concatenate([ball.triangles, ball.triangles[:, ::-1] + ball.vertex_count]),
    )
    assert facing_out(shells) is shells
    inside_out = replace(shells, triangles=shells.triangles[:, ::-1])
    assert np.array_equal(facing_out(inside_out).triangles, shells.triangles)
    assert enclosed_volume(ball.vertices, ball.triangles) * 0.875 == pytest.approx(
        enclosed_volume(shells.vertices, facing_out(inside_out).triangles)
    )


def test_triangles_that_disagree_are_turned_to_face_out(ball: Mesh) -> None:
    triangles = ball.triangles.copy()
    triangles[::3] = triangles[::3, ::-1]
    turned = facing_out(replace(ball, triangles=triangles))
    assert measure_topology(turned.triangles).consistent_winding
    assert enclosed_volume(turned.vertices, turned.triangles) == pytest.approx(
        enclosed_volume(ball.vertices, ball.triangles)
    )


def test_a_one_sided_strip_keeps_one_seam(moebius: Mesh) -> None:
    seam = measure_topology(orient_consistently(moebius).mesh.triangles).flipped_edges
    assert seam == 1


@pytest.mark.parametrize("dropped", [[0], [0, 1], [5, 60, 61, 62, 300]])
def test_holes_are_filled(ball: Mesh, dropped: list[int]) -> None:
    holed = replace(ball, triangles=np.delete(ball.triangles, dropped, axis=0))
    assert not measure_topology(holed.triangles).watertight
    filled = fill_holes(holed)
    topology = measure_topology(filled.mesh.triangles)
    assert topology.watertight and topology.consistent_winding and topology.euler_characteristic == 2
    assert enclosed_volume(filled.mesh.vertices, filled.mesh.triangles) == pytest.approx(
        enclosed_volume(ball.vertices, ball.triangles), rel=0.01
    )


def test_a_large_opening_stays_open(ball: Mesh) -> None:
    upper = replace(ball, triangles=ball.triangles[(ball.vertices[ball.triangles][:, :, 2] > -1e-9).all(axis=1)])
    assert not fill_holes(upper, largest=20).changed
    assert fill_holes(upper, largest=100).changed


def test_specks_are_removed(ball: Mesh) -> None:
    speck = ball.vertices * 0.01 + 3.0
    both = Mesh(
        np.concatenate([ball.vertices, speck]),
        np.concatenate([ball.triangles, ball.triangles + ball.vertex_count]),
    )
    repaired = remove_specks(both)
    assert repaired.mesh.vertex_count == ball.vertex_count and repaired.done == "Removed 1 speck."


def test_repairs_in_the_suggested_order_mend_a_wreck(torus: Mesh) -> None:
    triangles = np.delete(torus.triangles, [3, 200], axis=0)
    triangles[10:50] = triangles[10:50, ::-1]
    mesh = soup(replace(torus, triangles=triangles))
    mesh = replace(mesh, triangles=np.concatenate([mesh.triangles, [[0, 0, 1]]]))
    names = tuple(suggestion.name for suggestion in suggest_repairs(mesh))
    assert names == ("weld", "drop-degenerate", "orient", "fill-holes")
    for name in names:
        mesh = apply_repair(name, mesh).mesh
    topology = measure_topology(mesh.triangles)
    assert topology.watertight and topology.consistent_winding and topology.euler_characteristic == 0


def test_empty_meshes_and_unknown_names() -> None:
    empty = Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.int32))
    assert suggest_repairs(empty) == ()
    with pytest.raises(ParameterError, match="no repair called"):
        apply_repair("magic", empty)


def test_a_soup_of_many_parts_is_oriented_in_one_go(ball: Mesh) -> None:
    scattered = soup(ball)
    repaired = orient_consistently(scattered)
    assert not repaired.changed
    copies = [ball.vertices + np.array([3.0 * i, 0, 0]) for i in range(50)]
    faces = [(ball.triangles if i % 2 else ball.triangles[:, ::-1]) + i * ball.vertex_count for i in range(50)]
    many = orient_consistently(Mesh(np.concatenate(copies), np.concatenate(faces)))
    assert many.done == f"Turned {25 * ball.triangle_count:,} triangles."
    assert enclosed_volume(many.mesh.vertices, many.mesh.triangles) == pytest.approx(
        50 * enclosed_volume(ball.vertices, ball.triangles)
    )


def test_suggestions_say_how_much_there_is_to_do(ball: Mesh) -> None:
    specks = [0.01 * ball.vertices + (3.0 + index, 0, 0) for index in range(12)]
    faces = [ball.triangles + (1 + index) * ball.vertex_count for index in range(12)]
    torn = np.delete(ball.triangles, [10, 200, 201, 400], axis=0)
    mesh = Mesh(np.concatenate([ball.vertices, *specks]), np.concatenate([torn, *faces]))
    found = {suggestion.name: suggestion.found for suggestion in suggest_repairs(mesh)}
    assert found == {"remove-specks": "12 specks", "fill-holes": "3 holes"}
    assert all(suggestion.title == REPAIRS[suggestion.name].title for suggestion in suggest_repairs(mesh))


def test_options_are_given_by_name(ball: Mesh) -> None:
    shaken = soup(ball)
    noise = np.random.default_rng(0).uniform(-1e-7, 1e-7, shaken.vertices.shape)
    shaken = replace(shaken, vertices=shaken.vertices + noise)
    assert not apply_repair("weld", shaken).changed
    assert apply_repair("weld=1/1000", shaken).mesh.vertex_count < shaken.vertex_count / 3
    for wrong in ("weld=", "weld=a lot", "weld=-1", "orient=2", "weld=nan"):
        with pytest.raises(ParameterError):
            apply_repair(wrong, ball)


def test_everything_at_once_makes_a_wreck_sound(ball: Mesh) -> None:
    triangles = np.delete(ball.triangles, [3, 200], axis=0)
    triangles[10:50] = triangles[10:50, ::-1]
    wreck = soup(replace(ball, triangles=triangles))
    wreck = replace(wreck, triangles=np.concatenate([wreck.triangles, [[0, 0, 1]]]))
    done = repair_all(wreck)
    topology = measure_topology(done[-1].mesh.triangles)
    assert topology.watertight and topology.consistent_winding and topology.euler_characteristic == 2
    assert [repaired.done.split()[0] for repaired in done] == ["Welded", "Dropped", "Turned", "Filled"]
    assert repair_all(done[-1].mesh) == ()
