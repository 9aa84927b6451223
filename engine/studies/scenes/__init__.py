"""Scenes that the program brings: one file each, for `formwright simulate --example NAME` and for the gallery."""

from __future__ import annotations

from pathlib import Path

from engine.core.errors import ParameterError

FOLDER = Path(__file__).parent


def example_names() -> list[str]:
    """In alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def example_path(name: str) -> Path:
    """The file of an example; raises `ParameterError` that lists them."""
    if name not in example_names():
        raise ParameterError("example", f"there is no {name!r}.", remedy=f"There are {', '.join(example_names())}.")
    return FOLDER / f"{name}.toml"
