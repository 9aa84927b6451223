"""Checks of level sets of implicit functions and of networks against theory."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import torch
from torch import Tensor

from engine.core.checks import CheckResult, Count, Positive, check, compare
from engine.geometry.topology import boundary_edges, euler_and_parts, measure_topology
from engine.surfaces.deepmesh import DeepMesh
from engine.surfaces.fitting import DistanceSamples, descend, fit
from engine.surfaces.grid import Grid
from engine.surfaces.implicit import ImplicitFunction
from engine.surfaces.level_set import LevelSet
from engine.surfaces.marching import march
from engine.surfaces.network_field import DistanceKind, NetworkField
from engine.surfaces.networks import Architecture
from engine.surfaces.unsigned import PROBE, UnsignedSet
from engine.surfaces.verification import count_defects, enclosed_volume

PAPER = "Guillard et al., DeepMesh, 2022, arXiv 2106.11795, theorem 1"
UDF = "Guillard et al., MeshUDF, ECCV 2022, arXiv 2111.14549"
CPU = torch.device("cpu")


class Quadric(ImplicitFunction):
    """s = |x|² − r², whose gradient is 2 r long on the surface."""

    def __init__(self, radius: float) -> None:
        self.radius = torch.tensor([radius], dtype=torch.float64, requires_grad=True)

    def leaves(self) -> dict[str, Tensor]:
        return {"radius": self.radius}

    def values_at(self, positions: Tensor) -> Tensor:
        return (positions * positions).sum(dim=1) - self.radius[0] ** 2


def blob(*, distance: DistanceKind = "signed", seed: int = 0) -> NetworkField:
    """A small decoder in float64 that was brought near to a sphere of radius 0.55, a random shape from there."""
    architecture, parameters, latent = _trained_blob(seed)
    return NetworkField(architecture, parameters, latent, design="both", distance=distance)


@lru_cache
def _trained_blob(seed: int) -> tuple[Architecture, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    architecture = Architecture(layers=2, width=16, frequency=4.0, latent_size=3)
    parameters = architecture.initial(generator, dtype=torch.float64)
    latent = 0.5 * torch.randn(3, generator=generator, dtype=torch.float64)
    positions = torch.rand(4000, 3, generator=generator, dtype=torch.float64) * 2.0 - 1.0
    samples = DistanceSamples(positions, torch.linalg.vector_norm(positions, dim=1) - 0.55)
    trained = NetworkField(architecture, parameters, latent)
    fit(trained, samples, iterations=150, batch=1000, learning_rate=3e-3, seed=seed)
    return architecture, trained.parameters.detach(), latent


@check(
    "surfaces.level-set-gradient",
    title="Vertices of a network's surface move with its weights as central differences say",
    source=PAPER,
)
def level_set_gradient(
    *, distance: Literal["signed", "occupancy"] = "signed", level: float = 0.0, resolution: Count = 12,
    samples: Count = 40, seed: int = 0,
) -> CheckResult:  # fmt: skip
    """Largest error over parameters and latent, relative to the largest entry of the gradient.

    The vertices of the surface are found again for the changed network: from each old vertex along its normal.
    """
    function = blob(distance=distance, seed=seed)
    surface = LevelSet(function, resolution, dtype=torch.float64, device=CPU, level=level)
    surface.find()
    mesh = surface.extract()
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(mesh.vertices.shape, generator=generator, dtype=torch.float64)
    leaves = function.leaves()
    gradients = torch.autograd.grad((mesh.vertices * directions).sum(), list(leaves.values()))
    start = mesh.vertices.detach()

    def found_again() -> Tensor:
        return (_along(function, start, mesh.gradients, level) * directions).sum()

    errors = {}
    for (name, leaf), analytic in zip(leaves.items(), gradients, strict=True):
        chosen = torch.randperm(leaf.numel(), generator=generator)[:samples]
        measured = torch.stack([_difference(found_again, leaf, int(i)) for i in chosen])
        errors[name] = float((measured - analytic[chosen]).abs().max() / analytic.abs().max())
    return compare("surfaces.level-set-gradient", max(errors.values()), 0.0, 1e-6, errors=errors)


def _along(function: ImplicitFunction, start: Tensor, normals: Tensor, level: float) -> Tensor:
    """Where the level crosses the lines along `normals` through `start`, by Newton's method."""
    way = torch.zeros(len(start), dtype=start.dtype)
    for _ in range(8):
        values, gradients = function.values_and_gradients(start + way[:, None] * normals)
        way = way - (values.detach() - level) / (gradients * normals).sum(dim=1)
    return start + way[:, None] * normals


def _difference(value: Callable[[], Tensor], leaf: Tensor, i: int, step: float = 1e-6) -> Tensor:
    kept = float(leaf.detach()[i])
    with torch.no_grad():
        leaf[i] = kept + step
    above = value()
    with torch.no_grad():
        leaf[i] = kept - step
    below = value()
    with torch.no_grad():
        leaf[i] = kept
    return (above - below) / (2 * step)


@check(
    "surfaces.level-set-volume",
    title="The gradient of a network's volume agrees with volumes of meshes found anew",
    source=PAPER,
)
def level_set_volume(*, resolution: Count = 32, samples: Count = 12, seed: int = 1) -> CheckResult:
    """Largest error over parameters, relative to the largest entry. Normals of slivers are off by an angle of the
    order of a cell, so the bar falls with the cell."""
    function = blob(seed=seed)
    surface = LevelSet(function, resolution, dtype=torch.float64, device=CPU)

    def volume() -> Tensor:
        surface.find()
        mesh = surface.extract()
        return enclosed_volume(mesh.vertices, mesh.triangles)

    parameters = function.parameters
    (analytic,) = torch.autograd.grad(volume(), parameters)
    chosen = analytic.abs().argsort(descending=True)[:: max(1, len(analytic) // samples)][:samples]
    measured = torch.stack([_difference(lambda: volume().detach(), parameters, int(i), 1e-4) for i in chosen])
    error = float((measured - analytic[chosen]).abs().max() / analytic.abs().max())
    return compare("surfaces.level-set-volume", error, 0.0, 0.6 / resolution)


@check(
    "surfaces.level-set-theorem",
    title="Marching cubes: the volume of {s < c} grows with c by the integral of 1/|∇s| over the mesh",
)
def level_set_theorem(*, resolution: Count = 32, radius: Positive = 0.6, level: float = 0.05) -> CheckResult:
    """s = |x|² − r² at any level c: the gradient's way, the mesh's integral, and volumes at c ± 0.001, over 2 π R."""
    function = Quadric(radius)
    reached = math.sqrt(radius**2 + level)
    expected = 2 * math.pi * reached
    surface = LevelSet(function, resolution, dtype=torch.float64, device=CPU, level=level)
    surface.find()
    mesh = surface.extract()
    volume = enclosed_volume(mesh.vertices, mesh.triangles)
    # Through the leaf: s falls by 2 r dr, which is what a rise of the level by as much does.
    (by_radius,) = torch.autograd.grad(volume, function.radius)
    gradient = float(by_radius[0]) / (2 * radius)
    a, b, c = (mesh.vertices.detach()[mesh.triangles[:, i].long()] for i in range(3))
    areas = torch.linalg.vector_norm(torch.linalg.cross(b - a, c - a), dim=1) / 2
    slopes = torch.linalg.vector_norm(mesh.gradients, dim=1)[mesh.triangles.long()].mean(dim=1)
    integral = float((areas / slopes).sum())
    difference = (_volume(function, resolution, level + 1e-3) - _volume(function, resolution, level - 1e-3)) / 2e-3
    ways: dict[str, Any] = {
        name: value / expected
        for name, value in {"gradient": gradient, "integral": integral, "difference": difference}.items()
    }
    worst = max(ways.values(), key=lambda way: abs(way - 1.0))
    return compare("surfaces.level-set-theorem", worst, 1.0, 2 * (surface.grid.cell_size / radius) ** 2, **ways)


def _volume(function: ImplicitFunction, resolution: int, level: float) -> float:
    surface = LevelSet(function, resolution, dtype=torch.float64, device=CPU, level=level)
    surface.find()
    mesh = surface.extract()
    return float(enclosed_volume(mesh.vertices.detach(), mesh.triangles))


class Cap(ImplicitFunction):
    """Unsigned distance to a part of a sphere: an open sheet of one border.

    shape : radius, polar angle of the rim, height of the centre
    """

    def __init__(self, radius: float, angle: float, height: float = 0.03) -> None:
        self.shape = torch.tensor([radius, angle, height], dtype=torch.float64, requires_grad=True)

    def leaves(self) -> dict[str, Tensor]:
        return {"shape": self.shape}

    def values_at(self, positions: Tensor) -> Tensor:
        radius, angle, height = self.shape
        z = positions[:, 2] - height
        across = torch.linalg.vector_norm(positions[:, :2], dim=1).clamp(min=1e-12)
        on_sheet = (torch.sqrt(across**2 + z**2) - radius).abs()
        on_rim = torch.sqrt(
            ((across - radius * torch.sin(angle)) ** 2 + (z - radius * torch.cos(angle)) ** 2).clamp(min=1e-24)
        )
        return torch.where(torch.atan2(across, z) <= angle, on_sheet, on_rim)


@check(
    "surfaces.unsigned-border", title="The border of an open sheet lies on the rim of its unsigned distance", source=UDF
)
def unsigned_border(*, resolution: Count = 32, radius: Positive = 0.6, angle: Positive = 1.9) -> CheckResult:
    """Largest distance of border vertices from the rim and of all others from the sheet, in cells, and 1 for every
    border, part or turned edge too many."""
    cap = Cap(radius, angle)
    surface = UnsignedSet(cap, resolution, dtype=torch.float64, device=CPU)
    surface.find()
    mesh = surface.extract()
    vertices = mesh.vertices.detach()
    topology = measure_topology(mesh.triangles.numpy())
    rim = vertices[boundary_edges(mesh.triangles.numpy())[:, 0]] - vertices.new_tensor([0.0, 0.0, 0.03])
    off_rim = radius * (torch.atan2(torch.linalg.vector_norm(rim[:, :2], dim=1), rim[:, 2]) - angle).abs().max()
    off = float(torch.maximum(off_rim, cap.values_at(vertices).detach().max())) / surface.grid.cell_size
    odd = abs(topology.boundary_loops - 1) + abs(topology.parts - 1) + topology.flipped_edges
    return compare("surfaces.unsigned-border", off + odd + topology.nonmanifold_edges, 0.0, 1e-3, unit="cells")


@check(
    "surfaces.unsigned-gradient",
    title="Vertices of an unsigned distance's sheet move with its weights as central differences say",
    source=UDF,
)
def unsigned_gradient(*, resolution: Count = 16, radius: Positive = 0.6, angle: Positive = 1.9) -> CheckResult:
    """Largest error over radius, rim and place, relative to the largest entry, of a random functional of the vertices
    found again; and that of the sheet's area against theory, in the detail."""
    cap = Cap(radius, angle)
    surface = UnsignedSet(cap, resolution, dtype=torch.float64, device=CPU)
    surface.find()
    mesh = surface.extract()
    start, distance = mesh.vertices.detach(), PROBE * surface.grid.cell_size
    directions = torch.randn(start.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    (analytic,) = torch.autograd.grad((mesh.vertices * directions).sum(), cap.shape, retain_graph=True)
    corners = mesh.vertices[mesh.triangles.long()]
    face = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    (by_area,) = torch.autograd.grad(torch.linalg.vector_norm(face, dim=1).sum() / 2, cap.shape)
    across, outward = mesh.gradients, mesh.outward

    def found_again() -> Tensor:
        places = start
        for _ in range(60):
            ahead, behind = (cap.plain_values(places + side * distance * across) for side in (1.0, -1.0))
            places = places + (behind - ahead)[:, None] / 2.0 * across
            places = places + (distance - cap.plain_values(places + distance * outward))[:, None] * outward
        return (places * directions).sum()

    # A small step: above the rim the distance has a second derivative on one side only.
    measured = torch.stack([_difference(found_again, cap.shape, i, 1e-7) for i in range(3)])
    error = float((measured - analytic).abs().max() / analytic.abs().max())
    theory = [4 * math.pi * radius * (1 - math.cos(angle)), 2 * math.pi * radius**2 * math.sin(angle), 0.0]
    area = float((by_area - by_area.new_tensor(theory)).abs().max()) / theory[0]
    return compare("surfaces.unsigned-gradient", error, 0.0, 1e-6, area=area)


@check("surfaces.marching-cubes", title="Marching cubes gives closed, manifold meshes for random signs")
def marching_manifold(*, resolution: Count = 16, seeds: Count = 5) -> CheckResult:
    """Defects of edges and vertices over the seeds, and meshes that are wound inside out."""
    grid = Grid(resolution)
    defects = 0
    for seed in range(seeds):
        inside = torch.rand((resolution + 1,) * 3, generator=torch.Generator().manual_seed(seed)) < 0.5
        mesh = march(grid.pad(inside.to(torch.uint8), 0), grid, closed=True)
        places = grid.positions(mesh.nodes.reshape(-1), torch.float64).reshape(-1, 2, 3).mean(dim=1)
        defects += count_defects(len(places), mesh.triangles.numpy())
        defects += int(not float(enclosed_volume(places, mesh.triangles)) > 0)
    return compare("surfaces.marching-cubes", defects, 0, 0)


@check("surfaces.merging", title="Two spheres of a network merge when more volume is asked for", source=PAPER)
def merging(*, resolution: Count = 24, iterations: Count = 120, seed: int = 0) -> CheckResult:
    """Euler characteristic of a network's surface that began as two spheres (4) and descends on
    (V/V₀ − 2)²: 2, that of one part. The volume that is reached stands beside it."""
    architecture = Architecture(layers=2, width=32, frequency=10.0)
    generator = torch.Generator().manual_seed(seed)
    field = NetworkField(architecture, architecture.initial(generator))
    positions = torch.rand(30000, 3, generator=generator) * 2.0 - 1.0
    centre = torch.tensor([0.4, 0.0, 0.0])
    distances = torch.minimum(*(torch.linalg.vector_norm(positions - side * centre, dim=1) for side in (-1, 1))) - 0.33
    fit(field, DistanceSamples(positions, distances), iterations=300, batch=2000, learning_rate=2e-3, seed=seed)
    surface = DeepMesh(field, resolution)
    surface.prepare()
    first = surface.extract()
    begin = euler_and_parts(first.triangles.numpy())[0]
    wanted = 2.0 * float(enclosed_volume(first.vertices.detach(), first.triangles))
    leaf = surface.tensors()["network"]
    moments = torch.zeros_like(leaf), torch.zeros_like(leaf), torch.zeros(())
    for _ in range(iterations):
        surface.prepare()
        mesh = surface.extract()
        loss = (enclosed_volume(mesh.vertices, mesh.triangles) / wanted - 1.0) ** 2
        descend(leaf, torch.autograd.grad(loss, leaf)[0], *moments, rate=2e-4)
    surface.prepare()
    last = surface.extract()
    euler, parts = euler_and_parts(last.triangles.numpy())
    volume = float(enclosed_volume(last.vertices.detach(), last.triangles)) / wanted
    # Both ends are one statement: 4 before and 2 after.
    return compare("surfaces.merging", euler + (begin - 4), 2, 0, begin=begin, parts=parts, volume=volume)
