"""The window in another language: all texts extracted, each one translated into itself in brackets, and looked for on
the screen."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QMenu, QWidget
from tests_app_fakes import FakeViewport, fake_catalogue, polls

from app.window import translation

ROOT = Path(__file__).resolve().parents[3]
OPEN, CLOSE = "⟦", "⟧"
OF_QT = ("Close", "Float", "Press shortcut", "Scroll Left", "Scroll Right")
"""Texts that Qt brings, with translations of its own."""


@pytest.fixture(scope="module")
def translated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `formwright_eo.qm`, made by the tools that a translator uses."""
    folder = tmp_path_factory.mktemp("translations")
    source = folder / "formwright_eo.ts"
    subprocess.run([sys.executable, ROOT / "packaging" / "texts.py", "extract", source], check=True, timeout=60)
    tree = ET.parse(source)
    for message in tree.iter("message"):
        target = message.find("translation")
        assert target is not None
        target.attrib.pop("type", None)
        target.text = f"{OPEN}{message.findtext('source')}{CLOSE}"
    tree.write(source, encoding="utf-8", xml_declaration=True)
    release = Path(sys.executable).with_name("pyside6-lrelease")
    subprocess.run([release, source, "-qm", source.with_suffix(".qm")], check=True, timeout=60, capture_output=True)
    return folder


@pytest.fixture
def language(translated: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything that is built now is in brackets."""
    monkeypatch.setattr(translation, "folders", lambda: [translated])
    application = QApplication.instance()
    assert application is not None
    installed = translation.install_translation(application, "eo")
    assert installed
    yield
    for one in installed:
        application.removeTranslator(one)


@pytest.fixture
def window(qtbot: Any, session: Any, language: None, target: Any) -> Iterator[Any]:
    """A window in brackets, at work."""
    from app.window.main_window import MainWindow

    made = MainWindow(lambda: session, FakeViewport)  # type: ignore[arg-type]  # the fake has the methods
    qtbot.addWidget(made)
    made.show()
    made.complete()
    made.stop_timer()
    made.poll()
    made.document.add_object(target, source="/data/ball.ply")
    made.registry.trigger("run.toggle")
    polls(made, 42)
    yield made
    made.close()


def test_every_menu_and_every_command_is_translated(window: Any) -> None:
    titles = [menu.title() for menu in window.menus.values()]
    assert len(titles) > 8 and [title for title in titles if not is_translated(title)] == []
    assert [action.id for action in window.registry.all() if not is_translated(action.text)] == []
    assert [action.id for action in window.registry.all() if not is_translated(action.help or OPEN)] == []
    drawn = [action for menu in window.findChildren(QMenu) for action in menu.actions() if isinstance(action, QAction)]
    data = {entry.title for entry in fake_catalogue().terms} | {"ball.ply"}
    seen = {action.text() for action in drawn if action.text()} - data
    assert [text for text in seen if not is_translated(text)] == []


def test_what_panels_and_dialogs_say_is_translated(window: Any) -> None:
    window.registry.trigger("edit.preferences")
    for dock in window.docks.values():
        dock.show()
    window.dialogs.export_surface()
    polls(window, 4)
    catalogue = fake_catalogue()
    known = " ".join([catalogue.model_dump_json(), "ball.ply", "Formwright", "3D view", "Apache", "main", "cpu", "sdf"])
    untold = set()
    for widget in window.findChildren(QWidget):
        for text in texts_of(widget):
            plain = re.sub("<[^>]*>", " ", text)
            words = "".join(letter if letter.isalpha() else " " for letter in plain).split()
            if (
                not is_translated(text)
                and text not in OF_QT
                and any(len(word) > 3 and word not in known for word in words)
            ):
                untold.add(f"{type(widget).__name__}: {text}")
    assert sorted(untold) == []
    for dialog in (window.preferring.dialog, window.dialogs.export):
        dialog.close()


def test_parameters_are_translated_where_they_are_shown(window: Any) -> None:
    window.registry.trigger("edit.preferences")
    labels = [label.text() for label in window.preferring.dialog.findChildren(QLabel)]
    assert f"{OPEN}Theme{CLOSE}" in labels
    window.preferring.dialog.close()


def test_an_unknown_language_leaves_the_texts_as_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    application = QApplication.instance()
    assert application is not None
    monkeypatch.setattr(translation, "folders", lambda: [tmp_path])
    assert translation.install_translation(application, "eo") == []
    assert translation.install_translation(application, "no such language") == []
    (tmp_path / "formwright_eo.qm").write_bytes(b"not a translation")
    assert translation.install_translation(application, "eo") == []
    assert translation.languages() == ["en", "eo"]


def texts_of(widget: QWidget) -> list[str]:
    """Everything that a widget tells a person."""
    found = [widget.toolTip(), widget.accessibleName(), widget.windowTitle()]
    if isinstance(widget, (QAbstractButton, QLabel)):
        found.append(widget.text())
    if isinstance(widget, QLineEdit):
        found.append(widget.placeholderText())
    return [text for text in found if text]


def is_translated(text: str) -> bool:
    return OPEN in text
