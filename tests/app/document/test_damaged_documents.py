"""Damaged documents: each opens to finite numbers or is refused in plain words, and nothing is written elsewhere."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from damage import KINDS, Subject, every_damage, suffer
from documents import content, run_files

from app.document.file import open_document, save_document
from app.document.project import geometry_arrays


def build(path: Path) -> None:
    folder, note = run_files(path.parent / f"run of {path.stem}")
    save_document(path, content(run=note), run_folder=folder)


def open_whole(path: Path) -> object:
    """Read everything, the Run's files too, as the window does."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        opened = open_document(path, run_folder=Path(folder))
    for item in opened.content.project.objects:
        first, *_ = geometry_arrays(item.geometry)
        assert np.isfinite(first).all()
    return opened


SUBJECT = Subject("document", ".formwright", build, open_whole)


def put_through(folder: Path, seed: int, count: int) -> Counter[str]:
    sound = folder / "sound.formwright"
    build(sound)
    inside = Path(tempfile.mkdtemp(dir=folder))
    happened: Counter[str] = Counter()
    for kind, damaged in every_damage(sound.read_bytes(), seed, count):
        began = time.process_time()
        said = suffer(SUBJECT, damaged, inside)
        assert time.process_time() - began < 5.0, kind
        happened["opened" if said == "opened" else "refused"] += 1
    return happened


def test_documents_suffer_every_damage(tmp_path: Path) -> None:
    happened = put_through(tmp_path, 7, 5 * len(KINDS))
    assert happened.total() >= 500
    assert happened["refused"] > 0.5 * happened.total()


@pytest.mark.slow
def test_many_more_of_them(tmp_path: Path) -> None:
    assert put_through(tmp_path, 2, 100 * len(KINDS)).total() >= 2000
