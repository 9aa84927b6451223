"""The whole way from the design to the total loss and back: gradients, what is not finite, what is frozen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.objectives.evaluation import Evaluation
from engine.objectives.verification import cube, sphere
from engine.optimization.run import Run
from engine.protocol.edits import AddTerm, PaintFreeze, Resume, Rewind, SetParameter
from engine.protocol.snapshot import RolledBack
from engine.protocol.study import OptimizerSpec, Study, TermSpec
from engine.studies.reconstruct import ReconstructProblem
from engine.studies.registry import build_problem
from engine.surfaces.flexicubes import FlexiCubes

BLOCK = cube(20.0, (100.0, -50.0, 30.0))
TOP = (100.0, -50.0, 40.0)


def scan() -> Points:
    ball = sphere(10.0, 16)
    return Points(ball.vertices, ball.vertices / 10.0)


def problem(target: Mesh | Points, **parameters: Any) -> ReconstructProblem:
    values = {"resolution": 12, "iterations": 30, "samples": 300, "device": "cpu", **parameters}
    built = build_problem(Study(parameters=values), {"target": target})
    assert isinstance(built, ReconstructProblem)
    return built


def descend(run: Run, steps: int) -> None:
    for _ in range(steps):
        assert run.step(), run.take_events()


def total(built: ReconstructProblem) -> Tensor:
    values, weights = built.evaluate(), built.weights()
    return torch.stack([weights[name] * value for name, value in values.items()]).sum()


@pytest.fixture
def held_pairs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every evaluation takes over the samples and pairs of the first one (envelope theorem)."""
    first: list[Evaluation] = []

    def evaluation(*arguments: Any, **options: Any) -> Evaluation:
        made = Evaluation(*arguments, **options)
        if first:
            made.hold_pairs(first[0])
        first.append(made)
        return made

    monkeypatch.setattr("engine.studies.reconstruct.Evaluation", evaluation)
    yield


@pytest.mark.parametrize("leaf", ["field", "offsets", "weights"])
@pytest.mark.parametrize("target", [BLOCK, scan()], ids=["mesh", "scan"])
@pytest.mark.usefixtures("held_pairs")
def test_the_total_loss_has_the_gradient_that_differences_say(target: Mesh | Points, leaf: str) -> None:
    built = problem(target)
    terms = [
        TermSpec(kind="volume", name="volume", weight=0.3, parameters={"volume": 7000.0}),
        TermSpec(kind="quiet-weights", name="quiet", weight=0.2),
    ]
    for term in terms:
        built.apply(AddTerm(spec=term))
    built.surface = FlexiCubes(built.target.distance_field(12).double(), device=built.device, dtype=torch.float64)
    random = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for name, tensor in built.tensors().items():
            size = 0.01 if name == "field" else 0.3
            noise = size * torch.randn(tensor.shape, generator=random, dtype=torch.float64)
            # No node changes sides.
            tensor.add_(noise.clamp(-0.5 * tensor.abs(), 0.5 * tensor.abs()) if name == "field" else noise)
    built.prepare(9, 30)
    design = built.tensors()[leaf]
    (gradient,) = torch.autograd.grad(total(built), design)
    assert float(gradient.abs().max()) > 0
    step, start = 1e-6, design.detach().clone()
    measured, expected = [], []
    for _ in range(4):
        direction = torch.randn(start.shape, generator=random, dtype=torch.float64)
        values = []
        for sign in (1.0, -1.0):
            with torch.no_grad():
                design.copy_(start + sign * step * direction)
            values.append(float(total(built).detach()))
        expected.append((values[0] - values[1]) / (2 * step))
        measured.append(float((gradient * direction).sum()))
    assert measured == pytest.approx(expected, rel=1e-5, abs=1e-5 * float(np.abs(expected).max()))


def test_two_backwards_in_a_row_give_the_same() -> None:
    built = problem(BLOCK)
    built.prepare(0, 30)
    loss = total(built)
    leaves = list(built.tensors().values())
    first = torch.autograd.grad(loss, leaves, retain_graph=True)
    second = torch.autograd.grad(loss, leaves)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("leaf", ["field", "offsets", "weights"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_design_that_is_not_finite_is_rolled_back_and_named(leaf: str, value: float) -> None:
    built = problem(BLOCK)
    run = Run(built, OptimizerSpec(), 30)
    descend(run, 12)
    with torch.no_grad():
        nearest = int(built.tensors()["field"].abs().argmin())
        built.tensors()[leaf][0 if leaf == "weights" else nearest] = value
    while run.step():
        pass
    rolled = [event.source for event in run.take_events() if isinstance(event, RolledBack)]
    # tanh takes infinity for a one.
    assert rolled == ([] if leaf != "field" and np.isinf(value) else ["the surface"])
    assert run.status == "finished" and np.isfinite(built.result_mesh().vertices).all()


@pytest.mark.parametrize("kind", ["adam", "l-bfgs"])
def test_what_is_frozen_keeps_every_bit_with_momentum_and_through_a_rewind(kind: str) -> None:
    built = problem(BLOCK)
    run = Run(built, OptimizerSpec.parse({"kind": kind}, owner="optimizer"), 30)
    descend(run, 6)
    centre = built.result_mesh().vertices[0]
    run.send(PaintFreeze(centres=[tuple(centre)], radius=6.0))
    descend(run, 1)

    def frozen() -> dict[str, Tensor]:
        kept = built.surface._frozen._kept
        return {name: built.tensors()[name].detach()[rows].clone() for name, (rows, _) in kept.items()}

    before = frozen()
    assert all(len(values) for values in before.values())
    checkpoint = run.checkpoint()
    descend(run, 6)
    assert all(torch.equal(values, before[name]) for name, values in frozen().items())
    run.send(Rewind(checkpoint=checkpoint.id))
    descend(run, 4)
    assert all(torch.equal(values, before[name]) for name, values in frozen().items())


def test_a_frozen_part_stays_frozen_on_another_grid() -> None:
    built = problem(BLOCK, resolution=10)
    run = Run(built, OptimizerSpec(), 40)
    descend(run, 6)
    run.send(PaintFreeze(centres=[TOP], radius=5.0))
    descend(run, 3)
    run.send(SetParameter(owner="study", name="resolution", value=15))
    descend(run, 1)
    near = np.linalg.norm(built.result_mesh().vertices - TOP, axis=1) < 2.5
    before = built.result_mesh().vertices[near]
    assert len(before) >= 9
    descend(run, 10)
    after = built.result_mesh().vertices
    assert np.abs(after[:, None] - before[None]).max(axis=2).min(axis=0).max() == 0.0


def test_a_finished_run_goes_on_with_more_iterations_and_from_a_checkpoint() -> None:
    built = problem(BLOCK, iterations=12)
    run = Run(built, OptimizerSpec(), 12)
    while run.step():
        pass
    assert (run.status, run.iteration) == ("finished", 12)
    loss, number = run.losses["loss"], len(run.history)
    run.send(SetParameter(owner="study", name="iterations", value=40))
    run.apply_edits()
    assert run.status == "paused"
    run.send(Rewind(checkpoint=run.history.infos()[-1].id))
    run.send(Resume(steps=0))
    while run.step():
        pass
    assert (run.status, run.iteration) == ("finished", 40)
    assert run.losses["loss"] < 0.7 * loss and len(run.history) > number
    assert run.branch != "main" and list(run.history.losses(run.branch)[0]) == list(range(12, 40))
