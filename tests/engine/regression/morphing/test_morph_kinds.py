"""Every kind of morph: what it keeps, what it refuses, and that a model learnt with it is differentiable and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from engine.regression.data.border import border_loops, border_triangles, positive
from engine.regression.data.dataset import Dataset, DatasetError, Sample
from engine.regression.generation.aerofoil import aerofoil_mesh, draw_sides
from engine.regression.generation.known_bodies import known_blob, known_filled_blob
from engine.regression.generation.known_plates import known_plate
from engine.regression.learning.training import train
from engine.regression.morphing.mapping import Morph, MorphKind, MorphSettings, Outline, PreparedMesh
from engine.regression.morphing.morph import common_outline, outline_of, outline_record, prepare_meshes, suitable_kind
from engine.regression.saved_model import load_regression, save_regression
from engine.regression.settings import TrainingParameters
from engine.regression.verification import slope_error
from tests.engine.regression.morphing.test_morph import ring

FEW = {"shape_modes": 5, "field_modes": 4, "folds": 3, "subset": 20}


def tiny_blob(index: int) -> Sample:
    return known_blob(index, nodes=150)


def tiny_solid(index: int) -> Sample:
    return known_filled_blob(index, nodes=70, layers=3)


def bent_grid(index: int) -> Sample:
    """One mesh for all, its nodes elsewhere."""
    base = known_plate(0)
    bend = np.random.default_rng(index).normal(0.0, 0.1, 2)
    nodes = base.nodes * (1.0 + bend * np.sin(base.nodes[:, ::-1] / 5.0))
    reach = float(np.abs(nodes).max())
    fields, outputs = {"way": nodes[:, 0] * nodes[:, 1]}, {"reach": reach}
    return replace(base, name=f"grid {index}", nodes=nodes, fields=fields, outputs=outputs)


CASES: dict[MorphKind, tuple[Callable[[int], Sample], str]] = {
    "landmarks": (known_plate, "stress"),
    "sphere": (tiny_blob, "warmth"),
    "volume": (tiny_solid, "warmth"),
    "same-mesh": (bent_grid, "way"),
}


@pytest.fixture(scope="module")
def aerofoils() -> list[Sample]:
    """Not solved."""
    found = []
    for index in range(3):
        sides = draw_sides(np.random.default_rng(index))
        nodes, triangles = aerofoil_mesh(*sides, around=80 + 4 * index, across=14)
        outer = len(nodes) - 80 - 4 * index
        anchors = np.array([0, 40 + 2 * index, outer, outer + 40 + 2 * index])
        found.append(Sample(f"aerofoil {index}", nodes, triangles, anchors=anchors))
    return found


def mapped(
    samples: list[Sample], kind: MorphKind, **settings: object
) -> tuple[list[Morph], list[PreparedMesh], Outline]:
    prepared = prepare_meshes(samples, kind)
    outline = common_outline(samples, prepared, MorphSettings(**settings))  # type: ignore[arg-type]
    found = [outline.morph(torch.from_numpy(s.nodes), mesh) for s, mesh in zip(samples, prepared, strict=True)]
    return found, prepared, outline


@pytest.mark.parametrize("kind", CASES)
def test_a_model_learnt_with_it_is_differentiable_and_can_be_kept(kind: MorphKind, tmp_path: Path) -> None:
    make, field = CASES[kind]
    samples = tuple(make(index) for index in range(26))
    model = train(Dataset(samples[:25]), TrainingParameters(morph=kind, **FEW))
    # Shaken, so that no node lies on one of the common mesh, where interpolation has a kink.
    shake = 0.01 * np.random.default_rng(0).normal(size=samples[25].nodes.shape)
    sample = replace(samples[25], nodes=samples[25].nodes + shake)
    mesh = model.prepare(sample).mesh
    assert mesh.kind == kind
    output = next(iter(sample.outputs))

    def value(nodes: torch.Tensor) -> torch.Tensor:
        found = model.outcome(nodes, mesh, sample.inputs)
        mean, band = found.fields[field]
        return mean.square().mean() + band.square().mean() + sum(found.scalars[output])

    assert slope_error(value, sample.nodes, 1) < 1e-5
    save_regression(model, tmp_path / "model.safetensors")
    again = load_regression(tmp_path / "model.safetensors")
    one, two = model.predict(sample), again.predict(sample)
    assert np.array_equal(one.fields[field].mean, two.fields[field].mean) and one.scalars == two.scalars
    # It has learnt something: better than the mean of all.
    truth = sample.fields[field]
    assert np.abs(one.fields[field].mean - truth).mean() < 0.5 * np.abs(truth - truth.mean()).mean()


@pytest.mark.parametrize("kind", ["landmarks", "sphere", "volume"])
def test_nothing_folds_and_the_outline_survives_its_record(kind: MorphKind) -> None:
    samples = [CASES[kind][0](index) for index in range(6)]
    found, prepared, outline = mapped(samples, kind)
    assert [each.flipped for each in found] == [0] * 6
    assert min(each.worst_angle for each in found) > 1.0
    again = outline_of(outline_record(outline), outline.arrays())
    repeated = again.morph(torch.from_numpy(samples[3].nodes), prepared[3])
    assert torch.equal(repeated.positions, found[3].positions)


def test_the_kind_follows_from_the_topology() -> None:
    assert suitable_kind([known_plate(0)]) == "circle"
    assert suitable_kind([ring()]) == "circle"
    assert suitable_kind([tiny_blob(0)]) == "sphere"
    assert suitable_kind([tiny_solid(0)]) == "volume"
    assert suitable_kind([pierced(2)]) == "landmarks"
    doughnut = torus()
    assert suitable_kind([doughnut, replace(doughnut, name="other", nodes=1.1 * doughnut.nodes)]) == "same-mesh"
    with pytest.raises(DatasetError, match="torus has 1 part, 0 borders and Euler number 0"):
        suitable_kind([doughnut])


def test_a_ring_that_would_fold_on_a_circle_goes_by_landmarks(aerofoils: list[Sample]) -> None:
    assert any(each.flipped for each in mapped(aerofoils, "circle")[0])
    assert suitable_kind(aerofoils) == "landmarks"


def test_a_mesh_that_is_folded_is_refused() -> None:
    sample = known_plate(0)
    nodes = sample.nodes.copy()
    inner = np.setdiff1d(np.arange(sample.node_count), border_loops(sample.triangles)[0])
    nodes[inner[0]] += 30.0
    with pytest.raises(DatasetError, match="free-form 0: its mesh is folded"):
        prepare_meshes([replace(sample, nodes=nodes)], "circle")


def test_anchors_meet_on_the_sphere_three_or_more() -> None:
    samples = [tiny_blob(index) for index in range(4)]
    found, prepared, _ = mapped(samples, "sphere", weights="harmonic")
    places = np.stack([each.positions.numpy()[:3] for each in found])
    assert np.abs(places - places[0]).max() < 1e-12 and np.allclose(places[0, 0], [0.0, 0.0, 1.0])
    assert np.allclose(np.linalg.norm(found[0].positions.numpy(), axis=1), 1.0)
    more = [
        replace(s, anchors=np.array([0, 1, 2, int(np.argmin(s.nodes[:, 2])), int(np.argmin(s.nodes[:, 0]))]))
        for s in samples
    ]
    found, _, _ = mapped(more, "sphere", weights="harmonic")
    places = np.stack([each.positions.numpy()[s.anchors] for each, s in zip(found, more, strict=True)])
    assert np.abs(places - places[0]).max() < 1e-9
    assert all(each.flipped == 0 for each in found)
    # Inside out is the same surface.
    turned = replace(samples[1], triangles=samples[1].triangles[:, ::-1])
    again, _, _ = mapped([samples[0], turned], "sphere")
    first, _, _ = mapped(samples[:2], "sphere")
    assert torch.equal(again[1].positions, first[1].positions)
    assert prepared[0].kind == "sphere"


def test_landmarks_keep_the_far_field_and_bring_borders_together(aerofoils: list[Sample]) -> None:
    found, prepared, outline = mapped(aerofoils, "landmarks")
    for sample, each, mesh in zip(aerofoils, found, prepared, strict=True):
        positions = each.positions.numpy()
        outer, inner = mesh.loops  # type: ignore[attr-defined]
        # As far as a polygon of other nodes is a circle.
        assert np.abs(positions[outer] - sample.nodes[outer]).max() < 0.01
        reference = outline.loops[1]  # type: ignore[attr-defined]
        assert np.abs(positions[sample.anchors[:2]] - reference[[0, len(reference) // 2]]).max() < 1e-9
        apart = np.abs(positions[inner][:, None] - reference[None]).sum(-1).min(axis=1)
        assert apart.max() < 0.03
        assert each.flipped == 0


def test_volumes_meet_at_their_borders() -> None:
    samples = [tiny_solid(index) for index in range(3)]
    found, _, outline = mapped(samples, "volume", weights="harmonic")
    reference = next(s for s in samples if s.name == outline.reference)  # type: ignore[attr-defined]
    tree = cKDTree(reference.nodes)
    for sample, each in zip(samples, found, strict=True):
        apart = tree.query(each.positions.numpy()[np.unique(sample.triangles)])[0]
        # On the faceted border of the reference: no farther from its nodes than a side of its triangles.
        assert apart.max() < 3.5
    assert all(each.flipped == 0 for each in found)
    back = outline.locate(found[0].positions, found[0].positions, found[0].cells)
    assert np.allclose(back.interpolate(torch.from_numpy(samples[0].nodes)).numpy(), samples[0].nodes, atol=1e-9)


def test_volumes_of_other_topology_go_by_their_anchors_alone() -> None:
    samples = [tiny_solid(index) for index in range(3)]
    ways = np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [-1.0, -1.0, -1.0]])
    hollow = []
    for sample in samples:
        # Without the cells round its middle it has a cavity, and no closed border of one piece.
        kept = (sample.tetrahedra != sample.node_count - 1).all(axis=1)
        tetrahedra = positive(sample.nodes, sample.tetrahedra[kept])
        anchors = np.argmax(sample.nodes @ ways.T, axis=0)
        hollow.append(
            replace(
                sample, nodes=sample.nodes[:-1], fields={}, tetrahedra=tetrahedra, anchors=anchors,
                triangles=border_triangles(tetrahedra),
            )
        )  # fmt: skip
    found, prepared, outline = mapped(hollow, "volume")
    goals = outline.landmarks  # type: ignore[attr-defined]
    for sample, each in zip(hollow, found, strict=True):
        assert np.abs(each.positions.numpy()[sample.anchors] - goals).max() < 1e-9
    assert slope_error(
        lambda nodes: outline.morph(nodes, prepared[1]).positions.square().sum(), hollow[1].nodes, 0
    ) < 1e-5  # fmt: skip
    with pytest.raises(DatasetError, match=r"filled blob 0 has 3 anchors that do not span"):
        prepare_meshes([replace(hollow[0], anchors=hollow[0].anchors[:3])], "volume")


def with_one_turned(sample: Sample) -> Sample:
    return replace(sample, triangles=np.vstack([sample.triangles[:1, ::-1], sample.triangles[1:]]))


REFUSED: list[tuple[str, MorphKind, Callable[[], list[Sample]]]] = [
    ("blob 1 has 2 anchors on its surface", "sphere",
     lambda: [tiny_blob(0), replace(tiny_blob(1), anchors=np.arange(2))]),
    ("blob 1 has 4 anchors on its surface; blob 0 has 3", "sphere",
     lambda: [tiny_blob(0), replace(tiny_blob(1), anchors=np.arange(4))]),
    ("free-form 0 has 1 part, 1 border and Euler number 1; only a closed surface", "sphere", lambda: [known_plate(0)]),
    ("blob 0: its triangles are not wound alike", "sphere",
     lambda: [with_one_turned(tiny_blob(0))]),
    ("blob 0 has 1 part, 0 borders and Euler number 2 in 3 dimensions", "landmarks", lambda: [tiny_blob(0)]),
    ("pierced: 2 of its holes have no anchor", "landmarks", lambda: [replace(pierced(2), anchors=np.zeros(0, int))]),
    ("fewer has 3, 0 anchors|fewer has 3 anchors on its borders and 0 inside", "landmarks",
     lambda: [known_plate(0), replace(known_plate(1), name="fewer", anchors=known_plate(1).anchors[:3])]),
    ("blob 0 has no tetrahedra", "volume", lambda: [tiny_blob(0)]),
    ("free-form 1 has another mesh than the first", "same-mesh", lambda: [known_plate(0), known_plate(1)]),
]  # fmt: skip


@pytest.mark.parametrize(("said", "kind", "make"), REFUSED, ids=[said[:24] for said, _, _ in REFUSED])
def test_what_does_not_fit_is_named(said: str, kind: MorphKind, make: Callable[[], list[Sample]]) -> None:
    with pytest.raises(DatasetError, match=said):
        mapped(make(), kind)


def test_landmarks_take_anchors_inside_and_holes_in_the_order_of_their_anchors() -> None:
    sample = pierced(2)
    inside = int(np.argmin(np.linalg.norm(sample.nodes - sample.nodes.mean(axis=0), axis=1)))
    marked = replace(sample, anchors=np.append(sample.anchors, inside))
    moved = replace(marked, name="moved", nodes=marked.nodes + 0.2 * np.sin(marked.nodes[:, ::-1]))
    found, _, _ = mapped([marked, marked, moved], "landmarks")
    assert np.abs(found[2].positions.numpy()[marked.anchors] - marked.nodes[marked.anchors]).max() < 1e-9
    assert found[2].flipped == 0


def pierced(holes: int) -> Sample:
    """A plate with square holes, an anchor at a corner of it and of each hole."""
    columns = 4 * holes + 3
    index = np.arange(8 * columns).reshape(8, columns)
    nodes = np.stack(np.meshgrid(np.arange(columns), np.arange(8)), axis=-1).reshape(-1, 2).astype(float)
    cells = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], axis=-1)
    kept = np.ones(cells.shape[:2], bool)
    for k in range(holes):
        kept[3:5, 4 * k + 2 : 4 * k + 4] = False
    quads = cells[kept]
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    anchors = np.array([0, *(index[3, 4 * k + 2] for k in range(holes))])
    used = np.unique(triangles)
    return Sample("pierced", nodes[used], np.searchsorted(used, triangles), anchors=np.searchsorted(used, anchors))


def torus() -> Sample:
    count = 8
    a, b = (each.ravel() for each in np.meshgrid(*[2 * np.pi * np.arange(count) / count] * 2, indexing="ij"))
    nodes = np.stack([(3 + np.cos(b)) * np.cos(a), (3 + np.cos(b)) * np.sin(a), np.sin(b)], axis=1)
    index = np.arange(count**2).reshape(count, count)
    right, up = np.roll(index, -1, 0), np.roll(index, -1, 1)
    both = np.roll(right, -1, 1)
    quads = np.stack([index, right, both, up], axis=-1).reshape(-1, 4)
    return Sample("torus", nodes, np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]))
