"""Checks of the Terms against theory, and the shapes whose distances, normals and volumes are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from engine.core.checks import CheckResult, check, compare
from engine.core.device import Device
from engine.geometry.frame import Frame
from engine.geometry.mesh import Mesh
from engine.objectives.evaluation import Evaluation
from engine.objectives.mask import Mask, MaskWeight
from engine.objectives.no_go import SOFTNESS
from engine.objectives.target import MeshTarget, Target
from engine.objectives.term import Term, TermContext, build_term
from engine.objectives.volume import enclosed_volume
from engine.protocol.edits import SetMask
from engine.protocol.study import TermSpec
from engine.surfaces.flexicubes import FlexiCubes
from engine.surfaces.surface import ExtractedSurface

NO_DESIGN: Any = None
"""Terms on the surface alone do not look at the design."""

CPU = Device("cpu")
UNIT = Frame((0.0, 0.0, 0.0), 1.0)
CUBE_TRIANGLES = np.array(
    [
        [0, 2, 3], [0, 3, 1], [4, 5, 7], [4, 7, 6], [0, 1, 5], [0, 5, 4],
        [2, 6, 7], [2, 7, 3], [0, 4, 6], [0, 6, 2], [1, 3, 7], [1, 7, 5],
    ],
    np.int32,
)  # fmt: skip


def cube(side: float, centre: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Mesh:
    corners = np.array([[i & 1, i >> 1 & 1, i >> 2] for i in range(8)], np.float64)
    return Mesh((corners - 0.5) * side + centre, CUBE_TRIANGLES)


def sphere(radius: float, rings: int = 10) -> Mesh:
    """Latitude–longitude sphere, outward."""
    theta = np.linspace(0.0, np.pi, rings + 1)[1:-1]
    phi = np.linspace(0.0, 2 * np.pi, 2 * rings, endpoint=False)
    body = [(np.sin(t) * np.cos(p), np.sin(t) * np.sin(p), np.cos(t)) for t in theta for p in phi]
    vertices = np.array([(0.0, 0.0, 1.0), *body, (0.0, 0.0, -1.0)]) * radius
    columns, last = len(phi), len(vertices) - 1
    triangles = []
    for j in range(columns):
        k = (j + 1) % columns
        triangles.append((0, 1 + j, 1 + k))
        triangles.append((last, last - columns + k, last - columns + j))
        for i in range(len(theta) - 1):
            a, b = 1 + i * columns + j, 1 + i * columns + k
            triangles += [(a, a + columns, b), (b, a + columns, b + columns)]
    return Mesh(vertices, np.array(triangles, np.int32))


def extracted(mesh: Mesh, *, jitter: float = 0.0, seed: int = 0) -> ExtractedSurface:
    """The mesh as a surface whose vertices are leaves, float64."""
    vertices = mesh.vertices + np.random.default_rng(seed).normal(size=mesh.vertices.shape) * jitter
    return ExtractedSurface(
        vertices=torch.from_numpy(vertices).requires_grad_(),
        triangles=torch.from_numpy(mesh.triangles),
        cell_size=0.1,
        dual_vertex_count=len(vertices),
    )


def evaluation_of(surface: ExtractedSurface, target: Target | None = None, *, samples: int = 400) -> Evaluation:
    return Evaluation(
        surface,
        target=target,
        draw=None if target is None else target.draw(0),
        sample_count=samples,
        generator=torch.Generator().manual_seed(5),
        device=CPU,
        progress=1.0,
    )


def relative_gradient_error(term: Term, target: Target | None, *, step: float = 1e-6, directions: int = 5) -> float:
    """Largest difference between a Term's gradient and central differences along random directions, relative to the
    largest derivative, on a rough sphere in float64 with pairs and samples held (envelope theorem)."""
    surface = extracted(sphere(0.7, 8), jitter=0.02)
    evaluation = evaluation_of(surface, target)
    value = term.evaluate(evaluation, NO_DESIGN)
    (gradient,) = torch.autograd.grad(value, surface.vertices)
    start = surface.vertices.detach()

    def moved(vertices: torch.Tensor) -> float:
        same = evaluation_of(replace(surface, vertices=vertices), target)
        same.hold_pairs(evaluation)
        same.hold_sides(evaluation)
        return float(term.evaluate(same, NO_DESIGN))

    random = torch.Generator().manual_seed(1)
    measured, expected = [], []
    for _ in range(directions):
        direction = torch.randn(start.shape, generator=random, dtype=torch.float64)
        expected.append((moved(start + step * direction) - moved(start - step * direction)) / (2 * step))
        measured.append(float((gradient * direction).sum()))
    difference = np.abs(np.array(measured) - np.array(expected)).max()
    return float(difference / max(np.abs(expected).max(), 1e-300))


def relative_design_gradient_error(term: Term, *, step: float = 1e-6, directions: int = 4) -> float:
    """The same for a Term on the grid, along random directions of all tensors of a random surface."""
    design = FlexiCubes.random(6, seed=3, inside_fraction=0.3, dtype=torch.float64)
    random = torch.Generator().manual_seed(2)
    with torch.no_grad():
        # Away from the kinks of magnitudes at zero, without a change of sign.
        for name in ("offsets", "weights"):
            design.tensors()[name].copy_(0.1 * torch.randn(design.tensors()[name].shape, generator=random))
    leaves = design.tensors()
    start = {name: leaf.detach().clone() for name, leaf in leaves.items()}
    value = term.evaluate(evaluation_of(design.extract()), design)
    gradients = torch.autograd.grad(value, list(leaves.values()), allow_unused=True)

    def moved(direction: dict[str, torch.Tensor], length: float) -> float:
        with torch.no_grad():
            for name, leaf in leaves.items():
                leaf.copy_(start[name] + length * direction[name])
        return float(term.evaluate(evaluation_of(design.extract()), design).detach())

    measured, expected = [], []
    for _ in range(directions):
        direction = {
            name: torch.randn(leaf.shape, generator=random, dtype=torch.float64) for name, leaf in start.items()
        }
        expected.append((moved(direction, step) - moved(direction, -step)) / (2 * step))
        measured.append(
            sum(
                float((gradient * along).sum())
                for gradient, along in zip(gradients, direction.values(), strict=True)
                if gradient is not None
            )
        )
    difference = np.abs(np.array(measured) - np.array(expected)).max()
    return float(difference / max(np.abs(expected).max(), 1e-300))


def upper_half(*, lower: float = 0.25, reach: float = 10.0) -> Mask:
    """A mask that is 1 above z = 0 and `lower` below."""
    side = np.linspace(-1.0, 1.0, 9)
    places = np.stack(np.meshgrid(side, side, [-0.5, 0.5], indexing="ij"), axis=-1).reshape(-1, 3)
    edit = SetMask(name="upper half", points=places, values=np.where(places[:, 2] > 0.0, 1.0, lower), reach=reach)
    return Mask(edit, UNIT, CPU)


def surface_term(kind: str, target: Target | None, *, mask: Mask | None = None, **parameters: object) -> Term:
    spec = TermSpec(kind=kind, name=kind, weight=1.0, parameters=parameters, mask=mask.edit.name if mask else "")
    term = build_term(spec, TermContext(UNIT, target, CPU))
    term.where = MaskWeight(mask, 0.1) if mask else None
    return term


def _cube_target() -> MeshTarget:
    return MeshTarget(cube(1.2), UNIT, CPU, sample_count=500, draw_count=1)


@check(
    "objectives.fit-gradient",
    title="Fit to target: the gradient agrees with central differences",
    source="central differences, float64",
)
def fit_gradient(softness: float = 1.0, outlier_distance: float = 20.0) -> CheckResult:
    target = _cube_target()
    term = surface_term("fit", target, softness=softness, outlier_distance=outlier_distance)
    return compare("objectives.fit-gradient", relative_gradient_error(term, target), 0.0, 1e-6)


@check(
    "objectives.normals-gradient",
    title="Align normals: the gradient agrees with central differences",
    source="central differences, float64",
)
def normals_gradient() -> CheckResult:
    target = _cube_target()
    error = relative_gradient_error(surface_term("normals", target), target)
    return compare("objectives.normals-gradient", error, 0.0, 1e-6)


@check(
    "objectives.smoothness-gradient",
    title="Smoothness: the gradient agrees with central differences",
    source="central differences, float64",
)
def smoothness_gradient() -> CheckResult:
    return compare(
        "objectives.smoothness-gradient", relative_gradient_error(surface_term("smoothness", None), None), 0.0, 1e-6
    )


@check(
    "objectives.volume-gradient",
    title="Volume: the gradient agrees with central differences",
    source="central differences, float64",
)
def volume_gradient(volume: float = 1.7) -> CheckResult:
    error = relative_gradient_error(surface_term("volume", None, volume=volume), None)
    return compare("objectives.volume-gradient", error, 0.0, 1e-6)


@check(
    "objectives.masked-gradients",
    title="Terms with a mask: the gradients agree with central differences (the worst of them)",
    source="central differences, float64, away from the mask's jumps",
)
def masked_gradients() -> CheckResult:
    target, mask = _cube_target(), upper_half()
    errors = {
        kind: relative_gradient_error(surface_term(kind, to, mask=mask), to)
        for kind, to in (("fit", target), ("normals", target), ("smoothness", None))
    }
    for kind in ("even-faces", "sign-changes", "quiet-weights"):
        errors[kind] = relative_design_gradient_error(surface_term(kind, None, mask=mask))
    return compare("objectives.masked-gradients", max(errors.values()), 0.0, 1e-6, errors=errors)


@check(
    "objectives.no-go-gradient",
    title="No-go region: the gradient agrees with central differences",
    source="central differences, float64",
)
def no_go_gradient(distance: float = 0.3) -> CheckResult:
    """The points of the mask lie inside and outside the surface, nearer and further than the distance."""
    mask = upper_half(lower=0.0)
    errors = {
        side: relative_gradient_error(surface_term("no-go", None, mask=mask, distance=distance, region=side), None)
        for side in ("outside", "inside")
    }
    return compare("objectives.no-go-gradient", max(errors.values()), 0.0, 1e-6, errors=errors)


@check(
    "objectives.no-go-sphere",
    title="No-go region: depths of points about a sphere are those of the formula",
    source="distance of a point to a sphere",
)
def no_go_sphere(radius: float = 0.7, distance: float = 0.2, rings: int = 96) -> CheckResult:
    """Mean depth of four points: far outside, too near outside, on the surface, and inside."""
    heights = np.array([radius + 2.0 * distance, radius + 0.25 * distance, radius, radius - distance])
    turned = np.array([[0.6, 0.0, 0.8], [0.0, 0.8, 0.6], [0.0, 0.0, 1.0], [-0.6, 0.8, 0.0]])
    points = heights[:, None] * turned
    mask = Mask(SetMask(name="points", points=points, values=np.ones(4), reach=1.0), UNIT, CPU)
    term = surface_term("no-go", None, mask=mask, distance=distance)
    measured = float(term.evaluate(evaluation_of(extracted(sphere(radius, rings))), NO_DESIGN).detach())
    depths = np.maximum(0.0, distance - (heights - radius))
    expected = float(np.mean(np.sqrt(depths**2 + SOFTNESS**2) - SOFTNESS))
    return compare("objectives.no-go-sphere", measured, expected, radius * (np.pi / rings) ** 2)


@check(
    "objectives.fit-offset-sphere",
    title="Fit to target: a sphere inside a concentric one is off by the difference of the radii",
    source="distance between concentric spheres",
)
def fit_offset_sphere(radius: float = 0.7, offset: float = 0.1, rings: int = 96) -> CheckResult:
    """Both ways the mean distance is the difference of the radii, up to the facets' sagitta."""
    target = MeshTarget(sphere(radius + offset, rings), UNIT, CPU, sample_count=4000, draw_count=1)
    evaluation = evaluation_of(extracted(sphere(radius, rings)), target, samples=4000)
    measured = float(surface_term("fit", target).evaluate(evaluation, NO_DESIGN).detach())
    return compare("objectives.fit-offset-sphere", measured, 2.0 * offset, 2.0 * (np.pi / rings) ** 2)


@check(
    "objectives.volume-cube",
    title="Volume: a cube far from the origin has the volume of its side",
    source="divergence theorem",
)
def volume_cube(side: float = 2.0, distance: float = 100.0) -> CheckResult:
    volume, _ = enclosed_volume(evaluation_of(extracted(cube(side, (distance, -distance, distance)))))
    return compare("objectives.volume-cube", float(volume), side**3, 1e-9 * distance**3)
