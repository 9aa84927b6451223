import threading

import numpy as np
import pytest

from app.viewport.colours import SELECTED
from app.viewport.dots import AT_ONCE, POINT_BUDGET_SOFTWARE, thinned
from app.viewport.image import ImageViewport
from app.viewport.records import SelectionView
from engine.geometry.points import Points


@pytest.fixture
def scan():
    """A ball of half a million points far from the origin."""
    positions = np.random.default_rng(4).normal(size=(500_000, 3))
    positions /= np.linalg.norm(positions, axis=1)[:, None]
    return Points(positions * 20.0 + (1e5, 0.0, 0.0), positions)


@pytest.fixture
def on_a_card(qtbot):
    """A viewport that draws as on a graphics card."""
    view = ImageViewport(software=False)
    qtbot.addWidget(view, before_close_func=lambda widget: widget.shut_down())
    view.resize(400, 300)
    return view


def test_on_software_few_dots_are_drawn_and_the_view_says_so(viewport, scan):
    viewport.show_object("scan", scan, colour="#8a5fb0")
    assert viewport.scene.thinned() == (POINT_BUDGET_SOFTWARE, 500_000)
    hit = viewport.eye.pick(200, 150)
    assert np.linalg.norm(hit.position - (1e5, 0, 0)) == pytest.approx(20.0, abs=1e-3)


def test_on_a_card_some_dots_come_at_once_and_the_rest_from_another_thread(on_a_card, scan, qtbot, monkeypatch):
    threads = []

    def watched(points, most, *, shaded):
        threads.append((most, threading.current_thread() is threading.main_thread()))
        return thinned(points, most, shaded=shaded)

    monkeypatch.setattr("app.viewport.objects.thinned", watched)
    monkeypatch.setattr("app.viewport.dots.thinned", watched)
    on_a_card.show_object("scan", scan, colour="#8a5fb0", visible=False)
    assert on_a_card.scene.objects["scan"].drawn_count == AT_ONCE
    on_a_card.set_object_visible("scan", True)
    on_a_card.set_selections([SelectionView("scan", np.ones(500_000, np.float32), SELECTED)])
    camera = on_a_card.camera()
    qtbot.waitUntil(lambda: on_a_card.scene.objects["scan"].drawn_count == 500_000)
    assert threads == [(AT_ONCE, True), (500_000, False)]
    thing = on_a_card.scene.objects["scan"]
    assert on_a_card.camera() == camera and thing.visible and on_a_card.scene.thinned() is None
    colours = np.asarray(thing.drawn.data.GetPointData().GetScalars().GetTuple3(0))
    assert colours[0] > colours[2] + 60  # selected before, and still
    assert on_a_card.scene.renderer.GetActors().GetNumberOfItems() == 2


def test_what_is_closed_before_its_dots_are_gathered_does_not_come_back(on_a_card, scan, qtbot):
    on_a_card.show_object("scan", scan, colour="#8a5fb0")
    on_a_card.remove_object("scan")
    with qtbot.waitSignal(on_a_card._refining.refined):
        pass
    assert not on_a_card.scene.objects and on_a_card.scene.renderer.GetActors().GetNumberOfItems() == 1


def test_shutting_down_while_dots_are_gathered_is_harmless(on_a_card, scan, qtbot):
    on_a_card.show_object("scan", scan, colour="#8a5fb0")
    on_a_card.shut_down()
    qtbot.wait(20)
    assert on_a_card.scene.objects["scan"].drawn_count == AT_ONCE
