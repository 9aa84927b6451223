"""Pictures of the view from elsewhere, of any size, with and without what lies over it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from app.viewport.view import HandleView


def test_a_picture_from_elsewhere_moves_nothing(viewport: Any, snapshot: Any, pixels: Any, qtbot: Any) -> None:
    viewport.show_snapshot(snapshot())
    viewport.look("front")
    moved: list[None] = []
    viewport.camera_changed.connect(lambda: moved.append(None))
    vtk = viewport.eye.camera
    before = [np.array(value) for value in (vtk.GetPosition(), vtk.GetFocalPoint(), vtk.GetViewUp())]
    here = pixels(viewport)
    view = viewport.camera()
    far = replace(view, position=tuple(4.0 * np.subtract(view.position, view.focal_point) + view.focal_point))
    there = viewport.picture(camera=far, legend=False)
    assert not moved
    for value, was in zip((vtk.GetPosition(), vtk.GetFocalPoint(), vtk.GetViewUp()), before, strict=True):
        assert (np.array(value) == was).all()  # bit for bit
    assert (pixels(viewport) == here).all()
    small, large = covered(there), covered(viewport.picture(legend=False))
    assert 0 < small < 0.3 * large


def test_scale_may_be_any_number(viewport: Any, snapshot: Any) -> None:
    viewport.show_snapshot(snapshot())
    image = viewport.picture(scale=0.37)
    assert (image.width(), image.height()) == (round(0.37 * viewport.width()), round(0.37 * viewport.height()))


def test_legend_and_handles_can_be_left_out(viewport: Any, snapshot: Any) -> None:
    viewport.show_snapshot(snapshot())
    viewport.set_handles([HandleView("h", (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 1.0)])
    pictures = {
        (legend, handles): viewport.picture(legend=legend, handles=handles)
        for legend in (True, False)
        for handles in (True, False)
    }
    assert len({bytes(image.constBits()) for image in pictures.values()}) == 4


def covered(image: Any) -> int:
    """Pixels that differ from the background's corner."""
    rows = np.frombuffer(image.convertToFormat(image.Format.Format_RGBX8888).constBits(), np.uint8)
    rows = rows.reshape(image.height(), -1, 4)[..., :3].astype(int)
    return int((np.abs(rows - rows[2, 2]).max(axis=2) > 8).sum())
