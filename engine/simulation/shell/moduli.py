"""Stiffness of a sheet in its plane, isotropic or woven. Plain torch, differentiable."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from engine.core.errors import ParameterError


def plane_stress_moduli(parameters: Mapping[str, Tensor], owner: str) -> list[Tensor]:
    """T11, T22, T33 and T12 of plane stress [Pa], from "young" and "poisson"; of a woven sheet, where "young" is that
    along the warp, from "young_cross" and "shear" besides. A number, or one a face.

    Bending a plate of thickness h takes h³/12 of them, stretching it h. Raises `ParameterError` in the name of `owner`
    where no such material is possible.
    """
    young, poisson = parameters["young"], parameters["poisson"]
    cross = parameters.get("young_cross", young)
    shear = parameters.get("shear", young / (2.0 * (1.0 + poisson)))
    contraction = 1.0 - poisson * poisson * cross / young
    if not bool((contraction > 0).all()):
        raise ParameterError(
            f"{owner}.poisson", "is too large for these moduli: poisson² must be below young / young_cross."
        )
    return [young / contraction, cross / contraction, shear, poisson * cross / contraction]


def weave_parameters(
    young_cross: Tensor | float | None, shear: Tensor | float | None, direction: Tensor | None, owner: str
) -> dict[str, Tensor | float]:
    """What of a sheet's parameters a weave adds; raises `ParameterError` where only a part of what it takes is
    there."""
    if young_cross is None and shear is None:
        return {}
    if young_cross is None or shear is None or direction is None:
        raise ParameterError(owner, "a woven sheet needs young_cross, shear and direction, and some are missing.")
    return {"young_cross": young_cross, "shear": shear}


def by_face(columns: list[Tensor], face_count: int) -> Tensor:
    """Numbers, or one a face, as columns of one table, shape (face_count, len(columns))."""
    return torch.stack([column.expand(face_count) for column in columns], dim=1)
