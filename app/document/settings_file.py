"""What a person has set, as one JSON object in a file: preferences by name, and shortcuts. It imports nothing heavy,
for theme and shortcuts are needed before the window's first paint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class SettingsFile:
    """Values by name, written whole at every change.

    A file that cannot be read is put aside as `NAME.damaged` and nothing is set; `problem` says so. Names that this
    version does not know stay as they are: an older program must not lose what a newer one has set.

    path : None keeps the values as long as the window
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.problem = ""
        self._values = self._read()

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def set(self, name: str, value: Any) -> None:
        """Keep a value that JSON can hold; None forgets it."""
        if self._values.get(name) == value:
            return
        if value is None:
            self._values.pop(name, None)
        else:
            self._values[name] = value
        self._write()

    def _read(self) -> dict[str, Any]:
        if self._path is None:
            return {}
        try:
            values = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError):
            values = None
        if isinstance(values, dict):
            return values
        self._put_aside(self._path)
        return {}

    def _put_aside(self, path: Path) -> None:
        """Keep a damaged file: what it held may be dear to someone."""
        aside = path.with_name(path.name + ".damaged")
        self.problem = f"{path.name} is damaged: the preferences are as they were at first."
        try:
            path.replace(aside)
        except OSError:
            return
        self.problem = f"{path.name} is damaged and was put aside as {aside.name}: preferences are as at first."

    def _write(self) -> None:
        if self._path is None:
            return
        from engine.core.atomic import atomic_write
        from engine.core.errors import FileError

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(self._path) as temporary:
                temporary.write_text(json.dumps(self._values, indent=2, ensure_ascii=False), encoding="utf-8")
        except (OSError, FileError) as error:
            # A read-only home must not keep anyone from working; what is set lasts as long as the window then.
            self.problem = f"The preferences cannot be kept: {error}"
            self._path = None
