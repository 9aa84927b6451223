"""Meshes on the common shape."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.regression.data.dataset import DatasetError, Sample
from engine.regression.generation.known_plates import known_plate as plate
from engine.regression.morphing.mapping import MorphSettings
from engine.regression.morphing.morph import common_outline, morph, prepare_mesh

SETTINGS = [MorphSettings(), MorphSettings("uniform"), MorphSettings("mean-value", 0.5)]


@pytest.mark.parametrize("settings", SETTINGS)
def test_no_triangle_flips(settings: MorphSettings) -> None:
    samples = [plate(index) for index in range(12)]
    prepared = [prepare_mesh(sample) for sample in samples]
    outline = common_outline(samples, prepared, settings)
    for sample, mesh in zip(samples, prepared, strict=True):
        mapped = morph(torch.from_numpy(sample.nodes), mesh, outline)
        assert mapped.flipped == 0 and mapped.worst_angle > 0.0
        assert float(mapped.positions.norm(dim=1).max()) < 1.0 + 1e-12


def test_anchors_meet_and_scale_does_not_matter() -> None:
    first, second = plate(0), plate(1)
    prepared = [prepare_mesh(first), prepare_mesh(second)]
    outline = common_outline([first, second], prepared, MorphSettings("mean-value", 0.3))
    one, two = (
        morph(torch.from_numpy(sample.nodes), mesh, outline).positions.numpy()
        for sample, mesh in zip((first, second), prepared, strict=True)
    )
    assert np.allclose(one[first.anchors], two[second.anchors], atol=1e-12)
    turned = first.nodes @ np.array([[0.6, 0.8], [-0.8, 0.6]]) * 7.0 + 3.0
    again = morph(torch.from_numpy(turned), prepared[0], outline).positions.numpy()
    assert np.allclose(one, again, atol=1e-9)


@pytest.mark.parametrize("settings", SETTINGS)
def test_gradient_of_the_morph_against_differences(settings: MorphSettings) -> None:
    sample = plate(2)
    mesh = prepare_mesh(sample)
    outline = common_outline([sample], [mesh], settings)
    generator = torch.Generator().manual_seed(1)
    lever = torch.randn((sample.node_count, 2), generator=generator, dtype=torch.float64)
    way = torch.randn((sample.node_count, 2), generator=generator, dtype=torch.float64)
    nodes = torch.from_numpy(sample.nodes).clone().requires_grad_()

    def value(nodes: torch.Tensor) -> torch.Tensor:
        return (morph(nodes, mesh, outline).positions * lever).sum()

    (gradient,) = torch.autograd.grad(value(nodes), nodes)
    step = 1e-6
    slope = float((value(nodes.detach() + step * way) - value(nodes.detach() - step * way)) / (2.0 * step))
    assert abs(slope - float((gradient * way).sum())) < 1e-5 * abs(slope)


def test_a_ring_keeps_its_hole() -> None:
    sample = ring()
    mesh = prepare_mesh(sample)
    assert len(mesh.loops) == 2
    mapped = morph(torch.from_numpy(sample.nodes), mesh, common_outline([sample], [mesh], MorphSettings()))
    radii = mapped.positions.norm(dim=1).numpy()
    assert mapped.flipped == 0
    assert np.allclose(radii[mesh.loops[0]], 1.0) and np.allclose(radii[mesh.loops[1]], 0.4)


def test_a_mesh_of_another_kind_is_refused() -> None:
    sample = plate(0)
    mesh = prepare_mesh(sample)
    outline = common_outline([sample], [mesh], MorphSettings())
    with pytest.raises(DatasetError, match="2 borders"):
        morph(torch.from_numpy(ring().nodes), prepare_mesh(ring()), outline)
    with pytest.raises(DatasetError, match="3 anchors"):
        fewer = replace(sample, anchors=sample.anchors[:3])
        morph(torch.from_numpy(fewer.nodes), prepare_mesh(fewer), outline)
    with pytest.raises(DatasetError, match="not on its border"):
        inner = np.setdiff1d(np.arange(sample.node_count), mesh.loops[0])
        prepare_mesh(replace(sample, anchors=inner[:1]))
    with pytest.raises(DatasetError, match="follow one another"):
        prepare_mesh(replace(sample, anchors=sample.anchors[[0, 2, 1, 3]]))


def test_where_one_anchor_is_known_it_must_be_there() -> None:
    """Without it the border would begin anywhere, and the part be turned on the circle."""
    anchored = replace(ring(), name="anchored", anchors=np.array([100]))
    mesh = prepare_mesh(anchored, "circle")
    outline = common_outline([anchored], [mesh], MorphSettings())
    restored = type(outline).from_dict(outline.to_dict(), outline.arrays())
    bare = prepare_mesh(ring(), "circle")
    for each in (outline, restored):
        with pytest.raises(DatasetError, match=r"ring has 0 and 0 anchors on its border.*learnt with 1 and 0"):
            morph(torch.from_numpy(ring().nodes), bare, each)
    inner = replace(ring(), anchors=np.array([3]))
    with pytest.raises(DatasetError, match=r"ring has 0 and 1 anchors on its borders.*anchored has 1 and 0"):
        common_outline([anchored, inner], [mesh, prepare_mesh(inner, "circle")], MorphSettings())


def ring() -> Sample:
    """A lopsided washer."""
    around, across = 24, 5
    angle = np.linspace(0.0, 2.0 * np.pi, around, endpoint=False)
    rows = [
        np.stack([np.cos(angle), np.sin(angle)], 1) * (1.0 + 0.4 * k) + [0.1 * (across - k), 0.0] for k in range(across)
    ]
    first = np.arange(around)
    following = (first + 1) % around
    quads = [
        np.stack(
            [first + k * around, first + (k + 1) * around, following + (k + 1) * around, following + k * around], 1
        )
        for k in range(across - 1)
    ]
    quads_all = np.concatenate(quads)
    triangles = np.concatenate([quads_all[:, [0, 1, 2]], quads_all[:, [0, 2, 3]]])
    return Sample("ring", np.concatenate(rows), triangles, {"f": np.ones(around * across)})
