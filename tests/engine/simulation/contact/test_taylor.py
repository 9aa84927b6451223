"""Gradients through steps with contact, by how their prediction fails."""

from __future__ import annotations

from typing import Literal

import pytest

from engine.core.errors import ParameterError
from engine.simulation.contact.laws import Mode
from engine.simulation.verification.gradients import taylor
from engine.simulation.verification.sheets import MovingScheme


@pytest.mark.slow
@pytest.mark.parametrize("friction", ["sticking", "sliding"])
@pytest.mark.parametrize(
    ("contact", "material", "scheme"),
    [
        ("barrier", "card", "implicit-euler"),
        ("barrier", "rubber", "bdf2"),
        ("barrier", "cotton", "implicit-midpoint"),
        ("barrier", "aluminium-foil", "implicit-euler"),
        ("penalty", "card", "implicit-euler"),
    ],
)
def test_gradients_through_contact_and_friction(
    contact: Mode, material: str, scheme: MovingScheme, friction: Literal["sticking", "sliding"]
) -> None:
    # Along one direction the second derivative may be so small that the residual of the steps drowns it.
    result = taylor(material=material, scheme=scheme, contact=contact, friction=friction)
    assert result.passed, f"{result.measured}, of {result.detail['slopes']}"


def test_what_only_friction_holds_has_no_equilibrium() -> None:
    with pytest.raises(ParameterError, match="without inertia"):
        taylor(scheme="quasi-static", contact="barrier")
