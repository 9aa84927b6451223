"""Damaged documents: each opens or is refused in plain words, and nothing is written where it should not."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from damage import KINDS, Subject, every_damage, suffer
from documents import content, run_files

from app.document.file import open_document, save_document


def build(path: Path) -> None:
    folder, note = run_files(path.parent / f"run of {path.stem}")
    save_document(path, content(run=note), run_folder=folder)


def open_with_run(path: Path) -> object:
    return open_document(path, run_folder=path.parent / "run")


SUBJECT = Subject("document", ".formwright", build, open_with_run)


def put_through(folder: Path, seed: int, count: int) -> Counter[str]:
    sound = folder / "sound.formwright"
    build(sound)
    inside = Path(tempfile.mkdtemp(dir=folder))
    happened: Counter[str] = Counter()
    for kind, damaged in every_damage(sound.read_bytes(), seed, count):
        began = time.monotonic()
        said = suffer(SUBJECT, damaged, inside)
        assert time.monotonic() - began < 5.0, kind
        happened["opened" if said == "opened" else "refused"] += 1
    return happened


def test_documents_suffer_every_damage(tmp_path: Path) -> None:
    happened = put_through(tmp_path, 7, 5 * len(KINDS))
    assert happened.total() >= 500
    assert happened["refused"] > 0.7 * happened.total()


@pytest.mark.slow
def test_many_more_of_them(tmp_path: Path) -> None:
    for seed in range(10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        assert put_through(folder, seed, 200)["refused"]
