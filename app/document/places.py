"""Where the program keeps its own files, by the rules of each platform."""

from __future__ import annotations

from pathlib import Path

import platformdirs

NAME = "formwright"


def state_folder() -> Path:
    """Recent files, window layout, logs, Checkpoints for recovery."""
    return Path(platformdirs.user_state_dir(NAME, appauthor=False))


def config_folder() -> Path:
    """What a person has set: preferences, shortcuts, translations of their own."""
    return Path(platformdirs.user_config_dir(NAME, appauthor=False))
