"""Staging: the scene of a simulation as a person makes it: its bodies, where they stand, what holds them.

Every change is a named step of undo, and a Run follows what of it can change meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.document import motions, scene_items
from app.document.document import Document
from app.document.placement import Placement
from app.document.scene_items import Item, body_item
from app.document.topic import Topic
from app.document.workspaces import SHELL
from app.work.bodies import MILLIMETRES, BodyShapes, mesh_inputs, placement, pose
from app.work.notices import Notices
from app.work.pinning import moved_along, pins_kept, with_painted
from engine.core.errors import FormwrightError, ParameterError
from engine.geometry.mesh import Mesh
from engine.protocol.live_scene import with_live
from engine.protocol.scene import (
    BallShape,
    BoxShape,
    Crease,
    CylinderShape,
    DiskShape,
    Gripper,
    MeshShape,
    Obstacle,
    OutlineShape,
    Pin,
    PlaneShape,
    Pose,
    RectangleShape,
    Scene,
    Sensor,
    Sheet,
    Solid,
)

SHAPES: dict[str, Callable[[], Any]] = {
    "rectangle": RectangleShape, "disk": DiskShape, "box": BoxShape, "ball": BallShape, "cylinder": CylinderShape,
    "plane": PlaneShape,
}  # fmt: skip

ABOVE = 0.02
"""How far [m] above all else a new sheet or gripper stands."""

APART = 0.002
"""How far [m] above the ground a new body stands: bodies must not begin within each other."""

RIGHT_ANGLE = 1.5707963267948966


class Staging:
    """What a person does with the scene of the workspace Shell.

    chosen : what the form is about and where the gizmo stands; `chosen_changed` tells of it
    key_time : [s] at which the gizmo sets keyframes; None: it moves the body itself
    """

    def __init__(self, document: Document, notices: Notices) -> None:
        self._document = document
        self._notices = notices
        self.shapes = BodyShapes()
        self.chosen: Item | None = None
        self.chosen_changed = Topic()
        self.key_time: float | None = None
        document.study_changed.subscribe(self._forget_lost)

    @property
    def scene(self) -> Scene | None:
        """The scene of the study; None in a workspace that simulates nothing."""
        return self._document.study.scene if self._document.workspace == SHELL else None

    # Choosing -----------------------------------------------------------------------------------------------------

    def choose(self, item: Item | None) -> None:
        """Choose a thing of the scene; no step of undo."""
        if item is not None and (self.scene is None or scene_items.find(self.scene, item) is None):
            item = None
        if item != self.chosen:
            self.chosen = item
            self.key_time = None
            self.chosen_changed()

    def choose_body(self, name: str) -> None:
        if self.scene is not None:
            self.choose(next((body_item(body) for body in self.scene.bodies() if body.name == name), None))

    # Changing -----------------------------------------------------------------------------------------------------

    def change(self, step: str, scene: Scene, *, gesture: str = "") -> None:
        """Let `scene` be the scene, as a step of undo."""
        project = self._document.project
        before = project.study.scene
        gone = set(before.mesh_inputs() if before is not None else ()) - set(scene.mesh_inputs())
        roles = {role: name for role, name in project.roles.items() if role not in gone}
        study = project.study.model_copy(update={"scene": scene})
        self._document.change(step, replace(project, study=study, roles=roles).with_named_inputs(), gesture=gesture)

    def set_value(self, item: Item, path: Sequence[str], value: Any, title: str) -> str:
        """Change one value of an item; returns why it cannot be so, "" where it can."""
        scene = self._scene()
        name = scene_items.title_of(scene, item)
        try:
            if tuple(path) == ("region", "kind"):
                changed = scene_items.with_region(scene, item, value, self._box_in_metres(scene, item))
            else:
                changed = scene_items.with_value(scene, item, path, value)
        except FormwrightError as error:
            return str(error)
        if item.kind == "sheet" and path[0] == "shape":
            changed = self._with_pins_kept(scene, changed, item.name)
        if item.is_body and path[0] == "pose":
            changed = moved_along(scene, changed, item.name)
        if changed != scene:
            self.change(f"{title.lower()} of {name}", changed, gesture=f"{item} {'.'.join(path)}")
            if self._document.run.active and with_live(scene, changed) != changed:
                self._notices.noted(_tr("The run goes on as it began; the next one uses this"))
        return ""

    def set_values(self, item: Item, values: dict[str, Any], step: str) -> str:
        """Change several values of an item in one step; returns why they cannot be so."""
        try:
            changed = scene_items.with_values(self._scene(), item, lambda plain: plain.update(values))
        except FormwrightError as error:
            return str(error)
        self.change(step, changed)
        return ""

    def set_shape(self, item: Item, kind: str) -> str:
        """Give a body another shape, with numbers of its own; returns why it cannot be so."""
        if kind == "mesh":
            meshes = [one.name for one in self._document.objects if isinstance(one.geometry, Mesh)]
            return self.set_mesh(item, meshes[0]) if meshes else _tr("No mesh is open.")
        changed = scene_items.with_value(self._scene(), item, ["shape"], SHAPES[kind]().model_dump())
        self.change(f"shape of {item.name}", self._with_pins_kept(self._scene(), changed, item.name))
        return ""

    def set_mesh(self, item: Item, name: str) -> str:
        """Let an open mesh be the shape of a body."""
        with self._document.scope(f"shape of {item.name}"):
            self._give_role(name)
            return self.set_values(item, {"shape": MeshShape(input=name).model_dump()}, "")

    def rename(self, item: Item, new: str) -> None:
        """Call a body, a part or a sensor otherwise; all that speaks of it follows."""
        scene = self._scene()

        def change() -> Scene:
            return scene_items.renamed(scene, item, new)

        if self._try(f"rename {scene_items.title_of(scene, item)} to {new.strip()}", change):
            self.choose(item if item.is_part else Item(item.kind, new.strip()))

    def remove(self, item: Item | None = None) -> None:
        """Take a thing out of the scene; without one, what is chosen."""
        item = item or self.chosen
        if item is None or not (item.is_body or item.is_part or item.kind == "sensor"):
            return
        scene = self._scene()
        step = f"remove {scene_items.title_of(scene, item)}"
        self._try(step, lambda: scene_items.without(scene, item))

    def duplicate(self) -> None:
        """A copy of the chosen body or sensor, beside it; the copy is chosen then."""
        item, scene = self.chosen, self._scene()
        if item is None or not (item.is_body or item.kind == "sensor"):
            return
        box = self.box_of(item.name) if item.is_body else None
        shift = 0.0 if box is None else 1.1 * float(box[1][0] - box[0][0]) / MILLIMETRES
        changed, copy = scene_items.duplicated(scene, item, float(f"{shift:.4g}"))
        self.change(f"duplicate {item.name}", changed)
        self.choose(copy)

    def show(self, item: Item, visible: bool) -> None:
        """Show or hide a body; it is simulated all the same."""
        changed = scene_items.with_value(self._scene(), item, ["visible"], visible)
        self.change(f"{'show' if visible else 'hide'} {item.name}", changed)

    # Adding -------------------------------------------------------------------------------------------------------

    def add_body(self, kind: str, shape: str) -> None:
        """A new sheet, solid, obstacle or gripper of a shape, clear of what is there already."""
        scene = self._scene()
        name = scene_items.free_name(scene, {"sheet": "Sheet", "gripper": "Gripper"}.get(kind, shape.capitalize()))
        if kind == "gripper":
            self._add(Gripper(name=name, pose=Pose(translation=(0.0, 0.0, self._top() + ABOVE))))
            return
        made = SHAPES[shape]()
        if kind == "sheet":
            self._add(Sheet(name=name, shape=made, pose=Pose(translation=(0.0, 0.0, self._top() + ABOVE))))
            return
        body = (Solid if kind == "solid" else Obstacle)(name=name, shape=made)
        self._add(body.model_copy(update={"pose": self._clear_place(body)}))

    def add_mesh(self, kind: str, name: str) -> None:
        """An open mesh as a sheet, a solid or an obstacle, where it stands."""
        item = self._document.object(name)
        if item is None or not isinstance(item.geometry, Mesh):
            self._notices.say(
                ParameterError(
                    name, _tr("it is no mesh."), remedy=_tr("Open a mesh, or reconstruct one from the scan.")
                )
            )
            return
        if self._document.workspace != SHELL:
            self._document.switch_workspace(SHELL)
        scene = self._scene()
        shape = MeshShape(input=name)
        kinds: dict[str, Any] = {"sheet": Sheet, "solid": Solid, "obstacle": Obstacle}
        body = kinds[kind](name=scene_items.free_name(scene, name.rpartition(".")[0] or name), shape=shape)
        with self._document.scope(f"open {name} as {kind}"):
            self._give_role(name)
            self._add(body)

    def add_outline(self, points: Sequence[tuple[float, float, float]]) -> None:
        """A sheet within a line that was drawn on the ground [mm]: there, or above what stands there."""
        scene = self._scene()
        drawn = np.asarray(points, np.float64) / MILLIMETRES
        middle = np.round(0.5 * (drawn.min(axis=0) + drawn.max(axis=0)), 4)
        size = float((drawn.max(axis=0) - drawn.min(axis=0))[:2].max())
        corners = [(float(f"{x:.6g}"), float(f"{y:.6g}")) for x, y in (drawn - middle)[:, :2]]
        name = scene_items.free_name(scene, "Sheet")
        below = self._top_within(MILLIMETRES * drawn.min(axis=0), MILLIMETRES * drawn.max(axis=0))
        sheet = Sheet(
            name=name,
            shape=OutlineShape(points=corners, spacing=float(f"{size / 20.0:.2g}")),
            pose=Pose(translation=(float(middle[0]), float(middle[1]), 0.0 if below is None else below + ABOVE)),
        )
        try:
            self.shapes.mesh(sheet, {})
        except FormwrightError as error:
            self._notices.say(error)
            return
        self._add(sheet)

    def add_sensor(self) -> None:
        scene = self._scene()
        body = next(scene.bodies(), None)
        self._add(Sensor(name=scene_items.free_name(scene, "Sensor"), body=body.name if body is not None else ""))

    def add_pin(self, body: str) -> None:
        """A pin of a body's border, to be changed in the form."""
        first = {"kind": "border"} if any(sheet.name == body for sheet in self._scene().sheets) else {"kind": "all"}
        self._add_part(body, Pin.model_validate({"region": first}))

    # Placing ------------------------------------------------------------------------------------------------------

    def drag(self, name: str, put: Placement, ended: bool) -> None:
        """The gizmo drags a body, or with `key_time` sets its keyframe; the whole drag is one step of undo."""
        scene = self._scene()
        body = scene.body(name)
        if self.key_time is not None and isinstance(body, (Obstacle, Gripper)):
            self._key(body, put, self.key_time)
        else:
            changed = scene_items.with_value(scene, body_item(body), ["pose"], pose(put).model_dump())
            changed = moved_along(scene, changed, name)
            self.change(f"place {name}", changed, gesture=f"place {name}")
        if ended:
            self._document.undo_stack.end_gesture()
            self._say_what_waits()

    def key_at(self, time: float | None) -> None:
        """Let the gizmo set keyframes at a time [s]; None lets it move the body itself again."""
        if time != self.key_time:
            self.key_time = time
            self.chosen_changed()

    def _key(self, body: Obstacle | Gripper, put: Placement, time: float) -> None:
        """Set the keyframe of a time to where a body was put."""
        keyframe = motions.keyframe_between(placement(body.pose), put, time)
        before = motions.at(body.motion, time)
        if before is not None:
            keyframe = keyframe.model_copy(update={"width": before.width})
        changed = motions.keyed(body.motion, keyframe).model_dump()
        scene = scene_items.with_value(self._scene(), body_item(body), ["motion"], changed)
        self.change(f"keyframe of {body.name}", scene, gesture=f"key {body.name} {time}")

    # Holding and folding ------------------------------------------------------------------------------------------

    def paint_pin(self, name: str, stamps: Sequence[Any], radius: float, add: bool, ended: bool) -> None:
        """The pin brush went over a body [mm, world]: what lies under it is held, or let go; a stroke is one step.

        The chosen pin of a sheet grows, or a new one is made.
        """
        scene = self._scene()
        try:
            changed, item = with_painted(
                scene, name, self.chosen, np.asarray(stamps, np.float64).reshape(-1, 3), radius, add, self._positions
            )
        except FormwrightError as error:
            self._notices.say(error)
            return
        if changed is not scene:
            self.change(f"pin {name}" if add else f"unpin {name}", changed, gesture="paint pins")
        if item is not None:
            self.choose(item)
        if ended:
            self._document.undo_stack.end_gesture()

    def draw_crease(self, name: str, line: Sequence[tuple[float, float, float]]) -> None:
        """A crease along a line on a sheet [mm, world], folded to a right angle until the form says otherwise."""
        points = [tuple(float(f"{value / MILLIMETRES:.7g}") for value in point) for point in line]
        self._add_part(name, Crease.model_validate({"line": points, "angle": RIGHT_ANGLE}))

    # --------------------------------------------------------------------------------------------------------------

    def mesh_of(self, name: str) -> Mesh:
        """A body in its own frame [mm]; raises `FormwrightError` where its shape cannot be made."""
        return self.shapes.mesh(self._scene().body(name), mesh_inputs(self._document.project))

    def box_of(self, name: str) -> np.ndarray | None:
        """Box (2, 3) [mm, world] of a body where it stands; None where its shape cannot be made."""
        try:
            points = self._positions(name)
        except FormwrightError:
            return None
        return np.stack([points.min(axis=0), points.max(axis=0)])

    def _box_in_metres(self, scene: Scene, item: Item) -> tuple[list[float], list[float]] | None:
        """Corners [m, world] of the body that a pin or a sensor belongs to."""
        name = item.name if item.is_part else scene_items.find(scene, item).body
        box = self.box_of(name) if any(body.name == name for body in scene.bodies()) else None
        if box is None:
            return None
        low, high = np.round(box / MILLIMETRES, 5).tolist()
        return low, high

    def _positions(self, name: str) -> np.ndarray:
        return placement(self._scene().body(name).pose).points(self.mesh_of(name).vertices)

    def _give_role(self, name: str) -> None:
        """Let an open mesh be an input of the study, under its own name."""
        project = self._document.project
        roles = {**project.roles, name: name}
        self._document.change("", replace(project, roles=roles).with_named_inputs())

    def _with_pins_kept(self, before: Scene, after: Scene, name: str) -> Scene:
        """Painted pins lie on vertices, which another shape has not: those nearest to them are held then."""
        inputs = mesh_inputs(self._document.project)
        old, new = before.body(name), after.body(name)
        if not isinstance(old, Sheet) or not isinstance(new, Sheet):
            return after
        try:
            vertices = self.shapes.mesh(old, inputs).vertices, BodyShapes().mesh(new, inputs).vertices
        except FormwrightError:
            return after
        return pins_kept(after, new, *vertices)

    def _boxes(self) -> list[np.ndarray]:
        """Of all bodies whose shapes can be made [mm]."""
        boxes = [self.box_of(body.name) for body in self._scene().bodies()]
        return [box for box in boxes if box is not None]

    def _top(self) -> float:
        """Height [m] of the highest body, at least the ground."""
        return max([0.0, *(float(f"{box[1][2] / MILLIMETRES:.4g}") for box in self._boxes())])

    def _top_within(self, low: np.ndarray, high: np.ndarray) -> float | None:
        """Height [m] of the highest body that stands within a rectangle of the ground, at least the ground; None where
        there is none. low, high : corners of the rectangle [mm]"""
        tops = [box[1][2] for box in self._boxes() if (low[:2] <= box[1][:2]).all() and (high[:2] >= box[0][:2]).all()]
        return max(0.0, float(f"{max(tops) / MILLIMETRES:.4g}")) if tops else None

    def _clear_place(self, body: Solid | Obstacle) -> Pose:
        """Where a new body stands: on the ground, below what is in its way there, or above everything.

        What comes under a sheet that hangs or lies there already is what the sheet shall fall on. Under a sheet that
        something carries there is no room: what comes then stands on it.
        """
        points = self.shapes.mesh(body, {}).vertices
        low, high = points.min(axis=0), points.max(axis=0)
        apart = APART * MILLIMETRES
        ground = -float(high[2]) if isinstance(body.shape, PlaneShape) else apart - float(low[2])
        boxes = self._boxes()

        def in_way(height: float) -> list[np.ndarray]:
            lift = np.array([0.0, 0.0, height])
            near = 0.5 * apart
            return [box for box in boxes if (low + lift < box[1] + near).all() and (high + lift > box[0] - near).all()]

        height, met = ground, in_way(ground)
        if not met and isinstance(body, Obstacle):
            met = self._fall_through(low, high)
        if met:
            height = min(float(box[0][2]) for box in met) - apart - float(high[2])
        if met and in_way(height):
            height = max(float(box[1][2]) for box in boxes) + apart - float(low[2])
        return Pose(translation=(0.0, 0.0, float(f"{height / MILLIMETRES:.6g}")))

    def _fall_through(self, low: np.ndarray, high: np.ndarray) -> list[np.ndarray]:
        """Boxes [mm] of the sheets over a rectangle of the ground, where nothing is below that could carry them."""

        def over(box: np.ndarray) -> bool:
            return bool((low[:2] < box[1][:2]).all() and (high[:2] > box[0][:2]).all())

        scene = self._scene()
        sheets = [box for box in (self.box_of(sheet.name) for sheet in scene.sheets) if box is not None and over(box)]
        others = [self.box_of(body.name) for body in scene.bodies() if isinstance(body, Solid | Obstacle)]
        lowest = min((float(box[0][2]) for box in sheets), default=0.0)
        carried = any(box is not None and over(box) and box[1][2] <= lowest for box in others)
        return [] if carried else sheets

    def _add(self, thing: Any) -> None:
        scene = self._scene()
        if self._try(f"add {thing.name}", lambda: scene_items.with_new(scene, thing)):
            self.choose(Item("sensor", thing.name) if isinstance(thing, Sensor) else body_item(thing))

    def _add_part(self, body: str, part: Pin | Crease) -> None:
        try:
            changed, item = scene_items.with_part(self._scene(), body, part)
        except FormwrightError as error:
            self._notices.say(error)
            return
        self.change(f"add {scene_items.title_of(changed, item)} of {body}", changed)
        self.choose(item)

    def _scene(self) -> Scene:
        scene = self.scene
        if scene is None:
            raise ParameterError("scene", _tr("this workspace simulates nothing."), remedy=_tr("Switch to Shell."))
        return scene

    def _try(self, step: str, change: Callable[[], Scene]) -> bool:
        try:
            self.change(step, change())
        except FormwrightError as error:
            self._notices.say(error)
            return False
        return True

    def _say_what_waits(self) -> None:
        if self._document.run.active:
            self._notices.noted(_tr("The run goes on with the bodies it began with; the next one uses these"))

    def _forget_lost(self) -> None:
        """What is chosen may be gone; who shows it asks anew."""
        if self.chosen is not None and (self.scene is None or scene_items.find(self.scene, self.chosen) is None):
            self.choose(None)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Staging", text)
