"""Every control has a name for screen readers and is reached by the keyboard: asked of the whole window, everything
that can be opened open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QDockWidget,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QMenu,
    QMenuBar,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QScrollBar,
    QTabBar,
    QToolButton,
    QWidget,
)
from tests_app_fakes import polls

from app.panels.error_bar import Message

OPERATED = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QKeySequenceEdit,
    QLineEdit,
    QPlainTextEdit,
)
"""What a person operates."""
TOLD = (*OPERATED, QProgressBar, QDockWidget, QDialog, QMenu)
"""What a screen reader says the name of."""
MOST_TABS = 400


@pytest.fixture
def opened(running: Any, qtbot: Any) -> Iterator[Any]:
    """A window with all its docks, dialogs and bars in sight."""
    for dock in running.docks.values():
        dock.show()
    running.tasks.begin("Exporting nut.stl", cancel=lambda: None)
    running.tasks.begin("Saving")
    offers = (("Weld vertices", lambda: None),)
    running.error_bar.show_message(Message("Something is odd.", "Mend it.", "Details of it", offers=offers))
    running.error_bar.findChild(QPushButton, "details").click()
    for button in running.findChildren(QToolButton):
        if button.isCheckable() and button.arrowType() != Qt.ArrowType.NoArrow:
            button.setChecked(True)  # what is folded
    polls(running, 4)
    running.dialogs.export_surface()
    running.registry.trigger("edit.preferences")
    polls(running, 4)
    running.open_palette()
    yield running
    for dialog in running.findChildren(QDialog):
        dialog.close()


def test_every_control_has_a_name(opened: Any) -> None:
    nameless = [
        where(widget)
        for widget in opened.findChildren(QWidget)
        if isinstance(widget, TOLD) and not is_part_of_qt(widget) and not widget.accessibleName().strip()
    ]
    assert nameless == []


def test_a_button_with_no_words_has_a_tooltip(opened: Any) -> None:
    silent = [
        where(button)
        for button in opened.findChildren(QAbstractButton)
        if not is_part_of_qt(button) and not button.toolTip() and (not button.text() or is_only_an_icon(button))
    ]
    assert silent == []


def test_every_control_takes_the_focus_or_is_a_command(opened: Any) -> None:
    commands = {opened.registry.drawn(action.id) for action in opened.registry.all() if action.menu}
    unreachable = [
        where(widget)
        for widget in opened.findChildren(QWidget)
        if isinstance(widget, OPERATED)
        and not is_part_of_qt(widget)
        and not widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not (isinstance(widget, QToolButton) and widget.defaultAction() in commands)
        and not (isinstance(widget, QAbstractButton) and has_same_command(opened, widget))
    ]
    assert unreachable == []


def test_tab_goes_round_through_every_control_and_is_held_by_none(opened: Any, qtbot: Any) -> None:
    opened.palette_of_commands.hide()
    for window, least in ((opened, 40), (opened.preferring.dialog, 6), (opened.dialogs.export, 6)):
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        visited = tab_through(window)
        missed = [
            where(widget)
            for widget in window.findChildren(QWidget)
            if isinstance(widget, OPERATED)
            and widget.window() is window
            and widget.isVisible()
            and widget.isEnabled()
            and not is_part_of_qt(widget)
            and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            and widget not in visited
        ]
        assert missed == [] and len(visited) >= least, len(visited)


def test_a_menu_is_opened_and_left_by_the_keyboard(opened: Any, qtbot: Any) -> None:
    opened.palette_of_commands.hide()
    opened.activateWindow()
    qtbot.waitUntil(opened.isActiveWindow)
    QTest.keyClick(opened.menuBar(), Qt.Key.Key_F10)
    for name, menu in opened.menus.items():
        assert menu.accessibleName() and menu.title(), name
        words = [action.text() for action in menu.actions() if not action.isSeparator()]
        assert all(words) and max(Counter(words).values()) == 1, f"{name}: {words}"


def test_no_keys_have_two_meanings(opened: Any) -> None:
    taken = Counter(
        keys.toString() for action in opened.findChildren(QAction) for keys in action.shortcuts() if keys.toString()
    )
    assert [keys for keys, count in taken.items() if count > 1] == []
    everywhere = Qt.ShortcutContext.WindowShortcut, Qt.ShortcutContext.ApplicationShortcut
    wide = [one.key().toString() for one in opened.findChildren(QShortcut) if one.context() in everywhere]
    assert [keys for keys in wide if keys in taken] == []


def tab_through(window: QWidget) -> set[QWidget]:
    """Every widget that has the focus while Tab is pressed until it comes round."""
    visited: set[QWidget] = set()
    count = 0
    for _ in range(MOST_TABS):
        now = QApplication.focusWidget() or window
        QTest.keyClick(now, Qt.Key.Key_Tab)
        after = QApplication.focusWidget()
        assert after is not None and after is not now, f"{where(now)} holds the focus"
        count = count + 1 if after in visited else 0
        visited.add(after)
        if count > len(visited):
            break
    return visited


def is_part_of_qt(widget: QWidget) -> bool:
    """Inner parts of Qt's own widgets, which those speak for, and what the menu bar and the docks bring along."""
    parent = widget.parentWidget()
    inner = isinstance(parent, (QComboBox, QAbstractSpinBox, QKeySequenceEdit, QLineEdit, QDockWidget, QTabBar))
    return (
        inner
        or isinstance(widget, (QScrollBar, QLabel))
        or widget.objectName().startswith("qt_")
        or isinstance(widget, QHeaderView)
        or (isinstance(widget, QMenu) and parent is not None and is_for_a_narrow_bar(widget, parent))
        or (parent is not None and isinstance(parent.parentWidget(), QComboBox))
    )


def is_for_a_narrow_bar(menu: QMenu, parent: QWidget) -> bool:
    """What a bar that is too narrow puts the rest of its actions into."""
    return isinstance(parent, QMenuBar) and not menu.title()


def is_only_an_icon(button: QAbstractButton) -> bool:
    style = button.toolButtonStyle() if isinstance(button, QToolButton) else Qt.ToolButtonStyle.ToolButtonTextBesideIcon
    return style == Qt.ToolButtonStyle.ToolButtonIconOnly and not button.icon().isNull()


def has_same_command(window: Any, button: QAbstractButton) -> bool:
    """There is a command of the same name in a menu."""
    name = button.accessibleName()
    return any(action.menu and action.text == name for action in window.registry.all())


def where(widget: QWidget) -> str:
    """The widget, its name, and what it stands in."""
    names = []
    parent = widget.parentWidget()
    while parent is not None:
        names.append(type(parent).__name__)
        parent = parent.parentWidget()
    title = widget.title() if isinstance(widget, QMenu) else widget.objectName()
    return f"{type(widget).__name__} {widget.accessibleName() or title!r} in {' in '.join(names[:4])}"
