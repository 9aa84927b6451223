"""Fields to start from that need no target: values at the nodes of the grid on [-1, 1]^3, negative inside."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import ParameterError, QuestionError
from engine.geometry.formula import formula


def node_axis(resolution: int) -> Tensor:
    """Coordinates of the nodes along one axis, float64, shape (resolution + 1,)."""
    return torch.linspace(-1.0, 1.0, resolution + 1, dtype=torch.float64)


def sphere_field(resolution: int, *, radius: float = 0.6) -> Tensor:
    """Signed distance to a sphere round the origin, shape (n + 1, n + 1, n + 1), indexed (x, y, z)."""
    if not radius > 0.0:
        raise ParameterError("radius", f"{radius} is no radius.", remedy="Give a positive length.")
    axis = node_axis(resolution)
    square = axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2
    return square.sqrt() - radius


def random_field(resolution: int, *, seed: int, inside_fraction: float = 0.1) -> Tensor:
    """Independent uniform values in [−fraction, 1 − fraction), shape (n + 1, n + 1, n + 1)."""
    if not 0.0 < inside_fraction < 1.0:
        raise ParameterError("inside_fraction", "it must lie between 0 and 1.")
    generator = torch.Generator().manual_seed(seed)
    shape = (resolution + 1,) * 3
    return torch.rand(shape, generator=generator, dtype=torch.float64) - inside_fraction


def formula_field(text: str, resolution: int, *, sign: str = "auto") -> Tensor:
    """A formula of x, y and z (`engine.geometry.formula`) in the working frame, shape (n + 1, n + 1, n + 1), divided by
    its steepness: to first order the signed distance to its zero level.

    sign : "negative" or "positive" inside; "auto" for negative, where that leaves the border of the grid outside, at
        least in part

    Raises `ParameterError` for what is no formula, is not defined everywhere or is nowhere zero, and `QuestionError`
    where the whole border would be inside.
    """
    axis = node_axis(resolution).numpy()
    values = formula(text)(*np.meshgrid(axis, axis, axis, indexing="ij"))
    if not np.isfinite(values).all():
        place = axis[np.argwhere(~np.isfinite(values))[0]]
        raise ParameterError("formula", f"it has no value at x, y, z = {', '.join(f'{one:.3g}' for one in place)}.")
    inside = values < 0.0
    if inside.all() or not inside.any():
        raise ParameterError(
            "formula", "it has the same sign everywhere on [-1, 1], so that there is no surface.",
            remedy="Take away a constant.",
        )  # fmt: skip
    if sign == "auto":
        border = np.ones_like(inside)
        border[1:-1, 1:-1, 1:-1] = False
        if inside[border].all():
            raise QuestionError(
                "sign",
                f"{text} is negative on the whole border of the grid.",
                {"positive": "positive values are inside", "negative": "negative values are inside, out to the border"},
            )
    if sign == "positive":
        values = -values
    cell = 2.0 / resolution
    steep = np.sqrt(sum(slope**2 for slope in np.gradient(values, cell)))
    # Where it is level its zero is far; a distance is believed within a few cells.
    far = 8.0 * cell
    return torch.from_numpy(np.clip(values / np.maximum(steep, np.abs(values) / far + 1e-300), -far, far))
