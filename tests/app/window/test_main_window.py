"""The window as a whole, on the fakes: what a person does, and what then happens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QSettings, Qt
from PySide6.QtGui import QGuiApplication, QHelpEvent
from PySide6.QtWidgets import (
    QApplication,
    QToolTip,
)
from tests_app_fakes import pixels, poll_until, polls

from engine.geometry.mesh import Mesh
from engine.io.registry import write
from engine.protocol.edits import (
    MakeCheckpoint,
    PaintFreeze,
    Pause,
    Resume,
    Rewind,
    SetParameter,
    SetWeight,
    Stop,
)
from engine.protocol.session import CheckpointView, QualitySheet, ResultTetrahedra
from engine.protocol.snapshot import AnotherAdvised, ProblemRaised, Progress, RolledBack, TopologyChanged


def test_it_begins_empty_with_the_gallery_and_nothing_to_run(window: Any) -> None:
    assert window.centralWidget().isAncestorOf(window.empty_state) and window.empty_state.isVisible()
    assert not window.run_bar.button.isEnabled()
    assert window.study.editor_titles()[0][0] == "Resolution"


def test_while_run_cannot_be_pressed_it_says_why(
    qtbot: Any, session: Any, target: Mesh, catalogue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concurrent.futures import Future

    from tests_app_fakes import FakeViewport

    from app.window.main_window import MainWindow

    coming: Future[Any] = Future()
    monkeypatch.setattr(session, "catalogue", lambda: coming)
    window = MainWindow(lambda: session, FakeViewport)
    qtbot.addWidget(window)
    window.show()
    window.complete()
    window.stop_timer()
    window.document.add_object(target)
    button, state = window.run_bar.button, window.run_bar._state
    place = button.rect().center()
    QApplication.sendEvent(button, QHelpEvent(QEvent.Type.ToolTip, place, button.mapToGlobal(place)))
    assert not button.isEnabled() and QToolTip.text() == "The engine is starting"
    assert state.text() == "The engine is starting" and window.status_line.task_text == "Starting the engine"
    coming.set_result(catalogue)
    polls(window)
    assert button.isEnabled() and button.toolTip() == "Run the study, or pause it (Space)" and state.text() == "Ready"
    window.document.remove_object(window.document.objects[0].name)
    assert not button.isEnabled() and state.text() == "Open a scan or a mesh first"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert not window.document.run.active
    window.close()


def test_run_draws_the_surface_and_pause_stops_it(running: Any, session: Any) -> None:
    viewport = running.viewport
    assert viewport.isVisible() and viewport.count("show_snapshot") >= 40
    assert set(session.inputs) == {"target"} and session.study.terms[0].name == "Fit to scan"
    assert running.run_bar.button.text() == "Pause"
    qt_space(running)
    polls(running)
    assert isinstance(session.sent[-1], Pause) and running.run_bar.button.text() == "Resume"
    running.document.run.reason = "the recording ends here"
    running.run_bar.show_run(running.document.run)
    assert running.run_bar._state.toolTip() == "Paused. The recording ends here"
    running.registry.trigger("run.step")
    before = session.iteration
    polls(running, 3)
    assert isinstance(session.sent[-1], Resume) and session.iteration == before + 1
    running.registry.trigger("run.stop")
    polls(running)
    assert isinstance(session.sent[-1], Stop) and running.document.run.state == "stopped"


def test_keys_do_what_they_say(running: Any, session: Any, qtbot: Any) -> None:
    running.activateWindow()
    qtbot.waitUntil(running.isActiveWindow)
    running.objects.setFocus()
    qtbot.keyClick(running.objects, Qt.Key.Key_Space)
    assert isinstance(session.sent[-1], Pause)
    qtbot.keyClick(running.objects, Qt.Key.Key_3)
    assert running.viewport.last("look")[0] == ("left",)
    qtbot.keyClick(running.objects, Qt.Key.Key_B)
    assert running.viewing.tool == "brush"
    qtbot.keyClick(running.objects, Qt.Key.Key_Escape)
    assert running.viewing.tool == "navigate"
    number = running.study.terms.card("Smoothness").number
    number.setFocus()
    number.selectAll()
    qtbot.keyClicks(number, "3")  # typed, not taken for a view
    assert running.viewport.last("look")[0] == ("left",) and number.text() == "3"


def test_a_button_reached_by_keyboard_keeps_its_space(running: Any, session: Any, qtbot: Any) -> None:
    running.activateWindow()
    qtbot.waitUntil(running.isActiveWindow)
    button = running.history._keep
    button.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert isinstance(session.sent[-1], MakeCheckpoint)


def test_escape_leaves_the_tool_and_never_the_run(running: Any, session: Any) -> None:
    running.registry.trigger("tool.brush")
    assert running.viewing.tool == "brush"
    running.registry.trigger("tool.leave")
    polls(running)
    assert running.viewing.tool == "navigate" and running.document.run.state == "running" and session.sent == []


def test_a_weight_moves_while_it_runs_and_undo_is_one_step(running: Any, session: Any, qtbot: Any) -> None:
    card = running.study.terms.card("Smoothness")
    card.slider.setSliderDown(True)
    for position in (240, 260, 280):
        card.slider.setValue(position)
    card.slider.setSliderDown(False)
    sent = [edit for edit in session.sent if isinstance(edit, SetWeight)]
    assert len(sent) == 3 and sent[-1].weight == pytest.approx(running.document.study.term("Smoothness").weight)
    polls(running)
    running.registry.trigger("edit.undo")
    assert session.sent[-1] == SetWeight(term="Smoothness", weight=0.2)
    assert card.number.value() == 0.2
    assert running.registry.drawn("edit.redo").text() == "Redo weight of Smoothness"


def test_live_parameters_steer_and_the_others_rest(running: Any, session: Any) -> None:
    form = running.study._forms["study"]
    assert form.editors["resolution"].isEnabled() and not form.editors["start"].isEnabled()
    form.editors["resolution"].number.setText("64")
    form.editors["resolution"].number.setModified(True)
    form.editors["resolution"].number.commit()
    assert session.sent[-1] == SetParameter(owner="study", name="resolution", value=64)


def test_painting_freezes_and_shows_it(running: Any, session: Any) -> None:
    running.viewport.painted.emit([(0.0, 0.0, 10.0)], 2.0, True)
    assert session.sent[-1] == PaintFreeze(centres=[(0.0, 0.0, 10.0)], radius=2.0)
    centres, radii = running.viewport.last("set_frozen")[0]
    np.testing.assert_allclose(centres, [[0, 0, 10]])
    assert radii.tolist() == [2.0]


def test_what_was_frozen_before_the_run_is_told_to_it(window: Any, session: Any, target: Mesh) -> None:
    window.document.add_object(target)
    window.viewport.painted.emit([(0.0, 0.0, 10.0)], 2.0, True)
    window.registry.trigger("run.toggle")
    assert session.sent == [PaintFreeze(centres=[(0.0, 0.0, 10.0)], radius=2.0)]


def test_scrubbing_shows_a_checkpoint_and_continuing_makes_a_branch(running: Any, session: Any) -> None:
    strip = running.history.strip
    assert len(running.document.run.checkpoints) == 3
    strip.setFocus()
    strip.select(3)
    strip.scrubbed.emit(3)
    polls(running, 2)
    shown = running.viewport.last("show_snapshot")[0][0]
    assert isinstance(session.asked[-1], CheckpointView) and shown.iteration == 40
    assert running.registry.drawn("run.continue").isEnabled()
    strip.select(2)
    running.registry.trigger("run.continue")
    polls(running, 30)
    assert next(edit for edit in session.sent if isinstance(edit, Rewind)).checkpoint == 2
    assert len(running.document.run.branches()) == 2 and running.selected_checkpoint is None
    curves = running.document.run.present_curves()
    assert curves.iterations == sorted(curves.iterations)
    assert running.viewport.last("show_snapshot")[0][0].iteration == session.iteration


def test_of_many_checkpoints_scrubbed_in_a_row_the_last_is_shown(running: Any) -> None:
    for checkpoint in (1, 2, 3):
        running.workbench.running.view_checkpoint(checkpoint)
    before = running.viewport.count("show_snapshot")
    polls(running)
    shown = [call[1][0].iteration for call in running.viewport.calls if call[0] == "show_snapshot"][before:]
    assert shown == [40]
    running.view_live()
    polls(running)
    assert running.viewport.last("show_snapshot")[0][0].iteration > 40


def test_a_dead_engine_is_said_and_restarted_on_request(running: Any, session: Any) -> None:
    session.state = "idle"
    session.emit.append(ProblemRaised("The engine stopped.", "Everything is kept.", "log", fatal=True))
    polls(running)
    assert running.error_bar.isVisible() and running.error_bar.offer_titles() == ["Restart from the last checkpoint"]
    assert running.document.objects and running.document.run.state == "failed"
    running.error_bar.take_offer(0)
    polls(running, 3)
    assert session.restarted == 1 and running.document.run.state == "running" and not running.error_bar.isVisible()


def test_what_goes_wrong_is_in_the_bar_with_its_details(running: Any, session: Any) -> None:
    session.emit.append(ProblemRaised("Smoothness makes no sense.", "Lower it.", "traceback"))
    session.emit.append(RolledBack(session.run, 30, "Fit to scan", 2))
    polls(running)
    assert running.error_bar.text() == "Smoothness makes no sense. Lower it."
    running.error_bar.close_message()
    assert "Fit to scan" in running.error_bar.text()


def test_what_would_suit_the_input_better_is_offered_and_begins_anew(running: Any, session: Any) -> None:
    before, number = running.document.study, session.run
    session.emit.append(AnotherAdvised("The shirt is open.", "Keep it open", {"surface": "g-shell"}))
    polls(running)
    assert running.error_bar.text() == "The shirt is open." and running.error_bar.offer_titles() == ["Keep it open"]
    running.error_bar.take_offer(0)
    polls(running, 3)
    assert running.document.study.parameters == before.parameters | {"surface": "g-shell"}
    assert session.run > number and session.study.parameters["surface"] == "g-shell"
    assert not running.error_bar.isVisible()
    running.document.undo()
    assert running.document.study == before


def test_progress_is_named_and_ends(window: Any, session: Any) -> None:
    session.emit.append(Progress("kernels", 0.4, "Compiling kernels, the first time only"))
    polls(window)
    assert window.status_line.task_text == "Compiling kernels, the first time only"
    session.emit.append(Progress("kernels", 1.0))
    polls(window)
    assert window.status_line.task_text == ""


def test_a_change_of_topology_lights_the_euler_number_up(running: Any, session: Any) -> None:
    session.emit.append(TopologyChanged(session.run, 40, -4, 1))
    session.state = "paused"
    polls(running)
    assert running.status_line._facts["euler"].styleSheet()


def test_a_file_is_opened_shown_and_made_the_target(window: Any, qtbot: Any, target: Mesh, tmp_path: Path) -> None:
    path = tmp_path / "part.ply"
    write(target, path)
    window.viewport.files_dropped.emit([str(path)])
    qtbot.waitUntil(lambda: poll_until(window, lambda: bool(window.document.objects)))
    name = window.document.objects[0].name
    assert window.viewport.last("show_object")[0][0] == name
    assert window.document.study.inputs == {"target": str(path)}
    assert window.document.recent.paths() == [path]
    size = window.document.diagonal()
    window.workbench.files.set_unit(name, "in")
    grown = 25.4 * size
    qtbot.waitUntil(lambda: poll_until(window, lambda: window.document.diagonal() == pytest.approx(grown)))
    assert len(window.document.objects) == 1
    window.registry.trigger("study.copy-command")
    assert str(path) in QGuiApplication.clipboard().text()


def test_a_bad_file_is_a_plain_message_and_nothing_is_lost(
    window: Any, qtbot: Any, target: Mesh, tmp_path: Path
) -> None:
    window.document.add_object(target)
    path = tmp_path / "broken.stl"
    path.write_text("solid\nfacet normal nan", encoding="utf-8")
    window.workbench.files.open([path])
    qtbot.waitUntil(lambda: poll_until(window, lambda: window.error_bar.message is not None))
    assert "broken.stl" in window.error_bar.text() and len(window.document.objects) == 1


def test_the_export_dialog_shows_the_sheet_and_writes_the_file(
    running: Any, session: Any, qtbot: Any, tmp_path: Path
) -> None:
    running.registry.trigger("file.export")
    polls(running)
    dialog = running.dialogs.export
    assert isinstance(session.asked[-1], QualitySheet)
    path = tmp_path / "result.stl"
    dialog.set_place(path)
    dialog.export()
    qtbot.waitUntil(lambda: poll_until(running, path.exists))
    qtbot.waitUntil(lambda: poll_until(running, dialog.export_button.isEnabled))
    assert "result.stl" in dialog.said()
    dialog.close()


def test_the_export_dialog_writes_tetrahedra_of_what_has_an_inside(
    running: Any, session: Any, qtbot: Any, tmp_path: Path
) -> None:
    running.registry.trigger("file.export")
    dialog = running.dialogs.export
    titles = [dialog._format.itemText(row) for row in range(dialog._format.count())]
    assert {"VTK, tetrahedra (.vtu)", "Gmsh, tetrahedra (.msh)"} <= set(titles)
    path = tmp_path / "result.msh"
    dialog.set_place(path)
    dialog.export()
    qtbot.waitUntil(lambda: poll_until(running, path.exists))
    qtbot.waitUntil(lambda: poll_until(running, dialog.export_button.isEnabled))
    assert isinstance(session.asked[-1], ResultTetrahedra) and path.read_bytes().startswith(b"$MeshFormat")
    dialog.close()
    running.workbench.steering.set_parameter("study", "surface", "g-shell")
    running.registry.trigger("file.export")
    dialog = running.dialogs.export
    assert not any("tetrahedra" in dialog._format.itemText(row) for row in range(dialog._format.count()))
    dialog.close()


def test_a_study_is_saved_and_opened_again(running: Any, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    running.workbench.steering.set_parameter("study", "resolution", 96)
    running.workbench.files.save_study(path)
    running.workbench.steering.set_parameter("study", "resolution", 16)
    running.registry.trigger("run.stop")
    running.workbench.files.open_study(path)
    assert running.document.study.parameters["resolution"] == 96


def test_layout_and_theme_are_kept(qtbot: Any, session: Any, tmp_path: Path) -> None:
    from tests_app_fakes import FakeViewport

    from app.document.settings_file import SettingsFile
    from app.window.main_window import MainWindow

    def make() -> Any:
        settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
        settings_file = SettingsFile(tmp_path / "preferences.json")
        window = MainWindow(lambda: session, FakeViewport, settings=settings, settings_file=settings_file)
        qtbot.addWidget(window)
        window.show()
        return window

    first = make()
    first.docks["gallery"].hide()
    first.registry.trigger("view.theme-dark")
    first.close()
    second = make()
    assert not second.docks["gallery"].isVisible() and second.appearance.dark
    second.appearance.reset_layout()
    assert second.docks["gallery"].isVisible()
    second.registry.trigger("view.theme-light")
    second.close()


def test_the_real_viewport_draws_the_run(qtbot: Any, session: Any, target: Mesh) -> None:
    from app.viewport.image import ImageViewport
    from app.window.main_window import MainWindow

    window = MainWindow(lambda: session, ImageViewport)
    qtbot.addWidget(window)
    window.show()
    window.complete()
    window.stop_timer()
    window.poll()
    window.document.add_object(target)
    empty = pixels(window.viewport.picture())
    window.registry.trigger("run.toggle")
    polls(window, 10)
    window.viewing.toggle_sensitivity()
    polls(window, 10)
    coloured = pixels(window.viewport.picture())
    spread = np.ptp(coloured[..., :3].astype(int), axis=-1)
    assert empty.shape == coloured.shape and (spread > 60).sum() > 500  # data carry the colour, and are in sight
    window.close()


def test_thousands_of_signals_do_no_harm() -> None:
    """PySide6 6.12.0 with Python 3.11 aborted after some hundreds of emits of a bool."""
    from PySide6.QtCore import QObject, Signal

    class Emitter(QObject):
        told = Signal(bool)

    emitter, count = Emitter(), []
    emitter.told.connect(count.append)
    for _ in range(5000):
        emitter.told.emit(True)
    assert len(count) == 5000


def test_diagnostics_go_to_the_clipboard(running: Any) -> None:
    running.registry.trigger("help.diagnostics")
    polls(running)
    assert "device: fake" in QGuiApplication.clipboard().text()


def test_closing_while_it_runs_ends_the_engine(running: Any, session: Any) -> None:
    running.close()
    assert session.closed and running.viewport.count("shut_down") == 1


@pytest.mark.parametrize("dark", [False, True])
def test_a_window_holds_neither_torch_nor_warp(dark: bool) -> None:
    code = f"""
import sys
from app.main import make_application
from app.window.main_window import MainWindow
from tests_app_fakes import FakeSession, FakeViewport, ball
from engine.geometry.mesh import Mesh
application = make_application()
window = MainWindow(FakeSession, FakeViewport)
window.show()
window.complete()
window.registry.trigger({"view.theme-dark" if dark else "view.theme-light"!r})
window.poll()
window.document.add_object(Mesh(*ball(10.0)))
window.workbench.running.toggle()
for _ in range(30):
    window.poll()
window.dialogs.export_surface()
window.poll()
assert window.document.run.iteration > 20
window.close()
print([name for name in ("torch", "warp") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", LOAD_FAKES + code], capture_output=True, text=True, timeout=120, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == "[]"


ROOT = Path(__file__).resolve().parents[3]
LOAD_FAKES = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("tests_app_fakes", {str(Path(__file__).parents[1] / "conftest.py")!r})
module = importlib.util.module_from_spec(spec)
sys.modules["tests_app_fakes"] = module
spec.loader.exec_module(module)
"""


def qt_space(window: Any) -> None:
    """Space, as the shortcut does it."""
    window.registry.drawn("run.toggle").trigger()
