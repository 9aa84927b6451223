"""Painting where the surface is open and where it is closed: a region and a Term in one step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests_app_fakes import FakeSession

from app.document.document import Document
from app.viewport.records import SelectionGesture
from app.work.engine_link import EngineLink
from app.work.tasks import Tasks
from app.work.workbench import Workbench
from engine.geometry.mesh import Mesh
from engine.protocol.edits import AddTerm, SetMask
from engine.studies.catalogue import make_catalogue

SIDE = 21
STEPS = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij"), axis=-1).reshape(-1, 2)
CORNERS = (np.arange(SIDE - 1)[:, None] * SIDE + np.arange(SIDE - 1)).reshape(-1)
SHEET = Mesh(
    np.column_stack([STEPS, np.zeros(len(STEPS))]).astype(np.float64),
    np.stack(
        [CORNERS, CORNERS + SIDE, CORNERS + 1, CORNERS + SIDE, CORNERS + SIDE + 1, CORNERS + 1], axis=1
    ).reshape(-1, 3).astype(np.int32),
    name="sheet",
)  # fmt: skip


@pytest.fixture
def workbench(qtbot: Any, tmp_path: Path) -> Iterator[Workbench]:
    document, tasks = Document(), Tasks()
    work = Workbench(document, EngineLink(document, tasks, FakeSession), tasks, tmp_path / "store")
    document.set_catalogue(make_catalogue())
    document.add_object(SHEET)
    work.steering.set_parameter("study", "surface", "g-shell")
    yield work
    work.close()


def paint(workbench: Workbench, qtbot: Any, term: str, place: tuple[float, float], *, away: bool = False) -> None:
    stamp = np.array([[*place, 0.0]])
    operation: Any = "subtract" if away else "add"
    count = len(workbench.document.undo_stack.undo_names)
    workbench.selecting.gesture(SelectionGesture("sheet", "brush", operation, stamp, 3.5, ended=False, term=term))
    workbench.selecting.gesture(SelectionGesture("sheet", "brush", operation, stamp[:0], 3.5, term=term))

    def done() -> bool:
        workbench.tasks.poll()
        return not workbench.tasks.busy and len(workbench.document.undo_stack.undo_names) == count + 1

    qtbot.waitUntil(done)


def painted(workbench: Workbench, name: str) -> set[tuple[int, int]]:
    selection = workbench.document.project.selection(name)
    assert selection is not None
    return {(int(x), int(y)) for x, y in STEPS[selection.values > 0.5]}


def terms(workbench: Workbench) -> dict[str, str]:
    return {spec.name: spec.mask for spec in workbench.document.study.terms if spec.mask}


def test_a_stroke_is_a_region_and_a_term_in_one_step_of_undo(workbench: Workbench, qtbot: Any) -> None:
    document = workbench.document
    paint(workbench, qtbot, "open-here", (5, 5))
    assert terms(workbench) == {"Open here": "Open here"}
    assert (5, 5) in painted(workbench, "Open here") and (12, 12) not in painted(workbench, "Open here")
    assert document.undo_stack.undo_name == "paint Open here" and workbench.selecting.working is None
    paint(workbench, qtbot, "open-here", (14, 14))
    assert terms(workbench) == {"Open here": "Open here"}
    assert {(5, 5), (14, 14)} <= painted(workbench, "Open here")
    paint(workbench, qtbot, "open-here", (5, 5), away=True)
    assert (5, 5) not in painted(workbench, "Open here") and (14, 14) in painted(workbench, "Open here")
    for _ in range(2):
        document.undo()
    assert (5, 5) in painted(workbench, "Open here") and (14, 14) not in painted(workbench, "Open here")
    document.undo()
    assert not terms(workbench) and document.project.selection("Open here") is None
    document.redo()
    assert terms(workbench) == {"Open here": "Open here"}


def test_closed_and_open_exclude_each_other(workbench: Workbench, qtbot: Any) -> None:
    paint(workbench, qtbot, "open-here", (8, 10))
    before = painted(workbench, "Open here")
    paint(workbench, qtbot, "closed-here", (11, 10))
    closed = painted(workbench, "Closed here")
    assert terms(workbench) == {"Open here": "Open here", "Closed here": "Closed here"}
    assert before & closed and painted(workbench, "Open here") == before - closed
    workbench.document.undo()
    assert painted(workbench, "Open here") == before and terms(workbench) == {"Open here": "Open here"}


def test_a_run_follows_mask_first(workbench: Workbench, qtbot: Any) -> None:
    document = workbench.document
    workbench.running.start()
    workbench.tasks.poll()
    document.set_catalogue(make_catalogue())  # the fake engine has brought its own
    document.run.state = "running"
    sent: list[Any] = []
    document.engine.carry = sent.append
    paint(workbench, qtbot, "open-here", (5, 5))
    assert [type(edit) for edit in sent] == [SetMask, AddTerm] and sent[1].spec.mask == sent[0].name
    sent.clear()
    paint(workbench, qtbot, "open-here", (14, 14))
    assert [type(edit) for edit in sent] == [SetMask]


def test_nothing_is_painted_for_a_surface_that_cannot_be_open(workbench: Workbench, qtbot: Any) -> None:
    workbench.steering.set_parameter("study", "surface", "flexicubes")
    count = len(workbench.document.undo_stack.undo_names)
    workbench.selecting.gesture(
        SelectionGesture("sheet", "brush", "add", np.array([[5.0, 5.0, 0.0]]), 3.5, term="open-here")
    )
    for _ in range(20):
        qtbot.wait(10)
        workbench.tasks.poll()
    assert not terms(workbench) and len(workbench.document.undo_stack.undo_names) == count
