"""Bodies as one system: unknowns, energies, masses, gravity, and which unknowns are held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor

from engine.core.errors import GeometryError, ParameterError
from engine.simulation.energy import Energy, PacedEnergy, StressedEnergy, Unknowns
from engine.simulation.errors import StepError
from engine.simulation.mass import Mass

States = dict[str, dict[str, Tensor]]
"""The state of every energy, by the energy's name."""

GRAVITY = "gravity"


class StepLimit(Protocol):
    """Something that no step may jump over."""

    def largest_step(self, q: Tensor, direction: Tensor) -> float:
        """The largest part of `direction`, at most 1, that may be gone from q."""

    def blocked(self, q: Tensor, step: int) -> StepError | None:
        """What to tell at a step where nothing goes on from q because of this limit; None where it is not the cause."""

    def passed(self, before: Tensor, after: Tensor, step: int) -> StepError | None:
        """What to tell of a step whose way from `before` to `after` [m], shapes (vertex_count, 3), leads through what
        it may not; None where it does not."""


class System:
    """What a step solves for.

    unknowns : layout of q
    energies : by name; parameters are called "name.parameter" from here on
    masses : by name, of which none may be an energy's; gravity pulls at them
    held : unknowns that are prescribed (see `held_vertices`), int64
    gravity : acceleration [m/s²], shape (3,); the parameter "gravity"
    limits : what limits a step of Newton's method

    Raises `GeometryError` for a vertex that is neither held nor has any mass: nothing would say where it is.
    """

    def __init__(
        self,
        unknowns: Unknowns,
        energies: Mapping[str, Energy],
        masses: Mapping[str, Mass],
        *,
        held: Tensor | None = None,
        gravity: Sequence[float] | Tensor = (0.0, 0.0, -9.81),
        limits: Sequence[StepLimit] = (),
    ) -> None:
        twice = set(energies) & set(masses) | {GRAVITY} & (set(energies) | set(masses))
        if twice:
            raise ParameterError(sorted(twice)[0], "two parts of the system have this name.")
        if not masses:
            raise ParameterError("masses", "a system needs the mass of its bodies.")
        self.unknowns = unknowns
        self.energies = dict(energies)
        # Once: to look whether an object keeps to a protocol takes as long as a kernel.
        self.stressed = {name: each for name, each in energies.items() if isinstance(each, StressedEnergy)}
        self._paced = tuple(each for each in energies.values() if isinstance(each, PacedEnergy))
        self.masses = dict(masses)
        self.limits = tuple(limits)
        device = next(iter(masses.values())).masses().device
        self.device = device
        self.gravity = torch.as_tensor(gravity, dtype=torch.float64, device=device).detach().clone()
        given = torch.zeros(0, dtype=torch.int64) if held is None else held
        self.held = torch.unique(given.to(device))
        if len(self.held) and not (int(self.held.min()) >= 0 and int(self.held.max()) < 3 * unknowns.vertex_count):
            raise ParameterError("held", "only positions of vertices that exist can be held.")
        free = torch.ones(unknowns.size, dtype=torch.bool, device=device)
        free[self.held] = False
        self.free = torch.nonzero(free)[:, 0]
        self.vertex_masses = self._total_mass()
        self._check_masses(free)

    def parameters(self) -> dict[str, Tensor]:
        """Everything that can be differentiated, by its full name."""
        parts: dict[str, Energy | Mass] = {**self.energies, **self.masses}
        named = {f"{owner}.{name}": value for owner, part in parts.items() for name, value in part.parameters.items()}
        return named | {GRAVITY: self.gravity}

    def assign(self, parameters: Mapping[str, Tensor]) -> None:
        """Replace parameters by their full names."""
        by_owner: dict[str, dict[str, Tensor]] = {}
        for full, value in parameters.items():
            if full == GRAVITY:
                self._assign_gravity(value)
                continue
            owner, _, name = full.rpartition(".")
            if owner not in self.energies and owner not in self.masses:
                known = ", ".join(sorted(self.parameters()))
                raise ParameterError(full, "there is no such parameter.", remedy=f"There are {known}.")
            by_owner.setdefault(owner, {})[name] = value
        for owner, values in by_owner.items():
            part: Energy | Mass = self.energies[owner] if owner in self.energies else self.masses[owner]
            part.assign(values)
        self.vertex_masses = self._total_mass()

    def states(self) -> States:
        """State of all energies: copies."""
        return {name: energy.state() for name, energy in self.energies.items()}

    def restore(self, states: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Go back to earlier `states()`."""
        for name, energy in self.energies.items():
            energy.restore(states[name])

    @contextmanager
    def borrowed(self) -> Iterator[None]:
        """Parameters and states may change within the block, and are as before after it."""
        parameters, states = dict(self.parameters()), self.states()
        try:
            yield
        finally:
            self.assign(parameters)
            self.restore(states)

    def begin(self, q: Tensor) -> None:
        """Let energies take over that a simulation starts at q."""
        for energy in self.energies.values():
            energy.begin(q)

    def pace(self, step_size: float) -> None:
        """Let energies know how long the step is that begins [s]."""
        for energy in self._paced:
            energy.pace(step_size)

    def blocked(self, q: Tensor, step: int) -> StepError | None:
        """What to tell at a step where limits let nothing go on from q."""
        told = (limit.blocked(q, step) for limit in self.limits)
        return next((error for error in told if error is not None), None)

    def passed(self, before: Tensor, after: Tensor, step: int) -> StepError | None:
        """What to tell of a step whose way from `before` to `after` leads through what it may not."""
        told = (limit.passed(before, after, step) for limit in self.limits)
        return next((error for error in told if error is not None), None)

    def energies_by_name(self, q: Tensor, velocities: Tensor) -> dict[str, float]:
        """Value of every energy, and "gravity" and "kinetic" [J]."""
        values = {name: float(energy.value(q)) for name, energy in self.energies.items()}
        values[GRAVITY] = -float((self.vertex_masses * (self.unknowns.positions(q) @ self.gravity)).sum())
        values["kinetic"] = 0.5 * float((self.vertex_masses[:, None] * velocities**2).sum())
        return values

    def _assign_gravity(self, value: Tensor) -> None:
        given = torch.as_tensor(value, dtype=torch.float64, device=self.device).detach().clone()
        if given.shape != (3,) or not torch.isfinite(given).all():
            raise ParameterError(GRAVITY, "must be three numbers.")
        self.gravity = given

    def _total_mass(self) -> Tensor:
        return torch.stack([part.masses() for part in self.masses.values()]).sum(dim=0)

    def _check_masses(self, free: Tensor) -> None:
        vertex_free = free[: 3 * self.unknowns.vertex_count].reshape(-1, 3).any(dim=1)
        lost = torch.nonzero(vertex_free & ~(self.vertex_masses > 0.0))[:, 0]
        if len(lost):
            raise GeometryError(
                f"Vertex {int(lost[0])} belongs to no body: it has no mass and is not held.",
                remedy="Remove vertices that no triangle uses.",
            )


def held_vertices(vertices: Tensor) -> Tensor:
    """The unknowns of all three coordinates of vertices, for `System.held`."""
    return (3 * vertices[:, None] + torch.arange(3, device=vertices.device)).reshape(-1)
