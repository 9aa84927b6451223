"""What a scene is made of, as a person chooses it, and what can be done with each: as the Scene that comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.document.steering import unique
from engine.core.errors import ParameterError
from engine.protocol.scene import Crease, Gripper, Obstacle, Pin, Scene, Sensor, Sheet, Solid

ItemKind = Literal["scene", "time", "contact", "sheet", "solid", "obstacle", "gripper", "pin", "crease", "sensor"]

Body = Sheet | Solid | Obstacle | Gripper

LISTS: dict[str, str] = {
    "sheet": "sheets", "solid": "solids", "obstacle": "obstacles", "gripper": "grippers", "sensor": "sensors",
}  # fmt: skip
"""The list of a scene in which things of a kind stand."""

PARTS: dict[str, str] = {"pin": "pins", "crease": "creases"}
"""The list of a body in which its parts stand."""

FIRST_PLACES = {"side": "top", "corner": "top-left"}
"""That a region of a rectangle begins with, by its kind."""


@dataclass(frozen=True)
class Item:
    """One thing of a scene.

    name : of a body or a sensor; of the body that a pin or a crease belongs to
    index : of a pin or a crease within its body
    """

    kind: ItemKind
    name: str = ""
    index: int = 0

    @property
    def is_body(self) -> bool:
        return self.kind in ("sheet", "solid", "obstacle", "gripper")

    @property
    def is_part(self) -> bool:
        return self.kind in PARTS


def body_item(body: Body) -> Item:
    """How a body is chosen."""
    if isinstance(body, Sheet):
        return Item("sheet", body.name)
    if isinstance(body, Solid):
        return Item("solid", body.name)
    return Item("obstacle" if isinstance(body, Obstacle) else "gripper", body.name)


def items(scene: Scene) -> Iterator[Item]:
    """All of a scene, parts after their bodies."""
    for body in scene.bodies():
        yield body_item(body)
        if isinstance(body, (Sheet, Solid)):
            yield from (Item("pin", body.name, index) for index in range(len(body.pins)))
        if isinstance(body, Sheet):
            yield from (Item("crease", body.name, index) for index in range(len(body.creases)))
    yield from (Item("sensor", sensor.name) for sensor in scene.sensors)
    yield from (Item("contact"), Item("time"), Item("scene"))


def find(scene: Scene, item: Item) -> Any:
    """The record of an item; None where it is not there."""
    if item.kind in ("scene", "time", "contact"):
        return scene if item.kind == "scene" else getattr(scene, item.kind)
    if item.is_part:
        body = next((body for body in scene.bodies() if body.name == item.name), None)
        parts = getattr(body, PARTS[item.kind], [])
        return parts[item.index] if item.index < len(parts) else None
    return next((one for one in getattr(scene, LISTS[item.kind]) if one.name == item.name), None)


def title_of(scene: Scene, item: Item) -> str:
    """What a person calls it; a part without a name is numbered."""
    if item.is_part:
        found = find(scene, item)
        return (found.name if found is not None else "") or f"{item.kind.capitalize()} {item.index + 1}"
    return item.name or {"scene": "Gravity", "time": "Time", "contact": "Contact and friction"}[item.kind]


def free_name(scene: Scene, stem: str) -> str:
    """`stem`, or `stem 2`, ...: what no body and no sensor is called."""
    return unique(stem, [*(body.name for body in scene.bodies()), *(sensor.name for sensor in scene.sensors)])


def checked(values: dict[str, Any]) -> Scene:
    """A scene of plain values; raises `ParameterError` that names what is wrong."""
    return Scene.parse(values, owner="scene")


def with_new(scene: Scene, thing: Body | Sensor) -> Scene:
    """The scene with one more body or sensor."""
    kind = "sensor" if isinstance(thing, Sensor) else body_item(thing).kind
    values = scene.model_dump()
    values[LISTS[kind]].append(thing.model_dump())
    return checked(values)


def with_part(scene: Scene, body: str, part: Pin | Crease) -> tuple[Scene, Item]:
    """The scene with one more pin or crease of a body; and how it is chosen."""
    kind: ItemKind = "pin" if isinstance(part, Pin) else "crease"
    owner = scene.body(body)
    if not hasattr(owner, PARTS[kind]):
        raise ParameterError(body, f"a {body_item(owner).kind} has no {PARTS[kind]}.", remedy="Choose a sheet.")
    count = len(getattr(owner, PARTS[kind]))
    changed = with_values(scene, body_item(owner), lambda values: values[PARTS[kind]].append(part.model_dump()))
    return changed, Item(kind, body, count)


def with_values(scene: Scene, item: Item, change: Callable[[dict[str, Any]], object]) -> Scene:
    """The scene after `change` was let at the plain values of an item; raises `ParameterError`."""
    values = scene.model_dump()
    change(_place(values, item))
    return checked(values)


def with_value(scene: Scene, item: Item, path: Sequence[str], value: Any) -> Scene:
    """The scene with one value of an item changed. path : names that lead to it ("shape", "width")"""

    def change(values: dict[str, Any]) -> None:
        for name in path[:-1]:
            values = values[name]
        values[path[-1]] = value

    return with_values(scene, item, change)


def with_region(scene: Scene, item: Item, kind: str, box: tuple[Sequence[float], Sequence[float]] | None) -> Scene:
    """The scene with the region of a pin or a sensor of another kind, one that holds something from the start.

    box : corners of the body [m, world]; None where it has no shape
    """

    def change(values: dict[str, Any]) -> None:
        region = values["region"]
        region["kind"] = kind
        if kind in FIRST_PLACES:
            region[kind] = region[kind] or FIRST_PLACES[kind]
        elif box is not None and kind == "box" and region["low"] == region["high"]:
            region["low"], region["high"] = tuple(box[0]), tuple(box[1])
        elif box is not None and kind == "ball" and not region["radius"]:
            region["centre"] = tuple(0.5 * (low + high) for low, high in zip(*box, strict=True))
            region["radius"] = 0.25 * max(high - low for low, high in zip(*box, strict=True))

    return with_values(scene, item, change)


def without(scene: Scene, item: Item) -> Scene:
    """The scene without an item, and without what speaks of it: pins carried by a gripper are held where they are."""
    values = scene.model_dump()
    if item.is_part:
        body = _body(values, item.name)
        parts = body[PARTS[item.kind]]
        if item.kind == "pin":
            gone = parts[item.index]["name"]
            _forget_pin(values, item.name, gone)
        del parts[item.index]
    else:
        listed = values[LISTS[item.kind]]
        values[LISTS[item.kind]] = [one for one in listed if one["name"] != item.name]
        if item.is_body:
            _forget_body(values, item.name)
    return checked(values)


def renamed(scene: Scene, item: Item, new: str) -> Scene:
    """The scene with an item called otherwise, also where others speak of it; raises `ParameterError`."""
    new = new.strip()
    if not new:
        raise ParameterError("name", "it needs a name.", remedy="Write one.")
    before = find(scene, item)
    if before is None or before.name == new:
        return scene
    values = scene.model_dump()
    if item.is_part:
        siblings = [part["name"] for part in _body(values, item.name)[PARTS[item.kind]]]
        if new in siblings:
            raise ParameterError("name", f"{item.name} has another {item.kind} called {new}.", remedy="Write another.")
        if item.kind == "pin" and before.name:
            for sensor in values["sensors"]:
                if (sensor["body"], sensor["pin"]) == (item.name, before.name):
                    sensor["pin"] = new
    elif new in [*(body.name for body in scene.bodies()), *(sensor.name for sensor in scene.sensors)]:
        raise ParameterError("name", f"there is another {new} in the scene.", remedy="Write another name.")
    _place(values, item)["name"] = new
    if item.is_body:
        _rename_body(values, item.name, new)
    return checked(values)


def duplicated(scene: Scene, item: Item, shift: float) -> tuple[Scene, Item]:
    """The scene with a copy of a body or a sensor, `shift` [m] beside it along x; and how the copy is chosen."""
    thing = find(scene, item)
    name = free_name(scene, re.sub(r" \d+$", "", item.name))
    changes: dict[str, Any] = {"name": name}
    if item.is_body:
        x, y, z = thing.pose.translation
        changes["pose"] = thing.pose.model_copy(update={"translation": (x + shift, y, z)})
    if item.kind == "sheet":
        changes["creases"] = [_shifted(crease, shift) for crease in thing.creases]
    return with_new(scene, thing.model_copy(update=changes)), Item(item.kind, name)


def _shifted(crease: Crease, shift: float) -> Crease:
    return crease.model_copy(update={"line": [(x + shift, y, z) for x, y, z in crease.line]})


def _place(values: dict[str, Any], item: Item) -> dict[str, Any]:
    """The plain values of an item within those of its scene."""
    if item.kind == "scene":
        return values
    if item.kind in ("time", "contact"):
        found: dict[str, Any] = values[item.kind]
        return found
    if item.is_part:
        part: dict[str, Any] = _body(values, item.name)[PARTS[item.kind]][item.index]
        return part
    return _named(values[LISTS[item.kind]], item.name)


def _body(values: dict[str, Any], name: str) -> dict[str, Any]:
    return _named([body for key in ("sheets", "solids", "obstacles", "grippers") for body in values[key]], name)


def _named(listed: list[dict[str, Any]], name: str) -> dict[str, Any]:
    found = next((one for one in listed if one["name"] == name), None)
    if found is None:
        raise ParameterError(name, "the scene has none of that name.")
    return found


def _forget_body(values: dict[str, Any], name: str) -> None:
    values["friction"] = [pair for pair in values["friction"] if name not in pair["between"]]
    values["sensors"] = [sensor for sensor in values["sensors"] if sensor["body"] != name]
    for body in (*values["sheets"], *values["solids"]):
        for pin in body["pins"]:
            pin["gripper"] = "" if pin["gripper"] == name else pin["gripper"]


def _forget_pin(values: dict[str, Any], body: str, pin: str) -> None:
    if pin:
        values["sensors"] = [one for one in values["sensors"] if (one["body"], one["pin"]) != (body, pin)]


def _rename_body(values: dict[str, Any], name: str, new: str) -> None:
    for pair in values["friction"]:
        pair["between"] = tuple(new if one == name else one for one in pair["between"])
    for sensor in values["sensors"]:
        sensor["body"] = new if sensor["body"] == name else sensor["body"]
    for body in (*values["sheets"], *values["solids"]):
        for pin in body["pins"]:
            pin["gripper"] = new if pin["gripper"] == name else pin["gripper"]
