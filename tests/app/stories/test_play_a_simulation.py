"""Play a simulation: it runs live, is coloured, scrubbed and pulled with the mouse, and leaves as an animation."""

from __future__ import annotations

from pathlib import Path

import mouse
import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtTest import QTest
from stage import Stage

from app.viewport.overlay.pulling import pull_label
from engine.protocol.scene import Pin, RectangleShape, Region, Scene, Sheet, Time
from engine.protocol.study import Study
from engine.protocol.trajectory import Trajectory

CELLS, STEPS = 8, 60
FINE = 20, 80
"""The same where pictures are taken, to be looked at."""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_play_a_simulation(stage: Stage, tmp_path: Path) -> None:
    cells, steps = FINE if stage.pictures else (CELLS, STEPS)
    stage.document.set_study(Study(study="simulate", scene=curtain(cells, 100 * steps)))  # it shall not end by itself
    stage.key("Space")
    stage.wait(lambda: stage.run.iteration >= 1, "the simulation")
    stage.pause()
    began = stage.run.iteration
    shorten(stage, began + steps)
    stage.run_to(began + steps // 4)
    colour(stage)
    scrub(stage)
    sense(stage)
    pull(stage, cells)
    stage.run_to_the_end()
    export(stage, tmp_path)
    replay_from_disk(stage, tmp_path)


def shorten(stage: Stage, steps: int) -> None:
    """Let the simulation end earlier than it began with: its duration may change while it goes on."""
    scene = stage.document.study.scene
    assert scene is not None
    time = scene.time.model_copy(update={"duration": steps * scene.time.step})
    stage.window.workbench.staging.change("last", scene.model_copy(update={"time": time}))
    stage.wait(lambda: stage.run.iterations == steps, "its new end")


def curtain(cells: int, steps: int) -> Scene:
    """A square of cotton that hangs from two corners."""
    pins = [
        Pin(name=corner, region=Region(kind="corner", corner=corner))  # type: ignore[arg-type]  # one of the four
        for corner in ("top-left", "top-right")
    ]
    sheet = Sheet(name="curtain", shape=RectangleShape(columns=cells, rows=cells), pins=pins)
    return Scene(time=Time(step=0.005, duration=0.005 * steps), sheets=[sheet])


def colour(stage: Stage) -> None:
    """The menu beside the timeline colours by strain, and the bar begins at zero."""
    stage.drop_down("Colour by", "Strain")
    assert stage.view.colour_range[0] == 0.0 and stage.view.colour_range[1] > 0.0
    stage.wait(lambda: not stage.view.scene.waiting, "the picture")
    assert stage.view.scene.surface.coloured
    stage.picture("simulation-strain")


def scrub(stage: Stage) -> None:
    """The track shows what was, and Live what is."""
    playing, track = stage.window.workbench.playing, stage.window.timeline.track
    before = lowest(stage)
    QTest.mouseClick(track, mouse.LEFT, pos=QPoint(track.place(0), track.height() // 2))
    assert playing.frame == 0 and not playing.live
    assert abs(lowest(stage)) < 0.5, "flat, as it began"
    stage.picture("simulation-timeline")
    stage.press("Live")
    assert lowest(stage) == pytest.approx(before, abs=1e-6)


def sense(stage: Stage) -> None:
    """What the height of the curtain depends on: colours on its vertices, and a message about its parameters."""
    view = stage.view
    stage.drop_down("Colour by", "Sensitivity of", "curtain centre z [m]")
    stage.wait(lambda: "curtain centre z [m] is" in stage.window.error_bar.text(), "the derivatives")
    stage.wait(lambda: not view.scene.waiting, "the picture")
    assert view.scene.surface.coloured and view.scene.surface.shade.unit == "m/m"
    stage.picture("simulation-sensitivity")
    stage.press("Live")
    stage.drop_down("Colour by", "Plain")


def pull(stage: Stage, cells: int) -> None:
    """The middle is pulled up while the simulation goes on, and then let go."""
    folder = Path(str(stage.run.info["trajectory"]))
    stage.key("U")
    seen = stage.view.snapshot
    assert seen is not None
    held = (cells + 1) * (cells // 2) + cells // 2
    start = QPointF(*stage.pixel(seen.arrays["vertices"][held] + np.asarray(seen.origin)))
    began = stage.run.iteration
    mouse.press(stage.view, (start.x(), start.y()))
    mouse.move(stage.view, (start.x(), start.y() - 60.0))
    assert stage.view.state.pull is not None and stage.view.state.pull[0].body == "curtain"
    stage.resume()
    stage.wait(lambda: stage.run.iteration >= began + 6, "six steps of pulling")
    assert pull_label(stage.view).endswith(" N"), "the run has said how stiff its spring is"
    stage.picture("simulation-pull")
    mouse.release(stage.view, (start.x(), start.y() - 60.0))
    frames = Trajectory.open(folder)
    energy = frames.series("pulls")
    assert energy[: began + 1].max() == 0.0 and energy[began + 1 :].max() > 0.0
    assert not stage.document.undo_stack.undo_name.startswith("pull")
    stage.key("Q")


def export(stage: Stage, folder: Path) -> None:
    """All frames as an animation, from the File menu."""
    stage.menu("File", "Export motion…")
    dialog = stage.window.dialogs.motion
    assert dialog is not None
    stage.type("File", str(folder / "curtain.glb"), enter=False)
    stage.press("Export", dialog)
    stage.wait(lambda: dialog.said().startswith("Wrote"), "the file")
    assert (folder / "curtain.glb").read_bytes()[:4] == b"glTF"
    dialog.close()


def replay_from_disk(stage: Stage, folder: Path) -> None:
    """The frames of the run, opened from their folder, are the same."""
    playing = stage.window.workbench.playing
    end = playing.frame_count
    assert playing.open(Path(str(stage.run.info["trajectory"])))
    assert playing.from_disk and playing.frame_count == end
    playing.play()
    stage.wait(lambda: playing.frame > 3, "the frames to be played")
    playing.pause()


def lowest(stage: Stage) -> float:
    """The lowest height that is shown [mm]."""
    seen = stage.view.snapshot
    assert seen is not None
    return float(seen.arrays["vertices"][:, 2].min() + seen.origin[2])
