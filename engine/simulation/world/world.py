"""A World: a Scene as a System that can be stepped, with what holds and moves it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.protocol.scene import Scene, Sheet, Solid
from engine.simulation.contact.contact import Contact
from engine.simulation.energy import Energy, Unknowns
from engine.simulation.held_path import HeldPath, straight
from engine.simulation.mass import Mass
from engine.simulation.newton import NewtonSettings
from engine.simulation.stepper import Solved, Stepper, Way
from engine.simulation.system import System, held_vertices
from engine.simulation.world.bodies import Body, scene_bodies
from engine.simulation.world.contacts import friction_values, scene_contact
from engine.simulation.world.creases import CreaseLine
from engine.simulation.world.driven import driven_names, driven_values
from engine.simulation.world.fields import bending_energy, contact_pressure, on_deformable, strain
from engine.simulation.world.physical import expanded, physical_parameters
from engine.simulation.world.pins import Holding, held_groups, with_motions
from engine.simulation.world.pulls import Pulls
from engine.simulation.world.readings import Names, Readings, closest_distance, energy_names, step_forces
from engine.simulation.world.sensors import Sensors
from engine.simulation.world.sheets import SheetPlan, bending_values, plan_sheet, sheet_parts
from engine.simulation.world.solids import solid_parts
from engine.simulation.world.update import material_values, refuse_unlike

PULLS = "pulls"
FIELDS = ("strain", "bending_energy", "contact_pressure", "friction")
FRICTION = "friction.friction"
PULL_STEPS = 20.0
"""Steps in which a pull of automatic stiffness would bring the whole body along."""


@dataclass(frozen=True)
class Pulled:
    """A vertex of all that is pulled to `target` [m] by a spring of `stiffness` [N/m]."""

    vertex: int
    target: tuple[float, float, float]
    stiffness: float


class World:
    """What `build_world` makes.

    scene : as it runs now
    system : what a step solves for; energies are called "body.membrane", "body.bending", ..., masses "body.mass"
    bodies : by name, in the order of their vertices
    positions, velocities : at the start [m], [m/s], shape (vertex_count, 3)
    creases : by "sheet/crease"
    contact : None where the scene has none
    pulls : by name
    """

    def __init__(
        self,
        scene: Scene,
        system: System,
        bodies: Mapping[str, Body],
        holding: Holding,
        plans: Mapping[str, SheetPlan],
        velocities: Tensor,
        contact: Contact | None,
    ) -> None:
        self.scene = scene
        self.system = system
        self.contact = contact
        self.bodies = dict(bodies)
        self.velocities = velocities
        start = np.concatenate([body.start for body in bodies.values()])
        self.positions = torch.as_tensor(start, device=system.device)
        self.creases: dict[str, CreaseLine] = {line.name: line for plan in plans.values() for line in plan.creases}
        self.pulls: dict[str, Pulled] = {}
        self._plans = dict(plans)
        self._holding = holding
        self.sensors = Sensors(scene, system, bodies, holding.groups)

    @property
    def triangles(self) -> np.ndarray:
        """Surfaces of all bodies, int64, shape (n, 3)."""
        return np.concatenate([body.triangles for body in self.bodies.values()])

    @property
    def movers(self) -> dict[str, int]:
        """What poses can be given for, and how many numbers a pose has: 6, or 7 with the width of a gripper."""
        return self._holding.movers

    def stepper(self) -> Stepper:
        """At the start of the scene."""
        time = self.scene.time
        return Stepper(
            self.system,
            self.positions,
            self.velocities,
            step_size=time.step,
            scheme=time.scheme,
            newton=NewtonSettings(tolerance=time.tolerance),
            divide=time.divide,
        )

    def held_positions(self, time: float) -> Tensor:
        """Where the held unknowns are at `time` [s]: [m], shape (held_count,)."""
        return self._holding.at(torch.tensor([time], dtype=torch.float64))[0]

    def held_during(self, steps: int) -> Way:
        """Where the held unknowns are in the step after `steps` ones."""
        return lambda part: self.held_positions((steps + part) * self.scene.time.step)

    def held_path(self, steps: int, poses: Mapping[str, Tensor] | None = None, *, first: int = 0) -> Tensor:
        """Where the held unknowns are after each of `steps` steps, of which `first` came before: [m], shape (steps,
        held_count).

        poses : of movers ("body/pin", an obstacle's or a gripper's name), shape (steps, 6) or (steps, 7): translation
            [m], rotation vector [rad], width of a gripper [m], from where they stand at the start. They replace its
            motion, and the result can be differentiated in them.
        """
        return self._holding.at(self._times(steps, first), poses)

    def held_way(self, steps: int, poses: Mapping[str, Tensor] | None = None, *, first: int = 0) -> HeldPath:
        """`held_path` at any time, for steps that are divided: within a step, `poses` are as far from a mover's own
        motion as a straight line between the ends of the step says. It can be differentiated in them."""
        own, given = self.poses(steps, first=first), dict(poses or {})
        if given:
            self.held_path(steps, given, first=first)  # it refuses what cannot be
        names = list(given)
        changes = [given[name] - own[name][:, : given[name].shape[1]] for name in names]
        knots = [torch.cat([torch.zeros_like(change[:1]), change]) for change in changes]

        def places(times: Tensor, leaves: Sequence[Tensor]) -> Tensor:
            at = (first + times) * self.scene.time.step
            moved = self._holding.poses(at)
            changed = {
                name: moved[name][:, : leaf.shape[1]] + straight(leaf, times)
                for name, leaf in zip(names, leaves, strict=True)
            }
            return self._holding.at(at, changed)

        return HeldPath(tuple(knots), places)

    def poses(self, steps: int, *, first: int = 0) -> dict[str, Tensor]:
        """Of every mover by its own motion after each of `steps` steps, of which `first` came before, as `held_path`
        takes them."""
        return self._holding.poses(self._times(steps, first))

    def parameters(self) -> dict[str, Tensor]:
        """All of the system's, by full name."""
        return self.system.parameters()

    def physical_parameters(self) -> dict[str, list[str]]:
        """The full names that one physical number ("cloth.young") stands for."""
        return physical_parameters(self.system, self.bodies)

    def physical(self, name: str) -> Tensor:
        """The present value of a physical number."""
        tied = self.physical_parameters()
        return self.parameters()[next(iter(expanded(tied, {name: torch.zeros(())})))]

    def expanded(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Physical numbers by the full names of the system's parameters, for `engine.simulation.adjoint.simulate`."""
        return expanded(self.physical_parameters(), values)

    def assign(self, values: Mapping[str, Tensor]) -> None:
        """Replace physical numbers."""
        self.system.assign(self.expanded(values))

    def pull(
        self, name: str, body: str, vertex: int, target: tuple[float, float, float] | None, stiffness: float = 0.0
    ) -> None:
        """Pull a vertex of a body to `target` [m] with a spring; without a target, let go.

        stiffness : [N/m]; 0 is that which would bring the body's whole mass along within a few steps
        A vertex has one pull: the latest.
        """
        pulls = {key: pull for key, pull in self.pulls.items() if key != name}
        if target is not None:
            owner = self._deformable(body)
            if not 0 <= vertex < owner.count:
                raise ParameterError(
                    "vertex", f"{body} has no vertex {vertex}.", remedy=f"Its vertices are 0 to {owner.count - 1}."
                )
            chosen = owner.first + vertex
            pulls = {key: pull for key, pull in pulls.items() if pull.vertex != chosen}
            pulls[name] = Pulled(chosen, target, stiffness or self._pull_stiffness(owner))
        self.restore_pulls(pulls)

    def restore_pulls(self, pulls: Mapping[str, Pulled]) -> None:
        """Exactly these pulls and no others."""
        stiffness = self.positions.new_zeros(len(self.positions))
        targets = torch.zeros_like(self.positions)
        for pull in pulls.values():
            stiffness[pull.vertex] = pull.stiffness
            targets[pull.vertex] = torch.tensor(pull.target, dtype=torch.float64)
        self.system.assign({f"{PULLS}.stiffness": stiffness, f"{PULLS}.targets": targets})
        self.pulls = dict(pulls)

    def update(self, scene: Scene) -> None:
        """Go on as `scene` says: materials, gravity, friction, motions, sensors, the duration, and what is shown.

        Raises `ParameterError` that lists what wants a new start, or a value that is none; then nothing has changed.
        """
        refuse_unlike(self.scene, scene)
        sensors = Sensors(scene, self.system, self.bodies, self._holding.groups)
        plans = {item.name: replace(self._plans[item.name], item=item) for item in scene.sheets}
        held = self._held_flags()
        bending = {name: bending_values(plan, held) for name, plan in plans.items()}
        values = material_values(scene, bending)
        if self.contact is not None:
            values[FRICTION] = friction_values(self.contact, scene)
        self.system.assign(values)
        self._plans, self.sensors, self.scene = plans, sensors, scene
        self._holding = Holding(with_motions(self._holding.groups, scene), self.system.device)

    def reading_names(self) -> Names:
        """What `readings` will have; sensors and motions that change while it runs change it."""
        driven = driven_names(self.scene, self._holding)
        return Names(energy_names(self.system), (*self.sensors.names, *driven), FIELDS)

    def readings(self, stepper: Stepper, solved: Solved | None = None) -> Readings:
        """Energies, sensors, what is driven, and fields where `stepper` is.

        solved : what its last step handed back; forces are read of it
        """
        forces = None if solved is None else step_forces(self.system, self.contact, solved)
        none = torch.zeros_like(self.positions)
        q, pressing = stepper.moment.q, none if forces is None else forces.pressing
        state = none[:, 0] if forces is None else forces.friction_state.to(none.dtype)
        pressure = contact_pressure(self.system, self.triangles, q, pressing)
        fields = {
            "strain": strain(self.system, self.bodies, q),
            "bending_energy": bending_energy(self.system, self.bodies, q),
            "contact_pressure": on_deformable(pressure, self.bodies),
            "friction": on_deformable(state, self.bodies),
        }
        return Readings(
            stepper.energies(),
            self.sensors.read(stepper, forces) | driven_values(self.scene, self._holding, stepper.time),
            {name: values.to(torch.float32).cpu().numpy() for name, values in fields.items()},
            math.inf if self.contact is None else closest_distance(self.contact, q),
        )

    def owner(self, vertex: int) -> Body:
        """The body of a vertex, by its number among all."""
        return next(body for body in self.bodies.values() if body.vertices.start <= vertex < body.vertices.stop)

    def where(self, vertex: int, positions: Tensor | None = None) -> str:
        """A vertex of all in words: whose it is, and where [mm], from positions [m]."""
        body = self.owner(vertex)
        name = f"vertex {vertex - body.first} of {body.name!r}"
        if positions is None:
            return name
        x, y, z = (1e3 * positions[vertex]).tolist()
        return f"{name} at ({x:.4g}, {y:.4g}, {z:.4g}) mm"

    def _times(self, steps: int, first: int) -> Tensor:
        return (first + 1.0 + torch.arange(steps, dtype=torch.float64)) * self.scene.time.step

    def _held_flags(self) -> Tensor:
        held = torch.zeros(len(self.positions), dtype=torch.bool, device=self.system.device)
        held[self._holding.vertices.to(self.system.device)] = True
        return held

    def _deformable(self, name: str) -> Body:
        self.scene.body(name)
        body = self.bodies[name]
        if body.kind not in ("sheet", "solid"):
            raise ParameterError(name, "it moves as it is told, and cannot be pulled.")
        return body

    def _pull_stiffness(self, body: Body) -> float:
        mass = float(self.system.vertex_masses[body.vertices].sum())
        return mass / (PULL_STEPS * self.scene.time.step) ** 2


def build_world(scene: Scene, inputs: Mapping[str, Mesh] | None = None, *, device: str = "cpu") -> World:
    """Make a scene runnable.

    inputs : the meshes of mesh shapes [mm], by name

    Raises `BodyError` (which body, where) and `ParameterError`.
    """
    if not scene.sheets and not scene.solids:
        raise ParameterError("scene", "it has nothing that deforms.", remedy="Add a sheet or a soft body.")
    bodies = scene_bodies(scene, inputs or {})
    where = torch.device(device)
    holding = Holding(held_groups(scene, bodies), where)
    plans = {item.name: plan_sheet(item, bodies[item.name]) for item in scene.sheets}
    vertex_count = sum(body.count for body in bodies.values())
    unknowns = Unknowns(vertex_count, sum(plan.rotations for plan in plans.values()))
    start = torch.as_tensor(np.concatenate([body.start for body in bodies.values()]), device=where)
    held = torch.zeros(vertex_count, dtype=torch.bool, device=where)
    held[holding.vertices.to(where)] = True
    energies: dict[str, Energy] = {}
    masses: dict[str, Mass] = {}
    rotation = 0
    for plan in plans.values():
        parts, masses[f"{plan.item.name}.mass"] = sheet_parts(plan, unknowns, held, start, rotation)
        energies |= {f"{plan.item.name}.{kind}": energy for kind, energy in parts.items()}
        rotation += plan.rotations
    for item in scene.solids:
        parts, masses[f"{item.name}.mass"] = solid_parts(item, bodies[item.name], unknowns, where)
        energies |= {f"{item.name}.{kind}": energy for kind, energy in parts.items()}
    energies[PULLS] = Pulls(unknowns, where)
    fixed = held_vertices(holding.vertices.to(where))
    contact = scene_contact(scene, bodies, holding.groups, unknowns, start, fixed, masses)
    if contact is not None:
        energies |= contact.energies
    system = System(
        unknowns, energies, masses, held=fixed, gravity=scene.gravity, limits=[] if contact is None else contact.limits
    )
    return World(scene, system, bodies, holding, plans, _velocities(scene, bodies, start), contact)


def _velocities(scene: Scene, bodies: Mapping[str, Body], start: Tensor) -> Tensor:
    velocities = torch.zeros_like(start)
    deformable: list[Sheet | Solid] = [*scene.sheets, *scene.solids]
    for item in deformable:
        velocities[bodies[item.name].vertices] = torch.tensor(item.velocity, dtype=torch.float64, device=start.device)
    return velocities
