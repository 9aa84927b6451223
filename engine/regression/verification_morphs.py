"""Checks of the morphs against theory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from scipy.spatial import ConvexHull
from torch import Tensor

from engine.core.checks import CheckResult, Count, check, compare
from engine.regression.data.dataset import Sample
from engine.regression.generation.known_bodies import known_blob, known_filled_blob
from engine.regression.generation.known_plates import known_plate
from engine.regression.morphing.mapping import MorphKind, MorphSettings, Outline, PreparedMesh
from engine.regression.morphing.morph import common_outline, prepare_meshes
from engine.regression.verification import MMGP, slope_error

HAKER = "Haker et al., Conformal surface parameterization for texture mapping, 2000"
DUCHON = "Duchon, Splines minimizing rotation-invariant semi-norms, 1977"
PINKALL = "Pinkall and Polthier, Computing discrete minimal surfaces, 1993"

KNOWN: dict[MorphKind, Callable[[int], Sample]] = {
    "circle": known_plate, "landmarks": known_plate, "sphere": known_blob, "volume": known_filled_blob
}  # fmt: skip


@check("regression.sphere", title="A round sphere goes to itself, turned", source=HAKER)
def round_sphere(*, nodes: Count = 2000, weights: Literal["harmonic", "mean-value"] = "harmonic") -> CheckResult:
    """Root mean square distance of the nodes from where they were, after the best turn, in radii: it falls with the
    size of the triangles."""
    sample = _ball(nodes)
    prepared = prepare_meshes([sample], "sphere")
    outline = common_outline([sample], prepared, MorphSettings(weights))
    mapped = outline.morph(torch.from_numpy(sample.nodes), prepared[0])
    positions = mapped.positions.numpy()
    left, _, right = np.linalg.svd(positions.T @ sample.nodes)
    turn = left @ np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))]) @ right
    apart = np.sqrt(((positions @ turn - sample.nodes) ** 2).sum(1).mean())
    return compare("regression.sphere", apart, 0.0, 0.02, flipped=mapped.flipped)


@check("regression.same-place", title="Harmonic maps of one surface agree on two meshes of it", source=PINKALL)
def same_place(
    *, weights: Literal["harmonic", "mean-value", "uniform"] = "harmonic", fine: Count = 2500
) -> CheckResult:
    """Mean distance between nodes of a fine mesh and the places that the map of a coarse one gives them, in parts of
    the surface's radius; about a tenth of the coarse triangles' sides."""
    coarse, dense = known_blob(3, nodes=600), known_blob(3, nodes=fine)
    prepared = prepare_meshes([coarse, dense], "sphere")
    outline = common_outline([coarse, dense], prepared, MorphSettings(weights))
    first, second = (
        outline.morph(torch.from_numpy(sample.nodes), mesh)
        for sample, mesh in zip((coarse, dense), prepared, strict=True)
    )
    found = outline.locate(second.positions, first.positions, first.cells).interpolate(torch.from_numpy(coarse.nodes))
    apart = float((found - torch.from_numpy(dense.nodes)).norm(dim=1).mean())
    return compare("regression.same-place", apart / 10.0, 0.0, 0.02)


@check("regression.similar", title="A part that is turned, moved and grown goes back to where it was", source=DUCHON)
def similar(*, morph: Literal["landmarks", "volume"] = "volume", seed: int = 0) -> CheckResult:
    """Largest distance that is left, in parts of its size."""
    sample = KNOWN[morph](seed)
    dimension = sample.nodes.shape[1]
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(dimension, dimension)))[0]
    turn[0] *= np.linalg.det(turn)
    moved = replace(sample, name="moved", nodes=1.7 * sample.nodes @ turn.T + 3.0)
    prepared = prepare_meshes([sample, moved], morph)
    outline = common_outline([sample, sample], [prepared[0]] * 2, MorphSettings("harmonic"))
    back = outline.morph(torch.from_numpy(moved.nodes), prepared[1]).positions.numpy()
    apart = float(np.abs(back - sample.nodes).max() / np.ptp(sample.nodes, axis=0).max())
    return compare("regression.similar", apart, 0.0, 1e-8)


@check("regression.morph-gradient", title="The gradient of a morph agrees with central differences", source=MMGP)
def morph_gradient(
    *,
    morph: Literal["all", "circle", "landmarks", "sphere", "volume"] = "all",
    weights: Literal["mean-value", "harmonic", "uniform"] = "harmonic",
    turning_share: float = 0.4,
    seed: int = 0,
) -> CheckResult:
    """Relative error along a random direction of all nodes, the largest of the kinds of morph."""
    worst = 0.0
    kinds: tuple[MorphKind, ...] = ("circle", "landmarks", "sphere", "volume") if morph == "all" else (morph,)
    for kind in kinds:
        samples = [KNOWN[kind](seed + k) for k in range(3)]
        prepared = prepare_meshes(samples, kind)
        outline = common_outline(samples, prepared, MorphSettings(weights, turning_share))
        wide = 2 if kind == "circle" else samples[1].nodes.shape[1]
        lever = torch.from_numpy(np.random.default_rng(seed).normal(size=(samples[1].node_count, wide)))

        def value(
            nodes: Tensor, outline: Outline = outline, mesh: PreparedMesh = prepared[1], lever: Tensor = lever
        ) -> Tensor:
            return (outline.morph(nodes, mesh).positions * lever).sum()

        worst = max(worst, slope_error(value, samples[1].nodes, seed + 1))
    return compare("regression.morph-gradient", worst, 0.0, 1e-5)


def _ball(nodes: int) -> Sample:
    """The unit sphere, with nodes all over it; anchors on top, in front and at the side."""
    turn = np.pi * (3.0 - np.sqrt(5.0)) * np.arange(nodes)
    height = 1.0 - 2.0 * (np.arange(nodes) + 0.5) / nodes
    around = np.sqrt(1.0 - height**2)
    places = np.stack([around * np.cos(turn), around * np.sin(turn), height], axis=1)
    triangles = ConvexHull(places).simplices
    a, b, c = (places[triangles[:, k]] for k in range(3))
    outward = (np.cross(a, b) * c).sum(1) > 0.0
    anchors = np.argmax(places @ np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]), axis=0)
    return Sample("ball", places, np.where(outward[:, None], triangles, triangles[:, ::-1]), anchors=anchors)
