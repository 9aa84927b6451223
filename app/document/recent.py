"""Recent files: a short list in the user's state folder."""

from __future__ import annotations

import json
from pathlib import Path

from app.document.topic import Topic


class RecentFiles:
    """Paths opened lately, newest first, kept in the JSON file `store` (None: only in memory)."""

    def __init__(self, store: Path | None = None, limit: int = 10) -> None:
        self.changed = Topic()
        self._store = store
        self._limit = limit
        self._paths = self._read()

    def paths(self) -> list[Path]:
        """Those that still exist."""
        return [path for path in self._paths if path.exists()]

    def add(self, path: Path) -> None:
        path = path.resolve()
        self._paths = [path, *(other for other in self._paths if other != path)][: self._limit]
        self._write()
        self.changed()

    def clear(self) -> None:
        self._paths = []
        self._write()
        self.changed()

    def _read(self) -> list[Path]:
        if self._store is None:
            return []
        try:
            values = json.loads(self._store.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return [Path(value) for value in values if isinstance(value, str)] if isinstance(values, list) else []

    def _write(self) -> None:
        if self._store is None:
            return
        try:
            self._store.parent.mkdir(parents=True, exist_ok=True)
            self._store.write_text(json.dumps([str(path) for path in self._paths]), encoding="utf-8")
        except OSError:
            # A read-only home must not keep anyone from working; the list lasts as long as the window then.
            self._store = None
