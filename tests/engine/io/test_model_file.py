"""Models on disk: what is written comes back, and what is none is refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.core.errors import FileError
from engine.io.model_file import FORMAT, ModelCard, read_card, read_model, write_model

ARRAYS = {"network": np.arange(12, dtype=np.float32), "latents": np.eye(3, dtype=np.float32)[:, ::-1]}
CARD = ModelCard(
    kind="shape-space", title="Vases", data=["one", "two"], errors={"training": 0.1}, details={"origin": [1.0, 2.0]}
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "vases.safetensors"
    write_model(path, ARRAYS, CARD)
    return path


def test_a_model_comes_back(model: Path) -> None:
    card, arrays = read_model(model, kind="shape-space")
    assert card == CARD == read_card(model)
    assert set(arrays) == set(ARRAYS)
    assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)


def test_another_kind_is_refused(model: Path) -> None:
    with pytest.raises(FileError, match="is a shape-space, not a regression"):
        read_model(model, kind="regression")


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "newer.safetensors"
    write_model(path, ARRAYS, CARD.model_copy(update={"format": FORMAT + 1}))
    with pytest.raises(FileError, match="newer version"):
        read_card(path)


def test_arrays_without_a_card_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"a": np.zeros(3, np.float32)}, path)
    with pytest.raises(FileError, match="no card"):
        read_card(path)


@pytest.mark.parametrize("text", ["[]", "{", '{"kind": ""}', '{"kind": "a", "unknown": 1}'])
def test_a_card_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.safetensors"
    save_file({"a": np.zeros(3, np.float32)}, path, metadata={"formwright": text})
    with pytest.raises(FileError, match="cannot be understood"):
        read_card(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"none\.safetensors: it does not exist"):
        read_card(tmp_path / "none.safetensors")


def test_a_damaged_file_is_refused(model: Path) -> None:
    content = model.read_bytes()
    for damaged in (b"", content[: len(content) // 2], b"no model at all", b"\xff" * 200):
        model.write_bytes(damaged)
        with pytest.raises(FileError, match=r"vases\.safetensors"):
            read_model(model)
    with pytest.raises(FileError, match=r"missing\.safetensors"):
        read_card(model.with_name("missing.safetensors"))


def test_what_stood_there_stays_when_writing_fails(model: Path) -> None:
    before = model.read_bytes()
    with pytest.raises(FileError):
        write_model(model / "inside.safetensors", ARRAYS, CARD)
    assert model.read_bytes() == before
