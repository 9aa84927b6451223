"""The kinds of surface that there are, and how one of them becomes another."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from engine.core.device import Device
from engine.core.errors import ParameterError
from engine.core.leaves import State
from engine.surfaces.surface import Surface

CLASSES: dict[str, str] = {
    "flexicubes": "engine.surfaces.flexicubes:FlexiCubes",
    "g-shell": "engine.surfaces.gshell:GShell",
    "deepmesh": "engine.surfaces.deepmesh:DeepMesh",
}
"""Where each kind is declared, in the order in which they are offered."""


def surface_kind(name: str) -> type[Surface]:
    """The class of a kind of surface; raises `ParameterError` when there is none."""
    if name not in CLASSES:
        raise ParameterError("surface", f"there is no surface {name!r}.", remedy=f"There are {', '.join(CLASSES)}.")
    module, _, declared = CLASSES[name].partition(":")
    kind: type[Surface] = getattr(importlib.import_module(module), declared)
    return kind


def convert(surface: Surface, name: str, options: Mapping[str, Any], device: Device) -> Surface:
    """A surface of the kind `name` where `surface` is now, which stays as it is.

    options : parameters by name; each kind takes those that it knows
    """
    return surface_kind(name).converted(surface, options=options, device=device)


def restored(state: State, device: Device, before: Surface | None = None) -> Surface:
    """The surface that a state is of.

    before : is taken where it is of the same kind
    """
    kind = surface_kind(str(state.get("kind")))
    surface = before if type(before) is kind else kind.blank(device)
    surface.restore(state)
    return surface
