from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from energy_differences import gradient_error, hessian_error, lowest_eigenvalue, mixed_errors, random_like
from scipy.optimize import minimize_scalar
from torch import Tensor

from engine.core.errors import ParameterError
from engine.simulation.energy import Unknowns
from engine.simulation.shell.membrane import Membrane
from engine.simulation.shell.topology import SheetError

Shake = Callable[[Tensor, int, float], Tensor]
X_AXIS = torch.tensor([1.0, 0.3, 0.0], dtype=torch.float64)


def membrane(sheet: tuple[Tensor, np.ndarray], **options: Any) -> Membrane:
    rest, triangles = sheet
    count = len(triangles)
    spread = 1.0 + 0.5 * torch.rand(count, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    given: dict[str, Any] = {"young": 1e4 * spread, "poisson": 0.3, "thickness": 1e-3 * spread.flip(0)}
    return Membrane(Unknowns(len(rest)), torch.as_tensor(triangles), rest, **(given | options))


LAWS: dict[str, dict[str, Any]] = {
    "st-venant-kirchhoff": {},
    "woven": {"young_cross": 3e3, "shear": 1e3, "direction": X_AXIS},
    "stable-neo-hookean": {"law": "stable-neo-hookean"},
    "incompressible": {"law": "stable-neo-hookean", "poisson": 0.5},
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("shape", ["wavy", "ball"])
def test_derivatives_far_from_rest(law: str, shape: str, shaken: Shake, request: pytest.FixtureRequest) -> None:
    sheet = request.getfixturevalue(shape)
    energy = membrane(sheet, **LAWS[law])
    q = shaken(sheet[0] * torch.tensor([1.2, 0.8, 1.0]), 0, 0.04)
    assert gradient_error(energy, q) < 1e-7
    assert hessian_error(energy, q) < 1e-7
    if law == "incompressible":  # a step beyond its Poisson's ratio is refused
        energy = membrane(sheet, **LAWS[law] | {"poisson": 0.4999})
    errors = mixed_errors(energy, q)
    assert max(errors.values()) < 1e-6, errors
    assert set(errors) == set(energy.parameters)


@pytest.mark.parametrize("law", LAWS)
def test_stresses_along_a_motion(law: str, wavy: tuple, shaken: Shake) -> None:
    energy = membrane(wavy, **LAWS[law])
    q = shaken(1.1 * wavy[0], 0, 0.04)
    motion = 0.01 * random_like(q, 1)
    step = 1e-4
    ends = [energy.stresses(q + sign * step * motion) for sign in (1.0, -1.0)]
    measured = energy.stresses(q) + (ends[0] - ends[1]) / (2.0 * step)
    torch.testing.assert_close(energy.stresses(q, motion), measured, rtol=0, atol=1e-7 * float(measured.abs().max()))


@pytest.mark.parametrize("law", LAWS)
def test_other_stresses_change_only_how_the_geometry_stiffens(law: str, wavy: tuple, shaken: Shake) -> None:
    energy, q = membrane(wavy, **LAWS[law]), shaken(wavy[0], 0, 0.04)
    z = random_like(q, 2)
    here, beside = energy.stresses(q), energy.stresses(q + 0.03 * random_like(q, 1))
    exact, given = (energy.hessian(q, project=False, stresses=stresses) for stresses in (None, here))
    assert torch.equal(exact.values, given.values)
    change = energy.hessian(q, project=False, stresses=beside).values - exact.values
    again = energy.hessian(q, project=False, stresses=2.0 * beside - here).values - exact.values
    torch.testing.assert_close(again, 2.0 * change, rtol=0, atol=1e-12 * float(exact.values.abs().max()))
    # It is the stresses times the second derivative of the strain, which is quadratic in z.
    epsilon = 1e-3
    strains = [energy.strains(q + sign * epsilon * z) for sign in (1.0, 0.0, -1.0)]
    curvature = (strains[0] - 2.0 * strains[1] + strains[2]) / epsilon**2
    areas = 0.5 * torch.linalg.vector_norm(_cross(wavy), dim=1)
    wanted = (areas * energy.parameters["thickness"] * ((beside - here) * curvature).sum(dim=1)).sum()
    found = z @ (energy.hessian(q, project=False, stresses=beside).multiply(z) - exact.multiply(z))
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=0)


def _cross(sheet: tuple[Tensor, np.ndarray]) -> Tensor:
    rest, triangles = sheet
    a, b, c = (rest[torch.as_tensor(triangles)[:, corner]] for corner in range(3))
    return torch.linalg.cross(b - a, c - a)


@pytest.mark.parametrize("law", LAWS)
def test_projected_hessian_is_semi_definite(law: str, wavy: tuple, shaken: Shake) -> None:
    energy = membrane(wavy, **LAWS[law])
    q = shaken(0.7 * wavy[0], 0, 0.05)
    assert lowest_eigenvalue(energy, q, project=False) < -1e-3  # compressed: there is something to project
    assert lowest_eigenvalue(energy, q, project=True) > -1e-12
    stretched = 1.3 * wavy[0].reshape(-1)
    exact, projected = (energy.hessian(stretched, project=project).values for project in (False, True))
    torch.testing.assert_close(projected, exact, rtol=0, atol=1e-9 * float(exact.abs().max()))


def test_winding_does_not_matter(wavy: tuple, shaken: Shake) -> None:
    rest, triangles = wavy
    q = shaken(rest, 0, 0.05)
    one, other = (
        membrane(wavy, young=1e4, thickness=1e-3),
        membrane((rest, triangles[:, ::-1].copy()), young=1e4, thickness=1e-3),
    )
    torch.testing.assert_close(one.value(q), other.value(q), rtol=1e-12, atol=0)
    torch.testing.assert_close(one.gradient(q), other.gradient(q), rtol=0, atol=1e-12 * 1e4)


@pytest.mark.parametrize("stretches", [(1.5, 0.9), (0.4, 0.6), (2.5, 2.0)])
@pytest.mark.parametrize("poisson", [0.0, 0.3, 0.49])
def test_neo_hookean_is_the_solid_with_a_free_thickness(stretches: tuple[float, float], poisson: float) -> None:
    """Against the three-dimensional energy μ/2 (I₁ − 3) + λ/2 (J − α)² minimised over the thickness."""
    rest = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]], dtype=torch.float64)
    young = 2e5
    energy = membrane(
        (rest, np.array([[0, 1, 2]])), law="stable-neo-hookean", young=young, poisson=poisson, thickness=0.01
    )
    q = (rest * torch.tensor([*stretches, 1.0], dtype=torch.float64)).reshape(-1)
    shear = young / (2 * (1 + poisson))
    lame = young * poisson / ((1 + poisson) * (1 - 2 * poisson)) + shear  # re-parametrised
    alpha = 1 + shear / lame

    def solid(third: float, a: float, b: float) -> float:
        return 0.5 * shear * (a * a + b * b + third * third - 3) + 0.5 * lame * (a * b * third - alpha) ** 2

    def least(a: float, b: float) -> float:
        return float(
            minimize_scalar(
                lambda third: solid(third, a, b), bounds=(0.0, 10.0), options={"xatol": 1e-12}, method="bounded"
            ).fun
        )

    expected = 0.5 * 0.01 * (least(*stretches) - least(1.0, 1.0))
    assert float(energy.value(q)) == pytest.approx(expected, rel=1e-7)


def test_collapsed_and_inverted_triangles_stay_finite() -> None:
    rest = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]], dtype=torch.float64)
    for law in ("st-venant-kirchhoff", "stable-neo-hookean"):
        energy = membrane((rest, np.array([[0, 1, 2]])), law=law, young=1e5, thickness=0.01)
        q = torch.zeros(9, dtype=torch.float64)
        assert torch.isfinite(energy.value(q)) and torch.isfinite(energy.gradient(q)).all()
        assert torch.isfinite(energy.hessian(q, project=True).values).all()


def test_another_rest_shape_and_pattern_of_the_matrix(wavy: tuple) -> None:
    energy = membrane(wavy)
    q = 1.1 * wavy[0].reshape(-1)
    assert float(energy.value(q)) > 0
    first = energy.hessian(q, project=True)
    energy.assign({"rest_positions": 1.1 * wavy[0]})
    assert float(energy.value(q)) < 1e-20 and float(energy.gradient(q).abs().max()) < 1e-10
    second = energy.hessian(q, project=True)
    assert first.rows is second.rows and first.cols is second.cols
    assert len(torch.unique(first.rows * first.size + first.cols)) == len(first.rows)


def test_refusals_change_nothing(wavy: tuple) -> None:
    energy = membrane(wavy, young=1e4, **LAWS["woven"] | {"young_cross": 3e3})
    before = energy.value(1.1 * wavy[0].reshape(-1))
    with pytest.raises(ParameterError, match="thickness: must be above 0, and is 0"):
        energy.assign({"thickness": torch.tensor(0.0), "young": torch.tensor(1.0)})
    with pytest.raises(ParameterError, match="there is no such parameter"):
        energy.assign({"density": torch.tensor(1.0)})
    with pytest.raises(ParameterError, match="shape"):
        energy.assign({"young": torch.ones(3)})
    with pytest.raises(ParameterError, match="too large"):
        energy.assign({"young_cross": torch.tensor(1e6)})
    with pytest.raises(ParameterError, match="young"):
        energy.assign({"young": torch.tensor(float("nan"))})
    with pytest.raises(SheetError, match="no area at rest"):
        energy.assign({"rest_positions": torch.zeros_like(wavy[0])})
    assert float(energy.value(1.1 * wavy[0].reshape(-1))) == float(before)
    with pytest.raises(ParameterError, match="some are missing"):
        membrane(wavy, shear=1.0)
    with pytest.raises(ParameterError, match="no weave"):
        membrane(wavy, **LAWS["woven"], law="stable-neo-hookean")
    flat = (wavy[0] * torch.tensor([1.0, 1.0, 0.0]), wavy[1])
    with pytest.raises(SheetError, match="perpendicular to triangle 0"):
        membrane(flat, young_cross=1e3, shear=1e3, direction=torch.tensor([0.0, 0.0, 1.0]))


def test_one_number_for_all_faces(wavy: tuple) -> None:
    energy = membrane(wavy)
    energy.assign({"young": torch.tensor(5.0, dtype=torch.float64)})
    assert energy.parameters["young"].shape == (len(wavy[1]),)
