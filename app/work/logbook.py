"""What the window and the engine wrote down: kept for the log dock, for a bug report, and in a file that turns over."""

from __future__ import annotations

import logging
import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from app.document.topic import Topic

KEPT = 5000
"""Lines in memory; the file has more."""
FILE_BYTES = 1_000_000
OLD_FILES = 3
LEVELS = ("debug", "info", "warning", "error")
OWN = ("app", "engine")
"""Loggers whose debug lines are kept too; libraries speak from warnings on."""
_FOLDERS = re.compile(r"""(?:~|(?<![\w/\\:])(?:[A-Za-z]:)?)[/\\](?!\s)(?:[^/\\\n"'<>|:,;()]*[/\\])*""")
"""The folders of a path with its root: from "/", "C:\\" or the home folder to the last separator; not of "it/s"."""


@dataclass(frozen=True)
class Line:
    """One line of the log. `source` is "engine", or the module of the window that wrote it."""

    time: datetime
    level: str
    source: str
    text: str

    def __str__(self) -> str:
        return f"{self.time:%Y-%m-%d %H:%M:%S} {self.level:7} {self.source}: {self.text}"


class Logbook(logging.Handler):
    """Takes what is logged in this process, from any thread, and what the engine sends.

    `changed` is not told here, for a line may come from any thread: whoever shows the lines looks at `count` now and
    then.

    folder : where the file stands; None writes none
    """

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__(logging.DEBUG)
        self.lines: deque[Line] = deque(maxlen=KEPT)
        self.count = 0
        self.cleared = Topic()
        self.file = _log_file(folder) if folder is not None else None
        for name in OWN:
            logging.getLogger(name).setLevel(logging.DEBUG)
        logging.getLogger().addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """A record of Python's logging; never raises."""
        if record.levelno < logging.WARNING and record.name.partition(".")[0] not in OWN:
            return
        try:
            text = record.getMessage()
            if record.exc_info:
                text += "\n" + (self.formatter or logging.Formatter()).formatException(record.exc_info)
            level = min(record.levelname.lower(), "error", key=lambda name: name not in LEVELS)
            self._add(Line(datetime.fromtimestamp(record.created), level, record.name, text))
        except Exception:
            self.handleError(record)

    def hear(self, level: str, text: str) -> None:
        """A line of the engine process."""
        self._add(Line(datetime.now(), level, "engine", text))

    def clear(self) -> None:
        """Forget the lines in memory; the file keeps them."""
        self.lines.clear()
        self.cleared()

    def recent(self, count: int) -> list[Line]:
        """The last lines, oldest first."""
        return list(self.lines)[-count:] if count > 0 else []

    def close(self) -> None:
        logging.getLogger().removeHandler(self)
        if self.file is not None:
            self.file.close()
        super().close()

    def _add(self, line: Line) -> None:
        self.lines.append(line)
        self.count += 1
        if self.file is not None:
            self.file.emit(logging.makeLogRecord({"msg": str(line), "levelno": logging.INFO}))


def without_folders(text: str) -> str:
    """Paths shortened to their last part: where somebody's files lie is nobody's business."""
    return _FOLDERS.sub("…/", text.replace(str(Path.home()), "~"))


def _log_file(folder: Path) -> RotatingFileHandler | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "window.log"
        return RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8", delay=True)
    except OSError:
        return None  # a read-only home must not keep anyone from working
