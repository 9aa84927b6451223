"""The Runs that a Session has ended: their folders stay, so that each can be brought back, within a budget."""

from __future__ import annotations

import shutil
from pathlib import Path

from engine.protocol.run_folder import is_run_folder, run_number, saved_runs

DEFAULT_BUDGET = 2**32
"""Bytes of earlier Runs that may lie on the disk."""


class EarlierRuns:
    """Removes folders of Runs that nobody can miss, and the oldest of the others when they need too much room.

    folder : where each Run has its folder (`engine.protocol.run_folder`)
    budget : bytes
    """

    def __init__(self, folder: Path, budget: int = DEFAULT_BUDGET) -> None:
        self._folder = folder
        self._budget = budget

    def tidy(self, present: int, resumed: Path | None) -> list[int]:
        """The present Run has been saved; returns which others have gone for want of room.

        resumed : the folder that it went on from: all of it lives on in the present one
        """
        if resumed is not None and resumed.parent == self._folder and run_number(resumed) not in (None, present):
            shutil.rmtree(resumed, ignore_errors=True)
        gone: list[int] = []
        room = self._budget
        for folder in reversed(saved_runs(self._folder)):
            number = run_number(folder)
            if number is None or number == present:
                continue
            room -= _size(folder)
            if room < 0:
                shutil.rmtree(folder, ignore_errors=True)
                if not is_run_folder(folder):
                    gone.append(number)
        return gone


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
