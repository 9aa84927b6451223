"""Parameters of a training, without torch or Warp: command line and window draw their options from it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from engine.core.parameters import ParameterModel, parameter

LEAST_SHAPES = 3
"""From which a shape space is learnt."""


class TrainingParameters(ParameterModel):
    """What can be set when a shape space is learnt from a folder of meshes."""

    iterations: int = parameter(
        3000, title="Iterations", ge=10, le=1000000, soft_min=500, soft_max=20000, logarithmic=True,
        help="Steps of the training. More of them follow the shapes closer.",
    )  # fmt: skip
    latent_size: int = parameter(
        8, title="Numbers of a shape", ge=1, le=256, soft_max=64,
        help="How many numbers tell one shape from another. Directions in which the shapes do not differ are left out "
        "of the Model.",
    )  # fmt: skip
    normalise: Literal["together", "each"] = parameter(
        "together", title="Size and place",
        help="together: shapes keep their sizes and places, and so does what the Model makes. each: every shape is "
        "centred and scaled to the same longest side, for collections without a common scale.",
    )  # fmt: skip
    held_out: float = parameter(
        0.15, title="Held out", ge=0.0, le=0.5,
        help="Part of the shapes that is not learnt from, but only tried at the end; none where there are fewer "
        "than 8. The card says how well the Model does on them.",
    )  # fmt: skip
    samples: int = parameter(
        20000, title="Distances of a shape", ge=1000, le=2000000, soft_max=500000, logarithmic=True, advanced=True,
        help="Places round each shape whose distances are learnt.",
    )  # fmt: skip
    batch: int = parameter(
        256, title="Places at once", ge=16, le=65536, soft_max=4096, logarithmic=True, advanced=True,
        help="Places of each shape that one step looks at.",
    )  # fmt: skip
    layers: int = parameter(4, title="Layers", ge=1, le=16, advanced=True, help="Hidden layers of the network.")
    width: int = parameter(
        64, title="Width", ge=8, le=1024, soft_max=256, advanced=True,
        help="Neurons of a hidden layer. Many detailed shapes take 8 layers of 128, and much longer.",
    )  # fmt: skip
    octaves: int = parameter(
        2, title="Octaves", ge=0, le=10, advanced=True,
        help="How fine the details are that the network sees of a place; each octave halves them.",
    )  # fmt: skip
    learning_rate: float = parameter(
        5e-3, title="Step size", gt=0.0, le=1.0, advanced=True, help="At the beginning; it falls to zero at the end."
    )
    seed: int = parameter(
        0, title="Seed", ge=0, le=2**31 - 1, advanced=True,
        help="Of all that is random. The same seed gives the same Model on the same machine.",
    )  # fmt: skip


def partial_of(model: Path) -> Path:
    """Where a training that has not ended is kept."""
    return model.with_name(model.name + ".part")
