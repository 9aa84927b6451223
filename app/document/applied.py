"""What a study on a scene has found, written into the scene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.core.errors import ParameterError
from engine.protocol.scene import Keyframe, MeshShape, Motion, Pin, Region, Scene, Sheet
from engine.protocol.scene_names import FRICTION, pin_name

ALLOWED = (1e-4, 5e-3, 1e-4)
"""How far a thinned motion may be from the one that was found: [m], [rad], and the width of a gripper [m]."""


def with_numbers(scene: Scene, found: Mapping[str, float]) -> Scene:
    """The scene with numbers of its materials, friction, and angles of its creases [SI], by their names.

    Raises `ParameterError` for a name that the scene has not.
    """
    values = scene.model_dump()
    places = _places(values)
    for name, value in found.items():
        if name not in places:
            raise ParameterError(name, "the scene has it no longer.", remedy="Undo what removed it, or run it anew.")
        place, key = places[name]
        place[key] = float(value)
    return Scene.parse(values, owner="scene")


def with_motions(scene: Scene, paths: Mapping[str, np.ndarray]) -> Scene:
    """The scene with poses at the start and after each step, by mover, as motions with few keyframes.

    paths : translation [m], rotation vector [rad], and width [m] of a gripper, shape (steps + 1, 6 or 7)

    Raises `ParameterError` for a mover that the scene has not.
    """
    values = scene.model_dump()
    known: dict[str, dict[str, Any]] = {}
    for body in (*values["sheets"], *values["solids"]):
        pins = [Pin.model_validate(pin) for pin in body["pins"]]
        known |= {f"{body['name']}/{pin_name(pins, number)}": pin for number, pin in enumerate(body["pins"])}
    known |= {body["name"]: body for body in (*values["obstacles"], *values["grippers"])}
    for name, path in paths.items():
        if name not in known:
            raise ParameterError(name, "the scene has it no longer.", remedy="Undo what removed it, or run it anew.")
        known[name]["motion"] = motion_of(np.asarray(path), scene.time.step).model_dump()
    return Scene.parse(values, owner="scene")


def with_pattern(scene: Scene, sheet: str, mesh: str, held: Mapping[int, list[int]]) -> Scene:
    """The scene with an open mesh, of the sheet's own vertices, as the shape of a sheet.

    held : vertices of its pins, by their number: a mesh has neither sides nor corners
    """
    found = scene.body(sheet)
    if not isinstance(found, Sheet):
        raise ParameterError(sheet, "it is no sheet.")
    pins = [
        pin.model_copy(update={"region": Region(kind="vertices", vertices=held[number])}) if number in held else pin
        for number, pin in enumerate(found.pins)
    ]
    changed = found.model_copy(update={"shape": MeshShape(input=mesh), "rest": "flat", "pins": pins})
    sheets = [changed if one.name == sheet else one for one in scene.sheets]
    return scene.model_copy(update={"sheets": sheets})


def motion_of(path: np.ndarray, step: float) -> Motion:
    """Poses after each step of time as a motion, straight between its keyframes, which are no more than are needed to
    stay within `ALLOWED`; none where it does not move."""
    still = np.zeros(path.shape[1])
    still[6:] = path[0, 6:]
    if not np.abs(path - still).max() > 0.0:
        return Motion()
    keyframes = []
    for frame in fewest(path):
        x, y, z = (float(f"{value:.9g}") for value in path[frame, :3])
        a, b, c = (float(f"{value:.9g}") for value in np.degrees(path[frame, 3:6]))
        width = float(path[frame, 6]) if path.shape[1] > 6 else None
        time = float(f"{frame * step:.9g}")
        keyframes.append(Keyframe(time=time, translation=(x, y, z), rotation=(a, b, c), width=width))
    return Motion(keyframes=keyframes, interpolation="linear")


def fewest(path: np.ndarray) -> list[int]:
    """Rows between which straight lines stay within `ALLOWED` of all others (Douglas and Peucker 1973)."""
    allowed = np.array([*[ALLOWED[0]] * 3, *[ALLOWED[1]] * 3, ALLOWED[2]])[: path.shape[1]]
    kept, parts = {0, len(path) - 1}, [(0, len(path) - 1)]
    while parts:
        first, last = parts.pop()
        if last - first < 2:
            continue
        share = np.linspace(0.0, 1.0, last - first + 1)[1:-1, None]
        straight = (1.0 - share) * path[first] + share * path[last]
        off = (np.abs(path[first + 1 : last] - straight) / allowed).max(axis=1)
        worst = int(off.argmax())
        if off[worst] > 1.0:
            middle = first + 1 + worst
            kept.add(middle)
            parts += [(first, middle), (middle, last)]
    return sorted(kept)


def _places(values: dict[str, Any]) -> dict[str, tuple[dict[str, Any], str]]:
    """Where each number stands in the plain values of a scene."""
    places: dict[str, tuple[dict[str, Any], str]] = {FRICTION: (values["contact"], "friction")}
    for body in (*values["sheets"], *values["solids"]):
        places |= {f"{body['name']}.{key}": (body["material"], key) for key in body["material"]}
    for sheet in values["sheets"]:
        for number, crease in enumerate(sheet["creases"]):
            places[f"{sheet['name']}/{crease['name'] or f'crease-{number + 1}'}"] = crease, "angle"
    return places
