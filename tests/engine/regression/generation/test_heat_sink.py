"""Heat sinks: conduction against the fin equation, and the samples that are made with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import FormwrightError
from engine.regression.data.checking import check_sample, topology
from engine.regression.data.dataset import DatasetError, Sample
from engine.regression.generation.catalogue import GENERATORS
from engine.regression.generation.conduction import conduct
from engine.regression.generation.grids import cut_cells
from engine.regression.generation.heat_sink import FLUX, WIDTH, heat_sink, solve_heat_sink
from engine.regression.morphing.quality import triangle_quality
from tests.engine.regression.morphing.test_morph import ring

pytest.importorskip("skfem")


@pytest.fixture(scope="module")
def sample() -> Sample:
    return heat_sink(3, seed=0)


def strip(width: float, length: float, across: int = 5, along: int = 61) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    grid = np.stack(np.meshgrid(np.linspace(0.0, width, across), np.linspace(0.0, length, along)), axis=-1)
    index = np.arange(across * along).reshape(along, across)
    return grid.reshape(-1, 2), cut_cells(index), index[0]


def test_a_fin_cools_along_its_length_as_the_fin_equation_says() -> None:
    conductivity, convection, flux, width, length = 0.2, 1e-4, 1e-2, 2.0, 30.0
    nodes, triangles, root = strip(width, length)
    heat = conduct(nodes, triangles, root, conductivity=conductivity, convection=convection, flux=flux)
    rate = np.sqrt(2.0 * convection / (conductivity * width))
    end, wave = convection / (rate * conductivity), np.tanh(rate * length)
    top = flux / (conductivity * rate) * (1.0 + end * wave) / (wave + end)
    left = length - nodes[:, 1]
    along = np.cosh(rate * left) + end * np.sinh(rate * left)
    expected = top * along / (np.cosh(rate * length) + end * np.sinh(rate * length))
    assert np.abs(heat.temperature - expected).max() < 2.0 * (convection * width / conductivity) * top
    assert heat.leaving == pytest.approx(heat.entering, rel=1e-10)
    assert heat.entering == pytest.approx(flux * width)


def test_heat_flows_straight_through_a_slab() -> None:
    """Cooled on its sides too little to matter, and much at its top: a straight line of temperatures."""
    nodes, triangles, root = strip(50.0, 1.0, across=81, along=5)
    heat = conduct(nodes, triangles, root, conductivity=0.1, convection=1e-2, flux=2e-2)
    middle = np.abs(nodes[:, 0] - 25.0) < 3.0
    expected = 2e-2 / 1e-2 + 2e-2 / 0.1 * (1.0 - nodes[:, 1])
    # The ends are felt to e^(−22 / 3.2).
    assert np.abs(heat.temperature - expected)[middle].max() < 2e-3 * expected.max()
    assert np.abs(heat.flux - 2e-2)[middle].max() < 1e-3 * 2e-2


def test_samples_are_sound_and_the_same_again(sample: Sample) -> None:
    check_sample(sample)
    assert topology(sample) == (1, 1, 1) and len(sample.anchors) == 20
    flipped, angle = triangle_quality(sample.nodes, sample.triangles)
    assert flipped == 0 and angle > 5.0
    again = heat_sink(3, seed=0)
    assert np.array_equal(again.nodes, sample.nodes) and again.outputs == sample.outputs
    assert heat_sink(4, seed=0).node_count != sample.node_count
    temperature = sample.fields["temperature"]
    assert (temperature > 0.0).all() and sample.outputs["highest temperature"] == temperature.max()
    # The resistance is that of the base's mean, so no more than that of the hottest place.
    heat = FLUX * 1e4 * WIDTH * 1e-3
    assert 0.8 * temperature.max() < sample.outputs["thermal resistance"] * heat <= temperature.max()


def test_more_air_cools_and_the_border_that_is_heated_is_that_of_the_anchors(sample: Sample) -> None:
    windy = solve_heat_sink(replace(sample, inputs={**sample.inputs, "convection": 400.0}))
    assert windy.outputs["highest temperature"] < sample.outputs["highest temperature"]
    # Moved and finer or coarser elsewhere, the base is still between its first two anchors.
    shifted = solve_heat_sink(replace(sample, nodes=sample.nodes + 100.0))
    assert shifted.outputs["thermal resistance"] == pytest.approx(sample.outputs["thermal resistance"], rel=1e-9)
    bottom = sample.nodes[:, 1] < 1e-9
    assert sample.fields["heat flux"][bottom].mean() == pytest.approx(FLUX, rel=0.15)


def test_the_family_solves_a_shape_that_nobody_drew(sample: Sample) -> None:
    solve = GENERATORS["heat-sink"].solve
    assert solve is not None
    bare = solve(replace(sample, fields={}, outputs={}))
    assert bare.outputs == sample.outputs
    taller = solve(replace(sample, nodes=sample.nodes * [1.0, 1.3]))
    assert taller.outputs["thermal resistance"] < sample.outputs["thermal resistance"]


def test_what_is_no_heat_sink_is_refused(sample: Sample) -> None:
    with pytest.raises(DatasetError, match="heat sink 3 has no convection"):
        solve_heat_sink(replace(sample, inputs={"conductivity": 100.0}))
    with pytest.raises(DatasetError, match="heat sink 3 has fewer than two anchors"):
        solve_heat_sink(replace(sample, anchors=sample.anchors[:1]))
    with pytest.raises(DatasetError, match="one part without holes"):
        solve_heat_sink(ring())
    with pytest.raises(FormwrightError, match="above 0"):
        solve_heat_sink(replace(sample, inputs={"conductivity": -1.0, "convection": 100.0}))
