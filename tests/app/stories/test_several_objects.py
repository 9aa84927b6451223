"""Several objects: a scene is set up, cut open, measured, pictured, and is the same after it was saved and opened."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import mouse
import numpy as np
import pytest
from PySide6.QtGui import QImage
from stage import Stage

from app.document.project import Project
from app.viewport.gizmo import gizmo_parts
from engine.geometry.mesh import Mesh
from engine.io.registry import write


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_several_objects(stage: Stage, bracket: Mesh, tmp_path: Path) -> None:
    document = stage.document
    write(bracket, tmp_path / "bracket.ply", unit="mm")
    stage.drop(tmp_path / "bracket.ply")
    stage.wait(lambda: bool(document.objects), "the bracket")

    stage.click_object("bracket")
    stage.key("Ctrl+D")
    copy = document.objects[-1].name
    assert [item.name for item in document.objects] == ["bracket", copy]
    place_by_numbers_and_gizmo(stage, copy)
    stage.click_object("bracket", mouse.CTRL)
    stage.key("Ctrl+G")
    assert {item.group for item in document.objects} == {"Group"}
    cut_and_measure(stage, bracket)
    picture(stage, tmp_path / "scene.png")

    before = document.project
    stage.name_file(tmp_path / "scene.formwright")
    stage.key("Ctrl+S")
    stage.wait(lambda: (tmp_path / "scene.formwright").exists() and not stage.window.documents.modified, "the file")
    camera = stage.view.camera()
    stage.key("Ctrl+N")
    stage.wait(lambda: not document.objects, "an empty document")
    stage.drop(tmp_path / "scene.formwright")
    stage.wait(lambda: bool(document.objects), "the document")
    for field in fields(Project):
        assert getattr(document.project, field.name) == getattr(before, field.name), field.name
    np.testing.assert_allclose(stage.view.camera().position, camera.position)
    assert not stage.window.documents.modified and stage.window.windowTitle().startswith("scene.formwright")


def place_by_numbers_and_gizmo(stage: Stage, name: str) -> None:
    def placement() -> tuple[float, float, float]:
        item = stage.document.object(name)
        assert item is not None
        return item.placement.translation

    stage.show_dock("properties")
    x, y, z = stage.window.properties.fields["translation"].numbers
    stage.type(x, "9 cm")
    stage.type(y, "10 + 5")
    assert placement()[:2] == (90.0, 15.0)
    stage.key("G")
    for _ in range(5):
        stage.key("Minus")
    arrow = next(part for part in gizmo_parts(stage.view) if part.name == "z").places
    stage.picture("scene")
    before = placement()[2]
    mouse.drag(stage.view, tuple(arrow[-1]), tuple(arrow[-1] + 0.5 * (arrow[-1] - arrow[0])))
    assert placement()[2] > before + 1.0 and placement()[:2] == pytest.approx((90.0, 15.0))
    assert float(z.text()) == pytest.approx(placement()[2], rel=1e-4)
    stage.menu("Edit", "Undo")  # the whole drag
    assert placement() == (90.0, 15.0, before)
    stage.menu("Edit", "Redo")
    stage.key("Escape")


def cut_and_measure(stage: Stage, bracket: Mesh) -> None:
    stage.menu("View", "Camera", "Front")
    stage.menu("Tools", "What is measured", "Measure a distance")
    low, high = bracket.bounds
    height = 5.0  # there the base is a plain box
    ends = [np.array([x, low[1], height]) for x in (low[0] + 10.0, high[0] - 10.0)]
    for end in ends:
        mouse.click(stage.view, stage.pixel(end))
    (measured,) = stage.document.project.measurements
    assert measured.value == pytest.approx(np.linalg.norm(ends[1] - ends[0]), abs=1.0)
    stage.key("Escape")
    stage.key("X")
    stage.menu("View", "Clip", "Plane across Y")
    clip = stage.document.project.clip
    assert clip is not None and clip.kind == "plane" and np.abs(clip.normal).tolist() == [0.0, 1.0, 0.0]
    stage.menu("View", "Camera", "Isometric")
    stage.picture("clip")


def picture(stage: Stage, path: Path) -> None:
    stage.key("Ctrl+Shift+P")
    dialog = stage.window.dialogs.picture
    assert dialog is not None
    stage.type(dialog.place, "scene.png", enter=False)
    stage.picture("picture")
    stage.type(dialog.place, str(path), enter=False)
    stage.type(dialog.scale, "2", enter=False)
    dialog.transparent.click()
    stage.press("Save")
    stage.wait(path.exists, "the picture")
    stage.wait(lambda: not QImage(str(path)).isNull(), "all of the picture")
    image = QImage(str(path))
    assert (image.width(), image.height()) == (2 * stage.view.width(), 2 * stage.view.height())
    assert image.pixelColor(2, 2).alpha() == 0 and image.pixelColor(image.rect().center()).alpha() == 255
