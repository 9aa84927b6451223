"""Loading torch, Warp and the engine without looking for garbage among what stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Nothing is collected within the block, and all that is there at its end is never looked at again.

    Importing torch and Warp makes half a million objects that all stay. Python walks through them again and again
    while they come, at every full collection later, and once more when the process ends: that is a third of the
    processor time from the start of a process to the first step of a simulation. What becomes garbage within the
    block is freed as ever, unless it hangs on itself. Garbage of before goes first.
    """
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
