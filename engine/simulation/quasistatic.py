"""Equilibrium under loads, from any start: Newton's method where it arrives, and steps of a heavy drag where not."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.simulation.driving import drive
from engine.simulation.errors import StepError
from engine.simulation.newton import Newton, NewtonReport, NewtonSettings, NotConvergedError
from engine.simulation.objective import StepObjective
from engine.simulation.system import System

DIRECT = NewtonSettings(max_iterations=40)
DRAGGED = NewtonSettings(tolerance=1e-3, max_iterations=40)
FINER = 0.1
"""Of the tolerance of a dragged minimum that was one already where it began: a sheet near the load at which it buckles
leans far for hardly any force."""
MAX_DRAGS = 200
FAR = 100.0
"""Times the size of everything: what has gone further is not on its way to an equilibrium."""


class NoEquilibriumError(StepError):
    """Nothing balances what pulls."""

    def __init__(self, step: int) -> None:
        super().__init__(
            "has no equilibrium: nothing holds or carries all that gravity pulls at",
            step=step,
            remedy="Pin it, put it on something, or choose a time stepping with inertia.",
        )


def equilibrium(
    system: System, positions: Tensor, *, held: Tensor | None = None, newton: NewtonSettings | None = None
) -> tuple[Tensor, NewtonReport]:
    """Unknowns q at a minimum of all energies and gravity, from `positions` [m], shape (vertex_count, 3).

    held : where the held unknowns are [m], shape (held_count,); where they are in `positions` without it
    The energies' states move on to the equilibrium. Raises `NoEquilibriumError`, `NotConvergedError` and
    `NonFiniteError`, and then nothing has changed.
    """
    unknowns = system.unknowns
    solver = Newton(system.free, unknowns.size, unknowns.vertex_count, newton)
    start = positions.to(system.device, torch.float64)
    q = torch.cat([start.reshape(-1), start.new_zeros(unknowns.rotation_count)])
    states = system.states()
    try:
        system.begin(q)
        if held is not None:
            q = drive(system, solver, StepObjective(system, 0.0, start, 0), q, held, step=0)
        q, report = settle(system, solver, q, step=0)
    except BaseException:
        system.restore(states)
        raise
    for energy in system.energies.values():
        q = energy.advance(q)
    return q, report


def settle(system: System, solver: Newton, q: Tensor, *, step: int) -> tuple[Tensor, NewtonReport]:
    """Unknowns at a minimum without inertia, with the states as they are.

    A sheet that hardly stretches is a hard problem for Newton's method far from its end. Then the energy is minimised
    with a drag w/2 |x − x'|²_M to where it was, again and again, and the drag falls as fast as that converges (the
    proximal point algorithm: R. T. Rockafellar, SIAM J. Control Optim. 14(5), 1976).
    """
    settings, start = solver.settings, q
    if _free_to_fall(system, q):
        raise NoEquilibriumError(step)
    found = _attempt(system, q, 0.0, settings, DIRECT)
    drag, tolerance = _first_drag(system, q), DRAGGED.tolerance
    for _ in range(MAX_DRAGS):
        if _is_far(system, start, q if found is None else found[0]):
            raise NoEquilibriumError(step)
        if found is not None:
            return found
        dragged = _attempt(system, q, drag, settings, NewtonSettings(tolerance, DRAGGED.max_iterations))
        if dragged is None:
            drag *= 10.0
            continue
        q, report = dragged
        if report.iterations == 0:
            if tolerance <= settings.tolerance:
                break
            tolerance *= FINER
        # Few iterations: the drag held everything back, and Newton's method alone would not arrive from here either.
        if 5 < report.iterations < 15:
            found = _attempt(system, q, 0.0, settings, DIRECT)
        drag *= 0.05 if report.iterations <= 5 else 0.2 if report.iterations < 15 else 1.0
    # For its message, or because it takes more iterations than were tried.
    return solver.minimise(StepObjective(system, 0.0, system.unknowns.positions(q), step), q)


def _free_to_fall(system: System, q: Tensor) -> bool:
    """Whether everything is pulled along, and nothing resists it: no vertex is held, and no energy changes when all
    move as one."""
    pull = (system.vertex_masses[:, None] * system.gravity).sum(dim=0)
    if len(system.held) or not bool((pull != 0.0).any()):
        return False
    along = torch.zeros_like(q)
    system.unknowns.positions(along)[:] = torch.nn.functional.normalize(pull, dim=0)
    parts = [energy.hessian(q, project=False) for energy in system.energies.values()]
    resisted = sum(float(part.multiply(along).norm()) for part in parts)
    return resisted <= 1e-9 * sum(float(part.magnitude(along).norm()) for part in parts)


def _is_far(system: System, start: Tensor, q: Tensor) -> bool:
    before, now = system.unknowns.positions(start), system.unknowns.positions(q)
    extent = float((before.max(dim=0).values - before.min(dim=0).values).norm())
    return float((now - before).abs().max()) > FAR * extent


def _attempt(
    system: System, q: Tensor, drag: float, wanted: NewtonSettings, limits: NewtonSettings
) -> tuple[Tensor, NewtonReport] | None:
    """Minimise with a drag to q; None where it does not converge soon."""
    unknowns = system.unknowns
    tolerance = max(wanted.tolerance, limits.tolerance) if drag else wanted.tolerance
    solver = Newton(system.free, unknowns.size, unknowns.vertex_count, NewtonSettings(tolerance, limits.max_iterations))
    states = system.states()
    try:
        return solver.minimise(StepObjective(system, drag, unknowns.positions(q), 0), q)
    except NotConvergedError:
        system.restore(states)
        return None


def _first_drag(system: System, q: Tensor) -> float:
    """A drag that is small beside the stiffness of stretching [1/s²]."""
    unknowns = system.unknowns
    diagonal = torch.zeros_like(q)
    for energy in system.energies.values():
        part = energy.hessian(q, project=True).triplets()
        own = part.rows == part.cols
        diagonal.index_add_(0, part.rows[own], part.values[own])
    stiffness = unknowns.positions(diagonal).abs().max(dim=1).values
    weighs = system.vertex_masses > 0.0
    return 1e-3 * float((stiffness[weighs] / system.vertex_masses[weighs]).median())
