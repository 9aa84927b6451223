"""Checks of regression on meshes against theory."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from engine.core.checks import CheckResult, Count, check, compare
from engine.regression.data.border import border_loops
from engine.regression.data.dataset import Dataset, Sample
from engine.regression.generation.known_plates import known_plate
from engine.regression.generation.plasticity import Metal, return_to_yield
from engine.regression.learning.gaussian_process import Kernel, negative_log_posterior
from engine.regression.learning.training import train
from engine.regression.model import RegressionModel
from engine.regression.morphing.convex_map import convex_map, find_neighbours, mean_value_weights
from engine.regression.morphing.mapping import PreparedMesh
from engine.regression.selection import select_below
from engine.regression.settings import TrainingParameters

MMGP = "Casenave, Staber and Roynard, MMGP, NeurIPS 2023, arXiv 2305.12871"
FLOATER = "Floater, Mean value coordinates, 2003"


@check("regression.map", title="A map by mean values leaves a convex part as it is", source=FLOATER)
def map_of_a_convex_part(*, nodes: Count = 60, seed: int = 0) -> CheckResult:
    """Largest distance that a node of a disk moves when its border stays, in parts of the radius."""
    from scipy.spatial import Delaunay

    generator = np.random.default_rng(seed)
    angle = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    places = np.concatenate([np.stack([np.cos(angle), np.sin(angle)], 1), generator.uniform(-0.6, 0.6, (nodes, 2))])
    triangles = Delaunay(places).simplices
    a, b, c = (places[triangles[:, k]] for k in range(3))
    first, second = b - a, c - a
    up = first[:, 0] * second[:, 1] > first[:, 1] * second[:, 0]
    triangles = np.where(up[:, None], triangles, triangles[:, ::-1])
    (loop,) = border_loops(triangles)
    neighbours = find_neighbours(triangles, loop, len(places))
    at = torch.from_numpy(places)
    mapped = convex_map(mean_value_weights(at, neighbours), at[torch.from_numpy(loop)], neighbours)
    return compare("regression.map", float((mapped - at).abs().max()), 0.0, 1e-11)


@check("regression.likelihood-gradient",
       title="The gradient of a Gaussian process's posterior agrees with central differences",
       source="Rasmussen and Williams, 2006, equation 5.9")  # fmt: skip
def likelihood_gradient(*, kernel: Kernel = "matern-5/2", samples: Count = 25, inputs: Count = 3) -> CheckResult:
    """Largest error over all hyperparameters of four processes, relative to the largest entry."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn((samples, inputs), generator=generator, dtype=torch.float64)
    y = torch.randn((samples, 4), generator=generator, dtype=torch.float64)
    flat = 0.5 * torch.randn((4, inputs + 3), generator=generator, dtype=torch.float64)
    gradient = negative_log_posterior(flat, x, y, kernel)[1]
    step, worst = 1e-6, 0.0
    for k in range(inputs + 3):
        way = torch.zeros_like(flat)
        way[:, k] = step
        above, below = (negative_log_posterior(flat + sign * way, x, y, kernel)[0] for sign in (1.0, -1.0))
        worst = max(worst, float(((above - below) / (2.0 * step) - gradient[:, k]).abs().max()))
    return compare("regression.likelihood-gradient", worst / float(gradient.abs().max()), 0.0, 1e-6)


@check(
    "regression.gradient",
    title="The gradient of a prediction in the mesh's nodes agrees with central differences",
    source=MMGP,
)
def gradient(*, of: Literal["scalar", "field"] = "scalar", samples: Count = 60, seed: int = 0) -> CheckResult:
    """Through morph, modes and processes: relative error along a random direction, the largest of three plates.

    They are as they come: on some, nodes of the border lie on those of the common mesh, where interpolation has a kink
    and the gradient is the mean of both sides.
    """
    model = _trained(samples, seed)
    worst = 0.0
    for index in range(samples + 1, samples + 4):
        sample = known_plate(index, seed)
        mesh = model.prepare(sample).mesh

        def value(nodes: Tensor, sample: Sample = sample, mesh: PreparedMesh = mesh) -> Tensor:
            if of == "scalar":
                return model.scalar("strength", nodes, mesh, sample.inputs)
            return model.field("stress", nodes, mesh, sample.inputs).square().mean()

        worst = max(worst, slope_error(value, sample.nodes, seed + 1))
    return compare("regression.gradient", worst, 0.0, 1e-5)


@check(
    "regression.coverage",
    title="Bands of predictions hold as many new values as was asked for (the part of them)",
    source=MMGP,
    slow=True,
)
def coverage(*, samples: Count = 100, tests: Count = 420, splits: Count = 5, seed: int = 0) -> CheckResult:
    """Mean over splits, and over 2,100 plates that were never seen, of every field, at the coverage of 0.95 that was
    wanted; the field that is farthest from it."""
    held = []
    for split in range(splits):
        model = _trained(samples, seed + 100 * split)
        for index in range(tests):
            sample = known_plate(10_000 + index, seed + 100 * split)
            found = model.predict(sample)
            held.append([np.mean(np.abs(f.mean - sample.fields[n]) <= f.band) for n, f in found.fields.items()])
    by_field = np.mean(held, axis=0)
    worst = float(by_field[np.argmax(np.abs(by_field - 0.95))])
    return compare("regression.coverage", worst, 0.95, 0.02, fields=by_field.tolist())


@check("regression.selection", title="Selected inputs hold no more false ones than was allowed (the part of them)",
       source="Jin and Candès, Selection by prediction with conformal p-values, 2023")  # fmt: skip
def selection(*, fdr: float = 0.1, noise: float = 0.3, repeats: Count = 200, seed: int = 0) -> CheckResult:
    """Mean part of false ones over many draws; it must not exceed what was allowed."""
    generator = np.random.default_rng(seed)
    rates = []
    for _ in range(repeats):
        true = generator.normal(size=700)
        predicted = true + noise * generator.normal(size=700)
        chosen = select_below(
            -0.5, predicted[400:], held_predicted=predicted[:400], held_true=true[:400], false_discovery_rate=fdr
        ).chosen
        rates.append(float(np.mean(true[400:][chosen] >= -0.5)) if len(chosen) else 0.0)
    measured = float(np.mean(rates))
    allowed = fdr + 2.0 * float(np.std(rates)) / math.sqrt(repeats)
    return CheckResult("regression.selection", measured, fdr, allowed - fdr, measured <= allowed)


@check("regression.plasticity",
       title="The tangent of the metal that data sets are made with agrees with central differences",
       source="Simo and Hughes, 1998, box 3.2")  # fmt: skip
def plasticity(*, yield_stress: float = 300.0, hardening: float = 3000.0, seed: int = 0) -> CheckResult:
    """Largest error of the consistent tangent over random strains beyond yield, in parts of Young's modulus."""
    metal = Metal(200_000.0, 0.3, yield_stress, hardening)
    strain = np.random.default_rng(seed).normal(size=(50, 4)) * 1e-2
    plastic, accumulated = np.zeros((50, 4)), np.zeros(50)
    tangent = return_to_yield(strain, plastic, accumulated, metal)[3]
    step, worst = 1e-7, 0.0
    for k in range(4):
        way = np.zeros(4)
        way[k] = step
        above, below = (return_to_yield(strain + s * way, plastic, accumulated, metal)[0] for s in (1.0, -1.0))
        worst = max(worst, float(np.abs((above - below) / (2.0 * step) - tangent[:, :, k]).max()))
    return compare("regression.plasticity", worst / metal.young_modulus, 0.0, 1e-6)


def slope_error(value: Callable[[Tensor], Tensor], nodes: np.ndarray, seed: int, *, step: float = 1e-6) -> float:
    """Relative difference between the gradient and central differences along a random direction."""
    places = torch.from_numpy(nodes)
    leaf = places.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(value(leaf), leaf)
    way = torch.from_numpy(np.random.default_rng(seed).normal(size=nodes.shape))
    slope = float((value(places + step * way) - value(places - step * way)) / (2.0 * step))
    return abs(slope - float((gradient * way).sum())) / abs(slope)


def _trained(samples: int, seed: int) -> RegressionModel:
    dataset = Dataset(tuple(known_plate(index, seed) for index in range(samples)))
    return train(dataset, TrainingParameters(shape_modes=14, field_modes=12, folds=8))
