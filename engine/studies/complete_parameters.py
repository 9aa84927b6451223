"""Parameters of the study *Complete*, without torch or Warp: command line and window draw their options from it."""

from __future__ import annotations

from typing import ClassVar

from engine.core.parameters import parameter
from engine.studies.reconstruct_parameters import SampledParameters


class CompleteParameters(SampledParameters):
    """What can be set of a shape that a Model knows, beside its Terms and its optimiser."""

    resolution: int = parameter(
        48, title="Resolution", unit="cells", ge=8, le=256, soft_min=16, soft_max=128, step=8, live=True,
        help="Cells of the grid along each side of the Model's cube, on which its surface is found.",
    )  # fmt: skip
    iterations: int = parameter(
        200, title="Iterations", ge=1, le=100000, soft_min=50, soft_max=1000, step=50, live=True,
        help="Steps of the descent.",
    )  # fmt: skip

    surface: ClassVar[str] = "deepmesh"
    start: ClassVar[str] = "sdf"
    hold_sides: ClassVar[bool] = False
    remove_specks: ClassVar[bool] = False
    parts: ClassVar[int] = 0
