"""The window's end of the pipe: two threads that move messages, so that the window never waits for the engine.

They touch nothing but the pipe and two queues.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any


class Link:
    """Messages to and from one engine process.

    `ended` is set as soon as the pipe closes: the process is dead, or about to be.
    """

    def __init__(self, connection: Connection) -> None:
        self.ended = threading.Event()
        self._connection = connection
        self._outbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._inbox: deque[Any] = deque()
        self._threads = [
            threading.Thread(target=self._send, name="engine-link-send", daemon=True),
            threading.Thread(target=self._receive, name="engine-link-receive", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def send(self, message: Any) -> None:
        """Hand over a message; never blocks."""
        self._outbox.put(message)

    def take(self) -> list[Any]:
        """All messages that have come, oldest first; never blocks."""
        messages = []
        while self._inbox:
            messages.append(self._inbox.popleft())
        return messages

    def close(self) -> None:
        """End both threads; the process must have ended, or be about to."""
        self._outbox.put(None)
        for thread in self._threads:
            thread.join(timeout=5.0)
        self._connection.close()

    def _send(self) -> None:
        while (message := self._outbox.get()) is not None:
            try:
                content = ForkingPickler.dumps(message)
            except Exception as error:  # does not pickle: the engine hears of it in its place
                content = ForkingPickler.dumps(RuntimeError(f"{type(message).__name__} cannot be sent: {error}"))
            try:
                self._connection.send_bytes(content)
            except OSError:
                return

    def _receive(self) -> None:
        try:
            while True:
                self._inbox.append(self._connection.recv())
        except (EOFError, OSError):
            pass
        finally:
            self.ended.set()
