"""The tetrahedra of a FlexiCubes surface as a soft body: it is squeezed and dropped, and knows its shape's gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.geometry.tet_mesh import TetMesh
from engine.simulation.energy import Unknowns
from engine.simulation.newton import NewtonSettings
from engine.simulation.quasistatic import equilibrium
from engine.simulation.solid.mass import SolidMass
from engine.simulation.solid.neo_hookean import NeoHookean
from engine.simulation.stepper import Stepper
from engine.simulation.system import System, held_vertices
from engine.surfaces.flexicubes import FlexiCubes

RADIUS = 0.05
SCALE = RADIUS / 0.6
"""Metres for a working length: the sphere has a radius of 5 cm."""


def ball() -> FlexiCubes:
    surface = FlexiCubes.sphere(8, dtype=torch.float64)
    surface.tensors()["weights"].data.normal_(std=0.3, generator=torch.Generator().manual_seed(0))
    return surface


def system(rest: Tensor, tets: np.ndarray | Tensor, **options: object) -> System:
    unknowns, corners = Unknowns(len(rest)), torch.as_tensor(tets)
    energy = NeoHookean(unknowns, corners, rest, young=1e5, poisson=0.3)
    mass = SolidMass(unknowns, corners, rest, density=1000.0)
    return System(unknowns, {"solid": energy}, {"mass": mass}, **options)  # type: ignore[arg-type]


def test_a_squeezed_ball_passes_the_patch_test() -> None:
    """Its surface is given a uniform strain; the inside finds it too."""
    vertices, tets = ball().tetrahedral_output()
    body = TetMesh(vertices * SCALE, tets)
    rest = torch.as_tensor(body.vertices)
    strain = torch.tensor([[1.1, 0.2, 0.0], [0.0, 0.8, -0.1], [0.1, 0.0, 1.05]], dtype=torch.float64)
    expected = rest @ strain.T
    held = held_vertices(torch.as_tensor(np.unique(body.surface)))
    assert len(held) < 0.7 * rest.numel()
    squeezed = system(rest, body.tets, held=held, gravity=(0.0, 0.0, 0.0))
    q, _ = equilibrium(squeezed, rest, held=expected.reshape(-1)[squeezed.held], newton=NewtonSettings(tolerance=1e-11))
    assert float((squeezed.unknowns.positions(q) - expected).abs().max()) < 1e-9 * RADIUS


def test_a_dropped_ball_falls_as_one() -> None:
    vertices, tets = ball().tetrahedral_output()
    rest = torch.as_tensor(vertices * SCALE)
    stepper = Stepper(system(rest, tets), rest, step_size=0.01)
    for _ in range(3):
        stepper.step()
    fallen = stepper.positions - rest
    # Implicit Euler: g h² (1 + 2 + 3).
    torch.testing.assert_close(fallen[:, 2], torch.full_like(fallen[:, 2], -9.81 * 1e-4 * 6), rtol=1e-6, atol=1e-9)
    assert float(fallen[:, :2].abs().max()) < 1e-9


def test_forces_know_the_gradient_of_the_shape() -> None:
    """A weighted sum of the elastic forces in a given place, as field, offsets and weights change the shape at rest."""
    surface = ball()
    found = surface.extract_tetrahedra()
    generator = torch.Generator().manual_seed(1)
    held = (found.vertices.detach() * SCALE * torch.tensor([1.1, 0.95, 1.0])).reshape(-1)
    weights = torch.randn(held.shape, generator=generator, dtype=torch.float64)

    def energy() -> NeoHookean:
        rest = surface.extract_tetrahedra().vertices.detach() * SCALE
        return NeoHookean(Unknowns(len(rest)), found.tets, rest, young=1e5, poisson=0.3)

    leaves = list(surface.tensors().values())
    slope = energy().mixed(held, weights)["rest_positions"]
    gradients = torch.autograd.grad((found.vertices * SCALE * slope).sum(), leaves)
    directions = [1e-6 * torch.randn(leaf.shape, generator=generator, dtype=torch.float64) for leaf in leaves]
    said = sum(float((gradient * way).sum()) for gradient, way in zip(gradients, directions, strict=True))
    measured = 0.0
    for sign in (1.0, -1.0):
        with torch.no_grad():
            for leaf, way in zip(leaves, directions, strict=True):
                leaf += sign * way
            measured += sign * float(energy().gradient(held) @ weights) / 2.0
            for leaf, way in zip(leaves, directions, strict=True):
                leaf -= sign * way
    assert said == pytest.approx(measured, rel=1e-6)
