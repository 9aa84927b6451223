"""Triangles of a mesh that run through each other."""

from __future__ import annotations

import numpy as np
import torch
import warp as wp

from engine.core.bridge import launch, view
from engine.core.device import Device
from engine.core.kernels import initialise_warp
from engine.geometry import distance_kernels as kernels


def intersecting_triangles(vertices: np.ndarray, triangles: np.ndarray, device: Device | None = None) -> np.ndarray:
    """Indices of the triangles that properly cross another, ascending.

    Candidates come from a bounding-volume hierarchy; each pair is tested in float64, edge against triangle (Möller
    1997). Triangles that only touch, share an edge, or overlap within one plane, do not count; those that share one
    vertex count where they run through each other elsewhere.
    """
    where = (device or Device("cpu")).torch
    if not len(triangles):
        return np.zeros(0, np.int64)
    initialise_warp()
    centre = (vertices.min(axis=0) + vertices.max(axis=0)) / 2.0
    positions = torch.from_numpy(np.ascontiguousarray(vertices - centre, np.float64)).to(where)
    indices = torch.from_numpy(np.ascontiguousarray(triangles, np.int32).reshape(-1)).to(where)
    local = positions.to(torch.float32)
    mesh = wp.Mesh(points=view(local, wp.vec3), indices=view(indices))
    marks = torch.zeros(len(triangles), dtype=torch.int32, device=where)
    extent = float(np.abs(vertices - centre).max())
    # The boxes are float32: pad them by its rounding. Crossings shallower than float64's own are neighbours that touch.
    arguments = [mesh.id, positions, indices, 1e-6 * extent, 1e-10 * extent, marks]
    launch(kernels.self_intersections, len(triangles), arguments, device=where)
    return np.flatnonzero(marks.cpu().numpy())
