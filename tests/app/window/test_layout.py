"""Docks: seldom ones wait out of sight, nothing stands about where they were, and a small screen is enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, QRect, QSettings
from PySide6.QtWidgets import QTabBar, QToolButton, QWidget
from tests_app_fakes import FakeViewport

from app.panels.error_bar import Message
from app.window.docks import RARE
from app.window.main_window import PANELS_OF_TOOLS, MainWindow


def tabs(window: Any) -> list[list[str]]:
    """The titles of every row of tabs that is seen."""
    bars = [bar for bar in window.findChildren(QTabBar) if bar.isVisible() and bar.count() > 1]
    return [[bar.tabText(index) for index in range(bar.count())] for bar in bars]


def test_seldom_docks_are_hidden_and_leave_no_tabs_behind(window: Any, qtbot: Any) -> None:
    assert all(window.docks[name].isHidden() for name in RARE)
    assert not any("Log" in titles or "History" in titles for titles in tabs(window))
    for name in RARE:
        window.registry.trigger(f"panel.{name}")
        qtbot.waitUntil(lambda name=name: not window.docks[name].visibleRegion().isEmpty())
    assert ["History", "Tasks", "Log"] in tabs(window)
    for name in reversed(RARE):
        window.show_dock(name)
        qtbot.waitUntil(lambda name=name: not window.docks[name].visibleRegion().isEmpty())
        window.registry.trigger(f"panel.{name}")
    qtbot.waitUntil(lambda: not any("Log" in titles or "History" in titles for titles in tabs(window)))


def test_reset_layout_hides_them_again(window: Any, qtbot: Any) -> None:
    window.registry.trigger("panel.log")
    window.docks["study"].hide()
    window.registry.trigger("view.reset-layout")
    qtbot.wait(20)
    assert all(window.docks[name].isHidden() for name in RARE) and window.docks["study"].isVisible()


def test_a_small_screen_is_enough(running: Any, qtbot: Any) -> None:
    smallest = running.minimumSizeHint()
    assert smallest.width() <= 1024 and smallest.height() <= 700
    running.resize(1024, 700)
    qtbot.waitUntil(lambda: running.height() == 700)
    strip = running.tool_strip
    buttons = strip.findChildren(QToolButton)
    assert len(buttons) > 8
    qtbot.waitUntil(lambda: all(strip.rect().contains(button.geometry()) for button in buttons))


def test_the_empty_middle_of_a_small_window_cuts_nothing_off(window: Any, qtbot: Any) -> None:
    window.registry.trigger("workspace.shell")
    page = window.empty_state
    for size in ((1024, 700), (1440, 900)):
        window.resize(*size)
        qtbot.waitUntil(lambda size=size: (window.width(), window.height()) == size)
        qtbot.waitUntil(lambda: page.width() > 1 and page.layout().geometry().width() <= page.width())
        seen = [widget for widget in page.findChildren(QWidget) if widget.isVisible()]
        assert len(seen) >= 5
        for widget in seen:
            corner = widget.mapTo(page, QPoint(0, 0))
            assert page.rect().contains(QRect(corner, widget.size())), (size, widget)
    assert page._outline.isVisible(), "there is room again"


def test_a_seldom_dock_that_was_open_is_open_again(qtbot: Any, session: Any, tmp_path: Path) -> None:
    def make() -> Any:
        settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
        window = MainWindow(lambda: session, FakeViewport, settings=settings)  # type: ignore[arg-type]  # a fake
        qtbot.addWidget(window)
        window.show()
        return window

    first = make()
    first.registry.trigger("panel.log")
    qtbot.waitUntil(lambda: not first.docks["log"].visibleRegion().isEmpty())
    first.close()
    second = make()
    assert not second.docks["log"].isHidden() and second.docks["tasks"].isHidden()
    second.close()


def test_a_message_does_not_move_the_tools(running: Any, qtbot: Any) -> None:
    running.resize(1440, 900)
    qtbot.waitUntil(lambda: running.height() == 900)
    buttons = [button for button in running.tool_strip.findChildren(QToolButton) if button.isVisible()]
    before = [button.mapTo(running, button.rect().center()) for button in buttons]
    assert len({place.x() for place in before}) == 1  # one column
    offers = tuple((f"A repair with a long name {number}", lambda: None) for number in range(3))
    running.error_bar.show_message(Message("A file has many holes.", "The study runs.", offers=offers))
    qtbot.waitUntil(lambda: running.viewport.mapTo(running, QPoint()).y() > running.menuBar().height() + 30)
    assert [button.mapTo(running, button.rect().center()) for button in buttons] == before


def test_a_tool_brings_its_panel(running: Any, qtbot: Any) -> None:
    docks = running.docks
    for tool, name in PANELS_OF_TOOLS.items():
        docks["gallery"].raise_()
        qtbot.waitUntil(lambda: not docks["gallery"].visibleRegion().isEmpty())
        running.registry.trigger(f"tool.{tool}")
        qtbot.waitUntil(lambda name=name: not docks[name].visibleRegion().isEmpty())
    docks["selections"].hide()
    running.registry.trigger("tool.select")
    qtbot.wait(20)
    assert docks["selections"].isHidden()  # whoever closed it wants it closed


def test_the_selections_panel_says_by_what_one_selects(running: Any) -> None:
    tools = running.selections.tools
    assert tools.text() == "Select by…"
    menu = {action.text(): action for action in tools.menu().actions()}
    menu["By lasso"].trigger()
    assert (running.viewing.tool, running.viewing.select_mode) == ("select", "lasso")
    assert tools.text() == "Select by lasso"
    running.registry.trigger("tool.navigate")
    assert tools.text() == "Select by…"


def test_nothing_of_the_study_is_cut_off_on_a_small_screen(running: Any, qtbot: Any) -> None:
    running.resize(1024, 700)
    qtbot.waitUntil(lambda: running.width() == 1024)
    offers = tuple((f"A repair with a name {number}", lambda: None) for number in range(3))
    running.error_bar.show_message(Message("A file has many holes.", "The study runs.", offers=offers))
    running.compare_bar.show()
    qtbot.wait(50)
    study = running.study
    assert (running.width(), running.height()) == (1024, 700)  # the bars do not make the window larger
    assert study.widget().width() <= study.viewport().width()


def test_a_note_and_a_task_do_not_lie_over_each_other(running: Any, qtbot: Any) -> None:
    line = running.status_line
    line.hide()  # as before the first paint
    line.say("first is the target now")
    line.show()
    holder = line._text.parentWidget()
    assert not holder.isVisible()
    line.clearMessage()
    assert holder.isVisible()
