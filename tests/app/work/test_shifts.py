"""What is opened in the window stands where it belongs, and its study says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from app.document.command_line import command_line
from app.document.project import Project, SceneObject
from app.work.opening import Opener
from app.work.tasks import Tasks
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io.loader import shut_down

ON_A_MAP = np.array([512_345.678, 4_512_345.123, 87.5])


def test_a_file_takes_the_shift_of_what_is_open(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    paths = [tmp_path / "one.xyz", tmp_path / "two.xyz"]
    for index, path in enumerate(paths):
        centre = ON_A_MAP + np.array([70.0 * index, 0.0, 0.0])
        np.savetxt(path, centre + rng.uniform(-10, 10, (200, 3)), fmt="%.3f")
    opened: list[Mesh | Points] = []
    failed: list[BaseException] = []
    tasks = Tasks()
    opener = Opener(
        tasks, lambda path, geometry: opened.append(geometry), lambda path, error: failed.append(error), lambda: opened
    )
    for count, path in enumerate(paths, start=1):
        opener.open(path, unit="m")
        while len(opened) < count and not failed:
            opener.poll()
            tasks.poll()
    opener.close()
    tasks.close()
    shut_down()
    assert not failed and opened[0].shift == opened[1].shift != (0.0, 0.0, 0.0)
    apart = opened[1].bounds.mean(axis=0) - opened[0].bounds.mean(axis=0)
    np.testing.assert_allclose(apart, [70_000.0, 0, 0], atol=1500.0)


def test_the_study_and_its_command_say_unit_and_shift() -> None:
    scan = Points(np.eye(3), unit="m", shift=(512_300_000.0, 4_512_300_000.0, 0.0))
    project = Project(objects=(SceneObject("scan", scan, "#888888", "site.xyz"),), roles={"target": "scan"})
    study = project.with_named_inputs().study
    assert study.shifts == {"target": (512_300_000.0, 4_512_300_000.0, 0.0)} and study.units == {"target": "m"}
    assert "--unit m --shift=512300000,4512300000,0" in command_line(study, None)
    assert project.without_object("scan").study.shifts == {}
