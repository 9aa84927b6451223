"""Checks of G-Shell against theory."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.core.checks import CheckResult, check, compare
from engine.geometry.topology import boundary_edges, measure_topology
from engine.surfaces.flexicubes import FlexiCubes
from engine.surfaces.gshell import TEMPLATES, GShell
from engine.surfaces.starts import node_axis

PAPER = "Liu et al., Ghost on the Shell, ICLR 2024, arXiv 2310.15168"

COLUMNS = {"alpha": slice(0, 8), "beta": slice(8, 20), "gamma": slice(20, 21)}
"""Of the leaf "weights"."""


def shaken(resolution: int, seed: int, template: str, *, closed: bool = True) -> GShell:
    """Random signs of both fields, random offsets and weights, float64."""
    surface = GShell.random(
        resolution, seed=seed, inside_fraction=0.5, dtype=torch.float64, template=template, closed=closed
    )
    generator = torch.Generator().manual_seed(seed)
    for name in surface.tensors().keys() & {"offsets", "weights"}:
        surface.tensors()[name].data.normal_(generator=generator)
    return surface


@check("surfaces.g-shell.gradient", title="The gradient of G-Shell agrees with central differences", source=PAPER)
def gradient(
    *, resolution: int = 4, seed: int = 3, samples: int = 40, template: str = "flexicubes", closed: bool = True
) -> CheckResult:
    """Largest error over field, offsets, alpha, beta, gamma and mSDF, relative to the largest of each gradient."""
    surface = shaken(resolution, seed, template, closed=closed)
    generator = torch.Generator().manual_seed(seed)
    leaves = surface.tensors()
    first = surface.extract()
    pull = torch.randn(first.vertices.shape, generator=generator, dtype=torch.float64)

    def loss() -> Tensor:
        return (surface.extract().vertices * pull).sum()

    gradients = dict(zip(leaves, torch.autograd.grad(loss(), list(leaves.values())), strict=True))
    errors = {}
    for name, leaf in leaves.items():
        index = torch.arange(leaf.numel()).reshape(leaf.shape)
        parts = {part: index[:, columns] for part, columns in COLUMNS.items()} if name == "weights" else {name: index}
        for part, members in parts.items():
            exact = gradients[name].reshape(-1)
            chosen = members.reshape(-1)
            chosen = chosen[torch.randperm(len(chosen), generator=generator)[:samples]]
            measured = torch.stack([_difference(surface, name, int(i), pull) for i in chosen])
            errors[part] = float((measured - exact[chosen]).abs().max() / exact[members.reshape(-1)].abs().max())
    return compare("surfaces.g-shell.gradient", max(errors.values()), 0.0, 1e-6, errors=errors)


def _difference(surface: GShell, name: str, i: int, pull: Tensor) -> Tensor:
    """Central difference in one number of a leaf. A step must change no sign: not of the field, nor of the mSDF at any
    vertex of the template, for the mesh is cut elsewhere there."""
    flat = surface.tensors()[name].data.view(-1)
    value = flat[i].item()
    step = min(1e-6, abs(value) / 100) if name == "field" else 1e-6
    signs = surface.extract().template_msdf.detach() >= 0
    while True:
        values = []
        with torch.no_grad():
            for sign in (1, -1):
                flat[i] = value + sign * step
                found = surface.extract()
                if not torch.equal(found.template_msdf >= 0, signs):
                    break
                values.append((found.vertices * pull).sum())
            flat[i] = value
        if len(values) == 2:
            return (values[0] - values[1]) / (2 * step)
        step /= 10


@check(
    "surfaces.g-shell.planar-cut",
    title="G-Shell is cut exactly on a plane where its openness changes sign on one",
    source=PAPER,
)
def planar_cut(*, resolution: int = 16, seed: int = 0, template: str = "flexicubes") -> CheckResult:
    """Largest distance of a cut point from the plane {ν = 0}, in cells, with any alpha, beta and gamma: the weights of
    a vertex are those of its ν, so ν stays linear on the surface."""
    normal = torch.tensor([0.36, -0.48, 0.8], dtype=torch.float64)
    axis = node_axis(resolution)
    nodes = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)
    surface = GShell(
        torch.linalg.vector_norm(nodes, dim=-1) - 0.7, nodes @ normal - 0.113, template=template, dtype=torch.float64
    )
    if template == "flexicubes":
        surface.tensors()["weights"].data.normal_(generator=torch.Generator().manual_seed(seed))
    found = surface.extract()
    on_border = found.vertices.detach()[found.boundary.reshape(-1).to(torch.int64)]
    shown, triangles = surface.output()
    cut = torch.from_numpy(shown[boundary_edges(triangles)].astype(np.float64)).reshape(-1, 3)
    error = max(float((points @ normal - 0.113).abs().max()) for points in (on_border, cut)) / surface.cell_size
    return compare("surfaces.g-shell.planar-cut", error, 0.0, 1e-5, border_points=len(on_border))


@check(
    "surfaces.g-shell.manifold",
    title="Open surfaces are manifold, and their borders closed loops, for random signs",
    source=PAPER,
)
def manifold(*, resolution: int = 12, seeds: int = 5, template: str = "") -> CheckResult:
    """Non-manifold edges and vertices, flipped neighbours, unreferenced vertices, and border edges that are not those
    that the surface names or do not close to loops, of random signs; both triangulations, all templates."""
    defects = 0
    for kind in [template] if template else TEMPLATES:
        for seed in range(seeds):
            surface = shaken(resolution, seed, kind)
            found = surface.extract()
            vertices, triangles = surface.output()
            defects += _defects(len(found.vertices), found.triangles.numpy(force=True))
            defects += _defects(len(vertices), triangles)
            edges = boundary_edges(found.triangles.numpy(force=True))
            said = found.boundary.numpy(force=True)
            defects += len({tuple(edge) for edge in edges.tolist()} ^ {tuple(edge) for edge in said.tolist()})
            tails, heads = np.sort(said[:, 0]), np.sort(said[:, 1])
            defects += int((tails != heads).sum()) + len(tails) - len(np.unique(tails))
    return compare("surfaces.g-shell.manifold", defects, 0, 0)


def _defects(vertex_count: int, triangles: np.ndarray) -> int:
    found = measure_topology(triangles)
    unreferenced = vertex_count - found.vertices
    return found.nonmanifold_edges + found.nonmanifold_vertices + found.flipped_edges + unreferenced


@check("surfaces.g-shell.one-piece", title="A sphere with an opening is one piece with one border")
def one_piece(*, resolution: int = 16, template: str = "tetrahedra") -> CheckResult:
    """Parts and border loops of a ball without its top, Euler characteristic 1."""
    axis = node_axis(resolution)
    nodes = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)
    surface = GShell(torch.linalg.vector_norm(nodes, dim=-1) - 0.7, 0.31 - nodes[..., 2], template=template)
    found = measure_topology(surface.extract().triangles.numpy(force=True))
    wrong = abs(found.parts - 1) + abs(found.boundary_loops - 1) + abs(found.euler_characteristic - 1)
    return compare("surfaces.g-shell.one-piece", wrong, 0, 0, parts=found.parts, loops=found.boundary_loops)


@check("surfaces.g-shell.closed", title="A G-Shell that is nowhere open is its closed template, to the last bit")
def closed_shape(*, resolution: int = 12, seed: int = 1) -> CheckResult:
    """Numbers in which it differs from FlexiCubes with the same leaves."""
    plain = FlexiCubes.random(resolution, seed=seed, inside_fraction=0.5)
    for name, leaf in plain.tensors().items():
        if name != "field":
            leaf.data.normal_(generator=torch.Generator().manual_seed(seed))
    shell = GShell.converted(plain, options={}, device=plain.device)
    one, other = plain.extract(), shell.extract()
    pairs = [
        (one.vertices.numpy(force=True), other.vertices.numpy(force=True)),
        (one.triangles.numpy(force=True), other.triangles.numpy(force=True)),
        *zip(plain.output(), shell.output(), strict=True),
    ]
    different = sum(int(a.shape != b.shape or (a != b).sum()) for a, b in pairs)
    return compare("surfaces.g-shell.closed", different + len(other.boundary), 0, 0)
