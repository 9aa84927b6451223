"""Gradients through steps: against central differences, an unrolled tape, and themselves under a budget."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.core.errors import MemoryLimitError, NotDifferentiableError, ParameterError
from engine.protocol.shell_materials import preset
from engine.simulation import storing
from engine.simulation.adjoint import simulate
from engine.simulation.energy import Unknowns
from engine.simulation.mass import ShellMass
from engine.simulation.newton import NewtonSettings
from engine.simulation.schemes import SCHEMES, SchemeName
from engine.simulation.shell.bending import Bending
from engine.simulation.shell.hinges import HingeBending
from engine.simulation.shell.membrane import Membrane
from engine.simulation.shell.topology import shell_topology
from engine.simulation.stepper import Stepper
from engine.simulation.system import System, held_vertices
from engine.simulation.verification.sheets import small_sheet

STEPS = 4
EXACT = NewtonSettings(tolerance=1e-15)
"""Steps end as near as float64 comes: differences of losses want it."""


class Case:
    """A loss of everything that a simulation hands back, and everything that it can be differentiated by."""

    def __init__(
        self, hung: Any, scheme: SchemeName, *, memory: int = 2**30, divide: int = 1, forces: float = 0.0
    ) -> None:
        self.system, self.scheme, self.memory, self.divide = hung.system, scheme, memory, divide
        self.forces = forces
        self._generator = torch.Generator().manual_seed(3)
        rest = hung.rest
        positions = rest + 3e-3 * self.noise(rest.shape)
        drift = 2e-3 * self.noise(torch.Size((STEPS, len(self.system.held)))).cumsum(dim=0)
        self.inputs = {
            "positions": positions,
            "velocities": 0.1 * self.noise(rest.shape),
            "held": positions.reshape(-1)[self.system.held] + drift,
            **{name: value.clone() for name, value in self.system.parameters().items()},
        }
        self.weights = self.noise(torch.Size((STEPS + 1, *rest.shape)))

    def noise(self, shape: torch.Size) -> Tensor:
        return torch.randn(shape, generator=self._generator, dtype=torch.float64)

    def loss(self, given: dict[str, Tensor]) -> Tensor:
        own = {name: value for name, value in given.items() if name not in ("positions", "velocities", "held")}
        motion = simulate(
            self.system,
            given["positions"],
            given["velocities"],
            steps=STEPS,
            step_size=2e-2,
            scheme=self.scheme,
            held=given["held"],
            parameters=own,
            newton=EXACT,
            divide=self.divide,
            memory=self.memory,
        )
        self.last, self.parts = motion.positions.detach(), motion.parts
        total = (self.weights * motion.positions).sum() + 0.01 * (self.weights * motion.velocities).sum()
        if self.forces:
            total = 1e-3 * total + self.forces * (self.weights[0] * motion.holding).sum()
        return total + torch.stack([total * 0.0, *(value.square().sum() for value in motion.states.values())]).sum()

    def gradients(self) -> dict[str, Tensor]:
        leaves = {name: value.clone().requires_grad_() for name, value in self.inputs.items()}
        return dict(zip(leaves, torch.autograd.grad(self.loss(leaves), list(leaves.values())), strict=True))

    def way(self, name: str) -> Tensor:
        """A direction in which to move an input."""
        value = self.inputs[name]
        way = self.noise(value.shape)
        return way * value if value.ndim == 0 else 1e-2 * way

    def difference(self, ways: dict[str, Tensor], step: float) -> float:
        """Central difference of fourth order along `ways`."""

        def at(size: float) -> float:
            moved = {name: self.inputs[name] + size * step * way for name, way in ways.items()}
            return float(self.loss({**self.inputs, **moved}))

        return (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * step)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_gradient_along_a_direction_of_everything(hang: Callable, scheme: SchemeName) -> None:
    case = Case(hang(held=(0, 1, 3), yield_angle=0.02), scheme)
    gradients = case.gradients()
    ways = {name: case.way(name) for name in case.inputs}
    found = sum(float((gradients[name] * way).sum()) for name, way in ways.items())
    expected = case.difference(ways, 3e-4)
    assert abs(found - expected) < 1e-6 * abs(expected)


@pytest.mark.slow
@pytest.mark.parametrize("yield_angle", [None, 0.02])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_gradients_by_each(hang: Callable, scheme: SchemeName, yield_angle: float | None) -> None:
    case = Case(hang(held=(0, 1, 3), yield_angle=yield_angle), scheme)
    gradients = case.gradients()
    failed = {}
    for name in case.inputs:
        way = case.way(name)
        found = float((gradients[name] * way).sum())
        expected = case.difference({name: way}, 3e-4)
        # What hardly matters drowns in the rounding of the loss, which is of order one.
        scale = max(abs(expected), 1e-2 * float((gradients[name] * way).abs().sum()), 1e-4)
        if abs(found - expected) > 1e-6 * scale:
            failed[name] = (found, expected)
    assert not failed


@pytest.mark.parametrize("scheme", ["implicit-midpoint", pytest.param("bdf2", marks=pytest.mark.slow), "quasi-static"])
def test_forces_that_hold_are_differentiated(hang: Callable, scheme: SchemeName) -> None:
    case = Case(hang(held=(0, 1, 3), yield_angle=0.02), scheme, forces=1.0)
    gradients = case.gradients()
    for names in (("positions", "velocities"), ("held", *case.system.parameters())):
        ways = {name: case.way(name) for name in names}
        found = sum(float((gradients[name] * way).sum()) for name, way in ways.items())
        expected = case.difference(ways, 3e-4)
        # Of an equilibrium forces do not hang on where it started from.
        assert abs(found - expected) < 1e-6 * max(abs(expected), 1e-4), names


class HeldLimit:
    """Nothing that is held may go further than so [m] at once."""

    def __init__(self, held: Tensor, longest: float) -> None:
        self.held, self.longest = held, longest

    def largest_step(self, q: Tensor, direction: Tensor) -> float:
        return 1.0 if float(direction[self.held].abs().max()) <= self.longest else 0.0

    def blocked(self, q: Tensor, step: int) -> None:
        return None

    def passed(self, before: Tensor, after: Tensor, step: int) -> None:
        return None


PARTS = (1, 4, 1, 2)


def divided(hang: Callable, scheme: SchemeName, memory: int = 2**30) -> Case:
    """Its second and fourth steps are too long for a limit."""
    hung = hang(held=(0, 1, 3), yield_angle=0.02)
    reach = 2.0 if scheme == "implicit-midpoint" else 1.0
    hung.system.limits = (HeldLimit(hung.system.held, 5e-3 / reach),)
    case = Case(hung, scheme, memory=memory, divide=8)
    jumps = torch.tensor([0.0, 0.014, 0.014, 0.006], dtype=torch.float64)[:, None]
    start, ways = case.inputs["held"][0], torch.tensor([1.0, -0.5, 0.3], dtype=torch.float64).repeat(3)
    case.inputs["held"] = start + 0.2 * (case.inputs["held"] - start) + jumps * ways
    return case


@pytest.mark.parametrize(
    "scheme",
    [
        pytest.param(scheme, marks=pytest.mark.slow if scheme in ("implicit-euler", "quasi-static") else ())
        for scheme in SCHEMES
    ],
)
def test_the_gradient_where_steps_are_divided(hang: Callable, scheme: SchemeName) -> None:
    case = divided(hang, scheme)
    gradients = case.gradients()
    assert case.parts == PARTS
    ways = {name: case.way(name) for name in case.inputs}
    found = sum(float((gradients[name] * way).sum()) for name, way in ways.items())
    expected = case.difference(ways, 3e-4)
    assert case.parts == PARTS
    assert abs(found - expected) < 1e-6 * abs(expected)
    # Taylor: what the gradient leaves falls with the square of the step.
    with torch.no_grad():
        start = float(case.loss(case.inputs))
        left = []
        for size in (4e-4, 2e-4):
            moved = {name: case.inputs[name] + size * way for name, way in ways.items()}
            left.append(abs(float(case.loss(moved)) - start - size * found))
    assert math.log2(left[0] / left[1]) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("scheme", ["bdf2", "implicit-midpoint"])
def test_a_budget_changes_nothing_where_steps_are_divided(
    hang: Callable, scheme: SchemeName, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = divided(hang, scheme).gradients()
    hung = hang(held=(0, 1, 3), yield_angle=0.02)
    size = Stepper(hung.system, hung.rest, step_size=0.02).snapshot().size
    taken = []
    again = storing.take_again

    def counted(take: Any, stepper: Stepper, snapshot: Any, end: int) -> Any:
        records = again(take, stepper, snapshot, end)
        taken.append([len(solved.parts) for solved in records])
        return records

    monkeypatch.setattr(storing, "take_again", counted)
    # Four undivided steps and their snapshot would fit, and so do five parts beside three snapshots.
    found = divided(hang, scheme, memory=18 * size).gradients()
    assert taken == [[1, 2], [1, 4]]
    for name, value in wanted.items():
        assert torch.equal(found[name], value), name
    with pytest.raises(MemoryLimitError, match="MiB are allowed"):
        divided(hang, scheme, memory=13 * size).gradients()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_budget_changes_nothing(hang: Callable, scheme: SchemeName, monkeypatch: pytest.MonkeyPatch) -> None:
    hung = hang(held=(0, 1, 3), yield_angle=0.02)
    wanted = Case(hung, scheme).gradients()
    size = Stepper(hung.system, hung.rest, step_size=0.02).snapshot().size
    taken, states = [], []
    again = storing.take_again

    def counted(take: Any, stepper: Stepper, snapshot: Any, end: int) -> Any:
        records = again(take, stepper, snapshot, end)
        taken.append(len(records))
        states.append(stepper.positions.clone())
        return records

    monkeypatch.setattr(storing, "take_again", counted)
    case = Case(hung, scheme, memory=8 * size)  # two snapshots and two stored steps, of three snapshots' size
    found = case.gradients()
    assert taken == [2, 2]
    assert torch.equal(states[0], case.last[-1])
    assert torch.equal(states[1], case.last[2])
    for name, value in wanted.items():
        assert torch.equal(found[name], value), name


def test_too_small_a_budget_says_what_is_needed(hang: Callable) -> None:
    with pytest.raises(MemoryLimitError, match="MiB are allowed"):
        Case(hang(), "implicit-euler", memory=1000).gradients()


def test_the_implicit_adjoint_is_that_of_an_unrolled_newton_method(hang: Callable) -> None:
    """One step of implicit Euler, with the iterations on torch's tape, by Young's modulus and the start."""
    hung = hang()
    system, free = hung.system, hung.system.free
    h, rest = 2e-2, hung.rest
    unknowns, membrane, bending = system.unknowns, system.energies["membrane"], system.energies["bending"]
    masses = system.vertex_masses[:, None]
    weights = torch.randn(rest.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    class Force(torch.autograd.Function):
        """∇E of both energies, with the first scaled: its exact derivative is the Hessian."""

        @staticmethod
        def forward(context: Any, q: Tensor, factor: Tensor) -> Tensor:
            context.save_for_backward(q, factor)
            return factor * membrane.gradient(q) + bending.gradient(q)

        @staticmethod
        def backward(context: Any, seed: Tensor) -> tuple[Tensor, Tensor]:
            q, factor = context.saved_tensors
            stiff = membrane.hessian(q, project=False).multiply(seed)
            bent = bending.hessian(q, project=False).multiply(seed)
            return factor * stiff + bent, (seed * membrane.gradient(q)).sum()

    def unrolled(start: Tensor, factor: Tensor) -> Tensor:
        q = torch.cat([start.reshape(-1), start.new_zeros(unknowns.rotation_count)])
        inertia = torch.zeros_like(q).index_add(
            0, torch.arange(start.numel()), (masses / h**2).expand_as(start).reshape(-1)
        )
        pull = torch.cat([(masses * system.gravity).reshape(-1), start.new_zeros(unknowns.rotation_count)])
        first = q
        for _ in range(12):
            # The matrix itself needs no derivative: at the solution it multiplies a force of zero.
            matrix = 1.0 * (
                factor.detach() * membrane.hessian(q.detach(), project=False).dense()
                + bending.hessian(q.detach(), project=False).dense()
                + torch.diag(inertia)
            )
            force = inertia * (q - first) - pull + Force.apply(q, factor)
            q = q.index_add(0, free, -torch.linalg.solve(matrix[free][:, free], force[free]))
        return (weights * unknowns.positions(q)).sum()

    start, young = rest.clone().requires_grad_(), torch.tensor(1e5, dtype=torch.float64, requires_grad=True)
    tape = torch.autograd.grad(unrolled(start, young / 1e5), [start, young])
    motion = simulate(system, start, steps=1, step_size=h, parameters={"membrane.young": young}, newton=EXACT)
    implicit = torch.autograd.grad((weights * motion.positions[-1]).sum(), [start, young])
    for one, other in zip(implicit, tape, strict=True):
        assert float((one - other).norm() / other.norm()) < 1e-5


def test_what_is_held_first_reaches_the_end(hang: Callable) -> None:
    """A gradient that is cut off in time would be zero here."""
    case = Case(hang(), "implicit-euler")
    leaves = {name: value.clone().requires_grad_() for name, value in case.inputs.items()}
    motion = simulate(case.system, leaves["positions"], steps=STEPS, step_size=2e-2, held=leaves["held"], newton=EXACT)
    motion.positions[-1, 5].sum().backward()
    assert leaves["held"].grad is not None
    by_step = leaves["held"].grad.norm(dim=1)
    assert bool((by_step > 1e-4 * by_step.max()).all())


def test_the_system_is_left_as_it_was(hang: Callable) -> None:
    hung = hang(yield_angle=0.02)
    parameters, states = hung.system.parameters(), hung.system.states()
    young = torch.tensor(3e5, dtype=torch.float64, requires_grad=True)
    motion = simulate(hung.system, hung.rest, steps=3, step_size=2e-2, parameters={"membrane.young": young})
    motion.positions[-1].sum().backward()
    assert young.grad is not None
    assert all(torch.equal(value, parameters[name]) for name, value in hung.system.parameters().items())
    after = hung.system.states()
    assert all(torch.equal(after[owner][name], states[owner][name]) for owner in states for name in states[owner])


def test_what_cannot_be_differentiated_raises(hang: Callable) -> None:
    hung = hang()
    start = hung.rest.clone().requires_grad_()
    motion = simulate(hung.system, start, steps=2, step_size=1e-2)
    (first,) = torch.autograd.grad((motion.positions[-1] ** 2).sum(), start, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()
    with pytest.raises(ParameterError, match=r"membrane\.colour"):
        simulate(hung.system, start, steps=2, step_size=1e-2, parameters={"membrane.colour": start})
    with pytest.raises(ParameterError, match="shape"):
        simulate(hung.system, start, steps=2, step_size=1e-2, held=torch.zeros(1, 6, dtype=torch.float64))


@pytest.mark.parametrize("gravity", [0.0, -9.81])
def test_an_equilibrium_that_can_turn_freely_has_no_gradient(gravity: float) -> None:
    """Held at one corner, a sheet turns about it (or about the vertical) without any force."""
    system, rest = small_sheet(preset("rubber").material, seed=3, gravity=(0.0, 0.0, gravity), held=1)
    young = system.parameters()["membrane.young"].clone().requires_grad_()
    motion = simulate(
        system, rest, steps=1, step_size=1e-2, scheme="quasi-static", parameters={"membrane.young": young}
    )
    with pytest.raises(NotDifferentiableError, match="singular"):
        motion.positions[-1].square().sum().backward()


@pytest.mark.parametrize("model", [Bending, HingeBending])
def test_the_gradient_through_a_flap_that_goes_round_and_round(model: Any) -> None:
    """Nothing stops a triangle that is thrown round its edge: the fold winds up by more than a turn, and bends on."""
    rest = torch.tensor([[0.0, -0.5, 0.0], [0.0, 0.5, 0.0], [-1.0, 0.1, 0.0], [0.8, -0.1, 0.0]], dtype=torch.float64)
    triangles = torch.tensor([[0, 1, 2], [1, 0, 3]])
    topology = shell_topology(triangles.numpy(), rest.numpy())
    unknowns = Unknowns(4, topology.edge_count if model is Bending else 0)
    elastic: dict[str, Any] = {"young": 1e5, "poisson": 0.3, "thickness": 1e-2}
    bending = model(unknowns, topology, rest, **elastic)
    system = System(
        unknowns,
        {"membrane": Membrane(unknowns, triangles, rest, **elastic), "bending": bending},
        {"mass": ShellMass(unknowns, triangles, rest, density=400.0, thickness=1e-2)},
        held=held_vertices(torch.tensor([0, 1, 2])),
        gravity=(0.0, 0.0, 0.0),
    )
    thrown = torch.zeros(4, 3, dtype=torch.float64)
    thrown[3, 2] = 16.0

    def end(velocities: Tensor, young: Tensor) -> Tensor:
        motion = simulate(
            system, rest, velocities, steps=28, step_size=2e-2, scheme="bdf2", parameters={"bending.young": young},
            newton=EXACT,
        )  # fmt: skip
        return (motion.positions[-1, 3] * torch.tensor([0.3, 1.0, -0.7], dtype=torch.float64)).sum()

    stepper = Stepper(system, rest, thrown, step_size=2e-2, scheme="bdf2", newton=EXACT)
    stepper.run(28)
    assert float(bending.edge_angles(stepper.moment.q).abs().max()) > 2.2 * torch.pi
    young = torch.tensor(1e5, dtype=torch.float64)
    system.energies["bending"].restore(model(unknowns, topology, rest, **elastic).state())
    leaves = thrown.clone().requires_grad_(), young.clone().requires_grad_()
    found = torch.autograd.grad(end(*leaves), leaves)
    direction = torch.zeros(4, 3, dtype=torch.float64)
    direction[3] = torch.tensor([0.2, 0.5, 1.0])
    ends = [float(end(thrown + size * direction, young + 1e4 * size)) for size in (-2e-3, -1e-3, 1e-3, 2e-3)]
    expected = (8.0 * (ends[2] - ends[1]) - (ends[3] - ends[0])) / 12e-3
    assert float((found[0] * direction).sum() + 1e4 * found[1]) == pytest.approx(expected, rel=1e-6)
