from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from energy_differences import gradient_error, hessian_error, lowest_eigenvalue, mixed_errors, random_like
from scipy.sparse.linalg import splu
from torch import Tensor

from engine.core.errors import ParameterError
from engine.geometry.sheets import regular_sheet, scattered_sheet
from engine.simulation.energy import Unknowns
from engine.simulation.shell.bending import HELD, Bending
from engine.simulation.shell.hinges import HingeBending
from engine.simulation.shell.rest import face_areas
from engine.simulation.shell.topology import shell_topology
from engine.simulation.shell.verification import cylinder

Sheet = tuple[Tensor, np.ndarray]
Shake = Callable[[Tensor, int, float], Tensor]
STIFF: dict[str, Any] = {"young": 1e6, "poisson": 0.3, "thickness": 1e-2}


def bending(sheet: Sheet, model: Any = Bending, **options: Any) -> Any:
    topology = shell_topology(sheet[1], sheet[0].numpy())
    rotations = topology.edge_count if model is Bending else 0
    return model(Unknowns(len(sheet[0]), rotations), topology, sheet[0], **(STIFF | options))


def varied(sheet: Sheet, model: Any = Bending) -> Any:
    """With another value on every face and edge."""
    faces, edges = len(sheet[1]), shell_topology(sheet[1], sheet[0].numpy()).edge_count
    generator = torch.Generator().manual_seed(1)
    options: dict[str, Any] = {
        "young": 1e6 * (1.0 + torch.rand(faces, generator=generator, dtype=torch.float64)),
        "stiffness": 0.5 + torch.rand(faces, generator=generator, dtype=torch.float64),
        "rest_angles": 0.3 * torch.randn(edges, generator=generator, dtype=torch.float64),
    }
    if model is Bending:
        options["rest_curvature"] = torch.randn(faces, 3, generator=generator, dtype=torch.float64)
        options["direction"] = torch.tensor([0.9, 0.3, 0.31], dtype=torch.float64)
    return bending(sheet, model, **options)


def relaxed(energy: Bending, q: Tensor) -> Tensor:
    """q with its rotations at the least energy."""
    first = 3 * energy.unknowns.vertex_count
    block = energy.hessian(q, project=False).to_scipy()[first:, first:].tocsc()
    result = q.clone()
    result[first:] -= torch.as_tensor(splu(block).solve(energy.gradient(q)[first:].numpy()))
    return result


def unmoved(energy: Any, positions: Tensor) -> Tensor:
    return torch.cat([positions.reshape(-1), positions.new_zeros(energy.unknowns.rotation_count)])


def test_derivatives_of_a_woven_sheet(wavy: Sheet, moebius: Sheet, shaken: Shake) -> None:
    """By both moduli, the shear and the rest shape too, on what has no inside either."""
    weave = {"young_cross": 4e5, "shear": 1e5, "direction": torch.tensor([0.6, 0.5, 0.4], dtype=torch.float64)}
    for sheet in (wavy, moebius):
        energy = bending(sheet, rest_angles=None, **weave)
        q = shaken(sheet[0], energy.unknowns.rotation_count, 0.03)
        assert gradient_error(energy, q) < 1e-6
        assert hessian_error(energy, q) < 1e-6
        errors = mixed_errors(energy, q)
        assert {"young_cross", "shear", "rest_positions"} <= set(errors)
        assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize("pattern", ["regular", "scattered"])
@pytest.mark.parametrize("degrees", [0.0, 30.0, 90.0, 135.0])
def test_a_woven_sheet_bends_into_a_cylinder(pattern: str, degrees: float) -> None:
    """E / A = (D11 c⁴ + D22 s⁴ + 2 (D12 + 2 D66) c² s²) / 2 R², with c and s of the angle between the warp and the
    direction that is bent (S. G. Lekhnitskii: Anisotropic plates, 1968)."""
    made = regular_sheet(1.0, 0.6, 40, 24) if pattern == "regular" else scattered_sheet(1.0, 0.6, 40, 24, seed=2)
    flat, triangles = torch.as_tensor(made[0] - made[0].mean(axis=0)), made[1]
    angle, radius = math.radians(degrees), 2.0
    rolled = torch.stack(
        [radius * torch.sin(flat[:, 0] / radius), flat[:, 1], radius * (1.0 - torch.cos(flat[:, 0] / radius))], dim=1
    )
    young, cross, shear, poisson, thickness = 1e6, 3e5, 1e5, 0.3, 1e-2
    topology = shell_topology(triangles, flat.numpy())
    energy = Bending(
        Unknowns(len(flat), topology.edge_count),
        topology,
        flat,
        young=young,
        poisson=poisson,
        thickness=thickness,
        young_cross=cross,
        shear=shear,
        direction=torch.tensor([math.cos(angle), math.sin(angle), 0.0], dtype=torch.float64),
        positions=rolled,
    )
    bent = energy.face_energies(relaxed(energy, unmoved(energy, rolled)))
    middles = flat[torch.as_tensor(triangles)].mean(dim=1).abs()
    inner = (middles[:, 0] < 0.4) & (middles[:, 1] < 0.2)
    plate = thickness**3 / 12.0 / (1.0 - poisson**2 * cross / young)
    along, across, mixed, twist = plate * young, plate * cross, plate * poisson * cross, thickness**3 / 12.0 * shear
    c, s = math.cos(angle), math.sin(angle)
    stiffness = along * c**4 + across * s**4 + 2.0 * (mixed + 2.0 * twist) * c**2 * s**2
    measured = float(bent[inner].sum() / face_areas(flat, torch.as_tensor(triangles))[inner].sum())
    assert measured == pytest.approx(stiffness / (2.0 * radius**2), rel=0.01 if pattern == "regular" else 0.05)


def test_a_weave_of_equal_moduli_is_none(wavy: Sheet, shaken: Shake) -> None:
    direction = torch.tensor([0.6, 0.5, 0.4], dtype=torch.float64)
    plain, woven = bending(wavy), bending(wavy, young_cross=1e6, shear=1e6 / 2.6, direction=direction)
    q = shaken(wavy[0], plain.unknowns.rotation_count, 0.03)
    assert float(woven.value(q)) == pytest.approx(float(plain.value(q)), rel=1e-12)
    with pytest.raises(ParameterError, match="some are missing"):
        bending(wavy, young_cross=1e6, shear=1e5)
    with pytest.raises(ParameterError, match="too large for these moduli"):
        bending(wavy, young_cross=1e8, shear=1e5, direction=direction)


@pytest.mark.parametrize("model", [Bending, HingeBending])
@pytest.mark.parametrize("shape", ["wavy", "ball", "moebius"])
def test_derivatives_far_from_rest(model: Any, shape: str, shaken: Shake, request: pytest.FixtureRequest) -> None:
    sheet = request.getfixturevalue(shape)
    energy = varied(sheet, model)
    q = shaken(sheet[0], energy.unknowns.rotation_count, 0.03)
    assert gradient_error(energy, q) < 1e-6
    assert hessian_error(energy, q) < 1e-6
    errors = mixed_errors(energy, q)
    assert max(errors.values()) < 1e-6, errors
    assert set(errors) == set(energy.parameters)
    matrix = energy.hessian(q, project=False).dense()
    torch.testing.assert_close(matrix, matrix.T, rtol=0, atol=1e-12 * float(matrix.abs().max()))


@pytest.mark.parametrize("model", [Bending, HingeBending])
def test_projected_hessian_is_semi_definite(model: Any, wavy: Sheet, shaken: Shake) -> None:
    energy = varied(wavy, model)
    q = shaken(wavy[0], energy.unknowns.rotation_count, 0.05)
    assert lowest_eigenvalue(energy, q, project=False) < -1e-4
    assert lowest_eigenvalue(energy, q, project=True) > -1e-12


@pytest.mark.parametrize("model", [Bending, HingeBending])
@pytest.mark.parametrize("shape", ["wavy", "ball", "moebius"])
def test_nothing_at_rest(model: Any, shape: str, request: pytest.FixtureRequest) -> None:
    sheet = request.getfixturevalue(shape)
    energy = bending(sheet, model)
    q = unmoved(energy, sheet[0])
    stiffness = float(energy.hessian(q, project=False).values.abs().max())
    assert float(energy.value(q)) < 1e-20 * stiffness
    assert float(energy.gradient(q).abs().max()) < 1e-12 * stiffness


@pytest.mark.parametrize("model", [Bending, HingeBending])
@pytest.mark.parametrize("turned", ["all", "some"])
def test_winding_does_not_matter(model: Any, turned: str, wavy: Sheet, shaken: Shake) -> None:
    """Turning triangles over changes the side from which normals are seen, and nothing else."""
    rest, triangles = wavy
    other = triangles.copy()
    rows = slice(None) if turned == "all" else slice(None, None, 3)
    other[rows] = other[rows][:, ::-1]
    q = shaken(rest, 0, 0.05)
    results = []
    for faces in (triangles, other):
        energy = (
            bending((rest, faces), model, positions=q.reshape(-1, 3))
            if model is Bending
            else bending((rest, faces), model)
        )
        full = unmoved(energy, q.reshape(-1, 3))
        results.append(relaxed(energy, full) if model is Bending else full)
        results[-1] = torch.cat([energy.value(results[-1])[None], energy.gradient(results[-1])[: len(q)]])
    torch.testing.assert_close(results[0], results[1], rtol=1e-9, atol=1e-9 * float(results[0].abs().max()))


@pytest.mark.parametrize("mesh", ["regular", "random"])
@pytest.mark.parametrize("refinement", [1, 2])
def test_the_mesh_does_not_matter(mesh: Any, refinement: int) -> None:
    """Four directions, several random meshes, tighter than asked for: within 1 %."""
    for seed in range(1 if mesh == "regular" else 3):
        result = cylinder(refinement=refinement, mesh=mesh, seed=seed)
        assert result.passed and abs(result.measured - 1.0) < 0.01, result.detail


def test_hinges_depend_on_the_mesh() -> None:
    """Right where a regular grid bends round its edges, three times too stiff round the cells' diagonals."""
    ratios = cylinder(hinges=True).detail["ratios"]
    assert ratios[0] == pytest.approx(1.0, abs=1e-3) and ratios[90] == pytest.approx(1.0, abs=1e-3)
    assert ratios[45] == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize("seed", [None, 0])
def test_rest_curvature_is_that_of_the_cylinder(seed: int | None) -> None:
    """A flat sheet with the rest curvature 1/R has (almost) no energy on a cylinder, and the flat one's when flat."""
    radius = 0.8
    positions, triangles = regular_sheet(1, 1, 12, 12) if seed is None else scattered_sheet(1, 1, 12, 12, seed=seed)
    rest = torch.as_tensor(positions)
    s = rest[:, 0] / radius
    # Seen from inside: the normals of the rolled sheet point together, so the curvature is negative.
    rolled = torch.stack([radius * torch.sin(s), rest[:, 1], radius * (1 - torch.cos(s))], dim=1)
    curvature = torch.zeros(len(triangles), 3, dtype=torch.float64)
    curvature[:, 0] = -1.0 / radius
    axis = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    curved = bending((rest, triangles), rest_curvature=curvature, direction=axis, positions=rolled)
    flat = bending((rest, triangles), positions=rolled)
    q = unmoved(curved, rolled)
    assert float(curved.value(relaxed(curved, q))) < 2e-3 * float(flat.value(relaxed(flat, q)))
    curved.start(rest)
    exact = 0.5 * 1e6 * 1e-6 / (12 * 0.91) / radius**2
    assert float(curved.value(unmoved(curved, rest))) == pytest.approx(exact, rel=1e-9)


def test_flat_forgets_the_angles_of_the_rest_shape(wavy: Sheet) -> None:
    energy = bending(wavy, flat=True)
    assert float(energy.value(relaxed(energy, unmoved(energy, wavy[0])))) > 1e-4
    plane = wavy[0] * torch.tensor([1.0, 1.0, 0.0])
    energy.start(plane)
    assert float(energy.value(unmoved(energy, plane))) < 1e-20


def test_moving_the_frames_changes_no_force(wavy: Sheet, shaken: Shake) -> None:
    energy = varied(wavy)
    q = shaken(wavy[0], energy.unknowns.rotation_count, 0.05)
    before = energy.state()
    value, force, angles = energy.value(q), energy.gradient(q), energy.edge_angles(q)
    moved = energy.advance(q)
    vertices = 3 * len(wavy[0])
    assert torch.equal(moved[:vertices], q[:vertices]) and not torch.allclose(moved, q)
    torch.testing.assert_close(energy.value(moved), value, rtol=1e-12, atol=0)
    # The rotations' forces are the same; the vertices' too where the rotations are at rest.
    torch.testing.assert_close(
        energy.gradient(moved)[vertices:], force[vertices:], rtol=0, atol=1e-10 * float(force.abs().max())
    )
    torch.testing.assert_close(energy.edge_angles(moved), angles, rtol=0, atol=1e-12)
    energy.restore(before)
    assert torch.equal(energy.gradient(q), force)


def test_frames_do_not_matter_where_rotations_are_free(wavy: Sheet, shaken: Shake) -> None:
    energy = varied(wavy)
    q = shaken(wavy[0], energy.unknowns.rotation_count, 0.05)
    vertices = 3 * len(wavy[0])
    results = []
    for _ in range(2):
        q = relaxed(energy, q)
        matrix = energy.hessian(q, project=False).dense()
        # Stiffness of the vertices with the rotations eliminated: what an adjoint sees.
        a, b, c = matrix[:vertices, :vertices], matrix[:vertices, vertices:], matrix[vertices:, vertices:]
        z = random_like(q[:vertices], 3)
        full = torch.cat([z, -torch.linalg.solve(c, b.T @ z)])
        results.append(
            [energy.gradient(q)[:vertices], a @ z + b @ full[vertices:], energy.mixed(q, full)["rest_positions"]]
        )
        q = energy.advance(q)
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-9 * float(one.abs().max()))


def test_a_guess_follows_its_faces(wavy: Sheet, shaken: Shake) -> None:
    """Turned as a whole, a sheet keeps its energy when its rotations follow."""
    energy = varied(wavy)
    q = shaken(wavy[0], energy.unknowns.rotation_count, 0.02)
    spin = torch.tensor([[0.0, -0.5, 0.2], [0.5, 0.0, -0.9], [-0.2, 0.9, 0.0]], dtype=torch.float64)
    guess = q.clone()
    energy.unknowns.positions(guess).copy_(energy.unknowns.positions(q) @ torch.linalg.matrix_exp(spin).T + 0.3)
    assert float(energy.value(guess)) > 1.01 * float(energy.value(q))
    torch.testing.assert_close(energy.value(energy.follow(q, guess)), energy.value(q), rtol=1e-10, atol=0)


@pytest.mark.parametrize(("model", "steps"), [(Bending, 1), (Bending, 27), (HingeBending, 1), (HingeBending, 27)])
def test_a_fold_is_followed_beyond_closing(model: Any, steps: int) -> None:
    """Wound up by turns, as what nothing stops can be, the angle between two faces and the force have no jump: whether
    in steps, or on the way of one step's solver."""
    flat = torch.tensor([[0.0, -0.5, 0], [0, 0.5, 0], [-1.0, 0.1, 0], [0.8, -0.1, 0]], dtype=torch.float64)
    energy = bending((flat, np.array([[0, 1, 2], [1, 0, 3]])), model)
    q = unmoved(energy, flat)
    values = []
    angles = np.linspace(0.0, 5.3 * math.pi, 54)
    for number, theta in enumerate(angles):
        x, z = math.cos(theta / 2), -math.sin(theta / 2)
        q[6:12] = torch.tensor([-x, 0.1, z, 0.8 * x, -0.1, 0.8 * z], dtype=torch.float64)
        energy.track(q)
        q = relaxed(energy, q) if model is Bending else q
        inner = ~energy.topology.boundary
        assert float(energy.edge_angles(q)[inner]) == pytest.approx(theta, abs=1e-12)
        values.append(float(energy.value(q)))
        assert number == 0 or gradient_error(energy, q) < 1e-6
        if number % steps == 0:
            q = energy.advance(q)
    np.testing.assert_allclose(values, values[1] * (angles / angles[1]) ** 2, rtol=1e-9)
    # Turns are a state: another energy goes on from it.
    again = bending((flat, np.array([[0, 1, 2], [1, 0, 3]])), model)
    again.restore(energy.state())
    assert float(again.value(q)) == pytest.approx(values[-1], rel=1e-12)


def test_held_faces_clamp() -> None:
    """A strip whose last rows are held bends as if clamped right at those rows' edges: B/2 κ² of its free length."""
    positions, triangles = regular_sheet(1.0, 0.25, 16, 4)
    rest = torch.as_tensor(positions)
    radius, edge = 0.5, 0.5 - 1.0 / 16
    held = np.abs(positions[:, 0]) > edge - 1e-9
    bent = torch.clamp(rest[:, 0], -edge, edge)
    straight = rest[:, 0] - bent
    angle = bent / radius
    rolled = torch.stack(
        [
            radius * torch.sin(angle) + straight * torch.cos(angle),
            rest[:, 1],
            radius * (1 - torch.cos(angle)) + straight * torch.sin(angle),
        ],
        dim=1,
    )
    factor = torch.where(torch.as_tensor(held[triangles].all(axis=1)), HELD, 1.0)
    energy = bending((rest, triangles), poisson=0.0, stiffness=factor, positions=rolled)
    exact = 0.5 * 1e6 * 1e-6 / 12 / radius**2 * 0.25 * 14 / 16
    assert float(energy.value(relaxed(energy, unmoved(energy, rolled)))) == pytest.approx(exact, rel=0.005)
    # Without it a part of the bend is in the held faces.
    soft = bending((rest, triangles), poisson=0.0, positions=rolled)
    assert float(soft.value(relaxed(soft, unmoved(soft, rolled)))) < 0.97 * exact


def test_pattern_of_the_matrix_is_kept(wavy: Sheet) -> None:
    for model in (Bending, HingeBending):
        energy = bending(wavy, model)
        q = unmoved(energy, wavy[0])
        one, other = energy.hessian(q, project=True), energy.hessian(q, project=False)
        assert one.rows is other.rows and one.cols is other.cols
        assert len(torch.unique(one.rows * one.size + one.cols)) == len(one.rows)


def test_refusals(wavy: Sheet) -> None:
    with pytest.raises(ParameterError, match=r"bending\.thickness: must be above 0"):
        bending(wavy, thickness=0.0)
    with pytest.raises(ParameterError, match=r"hinges\.poisson: must be at least -0\.99 and at most 0\.5"):
        bending(wavy, HingeBending, poisson=0.7)
    with pytest.raises(ParameterError, match="stiffness: must be above 0, and is 0"):
        bending(wavy, stiffness=0.0)
