"""What the tools leave to be drawn over the picture."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from app.viewport.records import BodyVertex, MeasureKind, SelectMode, Tool
from engine.geometry.selection import Profile


@dataclass
class ToolState:
    """Positions are [mm, world], places on the screen are [pixels].

    held : name of the handle being dragged, ghost : where it was, held_at : where it is
    brush_at, brush_normal : where the brush would paint; removes : it takes away instead
    measure : the points clicked so far; measure_to : where the next one would be
    outline : of a box or lasso under way, shape (k, 2); circle : centre, normal and radius of what a drag widens
    grip : part of the gizmo or of the clip under the pointer; dragged : such a part under way, with what it has done
    corners : of an outline under way; polyline_to : where the next would be; polyline_closes : a click would close it
    polyline : a line under way on a surface, shape (k, 3)
    pull : vertex that is pulled, and to where
    hint : why a click did nothing
    probed : what colours the surface where the pointer rests; probed_band : half of its band, where it is predicted
    """

    tool: Tool = "navigate"
    brush_radius: float | None = None
    held: str | None = None
    ghost: np.ndarray | None = None
    held_at: np.ndarray | None = None
    hovered: str | None = None
    brush_at: np.ndarray | None = None
    brush_normal: np.ndarray | None = None
    removes: bool = False
    measure_kind: MeasureKind = "distance"
    measure: list[np.ndarray] = field(default_factory=list)
    measure_to: np.ndarray | None = None
    select_mode: SelectMode = "brush"
    select_through: bool = False
    select_profile: Profile = "constant"
    select_target: str = ""
    outline: np.ndarray | None = None
    circle: tuple[np.ndarray, np.ndarray, float] | None = None
    grip: str = ""
    dragged: tuple[str, str, np.ndarray] | None = None
    corners: list[np.ndarray] = field(default_factory=list)
    polyline_to: np.ndarray | None = None
    polyline_closes: bool = False
    polyline: np.ndarray | None = None
    pull: tuple[BodyVertex, np.ndarray] | None = None
    hint: str = ""
    probed: float | None = None
    probed_band: float | None = None
    pivot: np.ndarray | None = None
    pivot_until: float = 0.0

    def leave(self) -> None:
        """Forget what belongs to the tool that is left."""
        self.held = self.ghost = self.held_at = self.hovered = None
        self.brush_at = self.brush_normal = self.measure_to = None
        self.outline = self.circle = self.dragged = self.pull = None
        self.polyline = self.polyline_to = None
        self.measure, self.corners, self.polyline_closes = [], [], False
        self.hint = self.grip = ""

    def flash_pivot(self, at: np.ndarray) -> None:
        self.pivot, self.pivot_until = at, time.monotonic() + 0.8
