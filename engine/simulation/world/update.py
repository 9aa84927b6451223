"""What of a World changes while it runs: numbers, motions and sensors, never what its unknowns are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.protocol.live_scene import with_live
from engine.protocol.scene import Scene
from engine.simulation.system import GRAVITY

SHOWN = 5
"""Differences that a message lists."""


def refuse_unlike(running: Scene, wanted: Scene) -> None:
    """Raise `ParameterError` that lists what of `wanted` needs a new start."""
    found = list(_differences(with_live(running, wanted).model_dump(), wanted.model_dump(), ""))
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise ParameterError(
            "scene",
            f"this cannot change while it runs: {', '.join(found[:SHOWN])}{more}.",
            remedy="Start the simulation anew.",
        )


def material_values(scene: Scene, bending: Mapping[str, Mapping[str, Tensor | float]]) -> dict[str, Tensor]:
    """Parameters of the system as the scene's materials and gravity have them.

    bending : numbers of the bending energy by the sheet's name
    """
    values: dict[str, Tensor | float] = {GRAVITY: torch.tensor(scene.gravity, dtype=torch.float64)}
    for sheet in scene.sheets:
        values |= {f"{sheet.name}.membrane.{key}": value for key, value in sheet.material.membrane_parameters().items()}
        values |= {f"{sheet.name}.bending.{key}": value for key, value in bending[sheet.name].items()}
        values[f"{sheet.name}.mass.thickness"] = sheet.material.thickness
        values[f"{sheet.name}.mass.density"] = sheet.material.density
    for solid in scene.solids:
        values[f"{solid.name}.elastic.young"] = solid.material.young
        values[f"{solid.name}.elastic.poisson"] = solid.material.poisson
        values[f"{solid.name}.mass.density"] = solid.material.density
    return {name: torch.as_tensor(value, dtype=torch.float64) for name, value in values.items()}


def _differences(one: Any, other: Any, path: str) -> Iterator[str]:
    """Where two plain values differ; lists of named things are compared by their names."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one | other:
            yield from _differences(one.get(key), other.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(one, list) and isinstance(other, list) and _named(one) and _named(other):
        left, right = ({entry["name"]: entry for entry in entries} for entries in (one, other))
        for name in left | right:
            yield from _differences(left.get(name), right.get(name), f"{path}.{name}")
    elif one != other:
        yield path


def _named(entries: list[Any]) -> bool:
    return all(isinstance(entry, dict) and entry.get("name") for entry in entries)
