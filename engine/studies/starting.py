"""The field with which a reconstruction begins."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import GeometryError, ParameterError
from engine.geometry.frame import Frame
from engine.geometry.mesh import Mesh
from engine.geometry.normals import with_normals
from engine.geometry.points import Points
from engine.geometry.start import mesh_distance_field
from engine.objectives.target import ScanTarget, Target
from engine.studies.reconstruct_parameters import ReconstructParameters
from engine.surfaces.starts import formula_field, random_field, sphere_field

START_BAND = 3.0
"""Cells: largest value of a start that knows nothing of the target."""


def start_field(
    parameters: ReconstructParameters, target: Target, *, frame: Frame, device: Device, begin: Mesh | Points | None
) -> Tensor:
    """Values at the nodes of the grid, negative inside, shape (n + 1, n + 1, n + 1): the distance to the target or to
    `begin`, a formula, or a field that knows nothing of the target.

    Those that know nothing stay within `START_BAND` cells of zero, so that a node on the wrong side soon gets over.
    """
    resolution = parameters.resolution
    band = START_BAND * 2.0 / resolution
    match parameters.start:
        case "sphere":
            return sphere_field(resolution, radius=0.9).clamp(-band, band)
        case "random":
            return random_field(resolution, seed=parameters.seed) * band
        case "formula":
            return formula_field(parameters.formula, resolution, sign=parameters.sign)
        case "file":
            return distance_to_start(begin, resolution, frame=frame, device=device)
    return target.distance_field(resolution)


def distance_to_start(begin: Mesh | Points | None, resolution: int, *, frame: Frame, device: Device) -> Tensor:
    """Signed distance to a mesh or a scan in the frame of the target.

    Raises `ParameterError` where there is none, and `GeometryError` where it does not lie in the grid.
    """
    if begin is None:
        raise ParameterError("start", "there is nothing to start from.", remedy="Open a mesh, a scan or a volume.")
    if isinstance(begin, Mesh):
        field = mesh_distance_field(frame.to_working(begin.vertices), begin.triangles, resolution, device)
    else:
        points, confidence = with_normals(begin)
        scan = ScanTarget(
            points, frame, device, sample_count=1000, confidence=confidence, reach=3.0 * 2.0 / resolution, seed=0
        )
        field = scan.distance_field(resolution)
    if not bool((field < 0).any()) or not bool((field > 0).any()):
        low, high = (np.asarray(corner).round(2).tolist() for corner in frame.to_working(begin.bounds))
        raise GeometryError(
            f"{begin.name}, to start from, encloses none of the grid's nodes or all: it reaches from {low} to {high}, "
            "and the grid from -1 to 1.",
            remedy="Take one that lies where the target is, in the same unit, or a finer grid.",
        )
    return field
