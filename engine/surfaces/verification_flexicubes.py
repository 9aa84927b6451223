"""Checks of what FlexiCubes offers beyond its surface: tetrahedra, and a mesh free of intersections."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.core.checks import CheckResult, Count, Positive, check, compare
from engine.geometry.intersection import intersecting_triangles
from engine.geometry.tet_mesh import boundary_triangles
from engine.surfaces.flexicubes import FlexiCubes
from engine.surfaces.tetrahedra import takes_inverted_case
from engine.surfaces.verification import PAPER, count_defects, enclosed_volume, gradient_errors


def extreme(surface: FlexiCubes, seed: int, size: float = 10.0) -> FlexiCubes:
    """With raw weights and offsets drawn evenly from ±`size`."""
    generator = torch.Generator().manual_seed(seed)
    for name in ("weights", "offsets"):
        surface.tensors()[name].data.uniform_(-size, size, generator=generator)
    return surface


@check("surfaces.tetrahedra", title="Tetrahedra fill the inside of a surface, without gaps and overlaps", source=PAPER)
def partition(*, resolution: Count = 10, seeds: Count = 5, inside_fraction: float = 0.5) -> CheckResult:
    """Sum of the absolute volumes less the volume that the quads of the surface enclose, relative to it; with extreme
    weights on an undeformed grid. Inverted tetrahedra, faces that do not match, and defects of the tetrahedra's own
    surface count one each."""
    worst, broken, inverted_cells = 0.0, 0, 0
    for seed in range(seeds):
        surface = FlexiCubes.random(resolution, seed=seed, inside_fraction=inside_fraction, dtype=torch.float64)
        extreme(surface, seed).tensors()["offsets"].data.zero_()
        found = surface.extract_tetrahedra()
        enclosed = float(_volume_within_quads(surface, found.odd_diagonal))
        worst = max(worst, abs(float(found.volumes.detach().abs().sum()) - enclosed) / enclosed)
        outer = boundary_triangles(found.tets.numpy(force=True))
        broken += found.inverted_count + count_defects(len(found.vertices), outer)
        inverted_cells += int(takes_inverted_case(surface.connectivity).sum())
    return compare("surfaces.tetrahedra", worst + broken, 0.0, 1e-10, broken=broken, inverted_cells=inverted_cells)


def _volume_within_quads(surface: FlexiCubes, odd_diagonal: Tensor) -> Tensor:
    """Volume within the quads of the surface, cut along these diagonals: knows nothing of tetrahedra."""
    patterns = torch.tensor([[0, 1, 2, 0, 2, 3], [1, 2, 3, 1, 3, 0]])[odd_diagonal.to(torch.int64)]
    triangles = surface.connectivity.quad_duals.to(torch.int64).gather(1, patterns).reshape(-1, 3)
    with torch.no_grad():
        return enclosed_volume(surface.tetrahedral_duals(), triangles)


@check(
    "surfaces.tetrahedra-gradient", title="The gradient of the tetrahedra agrees with central differences", source=PAPER
)
def tetrahedra_gradient(*, resolution: Count = 4, seed: int = 3, samples: Count = 40) -> CheckResult:
    """Largest error over field, offsets and weights, relative to the largest entry of each gradient."""
    surface = FlexiCubes.random(resolution, seed=seed, inside_fraction=0.6, dtype=torch.float64)
    extreme(surface, seed, 1.0)
    generator = torch.Generator().manual_seed(seed)
    direction = torch.randn(surface.extract_tetrahedra().vertices.shape, generator=generator, dtype=torch.float64)

    def loss() -> Tensor:
        return (surface.extract_tetrahedra().vertices * direction).sum()

    errors = gradient_errors(surface.tensors(), loss, samples, generator)
    return compare("surfaces.tetrahedra-gradient", max(errors.values()), 0.0, 1e-6, errors=errors)


@check("surfaces.no-intersections", title="With 'No intersecting faces' no triangle runs through another", source=PAPER)
def no_intersections(*, resolution: Count = 16, seeds: Count = 4, size: Positive = 10.0) -> CheckResult:
    """Intersecting triangles and defects of the mesh, over random fields, raw weights and offsets in ±`size`."""
    bad, without = 0, 0
    for seed in range(seeds):
        for fraction in (0.1, 0.5, 0.9):
            for switch in (True, False):
                surface = FlexiCubes.random(resolution, seed=seed, inside_fraction=fraction, no_intersections=switch)
                extreme(surface, seed, size)
                vertices, triangles = surface.present_output()
                crossing = len(intersecting_triangles(vertices.astype(np.float64), triangles))
                if switch:
                    bad += crossing + count_defects(len(vertices), triangles)
                else:
                    without += crossing
    return compare("surfaces.no-intersections", bad, 0, 0, with_switch_off=without)


@check(
    "surfaces.no-intersections-gradient",
    title="With 'No intersecting faces' the gradient agrees with central differences",
)
def no_intersections_gradient(*, resolution: Count = 5, seed: int = 3, samples: Count = 40) -> CheckResult:
    """Largest error over field and weights, relative to the largest entry of each gradient."""
    surface = FlexiCubes.random(resolution, seed=seed, inside_fraction=0.5, dtype=torch.float64, no_intersections=True)
    extreme(surface, seed, 1.0)
    generator = torch.Generator().manual_seed(seed)
    direction = torch.randn(surface.extract().vertices.shape, generator=generator, dtype=torch.float64)

    def loss() -> Tensor:
        return (surface.extract().vertices * direction).sum()

    errors = gradient_errors(surface.tensors(), loss, samples, generator)
    return compare("surfaces.no-intersections-gradient", max(errors.values()), 0.0, 1e-6, errors=errors)
