"""Actions, fuzzy search and the palette."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt

from app.actions.action import Action
from app.actions.fuzzy import score, search
from app.actions.registry import ActionRegistry
from app.document.project import Selection


def test_letters_must_come_in_order() -> None:
    assert score("rn", "Run") > 0
    assert score("nr", "Run") == 0


def test_beginnings_of_words_and_runs_of_letters_come_first() -> None:
    titles = ["Copy diagnostics", "Back to now", "Continue from here", "Frame"]
    assert search("fr", titles, str)[0] == "Frame"
    assert search("cd", titles, str)[0] == "Copy diagnostics"
    assert search("", titles, str) == titles


@given(st.text(alphabet="abc ", max_size=6), st.text(alphabet="abcd ", max_size=12))
def test_a_text_fits_when_the_query_is_a_subsequence_of_it(query: str, text: str) -> None:
    letters = iter(text.lower())
    subsequence = all(letter in letters for letter in query.replace(" ", ""))
    assert (score(query, text) > 0) == subsequence


def test_an_id_is_registered_once(window: Any) -> None:
    registry = ActionRegistry(window)
    registry.add([Action("a.b", "A", lambda: None)])
    with pytest.raises(ValueError, match=r"a\.b"):
        registry.add([Action("a.b", "B", lambda: None)])


def test_no_shortcut_is_taken_twice_or_begins_another(window: Any) -> None:
    shortcuts = window.registry.shortcuts
    taken = [(action.id, text) for action in window.registry.all() for text in shortcuts.of(action.id)]
    assert len(taken) > 20
    assert [(id, text) for id, text in taken if shortcuts.taken_by(text, other_than=id)] == []


def test_every_action_with_a_menu_is_in_it_once(window: Any) -> None:
    for action in window.registry.all():
        if action.menu:
            drawn = window.registry.drawn(action.id)
            assert window.menus[action.menu].actions().count(drawn) == 1


def test_an_action_that_cannot_be_done_is_not_done(window: Any) -> None:
    done: list[str] = []
    window.registry.add([Action("test.never", "Never", lambda: done.append("x"), enabled=lambda: False)])
    window.registry.trigger("test.never")
    window.registry.refresh()
    assert done == [] and not window.registry.drawn("test.never").isEnabled()


def test_the_palette_finds_parameters_and_does_commands(window: Any, qtbot: Any) -> None:
    palette = window.palette_of_commands
    window.open_palette()
    qtbot.keyClicks(palette.field, "thick")
    assert palette.titles()[0] == "Thickness"
    palette.field.clear()
    qtbot.keyClicks(palette.field, "edges")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert window.viewing.wireframe and not palette.isVisible()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.viewing.set_tool("brush")
    window.open_palette()
    qtbot.keyClick(palette.field, Qt.Key.Key_Escape)
    assert not palette.isVisible() and window.viewing.tool == "brush"


def test_the_palette_finds_what_is_open_and_other_studies(running: Any, qtbot: Any) -> None:
    palette, document = running.palette_of_commands, running.document
    points = document.objects[0].geometry.vertices
    selection = Selection("nose", document.objects[0].name, np.ones(len(points), np.float32))
    document.change("keep nose", document.project.with_selection(selection))
    running.open_palette()
    qtbot.keyClicks(palette.field, "nose")
    assert palette.titles()[0] == "nose"
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    working = document.project.selection("")
    assert working is not None and working.of == document.objects[0].name
    running.open_palette()
    qtbot.keyClicks(palette.field, "ball.ply")
    assert palette.titles()[0] == "ball.ply"
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert document.selected == "ball.ply"
    running.open_palette()
    qtbot.keyClicks(palette.field, "reconstruct study")
    assert palette.titles()[0] == "Reconstruct"
