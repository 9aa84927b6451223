"""The start: menus before anything heavy is imported, then the rest, without a jump."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

BARE = """
import sys
from app.main import make_application
from app.window.main_window import MainWindow
application = make_application()
window = MainWindow(lambda: None, lambda parent: None, bare=True)
window.show()
application.processEvents()
menus = [action.menu() for action in window.menuBar().actions()]
assert all(menu.actions() for menu in menus), "a menu is empty"
assert all(action.text() for menu in menus for action in menu.actions() if not action.isSeparator())
heavy = ("numpy", "pydantic", "scipy", "PIL", "vtkmodules", "pyqtgraph", "torch", "warp", "asyncio", "http", "ssl")
print([name for name in heavy if name in sys.modules])
"""

FIRST_PICTURE = """
import sys
from app.main import make_application
from app.window.main_window import MainWindow
application = make_application()
window = MainWindow(lambda: None, lambda parent: None, bare=True)
window.furnish()
import app.viewport.drawing, app.viewport.image, app.viewport.picturing, app.viewport.scene
heavy = ("scipy", "PIL", "pyqtgraph", "xml", "ssl", "unittest", "torch", "warp")
print([name for name in heavy if name in sys.modules])
"""


def test_menus_show_before_anything_heavy_is_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BARE], capture_output=True, text=True, timeout=200, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == "[]"


def test_the_first_picture_waits_for_nothing_that_it_does_not_need() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_PICTURE], capture_output=True, text=True, timeout=200, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == "[]"


def bare_window(qtbot: Any, session: Any) -> Any:
    from tests_app_fakes import FakeViewport

    from app.window.main_window import MainWindow

    window = MainWindow(lambda: session, FakeViewport, bare=True)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    qtbot.wait(20)
    return window


def test_filling_the_docks_moves_none_of_them(qtbot: Any, session: Any) -> None:
    window = bare_window(qtbot, session)
    seen = {name: dock for name, dock in window.docks.items() if not dock.visibleRegion().isEmpty()}
    before = {name: dock.geometry() for name, dock in seen.items()}
    assert len(before) >= 5
    centre = window.centralWidget().geometry()
    window.complete()
    window.stop_timer()
    qtbot.wait(20)
    assert {name: dock.geometry() for name, dock in seen.items()} == before
    assert window.centralWidget().geometry() == centre
    window.close()


def test_a_menu_of_the_bare_window_furnishes_it(qtbot: Any, session: Any) -> None:
    window = bare_window(qtbot, session)
    assert not window.furnished
    assert not window.registry.drawn("edit.undo").isEnabled() and window.registry.drawn("file.open").isEnabled()
    window.menus["Edit"].aboutToShow.emit()
    assert window.furnished
    window.close()


def test_closing_a_bare_window_is_harmless(qtbot: Any, session: Any) -> None:
    window = bare_window(qtbot, session)
    window.close()
    assert not session.closed and not window.furnished
