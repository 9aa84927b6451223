"""What can be set of a training, without torch: command line and window draw their options from it."""

from __future__ import annotations

from typing import Literal

from engine.core.parameters import ParameterModel, parameter

LEAST_SAMPLES = 20
"""From fewer samples nothing is learnt."""


class TrainingParameters(ParameterModel):
    """How a model is learnt."""

    morph: Literal["automatic", "circle", "sphere", "landmarks", "volume", "same-mesh"] = parameter(
        "automatic", title="Morph",
        help="How meshes come to the common shape. circle: disks, rings. sphere: closed surfaces with three anchors. "
        "landmarks: parts in the plane, borders and anchors, the inside by radial basis functions; volume: the same of "
        "tetrahedra. same-mesh: all samples have one mesh already. automatic: by their topology.",
    )  # fmt: skip
    weights: Literal["mean-value", "harmonic", "uniform"] = parameter(
        "mean-value", title="Map", advanced=True,
        help="How meshes are mapped onto a circle or a sphere. mean-value keeps angles; harmonic is the same whatever "
        "the mesh; uniform knows connections alone.",
    )  # fmt: skip
    turning_share: float = parameter(
        0.0, title="Spread of corners", ge=0.0, le=0.9, advanced=True,
        help="Part of the common border that is given to where the border turns, so that roots of notches meet; the "
        "rest goes by length.",
    )  # fmt: skip
    shape_modes: int = parameter(
        16, title="Modes of the shape", ge=1, le=200, soft_max=60,
        help="At most so many numbers tell one shape from another.",
    )  # fmt: skip
    field_modes: int = parameter(
        36, title="Modes of a field", ge=1, le=200, soft_max=80,
        help="At most so many numbers make up a field; fewer where further ones would make held-out errors worse.",
    )  # fmt: skip
    metric_modes: int = parameter(
        0, title="Modes of the metric", ge=0, le=100, soft_max=20, advanced=True,
        help="So many further numbers tell how each shape is stretched and sheared from the mean one; 0 leaves them "
        "out.",
    )  # fmt: skip
    curvature_modes: int = parameter(
        0, title="Modes of curvature", ge=0, le=100, soft_max=20, advanced=True,
        help="Of surfaces in space: so many further numbers tell how each shape is bent, by its two principal "
        "curvatures; 0 leaves them out.",
    )  # fmt: skip
    energy: float = parameter(
        0.99999, title="Energy", gt=0.5, le=1.0, advanced=True, help="Part of a field's variance that its modes hold."
    )
    kernel: Literal["matern-5/2", "matern-3/2", "squared-exponential"] = parameter(
        "matern-5/2", title="Kernel", advanced=True, help="How smooth the response to shape and scalars is taken to be."
    )
    folds: int = parameter(
        10, title="Folds", ge=2, le=50, advanced=True,
        help="The samples are left out in so many parts, one after the other, to measure errors and widths of bands.",
    )  # fmt: skip
    subset: int = parameter(
        100, title="Samples for length scales", ge=20, le=2000, advanced=True,
        help="Length scales and noise are found on so many samples; what is predicted rests on all.",
    )  # fmt: skip
    coverage: float = parameter(
        0.95, title="Coverage of bands", ge=0.5, le=0.999, help="Part of the true values that a band should hold."
    )
    seed: int = parameter(0, title="Seed", ge=0, le=2**31 - 1, advanced=True, help="Of folds and subsets.")
