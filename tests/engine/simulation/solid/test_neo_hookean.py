from __future__ import annotations

import numpy as np
import pytest
import torch
from energy_differences import gradient_error, hessian_error, lowest_eigenvalue, mixed_errors, random_like
from torch import Tensor

from engine.core.errors import GeometryError, ParameterError
from engine.geometry.tetrahedral import ball_tets, box_tets
from engine.simulation.adjoint import simulate
from engine.simulation.energy import Unknowns
from engine.simulation.rigid.poses import rotation_matrices
from engine.simulation.solid.mass import SolidMass
from engine.simulation.solid.neo_hookean import NeoHookean
from engine.simulation.system import System, held_vertices

ONE = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=torch.float64)
TET = torch.tensor([[0, 1, 2, 3]])


def body(poisson: float = 0.3, cells: int = 4) -> tuple[NeoHookean, Tensor]:
    """A ball of 5 cm with another stiffness in every tetrahedron."""
    mesh = ball_tets(0.05, cells)
    rest = torch.as_tensor(mesh.vertices)
    spread = 1.0 + 0.5 * torch.rand(mesh.tet_count, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    tets = torch.as_tensor(mesh.tets)
    return NeoHookean(Unknowns(len(rest)), tets, rest, young=1e5 * spread, poisson=poisson), rest


def single(young: float = 2e5, poisson: float = 0.3) -> NeoHookean:
    return NeoHookean(Unknowns(4), TET, ONE, young=young, poisson=poisson)


def deformed(gradient: Tensor) -> Tensor:
    return (ONE @ gradient.T).reshape(-1)


@pytest.mark.parametrize("poisson", [0.1, 0.3, 0.49])
@pytest.mark.parametrize("amount", [0.001, 0.02])
def test_derivatives_far_from_rest(poisson: float, amount: float) -> None:
    energy, rest = body(poisson)
    q = (rest * torch.tensor([1.3, 0.8, 1.0]) + amount * random_like(rest, 5)).reshape(-1)
    if amount > 0.01:
        assert float(torch.linalg.det(energy.deformation_gradients(q)).min()) < -1.0  # many are inverted
    assert gradient_error(energy, q, step=1e-7) < 1e-7
    assert hessian_error(energy, q, step=1e-7) < 1e-7
    errors = mixed_errors(energy, q, step=1e-7)
    assert set(errors) == {"young", "poisson", "rest_positions"} == set(energy.parameters)
    assert max(errors.values()) < 1e-6, errors


def test_projected_hessian_is_semi_definite_and_no_more() -> None:
    energy, rest = body(0.45)
    q = (rest + 0.01 * random_like(rest, 3)).reshape(-1)
    assert lowest_eigenvalue(energy, q, project=False) < -1e-2
    assert lowest_eigenvalue(energy, q, project=True) > -1e-13
    pulled = (rest * torch.tensor([1.2, 0.95, 1.0])).reshape(-1)
    exact, projected = (energy.hessian(pulled, project=project).values for project in (False, True))
    torch.testing.assert_close(projected, exact, rtol=0, atol=1e-12 * float(exact.abs().max()))


def test_projection_against_the_eigenvalues_of_one_tetrahedron() -> None:
    """Against a dense eigen-decomposition of ∂²ψ/∂F²: corners 1 to 3 of a unit tetrahedron are F − 1 themselves."""
    energy = single()
    for seed in range(20):
        q = deformed(torch.eye(3).double() + 0.8 * random_like(torch.empty(3, 3), seed))
        exact = energy.hessian(q, project=False).dense()[3:, 3:]
        values, vectors = torch.linalg.eigh(exact)
        expected = vectors @ torch.diag(values.clamp(min=0.0)) @ vectors.T
        found = energy.hessian(q, project=True).dense()[3:, 3:]
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-9 * float(values.abs().max()))


def test_the_law_is_the_published_one() -> None:
    young, poisson = 2e5, 0.3
    shear = young / (2 * (1 + poisson))
    lame = young * poisson / ((1 + poisson) * (1 - 2 * poisson)) + shear  # re-parametrised
    alpha = 1 + shear / lame
    for seed in range(5):
        gradient = torch.eye(3).double() + 0.6 * random_like(torch.empty(3, 3), seed)
        first, volume = float((gradient**2).sum()), float(torch.linalg.det(gradient))
        expected = 0.5 * shear * (first - 3) + 0.5 * lame * ((volume - alpha) ** 2 - (1 - alpha) ** 2)
        assert float(single(young, poisson).value(deformed(gradient))) == pytest.approx(expected / 6, rel=1e-12)


@pytest.mark.parametrize(
    "stretch", [(1.0, 1.0, 1.0), (1.3, 1.3, 0.7), (0.8, 1.2, 0.8), (1.0, 1.0, -1.0), (0.5, 0.5, 0.5)]
)
@pytest.mark.parametrize("turned", [False, True])
def test_repeated_singular_values(stretch: tuple[float, float, float], turned: bool) -> None:
    """Derivatives at F = 1, F = R and equal stretches, and the projection's limit from beside them."""
    energy = single()
    rotation = rotation_matrices(torch.tensor([1.0, -2.0, 0.5]).double() if turned else torch.zeros(3).double())
    q = deformed(rotation @ torch.diag(torch.tensor(stretch).double()))
    step = 1e-6
    for seed in range(3):
        z = random_like(q, seed)
        measured = (energy.gradient(q + step * z) - energy.gradient(q - step * z)) / (2 * step)
        said = energy.hessian(q, project=False).multiply(z)
        assert float((measured - said).norm() / said.norm()) < 1e-8
    here = energy.hessian(q, project=True).dense()
    beside = energy.hessian(q + 1e-9 * random_like(q, 9), project=True).dense()
    torch.testing.assert_close(here, beside, rtol=0, atol=1e-7 * float(here.abs().max()))
    errors = mixed_errors(energy, q + (1e-3 if stretch == (1.0, 1.0, 1.0) else 0.0) * random_like(q, 1), step=1e-6)
    assert max(errors.values()) < 1e-5, errors


@pytest.mark.parametrize(
    "scale", [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (1.0, 1e-9, 1e-12), (-1.0, 1.0, 1.0)]
)
def test_collapsed_and_inverted_tetrahedra_stay_finite(scale: tuple[float, float, float]) -> None:
    energy = single()
    q = deformed(torch.diag(torch.tensor(scale).double()))
    assert torch.isfinite(energy.value(q)) and torch.isfinite(energy.gradient(q)).all()
    projected = energy.hessian(q, project=True).dense()
    assert torch.isfinite(projected).all()
    assert float(torch.linalg.eigvalsh(projected)[0]) > -1e-9 * float(projected.abs().max())
    assert float(energy.value(q)) > 0.0


def test_small_strains_keep_their_digits() -> None:
    energy = single(young=1.0, poisson=0.0)
    strain = 1e-9
    q = deformed(torch.diag(torch.tensor([1.0 + strain, 1.0, 1.0]).double()))
    assert float(energy.value(q)) == pytest.approx(strain**2 / 12, rel=1e-6)


def test_bad_rest_shapes_and_constants() -> None:
    energy, rest = body()
    before = energy.value(1.1 * rest.reshape(-1))
    inverted = rest * torch.tensor([-1.0, 1.0, 1.0])
    with pytest.raises(GeometryError, match=r"tetrahedron 0 .* is inverted") as caught:
        energy.assign({"rest_positions": inverted})
    assert caught.value.place == tuple(energy.tets[0].tolist())
    with pytest.raises(ParameterError, match="poisson"):
        energy.assign({"poisson": torch.tensor(0.5)})
    assert float(energy.value(1.1 * rest.reshape(-1))) == float(before)


def test_mass_and_its_derivatives() -> None:
    mesh = box_tets((0.1, 0.2, 0.3), 3)
    rest = torch.as_tensor(mesh.vertices)
    density = 500.0 + torch.arange(mesh.tet_count, dtype=torch.float64)
    mass = SolidMass(Unknowns(len(rest)), torch.as_tensor(mesh.tets), rest, density=density)
    assert float(mass.masses().sum()) == pytest.approx(float((mesh.volumes * density.numpy()).sum()), rel=1e-12)
    weights = random_like(rest[:, 0], 2)
    pulled = mass.pull(weights)
    for name, value in mass.parameters.items():
        change = 1e-5 * value.abs().max() * random_like(value, 3)
        sides = []
        for sign in (1.0, -1.0):
            mass.assign({name: value + sign * change})
            sides.append(float((weights * mass.masses()).sum()))
        mass.assign({name: value})
        assert 0.5 * (sides[0] - sides[1]) == pytest.approx(float((pulled[name] * change).sum()), rel=1e-7)


def test_gradients_through_steps() -> None:
    """The adjoint of a body that falls and swings by its top, in stiffness, density, start and held positions."""
    mesh = box_tets((0.02, 0.02, 0.06), 3)
    rest, tets = torch.as_tensor(mesh.vertices), torch.as_tensor(mesh.tets)
    unknowns = Unknowns(len(rest))
    top = torch.as_tensor(np.flatnonzero(mesh.vertices[:, 2] > 0.029))
    system = System(
        unknowns,
        {"solid": NeoHookean(unknowns, tets, rest, young=5e3, poisson=0.4)},
        {"mass": SolidMass(unknowns, tets, rest, density=1000.0)},
        held=held_vertices(top),
    )
    steps = 4
    still = rest.reshape(-1)[system.held]
    inputs = {
        "solid.young": torch.tensor(5e3).double(),
        "solid.poisson": torch.tensor(0.4).double(),
        "mass.density": torch.tensor(1000.0).double(),
        "held": still + 1e-3 * torch.arange(1, steps + 1)[:, None],
    }
    weights = random_like(rest, 7)

    def loss(values: dict[str, Tensor]) -> Tensor:
        named = {name: value for name, value in values.items() if name != "held"}
        motion = simulate(system, rest, step_size=5e-3, steps=steps, parameters=named, held=values["held"])
        return (weights * motion.positions).sum()

    leaves = {name: value.clone().requires_grad_() for name, value in inputs.items()}
    found = torch.autograd.grad(loss(leaves), list(leaves.values()))
    for (name, value), gradient in zip(inputs.items(), found, strict=True):
        change = 1e-4 * value.abs().max() * random_like(value, 4)
        sides = [float(loss(inputs | {name: value + sign * change})) for sign in (1.0, -1.0)]
        assert 0.5 * (sides[0] - sides[1]) == pytest.approx(float((gradient * change).sum()), rel=1e-5), name
