"""Shapes out of a shape space: at a latent, on the way between two, and whole ones from a part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from engine.core.errors import GeometryError
from engine.geometry.frame import Frame
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.sampling import sample_mesh
from engine.surfaces.deepmesh import DeepMesh
from engine.surfaces.fitting import DistanceSamples, clamped_errors, descend
from engine.surfaces.network_field import NetworkField
from engine.surfaces.shape_space import ShapeSpace

Progress = Callable[[str, float], None]
"""Called with what is being done and the part of all that is done, in [0, 1]."""

PRIOR = 1.0e-4
"""Weight of the mean square of a whitened latent beside a mean distance in working lengths."""

OFFSETS = (0.02, 0.05)
"""Working lengths along the normals to both sides of a scan's points at which the sign is asked for too."""


@dataclass(frozen=True)
class Completion:
    """A whole shape from a part.

    latent : whitened, shape (latent_size,)
    mesh : [mm], in the frame of the Model
    error_mm : mean distance from the given points to the shape's field [mm]
    """

    latent: np.ndarray
    mesh: Mesh
    error_mm: float


def shape_at(space: ShapeSpace, latent: str | np.ndarray, *, resolution: int = 64, name: str = "shape") -> Mesh:
    """The shape of a latent, or of a training shape by its name [mm]; raises `GeometryError` where there is none."""
    surface = DeepMesh(space.field(latent), resolution)
    vertices, triangles = surface.present_output()
    if not len(triangles):
        raise GeometryError("There is no shape at this place of the shape space.", remedy="Stay closer to zero.")
    return Mesh(space.frame.to_world(vertices), triangles, name=name)


def interpolate(
    space: ShapeSpace, first: str | np.ndarray, second: str | np.ndarray, count: int, *, resolution: int = 64
) -> list[Mesh]:
    """`count` shapes on the way from one to another, both included: their latents lie on a straight line."""
    start, end = space.latent_of(first), space.latent_of(second)
    steps = np.linspace(0.0, 1.0, max(count, 2), dtype=np.float32)
    return [
        shape_at(space, (1.0 - t) * start + t * end, resolution=resolution, name=f"step {number + 1}")
        for number, t in enumerate(steps)
    ]


def complete(
    space: ShapeSpace,
    scan: Points | Mesh,
    *,
    iterations: int = 300,
    resolution: int = 64,
    prior: float = PRIOR,
    seed: int = 0,
    progress: Progress | None = None,
) -> Completion:
    """The shape of the space that fits a part of a surface best.

    scan : points, or an open mesh, in the place and size of the shapes that were learnt [mm]; normals are used
    prior : weight of the mean square of the latent; more keeps the shape closer to the mean
    """
    positions, normals = _seen(scan, seed)
    samples = _samples_of_scan(space.frame, positions, normals)
    field = space.field()
    report = progress or (lambda title, fraction: None)
    fit_latent(field, samples, iterations=iterations, prior=prior, seed=seed, progress=report)
    places = torch.from_numpy(space.frame.to_working(positions).astype(np.float32))
    error = float(field.plain_values(places).abs().mean())
    latent = field.latent.detach().cpu().numpy().copy()
    mesh = shape_at(space, latent, resolution=resolution, name=f"{scan.name} completed")
    return Completion(latent, mesh, space.frame.length_to_world(error))


def _seen(scan: Points | Mesh, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
    if isinstance(scan, Mesh):
        positions, normals, _ = sample_mesh(scan, 5000, seed)
        return positions, normals
    if not scan.point_count:
        raise GeometryError(f"{scan.name} has no points.")
    return scan.positions, scan.normals


def _samples_of_scan(frame: Frame, positions: np.ndarray, normals: np.ndarray | None) -> DistanceSamples:
    """Zero on the points and, where normals say which side is out, short distances off them."""
    working = frame.to_working(positions)
    places, values = [working], [np.zeros(len(working))]
    if normals is not None:
        for offset in OFFSETS:
            for side in (-offset, offset):
                places.append(working + side * normals)
                values.append(np.full(len(working), side))
    return DistanceSamples(
        torch.from_numpy(np.concatenate(places).astype(np.float32)),
        torch.from_numpy(np.concatenate(values).astype(np.float32)),
    )


def fit_latent(
    field: NetworkField,
    samples: DistanceSamples,
    *,
    iterations: int = 300,
    prior: float = PRIOR,
    seed: int = 0,
    batch: int = 2000,
    progress: Progress | None = None,
) -> None:
    """Bring the latent of `field` to samples, none of which need be far from the surface."""
    latent = field.latent
    moments = torch.zeros_like(latent), torch.zeros_like(latent), torch.zeros(())
    generator = torch.Generator().manual_seed(seed)
    for iteration in range(iterations):
        rows = torch.randint(0, len(samples), (batch,), generator=generator)
        values = field.values_at(samples.positions[rows])
        loss = clamped_errors(values, samples.values[rows], 1.0).mean() + prior * (latent * latent).mean()
        descend(latent, torch.autograd.grad(loss, latent)[0], *moments, rate=0.1 * (1.0 - iteration / iterations))
        if progress is not None and iteration % 10 == 0:
            progress("Finding the shape", iteration / iterations)
