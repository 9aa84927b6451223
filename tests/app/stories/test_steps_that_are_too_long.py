"""Two sheets are too fast for the steps of time: they are divided, and told; or refused where the user says so, and one
press starts the run anew with steps that do."""

from __future__ import annotations

import pytest
from stage import Stage

from engine.protocol.scene import Pose, RectangleShape, Scene, Sheet, Time
from engine.protocol.study import Study


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_steps_that_are_divided(stage: Stage) -> None:
    stage.window.registry.trigger("workspace.shell")
    stage.document.set_study(Study(study="simulate", scene=meeting(step=0.005)))
    note = stage.window.scene_panel.divided
    assert not note.isVisible()
    stage.key("Space")
    stage.wait(lambda: stage.run.state == "finished", "the end of the run")
    assert not stage.window.error_bar.isVisible(), "it went on without anybody being asked"
    stage.wait(note.isVisible, "the note")
    assert note.text().startswith("Step 2 was taken in 2 parts"), note.text()
    scene, playing = stage.document.study.scene, stage.window.workbench.playing
    assert scene is not None
    stage.wait(lambda: playing.frame_count == scene.time.steps + 1, "a frame for every step, and none for parts")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_steps_that_are_too_long(stage: Stage) -> None:
    stage.document.set_study(Study(study="simulate", scene=meeting(step=0.005, divide=1)))
    bar = stage.window.error_bar
    stage.key("Space")
    stage.wait(lambda: stage.run.state == "paused", "the step that is refused")
    assert "it would lead 'upper' through 'lower'" in bar.text()
    assert "The last good state is kept" in bar.text()
    (offer,) = (title for title in bar.offer_titles() if title.startswith("Start anew with steps of"))
    stage.press(offer, bar)
    stage.wait(lambda: stage.run.state == "finished", "the end of the run")
    assert not bar.isVisible()
    scene = stage.document.study.scene
    assert scene is not None and f"{1e3 * scene.time.step:g} ms" in offer and scene.time.step <= 0.0025
    stage.key("Ctrl+Z")
    scene = stage.document.study.scene
    assert scene is not None and scene.time.step == 0.005, "that the steps are others is one step of undo"


def meeting(step: float, divide: int = 8) -> Scene:
    """Of two small squares of rubber the upper one falls at 10 m/s."""
    shape = RectangleShape(width=0.06, height=0.06, columns=4, rows=4)
    lower = Sheet(name="lower", shape=shape, material="rubber")
    pose = Pose(translation=(0.005, 0.007, 0.06))
    upper = Sheet(name="upper", shape=shape, material="rubber", pose=pose, velocity=(0.0, 0.0, -10.0))
    return Scene(gravity=(0.0, 0.0, 0.0), time=Time(step=step, duration=0.03, divide=divide), sheets=[lower, upper])
