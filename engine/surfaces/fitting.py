"""Fit a network to known distances: where a descent on a network begins."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.optim.adam import adam

from engine.core.device import Device
from engine.core.errors import GeometryError, NonFiniteError
from engine.geometry.distance import TriangleIndex
from engine.geometry.sampling import sample_surface
from engine.surfaces.grid import Grid
from engine.surfaces.implicit import ImplicitFunction

CUT = 0.1
"""Working lengths: of distances beyond only the side counts, so that most is learnt near the surface."""

NEAR_BAND = 3.5
"""Cells round the surface in which a field on a grid is exact (see `engine.geometry.start`)."""

SPREADS = (0.005, 0.03)
"""Working lengths: standard deviations of samples round a surface, half of them each."""

VOLUME_SHARE = 0.2
"""Part of the samples that is spread over the whole cube, so that nothing comes up far from the surface."""

Progress = Callable[[float], None]
"""Called with the part that is done, in [0, 1]; it may raise to end the work."""


@dataclass(frozen=True)
class DistanceSamples:
    """Places in the working frame with their distances to a surface: `positions` (n, 3), `values` (n,), float32."""

    positions: Tensor
    values: Tensor

    def __len__(self) -> int:
        return len(self.values)


def samples_of_field(field: Tensor, *, seed: int = 0) -> DistanceSamples:
    """The nodes of a field on a grid, shape (n + 1, n + 1, n + 1): all of those near the surface, some of the others.

    Raises `GeometryError` where the field has one sign only.
    """
    values = field.detach().to(torch.float32).reshape(-1)
    grid = Grid(field.shape[0] - 1)
    near = values.abs() <= NEAR_BAND * grid.cell_size
    if not bool((values < 0).any()) or not bool((values > 0).any()):
        raise GeometryError("The field to start from has no surface.", remedy="Start from a sphere, or a finer grid.")
    generator = torch.Generator().manual_seed(seed)
    chance = VOLUME_SHARE / (1.0 - VOLUME_SHARE) * int(near.sum()) / max(int((~near).sum()), 1)
    chosen = torch.nonzero(near | (torch.rand(len(values), generator=generator).to(values.device) < chance))[:, 0]
    positions = grid.positions(grid.from_node_index(chosen), torch.float32)
    return DistanceSamples(positions, values[chosen])


def samples_of_mesh(
    vertices: np.ndarray | Tensor,
    triangles: np.ndarray | Tensor,
    count: int,
    *,
    seed: int = 0,
    device: Device,
    signed: bool = True,
) -> DistanceSamples:
    """Distances to a mesh in the working frame at `count` places, most of them near it.

    signed : negative inside (by winding number); otherwise never negative, as of an open surface
    """
    positions = torch.as_tensor(vertices).to(device.torch, torch.float32)
    faces = torch.as_tensor(triangles).to(device.torch, torch.int32)
    generator = torch.Generator(device=device.torch).manual_seed(seed)
    near_count = int(count * (1.0 - VOLUME_SHARE))
    on_surface = sample_surface(positions, faces, near_count, generator).positions(positions, faces)
    spread = torch.where(torch.arange(near_count, device=device.torch) % 2 == 0, *SPREADS)[:, None]
    noise = torch.randn(near_count, 3, generator=generator, device=device.torch)
    volume = torch.rand(count - near_count, 3, generator=generator, device=device.torch) * 2.0 - 1.0
    places = torch.cat([on_surface + spread * noise, volume])
    index = TriangleIndex(positions, faces, device, winding=signed)
    return DistanceSamples(places, index.signed_distance(places) if signed else index.closest(places).distances)


def fit(
    function: ImplicitFunction,
    samples: DistanceSamples,
    *,
    iterations: int = 400,
    batch: int = 4096,
    learning_rate: float = 1e-3,
    seed: int = 0,
    progress: Progress | None = None,
) -> float:
    """Bring the leaves of `function` to `samples` by Adam with a cosine schedule; returns the last mean error, that of
    `clamped_errors` at `CUT`. Raises `NonFiniteError` where it runs away."""
    leaves = list(function.leaves().values())
    averages = [(torch.zeros_like(leaf), torch.zeros_like(leaf), torch.zeros(())) for leaf in leaves]
    wanted = samples.values.to(leaves[0].dtype)
    positions = samples.positions.to(leaves[0].dtype)
    generator = torch.Generator().manual_seed(seed)
    error = torch.zeros(())
    for iteration in range(iterations):
        rows = torch.randint(0, len(samples), (batch,), generator=generator).to(positions.device)
        values = function.values_at(positions.index_select(0, rows))
        error = clamped_errors(values, wanted.index_select(0, rows), CUT).mean()
        if not bool(torch.isfinite(error.detach())):
            raise NonFiniteError("The error of the network", iteration)
        gradients = torch.autograd.grad(error, leaves)
        rate = learning_rate * 0.5 * (1.0 + math.cos(math.pi * iteration / iterations))
        for leaf, gradient, (mean, square, step) in zip(leaves, gradients, averages, strict=True):
            descend(leaf, gradient, mean, square, step, rate)
        if progress is not None and iteration % 10 == 0:
            progress(iteration / iterations)
    return float(error.detach())


def clamped_errors(values: Tensor, wanted: Tensor, cut: float) -> Tensor:
    """|s − d| within `cut` of the surface; beyond, how far s falls short of lying beyond on the same side.

    Clamping s as well, as DeepSDF does (Park et al. 2019, equation 4), has no gradient where s is far off on the wrong
    side, and stays there.
    """
    errors = values - wanted.clamp(-cut, cut)
    beyond = wanted.abs() >= cut
    satisfied = beyond & (torch.sign(errors.detach()) == torch.sign(wanted))
    return errors.abs().masked_fill(satisfied, 0.0)


def descend(leaf: Tensor, gradient: Tensor, mean: Tensor, square: Tensor, step: Tensor, rate: float) -> None:
    """One step of Adam (Kingma and Ba 2015) in place; making a `torch.optim.Adam` takes a second."""
    with torch.no_grad():
        adam(
            [leaf], [gradient], [mean], [square], [], [step],
            fused=leaf.device.type in ("cpu", "cuda"), amsgrad=False,
            beta1=0.9, beta2=0.999, lr=rate, weight_decay=0.0, eps=1e-8, maximize=False,
        )  # fmt: skip
