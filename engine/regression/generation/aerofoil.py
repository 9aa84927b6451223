"""Aerofoils in inviscid flow: ten numbers of shape and the angle of attack, on a grid round each.

Outlines: Kulfan, Universal parametric geometry representation method, 2008: √x (1 − x) times Bernstein polynomials.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import comb

from engine.core.errors import FormwrightError
from engine.regression.data.dataset import DatasetError, Sample
from engine.regression.generation.grids import ring_triangles
from engine.regression.generation.panel_method import REFINEMENT, Flow, flow_round
from engine.regression.morphing.circle_map import CircleMesh, CircleOutline

UNITS = {
    "length": "m", "u": "", "v": "", "pressure coefficient": "", "angle of attack": "°", "lift coefficient": "",
    "moment coefficient": "",
}  # fmt: skip

FAR = 2.5
"""Radius of the grid's outer border, in chords."""

FIRST_STEP = 0.006
"""Height of the first row of cells, in chords."""

USUAL = np.array([0.171, 0.153, 0.162, 0.134, 0.142])
"""Weights of one side of an aerofoil that is 12 % thick (NACA 0012)."""

LEAST_THICKNESS = 0.015
"""Between the sides from 10 to 90 % of the chord."""


def aerofoil(index: int, *, seed: int) -> Sample:
    """Aerofoil number `index` of the data set with this seed, solved: the same whoever makes it, and in whatever order.

    Meshes have 1,900 to 2,500 nodes. The chord is 1 m, the leading edge at the origin; the speed far away is 1.
    """
    generator = np.random.default_rng([seed, index])
    upper, lower = draw_sides(generator)
    around, across = 2 * int(generator.integers(48, 54)), int(generator.integers(20, 24))
    angle = float(generator.uniform(-2.0, 8.0))
    nodes, triangles = aerofoil_mesh(upper, lower, around=around, across=across)
    outer = (across - 1) * around
    # Trailing and leading edge, and behind and in front of them on the outer border.
    anchors = np.array([0, around // 2, outer, outer + around // 2])
    return solve_aerofoil(
        Sample(f"aerofoil {index}", nodes, triangles, inputs={"angle of attack": angle}, anchors=anchors)
    )


def draw_sides(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the upper and of the lower side (downward), shape (5,): thickness, camber, and every weight a little.

    Drawn again while the sides come too near one another.
    """
    while True:
        thickness, camber = generator.uniform(0.08, 0.18), generator.uniform(0.0, 0.08)
        half = USUAL * thickness / 0.12
        line = camber * np.array([0.6, 0.9, 1.1, 1.0, 0.8])
        upper = half * (1.0 + generator.normal(0.0, 0.12, 5)) + line
        lower = half * (1.0 + generator.normal(0.0, 0.12, 5)) - line
        middle = np.linspace(0.1, 0.9, 50)
        if (height(middle, upper) + height(middle, lower)).min() > LEAST_THICKNESS and (upper[0] + lower[0]) > 0.1:
            return upper, lower


def height(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Of a side above the chord, at places along it in [0, 1]."""
    order = len(weights) - 1
    k = np.arange(order + 1)
    polynomials = comb(order, k) * x[..., None] ** k * (1.0 - x[..., None]) ** (order - k)
    return np.asarray(np.sqrt(x) * (1.0 - x) * (polynomials @ weights))


def aerofoil_outline(upper: np.ndarray, lower: np.ndarray, around: int) -> np.ndarray:
    """Nodes counter-clockwise from the trailing edge, shape (around, 2); `around` is even."""
    turn = np.arange(around) / (around // 2)
    # From the trailing edge in even steps, ever denser to the leading edge.
    way = 1.0 - np.abs(1.0 - turn)
    x = (1.0 - way) ** 2 * (1.0 + 1.5 * way)
    return np.stack([x, np.where(turn <= 1.0, height(x, upper), -height(x, lower))], axis=1)


def aerofoil_mesh(upper: np.ndarray, lower: np.ndarray, *, around: int, across: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and triangles of a grid from the outline to a circle; row by row, each counter-clockwise from the trailing
    edge (in the outer rows from behind it). `around` is even."""
    turn = 2.0 * np.pi * np.arange(around) / around
    far = np.array([0.5, 0.0]) + FAR * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    rows = np.concatenate([[0.0], np.cumsum(_growth(across - 1) ** np.arange(across - 1))])
    share = (rows / rows[-1])[:, None, None]
    nodes = (aerofoil_outline(upper, lower, around) * (1.0 - share) + far * share).reshape(-1, 2)
    return nodes, ring_triangles(across, around)


def solve_aerofoil(sample: Sample) -> Sample:
    """The same with fields and outputs: the flow round the inner border of any ring, its first two anchors the trailing
    and the leading edge.

    Raises `DatasetError` for a mesh that is no ring or lacks them, `FormwrightError` where there is no such flow.
    """
    mesh = CircleOutline.prepare(sample)
    outline = _outline(sample, mesh)
    if "angle of attack" not in sample.inputs:
        raise DatasetError(f"{sample.name} has no angle of attack.", remedy="Give this scalar.")
    flow = flow_round(sample.nodes[outline], np.radians(sample.inputs["angle of attack"]))
    velocity = np.zeros(sample.node_count, complex)
    velocity[outline] = flow.surface_velocity()[:-1:REFINEMENT]
    off = np.setdiff1d(np.arange(sample.node_count), outline)
    velocity[off] = flow.velocity(sample.nodes[off] @ np.array([1.0, 1j]))
    if not np.isfinite(velocity).all():
        raise FormwrightError(f"{sample.name}: the flow is not a number at some nodes.")
    return replace(
        sample,
        fields={"u": velocity.real, "v": velocity.imag, "pressure coefficient": 1.0 - np.abs(velocity) ** 2},
        outputs=coefficients(flow, *(sample.nodes[sample.anchors[k]] for k in (1, 0))),
    )


def coefficients(flow: Flow, leading: np.ndarray, trailing: np.ndarray) -> dict[str, float]:
    """Lift, and moment round a quarter of the chord, nose up."""
    nose, tail = complex(*leading), complex(*trailing)
    chord = abs(tail - nose)
    return {
        "lift coefficient": -2.0 * flow.circulation / chord,
        "moment coefficient": -flow.moment(nose + 0.25 * (tail - nose)) / chord**2,
    }


def _outline(sample: Sample, mesh: CircleMesh) -> np.ndarray:
    """Nodes of the inner border, counter-clockwise from the trailing edge on."""
    if len(mesh.loops) != 2 or len(sample.anchors) < 2 or not np.isin(sample.anchors[:2], mesh.loops[1]).all():
        raise DatasetError(
            f"{sample.name} is no ring with the trailing and the leading edge as first anchors on its inner border."
        )
    loop = mesh.loops[1]
    return np.roll(loop[::-1], -int(np.flatnonzero(loop[::-1] == sample.anchors[0])[0]))


def _growth(rows: int) -> float:
    """Of the rows' heights from one to the next, so that the first is `FIRST_STEP` and all reach the outer border."""
    reach = FAR - 0.5
    return float(brentq(lambda ratio: FIRST_STEP * (ratio**rows - 1.0) / (ratio - 1.0) - reach, 1.01, 3.0))
