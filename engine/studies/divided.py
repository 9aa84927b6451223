"""What is told of steps that were divided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def divided_info(divided: Mapping[int, int]) -> dict[str, Any]:
    """For a Snapshot's info: how many steps were, and the last of them with its parts; nothing where none was.

    divided : in how many parts each step was taken that could not be taken whole
    """
    if not divided:
        return {}
    step, parts = list(divided.items())[-1]
    return {"divided": {"count": len(divided), "step": step, "parts": parts}}
