"""One step after another: each is the minimum of an energy, and the last good state is kept when one fails.

A step that cannot be taken whole, for it would lead through something or finds no minimum, is taken in 2, 4, 8 … equal
parts. Each of them is a step of its own; the moments between two parts are seen by nobody but the adjoint. So all other
steps stay as long as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.core.errors import NonFiniteError, NotDifferentiableError, ParameterError
from engine.simulation.driving import drive
from engine.simulation.errors import StepError
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

Way = Callable[[float], Tensor]
"""Where the held unknowns are [m], shape (held_count,), when a part of a step, above 0 and at most 1, has gone by."""


@dataclass(frozen=True)
class Moment:
    """Where everything is between two steps.

    q : all unknowns
    velocities : [m/s], shape (vertex_count, 3)
    earlier : positions and velocities one step before, however that was taken; None at the start. Within a step that
        is divided they are those one part before, and one step before at the first part
    step : whole steps taken
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
    """What a step found, before anything moves on: what its adjoint needs. Of a step that was divided, its last part.

    before : where everything was
    q : the minimum
    target : x̂ [m], shape (vertex_count, 3)
    scheme : its numbers
    states : of the energies at the end of the step, before they moved on
    earlier_parts : of the same step; none where it was taken whole
    """

    before: Moment
    q: Tensor
    target: Tensor
    scheme: Scheme
    states: States
    report: NewtonReport
    earlier_parts: tuple[Solved, ...] = ()

    @property
    def parts(self) -> tuple[Solved, ...]:
        """All that the step was taken in, each a step of its own."""
        return (*self.earlier_parts, self)

    @property
    def iterations(self) -> int:
        """Of Newton's method in all parts."""
        return sum(part.report.iterations for part in self.parts)

    @property
    def residual(self) -> float:
        """The largest that a part left, over the size of its forces."""
        return max(part.report.residuals[-1] for part in self.parts)


class Stepper:
    """Moves a system on in time.

    system : its energies' states move on with it
    positions, velocities : at the start [m], [m/s], shape (vertex_count, 3); at rest where no velocities are given
    step_size : [s]
    scheme : see `engine.simulation.schemes`
    divide : the most parts in which a step is taken that cannot be taken whole; 1 refuses it

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
        divide: int = 1,
    ) -> None:
        if not 0.0 < step_size < float("inf"):
            raise ParameterError("step_size", f"must be above 0 s, and is {step_size:g}.")
        if divide < 1:
            raise ParameterError("divide", f"must be at least 1, and is {divide}.")
        scheme_table(scheme, step_size, first=True)
        self.system = system
        self.step_size = step_size
        self.scheme = scheme
        self.divide = divide
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

    def step(self, held: Tensor | Way | None = None, *, parts: int | None = None) -> Solved:
        """One step. `held` is where the held unknowns are after it [m], shape (held_count,), to which they go straight
        if it is divided, or their `Way`; they stay without it.

        parts : equal ones that the step is taken in; without it, as few as will do, of 1, 2, 4, 8 … up to `divide`

        Raises `NotConvergedError`, `NonFiniteError`, and what a limit says where it lets nothing on, or where the step
        has got past it all the same; and then nothing has changed.
        """
        before, states = self.moment, self.system.states()
        way = self._way(held)
        count = parts or 1
        while True:
            try:
                return self._take(way, count)
            except BaseException as error:
                self.moment = before
                self.system.restore(states)
                if not isinstance(error, StepError) or error.finer is None:
                    raise
                if parts is not None or 2 * count > self.divide or self._is_still(way):
                    error.tried_in(count)
                    raise
            # What failed leaves no trace: the parts are the same to the last bit where their number is given.
            self.forget()
            count *= 2

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

    def _take(self, way: Way | None, count: int) -> Solved:
        """A step in `count` equal parts."""
        before, size, gap = self.moment, self.step_size / count, self.step_size
        done: list[Solved] = []
        for number in range(count):
            solved = self._solve(None if way is None else way((number + 1) / count), size, gap)
            self._move_on(solved)
            done.append(solved)
            gap = size
        earlier = (self.system.unknowns.positions(before.q), before.velocities)
        self.moment = replace(self.moment, earlier=earlier, step=before.step + 1)
        return replace(done[-1], earlier_parts=tuple(done[:-1])) if count > 1 else done[0]

    def _solve(self, there: Tensor | None, size: float, gap: float) -> Solved:
        """A part that takes `size` [s], with the held unknowns `there` after it.

        gap : from the moment before this one until now [s]
        """
        moment, unknowns = self.moment, self.system.unknowns
        scheme = scheme_table(self.scheme, size, first=moment.earlier is None, ratio=size / gap)
        self.system.pace(size)
        positions = unknowns.positions(moment.q)
        target = self._combine(scheme.target, None)
        number = moment.step + 1
        objective = StepObjective(self.system, scheme.inertia, target, number)
        if there is None:
            start = self._guess(objective, scheme, target, moment.q[self.system.held], gap)
        else:
            before = positions.reshape(-1)[self.system.held]
            solved_there = (there - scheme.next_position.position * before) / scheme.next_position.solved
            start = self._guess(objective, scheme, target, solved_there, gap)
            start = drive(self.system, self._newton, objective, start, solved_there, step=number)
        try:
            if scheme.inertia > 0.0:
                q, report = self._newton.minimise(objective, start, before=moment.q)
            else:
                q, report = settle(self.system, self._newton, start, step=number)
        except NotConvergedError as error:
            raise NotConvergedError(error.residual, error.vertex, error.iterations, step=number) from None
        return Solved(moment, q, target, scheme, self.system.states(), report)

    def _guess(self, objective: StepObjective, scheme: Scheme, target: Tensor, there: Tensor, gap: float) -> Tensor:
        """Where inertia leads with the acceleration of the step before, with normals that follow; where nothing has
        moved if that cannot be reached. What is held goes along to `there` where it moves as smoothly.

        The energy is often larger there, for straight lines stretch what turns, and yet it is much nearer to the
        minimum: Newton's method needs half of the iterations for stiff sheets that fall.

        gap : as of `_solve`
        """
        still, positions, held = self.moment.q, self.system.unknowns.positions, self.system.held
        moved = still.clone()
        positions(moved).copy_(target)
        if self.moment.earlier is not None and scheme.inertia > 0.0:
            change = self.moment.velocities - self.moment.earlier[1]
            positions(moved).add_(change, alpha=1.0 / (gap * scheme.inertia))
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
        self.moment = Moment(q, velocities, earlier, moment.step)

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

    def _way(self, held: Tensor | Way | None) -> Way | None:
        """That of the held unknowns in the step that begins."""
        if held is None:
            return None
        if not isinstance(held, Tensor):
            given = held
            return lambda part: self._held_values(given(part))
        start, end = self.moment.q[self.system.held], self._held_values(held)
        return lambda part: end if part == 1.0 else start + part * (end - start)

    def _is_still(self, way: Way | None) -> bool:
        """Whether shorter steps would be the same one: an equilibrium knows no time, only where things are held."""
        if self.scheme != "quasi-static":
            return False
        return way is None or torch.equal(way(1.0), self.moment.q[self.system.held])

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
