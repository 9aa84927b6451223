"""Checks of the studies that optimise through a simulation, on motions whose cause is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from engine.core.checks import CheckResult, check, compare
from engine.geometry.mesh import Mesh
from engine.objectives.recorded import RecordedMotion
from engine.optimization.run import Run
from engine.protocol.scene import Contact, Obstacle, PlaneShape, Pose, RectangleShape, Scene, Sheet, Time
from engine.protocol.shell_materials import ShellMaterial
from engine.protocol.study import SAMPLE, OptimizerSpec, Study, TermSpec
from engine.studies.examples import (
    TARGETS,
    YOUNG,
    end_of,
    example_scene,
    example_study,
    folded,
    motion_of,
    with_material,
)
from engine.studies.flat_pattern import FlatPatternProblem, build_flat_pattern
from engine.studies.fold import FoldProblem, build_fold
from engine.studies.hold import HoldProblem, build_hold
from engine.studies.identify import IdentifyProblem, build_identify
from engine.studies.simulated import SimulatedProblem

DIFFERENCES = "central differences of fourth order, float64"
TWIN = "identical-twin experiment: the data are a simulation with known numbers"

THICKNESS = 1e-3
"""[m] of the cloth."""

FRICTION = 0.3
"""Of the cloth on the table."""


def curtain(*, steps: int = 25, cells: int = 5, tolerance: float = 1e-10) -> Scene:
    """A square of 20 cm that lies flat at first, and swings down from two corners."""
    scene = with_material(example_scene("identify"), young=YOUNG)
    time = scene.time.model_copy(update={"duration": steps * scene.time.step, "tolerance": tolerance})
    sheet = scene.sheets[0]
    shape = sheet.shape.model_copy(update={"columns": cells, "rows": cells})
    return scene.model_copy(update={"time": time, "sheets": [sheet.model_copy(update={"shape": shape})]})


def card(*, tolerance: float = 1e-10) -> Scene:
    """A strip of card, clamped at its left end, with two creases across it, in balance with its weight."""
    scene = example_scene("fold")
    return scene.model_copy(update={"time": scene.time.model_copy(update={"tolerance": tolerance})})


def slide(*, steps: int = 6, tolerance: float = 1e-9) -> Scene:
    """A small sheet that slides over a table and is slowed down by friction."""
    shape = RectangleShape(width=0.04, height=0.04, columns=2, rows=2)
    material = ShellMaterial(young=1e6, poisson=0.3, thickness=THICKNESS, density=300.0)
    sheet = Sheet(
        name="cloth", shape=shape, preset="", material=material, velocity=(0.5, 0.0, 0.0),
        pose=Pose(translation=(0.0, 0.0, 1.2e-3)),
    )  # fmt: skip
    return Scene(
        sheets=[sheet],
        obstacles=[Obstacle(name="table", shape=PlaneShape(size=1.0))],
        time=Time(step=0.01, duration=0.01 * steps, tolerance=tolerance),
        contact=Contact(mode="barrier", gap=2e-3, friction=FRICTION),
    )


def with_friction(scene: Scene, friction: float) -> Scene:
    return scene.model_copy(update={"contact": scene.contact.model_copy(update={"friction": friction})})


def silent(message: str, fraction: float | None) -> None:
    """Tells nobody how far a preparation is."""


def recording(scene: Scene, *, noise: float = 0.0, seed: int = 0) -> RecordedMotion:
    """All vertices of the scene after each step; `noise` is one standard deviation [m]."""
    _, frames = motion_of(scene)
    seen = frames[1:] + noise * np.random.default_rng(seed).standard_normal(frames[1:].shape)
    count, vertices = seen.shape[:2]
    times = scene.time.step * np.repeat(np.arange(1, count + 1), vertices)
    return RecordedMotion(
        torch.from_numpy(times), torch.from_numpy(seen.reshape(-1, 3)), torch.arange(vertices).repeat(count)
    )


def identify_problem(
    scene: Scene, unknowns: str, seen: RecordedMotion, *, terms: list[TermSpec] | None = None, **spec: Any
) -> IdentifyProblem:
    study = Study(
        study="identify", parameters={"unknowns": unknowns}, scene=scene, terms=terms or [],
        optimizer=OptimizerSpec(**spec),
    )  # fmt: skip
    return build_identify(study, {"recording": seen}, silent)


def hold_problem(target: Mesh, scene: Scene, **parameters: Any) -> HoldProblem:
    """Both corners of the curtain are moved so that it hangs as the target."""
    terms = [
        TermSpec(kind="end-shape", name="end-shape", weight=1.0, parameters={"pairing": "vertices"}),
        TermSpec(kind="calm-motion", name="calm-motion", weight=1e-4),
        TermSpec(kind="speed-limit", name="speed-limit", weight=1e-2, parameters={"limit": 1.0}),
    ]
    study = Study(study="hold", parameters=parameters, scene=scene, terms=terms)
    return build_hold(study, {"target": target}, silent)


def fold_problem(target: Mesh, scene: Scene) -> FoldProblem:
    return build_fold(Study(study="fold", scene=scene), {"target": target}, silent)


def flat_pattern_problem(target: Mesh, scene: Scene, *, even: float = 1e-3) -> FlatPatternProblem:
    terms = [
        TermSpec(kind="end-shape", name="end-shape", weight=1.0),
        TermSpec(kind="even-pattern", name="even-pattern", weight=even),
    ]
    return build_flat_pattern(Study(study="flat-pattern", scene=scene, terms=terms), {"target": target}, silent)


def descend(problem: SimulatedProblem, iterations: int, *, enough: float = 0.0, **spec: Any) -> Run:
    """A Run to its end, or until its loss is at most `enough`."""
    run = Run(problem, OptimizerSpec(**spec), iterations)
    while run.step():
        if run.losses["loss"] <= enough:
            break
    return run


def gradient_error(problem: SimulatedProblem, *, spread: float = 0.1, step: float = 1e-3, directions: int = 2) -> float:
    """Largest relative difference of the whole loss's gradient from central differences, along random directions of
    the design, from a design that is `spread` away from the start."""
    generator = torch.Generator().manual_seed(11)

    def noise(like: torch.Tensor) -> torch.Tensor:
        return torch.randn(like.shape, generator=generator, dtype=torch.float64)

    problem.prepare(0, 1)
    tensors = problem.tensors()
    first = {name: tensor.detach() + spread * noise(tensor) for name, tensor in tensors.items()}

    def loss(ways: Mapping[str, torch.Tensor], size: float) -> torch.Tensor:
        with torch.no_grad():
            for name, tensor in tensors.items():
                tensor.copy_(first[name] + size * ways[name])
        weights = problem.weights()
        return torch.stack([weights[name] * value for name, value in problem.evaluate().items()]).sum()

    worst = 0.0
    for _ in range(directions):
        ways = {name: noise(tensor) for name, tensor in tensors.items()}
        gradients = torch.autograd.grad(loss(ways, 0.0), list(tensors.values()))
        found = sum(float((gradient * way).sum()) for gradient, way in zip(gradients, ways.values(), strict=True))
        with torch.no_grad():
            at = {size: float(loss(ways, size * step)) for size in (-2.0, -1.0, 1.0, 2.0)}
        expected = (8.0 * (at[1.0] - at[-1.0]) - (at[2.0] - at[-2.0])) / (12.0 * step)
        worst = max(worst, abs(found - expected) / abs(expected))
    return worst


def root_mean_square(problem: SimulatedProblem, term: str = "end-shape") -> float:
    """Distance that a Term in mm² leaves at the design as it is [mm]."""
    problem.take_progress(0, 1.0)
    with torch.no_grad():
        return float(problem.evaluate()[term]) ** 0.5


# Gradients of whole studies ------------------------------------------------------------------------------------------


@check(
    "studies.identify-gradient",
    title="Identify: the gradient of the whole study agrees with central differences",
    source=DIFFERENCES,
)
def identify_gradient(steps: int = 8) -> CheckResult:
    scene = curtain(steps=steps, tolerance=1e-12)
    seen = recording(with_material(scene, young=2e5, thickness=1.3e-3), noise=1e-3)
    problem = identify_problem(scene, "cloth.young, cloth.thickness, cloth.density, cloth.poisson", seen)
    return compare("studies.identify-gradient", gradient_error(problem), 0.0, 1e-6)


@check(
    "studies.identify-surface-gradient",
    title="Identify from points: the gradient of the study agrees with central differences",
    source=DIFFERENCES,
)
def identify_surface_gradient(steps: int = 6) -> CheckResult:
    scene = curtain(steps=steps, tolerance=1e-12)
    seen = recording(with_material(scene, young=2e5), noise=4e-3)
    scanned = RecordedMotion(seen.times, seen.positions)
    problem = identify_problem(scene, "cloth.young, cloth.thickness", scanned)
    # Small steps: where another triangle becomes the nearest one, the second derivative jumps.
    return compare("studies.identify-surface-gradient", gradient_error(problem, step=3e-5), 0.0, 1e-6)


@check(
    "studies.friction-gradient",
    title="Identify: the gradient by friction, across sliding contact, agrees with central differences",
    source=DIFFERENCES,
)
def friction_gradient(steps: int = 3) -> CheckResult:
    scene = slide(steps=steps, tolerance=1e-11)
    problem = identify_problem(scene, "contact.friction", recording(with_friction(scene, 0.45)))
    return compare("studies.friction-gradient", gradient_error(problem, directions=1), 0.0, 1e-2)


@check(
    "studies.hold-gradient",
    title="Hold it so: the gradient of the whole study agrees with central differences",
    source=DIFFERENCES,
)
def hold_gradient(steps: int = 8) -> CheckResult:
    scene = curtain(steps=steps, tolerance=1e-12)
    problem = hold_problem(end_of(with_material(scene, young=2e5)), scene, knots=2, moves="pose")
    return compare("studies.hold-gradient", gradient_error(problem), 0.0, 1e-6)


@check(
    "studies.flat-pattern-gradient",
    title="Flat pattern: the gradient of the whole study agrees with central differences",
    source=DIFFERENCES,
)
def flat_pattern_gradient(steps: int = 4) -> CheckResult:
    scene = curtain(cells=4, steps=steps, tolerance=1e-12)
    problem = flat_pattern_problem(end_of(with_material(scene, young=2e4)), scene, even=1.0)
    return compare("studies.flat-pattern-gradient", gradient_error(problem, spread=0.05, step=3e-4), 0.0, 1e-6)


@check(
    "studies.fold-gradient",
    title="Fold: the gradient of the whole study agrees with central differences",
    source=DIFFERENCES,
)
def fold_gradient() -> CheckResult:
    scene = card(tolerance=1e-12)
    problem = fold_problem(end_of(folded(scene, 0.6, -0.4)), scene)
    return compare("studies.fold-gradient", gradient_error(problem, spread=0.3, step=3e-5), 0.0, 1e-6)


# What they find ------------------------------------------------------------------------------------------------------


@check(
    "studies.identify-young",
    title="Identify: Young's modulus is found from a recorded drape (relative error)",
    source=TWIN,
    slow=True,
)
def identify_young(factor: float = 5.0, iterations: int = 20, noise: float = 1e-4) -> CheckResult:
    """Relative error; the start is wrong by `factor`, the recording has noise of a standard deviation [m]."""
    return _identified("young", YOUNG, factor, iterations, noise)


@check(
    "studies.identify-thickness",
    title="Identify: the thickness is found from a recorded drape (relative error)",
    source=TWIN,
    slow=True,
)
def identify_thickness(factor: float = 2.5, iterations: int = 20, noise: float = 2e-5) -> CheckResult:
    """Weight and stretching stiffness grow alike with it, so that only bending tells: noise counts for more."""
    return _identified("thickness", THICKNESS, factor, iterations, noise)


def _identified(number: str, true: float, factor: float, iterations: int, noise: float) -> CheckResult:
    scene = curtain()
    guess = with_material(scene, **{number: factor * true})
    return _compared(
        number, identify_problem(guess, f"cloth.{number}", recording(scene, noise=noise)), true, iterations
    )


def _compared(number: str, problem: IdentifyProblem, true: float, iterations: int) -> CheckResult:
    """Descends; relative error of what was found."""
    run = descend(problem, iterations, kind="l-bfgs", learning_rate=0.5, decay=0.0)
    (found,) = problem.uncertainties()
    return compare(
        f"studies.identify-{number}", abs(found.value / true - 1.0), 0.0, 0.02,
        value=found.value, deviation=found.deviation, true=true, iterations=run.iteration,
        simulations=problem.simulations,
    )  # fmt: skip


@check(
    "studies.identify-friction",
    title="Identify: friction is found from a recorded slide (relative error)",
    source=TWIN,
    slow=True,
)
def identify_friction(factor: float = 0.4, iterations: int = 12, noise: float = 1e-5) -> CheckResult:
    scene = slide()
    seen = recording(scene, noise=noise)
    problem = identify_problem(with_friction(scene, factor * FRICTION), "contact.friction", seen)
    return _compared("friction", problem, FRICTION, iterations)


@check("studies.hold-reaches", title="Hold it so: the sheet that is moved ends as its target", source=TWIN, slow=True)
def hold_reaches(iterations: int = 50) -> CheckResult:
    """[mm] root mean square over the vertices; the corners go by 52 mm in a quarter of a second.

    The corners come nearer to each other, and what is between them buckles. In steps of 20 ms a step then loses its
    minimum on the way of the descent (the smallest eigenvalue of its Hessian over the masses falls to 5e-5 of that of
    inertia alone, and the gradient of the loss grows two-thousandfold): the loss breaks off, and the descent stays at
    the edge, 1.7 or 2.3 mm off. In steps of 10 ms that eigenvalue stays above a half, and the descent goes on.
    """
    return _reached("hold", build_hold, iterations, 1.0)


@check("studies.fold-reaches", title="Fold: the card that is folded ends as its target", source=TWIN, slow=True)
def fold_reaches(iterations: int = 25) -> CheckResult:
    """[mm] root mean square of the distances both ways; the angles that made the target are 1 and −0.7 rad."""
    return _reached("fold", build_fold, iterations, 0.5)


@check(
    "studies.flat-pattern-reaches",
    title="Flat pattern: the drape of the pattern that is found fits its target",
    source=TWIN,
    slow=True,
)
def flat_pattern_reaches(iterations: int = 25) -> CheckResult:
    """[mm] root mean square of the distances both ways: the target is the drape of a pattern with a widened hem."""
    return _reached("flat-pattern", build_flat_pattern, iterations, 0.5)


def _reached(name: str, build: Callable[..., SimulatedProblem], iterations: int, tolerance: float) -> CheckResult:
    """The example of that name, run to 50 µm or to the last iteration."""
    study = example_study(name)
    source = study.inputs["target"].removeprefix(SAMPLE)
    problem = build(study, {"target": TARGETS[source]()}, silent)
    before = root_mean_square(problem)
    run = descend(problem, iterations, enough=0.0025, **study.optimizer.model_dump())
    return compare(
        f"studies.{name}-reaches", root_mean_square(problem), 0.0, tolerance,
        start=before, iterations=run.iteration, simulations=problem.simulations,
    )  # fmt: skip
