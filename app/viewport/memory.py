"""Giving freed memory back to the system."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress


def return_freed_memory() -> None:
    """Ask the C library to return what was freed; does nothing where it cannot.

    Software OpenGL allocates and frees whole pictures. glibc keeps them for later, some 80 MiB after the first frames,
    and the window's memory would count them.
    """
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL("libc.so.6").malloc_trim(0)
