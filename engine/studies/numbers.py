"""Numbers of a simulation that can be differentiated: where bodies are, what sensors say of vertices and of what holds,
and energies of the whole."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.protocol.scene_names import FRICTION
from engine.protocol.session import Sensitivity
from engine.simulation.adjoint import simulate
from engine.simulation.newton import NewtonSettings
from engine.simulation.stepper import Snapshot, Stepper
from engine.simulation.system import GRAVITY
from engine.simulation.world.world import World

AXES = ("x", "y", "z")
WIDTH = 6
"""Where a gripper's pose has its width."""


def number_names(world: World) -> list[str]:
    """ "card centre z [m]" of everything that deforms, "tip 12 vz [m/s]" and "hand z [N]" of sensors, and energies of
    all."""
    return [
        *(f"{name} centre {axis} [m]" for name in _deformable(world) for axis in AXES),
        *world.sensors.sampled(),
        *world.sensors.reactions(),
        f"{GRAVITY} [J]",
        "kinetic [J]",
    ]


def number_value(world: World, number: str, positions: Tensor, velocities: Tensor, holding: Tensor) -> Tensor:
    """A number of positions [m], velocities [m/s] and what holds [N], shape (vertex_count, 3); raises `ParameterError`
    for no such."""
    masses = world.system.vertex_masses[:, None]
    if number == f"{GRAVITY} [J]":
        return -(masses * positions * world.system.gravity).sum()
    if number == "kinetic [J]":
        return 0.5 * (masses * velocities**2).sum()
    if (sampled := world.sensors.sampled().get(number)) is not None:
        return sampled.value(positions, velocities)
    if (felt := world.sensors.reactions().get(number)) is not None:
        vertices, axis = felt
        return -holding[vertices, axis].sum()
    for name in _deformable(world):
        for column, letter in enumerate(AXES):
            if number == f"{name} centre {letter} [m]":
                own = world.bodies[name].vertices
                weights = world.system.vertex_masses[own]
                return (weights * positions[own, column]).sum() / weights.sum()
    raise _unknown(world, number)


def _unknown(world: World, number: str) -> ParameterError:
    return ParameterError(
        number, "the simulation has no such number.", remedy=f"It has {', '.join(number_names(world))}."
    )


def sensitivity_of(
    world: World,
    stepper: Stepper,
    before: Snapshot,
    number: str,
    horizon: int,
    between: Callable[[], None] = lambda: None,
) -> Sensitivity:
    """Derivatives of `number` at the present step in the positions of `before`, `horizon` steps ago, and in every
    physical number and every mover that acted on the way, by the adjoint of these steps, which are made again.

    Masses and gravity that the number itself is made of count as they are: only what they did on the way is
    differentiated; of BDF2 the first step is one of implicit Euler. `between` is called before every step, and may
    end the work. World and stepper are left as they were. Raises `ParameterError`.
    """
    if number not in number_names(world):
        raise _unknown(world, number)
    first = before.moment.step
    values = {
        name: world.physical(name).detach().clone().requires_grad_(True)
        for name in world.physical_parameters()
        if name == GRAVITY or not world.physical(name).ndim
    }
    friction, motions = _friction_values(world), _motion_values(world, first + horizon)
    given = values | ({FRICTION: torch.stack(list(friction.values()))} if friction else {})
    positions = world.system.unknowns.positions(before.moment.q).clone().requires_grad_(True)
    time = world.scene.time
    now = world.system.states()
    world.system.restore(before.states)
    try:
        motion = simulate(
            world.system,
            positions,
            before.moment.velocities,
            steps=horizon,
            step_size=time.step,
            scheme=time.scheme,
            held=world.held_way(horizon, _changed(world.poses(horizon, first=first), motions), first=first),
            parameters=world.expanded(given),
            newton=NewtonSettings(tolerance=time.tolerance),
            divide=time.divide,
            between=between,
        )
        with torch.enable_grad():
            value = number_value(world, number, motion.positions[-1], motion.velocities[-1], motion.holding)
        leaves = values | friction | motions
        gradients = torch.autograd.grad(value, [positions, *leaves.values()], allow_unused=True)
    finally:
        world.system.restore(now)
    directions = gradients[0].cpu().numpy()
    derivatives = {
        name: (value.detach().cpu().numpy(), torch.zeros_like(value).numpy() if found is None else found.cpu().numpy())
        for (name, value), found in zip(leaves.items(), gradients[1:], strict=True)
    }
    magnitudes = torch.linalg.vector_norm(gradients[0], dim=1).to(torch.float32).cpu().numpy()
    return Sensitivity(number, float(value.detach()), horizon, magnitudes, directions, derivatives)


def _friction_values(world: World) -> dict[str, Tensor]:
    """Leaves of the coefficients of friction, in the order of the parameter; none without contact."""
    if world.contact is None:
        return {}
    names = [FRICTION if name == "default" else f"{FRICTION}.{name}" for name in world.contact.coefficient_names]
    return {
        name: value.clone().requires_grad_(True) for name, value in zip(names, world.physical(FRICTION), strict=True)
    }


def _motion_values(world: World, step: int) -> dict[str, Tensor]:
    """Leaves of what all poses of a mover are changed by; the width of a gripper is that after `step` steps."""
    leaves: dict[str, Tensor] = {}
    for mover, poses in world.poses(1, first=step - 1).items():
        leaves |= {f"{mover}.offset": poses.new_zeros(3), f"{mover}.turn": poses.new_zeros(3)}
        if poses.shape[1] > WIDTH:
            leaves[f"{mover}.width"] = poses[0, WIDTH].clone()
    return {name: value.requires_grad_(True) for name, value in leaves.items()}


def _changed(poses: dict[str, Tensor], motions: dict[str, Tensor]) -> dict[str, Tensor]:
    changed = {}
    for mover, own in poses.items():
        parts = [own[:, :3] + motions[f"{mover}.offset"], own[:, 3:WIDTH] + motions[f"{mover}.turn"]]
        if own.shape[1] > WIDTH:
            width = motions[f"{mover}.width"]
            parts.append((own[:, WIDTH] + width - width.detach())[:, None])
        changed[mover] = torch.cat(parts, dim=1)
    return changed


def _deformable(world: World) -> list[str]:
    return [body.name for body in world.bodies.values() if body.kind in ("sheet", "solid")]
