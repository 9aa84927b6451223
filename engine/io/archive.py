"""Zip archives that may be meant ill: small ones that unpack to more than a disk holds."""

from __future__ import annotations

import zipfile
from pathlib import Path

from engine.core.errors import FileError

MOST_UNPACKED = 64 << 30
"""Bytes that an archive may unpack to, however large it is."""
RATIO = 300.0
"""Text of numbers packs to a fifth, and zeros to a thousandth: what unpacks to so many times its size is no model."""
ALWAYS = 64 << 20
"""What may be unpacked whatever it was packed to."""


def check_unpacked(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse an archive whose members, by their own word, unpack to too much; raises `FileError`. Python reads no more
    of a member than its word says."""
    packed = max(1, path.stat().st_size)
    for member in archive.infolist():
        if member.file_size > max(ALWAYS, min(MOST_UNPACKED, RATIO * packed)):
            raise FileError(
                path,
                f"its member {member.filename[:60]!r} would unpack to {member.file_size / 2**30:.1f} GiB.",
                remedy="It is damaged, or was made to do harm; export it again.",
            )
