"""Terms of studies on simulations: values that are known, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from engine.core.device import Device
from engine.core.errors import ParameterError
from engine.geometry.frame import Frame
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.objectives.moving import MotionContext, MotionEvaluation, MovingBody, Pattern, vertex_shares
from engine.objectives.recorded import RecordedMotion
from engine.objectives.target_shape import TargetShape
from engine.objectives.term import Term, TermContext, build_term, term_entries
from engine.protocol.study import TermSpec

CPU = Device("cpu")
STEP = 0.1
SQUARE = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
FACES = torch.tensor([[0, 1, 2], [0, 2, 3]])
BODY = MovingBody(slice(0, 4), FACES, vertex_shares(SQUARE, FACES))


def context(study: str, **more: Any) -> MotionContext:
    return MotionContext(Frame((0.0, 0.0, 0.0), 1e-3), None, CPU, study, {"cloth": BODY}, **more)


def rising(steps: int = 4, speed: float = 0.02) -> MotionEvaluation:
    """A square of 1 m that rises evenly."""
    heights = speed * STEP * torch.arange(steps + 1, dtype=torch.float64)
    positions = SQUARE + heights[:, None, None] * torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    return MotionEvaluation(positions, STEP, {"cloth": BODY})


def make(kind: str, around: TermContext, **parameters: Any) -> Term:
    return build_term(TermSpec(kind=kind, name=kind, parameters=parameters), around)


def value(term: Term, evaluation: MotionEvaluation) -> float:
    return float(term.evaluate(evaluation, None))


def test_positions_between_steps_lie_on_straight_lines() -> None:
    motion = rising()
    heights = motion.at(torch.tensor([0.0, 0.15, 0.4, 9.0], dtype=torch.float64))[:, 0, 2]
    assert heights.tolist() == pytest.approx([0.0, 0.003, 0.008, 0.008], abs=1e-15)


def test_recorded_vertices_are_compared_at_their_times() -> None:
    """Recorded 5 mm beside where the motion is, between two steps."""
    places = torch.stack([SQUARE[0] + torch.tensor([0.005, 0.0, 0.003]), SQUARE[2] + torch.tensor([0.0, 0.0, 0.008])])
    recording = RecordedMotion(torch.tensor([0.15, 0.4], dtype=torch.float64), places.double(), torch.tensor([0, 2]))
    term = make("recorded-vertices", context("identify", recording=recording))
    assert value(term, rising()) == pytest.approx(0.5 * 25.0)


def test_recorded_points_are_compared_with_the_surface() -> None:
    points = torch.tensor([[0.3, 0.6, 0.012], [0.7, 0.1, 0.008]], dtype=torch.float64)
    recording = RecordedMotion(torch.full((2,), 0.4, dtype=torch.float64), points)
    assert value(make("recorded-surface", context("identify", recording=recording)), rising()) == pytest.approx(8.0)
    with pytest.raises(ParameterError, match="which vertex"):
        make("recorded-vertices", context("identify", recording=recording))


def test_a_shape_beside_the_end_is_as_far_as_it_is() -> None:
    """The target lies parallel, 2 mm above the end."""
    raised = Mesh(1e3 * (SQUARE.numpy() + np.array([0.0, 0.0, 0.010])), FACES.numpy())
    around = context("hold", shape=TargetShape(raised, CPU))
    assert value(make("end-shape", around), rising()) == pytest.approx(4.0)
    assert value(make("end-shape", around, pairing="vertices"), rising()) == pytest.approx(4.0)


def test_both_ways_count_for_a_shape() -> None:
    """A scan of a part of the sheet: every scanned point is on it, and most of the sheet is away from the scan."""
    scan = Points(1e3 * np.array([[0.0, 0.0, 0.008], [1.0, 0.0, 0.008]]))
    found = value(make("end-shape", context("fold", shape=TargetShape(scan, CPU))), rising())
    # Vertices 2 and 3 are a metre away, with a half of the area; the way from the scan is 0.
    assert found == pytest.approx(0.5 * 0.5 * 1e6)


def test_a_mesh_of_other_vertices_cannot_be_paired() -> None:
    other = Mesh(1e3 * SQUARE.numpy()[:3], FACES.numpy()[:1])
    with pytest.raises(ParameterError, match="4 vertices, and the target 3"):
        make("end-shape", context("hold", shape=TargetShape(other, CPU)), pairing="vertices")


def test_a_point_at_the_end_moves_with_its_target() -> None:
    term = make("end-point", context("hold"), vertex=1, target=(1000.0, 0.0, 5.0))
    assert value(term, rising()) == pytest.approx(9.0)
    term.changed(type(term).Parameters.parse({"vertex": 1, "target": (1000.0, 4.0, 5.0)}, owner="end-point"))
    assert value(term, rising()) == pytest.approx(25.0)
    with pytest.raises(ParameterError, match="4 vertices"):
        term.changed(type(term).Parameters.parse({"vertex": 4}, owner="end-point"))
    assert value(term, rising()) == pytest.approx(25.0), "what is refused changes nothing"


def test_an_even_motion_is_calm_and_a_limit_counts_from_where_it_is() -> None:
    times = STEP * torch.arange(6, dtype=torch.float64)
    even = torch.zeros(6, 6, dtype=torch.float64)
    even[:, 0] = 0.3 * times
    assert value(make("calm-motion", context("hold")), replace(rising(5), poses={"g": even})) == pytest.approx(
        0.0, abs=1e-20
    )
    limit = make("speed-limit", context("hold"), limit=0.2)
    assert value(limit, replace(rising(5), poses={"g": even})) == pytest.approx(0.25)
    assert value(limit, replace(rising(5), poses={"g": 0.5 * even})) == 0.0
    falling = torch.zeros(6, 6, dtype=torch.float64)
    falling[:, 2] = 0.5 * 3.0 * times**2
    calm = make("calm-motion", context("hold"))
    assert value(calm, replace(rising(5), poses={"g": falling})) == pytest.approx(9.0)
    turning = torch.zeros(6, 6, dtype=torch.float64)
    turning[:, 4] = 0.5 * 20.0 * times**2
    assert value(calm, replace(rising(5), poses={"g": turning})) == pytest.approx((20.0 * 0.05) ** 2)


def test_a_pattern_that_grows_costs_as_one_that_shrinks() -> None:
    flat = SQUARE[:, :2]
    term = make("even-pattern", context("flat-pattern"))

    def stretched(factor: float, triangles: torch.Tensor = FACES) -> float:
        return value(term, replace(rising(), pattern=Pattern(flat, factor * flat, triangles)))

    assert stretched(1.0) == pytest.approx(0.0, abs=1e-15)
    assert stretched(2.0) == pytest.approx((4.0 + 0.25) / 2.0 - 1.0)
    assert stretched(2.0) == pytest.approx(stretched(0.5))
    assert stretched(2.0, FACES[:, [0, 2, 1]]) == pytest.approx(stretched(2.0)), "whichever way it is wound"
    mirrored = flat * torch.tensor([-1.0, 1.0], dtype=torch.float64)
    assert value(term, replace(rising(), pattern=Pattern(flat, mirrored, FACES))) == float("inf")


def test_folds_cost_by_their_squares() -> None:
    angles = torch.tensor([0.3, -0.4], dtype=torch.float64)
    assert value(make("gentle-folds", context("fold")), replace(rising(), fold_angles=angles)) == pytest.approx(0.125)


@pytest.mark.parametrize(
    ("kind", "study", "said"),
    [
        ("fit", "hold", "does not serve"),
        ("calm-motion", "reconstruct", "does not serve"),
        ("recorded-vertices", "identify", "no recording"),
        ("end-shape", "hold", "no target"),
    ],
)
def test_terms_refuse_what_they_cannot_serve(kind: str, study: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        make(kind, context(study))


def test_a_body_that_is_not_there_is_named() -> None:
    with pytest.raises(ParameterError, match="no body 'table'"):
        make("end-point", context("hold"), body="table")


def test_every_kind_says_which_studies_it_serves() -> None:
    by_kind = {entry.kind: entry.studies for entry in term_entries()}
    assert by_kind["fit"] == ["reconstruct", "complete"] and by_kind["end-shape"] == ["hold", "flat-pattern", "fold"]
    assert all(studies for studies in by_kind.values())
