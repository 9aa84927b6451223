"""Identify a material: a drape is played, taken as a recording, and what it was made of is found again from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from stage import Stage

from app.document.scene_items import Item
from app.panels.results_card import ResultsCard
from engine.protocol.scene import Contact, Pin, RectangleShape, Region, Scene, Sheet, Time
from engine.protocol.study import Study
from engine.protocol.trajectory import Trajectory

YOUNG, GUESS = 1e5, 4e5
STEPS = 20


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_identify_a_material_from_a_played_drape(stage: Stage) -> None:
    play(stage)
    record(stage)
    identify(stage)
    write_down(stage)


def flag() -> Scene:
    """A cloth that swings down from two corners."""
    pins = [
        Pin(name=corner, region=Region(kind="corner", corner=corner))  # type: ignore[arg-type]  # one of the four
        for corner in ("bottom-left", "top-left")
    ]
    material = {"young": YOUNG, "poisson": 0.3, "thickness": 1e-3, "density": 300}
    sheet = Sheet.model_validate(
        {"name": "cloth", "preset": "", "material": material, "rest": "flat",
         "shape": RectangleShape(width=0.2, height=0.2, columns=4, rows=4), "pins": pins}
    )  # fmt: skip
    return Scene(
        time=Time(step=0.01, duration=0.01 * STEPS, tolerance=1e-10), contact=Contact(mode="none"), sheets=[sheet]
    )


def play(stage: Stage) -> None:
    stage.document.set_study(Study(study="simulate", scene=flag()))
    stage.key("Space")
    stage.run_to_the_end()
    assert stage.window.workbench.playing.frame_count == STEPS + 1


def record(stage: Stage) -> None:
    """Another kind of study on the same scene, which takes the frames of the one before."""
    stage.show_dock("study")
    stage.pick("Kind of study", "Identify")
    study = stage.document.study
    assert study.scene == flag() and study.optimizer.kind == "l-bfgs"
    stage.drop_down("Recording", "Use the last simulation")
    stage.wait(lambda: "recording" in stage.document.study.inputs, "the recording")
    kept = Trajectory.open(Path(stage.document.study.inputs["recording"]))
    assert len(kept) == STEPS + 1, "it is a copy: the next run cannot take it away"
    assert stage.window.workbench.staging.set_value(Item("sheet", "cloth"), ["material", "young"], GUESS, "Young") == ""
    stage.picture("identify-chosen")


def identify(stage: Stage) -> None:
    """It is found within 2 %, the timeline has the motion of the latest try, and it is said how certain it is."""
    stage.key("Space")
    stage.wait(lambda: abs(found(stage) / YOUNG - 1.0) < 0.02, "the modulus")
    assert stage.run.iteration <= 50
    stage.pause()
    assert stage.window.workbench.playing.frame_count == STEPS + 1
    stage.press("How certain?")
    stage.wait(lambda: stage.window.workbench.results.rows[0].deviation is not None, "its deviation")
    card = stage.window.study.findChild(ResultsCard)
    assert card is not None and card.isVisible()
    ((name, value),) = card.texts()
    assert name == "cloth.young" and "±" in value and value.endswith("kPa")
    stage.picture("identify-found")
    stage.press("Copy", card)
    assert QGuiApplication.clipboard().text().splitlines()[1].startswith("cloth.young\t")


def write_down(stage: Stage) -> None:
    """What was found is the scene's, as a step of undo; back in Simulate the scene has it."""
    stage.press("Write into the scene")
    young = stage.document.study.scene.sheets[0].material.young  # type: ignore[union-attr]  # it has one
    assert young == pytest.approx(YOUNG, rel=0.02)
    stage.document.undo()
    assert stage.document.study.scene.sheets[0].material.young == GUESS  # type: ignore[union-attr]
    stage.document.redo()
    if stage.run.active:
        stage.press("Stop")
    stage.wait(lambda: not stage.run.active, "the end")
    stage.pick("Kind of study", "Simulate")
    assert stage.document.study.scene.sheets[0].material.young == young  # type: ignore[union-attr]
    stage.pick("Kind of study", "Identify")
    assert "recording" in stage.document.study.inputs, "each kind keeps its own"


def found(stage: Stage) -> float:
    rows = stage.window.workbench.results.rows
    return rows[0].value if rows else float("inf")
