"""A free cloth that swings down from one held edge, by Formwright and newton's solvers, for benchmarks/simulation.py.

Each is measured against its own limit of small steps, so that differences between the models do not count. Masses,
stiffness and gravity are the same, and nothing touches. Style3D multiplies velocities by 0.998 after each step, however
short: with that it has no limit of small steps (at 1/2400 s it nearly stops the cloth), so it is undone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.protocol.scene import Scene
from engine.simulation.newton import NewtonSettings
from engine.simulation.schemes import SchemeName
from engine.simulation.stepper import Stepper
from engine.simulation.world.world import build_world

CELLS = 32
LENGTH = 1.0
"""[m]"""
DURATION = 0.3
"""[s]"""
ALLOWED = 0.01
"""Error over the length of the cloth."""
DENSITY = 0.13
"""[kg/m²]"""
SHEAR = 1000.0
"""Shear modulus times thickness [N/m]; Poisson's ratio is 0, so that nothing wrinkles."""
BENDING = 1e-5
"""[N m]"""
STYLE3D_DAMPING = 0.998
"""By which newton 1.8 multiplies velocities after each step of Style3D."""


@dataclass(frozen=True)
class Attempt:
    """speed : simulated time over CPU time
    error : root mean square of the distances at the end, over the length
    """

    how: str
    speed: float
    error: float


Run = Callable[[], tuple[np.ndarray, float]]
"""Positions at the end [m], shape (vertex_count, 3), and CPU seconds."""


def attempts() -> list[Attempt]:
    """Formwright's, with steps of several sizes."""
    tried: tuple[tuple[SchemeName, int], ...] = (
        ("implicit-euler", 120),
        ("implicit-euler", 240),
        ("bdf2", 30),
        ("bdf2", 60),
        ("bdf2", 120),
    )
    runs = {f"{scheme}, step 1/{rate} s": formwright(scheme, rate, 1e-3) for scheme, rate in tried}
    return compared(formwright("bdf2", 480, 1e-6), runs)


def peers() -> dict[str, list[Attempt]]:
    """newton's solvers; none where it is not installed."""
    try:
        import newton  # noqa: F401
    except ImportError:
        return {}
    vbd = {
        f"step 1/{rate} s, {iterations} iterations": newton_cloth("VBD", rate, iterations)
        for rate, iterations in ((300, 10), (600, 5), (600, 10), (1200, 5), (1200, 10))
    }
    style = {
        f"step 1/{rate} s, {iterations} iterations": newton_cloth("Style3D", rate, iterations)
        for rate, iterations in ((300, 20), (300, 40), (600, 10), (600, 20), (1200, 10))
    }
    return {
        "VBD": compared(newton_cloth("VBD", 4800, 10), vbd),
        "Style3D": compared(newton_cloth("Style3D", 2400, 20), style),
    }


def compared(limit: Run, runs: dict[str, Run]) -> list[Attempt]:
    """Runs against one of small steps."""
    exact, _ = limit()
    found = []
    for how, run in runs.items():
        end, seconds = run()
        error = float(np.sqrt(((end - exact) ** 2).sum(axis=1).mean())) / LENGTH
        found.append(Attempt(how, DURATION / seconds, error))
    return found


def formwright(scheme: SchemeName, rate: int, tolerance: float) -> Run:
    def run() -> tuple[np.ndarray, float]:
        thickness = np.sqrt(12.0 * BENDING / (2.0 * SHEAR))
        material = {"young": 2.0 * SHEAR / thickness, "poisson": 0.0, "thickness": thickness}
        shape = {"kind": "rectangle", "width": LENGTH, "height": LENGTH, "columns": CELLS, "rows": CELLS}
        sheet = {
            "name": "cloth",
            "material": material | {"density": DENSITY / thickness},
            "shape": shape,
            "pins": [{"region": {"kind": "side", "side": "left"}}],
        }
        world = build_world(Scene.model_validate({"sheets": [sheet], "contact": {"mode": "none"}}), {})
        stepper = Stepper(
            world.system, world.positions, step_size=1.0 / rate, scheme=scheme, newton=NewtonSettings(tolerance)
        )
        start = time.process_time()
        stepper.run(round(DURATION * rate))
        return stepper.positions.numpy(), time.process_time() - start

    return run


def newton_cloth(solver: str, rate: int, iterations: int) -> Run:
    def run() -> tuple[np.ndarray, float]:
        steps = newton_steps(solver, 1.0 / rate, iterations)
        next(steps)  # compiles
        start = time.process_time()
        end = None
        for _ in range(round(DURATION * rate)):
            end = next(steps)
        assert end is not None
        return np.array(end.numpy(), np.float64), time.process_time() - start

    return run


def newton_steps(solver: str, step_size: float, iterations: int) -> Iterator[Any]:
    """Particles' positions: at the start, and after each step."""
    import newton
    import warp as wp

    cell = LENGTH / CELLS
    builder = newton.ModelBuilder()
    given: dict[str, Any] = {
        "pos": wp.vec3(0.0, 0.0, 0.0),
        "rot": wp.quat_identity(),
        "vel": wp.vec3(0.0, 0.0, 0.0),
        "dim_x": CELLS,
        "dim_y": CELLS,
        "cell_x": cell,
        "cell_y": cell,
        "mass": DENSITY * (LENGTH / (CELLS + 1)) ** 2,
        "fix_left": True,
        "particle_radius": 1e-3,
    }
    if solver == "VBD":
        builder.add_cloth_grid(**given, tri_ke=SHEAR, tri_ka=0.0, tri_kd=0.0, edge_ke=BENDING, edge_kd=0.0)
        # The grid gives each particle the same; here, as in the others, those at the border have less.
        share = np.where(np.arange(CELLS + 1) % CELLS == 0, 0.5, 1.0)
        lumped = DENSITY * cell * cell * np.outer(share, share).reshape(-1)
        builder.particle_mass = np.where(np.array(builder.particle_mass) > 0.0, lumped, 0.0).tolist()
        builder.color(include_bending=True)
        model = builder.finalize(device="cpu")
        integrator: Any = newton.solvers.SolverVBD(model=model, iterations=iterations)
    else:
        newton.solvers.SolverStyle3D.register_custom_attributes(builder)
        newton.solvers.style3d.add_cloth_grid(
            builder,
            **given,
            tri_aniso_ke=wp.vec3(2.0 * SHEAR, 2.0 * SHEAR, SHEAR),
            edge_aniso_ke=wp.vec3(BENDING, BENDING, BENDING),
        )
        model = builder.finalize(device="cpu")
        config = newton.solvers.SolverStyle3D.Config(iterations=iterations)
        integrator = newton.solvers.SolverStyle3D(model=model, config=config)
        integrator.collision = None
    model.set_gravity((0.0, 0.0, -9.81))
    now, after, control = model.state(), model.state(), model.control()
    # One step of no length to compile the kernels.
    contacts = newton.CollisionPipeline(model).contacts()
    warm, thrown = model.state(), model.state()
    integrator.step(warm, thrown, control, contacts, 1e-9)
    yield now.particle_q
    while True:
        now.clear_forces()
        integrator.step(now, after, control, contacts, step_size)
        if solver == "Style3D":
            after.particle_qd.assign(after.particle_qd.numpy() / STYLE3D_DAMPING)
        now, after = after, now
        yield now.particle_q
