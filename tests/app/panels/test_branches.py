"""Branches in the history, the plot and the menus: named, promoted, deleted, over each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QContextMenuEvent
from PySide6.QtWidgets import QApplication, QInputDialog, QLineEdit, QMenu
from tests_app_fakes import pixels, polls

from app.panels.history_strip import HistoryStrip
from app.panels.theme import branch_colour
from engine.protocol.session import DeleteBranch, PromoteBranch


@pytest.fixture
def branched(running: Any) -> Any:
    """A window whose Run left main at its second Checkpoint (iteration 20) for another branch."""
    running.continue_from(2)
    polls(running, 44)
    running.registry.trigger("run.toggle")
    polls(running, 8)
    assert running.document.run.branches() == ["main", "branch 3"]
    return running


def test_the_strip_marks_where_a_run_stands_that_went_back(running: Any) -> None:
    strip = running.history.strip
    running.registry.trigger("run.toggle")
    polls(running, 8)
    newest = max(running.document.run.checkpoints)
    assert running.document.run.state == "paused" and strip.standing == newest
    run = running.document.run
    run.iteration = run.checkpoints[2].iteration
    running.listening._run_changed()
    polls(running, 8)
    assert strip.standing == 2 < newest
    run.state = "running"
    running.history.refresh()
    assert strip.standing == newest, "what goes on is at the end of its branch"


def press(qtbot: Any, strip: HistoryStrip, id: int, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, modifier, strip.place(id).toPoint())


def shown_menu() -> QMenu:
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def choose(menu: QMenu, title: str) -> None:
    action = next(action for action in menu.actions() if action.text() == title)
    assert action.isEnabled(), f"{title} is not enabled"
    action.trigger()
    menu.close()


def context(strip: HistoryStrip, place: QPoint) -> QMenu:
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, strip.mapToGlobal(place))
    QApplication.sendEvent(strip, event)
    return shown_menu()


def test_a_branch_is_named_by_key_and_undo_takes_the_name_back(qtbot: Any, branched: Any) -> None:
    strip = branched.history.strip
    press(qtbot, strip, 5)
    qtbot.keyClick(strip, Qt.Key.Key_F2)
    dialog = branched.history.findChild(QInputDialog)
    assert not dialog.isModal() or dialog.windowModality() == Qt.WindowModality.WindowModal
    field = dialog.findChild(QLineEdit)
    assert field.text() == "branch 3"
    field.selectAll()
    qtbot.keyClicks(field, " nose out ")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert branched.document.project.branch_titles == {"branch 3": "nose out"}
    assert strip.title("branch 3") == "nose out"
    assert branched.document.undo_stack.undo_name == "name the branch nose out"
    branched.registry.trigger("edit.undo")
    assert strip.title("branch 3") == "branch 3"


def test_a_promoted_branch_is_main_keeps_its_colour_and_stands_first(qtbot: Any, branched: Any, session: Any) -> None:
    run, strip = branched.document.run, branched.history.strip
    branched.workbench.branching.name("branch 3", "nose out")
    colour = branch_colour(run.branch_number("branch 3"))
    assert colour != branch_colour(run.branch_number("main"))
    press(qtbot, strip, 5)
    menu = context(strip, strip.place(5).toPoint())
    choose(menu, "Make it the main branch")
    polls(branched, 5)
    assert isinstance(session.asked[-1], PromoteBranch)
    assert set(run.branches()) == {"main", "earlier main"} and run.branch == "main"
    assert branch_colour(run.branch_number("main")) == colour
    assert strip.title("main") == "nose out (main)"
    assert strip.place(5).y() < strip.place(1).y()
    assert not branched.registry.action("branch.promote").usable


def test_deleting_asks_in_the_bar_and_keep_keeps(qtbot: Any, branched: Any, session: Any) -> None:
    strip, bar = branched.history.strip, branched.error_bar
    press(qtbot, strip, 1)
    qtbot.keyClick(strip, Qt.Key.Key_Delete)
    assert "Delete the branch “main” with its 3 checkpoints?" in bar.text()
    assert bar.offer_titles() == ["Delete", "Keep"]
    bar.take_offer(1)
    polls(branched, 3)
    assert not any(isinstance(request, DeleteBranch) for request in session.asked)
    branched.registry.trigger("branch.delete")
    bar.take_offer(0)
    polls(branched, 3)
    assert session.asked[-1] == DeleteBranch("main")
    assert branched.document.run.branches() == ["branch 3"]
    assert strip.selected is None
    assert branched.document.undo_stack.undo_name != "delete"


def test_the_branch_on_which_the_run_is_cannot_be_deleted(qtbot: Any, branched: Any, session: Any) -> None:
    strip = branched.history.strip
    press(qtbot, strip, 5)
    assert not branched.registry.action("branch.delete").usable
    assert "continue from" in branched.registry.action("branch.delete").why_not()
    asked = len(session.asked)
    qtbot.keyClick(strip, Qt.Key.Key_Delete)
    assert branched.error_bar.message is None
    assert len(session.asked) == asked
    menu = context(strip, strip.place(5).toPoint())
    assert not next(action for action in menu.actions() if "Delete" in action.text()).isEnabled()
    menu.close()


def test_the_name_beside_a_branch_has_a_menu_of_its_own(qtbot: Any, branched: Any) -> None:
    strip = branched.history.strip
    strip.grab()
    place = strip._labels["main"].center().toPoint()
    menu = context(strip, place)
    assert menu.actions()[0].text() == "Name this branch…"
    menu.close()
    assert strip.selected is None


def test_tree_and_plot_draw_a_branch_in_the_same_colour(qtbot: Any, branched: Any) -> None:
    run = branched.document.run
    branched.workbench.curves.choose("loss")
    branched.listening.show_losses()
    for image in (branched.history.strip.grab().toImage(), branched.loss_plot.grab().toImage()):
        seen = pixels(image)[..., :3].reshape(-1, 3).astype(int)
        for branch in ("main", "branch 3"):
            colour = QColor(branch_colour(run.branch_number(branch)))
            wanted = (colour.red(), colour.green(), colour.blue())
            assert (abs(seen - wanted).max(axis=1) < 12).sum() > 10, branch


def test_the_plot_lays_branches_over_each_other(qtbot: Any, branched: Any) -> None:
    plot, curves = branched.loss_plot, branched.workbench.curves
    branched.listening.show_losses()
    assert [plot.choice.itemText(index) for index in range(plot.choice.count())] == [
        "Terms of this branch", "Branches: Total", "Branches: Fit to scan", "Branches: Smoothness",
    ]  # fmt: skip
    plot.choice.setFocus()
    plot.choice.setCurrentIndex(1)
    plot.choice.activated.emit(1)
    assert curves.quantity == "loss"
    assert sorted(plot._curves) == ["branch 3", "main"]
    for branch, drawn in plot._curves.items():
        x, y = drawn.getOriginalDataset()
        known = branched.document.run.curves[branch]
        assert list(x) == known.iterations and list(y) == known.values["loss"]
    assert "main" in plot.legend.text() and "branch 3" in plot.legend.text()
    plot.legend.linkActivated.emit("main")
    assert sorted(plot._curves) == ["branch 3"]
    menu = plot.menu()
    choose(menu, "main")
    assert sorted(plot._curves) == ["branch 3", "main"]


def test_the_menu_of_the_plot_comes_with_a_right_click_and_by_key(qtbot: Any, branched: Any) -> None:
    plot = branched.loss_plot
    canvas = plot._plot.viewport()
    middle = canvas.rect().center()
    qtbot.mouseMove(canvas, middle)
    qtbot.mouseClick(canvas, Qt.MouseButton.RightButton, pos=middle)
    menu = shown_menu()
    assert "Save the loss curves…" in [action.text() for action in menu.actions()]
    menu.close()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, middle, canvas.mapToGlobal(middle))
    QApplication.sendEvent(canvas, event)
    choose(shown_menu(), "Copy the values")
    table = QApplication.clipboard().text().splitlines()
    assert table[0] == "Branch,Iteration,Total,Fit to scan,Smoothness"
    assert any(line.startswith("branch 3,40,") for line in table)


def test_curves_are_saved_as_they_are_shown(branched: Any, tmp_path: Path) -> None:
    curves = branched.workbench.curves
    branched.workbench.branching.name("branch 3", "nose out")
    curves.save(tmp_path / "terms.svg")
    texts = svg_texts(tmp_path / "terms.svg")
    assert {"Losses of ball.ply", "Total", "Fit to scan", "Smoothness"} <= texts and "nose out" not in texts
    curves.choose("term:Smoothness")
    curves.save(tmp_path / "branches.svg")
    assert {"Smoothness of ball.ply", "main", "nose out"} <= svg_texts(tmp_path / "branches.svg")
    curves.show_branch("main", False)
    curves.save(tmp_path / "all.csv")
    lines = (tmp_path / "all.csv").read_text(encoding="utf-8").splitlines()
    assert {line.split(",")[0] for line in lines[1:]} == {"nose out"}
    assert "Saved all.csv" in branched.status_line.currentMessage()
    curves.save(tmp_path / "nowhere" / "all.csv")
    assert "folder" in branched.error_bar.text()


def svg_texts(path: Path) -> set[str]:
    root = ElementTree.parse(path).getroot()
    return {text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")}
