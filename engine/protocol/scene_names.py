"""What of a Scene a study is told by name: numbers of materials, what moves, creases. Names are those of its World."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.protocol.scene import Pin, Scene, Sheet, Solid

NUMBER_UNITS = {
    "young": "Pa", "young_cross": "Pa", "shear": "Pa", "thickness": "m", "density": "kg/m³", "yield_angle": "rad",
    "poisson": "", "friction": "", "hardening": "", "bending_factor": "",
}  # fmt: skip
"""SI unit of what can be identified, by the last part of its name."""

MOTION_UNITS = {"offset": "m", "turn": "rad", "width": "m"}
"""SI unit of what all poses of a mover are changed by, by the last part of its name."""

FRICTION = "contact.friction"
"""The number of the scene's own coefficient, which holds where no pair of bodies has another."""

WOVEN = ("young_cross", "shear")
PLASTIC = ("yield_angle", "hardening")


@dataclass(frozen=True)
class SceneNumber:
    """A number of a scene that can be identified.

    name : "cloth.young"
    body : whose; "" of the contact between all
    field : of its material ("young"), or of the contact
    value : in the scene [unit]
    """

    name: str
    body: str
    field: str
    value: float
    unit: str


def scene_numbers(scene: Scene) -> list[SceneNumber]:
    """All that can be identified, body by body.

    What is different in different places of a sheet (along creases of another stiffness) is no single number.
    """
    return list(_numbers(scene))


def movers(scene: Scene) -> list[str]:
    """Names of what moves as it is told: "body/pin", obstacles, grippers with fingers or something to carry."""
    names: list[str] = []
    carrying: set[str] = set()
    for body in _deformable(scene):
        names += [f"{body.name}/{pin_name(body.pins, k)}" for k, pin in enumerate(body.pins) if not pin.gripper]
        carrying |= {pin.gripper for pin in body.pins if pin.gripper}
    names += [obstacle.name for obstacle in scene.obstacles]
    return names + [gripper.name for gripper in scene.grippers if gripper.fingers or gripper.name in carrying]


def creases(scene: Scene) -> list[str]:
    """Names of all creases, as "sheet/crease"."""
    return [
        f"{sheet.name}/{crease.name or f'crease-{number + 1}'}"
        for sheet in scene.sheets
        for number, crease in enumerate(sheet.creases)
    ]


def pin_name(pins: Sequence[Pin], number: int) -> str:
    """What the pin `number` of a body is called: its name, or "pin-1" and on."""
    return pins[number].name or f"pin-{number + 1}"


def _numbers(scene: Scene) -> Iterator[SceneNumber]:
    for body in _deformable(scene):
        for field, unit in NUMBER_UNITS.items():
            value = getattr(body.material, field, None)
            if value is not None and (isinstance(body, Solid) or _is_one(body, field)):
                yield SceneNumber(f"{body.name}.{field}", body.name, field, float(value), unit)
    if scene.contact.mode != "none":
        yield SceneNumber(FRICTION, "", "friction", scene.contact.friction, NUMBER_UNITS["friction"])


def _is_one(sheet: Sheet, field: str) -> bool:
    """It counts in this sheet, and is the same everywhere on it."""
    if field in WOVEN:
        return sheet.material.woven
    if field in PLASTIC:
        own = any(crease.yield_angle is not None or crease.hardening is not None for crease in sheet.creases)
        return sheet.material.creases and not own
    return field != "bending_factor" or all(crease.stiffness == 1.0 for crease in sheet.creases)


def _deformable(scene: Scene) -> list[Sheet | Solid]:
    return [*scene.sheets, *scene.solids]
