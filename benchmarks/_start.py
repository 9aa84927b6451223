"""The window from process start, as `formwright FILE` opens it: when menus, first picture and first iteration come.

Started by benchmarks/window.py, which gives its own clock in FORMWRIGHT_BEGIN. Imports nothing before the window does.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

BEGIN = float(os.environ.get("FORMWRIGHT_BEGIN", "0"))
PATIENCE = 60_000
"""[ms] for all of it."""


def main() -> int:
    from PySide6.QtCore import QEvent, QObject, QTimer

    from app import main as program
    from app.window.main_window import MainWindow

    seen: dict[str, float] = {}
    application = program.make_application()

    class Menus(QObject):
        """When the menu bar is first painted, and what the window says afterwards."""

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
            if event.type() == QEvent.Type.Paint and watched.metaObject().className() == "QMenuBar":
                application.removeEventFilter(self)
                seen["menus"] = time.time() - BEGIN
                poll.start(5)
            return False

    def look() -> None:
        window = next((each for each in application.topLevelWidgets() if isinstance(each, MainWindow)), None)
        if window is None or window.viewport is None:
            return
        if "watched" not in seen:
            seen["watched"] = 1.0
            window.viewport.content_shown.connect(lambda: seen.setdefault("first_frame", time.time() - BEGIN))
            window.link.progressed.subscribe(told)
        if "engine" in seen and "first_frame" in seen and "clicked" not in seen:
            seen["clicked"] = time.time() - BEGIN
            window.workbench.running.toggle()
        if window.document.run.iteration > 0:
            seen["first_iteration"] = time.time() - BEGIN - seen["clicked"]
            poll.stop()
            window.store = None  # nobody is there to say what is to be saved
            window.close()

    def told(event: Any) -> None:
        if event.task == "starting the engine" and event.fraction == 1.0:
            seen.setdefault("engine", time.time() - BEGIN)

    menus, poll = Menus(), QTimer()
    application.installEventFilter(menus)
    poll.timeout.connect(look)
    QTimer.singleShot(PATIENCE, application.quit)
    program.run_window([Path(name) for name in sys.argv[1:]])
    print("RESULT " + json.dumps(seen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
