"""Terms on a shape by itself: what they see where it is known, and what they leave alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.core.checks import CheckResult
from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.objectives import shape_verification
from engine.objectives.shape_verification import joined, opened, value_of
from engine.objectives.verification import NO_DESIGN, cube, evaluation_of, extracted, sphere, surface_term


@pytest.mark.parametrize(
    "registered",
    [
        shape_verification.shape_gradients,
        shape_verification.part_gradients,
        shape_verification.developability_cube,
        shape_verification.developability_cylinder,
        shape_verification.thickness_slab,
        shape_verification.overhang_sphere,
        shape_verification.symmetry_sphere,
        shape_verification.parts_spheres,
    ],
)
def test_checks_against_theory_pass(registered: Callable[[], CheckResult]) -> None:
    result = registered()
    assert result.passed, result


def slab(thickness: float) -> Mesh:
    return Mesh(cube(1.0).vertices * [1.0, 1.0, thickness], cube(1.0).triangles)


def box_on(height: float) -> Mesh:
    """A cube of side 0.5 at a height."""
    return cube(0.5, (0.0, 0.0, height + 0.25))


def test_a_flat_place_has_no_developability_gradient() -> None:
    """There the smallest eigenvalue is double and zero."""
    corners = np.array([[x, y, 0.0] for y in range(4) for x in range(4)], np.float64)
    faces = [[i, i + 1, i + 5, i, i + 5, i + 4] for i in (0, 1, 2, 4, 5, 6, 8, 9, 10)]
    flat = Mesh(corners, np.array(faces, np.int32).reshape(-1, 3))
    surface = opened(flat, np.ones(len(flat.triangles), bool))
    value = surface_term("developability", None).evaluate(evaluation_of(surface), NO_DESIGN)
    (gradient,) = torch.autograd.grad(value, surface.vertices)
    assert float(value.detach()) == 0.0 and not bool(gradient.any())


def test_the_border_of_an_open_surface_counts_for_no_developability() -> None:
    """A strip of triangles can be unrolled whatever it does; all its vertices are on the border."""
    random = np.random.default_rng(0)
    corners = np.array([[i // 2, i % 2, 0.0] for i in range(12)]) + 0.3 * random.normal(size=(12, 3))
    faces = np.array([[i, i + 2, i + 1] if i % 2 == 0 else [i, i + 1, i + 2] for i in range(10)], np.int32)
    strip = opened(Mesh(corners, faces), np.ones(len(faces), bool))
    as_if_closed = replace(strip, boundary=torch.zeros(0, 2, dtype=torch.int32))
    assert value_of(strip, "developability") == 0.0
    assert value_of(as_if_closed, "developability") > 0.001


@pytest.mark.parametrize(("thickness", "thin"), [(0.2, True), (0.4, False)])
def test_only_what_is_thinner_than_wanted_is_pulled_apart(thickness: float, thin: bool) -> None:
    surface = extracted(slab(thickness))
    value = surface_term("thickness", None, thickness=0.3).evaluate(evaluation_of(surface), NO_DESIGN)
    (gradient,) = torch.autograd.grad(value, surface.vertices)
    assert (float(value.detach()) > 0.0) is thin
    if thin:
        assert bool((torch.sign(gradient[:, 2]) == -torch.sign(surface.vertices[:, 2])).all())
    else:
        assert not bool(gradient.any())


def test_a_sharp_edge_is_no_thin_wall() -> None:
    """A prism with three edges of 60°: near each the ray is short."""
    turn = 2 * np.pi * np.arange(3) / 3
    ends = [np.stack([np.cos(turn), np.sin(turn), np.full(3, z)], axis=1) for z in (-2.0, 2.0)]
    sides = [[i, (i + 1) % 3, (i + 1) % 3 + 3, i, (i + 1) % 3 + 3, i + 3] for i in range(3)]
    faces = np.concatenate([np.array(sides).reshape(-1, 3), [[0, 2, 1], [3, 4, 5]]])
    assert value_of(extracted(Mesh(np.concatenate(ends), faces.astype(np.int32))), "thickness", thickness=0.5) == 0.0


def test_what_rests_on_the_build_plate_does_not_hang_over() -> None:
    assert value_of(extracted(box_on(0.0)), "overhang", plate=0.01) == 0.0
    two = extracted(joined(box_on(0.0), Mesh(box_on(1.0).vertices, box_on(1.0).triangles)))
    area = 12 * 0.5**2
    expected = 0.25 / area * (np.hypot(1.0 - np.sin(np.pi / 4), 0.02) - 0.02)
    assert value_of(two, "overhang", plate=0.01) == pytest.approx(expected, rel=1e-12)
    # Printed upside down, the other box lies on the plate.
    assert value_of(two, "overhang", plate=0.01, direction=(0.0, 0.0, -2.0)) == pytest.approx(expected, rel=1e-12)


def test_the_colours_of_overhangs_are_angles_from_the_vertical() -> None:
    two = joined(box_on(0.0), box_on(1.0))
    values = surface_term("overhang", None, plate=0.01).values_on(two.vertices, two.triangles)["overhang"]
    hanging = two.vertices[:, 2] == 1.0
    assert values.shape == (two.vertex_count,)
    np.testing.assert_allclose(values[hanging], 90.0)
    assert not values[~hanging].any(), "sides and tops do not hang over, and the lower box lies on the plate"


@pytest.mark.parametrize("kind", ["overhang", "drag"])
def test_a_direction_without_length_is_refused(kind: str) -> None:
    term = surface_term(kind, None, direction=(0.0, 0.0, 0.0))
    with pytest.raises(ParameterError, match=f"{kind}.direction"):
        term.evaluate(evaluation_of(extracted(sphere(0.5))), NO_DESIGN)


def test_parts_are_left_alone_where_there_are_no_more_than_wanted() -> None:
    two = extracted(joined(sphere(0.5), Mesh(sphere(0.1).vertices + np.array([1.0, 0.0, 0.0]), sphere(0.1).triangles)))
    assert value_of(two, "parts", parts=2) == 0.0
    assert value_of(two, "parts", parts=1) == pytest.approx(0.01 / 0.26)


def test_a_cavity_is_filled_only_when_asked() -> None:
    inner = Mesh(sphere(0.2).vertices, sphere(0.2).triangles[:, ::-1])
    hollow = extracted(joined(sphere(0.7), inner))
    assert value_of(hollow, "parts", parts=1) == 0.0
    assert value_of(hollow, "parts", parts=1, fill_cavities=True) == pytest.approx(0.04 / 0.53)


def test_the_longest_borders_stay() -> None:
    ball = sphere(0.7, 16)
    heights = ball.vertices[ball.triangles].mean(axis=1)[:, 2]
    bowl = opened(ball, (heights < 0.1) & (heights > -0.65))
    whole = value_of(bowl, "boundary-length")
    edges = bowl.boundary.long()
    along = (bowl.vertices[edges[:, 1]] - bowl.vertices[edges[:, 0]]).detach()
    low = bowl.vertices.detach()[edges[:, 0], 2] < -0.3
    short = float(torch.linalg.vector_norm(along, dim=1)[low].sum())
    assert 0.0 < short < 0.5 * whole
    assert value_of(bowl, "holes", borders=2) == 0.0
    assert value_of(bowl, "holes", borders=1) == pytest.approx(short)
    assert value_of(bowl, "holes", borders=0) == pytest.approx(whole)
