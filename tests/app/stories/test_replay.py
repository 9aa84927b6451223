"""Replay: what was done in the window is done again by a command and by a script, and gives the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import mouse
import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication
from stage import THREADS, Stage

from engine.geometry.mesh import Mesh
from engine.io.registry import read

ITERATIONS = 60


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_replay(stage: Stage, repository: Path, tmp_path: Path) -> None:
    steer(stage)
    mesh = exported(stage, tmp_path / "window.ply")

    folder = tmp_path / "replay"
    stage.name_file(folder)
    stage.menu("Study", "Save replay")
    stage.wait((folder / "edits.jsonl").exists, "the replay")
    command = ["-m", "app.cli.main", "run", str(folder / "study.toml"), "--edits", str(folder / "edits.jsonl")]
    outside(repository, tmp_path, *command, "-o", str(tmp_path / "command.ply"), "--quiet")
    assert_same(mesh, read(tmp_path / "command.ply"))

    QGuiApplication.clipboard().clear()
    stage.menu("Study", "Copy as Python")
    stage.wait(lambda: "replay(" in QGuiApplication.clipboard().text(), "the script")
    script = QGuiApplication.clipboard().text().replace(".stl", ".ply")  # which keeps every bit
    (folder / "again.py").write_text(script, encoding="utf-8")  # long Edits are read from the folder's file
    written = outside(repository, folder, str(folder / "again.py")).strip()
    assert_same(mesh, read(folder / written))


def steer(stage: Stage) -> None:
    """From the gallery: a weight, a handle and frozen places, back, and to the end on a branch."""
    stage.press("Run A nut, scanned")
    stage.wait(lambda: stage.run.state == "running", "the run")
    stage.hide_object(stage.document.objects[0].name)
    stage.type("Resolution", "24")  # while it runs
    stage.type("Iterations", str(ITERATIONS))
    stage.type("Weight of Smoothness", "2")
    stage.run_to(stage.run.iteration + 8)
    stage.key("H")
    start = stage.pixel(stage.seen_at(0.5, 0.3))
    mouse.drag(stage.view, start, (start[0], start[1] - 60.0))
    stage.run_to(stage.run.iteration + 12)
    stage.key("Escape")
    back = sorted(stage.run.checkpoints)[-2]
    stage.click_checkpoint(back, twice=True)
    stage.wait(lambda: stage.run.iteration == stage.run.checkpoints[back].iteration, "the way back")
    stage.key("B")
    x, y = stage.pixel(stage.seen_at(0.6, 0.6))
    mouse.drag(stage.view, (x - 20.0, y), (x + 20.0, y))
    stage.key("Escape")
    stage.run_to_the_end()
    assert stage.run.branch != "main" and stage.document.project.strokes and stage.document.handles()


def exported(stage: Stage, path: Path) -> Mesh:
    stage.key("Ctrl+E")
    dialog = stage.window.dialogs.export
    assert dialog is not None
    dialog.set_place(path)
    stage.press("Export")
    stage.wait(path.exists, "the file")
    stage.wait(lambda: path.name in dialog.said(), "the end of writing")
    dialog.close()
    mesh = read(path)
    assert isinstance(mesh, Mesh)
    return mesh


def outside(repository: Path, folder: Path, *arguments: str) -> str:
    """Run Python without the window, with as many threads as its engine has; returns what it says."""
    environment = {**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": str(THREADS)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_same(mesh: Mesh, other: object) -> None:
    assert isinstance(other, Mesh)
    np.testing.assert_array_equal(other.triangles, mesh.triangles)
    np.testing.assert_array_equal(other.vertices, mesh.vertices)
