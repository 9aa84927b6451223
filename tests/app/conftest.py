"""Fakes for tests of the window: a Session that descends a sphere without an engine, a viewport that only remembers."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Signal
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.document.steering import apply_edit
from app.viewport.records import CameraView
from engine.core.errors import FormwrightError, WithdrawnError
from engine.core.parameters import ParameterModel, parameter
from engine.geometry.mesh import Mesh
from engine.protocol import snapshot as seen
from engine.protocol.catalogue import Catalogue, GalleryEntry, StudyEntry, TermEntry
from engine.protocol.edits import Edit, MakeCheckpoint, Pause, Resume, Rewind, Stop
from engine.protocol.scene import Scene
from engine.protocol.session import (
    CheckpointView,
    CompareCheckpoints,
    DeleteBranch,
    Diagnostics,
    PromoteBranch,
    QualitySheet,
    Request,
    ResultMesh,
    ResultTetrahedra,
    SensitivityOf,
)
from engine.protocol.study import OptimizerSpec, Study, TermSpec

PATIENCE = 240_000
"""Milliseconds for the slowest wait."""

# Tests that make a window of their own import the fakes under this name: conftest files have none of theirs.
sys.modules.setdefault("tests_app_fakes", sys.modules[__name__])


class FakeParameters(ParameterModel):
    resolution: int = parameter(
        32, title="Resolution", help="Cells a side.", unit="cells", ge=8, le=256, soft_min=16, soft_max=128, step=8,
        live=True,
    )  # fmt: skip
    iterations: int = parameter(300, title="Iterations", help="Steps.", ge=1, soft_min=100, soft_max=2000, live=True)
    thickness: float = parameter(
        2.0, title="Thickness", help="A length.", unit="mm", gt=0.0, le=500.0, soft_min=0.1, soft_max=10.0, live=True
    )
    start: str = parameter("sdf", title="Start from", help="Where it begins.")
    surface: str = parameter("flexicubes", title="Surface", help="What it is made of.")
    seed: int = parameter(0, title="Seed", help="Of chance.", ge=0, advanced=True)


class HandleParameters(ParameterModel):
    anchor: tuple[float, float, float] = parameter((0.0, 0.0, 0.0), title="Anchor", help="Where it holds.", unit="mm")
    target: tuple[float, float, float] = parameter((0.0, 0.0, 0.0), title="Target", help="To where.", unit="mm")
    radius: float = parameter(5.0, title="Radius", help="How far it acts.", unit="mm", gt=0.0, live=True)


def fake_catalogue() -> Catalogue:
    """A small Catalogue with all that panels draw."""
    terms = [
        TermSpec(kind="fit", name="Fit to scan", weight=1.0),
        TermSpec(kind="smooth", name="Smoothness", weight=0.2),
    ]
    return Catalogue(
        version="test",
        studies=[
            StudyEntry(
                study="reconstruct", title="Reconstruct", help="A watertight surface from a scan.",
                inputs={"target": "The scan"}, schema_=FakeParameters.model_json_schema(), default_terms=terms,
            )
        ],
        terms=[
            TermEntry(kind="fit", title="Fit to scan", help="Pulls it to the points.", formula="mean d²", source="ICP"),
            TermEntry(kind="smooth", title="Smoothness", help="Evens it out.", formula="|Δx|²"),
            TermEntry(
                kind="handle", title="Handle", help="Pulls the surface.", place="point",
                schema_=HandleParameters.model_json_schema(),
            ),
        ],
        gallery=[
            GalleryEntry(name="nut", title="A nut, scanned", help="Noisy.", study=Study(inputs={"target": "nut.obj"})),
            GalleryEntry(name="cloth", title="A hanging cloth", help="Of two pegs.",
                         study=Study(study="simulate", scene=Scene())),
        ],
        optimizer_schema=OptimizerSpec.model_json_schema(),
    )  # fmt: skip


class FakeSession:
    """One iteration a call of `events` while it runs: a sphere whose radius nears 10 mm."""

    def __init__(self) -> None:
        self.sent: list[Edit] = []
        self.asked: list[Request] = []
        self.inputs: dict[str, Any] = {}
        self.study = Study()
        self.state: seen.State = "idle"
        self.run = 0
        self.iteration = 0
        self.iterations = 300
        self.branch = "main"
        self.closed = False
        self.restarted = 0
        self.emit: list[seen.Event] = []
        self._last: int | None = None
        self.resumed_from: Path | None = None
        self._checkpoints: dict[int, int] = {}
        self._branches: dict[int, str] = {}
        self._line: list[dict[str, Any]] = []
        self._lines: dict[int, list[dict[str, Any]]] = {}
        self._fresh = False
        self._steps = 0

    def catalogue(self) -> Future[Catalogue]:
        return _answered(fake_catalogue())

    def start(self, study: Study, inputs: dict[str, Any], *, resume: Path | None = None, paused: bool = False) -> int:
        self.run += 1
        self.study, self.inputs = study, inputs
        self.iteration, self._last, self.branch = 0, None, "main"
        self.iterations = study.parameters.get("iterations", 300)
        self._checkpoints, self._line, self.resumed_from = {}, [], resume
        self._branches = {}
        self._set_state("paused" if paused else "running")
        self.emit.append(seen.SteeringRestored(self.run, [], study.model_dump(mode="json")))
        return self.run

    def send(self, edit: Edit) -> None:
        self.sent.append(edit)
        if isinstance(edit, Pause):
            self._set_state("paused")
        elif isinstance(edit, Resume):
            self._steps = edit.steps
            self._set_state("running")
        elif isinstance(edit, Stop):
            self._set_state("stopped")
        elif isinstance(edit, MakeCheckpoint):
            self._checkpoint(edit.label)
        elif isinstance(edit, Rewind):
            self.iteration = self._checkpoints[edit.checkpoint]
            self._last = edit.checkpoint
            self.branch = edit.branch or f"branch {len(self._checkpoints)}"
            self._line = list(self._lines[edit.checkpoint])
            self.emit.append(seen.SteeringRestored(self.run, self._line, checkpoint=edit.checkpoint))
        else:
            self.study, _ = apply_edit(self.study, (), edit)
            self._line.append(edit.model_dump(mode="json"))
        self.emit.append(seen.EditApplied(self.run, self.iteration, edit.model_dump(mode="json")))

    def withdraw(self, future: Future[Any]) -> None:
        future.set_exception(WithdrawnError("The question was withdrawn before it was answered."))

    def ask(self, request: Request) -> Future[Any]:
        self.asked.append(request)
        if isinstance(request, SensitivityOf):
            return Future()  # it takes long
        if isinstance(request, CheckpointView):
            return _answered(self._snapshot(self._checkpoints[request.checkpoint]))
        if isinstance(request, QualitySheet):
            sheet = {"watertight": True, "edge_manifold": True, "vertex_manifold": False, "parts": 1, "size": [1, 2, 3]}
            sheet |= {"euler_characteristic": -4, "intersecting_triangles": 3, "smallest_angle": 12.34}
            sheet["reference_to_surface"] = {"mean": 0.012, "percentile_95": 0.03, "maximum": 0.4}
            return _answered(sheet)
        if isinstance(request, ResultMesh):
            vertices, triangles = ball(10.0)
            return _answered(Mesh(vertices, triangles, name="result"))
        if isinstance(request, ResultTetrahedra):
            from engine.geometry.tetrahedral import box_tets  # brings torch, which a window does not hold

            return _answered(box_tets((2.0, 1.0, 1.0), 2))
        if isinstance(request, CompareCheckpoints):
            if any(id is not None and id not in self._checkpoints for id in (request.a, request.b)):
                return _refused("the History has no such Checkpoint.")
            return _answered(self._compare(request.a, request.b))
        if isinstance(request, PromoteBranch):
            self._rename({request.branch: "main", "main": request.old or "earlier main"})
            return _answered(None)
        if isinstance(request, DeleteBranch):
            gone = tuple(id for id, branch in self._branches.items() if branch == request.branch)
            for id in gone:
                del self._checkpoints[id], self._branches[id]
            self.emit.append(seen.BranchesChanged(self.run, deleted=gone, deleted_branch=request.branch))
            return _answered(None)
        if isinstance(request, Diagnostics):
            return _answered({"torch": "none", "device": "fake"})
        return _refused("There is no answer to this.")

    def _compare(self, a: int | None, b: int | None) -> seen.Snapshot:
        """Both are balls about the same centre."""
        first, second = (self._snapshot(self.iteration if id is None else self._checkpoints[id]) for id in (a, b))
        radii = [float(np.linalg.norm(one.arrays["vertices"][0])) for one in (first, second)]
        distance = np.full(len(first.arrays["vertices"]), radii[0] - radii[1], np.float32)
        kinds = ("mean", "percentile_95", "maximum")
        scalars = {f"distance:{kind}": abs(radii[0] - radii[1]) for kind in kinds}
        return replace(first, arrays={**first.arrays, "distance": distance}, scalars={**first.scalars, **scalars})

    def _rename(self, names: dict[str, str]) -> None:
        self._branches = {id: names.get(branch, branch) for id, branch in self._branches.items()}
        self.branch = names.get(self.branch, self.branch)
        self.emit.append(seen.BranchesChanged(self.run, renamed=names))

    def snapshot(self) -> seen.Snapshot | None:
        if not self._fresh:
            return None
        self._fresh = False
        return self._snapshot(self.iteration)

    def events(self) -> list[seen.Event]:
        if self.state == "running":
            self._advance()
        events, self.emit = self.emit, []
        return events

    def close(self) -> None:
        self.closed = True

    def restart(self) -> int:
        self.restarted += 1
        return self.start(self.study, self.inputs)

    def _advance(self) -> None:
        if self.iteration % 20 == 0:
            self._checkpoint("")
        losses = {spec_name(spec): _loss(index, self.iteration) for index, spec in enumerate(self.study.terms)}
        losses["loss"] = sum(losses.values())
        self.emit.append(
            seen.LossesRecorded(
                self.run, self.branch, [self.iteration], {key: [value] for key, value in losses.items()}
            )
        )
        self.iteration += 1
        self._fresh = True
        self._steps -= 1
        if self.iteration >= self.iterations:
            self._set_state("finished")
        elif self._steps == 0:
            self._set_state("paused")

    def _checkpoint(self, label: str) -> None:
        id = max(self._checkpoints, default=0) + 1
        self._checkpoints[id] = self.iteration
        self._branches[id] = self.branch
        self._lines[id] = list(self._line)
        shade = np.full((96, 96, 3), 150 + (id * 17) % 80, np.uint8)
        losses = {"loss": _loss(0, self.iteration)}
        info = seen.CheckpointInfo(id, self._last, self.branch, self.iteration, losses, shade, label, 2 << 20)
        self._last = id
        self.emit.append(seen.CheckpointMade(self.run, info))

    def _snapshot(self, iteration: int) -> seen.Snapshot:
        vertices, triangles = ball(10.0 + 8.0 * 0.98**iteration)
        arrays = {
            "vertices": vertices.astype(np.float32),
            "triangles": triangles,
            "sensitivity": vertices[:, 2].astype(np.float32),
        }
        scalars = {
            "loss": _loss(0, iteration), "iterations_per_second": 18.0, "engine_memory": 310e6,
            "seconds_left": (self.iterations - iteration) / 18.0, "history_memory": 210e6, "history_budget": 2.0**30,
            **{f"weight:{spec.name}": spec.weight for spec in self.study.terms},
        }  # fmt: skip
        info = {"device": "cpu", "euler_number": 2, "parts": 1, "triangle_count": len(triangles)}
        return seen.Snapshot(
            self.run, iteration, self.iterations, self.state, 1, (0.0, 0.0, 0.0), arrays, scalars, info
        )

    def _set_state(self, state: seen.State) -> None:
        self.state = state
        self._fresh = True
        self.emit.append(seen.StateChanged(self.run, state, self.iteration))


class FakeViewport(QWidget):
    """Remembers what it was told, as (method, arguments)."""

    handle_placed = Signal(tuple)
    handle_withdrawn = Signal(str)
    handle_moved = Signal(str, tuple, bool)
    handle_selected = Signal(str)
    term_placed = Signal(str, str, tuple, bool)
    painted = Signal(list, float, bool)
    point_probed = Signal(tuple, object)
    selected = Signal(object)
    object_picked = Signal(str)
    placement_dragged = Signal(str, object, bool)
    clip_dragged = Signal(object, bool)
    measured = Signal(str, list, float)
    tool_changed = Signal(str)
    brush_radius_changed = Signal(float)
    files_dropped = Signal(list)
    pulled = Signal(str, int, object)
    pin_painted = Signal(str, list, float, bool, bool)
    crease_drawn = Signal(str, list)
    outline_drawn = Signal(list)
    probe_placed = Signal(tuple)
    camera_changed = Signal()
    content_shown = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("3D view")
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.colour_range = (-1.0, 1.0)
        self.value_names: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_") or name not in VIEWPORT_METHODS:
            raise AttributeError(name)

        def remember(*arguments: Any, **options: Any) -> None:
            self.calls.append((name, arguments, options))

        return remember

    def set_tool(self, tool: str) -> None:
        self.tool_changed.emit(tool)

    def leave_tool(self) -> None:
        self.tool_changed.emit("navigate")

    def picture(self, *, scale: float = 1.0, camera: CameraView | None = None, **look: bool) -> QImage:
        """Grey, and the redder the farther the camera has gone round."""
        self.calls.append(("picture", (scale,), {"camera": camera, **look}))
        image = QImage(round(8 * scale), round(8 * scale), QImage.Format.Format_RGB32)
        image.fill(QColor(90 if camera is None else round(128 + 12 * camera.position[0]), 90, 90))
        return image

    def camera(self) -> CameraView:
        return CameraView((10.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))

    @property
    def alive(self) -> bool:
        return True

    def last(self, name: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments of the last call of a method."""
        return next((arguments, options) for call, arguments, options in reversed(self.calls) if call == name)

    def count(self, name: str) -> int:
        return sum(call == name for call, _, _ in self.calls)


VIEWPORT_METHODS = {
    "show_object", "remove_object", "set_object_visible", "show_snapshot", "clear_snapshot", "set_colouring",
    "set_wireframe", "set_handles", "set_frozen", "set_brush_radius", "frame", "look", "set_perspective", "set_theme",
    "shut_down", "draw", "set_placement", "set_gizmo", "set_selections", "set_selecting", "set_clip",
    "set_measure_kind", "set_marks", "look_at_ground",
    "set_measurements", "hide_bodies", "set_ground", "frame_next", "show_comparison", "clear_comparison", "set_camera",
    "frame_selection", "set_placed", "refuse_pull", "set_probes",
}  # fmt: skip


def spec_name(spec: TermSpec) -> str:
    return f"term:{spec.name}"


def ball(radius: float) -> tuple[np.ndarray, np.ndarray]:
    """A sphere of latitude rings [mm]: vertices and triangles."""
    rows, columns = 16, 24
    theta, phi = np.meshgrid(
        np.linspace(0, np.pi, rows), np.linspace(0, 2 * np.pi, columns, endpoint=False), indexing="ij"
    )
    vertices = radius * np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=-1)
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b = index[:-1], index[1:]
    c, d = np.roll(b, -1, axis=1), np.roll(a, -1, axis=1)
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return vertices.reshape(-1, 3), triangles.astype(np.int32)


def _loss(index: int, iteration: int) -> float:
    return (0.01 * 0.985**iteration + 1e-5) * (0.3**index)


def _answered(value: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(value)
    return future


def _refused(message: str) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(FormwrightError(message))
    return future


def polls(window: Any, count: int = 1) -> None:
    for _ in range(count):
        window.poll()


def poll_until(window: Any, done: Any) -> bool:
    window.poll()
    return bool(done())


def pixels(image: QImage) -> np.ndarray:
    """RGBA values, shape (height, width, 4)."""
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4).copy()


class PatientBot(QtBot):
    """Waits as long as a slow and busy machine needs: a wait that ends by itself says nothing about the program."""

    def waitUntil(self, callback: Callable[[], object], *, timeout: int = PATIENCE) -> None:
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal: Any, *, timeout: int = PATIENCE, **options: Any) -> Any:
        return super().waitSignal(signal, timeout=timeout, **options)


@pytest.fixture
def qtbot(qapp: Any, request: pytest.FixtureRequest) -> PatientBot:
    return PatientBot(request)


@pytest.fixture(autouse=True)
def windows_go() -> Iterator[None]:
    """What a test has closed is gone before the next one: Qt leaves it until an event loop comes round, and every
    change of the style would go through the widgets of all tests before."""
    yield
    if QCoreApplication.instance() is not None:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def catalogue() -> Catalogue:
    return fake_catalogue()


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()


@pytest.fixture
def target() -> Mesh:
    """A ball of 10 mm."""
    vertices, triangles = ball(10.0)
    return Mesh(vertices, triangles, name="ball.ply")


@pytest.fixture
def window(qtbot: Any, session: FakeSession) -> Iterator[Any]:
    """A whole window on the fakes; its timer rests, tests call `poll`."""
    from PySide6.QtWidgets import QApplication

    from app.panels.theme import apply_theme
    from app.window.main_window import MainWindow

    application = QApplication.instance()
    assert isinstance(application, QApplication)
    apply_theme(application, dark=False)
    window = MainWindow(lambda: session, FakeViewport)  # type: ignore[arg-type]  # fakes have the methods, not the type
    qtbot.addWidget(window)
    window.show()
    window.complete()
    window.stop_timer()
    window.poll()
    yield window
    window.close()


@pytest.fixture
def running(window: Any, target: Mesh) -> Any:
    """A window whose Run has made some forty iterations."""
    window.document.add_object(target, source="/data/ball.ply")
    window.registry.trigger("run.toggle")
    polls(window, 42)
    return window
