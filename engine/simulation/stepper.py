"""One step after another: each is the minimum of an energy, and the last good state is kept when one fails."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.core.errors import NonFiniteError, NotDifferentiableError, ParameterError
from engine.simulation.driving import drive
from engine.simulation.newton import Newton, NewtonReport, NewtonSettings, NotConvergedError
from engine.simulation.objective import StepObjective
from engine.simulation.quasistatic import settle
from engine.simulation.schemes import Combination, Scheme, SchemeName, scheme_table
from engine.simulation.system import States, System

SHORT_OF_MEETING = 0.9
"""Part of the way to a meeting that a step may start with: what is nearly met pushes with nearly infinite forces, and
Newton's method does not get away from there."""

SMOOTH = 0.9
"""How far what is held may be from its extrapolation, over its way, for a step to start with it in its place."""


@dataclass(frozen=True)
class Moment:
    """Where everything is between two steps.

    q : all unknowns
    velocities : [m/s], shape (vertex_count, 3)
    earlier : positions and velocities one step before; None at the start
    step : steps taken
    """

    q: Tensor
    velocities: Tensor
    earlier: tuple[Tensor, Tensor] | None
    step: int


@dataclass(frozen=True)
class Snapshot:
    """A `Moment` and the state of the energies, to go on from there to the last bit."""

    moment: Moment
    states: States

    @property
    def size(self) -> int:
        """Bytes."""
        tensors = [self.moment.q, self.moment.velocities, *(self.moment.earlier or ())]
        tensors += [value for state in self.states.values() for value in state.values()]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


@dataclass(frozen=True)
class Solved:
    """What a step found, before anything moves on: what its adjoint needs.

    q : the minimum
    target : x̂ [m], shape (vertex_count, 3)
    scheme : its numbers
    states : of the energies at the end of the step, before they moved on
    """

    q: Tensor
    target: Tensor
    scheme: Scheme
    states: States
    report: NewtonReport


class Stepper:
    """Moves a system on in time.

    system : its energies' states move on with it
    positions, velocities : at the start [m], [m/s], shape (vertex_count, 3); at rest where no velocities are given
    step_size : [s]
    scheme : see `engine.simulation.schemes`

    Raises `NotDifferentiableError` for positions or velocities that want a gradient: `simulate` has them.
    """

    def __init__(
        self,
        system: System,
        positions: Tensor,
        velocities: Tensor | None = None,
        *,
        step_size: float,
        scheme: SchemeName = "implicit-euler",
        newton: NewtonSettings | None = None,
    ) -> None:
        if not 0.0 < step_size < float("inf"):
            raise ParameterError("step_size", f"must be above 0 s, and is {step_size:g}.")
        scheme_table(scheme, step_size, first=True)
        self.system = system
        self.step_size = step_size
        self.scheme = scheme
        start = self._vertex_values("positions", positions)
        speed = torch.zeros_like(start) if velocities is None else self._vertex_values("velocities", velocities)
        q = torch.cat([start.reshape(-1), start.new_zeros(system.unknowns.rotation_count)])
        self.moment = Moment(q, speed, None, 0)
        system.begin(q)
        self._newton = Newton(system.free, system.unknowns.size, system.unknowns.vertex_count, newton)

    @property
    def positions(self) -> Tensor:
        """[m], shape (vertex_count, 3)."""
        return self.system.unknowns.positions(self.moment.q)

    @property
    def velocities(self) -> Tensor:
        """[m/s], shape (vertex_count, 3)."""
        return self.moment.velocities

    @property
    def time(self) -> float:
        """[s] since the start."""
        return self.moment.step * self.step_size

    def step(self, held: Tensor | None = None) -> Solved:
        """One step. `held` is where the held unknowns are after it [m], shape (held_count,); they stay without it.

        Raises `NotConvergedError`, `NonFiniteError`, and what a limit says where it lets nothing on, or where the step
        has got past it all the same; and then nothing has changed.
        """
        states = self.system.states()
        try:
            solved = self._solve(held)
            self._move_on(solved)
        except BaseException:
            self.system.restore(states)
            raise
        return solved

    def run(
        self, steps: int, *, held: Tensor | None = None, after: Callable[[Stepper, Solved], None] | None = None
    ) -> None:
        """`steps` steps; `held`, shape (steps, held_count), is where held unknowns are after each of them."""
        for number in range(steps):
            solved = self.step(None if held is None else held[number])
            if after is not None:
                after(self, solved)

    def forget(self) -> None:
        """Solvers start anew, so that what follows hangs on nothing but the present moment, to the last bit."""
        self._newton.forget()

    def snapshot(self) -> Snapshot:
        """To `restore` later. Solvers start anew here, so that what follows is the same to the last bit after it."""
        self.forget()
        return Snapshot(self.moment, self.system.states())

    def restore(self, snapshot: Snapshot) -> None:
        self.forget()
        self.moment = snapshot.moment
        self.system.restore(snapshot.states)

    def energies(self) -> dict[str, float]:
        """By name, with "gravity" and "kinetic" [J]."""
        return self.system.energies_by_name(self.moment.q, self.moment.velocities)

    def _solve(self, held: Tensor | None) -> Solved:
        moment, unknowns = self.moment, self.system.unknowns
        scheme = scheme_table(self.scheme, self.step_size, first=moment.earlier is None)
        positions = unknowns.positions(moment.q)
        target = self._combine(scheme.target, None)
        number = moment.step + 1
        objective = StepObjective(self.system, scheme.inertia, target, number)
        if held is None:
            start = self._guess(objective, scheme, target, moment.q[self.system.held])
        else:
            there = self._held_values(held)
            before = positions.reshape(-1)[self.system.held]
            solved_there = (there - scheme.next_position.position * before) / scheme.next_position.solved
            start = self._guess(objective, scheme, target, solved_there)
            start = drive(self.system, self._newton, objective, start, solved_there, step=number)
        try:
            if scheme.inertia > 0.0:
                q, report = self._newton.minimise(objective, start, before=moment.q)
            else:
                q, report = settle(self.system, self._newton, start, step=number)
        except NotConvergedError as error:
            raise NotConvergedError(error.residual, error.vertex, error.iterations, step=number) from None
        return Solved(q, target, scheme, self.system.states(), report)

    def _guess(self, objective: StepObjective, scheme: Scheme, target: Tensor, there: Tensor) -> Tensor:
        """Where inertia leads with the acceleration of the step before, with normals that follow; where nothing has
        moved if that cannot be reached. What is held goes along to `there` where it moves as smoothly.

        The energy is often larger there, for straight lines stretch what turns, and yet it is much nearer to the
        minimum: Newton's method needs half of the iterations for stiff sheets that fall.
        """
        still, positions, held = self.moment.q, self.system.unknowns.positions, self.system.held
        moved = still.clone()
        positions(moved).copy_(target)
        if self.moment.earlier is not None and scheme.inertia > 0.0:
            change = self.moment.velocities - self.moment.earlier[1]
            positions(moved).add_(change, alpha=1.0 / (self.step_size * scheme.inertia))
        beside, way = (there - moved[held]).norm(), (there - still[held]).norm()
        moved[held] = there if float(beside) <= SMOOTH * float(way) else still[held]
        if torch.equal(moved, still):
            return still
        part, room = 1.0, 1.0 / SHORT_OF_MEETING
        for _ in range(2):
            # The second time from as near as limits let it: normals follow that, and their way may be limited too.
            guess = still + part * (moved - still) if part < 1.0 else moved
            for energy in self.system.energies.values():
                guess = energy.follow(still, guess)
            allowed = objective.largest_step(still, room * (guess - still))
            if allowed == 1.0:
                return guess if math.isfinite(objective.value(guess).total) else still
            part, room = allowed, 1.0
        return still

    def _move_on(self, solved: Solved) -> None:
        moment, unknowns = self.moment, self.system.unknowns
        positions = self._combine(solved.scheme.next_position, solved.q)
        velocities = self._combine(solved.scheme.next_velocity, solved.q)
        # The way of the solver may lead round a border that the way of the step leads through. An equilibrium has no
        # way: it may be anywhere that the solver gets to.
        if solved.scheme.inertia > 0.0:
            passed = self.system.passed(unknowns.positions(moment.q), positions, moment.step + 1)
            if passed is not None:
                raise passed
        q = solved.q
        for energy in self.system.energies.values():
            q = energy.advance(q)
        q = q.clone()
        unknowns.positions(q).copy_(positions)
        if not bool(torch.isfinite(velocities).all()):
            raise NonFiniteError("velocity", moment.step + 1)
        earlier = (unknowns.positions(moment.q), moment.velocities)
        self.moment = Moment(q, velocities, earlier, moment.step + 1)

    def _combine(self, table: Combination, solved: Tensor | None) -> Tensor:
        moment, unknowns = self.moment, self.system.unknowns
        result = table.position * unknowns.positions(moment.q) + table.velocity * moment.velocities
        if solved is not None:
            result = result + table.solved * unknowns.positions(solved)
        if moment.earlier is not None:
            result = result + table.earlier_position * moment.earlier[0] + table.earlier_velocity * moment.earlier[1]
        return result

    def _vertex_values(self, name: str, values: Tensor) -> Tensor:
        if values.requires_grad:
            raise NotDifferentiableError(
                f"Stepper does not differentiate: {name} want a gradient.", remedy="Use engine.simulation.adjoint."
            )
        given = values.to(self.system.device, torch.float64).clone()
        if given.shape != (self.system.unknowns.vertex_count, 3):
            raise ParameterError(
                name, f"must be three numbers for each of {self.system.unknowns.vertex_count} vertices."
            )
        broken = torch.nonzero(~torch.isfinite(given).all(dim=1))
        if len(broken):
            raise ParameterError(name, f"vertex {int(broken[0, 0])} has one that is not a number.")
        return given

    def _held_values(self, held: Tensor) -> Tensor:
        if held.requires_grad:
            raise NotDifferentiableError(
                "Stepper does not differentiate: what is held wants a gradient.",
                remedy="Use engine.simulation.adjoint.",
            )
        given = held.to(self.system.device, torch.float64)
        if given.shape != self.system.held.shape or not bool(torch.isfinite(given).all()):
            raise ParameterError("held", f"must be {len(self.system.held)} finite numbers.")
        return given
