"""Cutting the view open, and dimensions: in the View and the Tools menu."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app.actions.action import Action
from app.actions.texts import tr

if TYPE_CHECKING:
    from app.viewport.records import MeasureKind
    from app.viewport.viewing import Viewing
    from app.window.main_window import MainWindow


def clip_commands(window: MainWindow) -> list[Action]:
    """Clip plane and box, in the View menu."""

    def is_clipped() -> bool:
        return window.furnished and window.workbench.clipping.clip is not None

    def has_plane() -> bool:
        return window.furnished and window.workbench.clipping.kind == "plane"

    def has_box() -> bool:
        return window.furnished and window.workbench.clipping.kind == "box"

    return [
        Action("clip.plane", tr("Clip by a plane"), lambda: window.workbench.clipping.toggle("plane"), "View/Clip", "X",
               "clip", checked=has_plane, group="clip", help=tr("Cut the view open; drag the grip of the plane")),
        Action("clip.box", tr("Clip by a box"), lambda: window.workbench.clipping.toggle("box"), "View/Clip", "Shift+X",
               checked=has_box, group="clip", help=tr("Show what lies within a box; drag the grips of its faces")),
        Action("clip.flip", tr("Flip the clip"), lambda: window.workbench.clipping.flip(), "View/Clip",
               enabled=is_clipped, group="side", help=tr("Cut away the other part")),
        *(
            Action(f"clip.across-{letter.lower()}", tr("Plane across {0}").format(letter),
                   partial(_face, window, axis), "View/Clip", enabled=has_plane, group="axis")
            for axis, letter in enumerate("XYZ")
        ),
    ]  # fmt: skip


def measure_commands(window: MainWindow) -> list[Action]:
    """What the measure tool measures, in the Tools menu."""
    viewing = window.viewing
    kinds: tuple[tuple[MeasureKind, str, str], ...] = (
        ("distance", tr("Measure a distance"), tr("Between two clicked points")),
        ("angle", tr("Measure an angle"), tr("Of three clicked points, at the second")),
        ("thickness", tr("Measure a thickness"), tr("Of the wall that is clicked, straight through it")),
    )

    def has_dimensions() -> bool:
        return bool(window.document.project.measurements)

    return [
        *(
            Action(f"measure.{kind}", title, partial(viewing.measure, kind), "Tools/Measure",
                   checked=partial(_is_kind, viewing, kind), group="kind",
                   help=help)
            for kind, title, help in kinds
        ),
        Action("measure.clear", tr("Remove all dimensions"), lambda: window.workbench.measuring.remove_all(),
               "Tools/Measure", enabled=has_dimensions, group="clear"),
    ]  # fmt: skip


def _face(window: MainWindow, axis: int) -> None:
    window.workbench.clipping.face(axis)


def _is_kind(viewing: Viewing, kind: str) -> bool:
    return viewing.tool == "measure" and viewing.measure_kind == kind
