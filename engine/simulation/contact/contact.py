"""Contact of a System: made from surfaces, masses and a gap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.simulation.contact.ends import StepEnd
from engine.simulation.contact.errors import BlockedError, PassingError
from engine.simulation.contact.friction import Friction
from engine.simulation.contact.laws import Law, Mode
from engine.simulation.contact.normal import NormalContact
from engine.simulation.contact.readings import ContactReadings, read
from engine.simulation.contact.start import check_start
from engine.simulation.contact.stencils import closest
from engine.simulation.contact.surface import CollisionSurface, ContactBody
from engine.simulation.energy import Energy, Unknowns
from engine.simulation.errors import StepError
from engine.simulation.schemes import SchemeName
from engine.simulation.system import StepLimit

CONTACT, FRICTION = "contact", "friction"
STOPPED = 2.0
"""Speed that the automatic stiffness stops in one step at half of the gap [m/s]."""


@dataclass(frozen=True)
class Contact:
    """Energies and limits for a `System`, and what can be asked of them.

    energies : "contact" (parameter "stiffness"), and "friction" (parameters "friction", a number for each of
        `coefficient_names`, and "stiffness", which is always that of "contact") unless every coefficient is fixed at
        none
    coefficient_names : "default", and "body/body" of the pairs that have their own
    """

    surface: CollisionSurface
    normal: NormalContact
    friction: Friction | None
    coefficient_names: tuple[str, ...]

    @property
    def energies(self) -> dict[str, Energy]:
        found: dict[str, Energy] = {CONTACT: self.normal}
        return found if self.friction is None else found | {FRICTION: self.friction}

    @property
    def limits(self) -> list[StepLimit]:
        return [ContactLimit(self.normal)]

    def check_start(self, positions: Tensor) -> None:
        """Raise `StartError` for bodies that start inside each other, with names, `place` and `point` [m].

        positions : of all vertices [m]
        """
        check_start(self.surface, self.surface.on_surface(positions))

    def coefficients(self, default: float, pairs: Mapping[tuple[str, str], float]) -> Tensor:
        """The parameter "friction" for these numbers; a pair that had none of its own when contact was made has none
        now."""
        given = {_pair_name(*names): value for names, value in pairs.items()} | {"default": default}
        for name in given:
            if name not in self.coefficient_names:
                raise ParameterError(f"friction.{name}", "this pair of bodies has no coefficient of its own.",
                                     remedy="Start anew with it.")  # fmt: skip
        return torch.tensor([given.get(name, default) for name in self.coefficient_names], dtype=torch.float64)

    def readings(self, q: Tensor) -> ContactReadings:
        """Forces and friction at unknowns that a step found, under the states it was solved with."""
        return read(self.normal, self.friction, q)


class ContactLimit:
    """Nothing passes through anything, and who was in the way."""

    def __init__(self, normal: NormalContact) -> None:
        self._normal = normal

    def largest_step(self, q: Tensor, direction: Tensor) -> float:
        return self._normal.largest_step(q, direction)

    def blocked(self, q: Tensor, step: int) -> StepError | None:
        """What to tell where nothing goes on from q: the contact that pushes hardest; None without any."""
        surface = self._normal.surface
        x = self._normal.end.surface_positions(q)
        contacts = surface.contacts(x)
        if not len(contacts):
            return None
        hardest = int(closest(contacts, x).distance.argmin())
        corners = dict.fromkeys(contacts.vertices[hardest].tolist())
        place = tuple(int(surface.vertices[vertex]) for vertex in corners)
        return BlockedError(surface.pair_bodies(int(contacts.pair[hardest])), place, step=step)

    def passed(self, before: Tensor, after: Tensor, step: int) -> StepError | None:
        surface = self._normal.surface
        start, end = surface.on_surface(before), surface.on_surface(after)
        met = surface.first_meeting(start, end)
        if met is None:
            return None
        one, other = (surface.bodies[surface.body_of[int(side[0])]].name for side in met)
        place = tuple(int(surface.vertices[vertex]) for side in met for vertex in side)
        return PassingError((one, other), place, finer=_finer(met, start, end), step=step)


def make_contact(
    unknowns: Unknowns,
    surfaces: Sequence[ContactBody],
    positions: Tensor,
    *,
    held: Tensor,
    masses: Tensor,
    gap: float,
    mode: Mode = "barrier",
    stiffness: float = 0.0,
    friction: Mapping[tuple[str, str], float] | None = None,
    default_friction: float = 0.0,
    friction_speed: float = 1e-2,
    step_size: float,
    scheme: SchemeName = "implicit-euler",
    apart: Iterable[tuple[np.ndarray, np.ndarray]] = (),
    always_friction: bool = False,
) -> Contact:
    """Contact between all `surfaces`, and of each with itself.

    positions : at rest or at the start [m], shape (vertex_count, 3)
    held : the held unknowns, as of `System`
    masses : of vertices [kg], shape (vertex_count,)
    gap : distance below which surfaces push [m]
    stiffness : of the contact [N/m]; 0 is `automatic_stiffness`
    friction : coefficients of pairs of bodies by name; of all others it is `default_friction`
    friction_speed : below which contacts stick [m/s]
    apart : pairs of sets of vertices that do not collide: what a gripper holds, and the gripper
    always_friction : have the energy "friction" even where all coefficients are 0, for they may change
    """
    for name, value in (("gap", gap), ("friction_speed", friction_speed), ("step_size", step_size)):
        if not 0.0 < value < float("inf"):
            raise ParameterError(f"contact.{name}", f"must be above 0, and is {value:g}.")
    pairs = {_pair_name(*names): value for names, value in (friction or {}).items()}
    coefficients = torch.tensor([default_friction, *pairs.values()], dtype=torch.float64)
    fixed = np.zeros(unknowns.vertex_count, bool)
    by_axis = torch.zeros(3 * unknowns.vertex_count, dtype=torch.bool)
    by_axis[held.cpu()] = True
    fixed[:] = by_axis.reshape(-1, 3).all(dim=1).numpy()
    surface = CollisionSurface(surfaces, positions, fixed, gap, apart=apart)
    reach = 2.0 if scheme == "implicit-midpoint" else 1.0
    chosen = stiffness or automatic_stiffness(masses.cpu(), surface, step_size)
    end = StepEnd(unknowns, surface, reach, keeps=False)
    normal = NormalContact(unknowns, surface, Law(mode, gap), end, chosen)
    rubbing = None
    if always_friction or bool((coefficients != 0.0).any()):
        rubbing = Friction(
            unknowns,
            normal,
            StepEnd(unknowns, surface, reach, keeps=True),
            coefficients,
            _pair_slots(surface, list(pairs)),
            speed=friction_speed,
            step_size=step_size,
        )
    return Contact(surface, normal, rubbing, ("default", *pairs))


def _finer(met: tuple[np.ndarray, np.ndarray], start: np.ndarray, end: np.ndarray) -> float:
    """The part of a step in which two features move by each other no further than the shortest of their edges is long,
    and at most half of it. A feature is not got round so soon: meshes are finer than what they show.

    met : vertices of the two features; start, end : of all [m], shape (n, 3)
    """
    one, other = (end[side].mean(axis=0) - start[side].mean(axis=0) for side in met)
    lengths = [np.linalg.norm(start[side] - start[np.roll(side, 1)], axis=1).min() for side in met if len(side) > 1]
    return min(0.5, float(min(lengths) / max(np.linalg.norm(one - other), np.finfo(float).tiny)))


def automatic_stiffness(masses: Tensor, surface: CollisionSurface, step_size: float) -> float:
    """m v / (h f) [N/m], with m the largest of the bodies' mean masses of a vertex, v = 2 m/s the speed of what fell by
    20 cm, and f the push at half of the gap for a stiffness of 1 N/m.

    So a vertex that comes at this speed is stopped within one step at half of the gap; a vertex that carries v/(g h)
    times its own weight (40 times for steps of 5 ms), as where cloth hangs over something, rests there too.
    """
    free = torch.from_numpy(surface.vertices[~surface.held])
    bodies = surface.body_of[~surface.held]
    own = masses[free].numpy()
    means = [own[bodies == body].mean() for body in np.unique(bodies)]
    largest = max(means, default=0.0)
    if not largest > 0.0:
        raise ParameterError("contact.stiffness", "nothing that can be touched has a mass.", remedy="Give a stiffness.")
    half = torch.tensor(0.5 * surface.gap, dtype=torch.float64)
    return float(largest) * STOPPED / step_size / -float(Law("barrier", surface.gap).slope(half))


def _pair_name(one: str, other: str) -> str:
    return "/".join(sorted((one, other)))


def _pair_slots(surface: CollisionSurface, pairs: Sequence[str]) -> Tensor:
    """Which coefficient each pair of bodies has."""
    count = len(surface.bodies)
    slots = torch.zeros(count * count, dtype=torch.int64)
    for one in range(count):
        for other in range(one, count):
            name = _pair_name(surface.bodies[one].name, surface.bodies[other].name)
            if name in pairs:
                slots[surface.pair_number(one, other)] = 1 + pairs.index(name)
    return slots
