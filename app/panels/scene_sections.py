"""Which fields the form of a scene's item has, drawn from the declarations of the scene. No Qt in here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from app.document.scene_items import Item, find
from app.panels.schema import ParameterField, declared
from engine.protocol.scene import Crease, Gripper, MeshShape, Pin, Pose, Region, Scene, Sensor, Sheet, Solid

SHAPE_KINDS: dict[str, tuple[str, ...]] = {
    "sheet": ("rectangle", "disk", "mesh"),
    "solid": ("box", "ball", "cylinder", "mesh"),
    "obstacle": ("plane", "box", "ball", "cylinder", "mesh"),
}
"""Shapes that a form offers, by the kind of body; an outline is drawn."""

REGION_FIELDS: dict[str, tuple[str, ...]] = {
    "side": ("side",), "corner": ("corner",), "box": ("low", "high"), "ball": ("centre", "radius"),
}  # fmt: skip
"""What a region of each kind is told by."""

Translate = Callable[[str], str]


@dataclass(frozen=True)
class Section:
    """Fields of one record within an item.

    key : of the section, within its form; path : names that lead from the item to the record
    """

    key: str
    title: str
    path: tuple[str, ...]
    fields: tuple[ParameterField, ...]


def sections(scene: Scene, item: Item, meshes: Sequence[str], tr: Translate) -> list[Section]:
    """The sections of an item's form, first what matters most.

    meshes : names of the meshes that are open; tr : translates a title
    """
    thing = find(scene, item)
    if thing is None:
        return []
    if item.kind == "scene":
        return [Section("gravity", "", (), _some(Scene, "gravity"))]
    if item.kind in ("time", "contact"):
        model: type[BaseModel] = type(thing)
        return [Section(item.kind, "", (), declared(model))]
    if isinstance(thing, Pin):
        return _pin_sections(scene, thing, tr)
    if isinstance(thing, Crease):
        return [Section("crease", "", (), _some(Crease, "angle", "stiffness", "yield_angle", "hardening"))]
    if isinstance(thing, Sensor):
        return _sensor_sections(scene, thing, tr)
    place = Section("pose", tr("Place"), ("pose",), declared(Pose))
    if isinstance(thing, Gripper):
        return [Section("gripper", "", (), _some(Gripper, "width", "fingers", "finger")), place]
    shape = Section("shape", tr("Shape"), ("shape",), _shape_fields(item.kind, thing.shape, meshes, tr))
    if isinstance(thing, Sheet):
        material = Section("material", tr("Material"), ("material",), _material_fields(thing))
        own = Section("sheet", tr("At rest"), (), _some(Sheet, "rest", "curvature", "direction", "bending", "velocity"))
        return [shape, place, material, own]
    if isinstance(thing, Solid):
        own = Section("solid", "", (), _some(Solid, "velocity"))
        return [shape, place, Section("material", tr("Material"), ("material",), declared(type(thing.material))), own]
    return [shape, place]


def values_at(thing: BaseModel, path: Sequence[str]) -> dict[str, Any]:
    """The plain values of a record within another one."""
    values: dict[str, Any] = thing.model_dump()
    for name in path:
        values = values[name]
    return values


def _some(model: type[BaseModel], *names: str) -> tuple[ParameterField, ...]:
    return tuple(field for field in declared(model) if field.name in names)


def _shape_fields(kind: str, shape: Any, meshes: Sequence[str], tr: Translate) -> tuple[ParameterField, ...]:
    offered = [name for name in SHAPE_KINDS[kind] if name != "mesh" or meshes or isinstance(shape, MeshShape)]
    kinds = tuple(dict.fromkeys((*offered, shape.kind)))
    choice = ParameterField("kind", tr("Kind"), tr("What it is shaped like."), "choice", shape.kind, choices=kinds)
    if isinstance(shape, MeshShape):
        known = tuple(dict.fromkeys((*meshes, shape.input)))
        help = tr("Which open mesh it is; its own placement counts too.")
        return choice, ParameterField("input", tr("Mesh"), help, "choice", shape.input, choices=known, names=True)
    model: type[BaseModel] = type(shape)
    rest = [field for field in declared(model) if field.name not in ("kind", "points")]
    if kind == "obstacle" and shape.kind == "box":
        rest = [field for field in rest if field.name != "cells"]
    return choice, *rest


def _material_fields(sheet: Sheet) -> tuple[ParameterField, ...]:
    hidden = set() if sheet.material.woven else {"young_cross", "shear"}
    hidden |= set() if sheet.material.creases else {"yield_angle", "hardening"}
    return tuple(field for field in declared(type(sheet.material)) if field.name not in hidden)


def _pin_sections(scene: Scene, pin: Pin, tr: Translate) -> list[Section]:
    wanted = ("kind", *REGION_FIELDS.get(pin.region.kind, ()))
    region = [field for field in declared(Region) if field.name in wanted]
    carriers = ("", *(gripper.name for gripper in scene.grippers))
    help = tr("The gripper that carries what is held; empty: it is held where it is, or moved by keyframes.")
    carrier = ParameterField("gripper", tr("Carried by"), help, "choice", "", choices=carriers, names=True)
    return [Section("region", tr("Where"), ("region",), tuple(region)), Section("pin", "", (), (carrier,))]


def _sensor_sections(scene: Scene, sensor: Sensor, tr: Translate) -> list[Section]:
    names = {"kind", "body", "count"} if sensor.kind == "vertices" else {"kind", "body"}
    names -= {"body"} if sensor.kind == "energy" else set()
    bodies = ("", *(body.name for body in scene.bodies()))
    body = next((one for one in scene.bodies() if one.name == sensor.body), None)
    pins = tuple(pin.name for pin in getattr(body, "pins", ()) if pin.name)
    if sensor.kind == "reaction" and pins:
        names.add("pin")
    choices = {"body": bodies, "pin": ("", *pins)}
    fields = [
        replace(field, kind="choice", choices=choices[field.name], names=True) if field.name in choices else field
        for field in _some(Sensor, *names)
    ]
    found = [Section("sensor", "", (), tuple(fields))]
    if sensor.kind == "vertices":
        wanted = ("kind", *REGION_FIELDS.get(sensor.region.kind, ()))
        region = tuple(field for field in declared(Region) if field.name in wanted)
        found.append(Section("region", tr("Where"), ("region",), region))
    return found
