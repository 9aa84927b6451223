"""Answers to the requests of a Session, between two iterations."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import psutil
import torch

from engine.core.errors import FormwrightError
from engine.optimization.branches import delete_branch, promote_branch, rename_branch
from engine.optimization.run import Run
from engine.protocol import session as requests
from engine.protocol.snapshot import Snapshot
from engine.studies.comparison import compare
from engine.studies.problem import Fillable, StudyProblem

VERSIONS_OF = ("formwright", "torch", "warp-lang", "numpy", "pydantic")


def answer(run: Run | None, request: requests.Request, between: Callable[[], None]) -> Any:
    """The answer; raises `FormwrightError` when there is none. One that takes long calls `between` now and then."""
    match request:
        case requests.Diagnostics():
            return diagnostics()
        case requests.ResultMesh() if run is not None:
            with _visit(run, request.checkpoint) as problem:
                return problem.result_mesh()
        case requests.ResultTetrahedra() if run is not None:
            with _visit(run, request.checkpoint) as problem:
                if not isinstance(problem, Fillable):
                    raise FormwrightError("This study shapes no surface that could be filled with tetrahedra.")
                return problem.result_tetrahedra()
        case requests.QualitySheet() if run is not None:
            with _visit(run, request.checkpoint) as problem:
                return problem.quality_sheet()
        case requests.CheckpointView() if run is not None:
            return _checkpoint_view(run, request.checkpoint)
        case requests.CompareCheckpoints() if run is not None:
            return compare(_surface(run, request.a), _surface(run, request.b))
        case requests.SensitivityOf() if run is not None:
            return _sensitivity(run, request, between)
        case requests.RenameBranch() if run is not None:
            return rename_branch(run, request.branch, request.name)
        case requests.PromoteBranch() if run is not None:
            return promote_branch(run, request.branch, request.old)
        case requests.DeleteBranch() if run is not None:
            return delete_branch(run, request.branch)
    raise FormwrightError(f"The engine has no answer to {type(request).__name__}.")


def view_of(
    problem: StudyProblem,
) -> tuple[tuple[float, float, float], dict[str, np.ndarray], dict[str, Any], dict[str, float]]:
    """Origin, arrays, info and own scalars of a Snapshot, with what every Snapshot tells."""
    origin, arrays, info = problem.view()
    scalars = info.pop("scalars", {})
    counts = {
        "vertex_count": len(arrays["vertices"]),
        "triangle_count": len(arrays["triangles"]),
        "device": problem.device.describe(),
    }
    return origin, arrays, {**counts, **info}, scalars


def diagnostics() -> dict[str, Any]:
    """Versions, devices, memory."""
    memory = psutil.virtual_memory()
    cuda = torch.cuda.is_available()
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{name: _version(name) for name in VERSIONS_OF},
        "devices": ["cpu", *(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count() if cuda else 0))],
        "cores": os.cpu_count(),
        "engine_threads": torch.get_num_threads(),
        "engine_process": os.getpid(),
        "engine_memory": psutil.Process().memory_info().rss,
        "memory_total": memory.total,
        "memory_available": memory.available,
    }


@contextmanager
def _visit(run: Run, checkpoint: int | None) -> Iterator[StudyProblem]:
    """The problem as it was at a Checkpoint; afterwards the Run is as before, bit for bit."""
    problem: Any = run.problem
    if checkpoint is None:
        yield problem
        return
    there, here = run.history.state(checkpoint), run.state()
    visited: Any = there["problem"]
    try:
        problem.restore(visited)
        yield problem
    finally:
        run.restore(here)


def _surface(run: Run, checkpoint: int | None) -> Snapshot:
    """The surface of a Checkpoint, or that of the running design."""
    if checkpoint is not None:
        return _checkpoint_view(run, checkpoint)
    problem: Any = run.problem
    origin, arrays, info, scalars = view_of(problem)
    arrays = {name: np.array(array) for name, array in arrays.items()}
    return Snapshot(
        run.number, run.iteration, run.iterations, run.status, -1, origin, arrays, {**run.losses, **scalars}, info
    )  # fmt: skip


def _sensitivity(run: Run, request: requests.SensitivityOf, between: Callable[[], None]) -> requests.Sensitivity:
    from engine.studies.simulate import SimulateProblem

    if not isinstance(run.problem, SimulateProblem):
        raise FormwrightError("Only a simulation has numbers to be differentiated.", remedy="Run a scene first.")
    return run.problem.sensitivity(request.number, request.horizon, between)


def _checkpoint_view(run: Run, checkpoint: int) -> Snapshot:
    info = run.history.info(checkpoint)
    with _visit(run, checkpoint) as problem:
        origin, arrays, about, scalars = view_of(problem)
    arrays = {name: np.array(array) for name, array in arrays.items()}
    generation = -1 - checkpoint
    return Snapshot(
        run.number,
        info.iteration,
        run.iterations,
        run.status,
        generation,
        origin,
        arrays,
        {**info.losses, **scalars},
        about,
    )


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""
