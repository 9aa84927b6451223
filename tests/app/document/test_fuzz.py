"""Damaged documents: a plain message each, nothing written outside, and never another content than was saved."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from damage import KINDS, Damage, Subject, every_damage, suffer
from documents import content

from app.document.file import open_document, save_document
from app.document.project import geometry_arrays


def save(path: Path) -> None:
    save_document(path, content())


def open_whole(path: Path) -> object:
    """Read everything, a Run's files too, as the window does."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        opened = open_document(path, run_folder=Path(folder))
    for item in opened.content.project.objects:
        first, *_ = geometry_arrays(item.geometry)
        assert np.isfinite(first).all()
    return opened


DOCUMENT = Subject("document", ".formwright", save, open_whole)


def put_through(damages_of: Iterator[Damage], folder: Path) -> Counter[str]:
    inside = Path(tempfile.mkdtemp(dir=folder))
    happened: Counter[str] = Counter()
    for _, damaged in damages_of:
        happened["opened" if suffer(DOCUMENT, damaged, inside) == "opened" else "refused"] += 1
    return happened


@pytest.fixture
def sound(tmp_path: Path) -> bytes:
    DOCUMENT.build(tmp_path / "sound.formwright")
    return (tmp_path / "sound.formwright").read_bytes()


def test_a_document_suffers_every_damage(sound: bytes, tmp_path: Path) -> None:
    """A share of the attacks, evenly: the slow test makes them all."""
    happened = put_through(islice(every_damage(sound, 1, 4 * len(KINDS)), 0, None, 7), tmp_path)
    assert happened.total() >= 200 and happened["refused"] > 0.5 * happened.total()


@pytest.mark.slow
def test_many_more_of_them(sound: bytes, tmp_path: Path) -> None:
    happened = put_through(every_damage(sound, 2, 100 * len(KINDS)), tmp_path)
    assert happened.total() >= 2000
