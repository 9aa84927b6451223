"""Where the designs of a generation are evaluated: in this thread, or in a pool of processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from functools import cache
from typing import Any


class SerialExecutor(Executor):
    """Does what it is given at once, in the caller's thread."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


def executor_of(workers: int) -> Executor | None:
    """A pool of so many processes, made once and ended with this process; None for one worker."""
    return None if workers <= 1 else _pool(workers)


@cache
def _pool(workers: int) -> Executor:
    # Threads of torch and Warp do not live through a fork.
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
