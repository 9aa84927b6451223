"""Checks of the Terms on a shape by itself: gradients against differences, values against geometry that is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.integrate import quad

from engine.core.checks import CheckResult, Count, Positive, check, compare
from engine.geometry.mesh import Mesh
from engine.objectives import overhang, symmetry, thickness
from engine.objectives.verification import (
    NO_DESIGN,
    cube,
    evaluation_of,
    extracted,
    relative_gradient_error,
    sphere,
    surface_term,
    upper_half,
)
from engine.surfaces.surface import ExtractedSurface


def value_of(surface: ExtractedSurface, kind: str, *, samples: int = 20_000, **parameters: object) -> float:
    """Of one Term with `parameters`, on a surface."""
    term = surface_term(kind, None, mask=None, **parameters)
    return float(term.evaluate(evaluation_of(surface, samples=samples), NO_DESIGN).detach())


def joined(*meshes: Mesh) -> Mesh:
    """Several meshes as one."""
    first = np.cumsum([0, *(mesh.vertex_count for mesh in meshes)])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, first, strict=False)]),
    )


def opened(mesh: Mesh, kept: np.ndarray, *, jitter: float = 0.0) -> ExtractedSurface:
    """What is left of a closed mesh when the faces that are not `kept` are taken away."""
    triangles = mesh.triangles[kept]
    edges = {(int(a), int(b)) for row in triangles for a, b in zip(row, np.roll(row, -1), strict=True)}
    border = sorted((a, b) for a, b in edges if (b, a) not in edges)
    return replace(
        extracted(Mesh(mesh.vertices, triangles), jitter=jitter),
        boundary=torch.tensor(border, dtype=torch.int32).reshape(-1, 2),
    )


def relative_gradient_error_everywhere(surface: ExtractedSurface, kind: str, **parameters: object) -> float:
    """Largest difference between a Term's gradient and central differences in every coordinate, relative to the
    largest derivative."""
    term = surface_term(kind, None, mask=None, **parameters)
    held = evaluation_of(surface)
    (gradient,) = torch.autograd.grad(term.evaluate(held, NO_DESIGN), surface.vertices)
    start = surface.vertices.detach()

    def moved(row: int, axis: int, step: float) -> float:
        vertices = start.clone()
        vertices[row, axis] += step
        same = evaluation_of(replace(surface, vertices=vertices))
        same.hold_pairs(held)
        same.hold_sides(held)
        return float(term.evaluate(same, NO_DESIGN))

    expected = np.array(
        [[(moved(i, k, 1e-6) - moved(i, k, -1e-6)) / 2e-6 for k in range(3)] for i in range(len(start))]
    )
    return float(np.abs(gradient.numpy() - expected).max() / max(np.abs(expected).max(), 1e-300))


@check(
    "objectives.shape-gradients",
    title="Developability, thickness, overhang, symmetry: the gradients agree with central differences (the worst)",
    source="central differences, float64, with and without a mask",
)
def shape_gradients(thickness: Positive = 1.45, angle: Positive = 30.0) -> CheckResult:
    wanted: dict[str, dict[str, object]] = {
        "developability": {},
        "thickness": {"thickness": thickness},
        "overhang": {"direction": (0.3, 0.2, 1.0), "angle": angle},
        "symmetry": {"point": (0.1, 0.0, 0.0), "normal": (1.0, 0.3, 0.1)},
    }
    errors = {
        f"{kind}{' with a mask' if mask else ''}": relative_gradient_error(
            surface_term(kind, None, mask=mask, **parameters), None
        )
        for kind, parameters in wanted.items()
        for mask in (None, upper_half())
    }
    return compare("objectives.shape-gradients", max(errors.values()), 0.0, 1e-6, errors=errors)


@check(
    "objectives.part-gradients",
    title="Number of parts, borders and their length: the gradients agree with central differences (the worst)",
    source="central differences, float64",
)
def part_gradients(rings: Count = 5) -> CheckResult:
    ball = sphere(0.7, rings)
    pieces = extracted(joined(ball, sphere(0.2, 5)), jitter=0.01)
    centres = ball.vertices[ball.triangles].mean(axis=1)
    holed = opened(ball, (centres[:, 2] < 0.5) & (centres[:, 2] > -0.6) & (centres[:, 0] < 0.55), jitter=0.01)
    errors = {
        "parts": relative_gradient_error_everywhere(pieces, "parts"),
        "boundary-length": relative_gradient_error_everywhere(holed, "boundary-length"),
        "holes": relative_gradient_error_everywhere(holed, "holes"),
        "developability of an open surface": relative_gradient_error_everywhere(holed, "developability"),
    }
    return compare("objectives.part-gradients", max(errors.values()), 0.0, 1e-6, errors=errors)


@check(
    "objectives.developability-cube",
    title="Developability of a cube counts its eight corners, and nothing else",
    source="Σ θ n nᵀ of three perpendicular faces is π/2 times the identity",
)
def developability_cube(side: Positive = 1.0) -> CheckResult:
    return compare(
        "objectives.developability-cube", value_of(extracted(cube(side)), "developability"), np.pi / 2, 1e-12
    )


@check(
    "objectives.developability-cylinder",
    title="A cylinder without its ends is developable",
    source="a developable surface: every vertex is a hinge",
)
def developability_cylinder(columns: Count = 24, rows: Count = 6) -> CheckResult:
    turn = 2 * np.pi * np.arange(columns) / columns
    vertices = np.array([(np.cos(t), np.sin(t), z) for z in np.linspace(0.0, 1.0, rows + 1) for t in turn])
    corner = np.array([(j * columns + i, j * columns + (i + 1) % columns) for j in range(rows) for i in range(columns)])
    a, b = corner.T
    triangles = np.concatenate([np.stack([a, b, b + columns], 1), np.stack([a, b + columns, a + columns], 1)])
    side = opened(Mesh(vertices, triangles.astype(np.int32)), np.ones(len(triangles), bool))
    return compare("objectives.developability-cylinder", value_of(side, "developability"), 0.0, 1e-14)


@check(
    "objectives.thickness-slab",
    title="Minimum thickness: what a slab that is too thin costs agrees with the formula",
    source="share of the two large sides of a cuboid, times what is lacking",
)
def thickness_slab(slab: Positive = 0.2, wanted: Positive = 0.3, samples: Count = 8000) -> CheckResult:
    plate = Mesh(cube(1.0).vertices * [1.0, 1.0, slab], cube(1.0).triangles)
    measured = value_of(extracted(plate), "thickness", samples=samples, thickness=wanted)
    lack = max(wanted - slab, 0.0)
    depth = np.hypot(lack, thickness.SOFTNESS) - thickness.SOFTNESS
    # Stratified samples: each of the six sides is met to within one of them.
    return compare("objectives.thickness-slab", measured, depth / (1.0 + 2.0 * slab), 6.0 * depth / samples)


@check(
    "objectives.overhang-sphere",
    title="Overhang: what a sphere's underside costs agrees with the formula",
    source="the heights of normals on a sphere are spread evenly",
)
def overhang_sphere(angle: Positive = 45.0, rings: Count = 128) -> CheckResult:
    measured = value_of(extracted(sphere(0.7, rings)), "overhang", angle=angle, plate=0.0)
    top, soft = 1.0 - np.sin(np.radians(angle)), overhang.SOFTNESS
    expected = 0.5 * quad(lambda s: np.hypot(s, soft) - soft, 0.0, top)[0]
    return compare("objectives.overhang-sphere", measured, expected, (np.pi / rings) ** 2)


@check(
    "objectives.symmetry-sphere",
    title="Symmetry: what a sphere beside the plane costs agrees with the formula",
    source="distance between a sphere and its image, shifted by twice the offset",
)
def symmetry_sphere(radius: Positive = 0.5, offset: Positive = 0.1, rings: Count = 96) -> CheckResult:
    measured = value_of(extracted(sphere(radius, rings)), "symmetry", point=(0.0, 0.0, offset), normal=(0.0, 0.0, 2.0))
    soft, shift = symmetry.SOFTNESS, 2.0 * offset

    def loss(height: float) -> float:
        from_centre = np.sqrt(radius**2 + shift**2 + 2.0 * radius * shift * height)
        return float(np.hypot(from_centre - radius, soft) - soft)

    return compare("objectives.symmetry-sphere", measured, 0.5 * quad(loss, -1.0, 1.0)[0], (np.pi / rings) ** 2)


@check(
    "objectives.parts-spheres",
    title="Number of parts: a floater costs its part of the area, and a cavity nothing",
    source="areas of spheres are as the squares of their radii",
)
def parts_spheres(floater: Positive = 0.2, cavity: Positive = 0.3) -> CheckResult:
    body, speck = sphere(0.7), sphere(floater)
    hollow = Mesh(sphere(cavity).vertices, sphere(cavity).triangles[:, ::-1])
    speck = Mesh(speck.vertices + np.array([0.0, 0.0, 2.0]), speck.triangles)
    measured = value_of(extracted(joined(body, hollow, speck)), "parts", parts=1)
    whole = 0.7**2 + floater**2 + cavity**2
    return compare("objectives.parts-spheres", measured, floater**2 / whole, 1e-12)
