"""The engine process: owns the device, torch and Warp. Its loop, seen from inside."""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import pickle
import queue
import shutil
import signal
import threading
import time
import traceback
from concurrent.futures import Future
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app.worker import messages
from app.worker.slots import Room, SlotWriter, size_of
from engine.core.errors import FormwrightError
from engine.core.loading import loading
from engine.protocol.snapshot import Event, LogLine, ProblemRaised, Progress, Snapshot

SNAPSHOT_SECONDS = 1.0 / 30.0
STARTUP = "starting the engine"

ORPHAN_SECONDS = 10.0
"""How long an engine whose window has died may take to save its Run; then it ends wherever it is."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def engine_main(connection: Connection, settings: messages.Settings) -> None:
    """Entry of the engine process. It ends when told to, or when the pipe to its parent closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches both; the window decides
    with contextlib.suppress(OSError, AttributeError):
        os.nice(5)  # the window goes first
    log = log_path(settings.folder).open("w", encoding="utf-8")
    faulthandler.enable(log)
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(thread_count(settings))
    if settings.device != "auto":
        os.environ["FORMWRIGHT_DEVICE"] = settings.device
    loop = EngineLoop(connection, settings)
    ended = False
    try:
        loop.run()
    except _EndedError:
        ended = True
    except (_OrphanedError, BrokenPipeError, ConnectionResetError):
        loop.save()
        loop.abandon()
        ended = True
    except BaseException:
        traceback.print_exc(file=log)
        log.flush()
        raise
    finally:
        loop.close()
        log.flush()
        if ended:
            os._exit(0)  # unwinding torch and Warp takes seconds, and the window waits


def thread_count(settings: messages.Settings) -> int:
    """Threads for torch: one core is left to the window."""
    if settings.threads:
        return settings.threads
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores - 1)


def log_path(folder: Path) -> Path:
    """Where the last words of an engine process are."""
    return folder / "engine.log"


class _EndedError(BaseException):
    """The window wants the process to end. No error: it goes through whatever handles those."""


class _OrphanedError(BaseException):
    """The window is dead."""


class _Orphaned:
    """Stands in the inbox where the pipe to the window ended."""


class EngineLoop:
    """Messages in, iterations, events and Snapshots out."""

    def __init__(self, connection: Connection, settings: messages.Settings) -> None:
        self._connection = connection
        self._settings = settings
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._slots = SlotWriter()
        self._session: Any = None
        self._answers: list[tuple[int, Any]] = []
        self._waiting: Snapshot | None = None
        self._room_wanted = False
        self._shown_at = self._told_at = float("-inf")
        threading.Thread(target=self._receive, name="engine-receive", daemon=True).start()

    def run(self) -> None:
        """Until told to end."""
        with loading():
            self._start_up()
        while True:
            self._take_messages()
            worked = self._session.advance()
            self._tell(urgent=not worked)
            self._answer()
            wait = self._show()
            if not worked:
                self._sleep(wait)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
        self._slots.close()

    def save(self) -> None:
        """Bring the folder of the Run up to date."""
        if self._session is not None and not self._settings.temporary:
            self._session.save()

    def abandon(self) -> None:
        """The window is dead: nobody else takes its memory and its folder away."""
        self._slots.unlink()
        if self._settings.temporary:
            shutil.rmtree(self._settings.folder, ignore_errors=True)

    # -- in -------------------------------------------------------------------------------------------------------

    def _receive(self) -> None:
        """Thread: a window that dies must end this process even while it compiles or waits in a kernel."""
        while self._receive_one():
            pass
        time.sleep(ORPHAN_SECONDS)
        self.abandon()
        os._exit(0)

    def _receive_one(self) -> bool:
        """Put the next message into the inbox, or what is wrong with it; False where the window is dead."""
        try:
            content = self._connection.recv_bytes()
        except (EOFError, OSError):
            self._inbox.put(_Orphaned())
            return False
        try:
            self._inbox.put(pickle.loads(content))
        except Exception as error:  # it does not unpickle here: an unknown class, an input whose file has gone
            self._inbox.put(error)
        return True

    def _take_messages(self) -> None:
        while True:
            try:
                message = self._inbox.get_nowait()
            except queue.Empty:
                return
            self._handle(message)

    def _handle(self, message: Any) -> None:
        match message:
            case messages.Acknowledge():
                self._slots.acknowledge(message.generation, message.slot)
            case Room():
                self._room_wanted = False
                with contextlib.suppress(OSError):  # already replaced by a newer one
                    self._slots.move(message)
            case messages.Close():
                raise _EndedError
            case _Orphaned():
                raise _OrphanedError
            case Exception():
                self._send_events([ProblemRaised(f"The engine did not understand the window: {message}")])
            case messages.Steer():
                self._session.send(message.edit)
            case messages.Start():
                self._waiting = None
                self._session.start(
                    message.study, message.inputs, resume=message.resume, paused=message.paused, number=message.number
                )
            case messages.Ask(request=None):
                self._answers.append((message.ticket, self._session.catalogue()))
            case messages.Ask():
                future: Future[Any] = Future()
                self._answers.append((message.ticket, future))
                self._session.ask(message.request, into=future)
            case messages.Withdraw():
                for ticket, asked in self._answers:
                    if ticket == message.ticket:
                        self._session.withdraw(asked)

    def _sleep(self, wait: float | None) -> None:
        """Until a message comes; at most `wait` seconds (a Snapshot is due then)."""
        with contextlib.suppress(queue.Empty):
            self._handle(self._inbox.get(timeout=wait))

    # -- starting -------------------------------------------------------------------------------------------------

    def _start_up(self) -> None:
        """Load what is heavy, and say so."""
        self._progress("Loading torch", 0.0)
        import torch

        torch.set_num_threads(thread_count(self._settings))
        self._progress("Loading the engine", 0.3)
        from engine.studies.session import LocalSession

        build = _function(self._settings.build)
        catalogue = _function(self._settings.catalogue)
        self._session = LocalSession(
            build=build,
            make_catalogue=catalogue,
            folder=self._settings.folder,
            history_budget=self._settings.history_budget,
            autosave_seconds=self._settings.autosave_seconds,
            between_steps=self._between_steps,
        )
        self._take_messages()
        self._answer()
        if self._settings.warm_up:
            from engine.core.kernels import warm_up

            try:
                warm_up(self._kernel_progress)
            except Exception as error:
                self._send_events([LogLine("warning", f"The kernels could not be prepared: {error}")])
        self._progress("Ready", 1.0)

    def _kernel_progress(self, title: str, fraction: float) -> None:
        self._progress(f"Preparing {title}" if title else "Kernels are ready", 0.4 + 0.5 * fraction)
        self._between_steps()

    def _progress(self, message: str, fraction: float) -> None:
        self._send_events([Progress(STARTUP, fraction, message)])

    def _between_steps(self) -> None:
        self._take_messages()
        self._tell(urgent=True)
        self._answer()

    # -- out ------------------------------------------------------------------------------------------------------

    def _tell(self, *, urgent: bool) -> None:
        now = time.monotonic()
        if urgent or now - self._told_at >= SNAPSHOT_SECONDS:
            self._told_at = now
            self._send_events(self._session.events())

    def _send_events(self, events: list[Event]) -> None:
        if events:
            self._connection.send(messages.Happened(events))

    def _answer(self) -> None:
        done = [(ticket, future) for ticket, future in self._answers if future.done()]
        self._answers = [(ticket, future) for ticket, future in self._answers if not future.done()]
        for ticket, future in done:
            error = future.exception()
            if error is None:
                self._connection.send(messages.Answered(ticket, future.result()))
            elif isinstance(error, FormwrightError):
                self._connection.send(messages.Answered(ticket, error=error))
            else:
                plain = FormwrightError(f"An error inside the engine: {type(error).__name__}: {error}")
                self._connection.send(messages.Answered(ticket, error=plain))

    def _show(self) -> float | None:
        """Write a Snapshot into a slot when one is due; seconds until the next could be, None when there is none."""
        wait = self._shown_at + SNAPSHOT_SECONDS - time.monotonic()
        if wait > 0.0:
            return wait
        if not self._slots.has_free or self._room_wanted:
            return None
        snapshot = self._waiting or self._session.snapshot()
        if snapshot is None:
            return None
        if not self._slots.fits(snapshot):
            self._waiting, self._room_wanted = snapshot, True
            self._connection.send(messages.RoomWanted(size_of(snapshot)))
            return None
        self._waiting = None
        self._shown_at = time.monotonic()
        self._connection.send(self._slots.write(snapshot))
        return None


def _function(path: str) -> Any:
    """The function that "module:name" names; None for ""."""
    if not path:
        return None
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
