"""Gestures become the working selection: one press, one step of undo."""

from __future__ import annotations

import time

import numpy as np
import pytest
from mouse import CTRL, SHIFT, click, drag
from patience import PATIENCE

from app.document.document import Document
from app.document.placement import Placement
from app.viewport.image import ImageViewport
from app.viewport.outline import Lens, Outline
from app.viewport.records import SelectionGesture
from app.work.elements import Elements
from app.work.notices import Notices
from app.work.selecting import Selecting
from app.work.tasks import Tasks
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.snapshot import Snapshot


def sheet(count=41, side=20.0, z=0.0):
    """A square on the plane z, corner at the origin, of count × count vertices."""
    line = np.linspace(0.0, side, count)
    vertices = np.stack(np.meshgrid(line, line, [z], indexing="ij"), axis=-1).reshape(-1, 3)
    index = np.arange(count * count).reshape(count, count)
    a, b, c, d = (index[i : i + count - 1, j : j + count - 1].ravel() for i, j in ((0, 0), (1, 0), (1, 1), (0, 1)))
    return Mesh(vertices, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]))


class Seen:
    """A viewport that only shows."""

    def __init__(self):
        self.selections, self.snapshot, self.shown = [], None, 0
        self.selected = self

    def connect(self, slot):
        pass

    def set_selections(self, selections):
        self.selections, self.shown = selections, self.shown + 1


class Bench:
    """A Document with a sheet, another one beside it, and what selects on them."""

    def __init__(self):
        self.document, self.tasks, self.notices = Document(), Tasks(), Notices()
        mesh = sheet()
        self.mesh = Mesh(
            np.concatenate([mesh.vertices, mesh.vertices + np.array([30.0, 0, 0])]),
            np.concatenate([mesh.triangles, mesh.triangles + 1681]),
        )
        self.document.add_object(self.mesh, source="sheet.stl")
        self.name = self.document.objects[0].name
        self.selecting = Selecting(self.document, self.tasks, self.notices)
        self.view = Seen()
        self.selecting.set_viewport(self.view)
        self.said = []
        self.notices.said.subscribe(self.said.append)

    def finish(self):
        end = time.monotonic() + PATIENCE
        while self.tasks.busy:
            assert time.monotonic() < end, "it never ended"
            self.tasks.poll()
            time.sleep(0.001)

    def do(self, mode, operation, *places, **options):
        of = options.pop("of", self.name)
        positions = np.array(places, np.float64).reshape(-1, 3)
        self.selecting.gesture(SelectionGesture(of, mode, operation, positions, **options))
        if options.get("ended", True):
            self.finish()

    @property
    def values(self):
        return self.selecting.working.values

    @property
    def steps(self):
        count = 0
        while self.document.undo_stack.undo_name:
            self.document.undo()
            count += 1
        for _ in range(count):
            self.document.redo()
        return count


@pytest.fixture
def bench():
    bench = Bench()
    yield bench
    bench.tasks.close()


def test_a_click_selects_the_nearest_vertex_and_keys_add_and_take_away(bench):
    bench.do("click", "replace", (5.1, 5.2, 0.3))
    assert bench.mesh.vertices[bench.values > 0] == pytest.approx(np.array([[5.0, 5.0, 0.0]]))
    bench.do("click", "add", (9.0, 9.0, 0.0))
    assert bench.selecting.working.count == 2
    bench.do("click", "subtract", (5.0, 5.0, 0.0))
    assert bench.mesh.vertices[bench.values > 0] == pytest.approx(np.array([[9.0, 9.0, 0.0]]))
    bench.do("click", "replace", of="")
    assert bench.selecting.working is None
    assert bench.document.undo_stack.undo_name == "select nothing"
    bench.document.undo()
    assert bench.selecting.working.count == 1


def test_connected_is_one_of_the_two_sheets(bench):
    bench.do("connected", "replace", (31.0, 3.0, 0.0))
    assert (bench.values == (bench.mesh.vertices[:, 0] >= 30.0)).all()


@pytest.mark.parametrize("profile", ["constant", "linear"])
def test_a_distance_along_the_surface_is_one(bench, profile):
    bench.do("geodesic", "replace", (10.0, 10.0, 0.0), radius=4.2, profile=profile)
    away = np.linalg.norm(bench.mesh.vertices - (10.0, 10.0, 0.0), axis=1)
    expected = np.clip(1.0 - away / 4.2, 0.0, 1.0) if profile == "linear" else away <= 4.2
    assert bench.values == pytest.approx(expected.astype(np.float32), abs=0.02)


def test_a_stroke_is_one_step_and_is_shown_before_it_ends(bench):
    before = bench.steps
    for x in (3.0, 5.0, 7.0, 9.0):
        bench.do("brush", "add", (x, 10.0, 0.0), radius=1.5, ended=False)
    bench.finish()
    assert bench.selecting.working is None and bench.view.selections[0].values.max() == 1.0
    bench.do("brush", "add", radius=1.5)
    line = np.stack([np.clip(bench.mesh.vertices[:, 0], 3.0, 9.0), np.full(3362, 10.0), np.zeros(3362)], axis=1)
    away = np.linalg.norm(bench.mesh.vertices - line, axis=1)
    assert (bench.values[away < 1.1] == 1.0).all() and (bench.values[away > 1.51] == 0.0).all()
    assert bench.steps == before + 1
    bench.document.undo()
    assert bench.selecting.working is None and bench.view.selections == []


def test_a_wider_distance_stands_in_place_of_a_narrower_one_and_may_become_narrower_again(bench):
    bench.do("click", "replace", (2.0, 2.0, 0.0))
    before = bench.steps
    for radius in (1.0, 5.0, 2.0):
        bench.do("geodesic", "add", (10.0, 10.0, 0.0), radius=radius, ended=False)
        bench.finish()
    bench.do("geodesic", "add", (10.0, 10.0, 0.0), radius=2.0)
    away = np.linalg.norm(bench.mesh.vertices - (10.0, 10.0, 0.0), axis=1)
    clicked = (bench.mesh.vertices == (2.0, 2.0, 0.0)).all(axis=1)
    assert ((bench.values > 0) == ((away <= 2.0 + 1e-9) | clicked)).all()
    assert bench.steps == before + 1


def test_a_press_that_is_given_up_leaves_all_as_it_was(bench):
    bench.do("click", "replace", (2.0, 2.0, 0.0))
    before, steps = bench.values.copy(), bench.steps
    bench.do("brush", "subtract", (2.0, 2.0, 0.0), radius=3.0, ended=False)
    bench.finish()
    assert bench.view.selections[0].values.max() == 0.0
    bench.do("brush", "subtract", radius=3.0, ended=False, cancelled=True)
    bench.finish()
    assert (bench.values == before).all() and bench.steps == steps
    assert (bench.view.selections[0].values == before).all()


def test_an_outline_takes_what_it_says(bench):
    lens = Lens(np.array([20.0, 10.0, 100.0]), np.eye(3), (100, 100), 100.0, True)
    # One pixel is a millimetre; the middle of the picture is (20, 10).
    bench.do(
        "box", "replace", outline=Outline(np.array([[35.0, 45.0], [45.2, 45.0], [45.2, 60.2], [35.0, 60.2]]), lens)
    )
    x, y = bench.mesh.vertices[:, 0], bench.mesh.vertices[:, 1]
    assert ((bench.values > 0) == ((x > 4.99) & (x < 15.2) & (y > -0.3) & (y < 15.01))).all()


def test_a_selection_on_another_object_takes_the_place_of_the_first(bench):
    bench.do("click", "replace", (2.0, 2.0, 0.0))
    bench.document.add_object(Points(sheet(21).vertices), source="scan.ply")
    other = bench.document.objects[1].name
    bench.do("brush", "add", (10.0, 10.0, 0.0), of=other, radius=2.01)
    working = bench.selecting.working
    assert working.of == other and len(working.values) == 441
    away = np.linalg.norm(sheet(21).vertices - (10.0, 10.0, 0.0), axis=1)
    assert ((working.values > 0) == (away <= 2.01)).all()


def test_what_is_placed_is_selected_where_it_stands(bench):
    project = bench.document.project.with_object(
        bench.name, placement=Placement((0.0, 0.0, 100.0), scale=(2.0, 2.0, 2.0))
    )
    bench.document.change("move", project)
    bench.do("geodesic", "replace", (20.0, 20.0, 100.0), radius=4.01)
    away = 2.0 * np.linalg.norm(bench.mesh.vertices - (10.0, 10.0, 0.0), axis=1)
    assert ((bench.values > 0) == (away <= 4.01)).all()


def snapshot(count, z=0.0, origin=(1e5, 0.0, 0.0)):
    mesh = sheet(count, z=z)
    return Snapshot(
        1, 1, 9, "running", count, origin, {"vertices": mesh.vertices.astype(np.float32), "triangles": mesh.triangles}
    )


def test_a_selection_on_the_result_keeps_its_points_and_goes_on_when_the_surface_has_changed(bench):
    bench.view.snapshot = snapshot(41)
    bench.do("brush", "add", (1e5 + 5.0, 5.0, 0.0), of="result", radius=3.0)
    first = bench.selecting.working
    assert len(first.points) == len(first.values) == 41 * 41 and first.points[:, 0].min() == 1e5
    bench.view.snapshot = snapshot(33, z=0.1)
    bench.do("brush", "add", (1e5 + 15.0, 15.0, 0.1), of="result", radius=3.0)
    second = bench.selecting.working
    assert len(second.points) == 33 * 33
    for middle in ((5.0, 5.0), (15.0, 15.0)):
        away = np.linalg.norm(second.points[:, :2] - (1e5 + middle[0], middle[1]), axis=1)
        assert (second.values[away < 2.2] == 1.0).all()
    apart = np.minimum(*(np.linalg.norm(second.points[:, :2] - (1e5 + m, m), axis=1) for m in (5.0, 15.0)))
    assert (second.values[apart > 3.8] == 0.0).all()


def test_nothing_is_selected_on_a_result_that_is_not_there(bench):
    bench.do("click", "replace", (0.0, 0.0, 0.0), of="result")
    bench.do("click", "replace", (0.0, 0.0, 0.0), of="no such object")
    assert bench.selecting.working is None and not bench.said


def test_grow_shrink_invert_and_all(bench):
    bench.do("geodesic", "replace", (10.0, 10.0, 0.0), radius=3.0)
    small = bench.selecting.working.count
    bench.selecting.grow(2.0)
    bench.finish()
    grown = bench.selecting.working.count
    assert grown > small
    bench.selecting.shrink(2.0)
    bench.finish()
    assert small <= bench.selecting.working.count < grown
    bench.selecting.invert()
    bench.finish()
    assert bench.values[0] == 1.0
    bench.selecting.select_all(bench.name)
    bench.finish()
    assert (bench.values == 1.0).all()
    assert bench.document.undo_stack.undo_name == "select all"


def test_selections_are_kept_under_names_taken_up_hidden_and_removed(bench):
    bench.do("click", "replace", (2.0, 2.0, 0.0))
    bench.selecting.keep("nose")
    bench.do("click", "replace", (9.0, 9.0, 0.0))
    assert len(bench.view.selections) == 2
    assert len({view.colour for view in bench.view.selections}) == 2
    bench.selecting.show("nose", False)
    assert len(bench.view.selections) == 1
    bench.selecting.take("nose")
    assert bench.mesh.vertices[bench.values > 0] == pytest.approx(np.array([[2.0, 2.0, 0.0]]))
    bench.selecting.remove("nose")
    assert bench.document.project.selection("nose") is None
    bench.document.undo()
    assert bench.document.project.selection("nose") is not None


def test_an_error_is_said_and_the_next_gesture_works(bench):
    bench.do("brush", "add", (2.0, 2.0, 0.0), radius=float("nan"))
    assert bench.said and bench.selecting.working is None
    bench.do("click", "replace", (2.0, 2.0, 0.0))
    assert bench.selecting.working.count == 1


def test_normals_of_a_closed_mesh_point_outwards_whichever_way_its_triangles_run():
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    triangles = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
    for turned in (triangles, triangles[:, ::-1]):
        normals = Elements("t", 4, (), lambda t=turned: Mesh(corners, t)).normals
        assert (np.einsum("ij,ij->i", normals, corners - corners.mean(axis=0)) > 0).all()
    assert Elements("open", 4, (), lambda: Mesh(corners, triangles[:3])).normals is None


def test_by_the_mouse_in_the_real_view(qtbot):
    bench = Bench()
    view = ImageViewport()
    qtbot.addWidget(view, before_close_func=lambda widget: widget.shut_down())
    view.resize(400, 300)
    view.show_object(bench.name, bench.mesh, colour="#888888")
    view.look("top")
    bench.selecting.set_viewport(view)
    view.set_tool("select")
    view.set_selecting(mode="brush")
    view.set_brush_radius(3.0)
    at = view.eye.project(np.array([[5.0, 10.0, 0.0], [15.0, 10.0, 0.0], [10.0, 10.0, 0.0]]))[:, :2]
    drag(view, tuple(at[0]), tuple(at[1]))
    bench.finish()
    painted = bench.selecting.working.count
    assert painted == pytest.approx((10 * 6 + np.pi * 9) / 0.25, rel=0.1)
    drag(view, tuple(at[0]), tuple(at[2]), CTRL)
    bench.finish()
    assert bench.selecting.working.count < 0.6 * painted
    view.set_selecting(mode="connected")
    click(view, tuple(view.eye.project(np.array([[40.0, 10.0, 0.0]]))[0, :2]), SHIFT)
    bench.finish()
    assert (bench.values[1681:] == 1.0).all() and 0 < (bench.values[:1681] > 0).sum() < painted
    bench.tasks.close()
