"""Recent files: a short list in the user's state folder, with what was said about each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.document.topic import Topic


class RecentFiles:
    """Paths opened lately, newest first, kept in the JSON file `store` (None: only in memory).

    The unit of a file that does not say its own is remembered with it.
    """

    def __init__(self, store: Path | None = None, limit: int = 10) -> None:
        self.changed = Topic()
        self._store = store
        self._limit = limit
        self._units: dict[Path, str] = {}
        self._paths = self._read()

    def paths(self) -> list[Path]:
        """Those that still exist."""
        return [path for path in self._paths if path.exists()]

    def add(self, path: Path) -> None:
        path = path.resolve()
        self._paths = [path, *(other for other in self._paths if other != path)][: self._limit]
        self._write()
        self.changed()

    def unit(self, path: Path) -> str | None:
        """What the lengths in the file were said to be; None where nobody said."""
        return self._units.get(path.resolve())

    def remember_unit(self, path: Path, unit: str) -> None:
        """The lengths in the file are in `unit`, also the next time."""
        self._units[path.resolve()] = unit
        self._write()

    def clear(self) -> None:
        self._paths = []
        self._units = {}
        self._write()
        self.changed()

    def _read(self) -> list[Path]:
        if self._store is None:
            return []
        try:
            values = json.loads(self._store.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        entries = [self._entry(value) for value in values] if isinstance(values, list) else []
        return [path for path in entries if path is not None]

    def _entry(self, value: Any) -> Path | None:
        """A path, or {"path", "unit"}, as it stands in the file."""
        if isinstance(value, dict) and isinstance(value.get("path"), str):
            path = Path(value["path"])
            if isinstance(value.get("unit"), str):
                self._units[path] = value["unit"]
            return path
        return Path(value) if isinstance(value, str) else None

    def _write(self) -> None:
        if self._store is None:
            return
        units = self._units
        entries = [{"path": str(path), "unit": units[path]} if path in units else str(path) for path in self._paths]
        try:
            self._store.parent.mkdir(parents=True, exist_ok=True)
            self._store.write_text(json.dumps(entries), encoding="utf-8")
        except OSError:
            # A read-only home must not keep anyone from working; the list lasts as long as the window then.
            self._store = None
