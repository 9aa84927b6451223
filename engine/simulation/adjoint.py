"""Gradients through a simulation, by the implicit function theorem at each converged step.

Where ∇E(x, p) = 0, dx/dp follows from one linear system with the exact Hessian (never the projected one): the adjoint
solves it backwards, step by step, through the inertia of the scheme, what is held, and creases that yield. It knows
nothing of Newton's iterations. A step that was divided is as many of them as it has parts. Solved steps are stored
within a memory budget; where that is too small, snapshots are, and stretches of steps are taken again on the way back,
to the same last bit (A. Griewank, A. Walther: Evaluating derivatives, chapter 12).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from engine.core.errors import NonFiniteError, NotDifferentiableError, ParameterError
from engine.simulation.held_path import HeldPath, straight_path
from engine.simulation.linear import Assembler, ExactSolver, SingularMatrixError
from engine.simulation.multigrid import rigid_modes
from engine.simulation.newton import NewtonSettings
from engine.simulation.objective import StepObjective
from engine.simulation.schemes import Combination, SchemeName
from engine.simulation.stepper import Snapshot, Solved, Stepper
from engine.simulation.storing import Budget, backwards
from engine.simulation.system import GRAVITY, System

MEMORY_BUDGET = 2**30
"""Bytes that stored steps may take where nothing else is said."""


@dataclass(frozen=True)
class Motion:
    """What a simulation did, in torch's graph.

    positions, velocities : at the start and after each step [m], [m/s], shape (steps + 1, vertex_count, 3)
    holding : what holds the held unknowns at the end of the last step [N], shape (vertex_count, 3), 0 elsewhere
    states : differentiable states of energies at the end, by their full names ("bending.plastic_angles")
    parts : in which each step was taken; they change where the motion changes much, and count as given for gradients
    """

    positions: Tensor
    velocities: Tensor
    holding: Tensor
    states: Mapping[str, Tensor]
    parts: tuple[int, ...]


def simulate(
    system: System,
    positions: Tensor,
    velocities: Tensor | None = None,
    *,
    steps: int,
    step_size: float,
    scheme: SchemeName = "implicit-euler",
    held: Tensor | HeldPath | None = None,
    parameters: Mapping[str, Tensor] | None = None,
    newton: NewtonSettings | None = None,
    divide: int = 1,
    memory: int = MEMORY_BUDGET,
    between: Callable[[], None] = lambda: None,
) -> Motion:
    """Take steps from `positions` and `velocities`, differentiable in all tensors that are given.

    held : where the held unknowns are after each step [m], shape (steps, held_count), on straight lines within a step
        that is divided; or at any time; where they are at the start without it
    parameters : by full name ("membrane.young", "gravity"); others are as they are in `system`
    divide : the most parts in which a step is taken that cannot be taken whole
    memory : bytes that stored steps may take
    between : called before every step, forward and back; what it raises ends the work

    `system` is left as it was. Raises what `Stepper.step` does, and `MemoryLimitError` where `memory` is too small for
    the shortest stretches.
    """
    given = dict(parameters or {})
    if velocities is None:
        velocities = torch.zeros_like(positions)
    if steps < 1:
        raise ParameterError("steps", f"must be at least 1, and is {steps}.")
    path = held if isinstance(held, HeldPath) else _straight(system, positions, held, steps)
    problem = _Problem(system, tuple(given), path, steps, step_size, scheme, newton, divide, memory, between)
    outputs = _Simulation.apply(problem, positions, velocities, *path.leaves, *given.values())
    states = dict(zip(problem.state_names(), outputs[3:], strict=True))
    return Motion(outputs[0], outputs[1], outputs[2], states, tuple(problem.parts))


def _straight(system: System, positions: Tensor, held: Tensor | None, steps: int) -> HeldPath:
    start = positions.reshape(-1)[system.held]
    if held is None:
        return straight_path(start.expand(steps + 1, -1))
    if held.shape != (steps, len(system.held)):
        raise ParameterError("held", f"must have the shape ({steps}, {len(system.held)}).")
    return straight_path(torch.cat([start[None].to(held.device), held]))


@dataclass
class _Problem:
    """What does not change between going forward and back.

    parts : in which each step was taken, as far as the way forward has got
    """

    system: System
    names: tuple[str, ...]
    path: HeldPath
    steps: int
    step_size: float
    scheme: SchemeName
    newton: NewtonSettings | None
    divide: int
    memory: int
    between: Callable[[], None]
    parts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.states = self.system.states()
        known = self.system.parameters()
        for name in self.names:
            if name not in known:
                raise ParameterError(
                    name, "there is no such parameter.", remedy=f"There are {', '.join(sorted(known))}."
                )
        self.base = known

    def state_names(self) -> list[str]:
        """Differentiable states, by their full names."""
        names = []
        q = torch.zeros(self.system.unknowns.size, dtype=torch.float64, device=self.system.device)
        for owner, energy in self.system.energies.items():
            answered = energy.advance_adjoint(q, {})[1] if energy.state() else {}
            names += [f"{owner}.{name}" for name in energy.state() if name in answered]
        return names

    def stepper(self, positions: Tensor, velocities: Tensor, given: Sequence[Tensor]) -> Stepper:
        """At the start, with the parameters of this simulation in the system."""
        self.system.assign(self.base | dict(zip(self.names, (value.detach() for value in given), strict=True)))
        self.system.restore(self.states)
        return Stepper(
            self.system,
            positions.detach(),
            velocities.detach(),
            step_size=self.step_size,
            scheme=self.scheme,
            newton=self.newton,
            divide=self.divide,
        )

    def take(self, stepper: Stepper, leaves: Sequence[Tensor]) -> Solved:
        """The step that is next, with the path's `leaves`; in as many parts as it was taken before, if it was.

        Every one begins with solvers that know nothing of the ones before: so it does not matter to the last bit where
        snapshots are, nor how much memory there is.
        """
        self.between()
        stepper.forget()
        step = stepper.moment.step

        def way(part: float) -> Tensor:
            return self.path.places(torch.tensor([step + part], dtype=torch.float64), leaves)[0]

        solved = stepper.step(way, parts=self.parts[step] if step < len(self.parts) else None)
        if step == len(self.parts):
            self.parts.append(len(solved.parts))
        return solved


class _Simulation(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any, problem: _Problem, positions: Tensor, velocities: Tensor, *rest: Tensor
    ) -> tuple[Tensor, ...]:
        leaves, given = rest[: len(problem.path.leaves)], rest[len(problem.path.leaves) :]
        system = problem.system
        with system.borrowed():
            stepper = problem.stepper(positions, velocities, given)
            budget = Budget(problem.steps, problem.memory, stepper.snapshot().size)
            stretch = budget.stretch
            frames, speeds = [stepper.positions.clone()], [stepper.velocities.clone()]
            snapshots: list[Snapshot] = []
            records: list[Solved] = []
            wanted = any(context.needs_input_grad)
            stored = wanted and stretch == problem.steps
            for number in range(problem.steps):
                if number % stretch == 0:
                    snapshots.append(stepper.snapshot())
                solved = problem.take(stepper, leaves)
                frames.append(stepper.positions.clone())
                speeds.append(stepper.velocities.clone())
                if wanted and len(solved.parts) > 1:
                    stored = stored and sum(problem.parts) <= budget.room(len(solved.parts), stretch)
                if stored:
                    records.append(solved)
                else:
                    records.clear()
            states = system.states()
            ends = [
                states[owner][name].clone()
                for owner, _, name in (full.rpartition(".") for full in problem.state_names())
            ]
            system.restore(solved.states)
            holding = StepObjective(system, solved.scheme.inertia, solved.target, problem.steps).holding(solved.q)
        context.problem, context.stretch, context.room = problem, stretch, budget.room(1, stretch)
        context.snapshots, context.records = snapshots, records
        context.save_for_backward(positions, velocities, *rest)
        return torch.stack(frames), torch.stack(speeds), holding, *ends

    @staticmethod
    @once_differentiable
    def backward(context: Any, *seeds: Tensor) -> tuple[Tensor | None, ...]:
        problem: _Problem = context.problem
        positions, velocities, *rest = context.saved_tensors
        leaves, given = rest[: len(problem.path.leaves)], rest[len(problem.path.leaves) :]
        with torch.no_grad(), problem.system.borrowed():
            stepper = problem.stepper(positions, velocities, given)
            back = _Backward(problem, seeds)

            def take(stepper: Stepper) -> Solved:
                return problem.take(stepper, leaves)

            for start in reversed(range(0, problem.steps, context.stretch)):
                end = min(start + context.stretch, problem.steps)
                again = backwards(
                    take, stepper, context.snapshots[start // context.stretch], end, problem.parts, context.room
                )
                for solved in reversed(context.records) if context.records else again:
                    problem.between()
                    back.step(solved)
            back.finish()
        parameters = [back.parameters.get(name) for name in problem.names]
        shaped = [
            None if found is None else found.reshape(value.shape)
            for found, value in zip(parameters, given, strict=True)
        ]
        return (None, back.position, back.velocity, *back.pulled(leaves), *shaped)


class _Backward:
    """Adjoints on their way from the last step to the first.

    position, velocity : of the state after the part of a step that is next
    parameters : by full name
    """

    def __init__(self, problem: _Problem, seeds: Sequence[Tensor]) -> None:
        self._system = problem.system
        self._path = problem.path
        self._seeds = seeds
        unknowns = self._system.unknowns
        self._assembler = Assembler(self._system.free, unknowns.size)
        self._solver = ExactSolver()
        self.position = seeds[0][-1].clone()
        self.velocity = seeds[1][-1].clone()
        self._earlier_position = torch.zeros_like(self.position)
        self._earlier_velocity = torch.zeros_like(self.position)
        self._states: dict[str, Tensor] = {
            name: seed.clone() for name, seed in zip(problem.state_names(), seeds[3:], strict=True)
        }
        # Of the forces that hold, which are those of the last part of all: it is the first on the way back.
        self._holding: Tensor | None = seeds[2] if bool(seeds[2].any()) else None
        self._held: list[tuple[float, Tensor]] = []
        self.parameters: dict[str, Tensor] = defaultdict(lambda: torch.zeros((), dtype=torch.float64))

    def step(self, solved: Solved) -> None:
        """Through one step."""
        parts, number = solved.parts, solved.before.step
        none = torch.zeros_like(self.position)
        # Of the moment before the one before a part: that is where the part before it began, or the step before.
        earlier_position, earlier_velocity = none, none
        for done in range(len(parts), 0, -1):
            before = self._part(parts[done - 1], number + done / len(parts))
            self.position = before.position + earlier_position
            self.velocity = before.velocity + earlier_velocity
            earlier_position, earlier_velocity = before.earlier_position, before.earlier_velocity
        self.position = self.position + self._earlier_position + self._seeds[0][number]
        self.velocity = self.velocity + self._earlier_velocity + self._seeds[1][number]
        self._earlier_position, self._earlier_velocity = earlier_position, earlier_velocity

    def _part(self, solved: Solved, time: float) -> _Adjoints:
        """Through one part of a step, of which `time` steps have gone by at its end."""
        system, unknowns, scheme = self._system, self._system.unknowns, solved.scheme
        system.restore(solved.states)
        after_position, after_velocity = scheme.next_position, scheme.next_velocity
        before = _Adjoints.none_like(self.position)
        before.take(after_position, self.position)
        before.take(after_velocity, self.velocity)
        adjoint = solved.q.new_zeros(unknowns.size)
        unknowns.positions(adjoint).copy_(after_position.solved * self.position + after_velocity.solved * self.velocity)
        states = self._through_states(solved.q, adjoint)
        z = self._solve(solved, adjoint, self._asked_of_forces(adjoint), solved.before.step + 1)
        motion = unknowns.positions(z)
        for owner, energy in system.energies.items():
            for name, value in energy.mixed(solved.q, z).items():
                full = f"{owner}.{name}"
                if full in states:
                    states[full] = states[full] - value
                else:
                    self._add(full, -value)
        inertia = scheme.inertia * system.vertex_masses[:, None]
        before.take(scheme.target, inertia * motion)
        lag = scheme.inertia * (unknowns.positions(solved.q) - solved.target) - system.gravity
        self._weigh(-(motion * lag).sum(dim=1))
        self._add(GRAVITY, (system.vertex_masses[:, None] * motion).sum(dim=0))
        # Held unknowns were put where they are after the step, whatever the scheme makes of the minimum.
        there = adjoint[system.held] / after_position.solved
        self._held.append((time, there))
        before.position.reshape(-1)[system.held] -= after_position.position * there
        self._states = states
        return before

    def pulled(self, leaves: Sequence[Tensor]) -> list[Tensor | None]:
        """Of the leaves of the path of what is held."""
        times = torch.tensor([time for time, _ in self._held], dtype=torch.float64)
        with torch.enable_grad():
            own = [leaf.detach().requires_grad_() for leaf in leaves]
            places = self._path.places(times, own)
        wanted = torch.stack([there for _, there in self._held]).to(places.device)
        if not places.requires_grad:
            return [None for _ in leaves]
        return list(torch.autograd.grad(places, own, wanted, allow_unused=True))

    def finish(self) -> None:
        """Through the states at the start; refuse gradients that are no numbers."""
        for owner, energy in self._system.energies.items():
            pulled = energy.begin_adjoint(self._of(owner))
            if pulled is not None:
                self.position = self.position + pulled
        found = {"positions": self.position, "velocities": self.velocity, **self.parameters}
        for name, value in found.items():
            if not bool(torch.isfinite(value).all()):
                raise NonFiniteError(name, 0, f"The gradient in {name} became non-finite.")

    def _through_states(self, q: Tensor, adjoint: Tensor) -> dict[str, Tensor]:
        """Adjoints of the states before the step; what they ask of q is added to its `adjoint`."""
        states: dict[str, Tensor] = {}
        for owner, energy in self._system.energies.items():
            own = self._of(owner)
            if not own:
                continue
            pulled, others = energy.advance_adjoint(q, own)
            adjoint += pulled
            for name, value in others.items():
                if name in own:
                    states[f"{owner}.{name}"] = value
                else:
                    self._add(f"{owner}.{name}", value)
        return states

    def _of(self, owner: str) -> dict[str, Tensor]:
        """Adjoints of the states of one energy."""
        return {
            name.rpartition(".")[2]: value for name, value in self._states.items() if name.rpartition(".")[0] == owner
        }

    def _asked_of_forces(self, adjoint: Tensor) -> Tensor | None:
        """r where r · ∂E/∂q is asked for, over all unknowns; None where it is not."""
        asked, self._holding = self._holding, None
        if asked is None:
            return None
        forces = torch.zeros_like(adjoint)
        held = self._system.held
        forces[held] = asked.reshape(-1)[held]
        return forces

    def _solve(self, solved: Solved, adjoint: Tensor, forces: Tensor | None, step: int) -> Tensor:
        """z with H z = adjoint + H r over the free unknowns, and −r on the held ones, with r of `_asked_of_forces`. On
        the held ones `adjoint` becomes what holding them takes.

        r · ∂E/∂q changes by r · H dq, and by how ∂E/∂q hangs on everything else: that is what z is asked for as well,
        the other way round.
        """
        system, unknowns = self._system, self._system.unknowns
        parts = [energy.hessian(solved.q, project=False) for energy in system.energies.values()]
        diagonal = torch.zeros_like(adjoint)
        masses = system.vertex_masses[:, None].expand(-1, 3)
        unknowns.positions(diagonal).copy_(solved.scheme.inertia * masses)
        if forces is not None:
            adjoint += torch.stack([diagonal * forces, *(part.multiply(forces) for part in parts)]).sum(dim=0)
        right = adjoint[system.free].cpu().numpy()
        matrix = self._assembler.matrix(parts, diagonal)
        try:
            solution = self._solver.solve(
                matrix, right, modes=lambda: rigid_modes(unknowns.positions(solved.q), system.free)
            )
        except SingularMatrixError:
            raise NotDifferentiableError(
                f"Step {step} has no gradient: something can move there without any force (its Hessian is singular).",
                remedy="Hold what is free, keep away from the load at which it buckles, or step with inertia.",
            ) from None
        found = torch.as_tensor(solution, device=adjoint.device)
        if not bool(torch.isfinite(found).all()):
            raise NonFiniteError("adjoint", step, f"The gradient became non-finite at step {step}.")
        z = torch.zeros_like(adjoint)
        z[system.free] = found
        for part in parts:
            adjoint -= part.multiply(z)
        return z if forces is None else z - forces

    def _weigh(self, weights: Tensor) -> None:
        for owner, mass in self._system.masses.items():
            for name, value in mass.pull(weights).items():
                self._add(f"{owner}.{name}", value)

    def _add(self, name: str, value: Tensor) -> None:
        self.parameters[name] = self.parameters[name].to(value.device) + value


@dataclass
class _Adjoints:
    """Of the positions and velocities before a step, and before those."""

    position: Tensor
    velocity: Tensor
    earlier_position: Tensor
    earlier_velocity: Tensor

    @staticmethod
    def none_like(values: Tensor) -> _Adjoints:
        return _Adjoints(*(torch.zeros_like(values) for _ in range(4)))

    def take(self, table: Combination, adjoint: Tensor) -> None:
        """Through a combination of them."""
        self.position += table.position * adjoint
        self.velocity += table.velocity * adjoint
        self.earlier_position += table.earlier_position * adjoint
        self.earlier_velocity += table.earlier_velocity * adjoint
