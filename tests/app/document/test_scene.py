"""Names, groups, order and placement of objects, as values."""

from __future__ import annotations

import numpy as np
import pytest

from app.document import scene
from app.document.placement import Placement
from app.document.project import Project, SceneObject, Selection
from app.document.stamps import MOST_STAMPS, stamps_of
from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points


def box(name: str, size: tuple[float, float, float] = (1.0, 2.0, 3.0), at: float = 0.0) -> SceneObject:
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float) * size + at
    return SceneObject(name, Points(corners, name=name), "#7f8c99")


def project(*names: str) -> Project:
    return Project(objects=tuple(box(name) for name in names), roles={"target": names[0]}).with_named_inputs()


def order(value: Project) -> list[tuple[str, str]]:
    return [(item.name, item.group) for item in value.objects]


def test_a_new_name_follows_into_roles_inputs_and_selections() -> None:
    before = project("a", "b").with_selection(Selection("rim", "a", np.ones(8)))
    after = scene.renamed(before, "a", " c ")
    assert after.roles == {"target": "c"} and after.study.inputs == {"target": "c"}
    assert after.selection("rim").of == "c"  # type: ignore[union-attr]
    for taken in ("b", "", "  ", "result"):
        with pytest.raises(ParameterError):
            scene.renamed(before, "a", taken)


def test_copies_share_geometry_stand_beside_and_have_names_of_their_own() -> None:
    before = project("nut", "nut 2")
    after, copies = scene.duplicated(before, ["nut", "nut 2"])
    assert copies == ["nut 3", "nut 4"]
    assert [item.name for item in after.objects] == ["nut", "nut 3", "nut 2", "nut 4"]
    original, copy = after.objects[:2]
    assert copy.geometry is original.geometry and copy.source == ""
    assert copy.bounds[0][0] > original.bounds[1][0]  # beside it: they do not overlap
    assert after.roles == before.roles


def test_a_group_stands_together_where_its_first_object_stood() -> None:
    after = scene.grouped(project("a", "b", "c", "d"), ["b", "d"], "Pair")
    assert order(after) == [("a", ""), ("b", "Pair"), ("d", "Pair"), ("c", "")]
    assert scene.groups(after) == {"Pair": ["b", "d"]}
    assert order(scene.ungrouped(after, ["b"])) == [("a", ""), ("b", ""), ("d", "Pair"), ("c", "")]
    assert order(scene.regrouped(after, "Pair", "Two"))[1] == ("b", "Two")
    two = scene.grouped(after, ["a", "c"], "Other")
    with pytest.raises(ParameterError):
        scene.regrouped(two, "Pair", "Other")


@pytest.mark.parametrize(
    ("names", "before", "group", "wanted"),
    [
        (["c"], "a", "", ["c", "a", "b", "d"]),
        (["a"], None, "", ["b", "c", "d", "a"]),
        (["a", "b"], "b", "", ["a", "b", "c", "d"]),  # before one of themselves: they stay
        (["b", "d"], "a", "", ["b", "d", "a", "c"]),
    ],
)
def test_objects_are_moved_in_their_order(names: list[str], before: str | None, group: str, wanted: list[str]) -> None:
    after = scene.moved(project("a", "b", "c", "d"), names, before, group)
    assert [item.name for item in after.objects] == wanted


def test_nothing_moved_is_the_same_project() -> None:
    before = project("a", "b")
    assert scene.moved(before, ["a"], "b", "") is before
    assert scene.shown(before, ["a"], True) is before


@pytest.mark.parametrize("rotation", [(0.0, 0.0, 0.0), (30.0, 20.0, 70.0)])
def test_bounds_are_those_of_the_placed_vertices(rotation: tuple[float, float, float]) -> None:
    item = box("a")
    turned = SceneObject("a", item.geometry, "", placement=Placement((5.0, -1.0, 2.0), rotation, (2.0, -1.0, 0.5)))
    exact = np.stack([turned.positions.min(axis=0), turned.positions.max(axis=0)])
    np.testing.assert_allclose(turned.bounds, exact, atol=1e-12)


def test_on_the_ground_and_in_the_centre() -> None:
    item = SceneObject("a", box("a", at=7.0).geometry, "", placement=Placement((1.0, 2.0, 3.0), (40.0, 10.0, 0.0)))
    grounded = SceneObject("a", item.geometry, "", placement=scene.on_the_ground([item])["a"])
    assert grounded.bounds[0][2] == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(grounded.bounds[:, :2], item.bounds[:, :2])
    middle = SceneObject("a", item.geometry, "", placement=scene.centred([item])["a"])
    np.testing.assert_allclose(middle.bounds.mean(axis=0), 0.0, atol=1e-12)


@pytest.mark.parametrize("uniform", [True, False])
def test_a_size_that_is_typed_is_the_size_that_it_has_about_the_same_middle(uniform: bool) -> None:
    item = SceneObject("a", box("a").geometry, "", placement=Placement((4.0, 0.0, 0.0), (0.0, 0.0, 90.0)))
    sized = SceneObject("a", item.geometry, "", placement=scene.resized(item, 0, 10.0, uniform=uniform))
    before, after = np.diff(item.bounds, axis=0)[0], np.diff(sized.bounds, axis=0)[0]
    assert after[0] == pytest.approx(10.0)
    np.testing.assert_allclose(after[1:], before[1:] * (5.0 if uniform else 1.0))
    np.testing.assert_allclose(sized.bounds.mean(axis=0), item.bounds.mean(axis=0), atol=1e-12)


def test_one_side_of_what_is_turned_or_flat_cannot_be_set() -> None:
    turned = SceneObject("a", box("a").geometry, "", placement=Placement(rotation=(0.0, 0.0, 30.0)))
    with pytest.raises(ParameterError, match="turned"):
        scene.resized(turned, 0, 10.0, uniform=False)
    with pytest.raises(ParameterError, match="no length"):
        scene.resized(box("flat", (1.0, 1.0, 0.0)), 2, 10.0, uniform=True)


def test_an_object_made_here_gets_a_free_name() -> None:
    mesh = Mesh(np.eye(3), np.array([[0, 1, 2]]))
    after, name = scene.with_new(project("a"), mesh, "result")
    assert name == "result 2" and after.objects[-1].geometry is mesh  # no object is called as the Run's surface is
    assert after.roles == {"target": "a"}


def test_stamps_cover_their_points_and_little_more() -> None:
    generator = np.random.default_rng(1)
    disc = generator.uniform(-1.0, 1.0, (20_000, 3)) * (40.0, 40.0, 0.0)
    disc = disc[np.linalg.norm(disc, axis=1) < 40.0]
    centres, radius = stamps_of(disc)
    assert len(centres) <= MOST_STAMPS
    from scipy.spatial import cKDTree

    away, _ = cKDTree(np.array(centres)).query(disc)
    assert np.asarray(away).max() < radius  # every point is frozen
    assert radius < 0.1 * 80.0  # and no more than a narrow rim around them
    one, alone = stamps_of(np.array([[1.0, 2.0, 3.0]]))
    assert one == [(1.0, 2.0, 3.0)] and alone > 0.0
