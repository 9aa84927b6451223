"""Values of the Terms where geometry gives them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.core.errors import ParameterError
from engine.geometry.frame import Frame
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.objectives.target import MeshTarget, ScanTarget, creases
from engine.objectives.term import TermContext, build_term
from engine.objectives.verification import CPU, UNIT, cube, evaluation_of, extracted, sphere
from engine.objectives.volume import enclosed_volume
from engine.protocol.study import TermSpec
from engine.surfaces.surface import ExtractedSurface


def build(kind: str, target=None, **parameters):
    return build_term(TermSpec(kind=kind, name=kind, parameters=parameters), TermContext(UNIT, target, CPU))


def test_fit_of_a_shifted_plane_is_the_shift() -> None:
    """Two unit squares a distance apart: each way is exactly that distance."""
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float64)
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    target = MeshTarget(Mesh(square, triangles), UNIT, CPU, sample_count=200, draw_count=1, crease_share=0.0)
    surface = extracted(Mesh(square + np.array([0.0, 0.0, 0.25]), triangles))
    both = build("fit", target).evaluate(evaluation_of(surface, target), None)
    one = build("fit", target, surface_share=0.0).evaluate(evaluation_of(surface, target), None)
    assert both.item() == pytest.approx(0.5, rel=1e-9)
    assert one.item() == pytest.approx(0.25, rel=1e-9)


def test_outliers_do_not_pull() -> None:
    mesh = sphere(0.5, 16)
    normals = mesh.vertices / 0.5
    far = np.array([[0.0, 0.0, 0.95]])
    scan = Points(np.vstack([mesh.vertices, far]), np.vstack([normals, [[0.0, 0.0, 1.0]]]))
    target = ScanTarget(scan, UNIT, CPU, sample_count=2000, confidence=np.ones(scan.point_count), reach=0.1)
    surface = extracted(mesh)
    pulls = []
    for distance in (0.0, 1.0):
        term = build("fit", target, outlier_distance=distance, surface_share=0.0)
        (gradient,) = torch.autograd.grad(term.evaluate(evaluation_of(surface, target), None), surface.vertices)
        pulls.append(float(gradient.norm()))
    assert pulls[0] > 1e-4
    assert pulls[1] < 1e-6 * pulls[0]


def test_what_no_scanned_point_is_near_is_left_alone() -> None:
    """Half a sphere was scanned: the other half of the surface feels nothing from its own side."""
    mesh = sphere(0.5, 16)
    upper = mesh.vertices[:, 2] > 0.1
    target = ScanTarget(
        Points(mesh.vertices[upper], mesh.vertices[upper] / 0.5), UNIT, CPU, sample_count=500,
        confidence=np.ones(int(upper.sum())), reach=0.1,
    )  # fmt: skip
    surface = extracted(sphere(0.53, 16))
    term = build("fit", target)
    (gradient,) = torch.autograd.grad(
        term.evaluate(evaluation_of(surface, target, samples=4000), None), surface.vertices
    )
    lower = surface.vertices.detach().numpy()[:, 2] < -0.2
    assert not gradient.numpy()[lower].any()
    assert gradient.numpy()[surface.vertices.detach().numpy()[:, 2] > 0.3].any()


def test_normals_of_an_inverted_surface_deviate_by_two() -> None:
    mesh = cube(1.0)
    target = MeshTarget(mesh, UNIT, CPU, sample_count=300, draw_count=1)
    same = build("normals", target, surface_share=0.0).evaluate(evaluation_of(extracted(mesh), target), None)
    flipped = extracted(Mesh(mesh.vertices, mesh.triangles[:, ::-1]))
    opposite = build("normals", target, surface_share=0.0).evaluate(evaluation_of(flipped, target), None)
    assert float(same) == pytest.approx(0.0, abs=1e-12)
    assert float(opposite) == pytest.approx(2.0, abs=1e-12)


def test_volume_of_a_cube() -> None:
    volume, gradient = enclosed_volume(evaluation_of(extracted(cube(2.0, (5.0, -3.0, 1.0)))))
    assert float(volume) == pytest.approx(8.0, rel=1e-12)
    # Moving a closed surface as a whole keeps its volume.
    np.testing.assert_allclose(gradient.sum(dim=0).numpy(), 0.0, atol=1e-12)


def test_volume_is_wanted_in_cubic_millimetres() -> None:
    frame = Frame((0.0, 0.0, 0.0), 0.1)  # the cube of side 2 stands for one of 20 mm
    term = build_term(
        TermSpec(kind="volume", name="volume", parameters={"volume": 16000.0}), TermContext(frame, None, CPU)
    )
    assert float(term.evaluate(evaluation_of(extracted(cube(2.0))), None)) == pytest.approx(0.25, rel=1e-12)


def test_volume_without_a_number_keeps_what_it_begins_with() -> None:
    term = build("volume")
    assert float(term.evaluate(evaluation_of(extracted(cube(2.0))), None)) == pytest.approx(0.0, abs=1e-20)
    assert float(term.evaluate(evaluation_of(extracted(cube(1.0))), None)) == pytest.approx((1 / 8 - 1) ** 2)
    other = build("volume")
    other.restore(term.state())
    assert float(other.evaluate(evaluation_of(extracted(cube(1.0))), None)) == pytest.approx((1 / 8 - 1) ** 2)


def test_smoothness_of_one_lifted_vertex() -> None:
    """A hexagonal fan, lifted in its middle by a: δ = a there and −a/deg at the rim's Laplacians."""
    mesh = sphere(1.0, 6)
    surface = extracted(mesh)
    weight = 1.0 / (mesh.vertex_count * 0.1**2)
    neighbours: dict[int, set[int]] = {}
    for a, b, c in mesh.triangles.tolist():
        for i, j in ((a, b), (b, c), (c, a), (b, a), (c, b), (a, c)):
            neighbours.setdefault(i, set()).add(j)
    expected = sum(
        weight * float(((mesh.vertices[i] - mesh.vertices[sorted(around)].mean(axis=0)) ** 2).sum())
        for i, around in neighbours.items()
    )
    assert float(build("smoothness").evaluate(evaluation_of(surface), None)) == pytest.approx(expected, rel=1e-12)


def test_handle_follows_the_surface() -> None:
    parameters = {"anchor": (0, 0, 0.5), "target": (0, 0, 0.9), "radius": 0.2}
    term = build_term(TermSpec(kind="handle", name="handle", parameters=parameters), TermContext(UNIT, None, CPU))
    for radius in (0.5, 0.55, 0.6):
        loss = term.evaluate(evaluation_of(extracted(sphere(radius, 12))), None)
        assert term.anchor == pytest.approx((0, 0, radius))
        assert loss.item() == pytest.approx(0.5 * (0.9 - radius) ** 2)


def test_a_cube_has_twelve_creases_and_a_sphere_none() -> None:
    mesh = cube(1.0)
    edges = creases(mesh.vertices, mesh.triangles)
    assert len(edges) == 12
    assert np.allclose(np.linalg.norm(mesh.vertices[edges[:, 0]] - mesh.vertices[edges[:, 1]], axis=1), 1.0)
    loose = mesh.vertices[mesh.triangles].reshape(-1, 3)
    assert len(creases(loose, np.arange(36).reshape(12, 3))) == 12
    ball = sphere(1.0, 24)
    assert len(creases(ball.vertices, ball.triangles)) == 0


def test_few_sign_changes_and_even_faces() -> None:
    values = torch.tensor([[-0.1, 0.2]], dtype=torch.float64, requires_grad=True)
    surface = ExtractedSurface(
        torch.zeros(3, 3, dtype=torch.float64), torch.zeros(1, 3, dtype=torch.int32), 0.1, 3,
        regularity=torch.tensor([0.1, 0.3], dtype=torch.float64), crossing_values=values,
    )  # fmt: skip
    evaluation = evaluation_of(surface)
    loss = build("sign-changes").evaluate(evaluation, None)
    expected = -np.log(1 / (1 + np.exp(0.1))) - np.log(1 - 1 / (1 + np.exp(-0.2)))
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    loss.backward()
    # Either end moves towards the sign of the other.
    assert values.grad[0, 0] < 0.0 < values.grad[0, 1]
    assert float(build("even-faces").evaluate(evaluation, None)) == pytest.approx(0.2)


def test_sign_changes_fade_over_the_first_quarter() -> None:
    term = build("sign-changes")
    assert [term.schedule(p) for p in (0.0, 0.125, 0.25, 1.0)] == pytest.approx([1.0, 0.525, 0.05, 0.05])


def test_unknown_terms_and_parameters_are_named() -> None:
    with pytest.raises(ParameterError, match="no such kind"):
        build("chamfer")
    with pytest.raises(ParameterError, match="softnes"):
        build("fit", softnes=1.0)
