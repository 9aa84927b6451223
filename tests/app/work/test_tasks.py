"""Rows of long work: progress, time left, cancelling, and how they end."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from multiprocessing import get_context
from typing import Any

import psutil
import pytest

from app.work.apart import Channel, Report
from app.work.task_rows import KEPT, TaskCancelledError, TaskRow
from app.work.tasks import Tasks


@pytest.fixture
def tasks() -> Iterator[Tasks]:
    tasks = Tasks()
    yield tasks
    tasks.close()


def poll_until(tasks: Tasks, done: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it never came"
        tasks.poll()
        time.sleep(0.002)


def test_a_title_gives_a_row_from_beginning_to_end(tasks: Tasks) -> None:
    told: list[Any] = []
    seen: list[tuple[int, int]] = []
    tasks.rows.changed.subscribe(lambda: seen.append((len(tasks.rows.running), len(tasks.rows.ended))))
    go = threading.Event()
    tasks.do(go.wait, told.append, told.append, title="Waiting")
    (row,) = tasks.rows.running
    assert row.title == "Waiting" and row.outcome == "running" and not row.cancellable
    go.set()
    poll_until(tasks, lambda: bool(told))
    assert told == [True] and row.outcome == "done" and list(tasks.rows.ended) == [row]
    assert seen == [(1, 0), (0, 1)]


def test_untitled_work_has_no_row(tasks: Tasks) -> None:
    told: list[Any] = []
    tasks.do(lambda: 1, told.append, told.append)
    assert not tasks.rows.running
    poll_until(tasks, lambda: told == [1])
    assert not tasks.rows.ended


def test_cooperative_work_ends_where_it_says_how_far_it_is(tasks: Tasks) -> None:
    told: list[Any] = []
    row = tasks.begin("Counting", cooperative=True)
    tasks.do(partial(_count, row), told.append, told.append, row=row)
    poll_until(tasks, lambda: bool(row.fraction))
    row.cancel()
    assert not row.cancellable
    poll_until(tasks, lambda: bool(told))
    assert isinstance(told[0], TaskCancelledError) and row.outcome == "cancelled"


def test_work_that_fails_says_so(tasks: Tasks) -> None:
    told: list[Any] = []
    tasks.do(lambda: 1 / 0, told.append, told.append, title="Dividing")
    poll_until(tasks, lambda: bool(told))
    assert isinstance(told[0], ZeroDivisionError) and tasks.rows.ended[0].outcome == "failed"


def test_what_ended_before_it_could_be_stopped_is_done(tasks: Tasks) -> None:
    told: list[Any] = []
    row = tasks.begin("Quick", cancel=lambda: None)
    tasks.do(lambda: 7, told.append, told.append, row=row)
    row.cancel()
    poll_until(tasks, lambda: bool(told))
    assert told == [7] and row.outcome == "done"


def test_work_apart_is_ended_with_its_process(tasks: Tasks) -> None:
    told: list[Any] = []
    tasks.do_apart(partial(time.sleep, 600), told.append, told.append, title="Sleeping")
    row = tasks.rows.running[0]
    assert row.cancellable
    row.cancel()
    poll_until(tasks, lambda: bool(told))
    assert isinstance(told[0], TaskCancelledError) and row.outcome == "cancelled"


def test_long_work_that_never_looks_whether_it_is_to_stop_is_ended_at_once(tasks: Tasks) -> None:
    told: list[Any] = []
    row = tasks.do_long(_deaf, told.append, told.append, title="Solving", at_once=True)
    poll_until(tasks, lambda: bool(row.detail))
    process = int(row.detail)
    row.cancel()
    assert row.stopping and not told, "it stays in the list until it has ended"
    poll_until(tasks, lambda: bool(told))
    assert isinstance(told[0], TaskCancelledError) and row.outcome == "cancelled"
    assert not psutil.pid_exists(process)


def test_a_process_that_dies_while_it_says_something_is_not_waited_for() -> None:
    channel = Channel(get_context("spawn"))
    channel.report("Solving", 0.5)
    os.write(channel._telling.fileno(), struct.pack("!i", 1000) + b"half of wha")
    channel.begun()
    assert list(channel.heard()) == [("Solving", 0.5, None)]
    assert list(channel.heard()) == []


def test_work_that_ends_between_two_looks_is_handed_over(tasks: Tasks) -> None:
    told: list[Any] = []
    late: Future[str] = Future()
    looked = late.done

    def ends_after_the_look() -> bool:
        was = looked()
        if not was:
            late.set_result("late")
        return was

    late.done = ends_after_the_look  # type: ignore[method-assign]
    tasks.watch(late, told.append, told.append)
    at_once: Future[str] = Future()
    at_once.set_result("at once")
    tasks.watch(at_once, told.append, told.append)
    tasks.poll()
    assert told == ["at once"] and tasks.busy
    tasks.poll()
    assert told == ["at once", "late"] and not tasks.busy


def test_time_left_follows_the_speed_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TaskRow, "seconds", 10.0)
    row = TaskRow("A row")
    assert row.seconds_left is None
    row.report(0.25)
    assert row.seconds_left == pytest.approx(30.0)
    row.report(7.0)
    assert row.fraction == 1.0 and row.seconds_left == pytest.approx(0.0)


def test_only_the_last_ended_rows_are_kept(tasks: Tasks) -> None:
    for index in range(KEPT + 3):
        tasks.end(tasks.begin(f"Task {index}"))
    assert tasks.rows.ended[0].title == "Task 3" and len(tasks.rows.ended) == KEPT
    first = tasks.rows.ended[0]
    tasks.end(first, failed=True)
    assert first.outcome == "done"


def _deaf(report: Report, stopping: Callable[[], bool]) -> None:
    """As a solver that has begun."""
    report(str(os.getpid()), None)
    time.sleep(600.0)


def _count(row: TaskRow) -> None:
    for step in range(1, 100_000):
        row.report(step / 100_000)
        time.sleep(0.001)
