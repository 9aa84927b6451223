"""Comparing A with B: chosen in the strip, in the bar and in menus; shown, measured, and left cleanly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMenu, QToolButton
from tests_app_fakes import polls

from engine.protocol.session import CheckpointView, CompareCheckpoints


@pytest.fixture
def paused(running: Any) -> Any:
    """A paused window with Checkpoints 1, 2, 3 at the iterations 0, 20, 40."""
    running.registry.trigger("run.toggle")
    polls(running, 4)
    return running


def press(qtbot: Any, window: Any, id: int, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    strip = window.history.strip
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, modifier, strip.place(id).toPoint())


def button(window: Any, name: str) -> QToolButton:
    return next(found for found in window.compare_bar.findChildren(QToolButton) if found.accessibleName() == name)


def test_shift_click_compares_with_what_is_selected(qtbot: Any, paused: Any, session: Any) -> None:
    bar = paused.compare_bar
    assert not bar.isVisible()
    press(qtbot, paused, 1)
    press(qtbot, paused, 3, Qt.KeyboardModifier.ShiftModifier)
    assert bar.isVisible() and bar.numbers() == "Measuring …"
    polls(paused, 3)
    assert CompareCheckpoints(1, 3) in session.asked and CheckpointView(3) in session.asked
    (first, second, mode, distances), _ = paused.viewport.last("show_comparison")
    assert (first.iteration, second.iteration, mode) == (0, 40, "overlay")
    expected = 8.0 - 8.0 * 0.98**40  # between two balls about one centre
    assert np.allclose(distances, expected, atol=1e-4)
    assert f"mean {expected:.3g}" in bar.numbers() and bar.numbers().endswith("mm")
    assert paused.history.strip.compared == {1: "A", 3: "B"}
    assert bar.a.currentText() == "main · it 0" and bar.b.currentText() == "main · it 40"


def test_with_nothing_selected_it_is_the_present_surface(qtbot: Any, paused: Any, session: Any) -> None:
    press(qtbot, paused, 2, Qt.KeyboardModifier.ShiftModifier)
    polls(paused, 3)
    assert paused.workbench.comparing.comparison.a is None
    (first, second, *_), _ = paused.viewport.last("show_comparison")
    assert (first.iteration, second.iteration) == (paused.document.run.iteration, 20)
    assert paused.compare_bar.a.currentText() == "Now"
    assert button(paused, "Compare with the surface as it is now").isVisible()


def test_modes_are_chosen_in_the_bar_and_in_the_menu(qtbot: Any, paused: Any) -> None:
    press(qtbot, paused, 1, Qt.KeyboardModifier.ShiftModifier)
    polls(paused, 3)
    qtbot.mouseClick(button(paused, "Swipe"), Qt.MouseButton.LeftButton)
    assert paused.viewport.last("show_comparison")[0][2] == "swipe"
    assert paused.registry.action("compare.swipe").checked()
    paused.registry.trigger("compare.distance")
    assert paused.viewport.last("show_comparison")[0][2] == "distance"
    assert button(paused, "Distance").isChecked() and not button(paused, "Swipe").isChecked()


def test_exchange_and_the_boxes_choose_others(qtbot: Any, paused: Any) -> None:
    comparing, bar = paused.workbench.comparing, paused.compare_bar
    comparing.compare(1, 3)
    polls(paused, 3)
    qtbot.mouseClick(button(paused, "Exchange A and B"), Qt.MouseButton.LeftButton)
    polls(paused, 3)
    assert (comparing.comparison.a, comparing.comparison.b) == (3, 1)
    assert paused.viewport.last("show_comparison")[0][3][0] < 0  # A lies within B now
    bar.b.setFocus()
    bar.b.setCurrentIndex(0)
    bar.b.activated.emit(0)
    polls(paused, 3)
    assert (comparing.comparison.a, comparing.comparison.b) == (3, None)
    bar.a.setCurrentIndex(0)
    bar.a.activated.emit(0)  # the same twice: they change places
    polls(paused, 3)
    assert (comparing.comparison.a, comparing.comparison.b) == (None, 3)


def test_the_key_begins_and_ends_it_and_the_view_is_as_before(qtbot: Any, paused: Any) -> None:
    assert paused.registry.drawn("compare.toggle").text() == "Compare with a checkpoint"
    paused.activateWindow()
    qtbot.waitUntil(paused.isActiveWindow)
    qtbot.keyClick(paused, Qt.Key.Key_C)
    polls(paused, 3)
    comparing = paused.workbench.comparing
    assert (comparing.comparison.a, comparing.comparison.b) == (None, 1)
    assert paused.registry.drawn("compare.toggle").text() == "Leave the comparison"
    qtbot.keyClick(paused, Qt.Key.Key_C)
    assert not comparing.active and not paused.compare_bar.isVisible()
    assert paused.viewport.count("clear_comparison") == 1
    assert paused.history.strip.compared == {}
    polls(paused, 3)
    assert paused.viewport.calls[-1][0] != "show_comparison"


def test_an_answer_that_comes_too_late_shows_nothing(paused: Any) -> None:
    comparing = paused.workbench.comparing
    comparing.compare(1, 3)
    comparing.leave()
    polls(paused, 4)
    assert paused.viewport.count("show_comparison") == 0
    assert not comparing.active


def test_a_run_that_begins_or_a_checkpoint_that_goes_ends_it(paused: Any) -> None:
    comparing = paused.workbench.comparing
    paused.continue_from(1)
    paused.registry.trigger("run.toggle")
    polls(paused, 30)
    comparing.compare(2, None)
    polls(paused, 3)
    paused.workbench.branching.delete("main")
    polls(paused, 3)
    assert not comparing.active and paused.viewport.count("clear_comparison") == 1
    comparing.compare(paused.document.run.tip(paused.document.run.branch), None)
    polls(paused, 3)
    paused.workbench.running.start()
    assert not comparing.active


def test_what_cannot_be_compared_is_said_and_the_view_stays(paused: Any) -> None:
    comparing = paused.workbench.comparing
    comparing.compare(2, 2)
    assert not comparing.active
    comparing.compare(1, 77)  # the fake knows no such Checkpoint
    assert not comparing.active or comparing.comparison.first is None
    polls(paused, 3)
    assert not comparing.active
    assert "Checkpoint" in paused.error_bar.text()


def test_the_menu_offers_now_tips_and_what_was_kept(qtbot: Any, paused: Any) -> None:
    paused.registry.trigger("run.toggle")
    paused.registry.trigger("run.keep")
    polls(paused, 2)
    paused.registry.trigger("run.toggle")
    polls(paused, 2)
    press(qtbot, paused, 2)
    menus = [menu for menu in paused.history.findChildren(QMenu) if menu.parent() is not paused.history]
    (menu,) = menus
    menu.aboutToShow.emit()
    titles = [action.text() for action in menu.actions()]
    assert titles[0] == "Now" and any(title.endswith("kept") for title in titles)
    menu.actions()[0].trigger()
    polls(paused, 3)
    assert (paused.workbench.comparing.comparison.a, paused.workbench.comparing.comparison.b) == (2, None)
    QApplication.processEvents()
