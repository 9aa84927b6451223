"""The Catalogue of the last time, so that panels can be drawn before the engine is up."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
from pathlib import Path

import platformdirs
from pydantic import ValidationError

import engine
from engine.core.atomic import atomic_write
from engine.core.errors import FileError
from engine.protocol.catalogue import Catalogue


class CatalogueCache:
    """One JSON file, good for exactly this version of the engine's sources.

    folder : where it lies; the user's cache folder when None
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(platformdirs.user_cache_dir("formwright", appauthor=False))

    @property
    def path(self) -> Path:
        return self._folder / f"catalogue-{_fingerprint()}.json"

    def read(self) -> Catalogue | None:
        """The Catalogue, or None when this version has not left one."""
        try:
            return Catalogue.model_validate_json(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError, ValidationError):
            return None

    def write(self, catalogue: Catalogue) -> None:
        """Keep it for the next start, and drop those of other versions. A cache that cannot be written is no loss."""
        path = self.path
        with contextlib.suppress(OSError, FileError):
            path.parent.mkdir(parents=True, exist_ok=True)
            for other in path.parent.glob("catalogue-*.json"):
                if other != path:
                    other.unlink(missing_ok=True)
            with atomic_write(path) as temporary:  # two windows may start at once
                temporary.write_text(catalogue.model_dump_json(), encoding="utf-8")


def _fingerprint() -> str:
    """Version, and what tells that a source file of the engine has changed."""
    try:
        version = importlib.metadata.version("formwright")
    except importlib.metadata.PackageNotFoundError:
        version = "0"
    digest = hashlib.sha256()
    root = Path(engine.__file__).parent
    for path in sorted(root.rglob("*.py")):
        about = path.stat()
        digest.update(f"{path.relative_to(root)} {about.st_size} {about.st_mtime_ns}\n".encode())
    return f"{version}-{digest.hexdigest()[:16]}"
