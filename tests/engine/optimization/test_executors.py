"""Executors: at once in this thread, errors included; one pool for so many processes."""

from __future__ import annotations

import pytest

from engine.optimization.executors import SerialExecutor, executor_of


def test_serial_work_is_done_when_it_is_handed_back() -> None:
    done: list[int] = []
    future = SerialExecutor().submit(lambda number: done.append(number) or number + 1, 4)
    assert done == [4] and future.done() and future.result() == 5


def test_an_error_waits_in_its_future() -> None:
    future = SerialExecutor().submit(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        future.result()


def test_one_process_is_this_one_and_pools_are_made_once() -> None:
    assert executor_of(1) is None
    assert executor_of(3) is executor_of(3)
