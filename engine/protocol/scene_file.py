"""A scene's file: TOML as a person writes it, with numbers in SI units or texts with their unit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from engine.core.errors import FileError, ParameterError
from engine.protocol.scene import Gripper, Scene, Sheet
from engine.protocol.shell_materials import ShellMaterial, preset
from engine.protocol.study import SAMPLE, Study
from engine.protocol.toml_lines import line_of


def read_scene(path: str | Path) -> Scene:
    """Read a `.toml`; inputs become absolute, relative to the file's folder. A study's file with a scene serves too.

    Raises `FileError` where it cannot be read, and `ParameterError` that names what is wrong in it.
    """
    path = Path(path)
    text = _text(path)
    values = _values(path, text)
    with _lines_told(path, text):
        scene = _scene(path, values)
    inputs = {
        name: given if given.startswith(SAMPLE) else str((path.parent / given).resolve())
        for name, given in scene.inputs.items()
    }
    missing = [name for name in scene.mesh_inputs() if name not in inputs]
    if missing:
        raise ParameterError(
            f"{path.name}.inputs", f"a body is the mesh {missing[0]!r}, for which no file is given.",
            remedy=f'Write [inputs] {missing[0]} = "FILE".',
        )  # fmt: skip
    return scene.model_copy(update={"inputs": inputs})


def is_scene_file(path: str | Path) -> bool:
    """A TOML file that holds a scene rather than a study; what cannot be read is left for the reader to say."""
    try:
        values = _values(Path(path), _text(Path(path)))
    except (FileError, ParameterError):
        return False
    return "study" not in values and bool(values.keys() & set(Scene.model_fields) - {"format", "inputs", "units"})


def scene_toml(scene: Scene) -> str:
    """The scene as a file's text: what is as it would be anyway is left out."""
    values = scene.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    for body, written in zip(scene.bodies(), _bodies(values), strict=True):
        if not isinstance(body, Gripper):
            written["shape"] = {"kind": body.shape.kind, **written.get("shape", {})}
        if isinstance(body, Sheet):
            written["preset"] = body.preset
            written.pop("material", None)
            if changed := _beside_preset(body):
                written["material"] = changed
    return tomlkit.dumps({"format": scene.format, **values})


def _scene(path: Path, values: dict[str, Any]) -> Scene:
    if "study" not in values:
        return Scene.parse(values, owner=path.name)
    study = Study.parse(values, owner=path.name)
    if study.scene is None:
        raise FileError(path, "it is a study without a scene.", remedy="Run it with formwright run.")
    return study.scene.model_copy(update={"inputs": study.inputs, "units": study.units})


def _bodies(values: dict[str, Any]) -> list[dict[str, Any]]:
    """In the order of `Scene.bodies`."""
    return [body for key in ("sheets", "solids", "obstacles", "grippers") for body in values.get(key, ())]


def _beside_preset(sheet: Sheet) -> dict[str, Any]:
    """What of the material its preset does not say."""
    base = preset(sheet.preset).material if sheet.preset else ShellMaterial()
    given = base.model_dump(mode="json")
    return {name: value for name, value in sheet.material.model_dump(mode="json").items() if value != given[name]}


@contextmanager
def _lines_told(path: Path, text: str) -> Iterator[None]:
    """Errors within the block say on which line of the file they are."""
    try:
        yield
    except ParameterError as error:
        line = line_of(text, error.parameter.removeprefix(f"{path.name}.").split("."))
        if line is None:
            raise
        complaint = error.message.removeprefix(f"{error.parameter}: ")
        raise ParameterError(error.parameter, f"{complaint} It is on line {line}.", remedy=error.remedy) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(path, f"it cannot be read ({error.strerror or error}).") from None
    except UnicodeDecodeError:
        raise FileError(path, "it is no scene: it holds no text.", remedy="A scene is a .toml file.") from None


def _values(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomlkit.parse(text).unwrap()
    except TOMLKitError as error:
        raise ParameterError(path.name, f"this is not valid TOML: {error}.") from None
