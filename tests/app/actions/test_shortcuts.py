"""Shortcuts that a person sets: kept, in force at once, and never two commands for the same keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.actions.shortcuts import Shortcuts
from app.document.settings_file import SettingsFile

OWN = {"a.open": "Ctrl+O", "a.undo": "Ctrl+Z; Ctrl+U", "a.none": "", "a.run": "Space"}


def shortcuts(path: Path | None = None) -> Shortcuts:
    made = Shortcuts(SettingsFile(path))
    for id, own in OWN.items():
        made.declare(id, own)
    return made


def test_keys_that_are_assigned_are_taken_from_whoever_had_them(tmp_path: Path) -> None:
    path = tmp_path / "preferences.json"
    first = shortcuts(path)
    told: list[str] = []
    first.changed.subscribe(told.append)
    assert first.taken_by("Ctrl+U") == "a.undo" and first.taken_by("Ctrl+U", other_than="a.undo") == ""
    first.set("a.none", ["Ctrl+U"])
    assert told == ["a.undo", "a.none"]
    again = shortcuts(path)
    assert again.of("a.none") == ["Ctrl+U"] and again.of("a.undo") == ["Ctrl+Z"] and again.of("a.open") == ["Ctrl+O"]
    assert not again.is_own("a.undo") and again.is_own("a.open")
    again.reset("a.undo")
    assert again.of("a.undo") == ["Ctrl+Z"], "Ctrl+U stays where a person has put it"
    again.reset_all()
    assert again.of("a.undo") == ["Ctrl+Z", "Ctrl+U"] and again.of("a.none") == []
    assert json.loads(path.read_text()) == {}


def test_a_shortcut_that_begins_another_collides_with_it() -> None:
    made = shortcuts()
    made.set("a.none", ["Ctrl+K, Ctrl+S"])
    assert made.taken_by("Ctrl+K") == "a.none" and made.taken_by("Ctrl+K, Ctrl+S") == "a.none"
    assert made.taken_by("Ctrl+K, Ctrl+T") == ""


def test_shortcuts_of_commands_that_this_version_lacks_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "preferences.json"
    path.write_text('{"shortcuts": {"new.thing": "F9", "a.open": "F2", "a.run": 7, "a.undo": "no such key"}}')
    made = shortcuts(path)
    assert made.of("a.open") == ["F2"] and made.of("a.run") == ["Space"] and made.of("a.undo") == ["Ctrl+Z", "Ctrl+U"]
    made.set("a.none", ["F3"])
    assert json.loads(path.read_text())["shortcuts"]["new.thing"] == "F9"


KEYS = ("Ctrl+O", "Ctrl+Z", "Ctrl+U", "Space", "F2", "Ctrl+K, A", "Ctrl+K")


@given(
    st.lists(
        st.tuples(st.sampled_from(["set", "remove", "reset"]), st.sampled_from(sorted(OWN)), st.sampled_from(KEYS))
    )
)
def test_whatever_is_set_no_keys_have_two_commands(steps: list[tuple[str, str, str]]) -> None:
    made = shortcuts()
    for what, id, keys in steps:
        if what == "set":
            made.set(id, [keys])
        elif what == "remove":
            made.set(id, [])
        else:
            made.reset(id)
    taken = [(id, text) for id in OWN for text in made.of(id)]
    assert [(id, text) for id, text in taken if made.taken_by(text, other_than=id)] == []


@pytest.fixture
def editor(window: Any, qtbot: Any) -> Any:
    window.registry.trigger("edit.shortcuts")
    return window.preferring.dialog.page()


def test_pressed_keys_act_at_once(window: Any, editor: Any, qtbot: Any) -> None:
    editor.choose("view.wireframe")
    qtbot.keyClick(editor.keys, Qt.Key.Key_F7)
    assert editor.assign.isEnabled() and not editor.note.text()
    qtbot.mouseClick(editor.assign, Qt.MouseButton.LeftButton)
    window.preferring.dialog.close()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    assert not window.viewing.wireframe
    QTest.keyClick(window, Qt.Key.Key_W)
    assert not window.viewing.wireframe, "W has been given up"
    QTest.keyClick(window, Qt.Key.Key_F7)
    assert window.viewing.wireframe
    assert "(F7)" in window.registry.drawn("view.wireframe").toolTip()


def test_keys_that_are_taken_name_who_has_them(window: Any, editor: Any, qtbot: Any) -> None:
    editor.choose("view.wireframe")
    qtbot.keyClick(editor.keys, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    assert "Open…" in editor.note.text()
    qtbot.mouseClick(editor.assign, Qt.MouseButton.LeftButton)
    shortcuts = window.registry.shortcuts
    assert shortcuts.of("file.open") == [] and shortcuts.of("view.wireframe") == ["Ctrl+O"]
    qtbot.mouseClick(editor.reset_one, Qt.MouseButton.LeftButton)
    assert shortcuts.of("view.wireframe") == ["W"] and not window.registry.drawn("file.open").shortcuts()
    editor.choose("view.wireframe")
    qtbot.mouseClick(editor.remove, Qt.MouseButton.LeftButton)
    assert shortcuts.of("view.wireframe") == []
    editor.reset()
    assert shortcuts.of("file.open") == ["Ctrl+O"] and shortcuts.of("view.wireframe") == ["W"]


def test_a_button_keeps_space_also_where_space_belongs_to_another_command(window: Any, qtbot: Any) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.registry.shortcuts.set("view.wireframe", ["Space"])
    button = window.menuBar().cornerWidget()
    button.setFocus()
    assert not window.registry.drawn("view.wireframe").shortcuts()
    window.setFocus()
    button.clearFocus()
    assert [keys.toString() for keys in window.registry.drawn("view.wireframe").shortcuts()] == ["Space"]
