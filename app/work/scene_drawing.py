"""The scene of a simulation as it is seen before it runs: bodies, pins and creases. Once a Run shows its own bodies,
those of the set-up step aside, until somebody wants to see or change them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.document import motions
from app.document.document import Document
from app.document.placement import Placement
from app.document.scene_items import Body, Item, body_item, title_of
from app.document.topic import Topic
from app.document.workspaces import SHELL
from app.viewport.gizmo import angles
from app.viewport.records import SURFACE, MarkView, triple
from app.viewport.view import Viewport
from app.viewport.viewing import BODY
from app.work.bodies import MILLIMETRES, placement
from app.work.engine_link import EngineLink
from app.work.staging import Staging
from engine.core.errors import FormwrightError
from engine.geometry.mesh import Mesh
from engine.io.motion.motion import scene_colours
from engine.protocol.scene import Crease, Gripper, Obstacle, Pin, Scene, Sheet, Solid
from engine.protocol.snapshot import Snapshot

GROUND = 150.0
"""Half of the length [mm] of what is seen of the ground with nothing on it."""

HELD, CARRIED, MOVED = "#d55e00", "#0072b2", "#009e73"
"""Pins: held where they are, carried by a gripper, moved by keyframes (Okabe and Ito)."""

UP, DOWN, FLAT = "#cc79a7", "#56b4e9", "#7d848c"
"""Creases by the sign of their angle."""


@dataclass(frozen=True)
class Problem:
    """What of an item cannot be simulated as it is, and what to do."""

    item: Item
    text: str


class SceneDrawing:
    """Draws the scene into a viewport; there may be none yet.

    problems : found while drawing; `changed` tells that they, or what is shown, may be others
    """

    def __init__(self, document: Document, staging: Staging, link: EngineLink) -> None:
        self._document = document
        self._staging = staging
        self._viewport: Viewport | None = None
        self._drawn: dict[str, tuple[Mesh, Placement, bool, str]] = {}
        self._wanted = True
        self._awaited = False
        self._shown = False
        self._shape_problems: list[Problem] = []
        self.problems: list[Problem] = []
        self._ways: dict[str, np.ndarray] = {}
        self.changed = Topic()
        document.study_changed.subscribe(self.draw)
        document.objects_changed.subscribe(self.draw)
        staging.chosen_changed.subscribe(self._draw_chosen)
        link.begun.subscribe(self._begun)
        link.snapshot_arrived.subscribe(self._arrived)
        link.run_changed.subscribe(self._run_changed)

    def set_viewport(self, viewport: Viewport) -> None:
        """Draw into this one, and let what is done in it change the scene."""
        self._viewport = viewport
        viewport.object_picked.connect(self._picked)
        viewport.placement_dragged.connect(self._dragged)
        viewport.pin_painted.connect(self._staging.paint_pin)
        viewport.crease_drawn.connect(self._staging.draw_crease)
        viewport.outline_drawn.connect(self._staging.add_outline)
        viewport.tool_changed.connect(self._tool_changed)
        self.draw()

    @property
    def setup_shown(self) -> bool:
        """The bodies of the set-up are seen, rather than those of a Run."""
        unseen = self._awaited or not self._document.run.exists
        return self._document.workspace == SHELL and (self._wanted or unseen)

    def show_setup(self, wanted: bool) -> None:
        """Show the set-up, or the Run where there is one."""
        self._wanted = wanted
        self.draw()

    def show_ways(self, ways: dict[str, np.ndarray]) -> None:
        """Draw where things go [mm, world], shape (n, 3), by what goes there; also over what a Run shows."""
        if ways or self._ways:
            self._ways = ways
            self.draw()

    def colour_of(self, name: str) -> str:
        """Of a body, the same as in a Run and in what is exported of it."""
        scene = self._staging.scene
        return scene_colours(scene).get(name, "") if scene is not None else ""

    def problems_of(self, item: Item) -> list[str]:
        return [problem.text for problem in self.problems if problem.item == item]

    def draw(self) -> None:
        """Draw the scene as it is, where it has changed."""
        scene = self._staging.scene
        meshes = self._meshes(scene) if scene is not None else {}
        self.problems = [*self._shape_problems, *scene_problems(scene)] if scene is not None else []
        if self._viewport is not None:
            self._draw_bodies(self._viewport, scene if self.setup_shown else None, meshes)
            self._draw_marks(self._viewport, scene if self.setup_shown else None, meshes)
            if self.setup_shown != self._shown:
                self._shown = self.setup_shown
                self._viewport.set_object_visible(SURFACE, not self._shown)
        self.changed()

    # --------------------------------------------------------------------------------------------------------------

    def _meshes(self, scene: Scene) -> dict[str, Mesh]:
        """Of every body whose shape can be made; of the others it is said why not."""
        meshes: dict[str, Mesh] = {}
        self._shape_problems = []
        for body in scene.bodies():
            try:
                meshes[body.name] = self._staging.mesh_of(body.name)
            except FormwrightError as error:
                self._shape_problems.append(Problem(body_item(body), f"{error}"))
        return meshes

    def _draw_bodies(self, viewport: Viewport, scene: Scene | None, meshes: dict[str, Mesh]) -> None:
        bodies = {body.name: body for body in scene.bodies() if body.name in meshes} if scene is not None else {}
        for name in [name for name in self._drawn if name not in bodies]:
            viewport.remove_object(BODY + name)
            del self._drawn[name]
        for name, body in bodies.items():
            self._draw_body(viewport, body, meshes[name])

    def _draw_body(self, viewport: Viewport, body: Body, mesh: Mesh) -> None:
        looks = mesh, self._stands(body), body.visible, self.colour_of(body.name)
        before = self._drawn.get(body.name)
        self._drawn[body.name] = looks
        if before is None or before[0] is not mesh or before[3] != looks[3]:
            viewport.show_object(BODY + body.name, mesh, colour=looks[3], visible=looks[2], placement=looks[1])
            return
        viewport.set_placement(BODY + body.name, looks[1])
        if before[2] != looks[2]:
            viewport.set_object_visible(BODY + body.name, looks[2])

    def _stands(self, body: Body) -> Placement:
        """Where a body is drawn: where it stands, or where the keyframe has it that the gizmo is about."""
        time, chosen = self._staging.key_time, self._staging.chosen
        stands = placement(body.pose)
        if time is None or chosen != body_item(body) or not isinstance(body, (Obstacle, Gripper)):
            return stands
        keyframe = motions.at(body.motion, time)
        if keyframe is None:
            return stands
        matrix = motions.put_by(stands, keyframe)
        return Placement(triple(matrix[:3, 3]), angles(matrix[:3, :3] / np.asarray(stands.scale)), stands.scale)

    def _draw_marks(self, viewport: Viewport, scene: Scene | None, meshes: dict[str, Mesh]) -> None:
        marks: list[MarkView] = []
        deformable: list[Sheet | Solid] = [*scene.sheets, *scene.solids] if scene is not None else []
        for body in deformable:
            if body.name not in meshes or not body.visible:
                continue
            marks += self._marks_of(scene, body, meshes[body.name])
        for name, points in self._ways.items():
            marks.append(MarkView("way", points, MOVED, _tr("Way that was found"), name, chosen=True))
        viewport.set_marks(marks)

    def _marks_of(self, scene: Scene | None, body: Sheet | Solid, mesh: Mesh) -> list[MarkView]:
        assert scene is not None
        places = placement(body.pose).points(mesh.vertices)
        marks = []
        for index, pin in enumerate(body.pins):
            item = Item("pin", body.name, index)
            held = self._held(pin, body, mesh, places)
            if not len(held):
                text = _tr("It holds nothing: no vertex of {0} is in its region.").format(body.name)
                self.problems.append(Problem(item, text))
                continue
            colour, meaning = _pin_colour(pin)
            marks.append(MarkView("pin", places[held], colour, meaning, chosen=self._staging.chosen == item))
        for index, crease in enumerate(body.creases if isinstance(body, Sheet) else []):
            item = Item("crease", body.name, index)
            path = self._path(crease, mesh, places)
            if len(path) < 2:
                text = _tr("It lies along no edge of {0}: draw it on the sheet.").format(body.name)
                self.problems.append(Problem(item, text))
                continue
            colour, meaning = _crease_colour(crease)
            label = f"{title_of(scene, item)}  {np.degrees(crease.angle):.3g}°"
            chosen = self._staging.chosen == item
            marks.append(MarkView("crease", places[path], colour, meaning, label, chosen))
        return marks

    def _held(self, pin: Pin, body: Sheet | Solid, mesh: Mesh, places: np.ndarray) -> np.ndarray:
        from engine.geometry.regions import region_vertices

        local = mesh.vertices * body.pose.scale / MILLIMETRES
        try:
            return region_vertices(pin.region, places / MILLIMETRES, mesh.triangles, local=local)
        except FormwrightError:
            return np.empty(0, np.int64)

    def _path(self, crease: Crease, mesh: Mesh, places: np.ndarray) -> np.ndarray:
        from engine.geometry.crease_path import edge_path

        if crease.vertices:
            path = np.asarray(crease.vertices, np.int64)
            return path if path.max() < len(places) and path.min() >= 0 else path[:0]
        try:
            line = np.asarray(crease.line, np.float64).reshape(-1, 3)
            return np.asarray(edge_path(line, places / MILLIMETRES, mesh.triangles.astype(np.int64)))
        except FormwrightError:
            return np.empty(0, np.int64)

    def _draw_chosen(self) -> None:
        chosen = self._staging.chosen
        if self._viewport is not None and self._document.workspace == SHELL:
            name = BODY + chosen.name if chosen is not None and chosen.is_body else ""
            # A keyframe moves and turns, and has no size.
            self._viewport.set_gizmo(name, scales=self._staging.key_time is None)
        self.draw()

    def _begun(self) -> None:
        """The set-up stays in sight until the Run has something to show; one that fails at its start never has."""
        self._awaited = True
        self.show_setup(False)

    def _arrived(self, snapshot: Snapshot) -> None:
        if self._awaited:
            self._awaited = False
            self.draw()

    def _run_changed(self) -> None:
        if self.setup_shown != self._shown:
            self.draw()

    def _tool_changed(self, tool: str) -> None:
        """An outline is drawn on the ground: with nothing there yet, one looks down on it."""
        if tool == "outline" and self._viewport is not None and not self._drawn and not self._document.objects:
            self._viewport.look_at_ground(GROUND)

    def _picked(self, name: str) -> None:
        if name.startswith(BODY):
            self._staging.choose_body(name.removeprefix(BODY))

    def _dragged(self, name: str, put: Placement, ended: bool) -> None:
        if name.startswith(BODY):
            self._staging.drag(name.removeprefix(BODY), put, ended)


def scene_problems(scene: Scene) -> list[Problem]:
    """What a scene lacks to be simulated, beside shapes that cannot be made."""
    found = []
    if not scene.sheets and not scene.solids and any(True for _ in scene.bodies()):
        found.append(Problem(Item("scene"), _tr("Nothing in it moves: add a sheet or a solid.")))
    deformable: list[Sheet | Solid] = [*scene.sheets, *scene.solids]
    held = scene.obstacles or scene.grippers or any(body.pins for body in deformable)
    if scene.time.scheme == "quasi-static" and deformable and not held:
        text = _tr("Nothing holds what is there, so it has no equilibrium: add a pin, or something that it lies on.")
        found.append(Problem(Item("time"), text))
    carrying = {pin.gripper for body in deformable for pin in body.pins}
    for gripper in scene.grippers:
        if not gripper.fingers and gripper.name not in carrying:
            text = _tr("It has no fingers, and carries nothing: let a pin be carried by it.")
            found.append(Problem(Item("gripper", gripper.name), text))
    for sensor in scene.sensors:
        if sensor.kind != "energy" and not sensor.body:
            found.append(Problem(Item("sensor", sensor.name), _tr("It looks at no body: choose one.")))
    return found


def _pin_colour(pin: Pin) -> tuple[str, str]:
    if pin.gripper:
        return CARRIED, _tr("Carried by {0}").format(pin.gripper)
    return (MOVED, _tr("Moved by keyframes")) if pin.motion.keyframes else (HELD, _tr("Held"))


def _crease_colour(crease: Crease) -> tuple[str, str]:
    if crease.angle == 0.0:
        return FLAT, _tr("Crease, flat")
    return (UP, _tr("Crease, normals apart")) if crease.angle > 0.0 else (DOWN, _tr("Crease, normals together"))


def _tr(text: str) -> str:
    return QCoreApplication.translate("SceneDrawing", text)
