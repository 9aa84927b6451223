"""Numbers of a scene from the command line: `--set sheets.cloth.material.young=2e6`."""

from __future__ import annotations

from typing import Any

from app.cli.verify import parse_settings
from engine.core.errors import ParameterError
from engine.protocol.scene import Scene


def with_settings(scene: Scene, settings: list[str]) -> Scene:
    """The scene with other values. A path names tables by their keys, and bodies, pins, creases and sensors by their
    names or numbers; a value may have a unit ("0.3 mm").

    Raises `ParameterError` for a path that leads nowhere and a value that is none.
    """
    for path, value in parse_settings(settings).items():
        # One after the other: a preset may be chosen first, and then what differs from it.
        values = scene.model_dump(mode="json")
        _put(values, path, value)
        scene = Scene.parse(values, owner="scene")
    return scene


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split(".")
    here: Any = values
    for key in way:
        here = _entry(here, key, path)
    if isinstance(here, list):
        here[_number(here, last, path)] = value
    elif isinstance(here, dict) and last in here:
        if last == "preset":
            # A preset is a material: what the sheet had of its own goes.
            here["material"] = {}
        here[last] = value
    else:
        raise _lost(path, last, here)


def _entry(here: Any, key: str, path: str) -> Any:
    if isinstance(here, dict) and key in here:
        return here[key]
    if isinstance(here, list):
        return here[_number(here, key, path)]
    raise _lost(path, key, here)


def _number(entries: list[Any], key: str, path: str) -> int:
    for number, entry in enumerate(entries):
        if isinstance(entry, dict) and key and entry.get("name") == key:
            return number
    if key.isdigit() and int(key) < len(entries):
        return int(key)
    raise _lost(path, key, entries)


def _lost(path: str, key: str, here: Any) -> ParameterError:
    if isinstance(here, dict):
        known = list(here)
    elif isinstance(here, list):
        known = [entry.get("name", "") if isinstance(entry, dict) else "" for entry in here]
        known = [name or str(number) for number, name in enumerate(known)]
    else:
        known = []
    remedy = f"There are {', '.join(known)}." if known else ""
    return ParameterError(f"--set {path}", f"there is no {key!r}.", remedy=remedy)
