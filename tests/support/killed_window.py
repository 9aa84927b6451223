"""A window that works, writes down what it did, and waits to be killed: `python killed_window.py STORE LOG [finish]`.

Real are the window, its documents and what it keeps, the engine process and its Run; only the viewport is a fake. With
"finish" it recovers what there is, says what that was, and closes as it should.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.protocol.catalogue import Catalogue, StudyEntry
from engine.protocol.study import Study, TermSpec

TERMS = [TermSpec(kind="fit", name="fit", weight=1.0), TermSpec(kind="noise", name="noise", weight=0.1)]
STUDY = Study(parameters={"iterations": 1_000_000, "sleep": 0.004, "rings": 8, "steps": 1}, terms=TERMS)
CHANGE_SECONDS = 0.08
SAVE_SECONDS = 1.3


def make_catalogue() -> Catalogue:
    """One study, the sphere."""
    entry = StudyEntry(study="reconstruct", title="Sphere", help="", schema_={}, default_terms=TERMS)
    return Catalogue(version="sphere", studies=[entry])


class Worker:
    """One window at work."""

    def __init__(self, store: Path, log: Path, *, finish: bool) -> None:
        from PySide6.QtWidgets import QApplication

        from app.window.main_window import MainWindow
        from app.worker.catalogue_cache import CatalogueCache
        from app.worker.messages import Settings
        from app.worker.session import EngineSession

        self.store, self.finish = store, finish
        self.log = log.open("a", encoding="utf-8")
        self.application = QApplication.instance() or QApplication([])
        self.counter = self.changed_at = self.saved_at = 0.0
        self.seen = -1
        self.saves = 0

        def session() -> EngineSession:
            folder = self.window.keeping.engine_folder
            assert folder is not None
            settings = Settings(
                folder=folder, threads=1, build="sphere_study:build", catalogue="killed_window:make_catalogue",
                warm_up=False, autosave_seconds=0.5, temporary=False,
            )  # fmt: skip
            return EngineSession(settings, catalogue_cache=CatalogueCache(store / "cache"))

        self.window = MainWindow(session, _fakes().FakeViewport, store=store)
        self.window.show()
        self.window.complete()
        self.window.stop_timer()
        self.window.documents.ask_to_save = lambda name: "discard"
        self.window.link.engine_died.subscribe(self.engine_died)
        self.dead = False
        self.say("open", process=os.getpid())

    def say(self, what: str, **values: Any) -> None:
        self.log.write(json.dumps({"what": what, "time": time.time(), **values}) + "\n")
        self.log.flush()

    def engine_died(self, event: Any) -> None:
        self.dead = True
        self.say("engine died")

    def frame(self) -> None:
        self.window.poll()
        self.application.processEvents()
        time.sleep(0.01)
        if self.dead:
            self.dead = False
            self.window.workbench.running.restart_engine()
            self.say("engine restarted")
        session = self.window.link.session
        if session is not None and session.process_id != self.engine:
            self.engine = session.process_id
            self.say("engine", process=self.engine)
        run = self.window.document.run
        if run.state in ("running", "paused") and run.iteration != self.seen:
            self.seen = run.iteration
            self.say("iteration", iteration=run.iteration, checkpoints=len(run.checkpoints))

    engine: int | None = None

    def recover(self) -> None:
        """Take over what was left, if anything was."""
        looked: list[bool] = []
        self.window.keeping.found_changed.subscribe(lambda: looked.append(True))
        self.window.keeping.look_for_crashes()
        while not looked:
            self.frame()
        found = list(self.window.keeping.found)
        if not found:
            self.begin()
            return
        self.say("found", names=[item.name for item in found], iteration=found[0].iteration)
        shown: list[bool] = []
        self.window.documents.replaced.subscribe(lambda: shown.append(True))
        self.window.keeping.recover(found[0])
        for other in found[1:]:
            self.window.keeping.discard(other)
        while not shown:
            self.frame()
        measured = self.window.document.project.measurements
        self.counter = measured[-1].value if measured else -1.0
        self.say("recovered", counter=self.counter, with_run=self.window.documents.run_source is not None)
        if not measured or (self.window.documents.run_source is None and not self.finish):
            self.begin()

    def begin(self) -> None:
        """Open something, and run."""
        from engine.geometry.points import Points

        self.say("begin")
        document = self.window.document
        if not document.objects:
            points = np.random.default_rng(0).normal(size=(2000, 3))
            document.add_object(Points(points, name="cloud"))
        document.set_study(STUDY)
        self.window.link.start_run()

    def work(self) -> None:
        """Change something now and then, save now and then, until the end."""
        from app.document.project import Measurement

        document, documents = self.window.document, self.window.documents
        while True:
            self.frame()
            now = time.monotonic()
            if document.run.state == "paused":
                self.window.link.resume()
            if now - self.changed_at > CHANGE_SECONDS:
                self.changed_at = now
                self.counter += 1.0
                measured = (Measurement("distance", ((0.0, 0, 0), (self.counter, 0, 0)), self.counter),)
                document.change("measure", replace(document.project, measurements=measured))
                if int(self.counter) % 7 == 0:
                    self.window.workbench.steering.set_weight("noise", 0.1 + int(self.counter) % 5 / 10)
                self.say("change", counter=self.counter)
            if now - self.saved_at > SAVE_SECONDS and not documents.busy:
                self.saved_at = now
                self.saves += 1
                path = self.store.parent / f"document-{self.saves % 3}.formwright"
                documents.save_to(path, then=partial(self.say, "saved", name=path.name, counter=self.counter))

    def end(self) -> None:
        """Wait until what was recovered goes on, say what it is, and close."""
        end = time.monotonic() + 90.0
        document = self.window.document
        if self.window.documents.run_source is not None:
            while document.run.state != "paused" and time.monotonic() < end:
                self.frame()
            self.window.link.resume(steps=3)
            before = document.run.iteration

            def seen() -> bool:  # the state comes before the picture of it that has the weights
                weight = document.study.term("noise").weight
                return document.run.iteration >= before + 3 and document.run.scalars.get("weight:noise") == weight

            while not seen() and time.monotonic() < end:
                self.frame()
        run = document.run
        self.say(
            "end", state=run.state, iteration=run.iteration, checkpoints=len(run.checkpoints),
            curve=len(run.present_curves().iterations), weight=document.study.term("noise").weight,
            engine_weight=run.scalars.get("weight:noise"),
        )  # fmt: skip
        self.window.close()


def _fakes() -> Any:
    path = Path(__file__).resolve().parents[1] / "app" / "conftest.py"
    spec = importlib.util.spec_from_file_location("tests_app_fakes", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tests_app_fakes"] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    store, log = Path(sys.argv[1]), Path(sys.argv[2])
    worker = Worker(store, log, finish="finish" in sys.argv)
    worker.recover()
    if worker.finish:
        worker.end()
    else:
        worker.work()


if __name__ == "__main__":
    main()
