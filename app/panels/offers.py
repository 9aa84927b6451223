"""What of the scene a parameter may name (`picks` of its declaration), as a person reads it. No Qt in here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.panels.handy_units import shown_quantity
from engine.protocol.scene import Gripper, Obstacle, Scene, Sheet, Solid
from engine.protocol.scene_names import creases, movers, scene_numbers
from engine.protocol.shell_materials import ShellMaterial

Translate = Callable[[str], str]

SEVERAL = ("numbers", "movers", "creases")
"""Of these any number can be named, with commas between them."""

OF_MODEL = ("predicted-field", "predicted-scalar")
"""These are no part of the scene, but of what the study's Model predicts."""

PLACE = "part-place"
"""A position, which a click on the part in the view gives."""


@dataclass(frozen=True)
class Offer:
    """name : as the study takes it
    title, value : as a person reads it; value is what it is in the scene, with its unit
    taken : it is meant where the study names nothing
    """

    name: str
    title: str
    value: str = ""
    taken: bool = False


def offers(scene: Scene | None, picks: str, tr: Translate) -> list[Offer]:
    """All that a parameter may name in this scene."""
    if scene is None:
        return []
    return list({"numbers": _numbers, "movers": _movers, "creases": _creases}.get(picks, _bodies)(scene, picks, tr))


def _numbers(scene: Scene, picks: str, tr: Translate) -> Iterator[Offer]:
    fields = ShellMaterial.model_fields
    first = f"{scene.sheets[0].name}.young" if scene.sheets else ""
    several = len(scene.sheets) + len(scene.solids) > 1
    for number in scene_numbers(scene):
        declared = fields.get(number.field)
        title = tr((declared.title if declared is not None else None) or "Friction")
        title = f"{number.body}: {title}" if several and number.body else title
        yield Offer(number.name, title, shown_quantity(number.value, number.unit), taken=number.name == first)


def _movers(scene: Scene, picks: str, tr: Translate) -> Iterator[Offer]:
    names = movers(scene)
    grippers = {gripper.name for gripper in scene.grippers} & set(names)
    for name in names:
        owner, _, pin = name.partition("/")
        item = scene.body(owner)
        kind = {Gripper: tr("gripper"), Obstacle: tr("obstacle")}.get(type(item), tr("pin of {0}").format(owner))
        yield Offer(name, pin or name, kind, taken=name in grippers if grippers else bool(pin))


def _creases(scene: Scene, picks: str, tr: Translate) -> Iterator[Offer]:
    angles = [crease.angle for sheet in scene.sheets for crease in sheet.creases]
    several = len(scene.sheets) > 1
    for name, angle in zip(creases(scene), angles, strict=True):
        title = name if several else name.partition("/")[2]
        yield Offer(name, title, shown_quantity(angle, "rad"), taken=True)


def _bodies(scene: Scene, picks: str, tr: Translate) -> Iterator[Offer]:
    bodies: list[Sheet | Solid] = [*scene.sheets, *(scene.solids if picks == "body" else [])]
    for body in bodies:
        yield Offer(body.name, body.name, taken=body is next(iter(scene.sheets), None))
