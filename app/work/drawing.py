"""The Document drawn into the viewport: objects, the Run's surface, handles, what is frozen."""

from __future__ import annotations

from typing import Any

from app.document.document import Document
from app.document.project import SceneObject
from app.document.workspaces import PART
from app.viewport.records import HandleView, PlacedView
from app.viewport.view import Viewport
from app.viewport.viewing import BODY
from app.work.engine_link import EngineLink
from engine.protocol.scene import PlaneShape
from engine.protocol.snapshot import Snapshot
from engine.protocol.study import TermSpec

INPUT_OPACITY = 0.3
"""How solid the input is drawn once the result lies on it: less than 1 lets it step back."""


class Drawing:
    """Keeps a viewport as the Document is. There may be none yet."""

    def __init__(self, document: Document, link: EngineLink) -> None:
        self._document = document
        self._link = link
        self.viewport: Viewport | None = None
        self._drawn: dict[str, tuple[SceneObject, float, bool]] = {}
        self._last_live: Any = None
        self._held = False
        document.objects_changed.subscribe(self._draw_objects)
        document.study_changed.subscribe(self._draw_objects)  # one may have become the shape of a body
        document.study_changed.subscribe(self._draw_handles)
        document.study_changed.subscribe(self._follow_scene)
        document.selection_changed.subscribe(self._draw_handles)
        document.frozen_changed.subscribe(self._draw_frozen)
        link.snapshot_arrived.subscribe(self._draw_snapshot)
        link.run_changed.subscribe(self._draw_objects)

    def set_viewport(self, viewport: Viewport) -> None:
        """Draw into this one from now on."""
        self.viewport = viewport
        self._draw_objects()
        self._draw_handles()
        self._draw_frozen()
        self._follow_scene()

    def frame(self, name: str | None) -> None:
        """Let an object, or everything, fill the view."""
        if self.viewport is not None:
            self.viewport.frame(name)

    def clear_snapshot(self) -> None:
        """The Run's surface goes."""
        if self.viewport is not None:
            self.viewport.clear_snapshot()

    def show_live(self) -> None:
        """The running surface again, after a Checkpoint was looked at."""
        if self._last_live is not None and self.viewport is not None:
            self.viewport.show_snapshot(self._last_live)

    @property
    def live(self) -> Snapshot | None:
        """What the Run sent last."""
        return self._last_live

    def hold(self, snapshot: Snapshot) -> None:
        """Show this, and none that the Run sends, until `release`."""
        self._held = True
        if self.viewport is not None:
            self.viewport.show_snapshot(snapshot)

    def release(self, snapshot: Snapshot | None = None) -> None:
        """Show what the Run sends again: this first, else its latest. Without `hold` before, nothing changes."""
        if not self._held:
            return
        self._held = False
        latest = snapshot or self._last_live
        if self.viewport is None:
            return
        if latest is not None and self._document.run.exists:
            self.viewport.show_snapshot(latest)
        else:
            self.viewport.clear_snapshot()

    def _draw_objects(self) -> None:
        viewport = self.viewport
        if viewport is None:
            return
        shown = {item.name: item for item in self._document.objects}
        for name in [name for name in self._drawn if name not in shown]:
            viewport.remove_object(name)
            del self._drawn[name]
        for item in self._document.objects:
            self._draw_object(viewport, item)
        if not self._document.run.exists and not self._held:
            viewport.clear_snapshot()

    def _draw_object(self, viewport: Viewport, item: SceneObject) -> None:
        opacity = INPUT_OPACITY if self._document.run.iteration > 0 and self._document.role_of(item.name) else 1.0
        visible = item.visible and not self._is_body(item) and not self._is_predicted(item)
        before, before_opacity, before_visible = self._drawn.get(item.name, (None, opacity, visible))
        if before is item and before_opacity == opacity and before_visible == visible:
            return
        self._drawn[item.name] = item, opacity, visible
        looks = (before.geometry, before.colour, before_opacity) if before is not None else None
        if looks is None or looks[0] is not item.geometry or looks[1:] != (item.colour, opacity):
            viewport.show_object(
                item.name, item.geometry, colour=item.colour, opacity=opacity, visible=visible,
                placement=item.placement,
            )  # fmt: skip
            return
        viewport.set_placement(item.name, item.placement)
        viewport.set_object_visible(item.name, visible)

    def _is_body(self, item: SceneObject) -> bool:
        """It is the shape of a body, which is drawn in its place."""
        scene = self._document.study.scene
        return scene is not None and self._document.role_of(item.name) in scene.mesh_inputs()

    def _is_predicted(self, item: SceneObject) -> bool:
        """It is the part of a Run, which lies where that is drawn."""
        seen = self._last_live is not None and self._last_live.run == self._document.run.run
        return seen and self._document.role_of(item.name) == PART and self._document.run.exists

    def _draw_handles(self) -> None:
        if self.viewport is None:
            return
        self.viewport.set_handles(
            [
                HandleView(
                    spec.name,
                    tuple(spec.parameters["anchor"]),
                    tuple(spec.parameters["target"]),
                    float(spec.parameters.get("radius", 1.0)),
                    spec.name == self._document.selected,
                )
                for spec in self._document.handles()
                if {"anchor", "target"} <= spec.parameters.keys()
            ]
        )

        self.viewport.set_placed([_placed_view(self._document, spec) for spec in self._document.placed_terms()])

    def _follow_scene(self) -> None:
        """Bodies of the scene that are not to be seen are not drawn of the Run either; planes are its ground."""
        scene = self._document.study.scene
        if self.viewport is not None:
            hidden = () if scene is None else (body.name for body in scene.bodies() if not body.visible)
            self.viewport.hide_bodies(frozenset(hidden))
            obstacles = () if scene is None else scene.obstacles
            planes = [one.name for one in obstacles if isinstance(one.shape, PlaneShape)]
            self.viewport.set_ground(frozenset([*planes, *(BODY + name for name in planes)]))

    def _draw_frozen(self) -> None:
        if self.viewport is not None:
            self.viewport.set_frozen(*self._document.frozen_stamps())

    def _draw_snapshot(self, snapshot: Any) -> None:
        if self._link.viewed is None:
            self._last_live = snapshot
        if self.viewport is not None and not self._held:
            self.viewport.show_snapshot(snapshot)


def _placed_view(document: Document, spec: TermSpec) -> PlacedView:
    parameters = document.term_parameters(spec)
    plane = document.place_of(spec.kind) == "plane"
    return PlacedView(
        spec.name,
        document.term_title(spec.name),
        tuple(parameters["normal" if plane else "direction"]),
        tuple(parameters["point"]) if plane else None,
        spec.name == document.selected,
    )
