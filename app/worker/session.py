"""The engine process seen from the window: a Session that is polled, and can be restarted."""

from __future__ import annotations

import contextlib
import multiprocessing
import shutil
import signal
import time
from concurrent.futures import Future
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from app.worker import messages
from app.worker.catalogue_cache import CatalogueCache
from app.worker.link import Link
from app.worker.parcel import parcelled
from app.worker.process import engine_main, log_path
from app.worker.slots import Shown, SlotReader
from engine.core.errors import EngineStoppedError
from engine.core.process_folder import make_process_folder
from engine.protocol.catalogue import Catalogue
from engine.protocol.edits import Edit
from engine.protocol.run_folder import is_run_folder, run_folder
from engine.protocol.session import Request
from engine.protocol.snapshot import Event, ProblemRaised, Snapshot, State, StateChanged
from engine.protocol.study import Study

CLOSE_SECONDS = 1.5
"""How long a closing engine may take before it is killed: what it would lose is in its last save."""

_ACTIVE: tuple[State, ...] = ("preparing", "running", "paused")


@dataclass
class _Order:
    """The Run that is asked for: all that a restart needs."""

    number: int
    study: Study
    inputs: dict[str, Any]
    state: State = "preparing"
    iteration: int = 0
    resumed_from: Path | None = None


class EngineSession:
    """Implements `engine.protocol.session.Session` over a `spawn`ed process. Needs no Qt: a timer of the window calls
    `snapshot()` and `events()`, some 30 times a second; Futures settle inside these calls, in the caller's thread.

    No method waits for the engine, but `close` and `restart` for the end of the old process.

    settings : of the engine process; None: a folder of its own, removed at `close`, and defaults for the rest
    catalogue_cache : where the Catalogue is kept between starts
    """

    def __init__(
        self,
        settings: messages.Settings | None = None,
        *,
        catalogue_cache: CatalogueCache | None = None,
    ) -> None:
        self._settings = settings or messages.Settings(folder=make_process_folder("sessions"))
        self._settings.folder.mkdir(parents=True, exist_ok=True)
        self._cache = catalogue_cache or CatalogueCache()
        self._slots = SlotReader(self._settings.folder)
        self._events: list[Event] = []
        self._futures: dict[int, Future[Any]] = {}
        self._catalogue_tickets: set[int] = set()
        self._ticket = 0
        self._runs = 0
        self._order: _Order | None = None
        self._on_their_way: dict[int, dict[str, Any]] = {}
        self._latest: Shown | None = None
        self._unread: Snapshot | None = None
        self._dead = False
        self._closed = False
        self._launch()

    # -- Session --------------------------------------------------------------------------------------------------

    def catalogue(self) -> Future[Catalogue]:
        """At once where this version has left one on disk; the engine refreshes that at every start."""
        kept = self._cache.read()
        future = self._ask(None)
        if kept is None:
            return future
        settled: Future[Catalogue] = Future()
        settled.set_result(kept)
        return settled

    def start(self, study: Study, inputs: dict[str, Any], *, resume: Path | None = None, paused: bool = False) -> int:
        if self._dead:
            self._relaunch()
        self._runs += 1
        self._order = _Order(self._runs, study, inputs, resumed_from=resume)
        self._latest = self._unread = None
        self._on_their_way[self._runs] = inputs  # files of large arrays go with them: not before the engine has those
        sent = parcelled(inputs, self._settings.folder)
        self._link.send(messages.Start(self._runs, study, sent, resume, paused))
        return self._runs

    def send(self, edit: Edit) -> None:
        if not self._dead:
            self._link.send(messages.Steer(edit))

    def ask(self, request: Request) -> Future[Any]:
        return self._ask(request)

    def withdraw(self, future: Future[Any]) -> None:
        for ticket, asked in self._futures.items():
            if asked is future:
                self._link.send(messages.Withdraw(ticket))

    def snapshot(self) -> Snapshot | None:
        self._pump()
        if self._latest is not None:
            self._read_latest()
        snapshot, self._unread = self._unread, None
        return snapshot

    def events(self) -> list[Event]:
        self._pump()
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._end_process()
        self._slots.close()
        self._cancel_futures()
        if self._settings.temporary:
            shutil.rmtree(self._settings.folder, ignore_errors=True)

    # -- life and death -------------------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """The engine process lives."""
        return not self._dead and not self._closed

    @property
    def folder(self) -> Path:
        """Where each Run has its folder."""
        return self._settings.folder

    @property
    def resumed_from(self) -> Path | None:
        """The folder from which the present Run was taken up."""
        return self._order.resumed_from if self._order is not None else None

    @property
    def process_id(self) -> int | None:
        return self._process.pid

    def restart(self) -> int | None:
        """A new engine process (the old one is killed if it still lives) that continues the last Run from its last
        save with its whole History, Edits since included; returns the number of the new Run, None when there was none.

        A Run that was paused or had ended comes back paused.
        """
        order = self._order
        self._relaunch()
        if order is None:
            return None
        saved = run_folder(self._settings.folder, order.number)
        resume = saved if is_run_folder(saved) else order.resumed_from
        return self.start(order.study, order.inputs, resume=resume, paused=order.state not in ("preparing", "running"))

    def wait(self, future: Future[Any], timeout: float = 120.0) -> Any:
        """The result of a Future, for callers with no timer (scripts, tests): polls until it is there."""
        end = time.monotonic() + timeout
        while not future.done():
            if time.monotonic() > end:
                raise TimeoutError(f"no answer within {timeout:.0f} s")
            self._pump()
            time.sleep(0.005)
        return future.result()

    def _launch(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=True)
        self._process: BaseProcess = context.Process(
            target=engine_main, args=(theirs, self._settings), name="formwright-engine", daemon=True
        )
        self._process.start()
        theirs.close()  # or the end of the process would not close the pipe
        self._link = Link(ours)
        self._dead = False
        self._catalogue_tickets.add(self._next_ticket(Future()))
        self._link.send(messages.Ask(self._ticket, None))

    def _relaunch(self) -> None:
        self._pump()
        self._end_process(kill=True)
        self._cancel_futures()
        self._slots.close()
        self._on_their_way.clear()
        self._launch()

    def _end_process(self, *, kill: bool = False) -> None:
        if kill:
            self._process.kill()
        else:
            self._link.send(messages.Close())
        self._process.join(CLOSE_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(CLOSE_SECONDS)
        self._link.close()

    def _cancel_futures(self) -> None:
        futures, self._futures = self._futures, {}
        self._catalogue_tickets.clear()
        for future in futures.values():
            future.set_exception(EngineStoppedError("The engine has ended before it could answer."))

    # -- messages -------------------------------------------------------------------------------------------------

    def _ask(self, request: Request | None) -> Future[Any]:
        future: Future[Any] = Future()
        if not self.alive:
            future.set_exception(EngineStoppedError("The engine is not running.", remedy="Restart it."))
            return future
        ticket = self._next_ticket(future)
        if request is None:
            self._catalogue_tickets.add(ticket)
        self._link.send(messages.Ask(ticket, request))
        return future

    def _next_ticket(self, future: Future[Any]) -> int:
        self._ticket += 1
        self._futures[self._ticket] = future
        return self._ticket

    def _pump(self) -> None:
        if self._closed:
            return
        ended = self._link.ended.is_set()  # before the messages are taken: none may be missed
        for message in self._link.take():
            match message:
                case messages.Happened():
                    self._see(message.events)
                case Shown():
                    self._announce(message)
                case messages.RoomWanted():
                    if self._latest is not None:
                        self._read_latest()
                    self._link.send(self._slots.allocate(message.size))
                case messages.Answered():
                    self._settle(message)
        if ended and not self._dead:
            self._mourn()

    def _see(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, StateChanged) and self._order is not None and event.run == self._order.number:
                self._order.state, self._order.iteration = event.state, event.iteration
            if isinstance(event, StateChanged):
                self._on_their_way = {run: sent for run, sent in self._on_their_way.items() if run > event.run}
        self._events += events

    def _announce(self, shown: Shown) -> None:
        if self._latest is not None:
            self._acknowledge(self._latest)
        self._latest = shown

    def _read_latest(self) -> None:
        shown, self._latest = self._latest, None
        assert shown is not None
        snapshot = self._slots.read(shown)
        self._acknowledge(shown)
        if snapshot is not None and self._order is not None and snapshot.run == self._order.number:
            self._unread = snapshot

    def _acknowledge(self, shown: Shown) -> None:
        self._link.send(messages.Acknowledge(shown.generation, shown.slot))

    def _settle(self, answered: messages.Answered) -> None:
        future = self._futures.pop(answered.ticket, None)
        if answered.ticket in self._catalogue_tickets:
            self._catalogue_tickets.discard(answered.ticket)
            if answered.error is None:
                self._cache.write(answered.result)
        if future is None or future.cancelled():
            return
        if answered.error is not None:
            future.set_exception(answered.error)
        else:
            future.set_result(answered.result)

    def _mourn(self) -> None:
        """The engine is dead and was not told to be."""
        self._dead = True
        self._process.join(CLOSE_SECONDS)
        cause = _cause_of_death(self._process.exitcode)
        self._events.append(
            ProblemRaised(
                f"The engine stopped unexpectedly ({cause}).",
                "Everything open is kept. Restart the engine to continue from the last Checkpoint.",
                _last_words(self._settings.folder),
                fatal=True,
            )
        )
        if self._order is not None and self._order.state in _ACTIVE:
            self._events.append(
                StateChanged(self._order.number, "failed", self._order.iteration, "the engine stopped unexpectedly")
            )
        self._cancel_futures()


def _cause_of_death(exit_code: int | None) -> str:
    if exit_code is None:
        return "it closed its pipe"
    if exit_code >= 0:
        return f"exit code {exit_code}"
    with contextlib.suppress(ValueError):
        return f"signal {signal.Signals(-exit_code).name}"
    return f"signal {-exit_code}"


def _last_words(folder: Path) -> str:
    with contextlib.suppress(OSError):
        return log_path(folder).read_text(encoding="utf-8", errors="replace")[-8000:]
    return ""
