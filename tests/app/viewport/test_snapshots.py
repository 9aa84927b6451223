import gc
from dataclasses import replace

import numpy as np
import psutil
import pytest

from app.viewport.surface import frozen_share


def test_a_snapshot_changes_the_picture_and_never_the_camera(viewport, snapshot, pixels):
    empty = pixels(viewport)
    viewport.show_snapshot(snapshot(10.0))
    first = pixels(viewport)
    position = viewport.scene.camera.GetPosition()
    viewport.show_snapshot(snapshot(6.0, 12, generation=2))
    second = pixels(viewport)
    assert np.abs(first - empty).max() > 50 and np.abs(second - first).max() > 50
    assert viewport.scene.camera.GetPosition() == position
    viewport.clear_snapshot()
    assert np.abs(pixels(viewport)[:240, 60:] - empty[:240, 60:]).max() == 0


def test_five_hundred_snapshots_leave_one_actor_and_no_memory(viewport, snapshot, qtbot):
    made = [snapshot(8.0 + k / 4, rings, generation=k) for k, rings in enumerate((30, 36, 42, 33))]
    process = psutil.Process()
    viewport.set_colouring("sensitivity")

    def show(count):
        for k in range(count):
            viewport.show_snapshot(made[k % 4])
            viewport.scene.take()
            viewport._drawing.canvas.request()
            viewport._drawing.canvas.repaint()

    show(60)
    gc.collect()
    actors, before = viewport.scene.renderer.GetActors().GetNumberOfItems(), process.memory_full_info().uss
    show(500)
    gc.collect()
    assert viewport.scene.renderer.GetActors().GetNumberOfItems() == actors == 1
    assert process.memory_full_info().uss - before < 12e6


def test_a_snapshot_is_kept_whatever_happens_to_its_arrays(viewport, snapshot):
    shared = snapshot(10.0)
    viewport.show_snapshot(shared)
    viewport.show_snapshot(shared)
    shared.arrays["vertices"][:] = 0.0
    assert np.linalg.norm(viewport.eye.pick(200, 150).position) == pytest.approx(10.0, abs=0.1)


def test_only_the_latest_of_many_snapshots_is_drawn(viewport, snapshot, monkeypatch):
    viewport.show_snapshot(snapshot(10.0))
    shown = []
    real = viewport.scene.surface.show
    monkeypatch.setattr(viewport.scene.surface, "show", lambda s: (shown.append(s.generation), real(s)))
    for generation in range(2, 12):
        viewport.show_snapshot(snapshot(10.0, generation=generation))
    viewport.picture()
    assert shown == [11]


def test_sensitivity_is_blue_below_zero_and_orange_above(viewport, snapshot, pixels):
    viewport.show_snapshot(snapshot(sensitivity=lambda v: v[:, 2]))
    viewport.look("front")
    grey = pixels(viewport)
    viewport.set_colouring("sensitivity")
    coloured = pixels(viewport)
    assert np.ptp(grey[90, 200]) < 12
    top, bottom = coloured[90, 200], coloured[210, 200]
    assert top[0] > top[2] + 40
    assert bottom[2] > bottom[0] + 40
    assert np.abs(coloured[-30:, -200:] - grey[-30:, -200:]).max() > 60  # the colour bar
    viewport.set_colouring("sensitivity", locked_range=(-1000.0, 1000.0))
    assert np.ptp(pixels(viewport)[90, 200]) < 20
    assert viewport.scene.surface.range.limits == (-1000.0, 1000.0)
    viewport.set_colouring("plain")
    assert np.abs(pixels(viewport) - grey).max() == 0


def test_colours_do_not_flicker_from_frame_to_frame(viewport, snapshot):
    viewport.set_colouring("sensitivity")
    limits = []
    for k in range(12):
        strength = 3.0 if k % 2 else 1.0
        viewport.show_snapshot(snapshot(sensitivity=lambda v, s=strength: s * v[:, 2]))
        viewport.scene.take()
        limits.append(viewport.scene.surface.range.limits[1])
    steps = np.diff(np.log(limits[1:]))
    assert np.abs(steps).max() < 0.3


def test_a_million_millimetres_away_the_picture_is_the_same(viewport, snapshot, sphere, pixels):
    viewport.show_snapshot(snapshot())
    here = pixels(viewport)
    at_home = viewport.eye.pick(210, 140).position
    viewport.clear_snapshot()
    far = (1e6, -2e6, 3e6)
    viewport._framed = False
    viewport.scene.origin = None
    viewport.show_snapshot(snapshot(origin=far))
    assert np.abs(pixels(viewport) - here).max() <= 2
    assert viewport.eye.pick(210, 140).position - far == pytest.approx(at_home, abs=1e-5)


def test_a_far_object_and_a_far_surface_lie_on_each_other(viewport, snapshot, sphere):
    far = (1e6, 1e6, 1e6)
    viewport.show_object("scan", sphere(9.5, centre=far), colour="#884444")
    viewport.show_snapshot(snapshot(10.0, origin=(1e6 - 3.0, 1e6, 1e6)))
    hit = viewport.eye.pick_surface(200, 150)
    assert np.linalg.norm(hit.position - (1e6 - 3.0, 1e6, 1e6)) == pytest.approx(10.0, abs=0.1)
    assert viewport.scene.bounds()[0] == pytest.approx(np.array(far) - (13.0, 10.0, 10.0), abs=0.01)


def test_a_large_surface_is_drawn_with_fewer_vertices_on_software_opengl(viewport, snapshot):
    viewport.show_snapshot(snapshot(10.0, 130, sensitivity=lambda v: v[:, 2]))
    viewport.set_colouring("sensitivity")
    surface = viewport.scene.surface
    assert surface.vertex_count > 33_000 and 4_000 < surface.drawn_count <= 10_000
    while_running = surface.drawn_count
    viewport.show_snapshot(replace(snapshot(10.0, 130, sensitivity=lambda v: v[:, 2]), state="paused"))
    viewport.scene.take()
    assert while_running < surface.drawn_count <= 20_000
    assert viewport.scene.thinned() == (surface.drawn_count, surface.vertex_count)
    hit = viewport.eye.pick(200, 150)
    assert np.linalg.norm(hit.position) == pytest.approx(10.0, abs=0.05)
    assert hit.value == pytest.approx(hit.position[2], abs=0.3)
    viewport.scene.surface.budget = None
    viewport.show_snapshot(snapshot(10.0, 130))
    viewport.scene.take()
    assert surface.drawn_count == surface.vertex_count and viewport.scene.thinned() is None


def test_frozen_places_are_tinted(viewport, snapshot, pixels):
    viewport.show_snapshot(snapshot())
    viewport.look("front")
    plain = pixels(viewport)
    viewport.set_frozen(np.array([[0.0, -10.0, 0.0]]), np.array([4.0]))
    tinted = pixels(viewport)
    assert np.abs(tinted[150, 200] - plain[150, 200]).max() > 30
    assert np.abs(tinted[90, 200] - plain[90, 200]).max() == 0
    viewport.set_frozen(np.empty((0, 3)), np.empty(0))
    assert np.abs(pixels(viewport) - plain).max() == 0


def test_the_share_that_is_frozen_agrees_with_distances_to_the_stamps():
    rng = np.random.default_rng(3)
    vertices, centres, radii = rng.uniform(-1, 1, (500, 3)), rng.uniform(-1, 1, (7, 3)), rng.choice([0.3, 0.5], 7)
    depth = (radii - np.linalg.norm(vertices[:, None] - centres, axis=2)) / (0.1 * radii)
    assert frozen_share(vertices, centres, radii) == pytest.approx(np.clip(depth, 0, 1).max(axis=1), abs=1e-6)


def test_an_empty_snapshot_is_drawn_as_nothing(viewport, snapshot):
    viewport.show_snapshot(snapshot())
    empty = snapshot()
    empty.arrays["vertices"], empty.arrays["triangles"] = np.empty((0, 3), np.float32), np.empty((0, 3), np.int32)
    viewport.show_snapshot(empty)
    assert not viewport.picture().isNull()
    assert viewport.eye.pick(200, 150) is None and not viewport.scene.surface.shown


@pytest.mark.parametrize("rings", [24, 30])
def test_the_wireframe_shows_edges(viewport, snapshot, pixels, rings):
    viewport.show_snapshot(snapshot(rings=rings))
    plain = pixels(viewport)
    viewport.set_wireframe(True)
    assert (np.abs(pixels(viewport) - plain).max(axis=2) > 15).sum() > 500


def test_picking_follows_a_surface_that_grew(viewport, snapshot):
    for rings in (12, 60, 20, 80):
        viewport.show_snapshot(snapshot(10.0, rings))
        hits = [viewport.eye.pick_surface(x, 150) for x in range(150, 251, 10)]
        assert np.linalg.norm([hit.position for hit in hits], axis=1) == pytest.approx(np.full(11, 10.0), abs=0.4)


def test_snapshots_that_come_faster_than_they_are_prepared_do_not_starve_the_picture(
    viewport, snapshot, qtbot, monkeypatch
):
    made = [snapshot(10.0 + k, 30) for k in range(3)]
    viewport.show_snapshot(made[0])
    qtbot.waitUntil(lambda: not viewport.scene.waiting)
    real, turn = viewport.scene.surface.show, [0]

    def show_and_receive(shown):
        real(shown)
        turn[0] += 1
        viewport.show_snapshot(made[turn[0] % 3])  # the next one is here before this one is drawn

    monkeypatch.setattr(viewport.scene.surface, "show", show_and_receive)
    drawings = []
    tag = viewport.scene.renderer.AddObserver("EndEvent", lambda *_: drawings.append(1))
    viewport.show_snapshot(made[1])
    qtbot.waitUntil(lambda: len(drawings) >= 3)
    monkeypatch.undo()
    viewport.scene.renderer.RemoveObserver(tag)


def test_what_comes_after_shutting_down_is_harmless(viewport, snapshot):
    viewport.show_snapshot(snapshot())
    viewport.shut_down()
    viewport.show_snapshot(snapshot(5.0))
    viewport.set_theme(dark=True)
    viewport.frame()
    viewport.picture()
    viewport.clear_snapshot()


def test_a_surface_that_has_left_the_view_is_told_and_brought_back(viewport, snapshot):
    assert not viewport.out_of_sight, "there is nothing yet"
    viewport.show_snapshot(snapshot())
    assert not viewport.out_of_sight
    viewport.show_snapshot(snapshot(origin=(0.0, 0.0, -500.0)))
    viewport.scene.take()
    assert viewport.out_of_sight
    viewport.frame()
    assert not viewport.out_of_sight
