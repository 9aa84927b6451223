"""How the Document tells others that something changed, without Qt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Topic:
    """Something to be told about: call it to tell everyone who subscribed.

    >>> opened = Topic()
    >>> opened.subscribe(print)
    >>> opened("scan.ply")
    scan.ply
    """

    def __init__(self) -> None:
        self._callbacks: list[Callable[..., Any]] = []

    def subscribe(self, callback: Callable[..., Any]) -> None:
        """Call `callback` with whatever the topic is told."""
        self._callbacks.append(callback)

    def unsubscribe(self, callback: Callable[..., Any]) -> None:
        """Stop telling `callback`; unknown ones are ignored."""
        if callback in self._callbacks:
            self._callbacks.remove(callback)

    def __call__(self, *values: Any) -> None:
        for callback in list(self._callbacks):
            callback(*values)
