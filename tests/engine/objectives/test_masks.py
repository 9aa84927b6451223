"""Masks: what they are at a place, and what they make of a Term."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.geometry.frame import Frame
from engine.geometry.points import Points
from engine.objectives.evaluation import Evaluation
from engine.objectives.mask import Mask, MaskWeight
from engine.objectives.target import MeshTarget, ScanTarget, Target
from engine.objectives.term import Term, TermContext, build_term, term_entries, term_kinds
from engine.objectives.verification import CPU, UNIT, cube, evaluation_of, extracted, sphere, upper_half
from engine.protocol.edits import SetMask
from engine.protocol.study import TermSpec
from engine.surfaces.flexicubes import FlexiCubes

NO_PLACES = {
    "field", "volume", "handle", "parts", "holes", "drag", "distances", "template-distance", "latent-prior", "eikonal",
}  # fmt: skip


def mask_of(points: object, values: object, reach: float = 1.0, frame: Frame = UNIT) -> Mask:
    return Mask(SetMask(name="nose", points=np.array(points), values=np.array(values), reach=reach), frame, CPU)


def at(mask: Mask, *places: tuple[float, float, float]) -> list[float]:
    found: list[float] = mask.at(torch.tensor(places, dtype=torch.float64)).tolist()
    return found


# -- a place --------------------------------------------------------------------------------------------------------


def test_a_mask_is_its_nearest_point_within_reach_and_nothing_beyond() -> None:
    mask = mask_of([[0.0, 0, 0], [1.0, 0, 0]], [0.25, 1.0], reach=0.75)
    assert at(mask, (0.1, 0, 0), (0.49, 0, 0), (0.51, 0, 0), (1.7, 0, 0)) == [0.25, 0.25, 1.0, 1.0]
    assert at(mask, (0.0, 0.75, 0.0)) == [0.25], "the reach itself belongs to it"
    assert at(mask, (0.0, 0.7501, 0.0), (9.0, 9.0, 9.0)) == [0.0, 0.0]


def test_points_and_reach_of_a_mask_are_world_millimetres() -> None:
    frame = Frame((1e6, -50.0, 3.0), 0.01)
    mask = mask_of([[1e6 + 10.0, -50.0, 3.0]], [1.0], reach=5.0, frame=frame)
    assert at(mask, (0.1, 0.049, 0.0), (0.1, 0.051, 0.0)) == [1.0, 0.0]


def test_a_mask_without_points_is_zero_everywhere() -> None:
    mask = mask_of(np.zeros((0, 3)), np.zeros(0))
    assert at(mask, (0.0, 0.0, 0.0)) == [0.0]
    assert not len(mask.region[0])


def test_resting_places_are_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    mask, places = mask_of([[0.0, 0, 0]], [1.0]), torch.zeros(3, 3, dtype=torch.float64)
    first = mask.at_resting(places)
    monkeypatch.setattr(mask, "at", lambda positions: pytest.fail("it was looked up again"))
    assert torch.equal(mask.at_resting(places), first)


# -- a Term ---------------------------------------------------------------------------------------------------------


def mesh_target() -> MeshTarget:
    return MeshTarget(cube(1.2), UNIT, CPU, sample_count=500, draw_count=1)


def scan_target() -> ScanTarget:
    mesh = sphere(0.8, 16)
    normals = mesh.vertices / np.linalg.norm(mesh.vertices, axis=1, keepdims=True)
    return ScanTarget(
        Points(mesh.vertices, normals), UNIT, CPU, sample_count=200,
        confidence=np.linspace(0.2, 1.0, mesh.vertex_count), reach=0.5,
    )  # fmt: skip


TARGETS: dict[str, Target] = {"mesh": mesh_target(), "scan": scan_target()}


def term_of(kind: str, target: Target | None = None, where: MaskWeight | None = None) -> Term:
    term = build_term(TermSpec(kind=kind, name=kind, mask="nose" if where else ""), TermContext(UNIT, target, CPU))
    term.where = where
    return term


def weighed(kind: str, where: MaskWeight | None, target: Target | None) -> tuple[float, Tensor]:
    """Value and gradient on the vertices of a rough sphere, or, of a Term on the grid, on its tensors."""
    if kind in ("fit", "normals", "smoothness"):
        surface = extracted(sphere(0.7, 8), jitter=0.02)
        value = term_of(kind, target, where).evaluate(evaluation_of(surface, target), None)
        return float(value.detach()), torch.autograd.grad(value, surface.vertices)[0]
    design = FlexiCubes.random(6, seed=3, inside_fraction=0.3, dtype=torch.float64)
    with torch.no_grad():
        design.tensors()["weights"].uniform_(-0.1, 0.1, generator=torch.Generator().manual_seed(0))
    value = term_of(kind, None, where).evaluate(evaluation_of(design.extract()), design)
    leaf = design.tensors()["weights" if kind == "quiet-weights" else "field"]
    return float(value.detach()), torch.autograd.grad(value, leaf)[0]


MASKABLE = [
    ("fit", "mesh"), ("fit", "scan"), ("normals", "mesh"), ("normals", "scan"), ("smoothness", ""),
    ("even-faces", ""), ("sign-changes", ""), ("quiet-weights", ""),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "target"), MASKABLE)
def test_a_masked_term_is_its_part_where_the_mask_is(kind: str, target: str) -> None:
    against = TARGETS.get(target)
    everywhere = mask_of([[0.0, 0, 0]], [1.0], reach=100.0)
    upper, edit = upper_half(lower=0.0), upper_half(lower=0.0).edit
    lower = Mask(edit.model_copy(update={"values": 1.0 - edit.values}), UNIT, CPU)
    whole = weighed(kind, None, against)
    assert whole[0] > 0.0
    assert weighed(kind, MaskWeight(everywhere), against)[0] == pytest.approx(whole[0], rel=1e-14)
    assert weighed(kind, MaskWeight(mask_of(np.zeros((0, 3)), [])), against)[0] == 0.0
    parts = [weighed(kind, MaskWeight(half), against) for half in (upper, lower)]
    assert 0.0 < parts[0][0] < whole[0]
    assert parts[0][0] + parts[1][0] == pytest.approx(whole[0], rel=1e-12)
    torch.testing.assert_close(parts[0][1] + parts[1][1], whole[1], rtol=1e-10, atol=1e-14)
    # Weighed with outside + (1 − outside) · mask.
    mixed = weighed(kind, MaskWeight(upper, 0.3), against)
    assert mixed[0] == pytest.approx(0.3 * whole[0] + 0.7 * parts[0][0], rel=1e-12)
    torch.testing.assert_close(mixed[1], 0.3 * whole[1] + 0.7 * parts[0][1], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("target", ["mesh", "scan"])
def test_where_the_target_is_not_believed_it_does_not_pull(target: str) -> None:
    _, gradient = weighed("fit", MaskWeight(upper_half(lower=0.0)), TARGETS[target])
    height = sphere(0.7, 8).vertices[:, 2]
    assert bool(gradient[height > 0.4].any(dim=1).all())
    assert not gradient[height < -0.4].any()


def test_terms_of_one_mask_ask_once_for_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    original = Mask.at

    def counting(self: Mask, positions: Tensor) -> Tensor:
        asked.append(len(positions))
        return original(self, positions)

    monkeypatch.setattr(Mask, "at", counting)
    target, where = mesh_target(), MaskWeight(upper_half())
    terms = [term_of(kind, target, where) for kind in ("fit", "normals")]
    for _ in range(3):
        evaluation = evaluation_of(extracted(sphere(0.7, 8)), target)
        for term in terms:
            term.evaluate(evaluation, None)
    # The target's own points once for all, the surface's once an iteration.
    assert sorted(asked) == [400, 400, 400, 500]


def test_the_catalogue_says_which_terms_can_have_a_mask() -> None:
    entries = {entry.kind: entry for entry in term_entries() if "reconstruct" in entry.studies}
    assert {kind for kind, entry in entries.items() if not entry.maskable} == NO_PLACES
    assert {kind for kind, entry in entries.items() if entry.needs_mask} == {"no-go", "open-here", "closed-here"}


@pytest.mark.parametrize("kind", sorted(NO_PLACES))
def test_a_term_without_a_place_refuses_a_mask_and_says_which_do_not(kind: str) -> None:
    with pytest.raises(ParameterError, match="cannot have a mask") as refusal:
        build_term(TermSpec(kind=kind, name=kind, mask="nose"), TermContext(UNIT, mesh_target(), CPU))
    for other in term_kinds().values():
        assert (other.title in refusal.value.remedy) == other.maskable


# -- the no-go region -----------------------------------------------------------------------------------------------


def no_go(mask: Mask, **parameters: object) -> tuple[float, Tensor]:
    spec = TermSpec(kind="no-go", name="keep away", mask="nose", parameters=dict(parameters))
    term = build_term(spec, TermContext(UNIT, None, CPU))
    term.where = MaskWeight(mask)
    moving = extracted(sphere(0.6, 24))
    value = term.evaluate(evaluation_of(moving), None)
    return float(value.detach()), torch.autograd.grad(value, moving.vertices)[0]


TOP = [[0.0, 0.0, 0.6]]
"""On the surface, at its upper pole."""


def test_a_region_needs_a_mask() -> None:
    with pytest.raises(ParameterError, match="needs a mask"):
        build_term(TermSpec(kind="no-go", name="keep away"), TermContext(UNIT, None, CPU))


@pytest.mark.parametrize("height", [0.6, 0.6 - 1e-9, 0.55, 0.65, 0.3])
def test_material_goes_down_and_away_from_what_lies_on_its_top(height: float) -> None:
    """From a point on the surface too, where the distance alone has no direction."""
    value, gradient = no_go(mask_of([[0.0, 0.0, height]], [1.0]), distance=0.2)
    assert value > 0.0
    assert gradient.sum(dim=0)[2] > 0.9, "a step against the gradient lowers the top"
    moved = gradient.abs().sum(dim=1) > 1e-12
    assert 1 <= int(moved.sum()) <= 3


def test_material_covers_what_lies_inside() -> None:
    value, gradient = no_go(mask_of(TOP, [1.0]), distance=0.2, region="inside")
    assert value > 0.0 and gradient.sum(dim=0)[2] < -0.9
    value, gradient = no_go(mask_of([[0.0, 0.0, 0.3]], [1.0]), distance=0.2, region="inside")
    assert value == 0.0 and not gradient.any(), "it is covered by 0.3"


def test_far_regions_and_empty_ones_are_quiet() -> None:
    for mask in (mask_of([[0.0, 0.0, 0.9]], [1.0]), mask_of(TOP, [0.0]), mask_of(np.zeros((0, 3)), [])):
        value, gradient = no_go(mask, distance=0.25)
        assert value == 0.0 and not gradient.any()


def test_points_count_by_their_value() -> None:
    both = [[0.0, 0.0, 0.6], [0.6, 0.0, 0.0]]
    top, side = (no_go(mask_of([place], [1.0]), distance=0.2)[0] for place in both)
    assert no_go(mask_of(both, [1.0, 0.25]), distance=0.2)[0] == pytest.approx(0.8 * top + 0.2 * side)


def test_of_a_large_region_as_many_points_are_looked_at_as_there_are_samples() -> None:
    points = np.random.default_rng(0).normal(size=(5000, 3))
    mask = mask_of(0.65 * points / np.linalg.norm(points, axis=1, keepdims=True), np.ones(5000))
    term = term_of("no-go", None, MaskWeight(mask))
    term.changed(type(term).Parameters(distance=0.2))
    values = []
    for seed in (1, 1, 2):
        evaluation: Evaluation = evaluation_of(extracted(sphere(0.6, 24)), samples=300)
        evaluation.generator.manual_seed(seed)
        values.append(float(term.evaluate(evaluation, None).detach()))
        assert [len(face) for _, face, _ in evaluation._sides.values()] == [300]
    assert values[0] == values[1] != values[2]
    assert values == pytest.approx([0.15] * 3, abs=0.01)
