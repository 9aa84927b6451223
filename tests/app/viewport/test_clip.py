import numpy as np
import pytest
from mouse import drag, move, press, release
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.document.placement import Placement
from app.document.project import Clip
from app.viewport.clipping import Cut
from app.viewport.tools.clip import clip_grips
from engine.geometry.points import Points

CLIPS = [
    Clip("plane", origin=(1.0, 0.0, 0.0), normal=(1.0, 0.5, 0.0)),
    Clip("plane", origin=(1.0, 0.0, 0.0), normal=(1.0, 0.5, 0.0), flipped=True),
    Clip("box", bounds=((-4.0, -20.0, -5.0), (6.0, 20.0, 3.0))),
    Clip("box", bounds=((-4.0, -20.0, -5.0), (6.0, 20.0, 3.0)), flipped=True),
]


@pytest.mark.parametrize("clip", CLIPS)
def test_picking_sees_what_is_drawn(viewport, sphere, pixels, clip):
    """Wherever a line of sight meets what remains there is a pixel that is not background, and nowhere else."""
    empty = pixels(viewport)
    viewport.show_object("ball", sphere(10.0, 40), colour="#804040", placement=Placement((0.5, 0.0, 0.5)))
    viewport.look("front")
    viewport.set_clip(clip)
    drawn = np.abs(pixels(viewport)[:, :, 0] - empty[:, :, 0])
    checked = 0
    for x in range(70, 340, 9):
        for y in range(20, 230, 9):
            patch = drawn[y - 1 : y + 2, x - 1 : x + 2] > 12
            near_an_edge = patch.any() != patch.all()
            hit = viewport.eye.pick(x + 0.5, y + 0.5)
            if near_an_edge:
                continue
            checked += 1
            assert (hit is not None) == bool(patch.all()), (x, y)
            if hit is not None:
                assert Cut(clip).keeps(hit.position[None])[0] or on_rim(clip, hit.position)
    assert checked > 300


def on_rim(clip, position):
    return Cut(clip).keeps(position[None] + 1e-6 * np.random.default_rng(0).normal(size=(40, 3))).any()


def test_the_inside_is_seen_through_the_cut(viewport, snapshot, pixels):
    viewport.show_snapshot(snapshot())
    viewport.look("front")
    viewport.set_clip(Clip("plane", normal=(0.0, -1.0, 0.0)))
    hit = viewport.eye.pick(200, 150)
    assert hit.position[1] == pytest.approx(10.0, abs=0.2)  # the far wall
    assert viewport.eye.pick_surface(200, 150).position[1] == pytest.approx(10.0, abs=0.2)
    inside = pixels(viewport)[150, 150]
    assert inside[0] > inside[2] + 25  # and has a warm colour of its own
    viewport.set_clip(None)
    assert np.ptp(pixels(viewport)[150, 150]) < 12


def test_a_scan_is_cut_too(viewport, sphere):
    viewport.show_object("scan", Points(sphere(10.0, 60).vertices), colour="#888888")
    viewport.look("front")
    viewport.set_clip(Clip("plane", origin=(0.0, -5.0, 0.0), normal=(0.0, -1.0, 0.0)))
    assert viewport.eye.pick(200, 150).position[1] > -5.0


def test_a_clip_that_is_switched_off_or_taken_away_cuts_nothing(viewport, sphere, pixels):
    viewport.show_object("ball", sphere(), colour="#888888")
    whole = pixels(viewport)
    cut = Clip("plane", normal=(0.0, -1.0, 0.0))
    viewport.set_clip(cut)
    assert np.abs(pixels(viewport) - whole).max() > 30
    viewport.set_clip(Clip("plane", normal=(0.0, -1.0, 0.0), enabled=False))
    assert np.abs(pixels(viewport) - whole).max() == 0
    viewport.set_clip(cut)
    viewport.set_clip(None)
    assert np.abs(pixels(viewport) - whole).max() == 0


def test_what_is_opened_later_is_cut_as_well(viewport, sphere, snapshot):
    viewport.set_clip(Clip("plane", origin=(100.0, 0.0, 0.0), normal=(0.0, -1.0, 0.0)))
    viewport.show_object("ball", sphere(centre=(100.0, 0.0, 0.0)), colour="#888888")
    viewport.look("front")
    assert viewport.eye.pick(200, 150).position[1] > 0
    viewport.show_snapshot(snapshot(9.0, origin=(100.0, 0.0, 0.0)))
    assert viewport.eye.pick_surface(200, 150).position[1] > 0


@pytest.mark.parametrize("normal", [(0.0, 0.0, 1.0), (0.6, 0.0, 0.8)])
def test_the_plane_is_dragged_along_its_normal(viewport, sphere, normal):
    viewport.show_object("ball", sphere(), colour="#888888")
    viewport.set_clip(Clip("plane", origin=(1.0, 0.0, 0.0), normal=normal))
    told = []
    viewport.clip_dragged.connect(lambda *args: told.append(args))
    camera = viewport.camera()
    (grip,) = clip_grips(viewport)
    start, foot = viewport.eye.project(np.stack([grip.place, grip.foot]))[:, :2]
    along = (start - foot) / np.linalg.norm(start - foot)
    drag(viewport, tuple(start), tuple(start + 20 * along))
    assert viewport.camera() == camera
    clip, ended = told[-1]
    shift = np.array(clip.origin) - (1.0, 0.0, 0.0)
    assert ended and [end for _, end in told].count(True) == 1
    assert np.cross(shift, normal) == pytest.approx(0.0, abs=1e-9) and np.dot(shift, normal) > 0.3
    assert viewport.eye.project(grip.place + shift)[0, :2] == pytest.approx(start + 20 * along, abs=1.5)


def test_a_face_of_the_box_is_dragged_and_stops_before_the_other(viewport, sphere):
    viewport.show_object("ball", sphere(), colour="#888888")
    box = Clip("box", bounds=((-6.0, -6.0, -6.0), (6.0, 6.0, 6.0)))
    viewport.set_clip(box)
    told = []
    viewport.clip_dragged.connect(lambda *args: told.append(args))
    grip = next(grip for grip in clip_grips(viewport) if grip.name == "z+")
    x, y = viewport.eye.project(grip.place)[0, :2]
    drag(viewport, (x, y), (x, y - 25))
    low, high = told[-1][0].bounds
    assert low == (-6.0, -6.0, -6.0) and high[:2] == (6.0, 6.0) and high[2] > 7.0
    viewport.set_clip(box)
    drag(viewport, (x, y), (x, y + 250))
    low, high = told[-1][0].bounds
    assert low[2] == -6.0 and -6.0 < high[2] < -5.9


def test_escape_puts_the_clip_back(viewport, sphere):
    viewport.show_object("ball", sphere(), colour="#888888")
    clip = Clip("plane", normal=(0.0, 0.0, 1.0))
    viewport.set_clip(clip)
    told = []
    viewport.clip_dragged.connect(lambda *args: told.append(args))
    x, y = viewport.eye.project(clip_grips(viewport)[0].place)[0, :2]
    press(viewport, (x, y))
    move(viewport, (x, y - 30))
    QTest.keyClick(viewport, Qt.Key.Key_Escape)
    release(viewport, (x, y - 30))
    assert told[-1] == (clip, True) and viewport.clip == clip


def test_the_part_of_a_ray_that_remains_is_where_its_points_remain():
    rng = np.random.default_rng(2)
    for clip in CLIPS:
        cut = Cut(clip)
        for _ in range(40):
            start, direction = rng.normal(size=3) * 8, rng.normal(size=3)
            direction /= np.linalg.norm(direction)
            way = np.linspace(0.0, 40.0, 400)
            kept = np.zeros(len(way), bool)
            for begin, end in cut.stretches(start, direction, 40.0):
                kept |= (way >= begin) & (way <= end)
            assert (kept != cut.keeps(start + way[:, None] * direction)).sum() <= 2
