"""The clip and the dimensions are in the Document, undoable, and shown."""

from __future__ import annotations

import numpy as np
import pytest
from mouse import click, drag

from app.document.document import Document
from app.document.project import Clip, Project
from app.viewport.image import ImageViewport
from app.viewport.tools.clip import clip_grips
from app.work.clipping import Clipping
from app.work.measuring import Measuring
from app.work.notices import Notices
from engine.geometry.mesh import Mesh


@pytest.fixture
def view(qtbot):
    view = ImageViewport()
    qtbot.addWidget(view, before_close_func=lambda widget: widget.shut_down())
    view.resize(400, 300)
    corners = np.array([[x, y, z] for x in (0.0, 10.0) for y in (0.0, 20.0) for z in (0.0, 30.0)])
    faces = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    triangles = [[f[0], f[i], f[i + 1]] for f in faces for i in (1, 2)]
    view.show_object("block", Mesh(corners, np.array(triangles)), colour="#888888")
    view.look("front")
    return view


@pytest.fixture
def document():
    return Document()


@pytest.fixture
def clipping(view, document):
    clipping = Clipping(document)
    clipping.set_viewport(view)
    return clipping


def test_a_plane_cuts_away_the_half_that_is_nearer(view, document, clipping):
    assert view.eye.pick(200, 150).position[1] == pytest.approx(0.0)
    clipping.toggle("plane")
    assert clipping.kind == "plane" and document.project.clip.origin == pytest.approx((5.0, 10.0, 15.0))
    assert view.eye.pick(200, 150).position[1] == pytest.approx(20.0)
    clipping.flip()
    assert view.eye.pick(200, 150).position[1] == pytest.approx(0.0)
    clipping.face(2)
    assert document.project.clip.normal in ((0.0, 0.0, 1.0), (0.0, 0.0, -1.0))
    clipping.toggle("plane")
    assert clipping.kind == "" and document.project.clip is None
    for _ in range(3):
        document.undo()
    assert clipping.kind == "plane" and view.clip == document.project.clip
    assert view.eye.pick(200, 150).position[1] == pytest.approx(20.0)


def test_a_box_begins_around_everything(view, document, clipping):
    clipping.toggle("box")
    low, high = np.array(document.project.clip.bounds)
    assert (low > 0).all() and (high < (10, 20, 30)).all() and (high - low > (9, 18, 28)).all()
    clipping.toggle("plane")  # in its place
    assert clipping.kind == "plane"


def test_with_nothing_open_there_is_nothing_to_cut(qtbot, document):
    clipping = Clipping(document)
    clipping.toggle("plane")
    clipping.flip()
    clipping.face(0)
    assert document.project.clip is None and document.undo_stack.undo_name == ""


def test_a_drag_of_the_clip_is_one_step(view, document, clipping):
    clipping.toggle("plane")
    view.look("isometric")
    (grip,) = clip_grips(view)
    start, foot = view.eye.project(np.stack([grip.place, grip.foot]))[:, :2]
    before = document.project.clip
    drag(view, tuple(start), tuple(start + 0.3 * (start - foot)))
    assert document.project.clip != before and document.undo_stack.undo_name == "move the clip"
    document.undo()
    assert document.project.clip == before and view.clip == before


def test_dimensions_are_kept_shown_undone_and_removed(view, document):
    notices, told = Notices(), []
    notices.noted.subscribe(told.append)
    measuring = Measuring(document, notices)
    measuring.set_viewport(view)
    view.set_tool("measure")
    at = view.eye.project(np.array([[2.0, 0.0, 10.0], [8.0, 0.0, 10.0]]))[:, :2]
    click(view, tuple(at[0]))
    click(view, tuple(at[1]))
    (taken,) = document.project.measurements
    assert taken.kind == "distance" and taken.value == pytest.approx(6.0, abs=0.01)
    assert told == [f"Distance {taken.value:.4g} mm"] and view.measurements == [taken]
    view.set_measure_kind("thickness")
    click(view, tuple(at[0]))
    assert document.project.measurements[1].value == pytest.approx(20.0, abs=0.01)
    assert document.undo_stack.undo_name == "measure a thickness"
    measuring.remove(0)
    assert [item.kind for item in view.measurements] == ["thickness"]
    measuring.remove_all()
    measuring.remove_all()
    assert view.measurements == []
    document.undo()
    document.undo()
    document.undo()
    assert view.measurements == [taken]


def test_a_clip_from_a_file_is_shown(view, document):
    clip = Clip("plane", normal=(0.0, -1.0, 0.0), origin=(0.0, 10.0, 0.0))
    document.change("open", Project(clip=clip))
    clipping = Clipping(document)
    clipping.set_viewport(view)
    assert view.eye.pick(200, 150).position[1] == pytest.approx(20.0)
