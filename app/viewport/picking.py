"""Where a line of sight meets what is drawn, in world millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.viewport.drawn import DrawnMesh

Stretches = list[tuple[float, float]]
"""The parts of a ray that count: pairs of distances along it [mm], in order."""


@dataclass(frozen=True)
class Hit:
    """Where a line of sight first meets something.

    position : [mm, world]; normal : unit, towards the viewer for points; name : of the object
    value : what colours the surface there (sensitivity or distance); band : half of its band, where it is predicted
    """

    position: np.ndarray
    normal: np.ndarray
    name: str
    value: float | None = None
    band: float | None = None


@dataclass(frozen=True)
class MeshHit:
    """distance : along the ray [mm]; position : relative to the actor; normal : unit, world; triangle : drawn"""

    distance: float
    position: np.ndarray
    normal: np.ndarray
    triangle: int


def meet_mesh(
    drawn: DrawnMesh,
    start: np.ndarray,
    direction: np.ndarray,
    stretches: Stretches,
    *,
    place: np.ndarray,
    linear: np.ndarray | None = None,
) -> MeshHit | None:
    """First place where a ray [mm, world] meets a mesh that stands at `place` (3,), transformed by `linear` (3, 3)."""
    inverse = None if linear is None else np.linalg.inv(linear)
    along = direction if inverse is None else inverse @ direction
    stretch = float(np.linalg.norm(along))
    for begin, end in stretches:
        local = start + begin * direction - place
        local = local if inverse is None else inverse @ local
        found = drawn.hit(local, along / stretch, (end - begin) * stretch)
        if found is None:
            continue
        normal = drawn.normal(found[1])
        if inverse is not None:
            normal = inverse.T @ normal
            normal = normal / (np.linalg.norm(normal) or 1.0)
        return MeshHit(begin + found[0] / stretch, local + along / stretch * found[0], normal, found[1])
    return None


def nearest_dot(
    points: np.ndarray, start: np.ndarray, direction: np.ndarray, reach: float
) -> tuple[float, np.ndarray] | None:
    """Nearest point (to `start`) within an angle `reach` [rad] beside a ray: its distance along the ray, and itself."""
    offsets = points - start
    along = offsets @ direction
    # Beside a long ray the difference of squares is as exact as positions in float32 are.
    aside = np.sqrt(np.maximum(np.einsum("ij,ij->i", offsets, offsets) - along * along, 0.0))
    close = np.flatnonzero((along > 0) & (aside < reach * along))
    if not len(close):
        return None
    first = close[np.argmin(along[close] + aside[close] / reach)]
    return float(along[first]), points[first].astype(np.float64)
