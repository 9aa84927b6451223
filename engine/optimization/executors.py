"""Where the designs of a generation are evaluated: in this thread, or in a pool of processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from functools import cache
from typing import Any

from engine.core.errors import ParameterError


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


def cluster_executor(address: str) -> Executor:
    """The workers of a dask cluster, as `tcp://host:8786`; raises `ParameterError` where there is none."""
    try:
        from distributed import Client
    except ImportError:
        raise ParameterError(
            "scheduler", "working on a cluster needs dask's distributed.",
            remedy="Install it with: pip install 'formwright[cluster]'.",
        ) from None  # fmt: skip
    try:
        return Client(address, timeout="10s", set_as_default=False).get_executor()
    except (OSError, ValueError) as error:
        raise ParameterError("scheduler", f"{address} does not answer ({error}).", remedy="Start it first.") from None


@cache
def _pool(workers: int) -> Executor:
    # Threads of torch and Warp do not live through a fork.
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
