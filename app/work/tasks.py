"""Work off the window's thread: a Future that is looked at once a frame. No locks, no signals across threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from app.work.task_rows import TaskCancelledError, TaskRow, TaskRows

if TYPE_CHECKING:
    from concurrent.futures.process import ProcessPoolExecutor

    from app.work.apart import Apart, Channel

SECONDS_TO_END = 5.0
"""How long work in a process of its own may take to keep what it has done, when the window closes."""


@dataclass
class _Watched:
    future: Future[Any]
    done: Callable[[Any], object]
    failed: Callable[[BaseException], object]
    row: TaskRow | None


class Tasks:
    """Futures under way; `poll` hands their results over in the caller's thread.

    What takes longer than a moment has a row, which the window shows with its progress, the time left and a way to
    cancel it. A row that is only named needs no more than `title`:

        tasks.do(work, done, failed, title="Reading nut.stl")

    One that says how far it is, and can be cancelled whenever it says so, is made before the work:

        row = tasks.begin("Exporting nut.stl", cooperative=True)
        tasks.do(lambda: write(mesh, path, progress=row.report), done, failed, row=row)

    A task that was cancelled ends in `failed(TaskCancelledError)`, which `Notices.say` leaves unsaid.
    """

    def __init__(self) -> None:
        self.rows = TaskRows()
        self._watched: list[_Watched] = []
        self._pool: ThreadPoolExecutor | None = None
        self._apart: list[ProcessPoolExecutor] = []
        self._channels: dict[TaskRow, Channel] = {}
        self._heard: dict[TaskRow, Callable[[Any], object]] = {}

    def begin(self, title: str, *, cancel: Callable[[], object] | None = None, cooperative: bool = False) -> TaskRow:
        """A row for work that `do`, `do_apart` or `watch` is given, or that the caller ends with `end`.

        cancel : stops the work
        cooperative : the work calls `row.report`, which raises when it is to stop
        """
        return self.rows.begin(title, cancel=cancel, cooperative=cooperative)

    def end(self, row: TaskRow, *, failed: bool = False) -> None:
        """A row that was begun for nothing that is watched here is over; idempotent."""
        self.rows.end(row, "cancelled" if row.stopping else "failed" if failed else "done")

    def watch(
        self,
        future: Future[Any],
        done: Callable[[Any], object],
        failed: Callable[[BaseException], object],
        *,
        row: TaskRow | None = None,
    ) -> None:
        """Call `done` with the result, or `failed` with the exception, at a later `poll`; `row` ends with it."""
        self._watched.append(_Watched(future, done, failed, row))

    def do(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], object],
        failed: Callable[[BaseException], object],
        *,
        title: str = "",
        cancel: Callable[[], object] | None = None,
        row: TaskRow | None = None,
    ) -> None:
        """Do `work` in another thread, with a row where it has a title; `cancel` stops it."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="window work")
        if row is None and title:
            row = self.begin(title, cancel=cancel)
        self.watch(self._pool.submit(work), done, failed, row=row)

    def do_apart(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], object],
        failed: Callable[[BaseException], object],
        *,
        title: str = "",
    ) -> None:
        """Do `work`, which can be pickled, in a process of its own: long Python would slow the window down, and its
        memory would stay here. Its row can always be cancelled: the process is ended."""
        from concurrent.futures.process import ProcessPoolExecutor
        from multiprocessing import get_context

        pool = ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))
        row = self.begin(title, cancel=partial(_kill, pool)) if title else None
        self._watch_apart(pool, pool.submit(work), done, failed, row)

    def do_long(
        self,
        work: Apart,
        done: Callable[[Any], object],
        failed: Callable[[BaseException], object],
        *,
        title: str,
        heard: Callable[[Any], object] | None = None,
        at_once: bool = False,
    ) -> TaskRow:
        """As `do_apart`, for work that says how far it is and ends by itself when it is to stop, so that it can keep
        what it has done; it ends with the window too.

        heard : is told its news
        at_once : it has nothing to keep, and may be long where nothing looks whether it is to stop: cancelled, its
            process is ended wherever it is
        """
        from concurrent.futures.process import ProcessPoolExecutor
        from multiprocessing import get_context

        from app.work import apart

        context = get_context("spawn")
        channel = apart.Channel(context)
        pool = ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=apart.begin, initargs=(channel,))
        row = self.begin(title)
        row.stop = partial(self._end_at_once, row, pool) if at_once else channel.stop
        self._channels[row] = channel
        if heard is not None:
            self._heard[row] = heard
        future = pool.submit(apart.carry_out, work)
        channel.begun()
        self._watch_apart(pool, future, done, failed, row)
        return row

    def poll(self) -> None:
        """Hand over what has ended; a cancelled Future is forgotten."""
        for row in list(self._channels):
            self._listen(row)
        ended: list[_Watched] = []
        going_on: list[_Watched] = []
        for watched in self._watched:  # one look at each: it may end between two
            (ended if watched.future.done() else going_on).append(watched)
        self._watched = going_on
        for watched in ended:
            if watched.future.cancelled():
                if watched.row is not None:
                    self.end(watched.row, failed=True)
                continue
            self._hand_over(watched)

    @property
    def busy(self) -> bool:
        return bool(self._watched)

    def close(self) -> None:
        """Wait for no more than what is running."""
        for channel in self._channels.values():
            channel.stop()
        wait([watched.future for watched in self._watched if watched.row in self._channels], SECONDS_TO_END)
        self._channels.clear()
        self._heard.clear()
        self._watched.clear()
        for row in self.rows.running:
            if row.cooperative:
                row.cancel()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        for pool in self._apart:
            _kill(pool)
            pool.shutdown(wait=False, cancel_futures=True)
        self._apart.clear()

    def _watch_apart(
        self,
        pool: ProcessPoolExecutor,
        future: Future[Any],
        done: Callable[[Any], object],
        failed: Callable[[BaseException], object],
        row: TaskRow | None,
    ) -> None:
        """Let the process go when its work has ended."""
        self._apart.append(pool)

        def finish(tell: Callable[[Any], object], value: Any) -> None:
            pool.shutdown(wait=False)
            self._apart.remove(pool)
            if row is not None:
                self._listen(row)  # what it said last
                self._channels.pop(row, None)
                self._heard.pop(row, None)
            tell(value)

        self.watch(future, partial(finish, done), partial(finish, failed), row=row)

    def _end_at_once(self, row: TaskRow, pool: ProcessPoolExecutor) -> None:
        """What it was saying may be cut off in the middle: nobody listens any more."""
        self._channels.pop(row, None)
        _kill(pool)

    def _listen(self, row: TaskRow) -> None:
        """Take in what work in a process of its own has said."""
        channel = self._channels.get(row)
        for title, fraction, news in channel.heard() if channel is not None else ():
            row.report(fraction, title)
            if news is not None and row in self._heard:
                self._heard[row](news)

    def _hand_over(self, watched: _Watched) -> None:
        row, error = watched.row, watched.future.exception()
        if error is None:
            if row is not None:
                self.rows.end(row, "done")
            watched.done(watched.future.result())
            return
        if row is not None:
            self.end(row, failed=True)
            if row.stopping and not isinstance(error, TaskCancelledError):
                # Whatever the work said when it was ended in the middle of something.
                error = TaskCancelledError(f"{row.title} was cancelled.")
        watched.failed(error)


def _kill(pool: ProcessPoolExecutor) -> None:
    """End a pool's processes: the executor itself would wait for the end of the work."""
    for process in list((pool._processes or {}).values()):
        process.kill()
