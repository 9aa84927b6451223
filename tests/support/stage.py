"""The real window at work, and the hand of a person in front of it, for stories and for the guide's pictures.

Engine process, viewport, documents and what is kept against a crash are the program's own; nothing is the user's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mouse
import numpy as np
from patience import PATIENCE
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRect, Qt, QTimer, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QLineEdit,
    QMenu,
    QMessageBox,
    QToolButton,
    QWidget,
)

from app.document.document import Document
from app.document.run_record import RunRecord
from app.main import make_application
from app.panels.theme import apply_theme
from app.viewport.create import create_viewport
from app.viewport.view import Viewport
from app.window.main_window import MainWindow
from app.worker.messages import Settings
from app.worker.session import EngineSession
from engine.protocol.snapshot import Snapshot

SIZE = (1440, 900)
LARGEST_COLOUR_ERROR = 48
"""Of 255, that a picture may have anywhere."""
THREADS = 1
"""Of the engine: with as many, a run without the window repeats it bit by bit."""


class Stage:
    """One window.

    store : folder of what it keeps; a second Stage with the same one is the next start of the program
    pictures : folder for what `picture` takes; None takes none
    only : the pictures that are wanted; empty for all
    """

    def __init__(self, store: Path, pictures: Path | None = None, only: frozenset[str] = frozenset()) -> None:
        self.application = make_application()
        apply_theme(self.application, dark=False)
        self.pictures = pictures
        self._only = only
        self._snapshot: Snapshot | None = None
        self.window = MainWindow(self._engine, lambda parent: create_viewport(parent, backend="native"), store=store)
        self.window.documents.ask_to_save = lambda name: "discard"  # how it asks is tested where it is at home
        self.window.document_listening.ask_to_end = lambda work: True
        self.window.link.snapshot_arrived.subscribe(self._keep)
        self.window.resize(*SIZE)
        self.window.show()
        QTest.qWait(50)
        self.window.complete()
        self.window.activateWindow()
        self.wait(lambda: self.document.catalogue is not None, "the engine's Catalogue")
        self.wait(lambda: self.view.isVisible() or self.window.empty_state.isVisible(), "the window's middle")

    def close(self) -> None:
        """End the window and its engine, as a person does."""
        self.window.close()
        QTest.qWait(50)

    # What there is ------------------------------------------------------------------------------------------------

    @property
    def document(self) -> Document:
        return self.window.document

    @property
    def run(self) -> RunRecord:
        return self.window.document.run

    @property
    def view(self) -> Viewport:
        assert self.window.viewport is not None
        return self.window.viewport

    @property
    def vertices(self) -> np.ndarray:
        """Of the surface as it was seen last [mm], shape (n, 3)."""
        assert self._snapshot is not None
        return np.asarray(self._snapshot.arrays["vertices"].astype(np.float64) + self._snapshot.origin)

    def pixel(self, place: Any) -> tuple[float, float]:
        """Where a position [mm] is seen in the view."""
        x, y = self.view.eye.project(np.asarray(place, np.float64).reshape(1, 3))[0, :2]
        return round(float(x)), round(float(y))

    def seen_at(self, across: float, down: float) -> np.ndarray:
        """The position [mm] on the surface that is seen at a share of the view's width and height."""
        hit = self.view.eye.pick_surface(across * self.view.width(), down * self.view.height())
        assert hit is not None, "there is no surface there"
        return hit.position

    # Waiting ------------------------------------------------------------------------------------------------------

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Let the window live until it is so."""
        end = time.monotonic() + PATIENCE
        while not condition():
            failed = self.window.furnished and self.run.state == "failed"
            if failed or time.monotonic() > end:
                raise TimeoutError(f"waited for {what} in vain; the bar says {self.window.error_bar.text()!r}")
            QTest.qWait(10)

    def pause(self) -> None:
        """Pause a run that goes on; one that has ended meanwhile stays as it is."""
        self._activate()  # before the state is looked at: what the key does depends on that
        if self.run.state == "running":
            self.key("Space")
            self.wait(lambda: self.run.state in ("paused", "finished"), "the pause")
        self._see_the_last()

    def run_to(self, iteration: int) -> None:
        """Let the run go on to an iteration, where the engine pauses it by itself: a window that is held up would see
        one that has run away. One that is farther already is paused where it is."""
        self.pause()
        if self.run.state == "paused" and self.run.iteration < iteration:
            self.window.link.resume(steps=iteration - self.run.iteration)
            self.wait(lambda: self.run.iteration >= iteration and self.run.state != "running", f"iteration {iteration}")
            self._see_the_last()
        assert self.run.iteration >= iteration, f"the run has ended at {self.run.iteration}"

    def resume(self) -> None:
        """Let a paused run go on; it does once the engine says so."""
        self.key("Space")
        self.wait(lambda: self.run.state != "paused", "the run to go on")

    def run_to_the_end(self) -> None:
        if self.run.state == "paused":
            self.resume()
        self.wait(lambda: self.run.state == "finished", "the end of the run")
        self._see_the_last()

    # What a person does -------------------------------------------------------------------------------------------

    def key(self, keys: str, on: QWidget | None = None) -> None:
        """Press keys, as "Ctrl+D", over the view or another widget."""
        parts = keys.split("+")
        held = Qt.KeyboardModifier.NoModifier
        for name in parts[:-1]:
            held |= {"Ctrl": mouse.CTRL, "Shift": mouse.SHIFT, "Alt": mouse.ALT}[name]
        target = on or self.view
        self._activate()
        target.setFocus()
        QTest.keyClick(target, getattr(Qt.Key, f"Key_{parts[-1]}"), held)

    def menu(self, *titles: str) -> None:
        """Choose from the menu bar; what cannot be chosen now is an error."""
        _choose(self.window.menuBar().actions(), titles)

    def context_menu(self, *titles: str) -> None:
        """Choose from the menu that has just come up."""
        popup = QApplication.activePopupWidget()
        assert isinstance(popup, QMenu), "no menu has come up"
        popup.aboutToShow.emit()
        _choose(popup.actions(), titles)
        popup.close()

    def drop_down(self, name: str, *titles: str) -> None:
        """Choose from the menu of a button."""
        button = self.find(QToolButton, name)
        button.menu().aboutToShow.emit()
        _choose(button.menu().actions(), titles)

    def press(self, name: str, within: QWidget | None = None) -> None:
        """Click a button by what stands on it, or what a screen reader says of it."""
        button = self.find(QAbstractButton, name, within)
        assert button.isEnabled(), f"{name} cannot be pressed now"
        QTest.mouseClick(button, mouse.LEFT)

    def pick(self, name: str, text: str) -> None:
        """Choose an entry of a drop-down list."""
        box = self.find(QComboBox, name)
        index = box.findText(text, Qt.MatchFlag.MatchStartsWith)
        assert index >= 0, f"{text} is none of {[box.itemText(place) for place in range(box.count())]}"
        box.setCurrentIndex(index)
        box.activated.emit(index)

    def type(self, name: str | QLineEdit, text: str, *, enter: bool = True) -> None:
        """Write into a field in place of what it says, and press Return (which in a dialog may do what it is for)."""
        field = self.find(QLineEdit, name) if isinstance(name, str) else name
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, text)
        if enter:
            QTest.keyClick(field, Qt.Key.Key_Return)

    def find(self, kind: Any, name: str, within: QWidget | None = None) -> Any:
        """The widget that is seen and has this text or this name; the frontmost dialog's before the window's."""
        roots = [within] if within is not None else [*self.dialogs(), self.window]
        for root in roots:
            for widget in root.findChildren(kind):
                said = widget.text() if isinstance(widget, QAbstractButton) else ""
                if widget.isVisible() and name in (widget.accessibleName(), said.replace("&", "")):
                    return widget
        raise AssertionError(f"nothing that is seen is called {name!r}")

    def name_file(self, path: Path) -> None:
        """Write this into the next file dialog, and accept it. To be called before it comes up."""

        def answer(dialog: QWidget) -> bool:
            if not isinstance(dialog, QFileDialog):
                return False
            field = dialog.findChild(QLineEdit, "fileNameEdit")
            assert field is not None
            field.setText(str(path))
            dialog.accept()
            return True

        self._when_modal(answer)

    def answer_question(self, button: str) -> None:
        """Press a button of the next question. To be called before it comes up."""

        def answer(dialog: QWidget) -> bool:
            if not isinstance(dialog, QMessageBox):
                return False
            next(one for one in dialog.buttons() if one.text().replace("&", "") == button).click()
            return True

        self._when_modal(answer)

    def drop(self, *paths: Path) -> None:
        """Drop files on what the middle of the window shows."""
        target = self.view if self.view.isVisible() else self.window.empty_state
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        place, copy = target.rect().center(), Qt.DropAction.CopyAction
        QApplication.sendEvent(target, QDragEnterEvent(place, copy, data, mouse.LEFT, mouse.NO_KEYS))
        QApplication.sendEvent(target, QDropEvent(QPointF(place), copy, data, mouse.LEFT, mouse.NO_KEYS))

    def hide_object(self, name: str) -> None:
        """Click the eye of an object."""
        from app.panels.objects_panel import EYE

        tree = self.window.objects
        row = tree.findItems(name, Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)[0]
        place = tree.visualRect(tree.indexFromItem(row, EYE)).center()
        QTest.mouseClick(tree.viewport(), mouse.LEFT, mouse.NO_KEYS, place)

    def click_object(self, name: str, keys: Qt.KeyboardModifier = mouse.NO_KEYS) -> None:
        """Click the row of an object."""
        tree = self.window.objects
        row = tree.findItems(name, Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)[0]
        place = tree.visualRect(tree.indexFromItem(row, 0)).center()
        QTest.mouseClick(tree.viewport(), mouse.LEFT, keys, place)

    def click_checkpoint(self, id: int, *, twice: bool = False) -> None:
        """Click a Checkpoint in the history."""
        strip = self.window.history.strip
        place = strip.place(id).toPoint()
        (QTest.mouseDClick if twice else QTest.mouseClick)(strip, mouse.LEFT, mouse.NO_KEYS, place)

    def show_dock(self, name: str) -> None:
        """Bring a panel into sight, through the View menu."""
        dock = self.window.docks[name]
        if dock.visibleRegion().isEmpty():
            self.menu("View", "Panels", dock.windowTitle())
        self.wait(lambda: not dock.visibleRegion().isEmpty(), f"the panel {name}")

    # Pictures -----------------------------------------------------------------------------------------------------

    def dialogs(self) -> list[QWidget]:
        """What lies over the window, the frontmost first."""
        found = [other for other in QApplication.topLevelWidgets() if isinstance(other, (QDialog, QMenu))]
        return [other for other in reversed(found) if other.isVisible()]

    def picture(self, name: str) -> None:
        """The window with everything over it, as it stands on the screen; only where pictures are wanted."""
        if self.pictures is None or (self._only and name not in self._only):
            return
        mouse.leave(self.view)
        QTest.qWait(1000)  # on software OpenGL fewer pixels are drawn while something moves
        grabbed = self.window.screen().grabWindow(self.window.winId()).toImage()
        image = grabbed.convertToFormat(QImage.Format.Format_RGB32)
        painter = QPainter(image)
        for other in reversed(self.dialogs()):
            corner = other.mapToGlobal(QPoint(0, 0)) - self.window.mapToGlobal(QPoint(0, 0))
            painter.drawPixmap(corner, other.grab())
            painter.drawRect(QRect(corner, other.size()))
        painter.end()
        self.pictures.mkdir(parents=True, exist_ok=True)
        path = self.pictures / f"{name}.png"
        image.save(str(path))
        _shrink(path)

    # --------------------------------------------------------------------------------------------------------------

    def _engine(self) -> EngineSession:
        folder = self.window.keeping.engine_folder
        assert folder is not None
        return EngineSession(Settings(folder=folder, threads=THREADS, temporary=False))

    def _activate(self) -> None:
        if not self.window.isActiveWindow():
            self.window.activateWindow()
            self.wait(self.window.isActiveWindow, "the window to be the active one")

    def _see_the_last(self) -> None:
        """A run that has stopped shows once more what it has come to, in a Snapshot that says so."""
        self.wait(lambda: self._snapshot is not None and self._snapshot.state == self.run.state, "the last Snapshot")
        QTest.qWait(20)  # panels that wait for the event loop

    def _keep(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def _when_modal(self, answer: Callable[[QWidget], bool]) -> None:
        timer = QTimer(self.window)
        timer.setInterval(20)

        def look() -> None:
            dialog = QApplication.activeModalWidget()
            if dialog is not None and dialog.isVisible() and answer(dialog):
                timer.stop()
                timer.deleteLater()

        timer.timeout.connect(look)
        timer.start()


def _shrink(path: Path) -> None:
    """Keep 256 colours and half of the bytes, where none of what is rare, as a green word, changes its colour."""
    with Image.open(path) as opened:
        full = opened.convert("RGB")
    palette = full.quantize(256, method=Image.Quantize.MEDIANCUT)
    error = np.abs(np.asarray(palette.convert("RGB"), np.int16) - np.asarray(full, np.int16))
    if error.max() <= LARGEST_COLOUR_ERROR:
        full.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)


def _choose(actions: list[QAction], titles: tuple[str, ...]) -> None:
    """Follow menus by their titles to an action, and trigger it; of the action the beginning of its title is enough."""
    for title in titles[:-1]:
        menus = {_plain(one): one.menu() for one in actions if one.menu() is not None}
        assert title in menus, f"{title} is none of {list(menus)}"
        menu = menus[title]
        assert isinstance(menu, QMenu) and menu.isEnabled(), f"{title} cannot be chosen now"
        menu.aboutToShow.emit()
        actions = menu.actions()
    action = next((one for one in actions if one.menu() is None and _plain(one).startswith(titles[-1])), None)
    assert action is not None, f"{titles[-1]} is none of {[_plain(one) for one in actions]}"
    assert action.isEnabled(), f"{titles[-1]} cannot be chosen now"
    action.trigger()


def _plain(action: QAction) -> str:
    return action.text().replace("&", "").split("\t")[0]
