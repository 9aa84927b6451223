"""Waiting for an engine process in tests, and looking for what it might leave behind."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from patience import PATIENCE

from app.worker.session import EngineSession
from engine.protocol.catalogue import Catalogue
from engine.protocol.snapshot import Event, Snapshot


class Watch:
    """Polls a session as the window's timer does, and keeps all that it saw."""

    def __init__(self, session: EngineSession) -> None:
        self.session = session
        self.events: list[Event] = []
        self.snapshots: list[Snapshot] = []

    def poll(self) -> None:
        snapshot = self.session.snapshot()
        if snapshot is not None:
            self.snapshots.append(snapshot)
        self.events += self.session.events()

    def until(self, condition: Callable[[], Any]) -> Any:
        """Poll until `condition` holds; fails with what was seen."""
        end = time.monotonic() + PATIENCE
        while not (result := condition()):
            assert time.monotonic() < end, f"waited {PATIENCE} s; last events: {self.events[-5:]}"
            self.poll()
            time.sleep(0.005)
        return result

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def last_iteration(self) -> int:
        return self.snapshots[-1].iteration if self.snapshots else -1


def shared_blocks() -> set[str]:
    """Names of the shared memory that is there, without what strangers use: tests run beside each other."""
    folder = Path("/dev/shm")
    if not folder.is_dir():
        return set()
    there = list(folder.glob("psm_*"))  # before it is asked who uses them: those that come now are nobody's yet
    own = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    used: set[str] = set()
    for process_id in set(psutil.pids()) - own:
        with contextlib.suppress(OSError):
            used |= set(re.findall(r"/dev/shm/(psm_\w+)", Path(f"/proc/{process_id}/maps").read_text()))
    return {path.name for path in there if path.exists()} - used


def make_catalogue() -> Catalogue:
    return Catalogue(version="sphere")
