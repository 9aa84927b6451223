"""Whatever a hand does, in whatever order: nothing is raised, and no press stays open."""

import numpy as np
import pytest
from mouse import ALT, CTRL, LEFT, MIDDLE, NO_KEYS, RIGHT, SHIFT, hover, leave, move, press, release, wheel
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.document.project import Clip
from engine.geometry.points import Points

MODES = ("click", "connected", "box", "lasso", "brush", "geodesic")
KEYS = (Qt.Key.Key_Escape, Qt.Key.Key_F, Qt.Key.Key_Left, Qt.Key.Key_BracketLeft, Qt.Key.Key_Plus)
KEYS_HELD = (NO_KEYS, SHIFT, CTRL, ALT)
BUTTONS = (LEFT, LEFT, MIDDLE, RIGHT)
TOOLS = ("navigate", "handle", "brush", "select", "move", "measure")


@pytest.mark.parametrize("seed", range(4))
def test_a_wild_hand(viewport, sphere, snapshot, seed):
    rng = np.random.default_rng(seed)
    gestures, drags = [], []
    viewport.selected.connect(gestures.append)
    viewport.placement_dragged.connect(lambda *told: drags.append(told[2]))
    viewport.clip_dragged.connect(lambda *told: drags.append(told[1]))
    viewport.show_object("ball", sphere(8.0), colour="#888888")
    viewport.show_object("scan", Points(sphere(6.0, 30, (12.0, 0, 0)).vertices), colour="#888888")
    viewport.show_snapshot(snapshot(9.0))
    viewport.set_gizmo("ball")

    def at():
        return tuple(int(value) for value in rng.integers((100, 40), (300, 260)))

    def disturb():
        match rng.integers(6):
            case 0:
                QTest.keyClick(viewport, KEYS[rng.integers(len(KEYS))])
            case 1:
                viewport.set_tool(TOOLS[rng.integers(len(TOOLS))])
            case 2:
                clip = Clip(("plane", "box")[rng.integers(2)], bounds=((-5.0, -5.0, -5.0), (5.0, 5.0, 5.0)))
                viewport.set_clip(clip if rng.integers(2) else None)
            case 3:
                if rng.integers(2):
                    viewport.show_comparison(snapshot(9.0), snapshot(7.0), ("overlay", "swipe")[rng.integers(2)])
                else:
                    viewport.clear_comparison()
            case 4:
                wheel(viewport, at(), int(rng.integers(-1, 2)), KEYS_HELD[rng.integers(4)])
            case 5:
                viewport.grab()

    for _ in range(80):
        viewport.frame()
        viewport.set_tool("select" if rng.integers(2) else TOOLS[rng.integers(len(TOOLS))])
        viewport.set_selecting(mode=MODES[rng.integers(6)], through=bool(rng.integers(2)))
        viewport.set_measure_kind(("distance", "angle", "thickness")[rng.integers(3)])
        keys, button = KEYS_HELD[rng.integers(4)], BUTTONS[rng.integers(4)]
        hover(viewport, at(), keys)
        press(viewport, at(), keys, button)
        for _ in range(rng.integers(5)):
            move(viewport, at(), keys, button)
            if rng.integers(4) == 0:
                disturb()
        release(viewport, at(), keys, button)
        disturb()
    leave(viewport)
    viewport.set_tool("navigate")
    assert not viewport.dragging and viewport.state.dragged is None and viewport.state.outline is None
    # Of every press that told something, the last word was that it ended or was given up.
    open_press = None
    for gesture in gestures:
        if gesture.mode in ("brush", "geodesic"):
            assert open_press in (None, gesture.mode)
            open_press = None if gesture.ended or gesture.cancelled else gesture.mode
    assert open_press is None and (not drags or drags[-1])
    assert len(gestures) >= 3


def test_another_tool_gives_up_the_press_under_way(viewport, sphere):
    viewport.show_object("ball", sphere(), colour="#888888")
    viewport.set_tool("select")
    viewport.set_selecting(mode="brush")
    told = []
    viewport.selected.connect(told.append)
    press(viewport, (200, 150))
    viewport.set_tool("navigate")
    move(viewport, (220, 150))
    release(viewport, (220, 150))
    assert told[-1].cancelled and not any(gesture.ended for gesture in told)
