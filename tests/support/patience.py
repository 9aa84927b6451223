"""Waiting for what another process does, on a machine of any speed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psutil

PATIENCE = 240.0
"""Seconds for the slowest wait: the end of one says that it never comes, and nothing about how fast the machine is."""


def until_so(condition: Callable[[], Any]) -> bool:
    """Wait until it is so; False where it never is."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def is_running(process_id: int) -> bool:
    """The process exists and is no zombie."""
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
