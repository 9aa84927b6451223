"""What can be done with the objects of a Project, each as the Project that comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from app.document.document import OBJECT_COLOURS
from app.document.placement import Placement, Vector
from app.document.project import RESULT, Project, SceneObject
from app.document.steering import unique
from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points


def renamed(project: Project, name: str, new: str) -> Project:
    """An object under another name, which follows into roles and selections; raises `ParameterError` for a name that
    is empty or taken."""
    new = new.strip()
    if not new or new == RESULT:
        raise ParameterError("name", f"an object cannot be called {new!r}.", remedy="Write another name.")
    if new != name and project.object(new) is not None:
        raise ParameterError("name", f"there is another object called {new}.", remedy="Write another name.")
    return project if new == name else project.with_object(name, name=new)


def duplicated(project: Project, names: Iterable[str]) -> tuple[Project, list[str]]:
    """Copies of objects, each after its original and beside it; also their names. Geometry is shared, not copied."""
    chosen = set(names)
    taken = {item.name for item in project.objects}
    copies, objects = [], []
    for item in project.objects:
        objects.append(item)
        if item.name in chosen:
            name = unique(re.sub(r" \d+$", "", item.name), taken)
            taken.add(name)
            x, y, z = item.placement.translation
            low, high = item.bounds
            beside = replace(item.placement, translation=(x + 1.1 * float(high[0] - low[0]), y, z))
            objects.append(replace(item, name=name, source="", placement=beside))
            copies.append(name)
    return replace(project, objects=tuple(objects)), copies


def with_new(project: Project, geometry: Mesh | Points, name: str, *, source: str = "") -> tuple[Project, str]:
    """The Project with one more object, called `name` or like it; also its name."""
    free = unique(name, [RESULT, *(item.name for item in project.objects)])
    colour = OBJECT_COLOURS[len(project.objects) % len(OBJECT_COLOURS)]
    return replace(project, objects=(*project.objects, SceneObject(free, geometry, colour, source))), free


def without(project: Project, names: Iterable[str]) -> Project:
    """The Project without these objects, their roles and selections."""
    for name in names:
        project = project.without_object(name)
    return project


def shown(project: Project, names: Iterable[str], visible: bool) -> Project:
    return _each(project, names, lambda item: replace(item, visible=visible))


def coloured(project: Project, names: Iterable[str], colour: str) -> Project:
    """colour : "#rrggbb" """
    return _each(project, names, lambda item: replace(item, colour=colour))


def placed(project: Project, placements: dict[str, Placement]) -> Project:
    """Objects where these placements put them."""
    return _each(project, placements, lambda item: replace(item, placement=placements[item.name]))


# Groups and order -----------------------------------------------------------------------------------------------------


def groups(project: Project) -> dict[str, list[str]]:
    """Names of the objects of each group, in the order of the scene."""
    found: dict[str, list[str]] = {}
    for item in project.objects:
        if item.group:
            found.setdefault(item.group, []).append(item.name)
    return found


def grouped(project: Project, names: Iterable[str], group: str) -> Project:
    """Objects together in a group, where the first of them stood."""
    chosen = [item.name for item in project.objects if item.name in set(names)]
    if not chosen:
        return project
    return moved(project, chosen, chosen[0], group)


def ungrouped(project: Project, names: Iterable[str]) -> Project:
    """Objects in no group. They stay where they are, after what remains of their group."""
    chosen = set(names)
    project = _each(project, chosen, lambda item: replace(item, group=""))
    return replace(project, objects=_groups_together(project.objects))


def regrouped(project: Project, group: str, new: str) -> Project:
    """A group under another name; raises `ParameterError` for a name that is empty or taken."""
    new = new.strip()
    if not new or (new != group and new in groups(project)):
        raise ParameterError("name", f"a group cannot be called {new!r} here.", remedy="Write another name.")
    members = groups(project).get(group, [])
    return project if new == group else _each(project, members, lambda item: replace(item, group=new))


def moved(project: Project, names: Iterable[str], before: str | None, group: str) -> Project:
    """Objects, in their order, before the one called `before` (None: last), in a group ("": in none)."""
    chosen = set(names)
    moving = [replace(item, group=group) for item in project.objects if item.name in chosen]
    resting = [item for item in project.objects if item.name not in chosen]
    after = [item.name for item in project.objects]
    rest = [name for name in after[after.index(before) :] if name not in chosen] if before in after else []
    place = next((index for index, item in enumerate(resting) if rest and item.name == rest[0]), len(resting))
    objects = _groups_together((*resting[:place], *moving, *resting[place:]))
    return project if objects == project.objects else replace(project, objects=objects)


# Placing --------------------------------------------------------------------------------------------------------------


def on_the_ground(items: Iterable[SceneObject]) -> dict[str, Placement]:
    """Each so that its lowest point lies at z = 0."""
    return {item.name: _shifted(item.placement, (0.0, 0.0, -float(item.bounds[0][2]))) for item in items}


def centred(items: Iterable[SceneObject]) -> dict[str, Placement]:
    """Each so that its box is about the origin."""
    found = {}
    for item in items:
        x, y, z = (-item.bounds.mean(axis=0)).tolist()
        found[item.name] = _shifted(item.placement, (x, y, z))
    return found


def resized(item: SceneObject, axis: int, size: float, *, uniform: bool) -> Placement:
    """Scaled about the middle of its box, so that it is `size` [mm] long along the world's axis.

    uniform : in all directions; else along the object's own axis that lies nearest to this one
    """
    low, high = item.bounds
    if not high[axis] > low[axis]:
        raise ParameterError("size", f"{item.name} has no length along {'XYZ'[axis]}.", remedy="Change another axis.")
    factor = size / float(high[axis] - low[axis])
    turned = np.abs(replace(item.placement, translation=(0.0, 0.0, 0.0), scale=(1.0, 1.0, 1.0)).matrix()[axis, :3])
    own = int(turned.argmax())
    if not uniform and turned[own] < 1.0 - 1e-9:
        raise ParameterError(
            "size", f"{item.name} is turned: along one axis alone its size cannot be set.",
            remedy="Lock the scale, or reset the rotation.",
        )  # fmt: skip
    x, y, z = (factor if uniform or place == own else 1.0 for place in range(3))
    sx, sy, sz = item.placement.scale
    scaled = replace(item, placement=replace(item.placement, scale=(sx * x, sy * y, sz * z)))
    a, b, c = (item.bounds.mean(axis=0) - scaled.bounds.mean(axis=0)).tolist()
    return _shifted(scaled.placement, (a, b, c))


def _shifted(placement: Placement, way: Vector) -> Placement:
    (x, y, z), (a, b, c) = placement.translation, way
    return replace(placement, translation=(x + a, y + b, z + c))


def _each(project: Project, names: Iterable[str], change: Callable[[SceneObject], SceneObject]) -> Project:
    chosen = set(names)
    objects = tuple(change(item) if item.name in chosen else item for item in project.objects)
    if objects == project.objects:
        return project
    return replace(project, objects=objects).with_named_inputs()


def _groups_together(objects: Iterable[SceneObject]) -> tuple[SceneObject, ...]:
    """The objects of a group stand together, where its first one stands."""
    ordered: dict[str, list[SceneObject]] = {}
    for item in objects:
        ordered.setdefault(f"group {item.group}" if item.group else f"object {item.name}", []).append(item)
    return tuple(item for items in ordered.values() for item in items)
