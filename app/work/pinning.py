"""Pins and creases that follow: what a brush holds, and what stays held when a body is moved or meshed anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.document import scene_items
from app.document.scene_items import Item
from app.work.bodies import MILLIMETRES, placement
from engine.core.errors import ParameterError
from engine.protocol.scene import Pin, Region, Scene, Sheet, Solid


def with_painted(
    scene: Scene,
    name: str,
    chosen: Item | None,
    stamps: np.ndarray,
    radius: float,
    add: bool,
    positions: Callable[[str], np.ndarray],
) -> tuple[Scene, Item | None]:
    """The scene with the vertices under a brush held or let go; and the pin that has them.

    chosen : the pin that grows, where it is one of this body
    stamps : centres (k, 3) and `radius` [mm, world]; positions : of a body's vertices [mm, world]
    """
    body = scene.body(name)
    if isinstance(body, Solid):
        return _ball(scene, body, chosen, stamps, radius, add)
    if not isinstance(body, Sheet):
        remedy = _tr("Pins belong to sheets and solids.")
        raise ParameterError(name, _tr("it is held as a whole already."), remedy=remedy)
    if not len(stamps):
        return scene, chosen
    from scipy.spatial import cKDTree  # here, for no first picture should wait for it

    near = cKDTree(positions(name)).query_ball_point(stamps, radius)
    touched = {int(vertex) for found in near for vertex in found}
    if not touched:
        touched = {int(cKDTree(positions(name)).query(stamps[0])[1])}
    if not add:
        return _let_go(scene, body, touched), chosen
    grows = chosen if _paintable(scene, chosen, name) else None
    if grows is None:
        pin = Pin(region=Region(kind="vertices", vertices=sorted(touched)))
        changed, item = scene_items.with_part(scene, name, pin)
        return changed, item
    held = set(body.pins[grows.index].region.vertices)
    if touched <= held:
        return scene, grows
    path = ["region", "vertices"]
    return scene_items.with_value(scene, grows, path, sorted(held | touched)), grows


def pins_kept(scene: Scene, sheet: Sheet, before: np.ndarray, after: np.ndarray) -> Scene:
    """The scene with painted pins and creases of a sheet on the vertices nearest to where they were.

    before, after : positions (n, 3) of its vertices in one frame, as they were and as they are
    """
    from scipy.spatial import cKDTree

    if len(before) == len(after):
        return scene
    nearest = cKDTree(before).query(after)[1]

    def change(values: dict[str, Any]) -> None:
        for pin in values["pins"]:
            region = pin["region"]
            if region["kind"] == "vertices":
                held = np.isin(nearest, np.asarray(region["vertices"], np.int64))
                region["vertices"] = np.flatnonzero(held).tolist()
        for crease in values["creases"]:
            if crease["vertices"]:
                places = before[np.asarray(crease["vertices"])]
                crease["vertices"] = [
                    int(vertex) for vertex in dict.fromkeys(np.asarray(cKDTree(after).query(places)[1]).tolist())
                ]

    return scene_items.with_values(scene, Item("sheet", sheet.name), change)


def moved_along(before: Scene, after: Scene, name: str) -> Scene:
    """The scene with the crease lines of a sheet moved as it was: they stand in the world."""
    old, new = before.body(name), after.body(name)
    if not isinstance(new, Sheet) or not any(crease.line for crease in new.creases) or old.pose == new.pose:
        return after
    way = placement(new.pose).matrix() @ np.linalg.inv(placement(old.pose).matrix())

    def change(values: dict[str, Any]) -> None:
        for crease in values["creases"]:
            if crease["line"]:
                line = MILLIMETRES * np.asarray(crease["line"], np.float64) @ way[:3, :3].T + way[:3, 3]
                crease["line"] = (line / MILLIMETRES).tolist()

    return scene_items.with_values(after, Item("sheet", name), change)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Pinning", text)


def _paintable(scene: Scene, item: Item | None, name: str) -> bool:
    if item is None or item.kind != "pin" or item.name != name:
        return False
    pin = scene_items.find(scene, item)
    return pin is not None and pin.region.kind == "vertices"


def _let_go(scene: Scene, sheet: Sheet, vertices: set[int]) -> Scene:
    """Painted pins without these vertices; one that holds none any more goes."""
    changed = scene
    for index in reversed(range(len(sheet.pins))):
        region = sheet.pins[index].region
        if region.kind != "vertices" or not vertices & set(region.vertices):
            continue
        item = Item("pin", sheet.name, index)
        left = [vertex for vertex in region.vertices if vertex not in vertices]
        if left:
            changed = scene_items.with_value(changed, item, ["region", "vertices"], left)
        else:
            changed = scene_items.without(changed, item)
    return changed


def _ball(
    scene: Scene, body: Solid, chosen: Item | None, stamps: np.ndarray, radius: float, add: bool
) -> tuple[Scene, Item | None]:
    """A solid is held within a ball: its inner vertices cannot be painted."""
    if not add or not len(stamps) or (chosen is not None and chosen.kind == "pin" and chosen.name == body.name):
        return scene, chosen
    x, y, z = (float(f"{value / MILLIMETRES:.6g}") for value in stamps[0])
    region = Region(kind="ball", centre=(x, y, z), radius=float(f"{radius / MILLIMETRES:.4g}"))
    return scene_items.with_part(scene, body.name, Pin(region=region))
