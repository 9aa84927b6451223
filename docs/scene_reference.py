"""Writes docs/guide/scene-files.md of the declarations of a Scene: every table and key of its file.

python docs/scene_reference.py
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from engine.core.parameters import ParameterModel
from engine.protocol import scene
from engine.protocol.shell_materials import PRESETS, ShellMaterial

DOCUMENT = Path(__file__).parent / "guide" / "scene-files.md"

HEAD = """# Scene files

Every table and key of a scene's file, drawn from where they are declared; [simulating](simulating.md) shows how they go
together. Numbers are SI units: metres, seconds, kilograms, newtons, pascals; rotations of poses and keyframes are in
degrees, angles of creases in radians. A quantity may be a text with another unit of its kind: `"0.3 mm"`, `"10 MPa"`,
`"5 ms"`, `"90 deg"`. A key that is not here is refused, and so is a unit of another kind. *Live* keys may change while
it runs; so may materials, motions and sensors.
"""

TABLES: tuple[tuple[str, type[ParameterModel]], ...] = (
    ("The file", scene.Scene),
    ("[time]", scene.Time),
    ("[contact]", scene.Contact),
    ("[[friction]]", scene.FrictionPair),
    ("[[sheets]]", scene.Sheet),
    ("[sheets.material]", ShellMaterial),
    ("[[sheets.creases]]", scene.Crease),
    ("[[sheets.pins]], [[solids.pins]]", scene.Pin),
    ("[[solids]]", scene.Solid),
    ("[solids.material]", scene.SolidMaterial),
    ("[[obstacles]]", scene.Obstacle),
    ("[[grippers]]", scene.Gripper),
    ("[[sensors]]", scene.Sensor),
    ("pose", scene.Pose),
    ("motion", scene.Motion),
    ("motion.keyframes", scene.Keyframe),
    ("region", scene.Region),
    ('shape, kind = "rectangle"', scene.RectangleShape),
    ('shape, kind = "disk"', scene.DiskShape),
    ('shape, kind = "outline"', scene.OutlineShape),
    ('shape, kind = "mesh"', scene.MeshShape),
    ('shape, kind = "box"', scene.BoxShape),
    ('shape, kind = "ball"', scene.BallShape),
    ('shape, kind = "cylinder"', scene.CylinderShape),
    ('shape, kind = "plane"', scene.PlaneShape),
)


def document() -> str:
    """The page."""
    parts = [HEAD, *(_section(title, model) for title, model in TABLES), _presets()]
    return "\n".join(parts).rstrip() + "\n"


def _section(title: str, model: type[ParameterModel]) -> str:
    summary, said = _words(model)
    rows = ["| key | default | may be | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        meaning = field.description or said.get(name, "") or _of_what(field.annotation)
        meaning = meaning[:1].upper() + meaning[1:]
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        unit = f" [{extra['unit']}]" if extra.get("unit") and f"[{extra['unit']}]" not in meaning else ""
        live = " *Live.*" if extra.get("live") else ""
        cells = (f"`{name}`", _default(field), _kind(field.annotation) + _limits(field), f"{meaning}{unit}{live}")
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return f"## {title}\n\n{summary}\n\n" + "\n".join(rows) + "\n"


def _presets() -> str:
    rows = [f"| `{name}` | {found.title} | {found.source} |" for name, found in PRESETS.items()]
    return "## Materials of sheets\n\n| name | what | source |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _words(model: type[ParameterModel]) -> tuple[str, dict[str, str]]:
    """The docstring's first paragraphs, and what it says of each key."""
    text = inspect.cleandoc(model.__doc__ or "")
    summary: list[str] = []
    said: dict[str, str] = {}
    keys: list[str] = []
    for line in text.splitlines():
        found = re.match(r"^([a-z_]+(?:, [a-z_]+)*) : (.*)$", line)
        if found and all(key in model.model_fields for key in found[1].split(", ")):
            keys = found[1].split(", ")
            said |= dict.fromkeys(keys, found[2])
        elif keys and line.startswith(" "):
            said |= {key: f"{said[key]} {line.strip()}" for key in keys}
        else:
            keys = []
            summary.append(line)
    return " ".join(" ".join(summary).split()), said


def _of_what(annotation: Any) -> str:
    """What the tables in a key are, where it says nothing itself."""
    models = [
        part
        for part in (annotation, *get_args(annotation))
        if isinstance(part, type) and issubclass(part, ParameterModel)
    ]
    return _words(models[0])[0].partition(". ")[0].rstrip(".") + "." if models else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "wanted"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, ParameterModel):
        kind = getattr(value, "kind", "")
        return f'`kind = "{kind}"`' if kind else ""
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, tuple):
        return f"`[{', '.join(f'{entry:g}' for entry in value)}]`"
    if value is None or value in ("", [], {}):
        return ""
    return f'`"{value}"`' if isinstance(value, str) else f"`{value:g}`"


def _kind(annotation: Any) -> str:
    """What a value is, in a person's words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments if value != "")
    if origin in (Union, UnionType):
        kept = [_kind(argument) for argument in arguments if argument is not type(None)]
        return " or ".join(dict.fromkeys(kept))
    if origin is tuple:
        return f"{len(arguments)} numbers" if arguments[0] is float else f"{len(arguments)} names"
    if origin in (list, dict):
        return "a list" if origin is list else "a table"
    if isinstance(annotation, type) and issubclass(annotation, ParameterModel):
        return "a table"
    return {str: "text", bool: "yes or no", int: "whole number", float: "number"}.get(annotation, "")


def _limits(field: FieldInfo) -> str:
    words = {"gt": "above", "ge": "from", "le": "to"}
    found = [
        f"{word} {getattr(rule, name):g}"
        for rule in field.metadata
        for name, word in words.items()
        if getattr(rule, name, None) is not None
    ]
    return f" {' '.join(found)}" if found else ""


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
    print(DOCUMENT)
