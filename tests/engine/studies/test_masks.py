"""Masks and freezing in a Run: steered while it goes on, taken back, continued bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.core.device import Device
from engine.core.errors import ParameterError
from engine.geometry.distance import TriangleIndex
from engine.objectives.verification import cube
from engine.optimization.run import Run
from engine.protocol import edits as edit_kinds
from engine.protocol.edits import (
    AddTerm,
    Edit,
    PaintFreeze,
    RemoveMask,
    RemoveTerm,
    SetFrozen,
    SetMask,
    SetParameter,
    SetTermMask,
)
from engine.protocol.snapshot import EditApplied, EditRefused, ProblemRaised
from engine.protocol.study import OptimizerSpec, Study, TermSpec
from engine.studies.reconstruct import ReconstructProblem
from engine.studies.registry import build_problem

SIDE = 20.0
CENTRE = np.array([100.0, -50.0, 30.0])
BLOCK = cube(SIDE, (100.0, -50.0, 30.0))


def problem(terms: list[TermSpec] | None = None, **parameters: Any) -> ReconstructProblem:
    values = {"resolution": 16, "iterations": 60, "samples": 1000, "device": "cpu", **parameters}
    built = build_problem(Study(parameters=values, terms=terms or []), {"target": BLOCK})
    assert isinstance(built, ReconstructProblem)
    return built


def run_of(built: ReconstructProblem, **options: Any) -> Run:
    return Run(built, OptimizerSpec(**options), built.iterations)


def descend(run: Run, steps: int) -> None:
    for _ in range(steps):
        assert run.step(), run.take_events()


def face_points(count: int = 9, part: float = 1.0) -> np.ndarray:
    """A lattice on the top of the block, over the middle `part` of it [mm]."""
    side = np.linspace(-0.5, 0.5, count) * SIDE * part
    x, y = np.meshgrid(side, side)
    return CENTRE + np.stack([x.ravel(), y.ravel(), np.full(x.size, SIDE / 2)], axis=1)


def top_mask(name: str = "top", value: float = 1.0, reach: float = 4.0) -> SetMask:
    points = face_points()
    return SetMask(name=name, points=points, values=np.full(len(points), value), reach=reach)


def distances(built: ReconstructProblem, points: np.ndarray) -> np.ndarray:
    mesh = built.result_mesh()
    return TriangleIndex(mesh.vertices, mesh.triangles, Device("cpu")).closest(points).distances.numpy()


# -- no-go ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_term", [True, False])
def test_the_surface_keeps_its_distance_from_a_no_go_region(with_term: bool) -> None:
    """A patch of the block's top needs 2 mm of room, where the block itself wants to be."""
    built = problem(iterations=100)
    run = run_of(built)
    region = face_points(7, part=0.4)
    run.send(SetMask(name="screw head", points=region, values=np.ones(len(region)), reach=1.0))
    if with_term:
        spec = TermSpec(kind="no-go", name="room", weight=20.0, parameters={"distance": 2.0}, mask="screw head")
        run.send(AddTerm(spec=spec))
    descend(run, 100)
    gap = float(distances(built, region).min())
    if not with_term:
        assert gap < 0.1, "without the Term the surface goes where the target is"
        return
    assert gap > 1.9
    assert not covered(built, region).any(), "the region lies outside the material"
    corners = CENTRE + SIDE / 2 * np.array([[1.0, 1.0, -1.0], [-1.0, 1.0, -1.0], [1.0, -1.0, -1.0]])
    assert distances(built, corners).max() < 0.5, "elsewhere the block is as it was"


def covered(built: ReconstructProblem, points: np.ndarray) -> np.ndarray:
    mesh = built.result_mesh()
    index = TriangleIndex(mesh.vertices, mesh.triangles, Device("cpu"), winding=True)
    return (index.signed_distance(points) < 0.0).numpy()


# -- masks while it runs --------------------------------------------------------------------------------------------


def test_confidence_lets_a_part_of_the_target_go() -> None:
    """A handle and the target's top pull against each other; who is not believed gives way."""
    reached = {}
    top = CENTRE + np.array([0.0, 0.0, SIDE / 2])
    for outside in (1.0, 0.0):
        built = problem()
        run = run_of(built)
        points = np.concatenate([face_points(), BLOCK.vertices, face_points() - np.array([0.0, 0.0, SIDE])])
        values = np.concatenate([np.zeros(81), np.ones(8), np.ones(81)])
        run.send(SetMask(name="believed", points=points, values=values, reach=50.0))
        for term in ("fit", "normals"):
            run.send(SetTermMask(term=term, mask="believed", outside=outside))
        pull = {"anchor": tuple(top), "target": tuple(top - np.array([0.0, 0.0, 3.0])), "radius": 6.0}
        run.send(AddTerm(spec=TermSpec(kind="handle", name="handle", weight=1.0, parameters=pull)))
        descend(run, 50)
        reached[outside] = float(distances(built, top[None])[0])
    assert reached[0.0] > 2.0 > 4.0 * reached[1.0], reached


def test_a_mask_changes_the_loss_at_the_next_iteration() -> None:
    built = problem()
    run = run_of(built)
    descend(run, 2)
    whole = run.losses["term:fit"]
    run.send(SetMask(name="nothing", points=np.zeros((0, 3)), values=[], reach=1.0))
    run.send(SetTermMask(term="fit", mask="nothing"))
    descend(run, 1)
    assert run.losses["term:fit"] == 0.0
    run.send(SetTermMask(term="fit", mask="nothing", outside=0.5))
    descend(run, 1)
    assert run.losses["term:fit"] == pytest.approx(0.5 * whole, rel=0.5)
    run.send(SetMask(name="nothing", points=[tuple(CENTRE)], values=[1.0], reach=100.0))
    descend(run, 1)
    assert run.losses["term:fit"] == pytest.approx(whole, rel=0.5)


def test_the_spatial_index_of_a_mask_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.objectives import mask as masks

    made: list[int] = []
    original = masks.TriangleIndex

    class Counting(original):  # type: ignore[misc,valid-type]  # a class chosen at run time
        def __init__(self, positions: Any, *rest: Any) -> None:
            made.append(len(positions))
            super().__init__(positions, *rest)

    monkeypatch.setattr(masks, "TriangleIndex", Counting)
    built = problem()
    run = run_of(built)
    run.send(top_mask())
    for term in ("fit", "normals", "even-faces", "sign-changes"):
        run.send(SetTermMask(term=term, mask="top", outside=0.5))
    descend(run, 4)
    state = run.state()
    descend(run, 1)
    run.restore(state)
    descend(run, 2)
    assert made == [81]


def test_it_continues_with_masks_bit_for_bit() -> None:
    def steered() -> Run:
        return run_of(problem())

    run = steered()
    descend(run, 3)
    run.send(top_mask(value=0.5))
    run.send(SetTermMask(term="fit", mask="top", outside=0.25))
    run.send(PaintFreeze(centres=[tuple(BLOCK.vertices[0])], radius=4.0))
    spec = TermSpec(kind="no-go", name="room", weight=5.0, parameters={"distance": 1.0}, mask="top")
    run.send(AddTerm(spec=spec))
    descend(run, 3)
    state = run.state()
    descend(run, 5)

    other = steered()
    descend(other, 1)
    other.send(top_mask(value=0.1))
    descend(other, 1)
    other.restore(state)
    descend(other, 5)
    assert np.array_equal(other.problem.result_mesh().vertices, run.problem.result_mesh().vertices)  # type: ignore[attr-defined]
    assert other.losses == run.losses
    assert [spec.mask for spec in other.problem.terms()] == [spec.mask for spec in run.problem.terms()]
    inverse = other.problem.apply(RemoveTerm(term="room"))
    assert isinstance(inverse, AddTerm) and inverse.spec.mask == "top"


def test_a_state_with_masks_shares_their_arrays() -> None:
    """A History keeps an array once that is the same object in several states."""
    built = problem()
    built.apply(top_mask())
    (one,), (other,) = built.state()["masks"], built.state()["masks"]  # type: ignore[misc]
    assert one["points"] is other["points"] and one["points"].flags.owndata  # type: ignore[index,call-overload,union-attr]


# -- Edits and their inverses ---------------------------------------------------------------------------------------


def test_every_edit_of_masks_has_its_inverse() -> None:
    built = problem()
    edits: list[Edit] = [
        top_mask(),
        SetTermMask(term="fit", mask="top", outside=0.5),
        SetTermMask(term="fit", mask="top", outside=0.0),
        top_mask(value=0.3),
        AddTerm(spec=TermSpec(kind="no-go", name="room", mask="top")),
        top_mask(name="other"),
        RemoveMask(name="other"),
        RemoveTerm(term="room"),
    ]
    before, inverses = describe(built), []
    for edit in edits:
        inverse = built.apply(edit)
        assert inverse is not None
        inverses.append(inverse)
    assert describe(built) != before
    for inverse in reversed(inverses):
        built.apply(inverse)
    assert describe(built) == before


def describe(built: ReconstructProblem) -> tuple[object, ...]:
    state = built._terms.state()
    masks = [(m["name"], m["points"].tobytes(), m["values"].tobytes(), m["reach"]) for m in state["masks"]]  # type: ignore[union-attr,index,call-overload]
    return sorted(spec.model_dump_json() for spec in built.terms()), masks


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (SetTermMask(term="fit", mask="nose"), "no such mask.* There are top"),
        (SetTermMask(term="nothing", mask="top"), "no such Term"),
        (SetTermMask(term="field", mask="top"), "cannot have a mask.*Fit to target"),
        (SetTermMask(term="room", mask=""), "needs a mask"),
        (AddTerm(spec=TermSpec(kind="smoothness", name="calm", mask="nose")), "no such mask"),
        (AddTerm(spec=TermSpec(kind="volume", name="size", mask="top")), "cannot have a mask"),
        (AddTerm(spec=TermSpec(kind="no-go", name="more room")), "needs a mask"),
        (RemoveMask(name="nose"), "no such mask"),
        (RemoveMask(name="top"), "in use by normals, room"),
    ],
)
def test_an_edit_of_masks_that_makes_no_sense_changes_nothing(edit: Edit, said: str) -> None:
    built = problem()
    built.apply(top_mask())
    built.apply(SetTermMask(term="normals", mask="top"))
    built.apply(AddTerm(spec=TermSpec(kind="no-go", name="room", mask="top")))
    before = describe(built)
    with pytest.raises(ParameterError, match=said):
        built.apply(edit)
    assert describe(built) == before


def test_a_study_whose_mask_does_not_come_waits_for_it() -> None:
    """A study's file may name masks; they come with the first Edits."""
    terms = [TermSpec(kind="fit", name="fit", weight=10.0, mask="top", outside=0.5)]
    run = run_of(problem(terms))
    assert not run.step()
    (raised,) = [event for event in run.take_events() if isinstance(event, ProblemRaised)]
    assert "fit" in raised.message and '"top"' in raised.message and run.status == "paused"
    run.send(top_mask())
    run.send(edit_kinds.Resume())
    descend(run, 2)

    prompt = run_of(problem(terms))
    prompt.send(top_mask())
    descend(prompt, 2)
    assert prompt.losses == run.losses


def test_a_disabled_term_misses_no_mask() -> None:
    built = problem([TermSpec(kind="fit", name="fit", mask="top", enabled=False), TermSpec(kind="normals", name="n")])
    run = run_of(built)
    descend(run, 1)
    run.send(SetParameter(owner="fit", name="enabled", value=True))
    assert not run.step() and run.status == "paused"


# -- freezing -------------------------------------------------------------------------------------------------------


def strokes() -> list[PaintFreeze]:
    corner = BLOCK.vertices[7]
    return [
        PaintFreeze(centres=[tuple(corner)], radius=6.0),
        PaintFreeze(centres=[tuple(corner - np.array([6.0, 0.0, 0.0]))], radius=6.0),
        PaintFreeze(centres=[tuple(corner)], radius=2.0, frozen=False),
    ]


def frozen(built: ReconstructProblem) -> set[int]:
    cells = built.surface.state()["frozen_cells"]
    assert isinstance(cells, np.ndarray)
    return set(cells.tolist())


def test_undoing_a_stroke_does_not_thaw_what_another_one_froze() -> None:
    built = problem()
    run = run_of(built)
    sets, inverses = [frozen(built)], []
    for stroke in strokes():
        run.send(stroke)
        descend(run, 1)
        sets.append(frozen(built))
        inverses += [event.inverse for event in run.take_events() if isinstance(event, EditApplied)]
    assert sets[1] < sets[2] and sets[3] < sets[2] and sets[1] & sets[2] == sets[1]
    for inverse, expected in zip(reversed(inverses), reversed(sets[:-1]), strict=True):
        assert inverse is not None
        run.send(edit_kinds.EDIT.validate_python(inverse))
        descend(run, 1)
        assert frozen(built) == expected
        (applied,) = [event for event in run.take_events() if isinstance(event, EditApplied)]
        assert applied.inverse is not None, "and redoing is an inverse too"


def test_a_frozen_corner_keeps_every_bit_while_other_strokes_come_and_go() -> None:
    built = problem()
    run = run_of(built)
    first, second, _ = strokes()
    descend(run, 3)
    run.send(first)
    descend(run, 1)
    near = np.linalg.norm(built.result_mesh().vertices - BLOCK.vertices[7], axis=1) < 4.0
    before = {row.tobytes() for row in built.result_mesh().vertices[near]}
    assert len(before) >= 5
    for edit in (second, SetFrozen(strokes=[first]), SetFrozen(strokes=[first, second]), SetFrozen(strokes=[first])):
        run.send(edit)
        descend(run, 3)
        assert before <= {row.tobytes() for row in built.result_mesh().vertices}
    run.send(SetFrozen(strokes=[]))
    descend(run, 3)
    assert not frozen(built)
    assert not before <= {row.tobytes() for row in built.result_mesh().vertices}


def test_strokes_survive_a_state() -> None:
    run = run_of(problem())
    first, second, thawing = strokes()
    for stroke in (first, second):
        run.send(stroke)
    descend(run, 2)
    again = run_of(problem())
    again.restore(run.state())
    again.send(thawing)
    descend(again, 1)
    (applied,) = [event for event in again.take_events() if isinstance(event, EditApplied)]
    assert applied.inverse is not None
    assert edit_kinds.EDIT.validate_python(applied.inverse) == SetFrozen(strokes=[first, second])
    assert not [event for event in again.take_events() if isinstance(event, EditRefused)]
