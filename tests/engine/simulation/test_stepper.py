"""Steps: convergence, what is held, failures."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from engine.core.errors import GeometryError, NonFiniteError, NotDifferentiableError, ParameterError
from engine.simulation.energy import Stateless, Unknowns
from engine.simulation.newton import NewtonSettings, NotConvergedError
from engine.simulation.schemes import SCHEMES, SchemeName
from engine.simulation.stepper import Stepper
from engine.simulation.system import System
from engine.simulation.triplets import Triplets


def test_newton_is_monotone_reaches_its_residual_and_ends_quadratically(hang: Callable) -> None:
    hung = hang()
    stepper = Stepper(hung.system, hung.rest, step_size=2e-2, newton=NewtonSettings(tolerance=1e-10))
    orders = []
    for _ in range(6):
        report = stepper.step().report
        assert not report.rounding
        assert report.residuals[-1] <= 1e-10
        noise = 1e-12 * max(abs(energy) for energy in report.energies)
        assert all(b <= a + noise for a, b in zip(report.energies, report.energies[1:], strict=False))
        a, b, c = report.residuals[-3:]
        if 1e-8 < b < 1e-3:
            orders.append(math.log(c / b) / math.log(b / a))
    assert orders
    assert max(orders) > 1.5


@pytest.mark.parametrize("scheme", SCHEMES)
def test_held_vertices_are_where_they_are_put(hang: Callable, scheme: SchemeName) -> None:
    hung = hang(held=(0, 1, 3))
    stepper = Stepper(hung.system, hung.rest, step_size=1e-2, scheme=scheme)
    start = hung.rest.reshape(-1)[hung.system.held]
    path = start + 1e-3 * torch.arange(1.0, 5.0, dtype=torch.float64)[:, None]
    stepper.run(4, held=path)
    assert torch.allclose(stepper.positions.reshape(-1)[hung.system.held], path[-1], atol=1e-15)


@pytest.mark.slow
@pytest.mark.parametrize("parts", [(1,), (1, 1, 2, 1, 1, 4)])
@pytest.mark.parametrize(("scheme", "order"), [("implicit-euler", 1), ("bdf2", 2), ("implicit-midpoint", 2)])
def test_order_of_the_schemes(hang: Callable, scheme: SchemeName, order: int, parts: tuple[int, ...]) -> None:
    """Also where steps are divided: BDF2 starts nowhere anew."""
    hung = hang()
    ends = []
    states = hung.system.states()
    for steps in (16, 32, 64, 256):
        hung.system.restore(states)
        stepper = Stepper(
            hung.system, hung.rest, step_size=0.016 / steps, scheme=scheme, newton=NewtonSettings(tolerance=1e-11)
        )
        for number in range(steps):
            solved = stepper.step(parts=parts[number % len(parts)])
            assert len(solved.parts) == parts[number % len(parts)]
        assert stepper.time == pytest.approx(0.016)
        ends.append(stepper.positions.clone())
    errors = [float((end - ends[-1]).norm()) for end in ends[:-1]]
    assert math.log2(errors[1] / errors[2]) > order - 0.25


@pytest.mark.parametrize("scheme", ["implicit-euler", "implicit-midpoint"])
def test_parts_of_a_step_are_steps(hang: Callable, scheme: SchemeName) -> None:
    """A step in two parts is two steps of half its size; what is held goes its own way in between."""
    hung = hang(held=(0, 1, 3), yield_angle=0.02)
    start, states = hung.rest.reshape(-1)[hung.system.held], hung.system.states()

    def there(time: float) -> Tensor:
        return start + 4e-3 * math.sin(3.0 * time / 0.04)

    exact = NewtonSettings(tolerance=1e-12)
    whole = Stepper(hung.system, hung.rest, step_size=2e-2, scheme=scheme, newton=exact)
    whole.step(lambda part: there(0.02 * part), parts=2)
    solved = whole.step(lambda part: there(0.02 + 0.02 * part), parts=2)
    ended = hung.system.states()
    hung.system.restore(states)
    halves = Stepper(hung.system, hung.rest, step_size=1e-2, scheme=scheme, newton=exact)
    for number in range(1, 5):
        halves.step(there(0.01 * number))
    assert whole.moment.step == 2
    assert whole.time == halves.time
    assert solved.iterations == sum(part.report.iterations for part in solved.parts)
    assert torch.allclose(whole.positions, halves.positions, rtol=0.0, atol=1e-10)
    assert torch.allclose(whole.velocities, halves.velocities, rtol=0.0, atol=1e-7)
    assert torch.allclose(ended["bending"]["plastic_angles"], hung.system.states()["bending"]["plastic_angles"])
    assert float(ended["bending"]["plastic_angles"].abs().max()) > 1e-3


@pytest.mark.parametrize("scheme", ["implicit-euler", "bdf2", "implicit-midpoint"])
def test_dividing_keeps_momentum(hang: Callable, scheme: SchemeName) -> None:
    """Of a free sheet that turns and rings; the midpoint rule keeps its angular momentum and energy too."""
    hung = hang(held=(), gravity=(0.0, 0.0, 0.0))
    generator = torch.Generator().manual_seed(4)
    spin = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64).expand_as(hung.rest)
    noise = 0.02 * torch.randn(hung.rest.shape, generator=generator, dtype=torch.float64)
    velocities = torch.linalg.cross(spin, hung.rest - hung.rest.mean(dim=0)) + noise + 0.3
    stepper = Stepper(
        hung.system, hung.rest, velocities, step_size=4e-3, scheme=scheme, newton=NewtonSettings(tolerance=1e-12)
    )
    masses = hung.system.vertex_masses[:, None]

    def kept() -> tuple[Tensor, Tensor, float]:
        momentum = masses * stepper.velocities
        turning = torch.linalg.cross(stepper.positions, momentum).sum(dim=0)
        return momentum.sum(dim=0), turning, sum(stepper.energies().values())

    first = kept()
    for parts in (1, 4, 1, 2, 2, 1, 8, 1):
        stepper.step(parts=parts)
    linear, angular, energy = kept()
    assert torch.allclose(linear, first[0], rtol=1e-9)
    if scheme == "implicit-midpoint":
        assert torch.allclose(angular, first[1], rtol=1e-7)
        assert energy == pytest.approx(first[2], rel=1e-3)
    else:
        assert energy < first[2]


def test_a_step_that_does_not_converge_is_divided_as_far_as_allowed(hang: Callable) -> None:
    hung = hang()
    states = hung.system.states()
    settings = NewtonSettings(max_iterations=4)
    with pytest.raises(NotConvergedError) as caught:
        Stepper(hung.system, hung.rest, step_size=0.1, newton=settings).step()
    assert caught.value.finer == 0.5
    with pytest.raises(NotConvergedError) as caught:
        Stepper(hung.system, hung.rest, step_size=0.1, newton=settings, divide=3).step()
    assert caught.value.finer == 0.25, "of the whole step: two parts would not do"
    assert ", even in 2 parts, largest at vertex" in str(caught.value)
    stepper = Stepper(hung.system, hung.rest, step_size=0.1, newton=settings, divide=64)
    solved = stepper.step()
    assert len(solved.parts) > 2
    assert stepper.moment.step == 1
    assert all(part.report.iterations <= 4 for part in solved.parts)
    hung.system.restore(states)
    given = Stepper(hung.system, hung.rest, step_size=0.1, newton=settings)
    given.step(parts=len(solved.parts))
    assert torch.equal(given.positions, stepper.positions), "what failed before leaves no trace"
    with pytest.raises(ParameterError, match="divide"):
        Stepper(hung.system, hung.rest, step_size=0.1, divide=0)


def test_an_equilibrium_that_is_not_found_is_not_looked_for_again(
    hang: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without anything that moves, parts of the step would be the same problem."""
    hung = hang()
    tried = []

    def fail(*given: object, **more: object) -> None:
        tried.append(given)
        raise NotConvergedError(1.0, None, 1)

    monkeypatch.setattr("engine.simulation.stepper.settle", fail)
    stepper = Stepper(hung.system, hung.rest, step_size=0.1, scheme="quasi-static", divide=8)
    there = hung.rest.reshape(-1)[hung.system.held]
    for held in (None, there):
        with pytest.raises(NotConvergedError):
            stepper.step(held)
    assert len(tried) == 2
    with pytest.raises(NotConvergedError):
        stepper.step(there + 1e-3)
    assert len(tried) == 6, "whole, and the first of 2, 4 and 8 parts"


def test_a_free_body_falls_as_its_scheme_says(hang: Callable) -> None:
    hung = hang(held=())
    stepper = Stepper(hung.system, hung.rest, step_size=5e-3)
    stepper.run(10)
    fallen = float((stepper.positions - hung.rest)[:, 2].mean())
    assert fallen == pytest.approx(-9.81 * 5e-3**2 * 10 * 11 / 2, rel=1e-12)


def test_a_snapshot_is_gone_on_from_to_the_last_bit(hang: Callable) -> None:
    hung = hang(yield_angle=0.02)
    stepper = Stepper(hung.system, hung.rest, step_size=2e-2)
    stepper.run(3)
    snapshot = stepper.snapshot()
    stepper.run(4)
    end = stepper.positions.clone()
    stepper.restore(snapshot)
    stepper.run(4)
    assert torch.equal(stepper.positions, end)


def test_a_step_that_does_not_converge_changes_nothing_and_says_where(hang: Callable) -> None:
    hung = hang(yield_angle=0.02)
    stepper = Stepper(hung.system, hung.rest, step_size=2e-2, newton=NewtonSettings(max_iterations=1))
    before, states = stepper.moment, hung.system.states()
    with pytest.raises(NotConvergedError, match=r"Step 1 .* residual .* vertex") as caught:
        stepper.step()
    assert caught.value.place
    assert stepper.moment is before
    after = hung.system.states()
    assert all(torch.equal(after[owner][name], states[owner][name]) for owner in states for name in states[owner])


class Broken(Stateless):
    """NaN below a height."""

    def __init__(self, unknowns: Unknowns) -> None:
        self.unknowns = unknowns
        self.parameters: dict[str, Tensor] = {}

    def assign(self, parameters: dict[str, Tensor]) -> None:
        pass

    def _factor(self, q: Tensor) -> float:
        return math.nan if float(self.unknowns.positions(q)[:, 2].min()) < -1e-3 else 0.0

    def value(self, q: Tensor) -> Tensor:
        return q.new_tensor(0.0)

    def gradient(self, q: Tensor) -> Tensor:
        return self._factor(q) * q

    def hessian(self, q: Tensor, *, project: bool) -> Triplets:
        none = torch.zeros(0, dtype=torch.int64)
        return Triplets(none, none, q.new_zeros(0), self.unknowns.size)


def test_nan_is_an_error_that_names_step_and_energy(hang: Callable) -> None:
    hung = hang()
    parts = {**hung.system.energies, "broken": Broken(hung.system.unknowns)}
    system = System(hung.system.unknowns, parts, hung.system.masses, held=hung.system.held)
    stepper = Stepper(system, hung.rest, step_size=1e-2)
    with pytest.raises(NonFiniteError, match="Step 2: the energy broken") as caught:
        stepper.run(5)
    assert caught.value.iteration == 2
    assert stepper.moment.step == 1
    assert bool(torch.isfinite(stepper.positions).all())


def test_bad_input_is_refused(hang: Callable) -> None:
    hung = hang()
    with pytest.raises(ParameterError, match="step_size"):
        Stepper(hung.system, hung.rest, step_size=0.0)
    with pytest.raises(ParameterError, match="vertex 2"):
        Stepper(hung.system, hung.rest.index_fill(0, torch.tensor([2]), math.nan), step_size=0.01)
    with pytest.raises(ParameterError, match="held"):
        Stepper(hung.system, hung.rest, step_size=0.01).step(torch.zeros(2, dtype=torch.float64))
    with pytest.raises(ParameterError, match=r"membrane\.colour"):
        hung.system.assign({"membrane.colour": torch.tensor(1.0)})
    with pytest.raises(ParameterError, match="cloth"):
        hung.system.assign({"cloth.young": torch.tensor(1.0)})
    with pytest.raises(GeometryError, match=f"Vertex {len(hung.rest)} belongs to no body"):
        # One more vertex than the triangles know.
        more = Unknowns(len(hung.rest) + 1)
        mass = hung.system.masses["mass"]

        class Padded:
            parameters = mass.parameters

            def masses(self) -> Tensor:
                return torch.cat([mass.masses(), torch.zeros(1, dtype=torch.float64)])

        System(more, {}, {"mass": Padded()})  # type: ignore[dict-item]


def test_what_has_no_adjoint_says_so(hang: Callable) -> None:
    hung = hang()
    with pytest.raises(NotDifferentiableError, match="positions"):
        Stepper(hung.system, hung.rest.clone().requires_grad_(), step_size=0.01)
    held = hung.rest.reshape(-1)[hung.system.held].clone().requires_grad_()
    with pytest.raises(NotDifferentiableError, match="held"):
        Stepper(hung.system, hung.rest, step_size=0.01).step(held)


def test_a_step_goes_no_further_than_its_limit(hang: Callable) -> None:
    hung = hang()
    moves = []

    class Limit:
        def largest_step(self, q: Tensor, direction: Tensor) -> float:
            moves.append(float(direction.abs().max()))
            return min(1.0, 1e-3 / moves[-1])

        def blocked(self, q: Tensor, step: int) -> None:
            return None

        def passed(self, before: Tensor, after: Tensor, step: int) -> None:
            return None

    system = System(
        hung.system.unknowns,
        hung.system.energies,
        hung.system.masses,
        held=hung.system.held,
        limits=[Limit()],
    )
    free = Stepper(hung.system, hung.rest, step_size=2e-2)
    free.step()
    limited = Stepper(system, hung.rest, step_size=2e-2)
    limited.step()
    assert max(moves) > 1e-3
    assert torch.allclose(limited.positions, free.positions, atol=1e-9)
