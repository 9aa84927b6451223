"""Draws menus, tool bars and shortcuts from the actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QToolBar, QWidget

from app.actions.action import Action
from app.actions.shortcuts import Shortcuts
from app.actions.texts import menu_titles
from app.panels.icons import icon


class ActionRegistry(QObject):
    """The window's actions as QActions, kept in step with the state of the window by `refresh`.

    ready : called before any action is asked or carried out; False while the window is not furnished
    shortcuts : what a person has set in place of the actions' own
    """

    def __init__(
        self,
        window: QWidget,
        ready: Callable[[], bool] = lambda: True,
        shortcuts: Shortcuts | None = None,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._ready = ready
        self.shortcuts = shortcuts or Shortcuts()
        self.shortcuts.changed.subscribe(self._shortcut_changed)
        self._actions: dict[str, Action] = {}
        self._drawn: dict[str, QAction] = {}
        self._lent = ""

    def add(self, actions: Iterable[Action]) -> None:
        """Register actions; ids are unique, shortcuts too."""
        for action in actions:
            if action.id in self._actions:
                raise ValueError(f"the action {action.id} is registered twice")
            self._actions[action.id] = action
            self.shortcuts.declare(action.id, action.shortcut)
            self._drawn[action.id] = self._draw(action)

    def all(self) -> list[Action]:
        return list(self._actions.values())

    def action(self, id: str) -> Action:
        return self._actions[id]

    def drawn(self, id: str) -> QAction:
        """The QAction of `id`, for buttons."""
        return self._drawn[id]

    def trigger(self, id: str) -> None:
        """Do it, if it can be done now."""
        action = self._actions[id]
        if self._ready() and action.usable:
            action.callback()
            self.refresh()

    def lend(self, keys: str) -> None:
        """Keys that for now belong to what has the focus, whatever action has them; "" for none."""
        if keys != self._lent:
            before, self._lent = self._lent, keys
            for id in {self.shortcuts.taken_by(text) for text in (before, keys) if text} - {""}:
                self._shortcut_changed(id)

    def fill_menus(self, bar: QMenuBar) -> dict[str, QMenu]:
        """Every menu by its name, with its actions in the order of registration; a menu within another stands where
        its first action was registered."""
        menus: dict[str, QMenu] = {}
        titles = menu_titles()
        for name, title in titles.items():
            if "/" not in name:
                menus[name] = _named(bar.addMenu(title), title)
                menus[name].aboutToShow.connect(self.refresh)
        group: dict[str, str] = {}
        for action in self._actions.values():
            if not action.menu:
                continue
            name, _, within = action.menu.partition("/")
            if group.setdefault(name, action.group) != action.group:
                menus[name].addSeparator()
                group[name] = action.group
            if within and action.menu not in menus:
                menus[action.menu] = _named(menus[name].addMenu(titles[action.menu]), titles[action.menu])
            menus[action.menu].addAction(self._drawn[action.id])
        return menus

    def fill(self, target: QToolBar, actions: Iterable[Action]) -> None:
        """Add actions to a tool bar, a separator between groups."""
        group: str | None = None
        for action in actions:
            if group is not None and action.group != group:
                target.addSeparator()
            group = action.group
            target.addAction(self._drawn[action.id])

    def refresh(self) -> None:
        """Ask every action anew whether it can be done, how it is called and whether it is on."""
        if not self._ready():
            return
        for id, action in self._actions.items():
            drawn = self._drawn[id]
            drawn.setEnabled(action.usable)
            drawn.setText(action.text)
            if action.why_not is not None:
                why = action.why_not()
                drawn.setToolTip(why or self._tooltip(action))
                drawn.setStatusTip(why)
            if action.checked is not None:
                drawn.setChecked(action.checked())

    def _draw(self, action: Action) -> QAction:
        drawn = QAction(icon(action.icon), action.text, self._window)
        drawn.setObjectName(action.id)
        drawn.setShortcuts(self._sequences(action.id))
        drawn.setToolTip(self._tooltip(action))
        drawn.setCheckable(action.checked is not None)
        drawn.setEnabled(action.enabled is None)
        drawn.triggered.connect(lambda _=False, id=action.id: self.trigger(id))
        self._window.addAction(drawn)
        return drawn

    def _shortcut_changed(self, id: str) -> None:
        self._drawn[id].setShortcuts(self._sequences(id))
        self._drawn[id].setToolTip(self._tooltip(self._actions[id]))

    def _sequences(self, id: str) -> list[QKeySequence]:
        return [QKeySequence(text) for text in self.shortcuts.of(id) if text != self._lent]

    def _tooltip(self, action: Action) -> str:
        shortcut = self.shortcuts.shown(action.id)
        return (action.help or action.text) + (f" ({shortcut})" if shortcut else "")


def _named(menu: QMenu, title: str) -> QMenu:
    menu.setAccessibleName(title)
    menu.setToolTipsVisible(True)
    return menu
