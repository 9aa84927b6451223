"""Steering and objects in the window, with the mouse where it matters: handles, scrubbing, targets, stale messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from tests_app_fakes import pixels, poll_until, polls

from engine.core.parameters import ParameterModel, parameter
from engine.geometry.mesh import Mesh
from engine.io.registry import write
from engine.protocol.catalogue import TermEntry
from engine.protocol.edits import AddTerm, SetParameter
from engine.protocol.snapshot import ProblemRaised, StateChanged


def test_placing_and_dragging_a_handle_is_one_step_of_undo_and_each_later_drag_another(
    running: Any, session: Any
) -> None:
    viewport = running.viewport
    viewport.handle_placed.emit((0.0, 0.0, 10.0))
    assert isinstance(session.sent[-1], AddTerm) and session.sent[-1].spec.name == "Handle 1"
    for height, ended in ((11.0, False), (12.0, False), (13.0, True)):
        viewport.handle_moved.emit("Handle 1", (0.0, 0.0, height), ended)
    viewport.handle_moved.emit("Handle 1", (0.0, 0.0, 20.0), True)
    handles = viewport.last("set_handles")[0][0]
    assert handles[0].target == (0.0, 0.0, 20.0) and handles[0].selected
    running.document.undo()
    assert running.document.study.term("Handle 1").parameters["target"] == [0.0, 0.0, 13.0]
    running.document.undo()
    assert viewport.last("set_handles")[0][0] == []
    running.document.redo()
    assert running.document.study.term("Handle 1").parameters["target"] == [0.0, 0.0, 13.0]


def test_with_the_mouse_a_click_places_and_a_later_drag_is_a_step_of_its_own(
    qtbot: Any, session: Any, target: Mesh
) -> None:
    from app.viewport.image import ImageViewport
    from app.window.main_window import MainWindow

    window = MainWindow(lambda: session, ImageViewport)
    qtbot.addWidget(window)
    window.show()
    window.complete()
    window.stop_timer()
    window.poll()
    window.document.add_object(target)
    viewport, document = window.viewport, window.document
    window.registry.trigger("tool.handle")
    middle = viewport.rect().center()
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=middle)
    (handle,) = document.handles()
    assert handle.parameters["anchor"] == handle.parameters["target"]

    def drag(start: QPoint, end: QPoint) -> None:
        qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=start)
        for at in (start + (end - start) / 2, end):
            place = QPointF(at)
            left = Qt.MouseButton.LeftButton
            keys = Qt.KeyboardModifier.NoModifier
            kind = QMouseEvent.Type.MouseMove
            event = QMouseEvent(kind, place, viewport.mapToGlobal(place), left, left, keys)
            QApplication.sendEvent(viewport, event)
        qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=end)

    drag(middle, middle + QPoint(40, 0))
    assert len(document.handles()) == 1 and document.undo_stack.undo_name == "move Handle 1"
    drag(middle + QPoint(0, 30), middle + QPoint(0, 90))
    second = document.handles()[1]
    assert second.parameters["anchor"] != second.parameters["target"]
    assert document.undo_stack.undo_name == "add Handle 2"
    document.undo()
    assert [spec.name for spec in document.handles()] == ["Handle 1"]
    document.undo()  # one drag, one step
    assert document.undo_stack.undo_name == "add Handle 1"
    window.close()


def test_a_checkpoint_that_is_scrubbed_to_is_marked_until_back_to_now(running: Any, qtbot: Any) -> None:
    history, left = running.history, Qt.MouseButton.LeftButton
    assert not history._live.isEnabled() and running.selected_checkpoint is None
    polls(running, 20)
    strip = history.strip
    at = {id: strip.place(id).toPoint() for id in running.document.run.checkpoints}
    unmarked = pixels(strip.grab().toImage())
    qtbot.mousePress(strip, left, pos=at[1])
    move = QMouseEvent(
        QMouseEvent.Type.MouseMove, QPointF(at[2]), strip.mapToGlobal(QPointF(at[2])), left, left,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(strip, move)
    qtbot.mouseRelease(strip, left, pos=at[2])
    polls(running)
    assert running.selected_checkpoint == 2 == running.link.viewed
    assert running.viewport.last("show_snapshot")[0][0].iteration == 20
    assert history._live.isEnabled() and running.registry.drawn("run.live").isEnabled()
    assert (pixels(strip.grab().toImage()) != unmarked).any()
    qtbot.mouseClick(history._live, left)
    assert running.selected_checkpoint is None and not history._live.isEnabled()
    assert not running.registry.drawn("run.live").isEnabled() and running.link.viewed is None


def test_a_script_that_scrubs_marks_the_checkpoint_too(running: Any) -> None:
    running.scrub(2)
    assert running.selected_checkpoint == 2 and running.history._live.isEnabled()
    assert "Iteration 20" in running.history._selected.text()


def vanish(window: Any, session: Any) -> None:
    """A Run ends in an error; the one with something to press comes before it, though it came later."""
    session.state = "failed"
    session.emit.append(StateChanged(session.run, "failed", session.iteration))
    session.emit.append(ProblemRaised("The surface has vanished.", "Lower the weights."))
    session.emit.append(ProblemRaised("Engine stopped.", fatal=True))
    polls(window)
    assert window.error_bar.isVisible() and window.error_bar.message.text == "Engine stopped."


def test_an_error_goes_when_another_run_starts(running: Any, session: Any, qtbot: Any) -> None:
    vanish(running, session)
    qtbot.mouseClick(running.run_bar.button, Qt.MouseButton.LeftButton)
    assert running.document.run.active and not running.error_bar.isVisible()
    vanish(running, session)
    running.workbench.running.restart_engine()
    assert not running.error_bar.isVisible()


def test_an_error_goes_with_everything_that_is_closed(running: Any, session: Any, qtbot: Any) -> None:
    vanish(running, session)
    running.activateWindow()
    qtbot.waitUntil(running.isActiveWindow)
    qtbot.keyClick(running.objects, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    assert not running.document.objects and not running.error_bar.isVisible()
    polls(running, 3)
    assert not running.error_bar.isVisible()


def test_an_error_goes_when_another_object_is_opened_or_the_old_one_closed(
    running: Any, session: Any, qtbot: Any, target: Mesh, tmp_path: Path
) -> None:
    vanish(running, session)
    running.workbench.files._not_opened(Path("/data/broken.stl"), ValueError("no"))  # of another file: it stays
    path = tmp_path / "part.ply"
    write(target, path)
    running.viewport.files_dropped.emit([str(path)])
    qtbot.waitUntil(lambda: poll_until(running, lambda: len(running.document.objects) == 2))
    assert "broken.stl" in running.error_bar.text()
    running.error_bar.close_message()
    vanish(running, session)
    running.workbench.scene.remove([running.document.objects[-1].name])
    assert not running.error_bar.isVisible()


def row_of(window: Any, name: str) -> Any:
    tree = window.objects
    rows = [tree.topLevelItem(index) for index in range(tree.topLevelItemCount())]
    return next(row for row in rows if row.text(0) == name)


def opened(window: Any, qtbot: Any, path: Path) -> None:
    """Drop a file on the viewport and wait until it is there."""
    window.viewport.files_dropped.emit([str(path)])
    there = [item.source for item in window.document.objects].__contains__
    assert not there(str(path))
    qtbot.waitUntil(
        lambda: poll_until(window, lambda: any(item.source == str(path) for item in window.document.objects)),
    )


@pytest.fixture
def two_files(target: Mesh, tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "first.ply", tmp_path / "second.ply"
    for path in paths:
        write(target, path)
    return paths


def test_objects_says_which_one_is_the_target_and_lets_another_be_it(
    window: Any, qtbot: Any, two_files: tuple[Path, Path]
) -> None:
    from PySide6.QtGui import QContextMenuEvent
    from PySide6.QtWidgets import QMenu

    opened(window, qtbot, two_files[0])
    assert row_of(window, "first").text(2) == "target" and "target" not in window.status_line.currentMessage()
    opened(window, qtbot, two_files[1])
    assert window.status_line.currentMessage().startswith("second is the target now")
    assert row_of(window, "second").text(2) == "target" and row_of(window, "first").text(2) == ""
    spoken = row_of(window, "second").data(0, Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "second, target"
    tree = window.objects
    place = tree.visualItemRect(row_of(window, "first")).center()
    reason = QContextMenuEvent.Reason.Mouse
    event = QContextMenuEvent(reason, place, tree.viewport().mapToGlobal(place))
    QApplication.sendEvent(tree.viewport(), event)
    menu = tree.findChildren(QMenu)[0]
    action = next(action for action in menu.actions() if action.text() == "Use as target")
    qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())
    assert window.document.study.inputs == {"target": str(two_files[0])}
    assert row_of(window, "first").text(2) == "target"
    assert window.status_line.currentMessage() == "first is the target now"


def test_the_handles_of_the_old_target_go_and_undo_brings_them_back(
    window: Any, qtbot: Any, two_files: tuple[Path, Path]
) -> None:
    opened(window, qtbot, two_files[0])
    for height in (10.0, -10.0):
        window.viewport.handle_placed.emit((0.0, 0.0, height))
        window.workbench.end_stroke()
    window.workbench.files.set_unit("first", "in")  # the same file, read anew
    qtbot.waitUntil(lambda: poll_until(window, lambda: window.document.diagonal() > 300))
    assert len(window.document.handles()) == 2
    opened(window, qtbot, two_files[1])
    assert window.document.handles() == []
    assert "the handles of first are removed" in window.status_line.currentMessage()
    window.document.undo()  # one step for both
    assert [spec.name for spec in window.document.handles()] == ["Handle 1", "Handle 2"]


def test_handles_stay_while_a_run_obeys_them_and_go_with_the_next(
    window: Any, session: Any, qtbot: Any, two_files: tuple[Path, Path]
) -> None:
    opened(window, qtbot, two_files[0])
    window.viewport.handle_placed.emit((0.0, 0.0, 10.0))
    window.registry.trigger("run.toggle")
    polls(window, 3)
    opened(window, qtbot, two_files[1])
    assert window.status_line.currentMessage().startswith("second is the target of the next run")
    assert len(window.document.handles()) == 1
    window.workbench.scene.use_as_target("first")
    window.workbench.running.start()
    assert len(window.document.handles()) == 1  # it was placed on this one
    window.workbench.scene.use_as_target("second")
    window.workbench.running.start()
    assert window.document.handles() == [] and all(spec.kind != "handle" for spec in session.study.terms)


def test_a_study_that_is_opened_brings_its_own_handles(
    window: Any, qtbot: Any, two_files: tuple[Path, Path], tmp_path: Path
) -> None:
    opened(window, qtbot, two_files[1])
    window.viewport.handle_placed.emit((0.0, 0.0, 10.0))
    saved = tmp_path / "study.toml"
    window.workbench.files.save_study(saved)
    window.workbench.steering.remove_term("Handle 1")
    opened(window, qtbot, two_files[0])
    window.document.remove_object("second")
    window.workbench.files.open_study(saved)
    qtbot.waitUntil(lambda: poll_until(window, lambda: len(window.document.objects) == 2))
    assert len(window.document.handles()) == 1


def test_a_plane_is_placed_in_the_middle_and_each_drag_of_it_is_one_step_of_undo(
    running: Any, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class MirrorParameters(ParameterModel):
        point: tuple[float, float, float] = parameter((0.0, 0.0, 0.0), title="Point", help="Of it.", live=True)
        normal: tuple[float, float, float] = parameter((1.0, 0.0, 0.0), title="Normal", help="Of it.", live=True)

    document, viewport = running.document, running.viewport
    entry = TermEntry(
        kind="mirror", title="Mirror", help="Mirrors.", place="plane", schema_=MirrorParameters.model_json_schema()
    )
    terms = [*document.catalogue.terms, entry]
    monkeypatch.setattr(document, "catalogue", document.catalogue.model_copy(update={"terms": terms}))
    monkeypatch.setattr(viewport, "bounds", lambda: np.array([[0.0, 0.0, 0.0], [4.0, 6.0, 8.0]]), raising=False)
    running.workbench.steering.add_term("mirror")
    (plane,) = viewport.last("set_placed")[0][0]
    assert plane.point == (2.0, 3.0, 4.0) and plane.direction == (1.0, 0.0, 0.0) and plane.selected
    for turned, ended in (((0.0, 1.0, 0.0), False), ((0.0, 0.0, 1.0), True)):
        viewport.term_placed.emit("Mirror", "normal", turned, ended)
    assert isinstance(session.sent[-1], SetParameter) and session.sent[-1].value == [0.0, 0.0, 1.0]
    viewport.term_placed.emit("Mirror", "point", (2.0, 3.0, 5.0), True)
    document.undo()
    assert viewport.last("set_placed")[0][0][0].point == (2.0, 3.0, 4.0)
    document.undo()
    assert viewport.last("set_placed")[0][0][0].direction == (1.0, 0.0, 0.0)
    running.workbench.steering.set_parameter("Mirror", "enabled", False)
    assert viewport.last("set_placed")[0][0] == []
