"""Physical numbers of bodies, each of which may feed several energies and the mass."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from engine.core.errors import ParameterError
from engine.simulation.system import System


def physical_parameters(system: System, bodies: Mapping[str, object]) -> dict[str, list[str]]:
    """The full names behind "body.number" ("cloth.young": that of membrane and bending), and single ones ("gravity").

    A number that is one for some faces and another for others (the stiffness beside a clamp) is not among them, except
    where it is one an element by its nature (rest positions, rest angles, targets).
    """
    tied: dict[str, list[str]] = {}
    for full, value in system.parameters().items():
        owner, _, number = full.rpartition(".")
        body, _, part = owner.rpartition(".")
        if body not in bodies:
            tied.setdefault(_SHARED.get(full, full), []).append(full)
        elif number in ("rest_positions", "rest_angles", "rest_curvature") or not value.ndim:
            tied.setdefault(f"{body}.{_NAMES.get((part, number), number)}", []).append(full)
    return tied


def expanded(tied: Mapping[str, list[str]], values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Physical numbers as parameters of the System: the same tensor for each, so that gradients add up."""
    result: dict[str, Tensor] = {}
    for name, value in values.items():
        if name not in tied:
            raise ParameterError(name, "there is no such number.", remedy=f"There are {', '.join(sorted(tied))}.")
        result |= dict.fromkeys(tied[name], value)
    return result


_NAMES = {("bending", "stiffness"): "bending_factor"}

_SHARED = {"friction.stiffness": "contact.stiffness", "friction.friction": "contact.friction"}
"""Friction follows from the force of the contact, and must know the same stiffness."""
