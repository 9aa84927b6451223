"""How far one surface of a Run is from another one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.core.device import Device
from engine.core.errors import GeometryError
from engine.geometry.distance import TriangleIndex
from engine.protocol.snapshot import Snapshot


def compare(a: Snapshot, b: Snapshot) -> Snapshot:
    """`a` with the array "distance" (vertex_count,) float32 [mm] of its vertices to the surface of `b`, negative inside
    it, and the scalars "distance:mean", "distance:percentile_95" and "distance:maximum" [mm] of its magnitude.

    The sign is that of the winding number: where `b` is open it has no inside, and all may be positive.
    Raises `GeometryError` where one of the two has no surface.
    """
    if not len(a.arrays["triangles"]) or not len(b.arrays["triangles"]):
        raise GeometryError("One of the two has no surface to compare.", remedy="Choose another Checkpoint.")
    # In float64 and about the place of `b`: both keep what float32 would lose far from the world's zero.
    points = a.arrays["vertices"].astype(np.float64) + (np.subtract(a.origin, b.origin))
    index = TriangleIndex(b.arrays["vertices"].astype(np.float64), b.arrays["triangles"], Device("cpu"), winding=True)
    magnitude = index.closest(points).distances.numpy()
    inside = index.signed_distance(points).numpy() < 0.0
    scalars = {
        "distance:mean": float(magnitude.mean()),
        "distance:percentile_95": float(np.percentile(magnitude, 95.0)),
        "distance:maximum": float(magnitude.max()),
    }
    distance = np.where(inside, -magnitude, magnitude).astype(np.float32)
    return replace(a, arrays={**a.arrays, "distance": distance}, scalars={**a.scalars, **scalars})
