"""Parameters of the study *Reconstruct*, without torch or Warp: command line and window draw their options from it."""

from __future__ import annotations

from typing import Literal

from engine.core.parameters import ParameterModel, parameter


class SampledParameters(ParameterModel):
    """What every study says that compares a surface with samples of a target."""

    seed: int = parameter(
        0, title="Seed", ge=0, le=2**31 - 1, advanced=True,
        help="Of all that is random. The same seed gives the same result, bit for bit, on the same machine.",
    )  # fmt: skip
    device: str = parameter("auto", title="Device", help="auto, cpu, cuda or cuda:N.", advanced=True)
    samples: int = parameter(
        4000, title="Samples", ge=100, le=1000000, soft_min=1000, soft_max=50000, logarithmic=True, advanced=True,
        help="Points a side that are compared in every iteration. They are drawn anew each time.",
    )  # fmt: skip
    scan_points: int = parameter(
        500000, title="Points of a scan", ge=1000, le=100000000, soft_min=100000, soft_max=10000000, logarithmic=True,
        advanced=True,
        help="Terms look at no more points of a scan than this, drawn evenly with the seed. Preparing takes time and "
        "memory with every one; a grid of 128 cells has some 50000 on its surface.",
    )  # fmt: skip
    crease_share: float = parameter(
        0.25, title="Samples on creases", ge=0.0, le=0.9, advanced=True,
        help="Part of a mesh's samples that lies on its sharp edges, so that they come out sharp.",
    )  # fmt: skip


class ReconstructParameters(SampledParameters):
    """What can be set of a reconstruction, beside its Terms and its optimiser."""

    surface: Literal["flexicubes", "g-shell", "deepmesh"] = parameter(
        "flexicubes", title="Surface", live=True,
        help="How the shape is represented. It may change while the Run goes on: the new surface begins where the old "
        "one is.",
        choice_help={
            "flexicubes": "Closed shapes with sharp edges, machined or organic. The quickest and the closest.",
            "g-shell": "Open shapes: cloth, leaves, bowls, terrain. It closes where the data are closed.",
            "deepmesh": "A neural network. Smooth shapes, scans with gaps, and what a Model has learnt.",
        },
    )  # fmt: skip
    resolution: int = parameter(
        48, title="Resolution", unit="cells", ge=8, le=256, soft_min=16, soft_max=128, step=8, live=True,
        help="Cells of the grid along each side of its cube; the longest side of the target takes 90 % of it. "
        "Finer grids show finer details and cost more with the square.",
    )  # fmt: skip
    iterations: int = parameter(
        300, title="Iterations", ge=1, le=100000, soft_min=100, soft_max=2000, step=50, live=True,
        help="Steps of the descent. From a sphere or from noise take 800 or more.",
    )  # fmt: skip
    start: Literal["sdf", "sphere", "random", "file", "formula"] = parameter(
        "sdf", title="Start from",
        help="sdf: the target's signed distance on the grid, the quickest. sphere, random: starts that know nothing "
        "of the target. file: a mesh, a scan or a volume of your own. formula: the zero of a formula.",
    )  # fmt: skip
    formula: str = parameter(
        "x^2 + y^2 + z^2 - 0.5", title="Formula", shown_for={"start": ["formula"]},
        help="A field of x, y and z to start from, negative inside, in the grid's frame from -1 to 1. It knows + - * / "
        "^, pi, e, sqrt, abs, min, max, length, exp, log, sin, cos and the like.",
    )  # fmt: skip
    sign: Literal["auto", "negative", "positive"] = parameter(
        "auto", title="Sign inside", advanced=True,
        help="Of the values of a volume or a formula, inside the surface. auto: found by what lies on the border; you "
        "are asked when that is not clear.",
    )  # fmt: skip
    axes: Literal["auto", "xyz", "zyx"] = parameter(
        "auto", title="Order of axes", advanced=True,
        help="Of a volume whose file does not say it, as of NumPy. xyz: its first axis is x. zyx: its first axis is z, "
        "as in stacks of pictures. auto: you are asked when it matters.",
    )  # fmt: skip
    closed: bool = parameter(
        True, title="Close at the border", advanced=True,
        help="Close the surface where it leaves the grid. Off: it stays open there.",
    )  # fmt: skip
    hold_sides: bool = parameter(
        True, title="Hold inside and outside", live=True, advanced=True,
        help="A grid node that is on the right side of the target stays there, so that no specks and no holes come "
        "up. It rests while a handle or a volume shapes the surface too.",
    )  # fmt: skip
    remove_specks: bool = parameter(
        True, title="Remove specks", live=True, advanced=True,
        help="Now and then fill cavities and take out specks that no point of the target belongs to.",
    )  # fmt: skip
    parts: int = parameter(
        0, title="Parts to keep", ge=0, le=1000, soft_max=10, live=True, advanced=True,
        shown_for={"surface": ["flexicubes", "g-shell"]},
        help="Keep so many separate parts and take out the others now and then. A cavity is no part: it goes where a "
        "target has no points on it. 0 keeps what the target claims.",
    )  # fmt: skip
    no_intersections: bool = parameter(
        False, title="No intersecting faces", advanced=True, shown_for={"surface": ["flexicubes"]},
        help="The mesh never runs through itself, at the cost of twice as many triangles and of grid nodes that stay "
        "in place.",
    )  # fmt: skip
    network_layers: int = parameter(
        3, title="Layers", ge=1, le=16, soft_max=8, advanced=True, shown_for={"surface": ["deepmesh"]},
        help="Hidden layers of the network.",
    )  # fmt: skip
    network_width: int = parameter(
        64, title="Width", ge=4, le=1024, soft_min=16, soft_max=256, step=16, advanced=True,
        shown_for={"surface": ["deepmesh"]},
        help="Numbers in a layer of the network. Twice as many take up to four times as long.",
    )  # fmt: skip
    network_frequency: float = parameter(
        30.0, title="Finest detail", ge=1.0, le=200.0, soft_min=5.0, soft_max=60.0, advanced=True,
        shown_for={"surface": ["deepmesh"]},
        help="Frequency ω₀ of the sine network: a larger one follows finer details, noise too.",
    )  # fmt: skip
    network_fitting: int = parameter(
        400, title="Fitting before the start", ge=1, le=100000, soft_max=2000, step=100, advanced=True,
        shown_for={"surface": ["deepmesh"]},
        help="Steps in which the network learns the shape to begin with.",
    )  # fmt: skip
    template: Literal["flexicubes", "tetrahedra"] = parameter(
        "flexicubes", title="Template", advanced=True, shown_for={"surface": ["g-shell"]},
        help="The closed surface of which the open one is a part. flexicubes: a dual mesh, for details. tetrahedra: "
        "marching tetrahedra.",
    )  # fmt: skip
    widest_hole: float = parameter(
        2.0, title="Holes up to", unit="%", ge=0.0, le=100.0, soft_max=20.0, advanced=True,
        shown_for={"surface": ["g-shell"]},
        help="Openings of the target no wider than this (percent of its longest side) are holes, and are closed. "
        "Wider ones stay open.",
    )  # fmt: skip
