"""Work off the window's thread: a Future that is looked at once a frame. No locks, no signals across threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures.process import ProcessPoolExecutor


@dataclass
class _Watched:
    future: Future[Any]
    done: Callable[[Any], object]
    failed: Callable[[BaseException], object]


class Tasks:
    """Futures under way; `poll` hands their results over in the caller's thread."""

    def __init__(self) -> None:
        self._watched: list[_Watched] = []
        self._pool: ThreadPoolExecutor | None = None
        self._apart: list[ProcessPoolExecutor] = []

    def watch(
        self, future: Future[Any], done: Callable[[Any], object], failed: Callable[[BaseException], object]
    ) -> None:
        """Call `done` with the result, or `failed` with the exception, at a later `poll`."""
        self._watched.append(_Watched(future, done, failed))

    def do(
        self, work: Callable[[], Any], done: Callable[[Any], object], failed: Callable[[BaseException], object]
    ) -> None:
        """Do `work` in another thread."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="window work")
        self.watch(self._pool.submit(work), done, failed)

    def do_apart(
        self, work: Callable[[], Any], done: Callable[[Any], object], failed: Callable[[BaseException], object]
    ) -> None:
        """Do `work`, which can be pickled, in a process of its own: long Python would slow the window down, and its
        memory would stay here."""
        from concurrent.futures.process import ProcessPoolExecutor
        from multiprocessing import get_context

        pool = ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))
        self._apart.append(pool)

        def finish(tell: Callable[[Any], object], value: Any) -> None:
            pool.shutdown(wait=False)
            self._apart.remove(pool)
            tell(value)

        self.watch(pool.submit(work), partial(finish, done), partial(finish, failed))

    def poll(self) -> None:
        """Hand over what has ended; a cancelled Future is forgotten."""
        ended = [watched for watched in self._watched if watched.future.done()]
        if not ended:
            return
        self._watched = [watched for watched in self._watched if not watched.future.done()]
        for watched in ended:
            if watched.future.cancelled():
                continue
            error = watched.future.exception()
            if error is not None:
                watched.failed(error)
            else:
                watched.done(watched.future.result())

    @property
    def busy(self) -> bool:
        return bool(self._watched)

    def close(self) -> None:
        """Wait for no more than what is running."""
        self._watched.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        for pool in self._apart:
            for process in list((pool._processes or {}).values()):
                process.kill()  # the executor itself would wait for the end of the work
            pool.shutdown(wait=False, cancel_futures=True)
        self._apart.clear()
