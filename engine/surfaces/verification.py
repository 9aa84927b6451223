"""Checks of the differentiable surfaces against theory."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from engine.core.checks import CheckResult, check, compare
from engine.surfaces.flexicubes import FlexiCubes
from engine.surfaces.starts import node_axis
from engine.surfaces.tables import dual_tables

PAPER = "Shen et al., Flexible isosurface extraction, SIGGRAPH 2023, arXiv 2308.05371"


def enclosed_volume(vertices: Tensor, triangles: Tensor) -> Tensor:
    """Volume inside a closed mesh by the divergence theorem; negative when it is wound inside out."""
    a, b, c = (vertices[triangles[:, corner].to(torch.int64)] for corner in range(3))
    return (a * torch.linalg.cross(b, c)).sum() / 6.0


def count_defects(vertex_count: int, triangles: np.ndarray) -> int:
    """Half-edges without exactly one opposite, and vertices whose triangles do not form one fan."""
    heads, tails = triangles.reshape(-1), triangles[:, [1, 2, 0]].reshape(-1)
    forward = heads.astype(np.int64) * vertex_count + tails
    backward = tails.astype(np.int64) * vertex_count + heads
    unmatched = len(forward) - len(np.intersect1d(forward, backward))
    # Corners of triangles are joined where two triangles share an edge at that vertex; one group a vertex is a fan.
    order, opposite = np.argsort(forward), np.searchsorted(np.sort(forward), backward).clip(max=len(forward) - 1)
    partner = order[opposite]
    following = np.arange(len(forward)) // 3 * 3 + (np.arange(len(forward)) + 1) % 3
    rows = np.concatenate([np.arange(len(forward)), following])
    columns = np.concatenate([following[partner], partner])
    links = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(forward),) * 2)
    fans = connected_components(links, directed=False)[0]
    return int(unmatched + fans - len(np.unique(triangles)))


@check(
    "surfaces.dual-tables",
    title="Dual marching cubes has as many cases of each number of vertices as published",
    source=PAPER,
)
def dual_table_counts() -> CheckResult:
    """162, 82, 8 and 2 cases emit one to four dual vertices; 36 have all edges of an ambiguous face in one group."""
    tables = dual_tables()
    counts = np.bincount(tables.group_count, minlength=5).tolist()
    ambiguous = int((tables.ambiguous_face >= 0).sum())
    difference = sum(abs(a - b) for a, b in zip([*counts, ambiguous], [2, 162, 82, 8, 2, 36], strict=True))
    return compare("surfaces.dual-tables", difference, 0, 0, counts=counts, ambiguous=ambiguous)


@check("surfaces.gradient", title="The gradient of FlexiCubes agrees with central differences", source=PAPER)
def gradient(*, resolution: int = 4, seed: int = 3, samples: int = 60, closed: bool = True) -> CheckResult:
    """Largest error over field, offsets, alpha, beta and gamma, relative to the largest entry of each gradient."""
    surface = FlexiCubes.random(resolution, seed=seed, inside_fraction=0.5, dtype=torch.float64, closed=closed)
    generator = torch.Generator().manual_seed(seed)
    leaves = surface.tensors()
    for name in ("offsets", "weights"):
        leaves[name].data.normal_(generator=generator)
    first = surface.extract()
    directions = [
        torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
        for tensor in (first.vertices, first.regularity, first.crossing_values)
    ]

    def loss() -> Tensor:
        now = surface.extract()
        outputs = (now.vertices, now.regularity, now.crossing_values)
        return torch.stack([(output * d).sum() for output, d in zip(outputs, directions, strict=True)]).sum()

    errors = gradient_errors(leaves, loss, samples, generator)
    return compare("surfaces.gradient", max(errors.values()), 0.0, 1e-6, errors=errors)


def gradient_errors(
    leaves: dict[str, Tensor], loss: Callable[[], Tensor], samples: int, generator: torch.Generator
) -> dict[str, float]:
    """Largest error of the gradient in the field, offsets, alpha, beta and gamma at random places, relative to the
    largest entry of each; of one that is zero altogether, the largest difference measured."""
    gradients = torch.autograd.grad(loss(), list(leaves.values()))
    parts: dict[str, tuple[Tensor, Tensor, Tensor]] = {}
    for (name, leaf), analytic in zip(leaves.items(), gradients, strict=True):
        index = torch.arange(leaf.numel()).reshape(leaf.shape)
        if name == "weights":
            for part, columns in {"alpha": slice(0, 8), "beta": slice(8, 20), "gamma": slice(20, 21)}.items():
                parts[part] = (leaf, analytic, index[:, columns].reshape(-1))
        else:
            parts[name] = (leaf, analytic, index.reshape(-1))
    errors = {}
    for part, (leaf, analytic, index) in parts.items():
        chosen = index[torch.randperm(len(index), generator=generator)[:samples]]
        flat = leaf.data.view(-1)
        measured = torch.stack([_central_difference(loss, flat, int(i), part) for i in chosen])
        exact = analytic.reshape(-1)
        largest = float(exact[index].abs().max()) or 1.0
        errors[part] = float((measured - exact[chosen]).abs().max()) / largest
    return errors


def _central_difference(loss: Callable[[], Tensor], flat: Tensor, i: int, part: str) -> Tensor:
    value = flat[i].item()
    # A step must not change the sign of the field, for the surface changes its cells there.
    step = min(1e-6, abs(value) / 100) if part == "field" else 1e-6
    with torch.no_grad():
        flat[i] = value + step
        above = loss()
        flat[i] = value - step
        below = loss()
        flat[i] = value
    return (above - below) / (2 * step)


@check("surfaces.plane", title="A plane is extracted exactly, whatever the weights")
def plane(*, resolution: int = 12, seed: int = 0) -> CheckResult:
    """With any beta and gamma: crossings lie on the plane, and so does their convex hull."""
    normal = torch.tensor([0.36, 0.48, 0.8], dtype=torch.float64)
    axis = node_axis(resolution)
    points = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)
    surface = FlexiCubes(points @ normal - 0.1234, dtype=torch.float64, closed=False)
    surface.tensors()["weights"].data[:, 8:].normal_(generator=torch.Generator().manual_seed(seed))
    vertices = surface.extract().vertices.detach()
    error = float((vertices @ normal - 0.1234).abs().max())
    return compare("surfaces.plane", error / surface.cell_size, 0.0, 1e-12, unit="cells")


@check("surfaces.sphere-order", title="The mesh of a sphere comes nearer to it with the square of the cell size")
def sphere_order(*, coarse: int = 16, radius: float = 0.6) -> CheckResult:
    """Mean distance to the sphere falls with the square of the cell size."""
    errors = []
    for resolution in (coarse, 2 * coarse, 4 * coarse):
        surface = FlexiCubes.sphere(resolution, radius=radius, dtype=torch.float64)
        distance = torch.linalg.norm(surface.extract().vertices.detach(), dim=1) - radius
        errors.append(float(distance.abs().mean()))
    order = math.log2(errors[0] / errors[2]) / 2
    return compare("surfaces.sphere-order", order, 2.0, 0.25, errors=errors)


@check(
    "surfaces.iso-surface-theorem",
    title="The volume of {s < c} grows with c by the integral of 1/|∇s| over the surface",
)
def iso_surface_theorem(*, resolution: int = 32, radius: float = 0.6) -> CheckResult:
    """s = |x|² − r², so |∇s| = 2 r on the sphere and the integral is 4 π r² / 2 r; measured relative to it."""
    axis = node_axis(resolution)
    square = axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2
    surface = FlexiCubes(square - radius**2, dtype=torch.float64)
    mesh = surface.extract()
    volume = enclosed_volume(mesh.vertices, mesh.triangles)
    (sensitivity,) = torch.autograd.grad(volume, surface.tensors()["field"])
    expected = 2 * math.pi * radius
    tolerance = 2 * (surface.cell_size / radius) ** 2
    return compare("surfaces.iso-surface-theorem", -float(sensitivity.sum()) / expected, 1.0, tolerance)


@check(
    "surfaces.random-manifold",
    title="FlexiCubes gives closed, manifold meshes that face outwards, for random signs",
    source=PAPER,
)
def random_manifold(*, resolution: int = 16, seeds: int = 5) -> CheckResult:
    """Defects of edges and vertices, and meshes with no positive volume, over the seeds; both triangulations."""
    defects = 0
    for seed in range(seeds):
        surface = FlexiCubes.random(resolution, seed=seed, inside_fraction=0.5)
        mesh = surface.extract()
        vertices, triangles = surface.output()
        defects += count_defects(len(mesh.vertices), mesh.triangles.numpy(force=True))
        defects += count_defects(len(vertices), triangles)
        defects += int(not float(enclosed_volume(mesh.vertices.detach(), mesh.triangles)) > 0)
    return compare("surfaces.random-manifold", defects, 0, 0)


@check("surfaces.border-cap", title="A field that is inside everywhere gives the closed box of the grid")
def border_cap(*, resolution: int = 6) -> CheckResult:
    """The mesh is the whole box, its edges and corners included: volume 8, no defects."""
    surface = FlexiCubes(torch.full((resolution + 1,) * 3, -1.0), dtype=torch.float64)
    mesh = surface.extract()
    defects = count_defects(len(mesh.vertices), mesh.triangles.numpy(force=True))
    volume = float(enclosed_volume(mesh.vertices.detach(), mesh.triangles))
    return compare("surfaces.border-cap", volume + defects, 8.0, 1e-12, defects=defects)
