"""Tab goes as one reads: through a panel from its top to its end, and then to the next one."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.document.scene_items import Item
from app.window.tab_order import reading_order


def test_a_form_follows_what_it_is_about_though_it_is_made_anew(window: Any, qtbot: Any) -> None:
    window.registry.trigger("workspace.shell")
    window.workbench.staging.add_body("sheet", "rectangle")
    window.workbench.staging.add_body("obstacle", "ball")
    window.workbench.staging.choose(Item("sheet", "Sheet"))
    dock = window.docks["scene"]
    qtbot.waitUntil(lambda: not dock.visibleRegion().isEmpty())
    qtbot.waitUntil(lambda: "Width" in [widget.accessibleName() for widget in reading_order(window)])
    chain = list(reading_order(window))
    assert len(chain) == len(set(chain)) > 30
    places = [place for place, widget in enumerate(chain) if dock.isAncestorOf(widget)]
    assert places == list(range(places[0], places[0] + len(places))), "one goes through it at a stretch"
    names = [chain[place].accessibleName() for place in places]
    order = ["Width", "Height", "Columns", "Rows", "Position x", "Position y", "Position z", "Material", "Density"]
    assert [names.index(name) for name in order] == sorted(names.index(name) for name in order)
    assert chain.index(window.scene_panel.tree) < chain.index(chain[places[0] + names.index("Width")])


def test_tab_brings_up_a_panel_that_lies_behind_and_goes_back_the_same_way(window: Any, qtbot: Any) -> None:
    window.registry.trigger("workspace.shell")
    scene, study = window.docks["scene"], window.docks["study"]
    qtbot.waitUntil(lambda: not scene.visibleRegion().isEmpty() and study.visibleRegion().isEmpty())
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    chain = list(reading_order(window))
    first = next(place for place, widget in enumerate(chain) if study.isAncestorOf(widget))
    before, after = chain[first - 1], chain[first]
    before.setFocus()
    press(before, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is after
    qtbot.waitUntil(lambda: not study.visibleRegion().isEmpty())
    assert list(reading_order(window)) == chain, "bringing it up changes nothing of the way"
    press(after, Qt.Key.Key_Backtab)
    assert QApplication.focusWidget() is before


def press(widget: QWidget, key: Qt.Key) -> None:
    shift = Qt.KeyboardModifier.ShiftModifier if key == Qt.Key.Key_Backtab else Qt.KeyboardModifier.NoModifier
    QTest.keyClick(widget, key, shift)
