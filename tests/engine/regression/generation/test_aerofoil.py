"""Aerofoils: the panel method against flows in closed form, and the samples that are made with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import FormwrightError
from engine.regression.data.checking import check_sample, topology
from engine.regression.data.dataset import DatasetError, Sample
from engine.regression.generation.aerofoil import LEAST_THICKNESS, aerofoil, draw_sides, height, solve_aerofoil
from engine.regression.generation.catalogue import GENERATORS
from engine.regression.generation.karman_trefftz import KarmanTrefftz
from engine.regression.generation.panel_method import REFINEMENT, flow_round
from engine.regression.morphing.quality import triangle_quality

ANGLE = np.radians(5.0)


@pytest.fixture(scope="module")
def sample() -> Sample:
    return aerofoil(1, seed=0)


def pressure_error(truth: KarmanTrefftz, nodes: int) -> float:
    circle = truth.circle(nodes)
    flow = flow_round(truth.outline(circle), truth.angle)
    pressure = 1.0 - np.abs(flow.surface_velocity()[:-1:REFINEMENT]) ** 2
    return float(np.abs(pressure - 1.0 + np.abs(truth.velocity(circle)) ** 2)[1:].mean())


@pytest.mark.parametrize(("edge", "order"), [(np.radians(12.0), 1.5), (0.0, 0.9)])
def test_pressure_comes_to_that_of_theory_as_panels_get_shorter(edge: float, order: float) -> None:
    """Of the second order where the edge has an angle; Joukowski's cusp makes it the first."""
    coarse, fine = (pressure_error(KarmanTrefftz(edge, ANGLE), nodes) for nodes in (60, 120))
    assert fine < 0.004 and np.log2(coarse / fine) > order


def test_joukowski_lift_and_no_drag() -> None:
    truth = KarmanTrefftz(0.0, ANGLE)
    flow = flow_round(truth.outline(truth.circle(160)), ANGLE)
    force = flow.force() * np.exp(-1j * ANGLE)
    assert abs(flow.circulation / truth.circulation - 1.0) < 0.005
    assert abs(force.imag / (-2.0 * flow.circulation) - 1.0) < 0.005 and abs(force.real) < 0.005 * force.imag


def test_the_flow_runs_along_the_outline_and_is_that_of_far_away_there(sample: Sample) -> None:
    flow = flow_round(sample.nodes[: sample.anchors[1] * 2], np.radians(3.0))
    middles = 0.5 * (flow.corners[1:] + flow.corners[:-1])
    sides = np.diff(flow.corners)
    through = (flow.velocity(middles) * np.conj(-1j * sides / np.abs(sides))).real
    assert np.abs(through).max() < 1e-12
    far = flow.velocity(np.array([1e6 + 0j, -1e6j]))
    assert np.allclose(far, np.exp(1j * np.radians(3.0)), atol=1e-6)


def test_samples_are_sound_and_the_same_again(sample: Sample) -> None:
    check_sample(sample)
    assert topology(sample) == (1, 0, 2)
    flipped, angle = triangle_quality(sample.nodes, sample.triangles)
    assert flipped == 0 and angle > 0.5
    assert 1900 <= sample.node_count <= 2500
    again = aerofoil(1, seed=0)
    assert np.array_equal(again.nodes, sample.nodes) and again.outputs == sample.outputs
    assert aerofoil(2, seed=0).outputs != sample.outputs
    # Its pressure is Bernoulli's, at most 1, and nearly reached where the flow divides.
    pressure = sample.fields["pressure coefficient"]
    speed = np.hypot(sample.fields["u"], sample.fields["v"])
    assert np.allclose(pressure, 1.0 - speed**2) and 0.9 < pressure.max() <= 1.0


def test_the_family_solves_a_shape_that_nobody_drew(sample: Sample) -> None:
    solve = GENERATORS["aerofoil"].solve
    assert solve is not None
    bare = solve(replace(sample, fields={}, outputs={}))
    assert bare.outputs == sample.outputs and np.array_equal(bare.fields["u"], sample.fields["u"])
    bent = sample.nodes + np.stack([np.zeros(sample.node_count), 0.02 * np.sin(3.0 * sample.nodes[:, 0])], axis=1)
    assert solve(replace(sample, nodes=bent)).outputs["lift coefficient"] != sample.outputs["lift coefficient"]


def test_lift_grows_with_the_angle_and_upside_down_is_its_mirror(sample: Sample) -> None:
    steeper = solve_aerofoil(replace(sample, inputs={"angle of attack": sample.inputs["angle of attack"] + 1.0}))
    slope = (steeper.outputs["lift coefficient"] - sample.outputs["lift coefficient"]) / np.radians(1.0)
    assert 2.0 * np.pi < slope < 1.2 * 2.0 * np.pi
    mirrored = replace(
        sample, nodes=sample.nodes * [1.0, -1.0], inputs={"angle of attack": -sample.inputs["angle of attack"]}
    )
    down = solve_aerofoil(mirrored)
    assert down.outputs["lift coefficient"] == pytest.approx(-sample.outputs["lift coefficient"], rel=1e-6)
    assert down.outputs["moment coefficient"] == pytest.approx(-sample.outputs["moment coefficient"], rel=1e-6)


def test_size_does_not_matter(sample: Sample) -> None:
    grown = solve_aerofoil(replace(sample, nodes=7.0 * sample.nodes + 2.0))
    for name, value in sample.outputs.items():
        assert grown.outputs[name] == pytest.approx(value, rel=1e-8)
    assert np.allclose(grown.fields["u"], sample.fields["u"], atol=1e-8)


def test_sides_never_meet() -> None:
    x = np.linspace(0.1, 0.9, 30)
    for seed in range(50):
        upper, lower = draw_sides(np.random.default_rng(seed))
        assert (height(x, upper) + height(x, lower)).min() > 0.9 * LEAST_THICKNESS


def test_what_is_no_aerofoil_is_refused(sample: Sample) -> None:
    with pytest.raises(DatasetError, match="aerofoil 1 has no angle of attack"):
        solve_aerofoil(replace(sample, inputs={}))
    with pytest.raises(DatasetError, match="aerofoil 1 is no ring with the trailing"):
        solve_aerofoil(replace(sample, anchors=sample.anchors[2:]))
    with pytest.raises(FormwrightError, match="counter-clockwise"):
        flow_round(sample.nodes[: 2 * sample.anchors[1]][::-1], 0.0)
