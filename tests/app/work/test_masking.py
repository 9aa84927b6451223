"""Selections as masks of a real descent: what is painted in the window changes where a Term counts, at once."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
import trimesh

from app.document.document import Document
from app.viewport.records import SelectionGesture
from app.work.engine_link import EngineLink
from app.work.tasks import Tasks
from app.work.workbench import Workbench
from engine.geometry.mesh import Mesh
from engine.protocol.session import ResultMesh
from engine.protocol.study import Study
from engine.studies.session import LocalSession

STUDY = Study(parameters={"resolution": 20, "iterations": 60, "samples": 1500, "device": "cpu", "start": "sphere"})
RADIUS = 8.0


class Bench:
    """A workbench on the real engine, in this process, with the default Terms of a reconstruction of a box."""

    def __init__(self) -> None:
        self.session = LocalSession(thumbnails=False)
        self.document, self.tasks = Document(), Tasks()
        self.link = EngineLink(self.document, self.tasks, lambda: self.session)
        self.work = Workbench(self.document, self.link, self.tasks)
        self.problems: list[str] = []
        self.link.problem_raised.subscribe(lambda event: self.problems.append(event.message + event.details))
        self.work.notices.said.subscribe(lambda message: self.problems.append(message.text))
        self.link.start_engine()
        self.poll()
        box = trimesh.creation.box((2 * RADIUS,) * 3).subdivide_to_size(2.0)
        self.document.add_object(Mesh(np.asarray(box.vertices), np.asarray(box.faces), name="box"))
        self.document.set_study(STUDY)
        self.fit = next(spec.name for spec in self.document.study.terms if spec.kind == "fit")
        for other in [spec.name for spec in self.document.study.terms if spec.kind in ("field", "normals")]:
            self.work.steering.remove_term(other)  # they say the same as the fit, everywhere

    def poll(self) -> None:
        self.link.poll()
        while self.tasks.busy:
            self.tasks.poll()

    def advance(self, iterations: int) -> None:
        for _ in range(iterations):
            self.session.advance()
            self.poll()

    def paint(self, place: tuple[float, float, float], radius: float) -> None:
        """One stamp of the selection brush, as the viewport tells it."""
        at = np.array([place])
        self.work.selecting.gesture(SelectionGesture("box", "brush", "add", at, radius, "constant", None, False, False))
        none = np.empty((0, 3))
        self.work.selecting.gesture(
            SelectionGesture("box", "brush", "add", none, radius, "constant", None, True, False)
        )
        self.poll()

    @property
    def engine_mask(self) -> str:
        """Where the engine lets the fit count."""
        assert self.session.run is not None
        return next(spec.mask for spec in self.session.run.problem.terms() if spec.name == self.fit)

    def corner(self, sign: float) -> float:
        """How far the result reaches into the upper or the lower corners of the box, as a share of the way."""
        answer: Future[Any] = self.session.ask(ResultMesh())
        mesh: Mesh = answer.result(timeout=120)
        reach = mesh.vertices @ (np.array([1.0, 1.0, sign]) / np.sqrt(3.0))
        return float(reach.max() / (np.sqrt(3.0) * RADIUS))


@pytest.fixture
def bench() -> Any:
    made = Bench()
    yield made
    made.work.close()


def test_what_is_painted_while_it_runs_is_where_the_fit_counts(bench: Bench) -> None:
    bench.work.running.start()
    bench.advance(10)
    upper, lower = bench.corner(1.0), bench.corner(-1.0)
    assert abs(upper - lower) < 0.01  # nothing tells above from below yet
    bench.paint((0.0, 0.0, RADIUS), 15.0)  # the upper half, along the surface
    bench.work.masking.set_mask(bench.fit, "")
    bench.advance(20)
    assert bench.engine_mask == "Selection"
    assert bench.corner(1.0) > upper + 0.03 and bench.corner(1.0) > bench.corner(-1.0) + 0.02
    lower = bench.corner(-1.0)
    bench.document.undo()  # the fit counts everywhere again, in the engine too
    bench.advance(20)
    assert bench.engine_mask == "" and bench.corner(-1.0) > lower + 0.01
    assert bench.problems == []


def test_a_run_begun_with_a_mask_has_it_from_the_start(bench: Bench) -> None:
    bench.paint((0.0, 0.0, RADIUS), 15.0)
    bench.work.masking.set_mask(bench.fit, "")
    bench.work.running.start()
    bench.advance(20)
    assert bench.corner(1.0) > bench.corner(-1.0) + 0.05
    assert bench.problems == []


def test_a_frozen_selection_stays_where_it_is(bench: Bench) -> None:
    bench.work.running.start()
    bench.advance(10)
    lower = bench.corner(-1.0)
    bench.paint((0.0, 0.0, -RADIUS), 15.0)
    bench.work.masking.freeze()  # the result lies far from the box yet: what is nearest to the selection stays
    bench.poll()
    bench.advance(30)
    assert bench.corner(-1.0) == lower and bench.corner(1.0) > lower + 0.02
    assert bench.problems == []
