"""Recover from a crash: the window dies while a run goes on, and the next start gives everything back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from patience import PATIENCE
from tests_app_stories import OpenWindow
from window_before_crash import ITERATIONS

from app.document.file import MANIFEST as DOCUMENT
from app.document.file import open_document
from app.document.project import Project
from app.document.recovery import read_kept
from engine.core.errors import FileError
from engine.io.registry import write
from engine.protocol.run_folder import is_run_folder, read_summary
from engine.studies.samples import nut_scan

SUPPORT = Path(__file__).resolve().parents[2] / "support"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_recover_from_a_crash(open_window: OpenWindow, repository: Path, tmp_path: Path) -> None:
    scan, was_open = tmp_path / "nut.ply", tmp_path / "open.formwright"
    write(nut_scan(points=6000), scan)
    iteration, checkpoints = work_and_crash(repository, tmp_path / "state", scan, was_open)

    stage = open_window()
    cards = stage.window.document_listening.cards
    stage.wait(lambda: bool(cards.cards) and cards.isVisible(), "what can be recovered")
    card = cards.cards[0]
    assert len(cards.cards) == 1 and card.found.preview.startswith(b"\x89PNG")
    assert abs(time.time() - card.found.saved) < 600.0
    assert "ago" in card.accessibleName() and f"run at iteration {iteration}" in card.accessibleName()
    stage.picture("recovery")

    stage.press("Recover")
    stage.wait(lambda: bool(stage.document.objects), "the document")
    assert not cards.isVisible()
    before = open_document(was_open).content.project
    assert differences(stage.document.project, before) == []
    assert stage.document.modified or stage.window.documents.modified  # it is in no file yet
    stage.wait(lambda: stage.run.state == "paused", "the run")
    assert stage.run.iteration == iteration
    assert stage.run.present_curves().iterations[0] == 0 and len(stage.run.checkpoints) == checkpoints > 1

    stage.run_to_the_end()
    assert stage.run.iteration == ITERATIONS and stage.run.scalars["weight:smoothness"] == 2.5
    assert differences(stage.document.project, before) == []


def work_and_crash(repository: Path, store: Path, scan: Path, was_open: Path) -> tuple[int, int]:
    """A window in another process does its work, and is killed; returns where its run was, and its Checkpoints."""
    environment = {**os.environ, "PYTHONPATH": f"{SUPPORT}{os.pathsep}{repository}"}
    command = [sys.executable, str(SUPPORT / "window_before_crash.py"), str(store), str(scan), str(was_open)]
    output = scan.with_name("output")
    with output.open("wb") as stream:
        window = subprocess.Popen(command, env=environment, stdout=stream, stderr=stream)

    def wait(condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert window.poll() is None and time.monotonic() < end, f"no {what}: {output.read_text()[-3000:]}"
            time.sleep(0.05)

    try:
        wait(was_open.exists, "work")
        said = re.search(r"^iteration (\d+)$", output.read_text(), re.MULTILINE)
        assert said is not None
        iteration, before = int(said[1]), open_document(was_open).content.project
        # Some seconds later all of it is kept.
        wait(lambda: any(store.rglob(DOCUMENT)), "document that is kept")
        kept = next(store.rglob(DOCUMENT)).parent
        wait(lambda: not differences(kept_project(kept), before), "document that is kept")
        folder = next(store.rglob("run-*"))
        wait(lambda: run_is_kept(folder, iteration), "run that is kept")
        checkpoints = read_summary(folder).checkpoint_count
    finally:
        window.kill()
        window.wait()
    return iteration, checkpoints


def kept_project(folder: Path) -> Project:
    """What a window that lives has kept; nothing while it is just at it."""
    try:
        return read_kept(folder).project
    except FileError:
        return Project()


def run_is_kept(folder: Path, iteration: int) -> bool:
    if not is_run_folder(folder):
        return False
    summary = read_summary(folder)
    return (summary.iteration, summary.iterations) == (iteration, ITERATIONS)


def differences(now: Project, before: Project) -> list[str]:
    """What of two Projects differs."""
    names = [field.name for field in fields(Project)]
    return [name for name in names if getattr(now, name) != getattr(before, name)]
