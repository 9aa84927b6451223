"""Soft bodies that touch what is rigid."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from engine.geometry.primitives import square
from engine.geometry.tet_mesh import TetMesh
from engine.geometry.tetrahedral import ball_tets, box_tets
from engine.protocol.scene import Gripper, Keyframe, Motion
from engine.simulation.contact.contact import Contact, make_contact
from engine.simulation.contact.surface import ContactBody
from engine.simulation.energy import Unknowns
from engine.simulation.rigid.gripper import fingers
from engine.simulation.rigid.motion import poses_at
from engine.simulation.solid.mass import SolidMass
from engine.simulation.solid.neo_hookean import NeoHookean
from engine.simulation.stepper import Stepper
from engine.simulation.system import System, held_vertices

GAP = 5e-4


def beside(
    mesh: TetMesh,
    rigid: tuple[np.ndarray, np.ndarray],
    *,
    gravity: tuple[float, float, float],
    step: float,
    filled: bool,
    **material: float,
) -> tuple[System, torch.Tensor, Contact]:
    """A soft body, and after it the vertices of something that is held, without friction."""
    count = mesh.vertex_count
    positions = torch.as_tensor(np.concatenate([mesh.vertices, rigid[0]]))
    unknowns, tets = Unknowns(len(positions)), torch.as_tensor(mesh.tets)
    mass = SolidMass(unknowns, tets, positions, density=1000.0)
    held = held_vertices(torch.arange(count, len(positions)))
    bodies = [ContactBody("soft", mesh.surface, filled=True), ContactBody("rigid", rigid[1] + count, filled=filled)]
    contact = make_contact(unknowns, bodies, positions, held=held, masses=mass.masses(), gap=GAP, step_size=step)
    energies = {"solid": NeoHookean(unknowns, tets, positions, **material), **contact.energies}
    system = System(unknowns, energies, {"mass": mass}, held=held, gravity=gravity, limits=contact.limits)
    return system, positions, contact


def test_a_ball_falls_on_the_ground_and_bounces() -> None:
    """Nothing passes through the ground, implicit Euler gains no energy, and momentum changes by what pushes."""
    mesh, h = ball_tets(0.03, 5), 2e-3
    # Onto the edge between the two triangles of the ground, which must be no ridge.
    lifted = TetMesh(mesh.vertices + np.array([0.0, 0.0, 0.035]), mesh.tets)
    system, positions, _ = beside(
        lifted, square(0.2, 1), gravity=(0.0, 0.0, -9.81), step=h, filled=False, young=5e4, poisson=0.4
    )
    soft = slice(0, mesh.vertex_count)
    velocities = torch.zeros_like(positions)
    velocities[soft, 2] = -1.0
    stepper = Stepper(system, positions, velocities, step_size=h)
    masses = system.vertex_masses[:, None]
    energy, lowest, fastest = sum(stepper.energies().values()), 1.0, -1.0
    for _ in range(40):
        before = (masses * stepper.velocities).sum(dim=0)
        solved = stepper.step()
        push = -system.unknowns.positions(system.energies["contact"].gradient(solved.q))[soft].sum(dim=0)
        weight = (masses * system.gravity).sum(dim=0)
        gained = (masses * stepper.velocities).sum(dim=0) - before
        assert float((gained - h * (push + weight)).norm()) < 1e-6 * float(h * weight.norm() + before.norm())
        lowest = min(lowest, float(stepper.positions[soft, 2].min()))
        fastest = max(fastest, float((masses * stepper.velocities).sum(dim=0)[2] / masses.sum()))
        now = sum(stepper.energies().values())
        assert now <= energy + 1e-9 * abs(energy)
        energy = now
    assert 0.0 < lowest < GAP
    assert fastest > 0.1  # it has come up again


@pytest.mark.slow
def test_a_cushion_in_a_gripper_pushes_back_as_theory_says() -> None:
    """Between smooth fingers its stress is uniaxial and uniform, at a quarter of strain too."""
    young, poisson, size, h = 1e5, 0.3, 0.02, 1e-2
    motion = Motion(keyframes=[Keyframe(time=0.0), Keyframe(time=0.1, width=0.016)])
    gripper = Gripper(name="hand", width=0.022, finger=(0.005, 0.04, 0.04), motion=motion)
    moving, triangles = fingers(gripper, 2)
    mesh = box_tets((size, size, size), 4)
    system, positions, contact = beside(
        mesh,
        (moving.points.numpy(), triangles),
        gravity=(0.0, 0.0, 0.0),
        step=h,
        filled=True,
        young=young,
        poisson=poisson,
    )
    stepper = Stepper(system, positions, step_size=h)
    times = h * torch.arange(1, 41, dtype=torch.float64)
    path = moving.at(poses_at(motion, times, gripper.width)).reshape(len(times), -1)
    stepper.run(len(times), held=path)
    x = stepper.positions[: mesh.vertex_count, 0]
    assert float(x.abs().max()) < 0.008
    ends = [mesh.vertices[:, 0] == side * size / 2 for side in (-1, 1)]
    stretch = float(x[ends[1]].mean() - x[ends[0]].mean()) / size
    assert 0.7 < stretch < 0.8
    pushed = system.unknowns.positions(system.energies["contact"].gradient(stepper.moment.q))
    left, right = (pushed[: mesh.vertex_count][end, 0].sum() for end in ends)
    assert float((left + right).abs() / right.abs()) < 1e-3
    assert float(right) == pytest.approx(uniaxial(young, poisson, stretch) * size**2, rel=0.02)
    assert contact.readings(stepper.moment.q).between("soft", "rigid").norm() < 1e-3 * abs(float(right))


def uniaxial(young: float, poisson: float, stretch: float) -> float:
    """Minus the nominal stress along a stretch with free sides [Pa], from the published energy."""
    shear = young / (2 * (1 + poisson))
    lame = shear / (1 - 2 * poisson)

    def energy(along: float) -> float:
        def density(sides: np.ndarray) -> float:
            across = float(sides[0])
            volume = along * across**2
            first = along**2 + 2 * across**2 - 3
            return 0.5 * shear * first - shear * (volume - 1) + 0.5 * lame * (volume - 1) ** 2

        return float(minimize(density, [1.0], tol=1e-14).fun)

    return -(energy(stretch + 1e-4) - energy(stretch - 1e-4)) / 2e-4
