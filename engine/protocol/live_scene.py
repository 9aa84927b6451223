"""What of a scene can change while it is simulated; all else waits for the next Run (see `SetScene`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from engine.protocol.scene import Gripper, Obstacle, Pin, Scene, Sheet, Solid

STRUCTURE = ("law", "woven", "creases")
"""Of a sheet's material: what is built in. A material that differs in it waits as a whole."""

Body = TypeVar("Body", Sheet, Solid, Obstacle, Gripper)


def with_live(running: Scene, wanted: Scene) -> Scene:
    """The scene `running` with what can change while it runs taken from `wanted`: materials, gravity, friction,
    motions, sensors, the duration, in how many parts a step may be taken, and what is shown."""
    names = {body.name for body in running.bodies()}
    sensors = [sensor for sensor in wanted.sensors if not sensor.body or sensor.body in names]
    return running.model_copy(
        update={
            "gravity": wanted.gravity,
            "time": running.time.model_copy(update={"duration": wanted.time.duration, "divide": wanted.time.divide}),
            "contact": running.contact.model_copy(update={"friction": wanted.contact.friction}),
            "friction": [pair for pair in wanted.friction if set(pair.between) <= names],
            "sensors": sensors,
            "sheets": _each(running.sheets, wanted.sheets),
            "solids": _each(running.solids, wanted.solids),
            "obstacles": _each(running.obstacles, wanted.obstacles),
            "grippers": _each(running.grippers, wanted.grippers),
        }
    )


def _each(running: Sequence[Body], wanted: Sequence[Body]) -> list[Body]:
    known = {body.name: body for body in wanted}
    return [_body(body, known[body.name]) if body.name in known else body for body in running]


def _body(running: Body, wanted: Body) -> Body:
    live = [name for name in ("preset", "material", "motion", "visible") if name in type(running).model_fields]
    if isinstance(running, Sheet) and isinstance(wanted, Sheet) and _built_otherwise(running, wanted):
        live = ["visible"]
    changes = {name: getattr(wanted, name) for name in live}
    if isinstance(running, (Sheet, Solid)) and isinstance(wanted, (Sheet, Solid)):
        changes["pins"] = _pins(running.pins, wanted.pins)
    return running.model_copy(update=changes)


def _built_otherwise(running: Sheet, wanted: Sheet) -> bool:
    return any(getattr(running.material, name) != getattr(wanted.material, name) for name in STRUCTURE)


def _pins(running: Sequence[Pin], wanted: Sequence[Pin]) -> list[Pin]:
    """Their motions; only where they are the same pins."""
    if len(running) != len(wanted):
        return list(running)
    return [
        one.model_copy(update={"motion": other.motion})
        if (one.region, one.gripper) == (other.region, other.gripper)
        else one
        for one, other in zip(running, wanted, strict=True)
    ]
