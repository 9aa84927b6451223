"""A Session in this process: for the command line, scripts and tests, and inside the engine process."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import psutil
import torch

from engine.core.errors import FileError, FormwrightError, QuestionError, WithdrawnError
from engine.optimization.history import DEFAULT_BUDGET, History
from engine.optimization.player import Player
from engine.optimization.run import Run
from engine.optimization.run_saver import RunSaver, program_version, save_copy
from engine.optimization.saved_run import read_saved_run, resume_run
from engine.protocol import edits as edit_kinds
from engine.protocol import session as requests
from engine.protocol import snapshot as seen
from engine.protocol.catalogue import Catalogue
from engine.protocol.edits import Edit
from engine.protocol.recording import Recording
from engine.protocol.run_folder import run_folder
from engine.protocol.study import Study
from engine.studies import earlier_runs
from engine.studies.answers import answer, view_of
from engine.studies.earlier_runs import EarlierRuns
from engine.studies.pace import Pace, Sparingly
from engine.studies.problem import AdvancingStudy, StudyProblem
from engine.studies.replay_folder import save_replay

AUTOSAVE_SECONDS = 2.0


class ProgressCall(Protocol):
    """Tell how far a preparation is: fraction in [0, 1], None while unknown."""

    def __call__(self, message: str, fraction: float | None) -> None: ...


Build = Callable[[Study, dict[str, Any], ProgressCall], StudyProblem]
"""Makes the problem of a study on its inputs (role -> Geometry), telling its progress."""


class _CancelledError(Exception):
    """The preparation is not wanted any more."""


@dataclass(frozen=True)
class _Order:
    """A Run that is asked for."""

    number: int
    study: Study
    inputs: dict[str, Any]
    resume: Path | None
    paused: bool
    edits: Recording | None


class LocalSession:
    """Implements `engine.protocol.session.Session` in this process.

    Nothing happens by itself: whoever owns the loop calls `advance()`, one iteration a call. Requests asked outside
    `advance()` are answered at once.

    build : makes the problem of a study; the registry of studies when None
    make_catalogue : what this engine offers; the registry's Catalogue when None
    folder : where each Run is saved every few seconds, in a folder of its own (`engine.protocol.run_folder`); None:
        nowhere. The folder of a Run stays when the next one begins, unless that went on from it
    earlier_budget : bytes that the folders of earlier Runs may need; the oldest go first
    history_budget : bytes of Checkpoints in memory
    thumbnails : make a picture for every Checkpoint; nobody looks at them where there is no window
    between_steps : called between the steps of a preparation or of a long answer; it may call `start`, `send`, `ask`,
        `withdraw` and `close`
    """

    def __init__(
        self,
        *,
        build: Build | None = None,
        make_catalogue: Callable[[], Catalogue] | None = None,
        folder: Path | None = None,
        history_budget: int = DEFAULT_BUDGET,
        earlier_budget: int = earlier_runs.DEFAULT_BUDGET,
        autosave_seconds: float = AUTOSAVE_SECONDS,
        thumbnails: bool = True,
        between_steps: Callable[[], None] = lambda: None,
    ) -> None:
        self.run: Run | None = None
        self.study: Study | None = None
        self._build = build or _registry_build
        self._make_catalogue = make_catalogue or _registry_catalogue
        self._folder = folder
        self._history_budget = history_budget
        self._autosave_seconds = autosave_seconds
        self._between_steps = between_steps
        self._thumbnails = thumbnails
        self._number = 0
        self._pending: _Order | None = None
        self._early_edits: list[Edit] = []
        self._questions: list[tuple[requests.Request, Future[Any]]] = []
        self._withdrawn: set[Future[Any]] = set()
        self._events: list[seen.Event] = []
        self._inside = False
        self._closed = False
        self._cancelled = False
        self._inputs: dict[str, Any] = {}
        self._saver: RunSaver | None = None
        self._earlier = EarlierRuns(folder, earlier_budget) if folder is not None else None
        self._resumed_from: Path | None = None
        self._tidied = False
        self._begin_run()

    def _begin_run(self) -> None:
        self._pace = Pace()
        self._topology_looks = Sparingly(share=0.03)
        self._topology: tuple[int, int] | None = None
        self._seen: tuple[Any, ...] | None = None
        self._triangles = np.zeros((0, 3), np.int32)
        self._generation = 0
        self._player: Player | None = None
        self._at_recorded_end = False

    # -- Session --------------------------------------------------------------------------------------------------

    def catalogue(self) -> Future[Catalogue]:
        future: Future[Catalogue] = Future()
        _settle(future, self._make_catalogue)
        return future

    def start(
        self,
        study: Study,
        inputs: dict[str, Any],
        *,
        resume: Path | None = None,
        paused: bool = False,
        number: int | None = None,
        edits: Recording | None = None,
    ) -> int:
        """As in the protocol. `edits` steer the Run as they did when they were recorded; it rests where they end."""
        if self.run is not None:
            self.run.stop()
        self._number = self._number + 1 if number is None else number
        self._pending = _Order(self._number, study, inputs, resume, paused, edits)
        self._early_edits = []
        self._cancelled = False
        self._events.append(seen.StateChanged(self._number, "preparing", 0))
        return self._number

    def send(self, edit: Edit) -> None:
        if self._pending is not None or self._inside_preparation:
            if isinstance(edit, edit_kinds.Stop):
                self._cancelled = True
            else:
                self._early_edits.append(edit)
        elif self.run is not None:
            self.run.send(edit)
        else:
            self._events.append(seen.ProblemRaised("There is no Run to steer.", "Start one first."))

    def ask(self, request: requests.Request, *, into: Future[Any] | None = None) -> Future[Any]:
        """As in the protocol; `into` is the Future that is to hold the answer."""
        future: Future[Any] = Future() if into is None else into
        self._questions.append((request, future))
        if not self._inside:
            self._inside = True
            try:
                self._answer_questions()
            finally:
                self._inside = False
        return future

    def withdraw(self, future: Future[Any]) -> None:
        if not future.done():
            self._withdrawn.add(future)

    def snapshot(self) -> seen.Snapshot | None:
        run = self.run
        if run is None or self._inside_preparation:
            return None
        key = (run.number, run.iteration, run.status, run.branch, len(run.journal))
        if key == self._seen:
            return None
        self._seen = key
        return self._guarded(lambda: self._make_snapshot(run))

    def events(self) -> list[seen.Event]:
        if self.run is not None:
            self._events += self.run.take_events()
        if self._saver is not None:
            self._events += [seen.LogLine("warning", problem) for problem in self._saver.take_problems()]
        events, self._events = self._events, []
        return events

    def save(self) -> None:
        """Bring the Run's folder up to date, and wait for it."""
        if self._saver is not None and self.run is not None and self.study is not None:
            self._saver.save_now(self.run, self.study)

    def close(self) -> None:
        self._closed = True
        self._cancelled = True
        self._pending = None
        if self._saver is not None:
            self._saver.wait()
        if self.run is not None:
            _close(self.run)
        for _, future in self._questions:
            future.cancel()
        self._questions = []

    # -- the loop -------------------------------------------------------------------------------------------------

    def advance(self) -> bool:
        """Prepare, answer, or make one iteration. False when there is nothing to do until somebody asks for it."""
        if self._closed:
            return False
        self._inside = True
        try:
            if self._pending is not None:
                self._prepare()
                return True
            self._answer_questions()
            worked = bool(self.run is not None and self._guarded(self._iterate))
            self._save_now_and_then(at_rest=not worked)
            return worked or (self._player is not None and self._player.unfinished)
        finally:
            self._inside = False

    @property
    def at_recorded_end(self) -> bool:
        """The Run has been steered by a recording, and stands where that ended."""
        return self._at_recorded_end

    def run_to_end(self) -> None:
        """Advance until the Run pauses or ends."""
        while self.advance():
            pass

    def run_folder(self, run: int) -> Path | None:
        """Where Run number `run` is saved."""
        return None if self._folder is None else run_folder(self._folder, run)

    @property
    def _inside_preparation(self) -> bool:
        return self._inside and self.run is None

    # -- preparing ------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        assert self._pending is not None
        order, self._pending = self._pending, None
        number, study = order.number, order.study
        self._close_run()
        try:
            run = self._make_run(order)
        except _CancelledError:
            self._events.append(seen.StateChanged(number, "stopped", 0, "cancelled while preparing"))
        except QuestionError as error:
            self._events.append(
                seen.QuestionRaised(
                    error.message, error.remedy, question=error.question, parameter=error.parameter,
                    readings=error.readings,
                )
            )  # fmt: skip
            self._events.append(seen.StateChanged(number, "failed", 0, error.message))
        except FormwrightError as error:
            place = getattr(error, "point", None)  # where a body cannot be what it is
            self._events.append(seen.ProblemRaised(error.message, error.remedy, place=place))
            self._events.append(seen.StateChanged(number, "failed", 0, error.message))
        except Exception as error:
            self._unexpected(error, "preparing the study")
            self._events.append(seen.StateChanged(number, "failed", 0, str(error)))
        else:
            self.run, self.study, self._inputs = run, study, order.inputs
            run.tell_steering(study=study.model_dump(mode="json"))
            if order.paused or any(isinstance(edit, edit_kinds.Pause) for edit in self._early_edits):
                run.status = "paused"
            self._events.append(seen.StateChanged(number, run.status, run.iteration))
            for edit in self._early_edits:
                run.send(edit)
        finally:
            if self._pending is None:
                self._early_edits = []
            self._events.append(seen.Progress("preparing", 1.0))

    def _make_run(self, order: _Order) -> Run:
        def progress(message: str, fraction: float | None) -> None:
            fraction = None if fraction is None else min(fraction, 0.99)
            self._events.append(seen.Progress("preparing", fraction, message))
            self._between_steps()
            if self._cancelled or self._pending is not None:
                raise _CancelledError

        progress("Building the study", None)
        saved = read_saved_run(order.resume) if order.resume is not None else None
        if saved is not None and saved.study.study != order.study.study:
            raise FileError(saved.folder, f"it holds a Run of {saved.study.study!r}, not of {order.study.study!r}.")
        problem = self._build(order.study, order.inputs, progress)
        self._events += [seen.LogLine("info", note) for note in problem.notes if isinstance(note, str)]
        if saved is None:  # a Run that is taken up was advised when it began
            self._events += [note for note in problem.notes if not isinstance(note, str)]
        folder = self.run_folder(order.number)
        if isinstance(problem, AdvancingStudy):
            problem.keep_in(folder, order.resume)
        run = Run(
            problem,
            order.study.optimizer,
            _iterations(order.study, problem),
            number=order.number,
            history=History(budget=self._history_budget, folder=folder),
            picture=problem.thumbnail if self._thumbnails else lambda: None,
        )
        if saved is not None:
            progress("Bringing back the history", 0.9)
            self._events += resume_run(run, saved)
        if order.edits is not None:
            self._player = Player(run, order.edits)
        if folder is not None:
            self._saver = RunSaver(folder, self._autosave_seconds)
            self._resumed_from, self._tidied = order.resume, False
        progress("The first iteration", 0.99)
        return run

    def _close_run(self) -> None:
        if self._saver is not None:
            self.save()
            self._saver = None
        if self.run is not None:
            self._events += self.run.take_events()
            _close(self.run)
        self.run = None
        self._begin_run()

    # -- iterating ------------------------------------------------------------------------------------------------

    def _iterate(self) -> bool:
        run = self.run
        assert run is not None
        if self._player is None:
            worked = run.step()
        else:
            worked = self._player.step()
            if self._player.ended:
                run.pause("the recording ends here")
                self._player, self._at_recorded_end = None, True
        if worked:
            self._pace.mark()
        else:
            self._pace.reset()
        if worked and (self._topology_looks.due() or run.status != "running"):
            self._look_at_topology(run)
        return worked

    def _look_at_topology(self, run: Run) -> None:
        started = time.monotonic()
        topology = _problem(run).topology()
        self._topology_looks.done(started)
        if topology != self._topology:
            self._topology = topology
            self._events.append(seen.TopologyChanged(run.number, run.iteration, *topology))

    def _guarded(self, action: Callable[[], Any]) -> Any:
        """Do it; an error becomes an event and a failed Run, and the Session lives on."""
        run = self.run
        assert run is not None
        try:
            return action()
        except FormwrightError as error:
            self._events.append(seen.ProblemRaised(error.message, error.remedy))
            run.fail(error.message)
        except Exception as error:
            self._unexpected(error, f"iteration {run.iteration}")
            run.fail(str(error))
        return None

    def _unexpected(self, error: Exception, what: str) -> None:
        details = "".join(traceback.format_exception(error))
        message = f"An error inside the engine, while at {what}: {type(error).__name__}: {error}"
        self._events.append(seen.ProblemRaised(message, "Go back to a Checkpoint, or start again.", details))

    def _save_now_and_then(self, *, at_rest: bool) -> None:
        if self._saver is None or self.run is None or self.study is None:
            return
        self._saver.after_iteration(self.run, self.study, at_rest=at_rest)
        if self._earlier is not None and self._saver.has_saved and not self._tidied:
            self._tidied = True
            for number in self._earlier.tidy(self.run.number, self._resumed_from):
                text = f"The files of run {number} have been removed: earlier runs take more room than they may."
                self._events.append(seen.LogLine("info", text))

    # -- requests and Snapshots -----------------------------------------------------------------------------------

    def _answer_questions(self) -> None:
        questions, self._questions = self._questions, []
        for request, future in questions:
            if not future.set_running_or_notify_cancel():
                continue

            def between(future: Future[Any] = future) -> None:
                self._between_steps()
                if future in self._withdrawn or self._pending is not None or self._closed:
                    raise WithdrawnError("The question was withdrawn before it was answered.")

            try:
                future.set_result(self._answer(request, between))
            except Exception as error:
                future.set_exception(error)
            finally:
                self._withdrawn.discard(future)

    def _answer(self, request: requests.Request, between: Callable[[], None]) -> Any:
        if isinstance(request, requests.Diagnostics):
            return answer(None, request, between)
        if self.run is None:
            raise FormwrightError("There is no Run to ask.", remedy="Start one first.")
        if isinstance(request, requests.RecordedEdits):
            return replace(self.run.recording(program_version()), study=self.study)
        if isinstance(request, requests.SaveReplay):
            assert self.study is not None
            return save_replay(request.path, self.study, self._inputs, self.run.recording(program_version()))
        if isinstance(request, requests.SaveRun):
            assert self.study is not None
            if self._saver is not None:
                self._saver.wait()
            return save_copy(self.run, self.study, request.path)
        return answer(self.run, request, between)

    def _make_snapshot(self, run: Run) -> seen.Snapshot:
        origin, arrays, info, own = view_of(_problem(run))
        if not np.array_equal(arrays["triangles"], self._triangles):
            self._generation += 1
            self._triangles = arrays["triangles"].copy()
        if self._topology is not None:
            info = {"euler_number": self._topology[0], "parts": self._topology[1], **info}
        scalars = {**self._scalars(run), **own}
        return seen.Snapshot(
            run.number, run.iteration, run.iterations, run.status, self._generation, origin, arrays, scalars, info
        )

    def _scalars(self, run: Run) -> dict[str, float]:
        rate = self._pace.iterations_per_second
        scalars = {
            **run.losses,
            **run.method.scalars(run.iteration, run.iterations),
            "iterations_per_second": rate,
            "engine_memory": float(psutil.Process().memory_info().rss),
            "history_memory": float(run.history.memory),
            "history_budget": float(run.history.budget),
        }
        if rate > 0.0:
            scalars["seconds_left"] = (run.iterations - run.iteration) / rate
        device = _problem(run).device
        if device.is_cuda:
            scalars["device_memory"] = float(torch.cuda.memory_reserved(device.torch))
        return scalars


def _problem(run: Run) -> StudyProblem:
    problem: Any = run.problem
    return problem


def _close(run: Run) -> None:
    run.history.close()
    if isinstance(run.problem, AdvancingStudy):
        run.problem.close()


def _settle(future: Future[Any], make: Callable[[], Any]) -> None:
    try:
        future.set_result(make())
    except Exception as error:
        future.set_exception(error)


def _iterations(study: Study, problem: StudyProblem) -> int:
    """How many iterations the study asks for, its kind's default included."""
    return int(study.parameters.get("iterations", problem.iterations))


def _registry_build(study: Study, inputs: dict[str, Any], progress: ProgressCall) -> StudyProblem:
    from engine.studies.registry import build_problem

    return build_problem(study, inputs, progress)


def _registry_catalogue() -> Catalogue:
    from engine.studies.catalogue import catalogue

    return catalogue()
