"""A Model on disk: what was learnt, as arrays, and a card that says what it is good for.

One `.safetensors` file; the card is JSON in its header, so that it is read without the arrays. Nothing in the file is
ever run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.core.atomic import atomic_write
from engine.core.errors import FileError

FORMAT = 1
"""Raised when a reader of before could not make sense of a file."""

_KEY = "formwright"


class ModelCard(BaseModel):
    """What a Model is.

    kind : which part of the program reads it: "shape-space"
    title, description : in a person's words
    data : names of what it has learnt from
    errors : how well it does, by name ("training", "held out"), each in the unit that its name says
    details : all else that the reader of this kind needs, as JSON values
    format : of the file
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field(min_length=1)
    title: str = ""
    description: str = ""
    data: list[str] = Field(default_factory=list)
    errors: dict[str, float] = Field(default_factory=dict)
    details: dict[str, Any] = Field(default_factory=dict)
    format: int = FORMAT


def write_model(path: str | Path, arrays: Mapping[str, np.ndarray], card: ModelCard) -> None:
    """Write a Model, whole or not at all; raises `FileError`."""
    from safetensors.numpy import save

    content = save(
        {name: np.ascontiguousarray(array) for name, array in arrays.items()},
        metadata={_KEY: card.model_dump_json()},
    )
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def read_card(path: str | Path) -> ModelCard:
    """The card alone; raises `FileError` for what is no Model, or one of a newer version."""
    return _open(Path(path), arrays=False)[0]


def read_model(path: str | Path, *, kind: str = "") -> tuple[ModelCard, dict[str, np.ndarray]]:
    """Card and arrays; raises `FileError`, also where the Model is not of the `kind` that is asked for."""
    card, arrays = _open(Path(path), arrays=True)
    if kind and card.kind != kind:
        raise FileError(path, f"this Model is a {card.kind}, not a {kind}.", remedy="Choose another Model.")
    return card, arrays


def _open(path: Path, *, arrays: bool) -> tuple[ModelCard, dict[str, np.ndarray]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as opened:
            card = _card(path, opened.metadata() or {})
            found = {name: opened.get_tensor(name) for name in opened.keys()} if arrays else {}  # noqa: SIM118
    except SafetensorError as error:
        raise FileError(path, "it is no Model, or it is damaged.", remedy="Train it again.") from error
    except FileNotFoundError:
        raise FileError(path, "it does not exist.") from None
    except OSError as error:
        raise FileError(path, f"it cannot be read ({error.strerror or error}).") from error
    return card, found


def _card(path: Path, metadata: Mapping[str, str]) -> ModelCard:
    if _KEY not in metadata:
        raise FileError(path, "it holds arrays, but no card that says what they are.", remedy="Choose another file.")
    try:
        values = json.loads(metadata[_KEY])
        version = values.get("format") if isinstance(values, dict) else None
        if isinstance(version, int) and version > FORMAT:
            raise FileError(path, "a newer version of Formwright has written it.", remedy="Update Formwright.")
        return ModelCard.model_validate(values, strict=True)
    except (ValidationError, ValueError) as error:
        raise FileError(path, "its card cannot be understood.", remedy="Train it again.") from error
