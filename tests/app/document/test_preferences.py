"""Preferences: typed, kept whole, and never a reason not to start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.document.preferences import SECTIONS, KeptPreferences, Preferences
from app.document.settings_file import SettingsFile
from engine.core.errors import ParameterError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "preferences.json"


def test_what_is_set_is_there_again_and_defaults_are_not_written(path: Path) -> None:
    first = KeptPreferences(SettingsFile(path))
    told: list[str] = []
    first.changed.subscribe(told.append)
    first.set("theme", "dark")
    first.set("undo_memory", 128)
    first.set("undo_memory", 512)
    first.set("theme", "dark")
    assert told == ["theme", "undo_memory", "undo_memory"]
    assert json.loads(path.read_text()) == {"theme": "dark"}
    again = KeptPreferences(SettingsFile(path))
    assert again.values.theme == "dark" and again.values.undo_memory == 512 and not again.problems
    again.reset()
    assert json.loads(path.read_text()) == {}


def test_what_another_version_has_set_is_kept(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps({"from_the_future": [1, 2], "theme": "light"}))
    KeptPreferences(SettingsFile(path)).set("digits", 6)
    assert json.loads(path.read_text()) == {"from_the_future": [1, 2], "theme": "light", "digits": 6}


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe\x00", b"null", b"[" * 100_000])
def test_a_damaged_file_is_put_aside_and_said(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    preferences = KeptPreferences(SettingsFile(path))
    assert preferences.values == Preferences() and "damaged" in preferences.problems[0]
    assert path.with_name("preferences.json.damaged").read_bytes() == content
    preferences.set("theme", "dark")
    assert json.loads(path.read_text()) == {"theme": "dark"}


def test_a_value_that_makes_no_sense_counts_as_not_set(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"theme": "pink", "undo_memory": -3, "digits": 5, "device": "abacus"}')
    preferences = KeptPreferences(SettingsFile(path))
    assert preferences.values == Preferences(digits=5) and len(preferences.problems) == 3


def test_a_value_out_of_range_is_refused_and_changes_nothing(path: Path) -> None:
    preferences = KeptPreferences(SettingsFile(path))
    for name, value in (("digits", 40), ("undo_memory", float("nan")), ("theme", "pink"), ("device", "abacus")):
        with pytest.raises(ParameterError):
            preferences.set(name, value)
    assert preferences.values == Preferences() and not path.exists()


def test_a_folder_that_cannot_be_written_keeps_nobody_from_working(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    file = SettingsFile(tmp_path / "file" / "preferences.json")
    preferences = KeptPreferences(file)
    preferences.set("theme", "dark")
    assert preferences.values.theme == "dark" and file.get("theme") == "dark" and file.problem


def test_every_preference_stands_on_one_page_and_explains_itself() -> None:
    names = [name for section in SECTIONS.values() for name in section]
    assert sorted(names) == sorted(Preferences.model_fields)
    assert all(field.title and field.description for field in Preferences.model_fields.values())


def test_the_theme_is_known_before_anything_heavy_is_imported() -> None:
    code = (
        "import sys; from app.document.settings_file import SettingsFile; SettingsFile().get('theme');"
        "print([name for name in ('numpy', 'pydantic', 'PySide6') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
