"""Damaged files of every kind: no crash, no hang, and a plain message each. Every seed is fixed."""

from __future__ import annotations

import base64
import functools
import json
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from damage import KINDS, Subject, every_damage, suffer

from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io.loader import load, shut_down

ROOM = 1 << 30
"""Bytes that a reader of these small files may take."""
NATIVE = ("vtp", "scan vtp", "vtk", "vti", "vtu", "scan laz", "scan e57")
"""Kinds whose library is native code, which on some damage ends its process or goes round for ever: the loader's
process, that is, and nobody else's."""


@pytest.fixture(scope="module", autouse=True)
def no_process_stays() -> object:
    yield
    shut_down()


def open_file(path: Path) -> Mesh | Points:
    found = load(path, memory=ROOM)
    assert np.isfinite(found.bounds).all()
    return found  # type: ignore[return-value]  # or a Volume


def write_gltf(glb: Path, path: Path) -> None:
    """The same scene as text, its buffer inside."""
    content = glb.read_bytes()
    length = int.from_bytes(content[12:16], "little")
    scene = json.loads(content[20 : 20 + length])
    scene["buffers"][0]["uri"] = "data:application/octet-stream;base64," + base64.b64encode(
        content[28 + length :]
    ).decode("ascii")
    path.write_text(json.dumps(scene))


def subjects(corpus: dict[str, Path]) -> list[Subject]:
    """Every kind of file that is read. What is saved by another room joins here."""
    found = [Subject(name, path.suffix, functools.partial(_copy, path), open_file) for name, path in corpus.items()]
    found.append(Subject("gltf", ".gltf", functools.partial(write_gltf, corpus["glb"]), open_file))
    return found


def _copy(source: Path, path: Path) -> None:
    path.write_bytes(source.read_bytes())


def put_through(subject: Subject, seed: int, count: int, folder: Path) -> Counter[str]:
    """Damage one kind of file; returns how often what happened. Own readers neither crash nor hang."""
    sound = folder / f"sound{subject.suffix}"
    subject.build(sound)
    inside = Path(tempfile.mkdtemp(dir=folder))
    happened: Counter[str] = Counter()
    for kind, content in every_damage(sound.read_bytes(), seed, count):
        said = suffer(subject, content, inside)
        what = next((word for word in ("opened", "crashed", "no progress") if word in said), "refused")
        happened[what] += 1
        assert what in ("opened", "refused") or subject.name in NATIVE, (subject.name, kind, said)
    return happened


def test_every_kind_of_file_suffers_every_damage(corpus: dict[str, Path], tmp_path: Path) -> None:
    total: Counter[str] = Counter()
    for index, subject in enumerate(subjects(corpus)):
        total += put_through(subject, 100 + index, len(KINDS), tmp_path)
    assert total.total() >= 500
    assert total["crashed"] <= 0.02 * total.total() and total["no progress"] <= 1
    assert total["refused"] > 0.4 * total.total()


@pytest.mark.slow
def test_many_more_of_them(corpus: dict[str, Path], tmp_path: Path) -> None:
    total: Counter[str] = Counter()
    for index, subject in enumerate(subjects(corpus)):
        total += put_through(subject, 1000 + index, 12 * len(KINDS), tmp_path)
    assert total.total() >= 5000
    assert total["crashed"] + total["no progress"] <= 0.01 * total.total()


def test_the_same_seed_damages_alike(corpus: dict[str, Path]) -> None:
    content = corpus["3mf"].read_bytes()
    assert list(every_damage(content, 5, 40)) == list(every_damage(content, 5, 40))
