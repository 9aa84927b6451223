"""Heat sinks: four free-form fins on a base that is heated from below, cooled by the air round them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.regression.data.border import anchored_loop, border_loops
from engine.regression.data.checking import describe, topology
from engine.regression.data.dataset import DatasetError, Sample
from engine.regression.generation.conduction import conduct
from engine.regression.generation.grids import cut_cells
from engine.regression.morphing.circle_map import facing_up

UNITS = {
    "length": "mm", "temperature": "K", "heat flux": "W/cm²", "conductivity": "W/(m K)", "convection": "W/(m² K)",
    "highest temperature": "K", "thermal resistance": "K m/W",
}  # fmt: skip

FINS = 4
WIDTH = 40.0
"""Of every base [mm]."""

FLUX = 1.0
"""Through the base [W/cm²]; temperatures are proportional to it."""

PITCH = WIDTH / FINS


@dataclass(frozen=True)
class Fin:
    """root : where its middle stands [mm]; the other lengths are of its middle line and its flanks [mm]

    Upwards, by the part s of its height, its middle is at root + lean s², and it is as wide as a straight line from
    root_width to tip_width, and the bulge sin πs on either side.
    """

    root: float
    height: float
    root_width: float
    tip_width: float
    lean: float
    bulge: float

    def flanks(self, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """x of the left and of the right flank."""
        middle = self.root + self.lean * share**2
        half = 0.5 * (self.root_width + (self.tip_width - self.root_width) * share) + self.bulge * np.sin(np.pi * share)
        return middle - half, middle + half


def heat_sink(index: int, *, seed: int) -> Sample:
    """Heat sink number `index` of the data set with this seed, solved: the same whoever makes it, in whatever order.

    Meshes have 1,200 to 2,000 nodes.
    """
    generator = np.random.default_rng([seed, index])
    base, fins = float(generator.uniform(3.0, 8.0)), tuple(draw_fin(k, generator) for k in range(FINS))
    counts = [int(generator.integers(*each)) for each in ((5, 7), (4, 6), (6, 9), (34, 44))]
    nodes, triangles, anchors = heat_sink_mesh(base, fins, *counts)
    inputs = {
        "conductivity": float(np.exp(generator.uniform(np.log(40.0), np.log(200.0)))),
        "convection": float(np.exp(generator.uniform(np.log(50.0), np.log(200.0)))),
    }
    return solve_heat_sink(Sample(f"heat sink {index}", nodes, triangles, inputs=inputs, anchors=anchors))


def draw_fin(place: int, generator: np.random.Generator) -> Fin:
    """The fin at a place from left to right; fins never meet."""
    root_width = generator.uniform(2.0, 4.0)
    return Fin(
        root=-WIDTH / 2 + (place + 0.5) * PITCH + generator.uniform(-0.8, 0.8),
        height=generator.uniform(12.0, 28.0),
        root_width=root_width,
        tip_width=root_width * generator.uniform(0.45, 1.0),
        lean=generator.uniform(-1.2, 1.2),
        bulge=generator.uniform(-0.4, 0.6),
    )


def heat_sink_mesh(
    base: float, fins: tuple[Fin, ...], fin_cells: int, gap_cells: int, base_cells: int, rows: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes, triangles and anchors of a base of that thickness with its fins.

    fin_cells, gap_cells : across each fin and between two
    base_cells, rows : up the base and up a fin

    Anchors: the corners, counter-clockwise from the base's left one at the bottom.
    """
    roots = [each for fin in fins for each in (fin.root - fin.root_width / 2, fin.root + fin.root_width / 2)]
    ends = [-WIDTH / 2, *roots, WIDTH / 2]
    cells = [fin_cells if k % 2 else gap_cells for k in range(len(ends) - 1)]
    across = np.concatenate(
        [*(np.linspace(a, b, n + 1)[:-1] for a, b, n in zip(ends[:-1], ends[1:], cells, strict=True)), [ends[-1]]]
    )
    grid = np.stack(np.meshgrid(across, np.linspace(0.0, base, base_cells + 1)), axis=-1)
    index = np.arange(grid.shape[0] * grid.shape[1]).reshape(grid.shape[:2])
    nodes, triangles = [grid.reshape(-1, 2)], [cut_cells(index)]
    begin, tops = np.cumsum([0, *cells]), []
    count = index.size
    for k, fin in enumerate(fins):
        root = index[-1, begin[2 * k + 1] : begin[2 * k + 2] + 1]
        share = np.linspace(0.0, 1.0, rows + 1)[1:, None]
        left, right = fin.flanks(share)
        part = np.linspace(0.0, 1.0, fin_cells + 1)
        nodes.append(
            np.stack(
                [left + (right - left) * part, np.repeat(base + fin.height * share, fin_cells + 1, axis=1)], axis=-1
            ).reshape(-1, 2)
        )
        own = count + np.arange(rows * (fin_cells + 1)).reshape(rows, fin_cells + 1)
        triangles.append(cut_cells(np.concatenate([root[None], own])))
        tops.append([root[-1], own[-1, -1], own[-1, 0], root[0]])
        count += own.size
    anchors = [index[0, 0], index[0, -1], index[-1, -1], *(node for top in tops[::-1] for node in top), index[-1, 0]]
    return np.concatenate(nodes), np.concatenate(triangles), np.array(anchors)


def solve_heat_sink(sample: Sample) -> Sample:
    """The same with fields and outputs: a part that is heated along its border from the first to the second anchor,
    and cooled elsewhere.

    Raises `DatasetError` for a mesh with holes, or without anchors or scalars; `FormwrightError` without scikit-fem.
    """
    found = topology(sample)
    if found != (1, 1, 1):
        raise DatasetError(f"{sample.name} has {describe(found)}; a heat sink is one part without holes.")
    for name in ("conductivity", "convection"):
        if name not in sample.inputs:
            raise DatasetError(f"{sample.name} has no {name}.", remedy="Give this scalar.")
    if len(sample.anchors) < 2:
        raise DatasetError(f"{sample.name} has fewer than two anchors: nobody knows where it is heated.")
    (loop,) = border_loops(facing_up(sample), sample.name)
    border, places = anchored_loop(sample, loop, sample.anchors)
    heat = conduct(
        sample.nodes, sample.triangles, border[: places[1] + 1],
        conductivity=1e-3 * sample.inputs["conductivity"], convection=1e-6 * sample.inputs["convection"],
        flux=1e-2 * FLUX,
    )  # fmt: skip
    return replace(
        sample,
        fields={"temperature": heat.temperature, "heat flux": 100.0 * heat.flux},
        outputs={
            "highest temperature": float(heat.temperature.max()),
            # Per metre of depth.
            "thermal resistance": heat.heated_mean / (1000.0 * heat.entering),
        },
    )
