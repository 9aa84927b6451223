"""What a person reads in the window goes through tr(), and all of it can be translated."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def texts(repository: Path) -> ModuleType:
    sys.path.insert(0, str(repository / "packaging"))
    try:
        import texts
    finally:
        sys.path.pop(0)
    return texts


def test_every_text_goes_through_tr(texts: ModuleType) -> None:
    assert [str(finding) for path in texts.sources() for finding in texts.untranslated(path)] == []


@pytest.mark.parametrize(
    "code",
    [
        'label.setText("Ready")',
        'label.setToolTip(f"Open {name}")',
        'QPushButton(icon("run"), "Run", self)',
        'button.setText("Run" if there else self.tr("Pause"))',
        'Action("file.open", "Open…", do, "File")',
        'Action("file.open", tr("Open…"), do, "File", help="Open a file")',
        'Message(self.tr("It failed."), "Try again.")',
        'notices.noted("Saved {0}".format(name))',
        'tasks.do(work, done, failed, title="Exporting")',
        'label.setText("Ready " + name)',
        'label.setText(parent.tr("Ready"))',
    ],
)
def test_a_text_that_is_shown_as_it_is_written_is_found(
    texts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(texts, "ROOT", tmp_path)
    (tmp_path / "file.py").write_text(code)
    assert len(texts.untranslated(tmp_path / "file.py")) == 1


@pytest.mark.parametrize(
    "code",
    [
        'label.setText(self.tr("Ready"))',
        'label.setText(self.tr("{0} mm").format(size))',
        'label.setText(f"{size:.3g} mm")',
        'Action("file.open", tr("Open…"), do, "File", "Ctrl+O", "open")',
        'box.addItem(title, "system")',
        'label.setText(f"<b>{name}</b>")',
        'button.setProperty("card", True)',
    ],
)
def test_what_is_translated_or_no_word_is_left_alone(
    texts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(texts, "ROOT", tmp_path)
    (tmp_path / "file.py").write_text(code)
    assert texts.untranslated(tmp_path / "file.py") == []


def test_what_is_translated_already_stays_when_the_texts_are_extracted_again(texts: ModuleType, tmp_path: Path) -> None:
    target = tmp_path / "formwright_de.ts"
    count = texts.extract(target)
    empty = target.read_text(encoding="utf-8")
    assert count > 400 and empty.count("<message>") == count == empty.count('type="unfinished"')
    source = "<source>Open…</source>\n      <translation"
    assert source in empty
    target.write_text(empty.replace(f'{source} type="unfinished" />', f"{source}>Öffnen…</translation>"), "utf-8")
    assert texts.extract(target) == count
    again = target.read_text(encoding="utf-8")
    assert again.count("Öffnen…</translation>") >= 1 and again.count('type="unfinished"') < count
