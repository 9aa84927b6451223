"""Terms on a network's field: gradients against central differences, and values that are known."""

from __future__ import annotations

import pytest
import torch

from engine.core.device import Device
from engine.geometry.frame import Frame
from engine.objectives.evaluation import Evaluation
from engine.objectives.target import MeshTarget
from engine.objectives.term import TermContext, build_term
from engine.objectives.verification import sphere
from engine.protocol.study import TermSpec
from engine.surfaces.deepmesh import DeepMesh
from engine.surfaces.deepmesh_verification import blob
from engine.surfaces.flexicubes import FlexiCubes
from engine.surfaces.network_field import NetworkField

CPU = Device("cpu")
UNIT = Frame((0.0, 0.0, 0.0), 1.0)


@pytest.fixture(scope="module")
def context() -> TermContext:
    return TermContext(UNIT, MeshTarget(sphere(0.6), UNIT, CPU, sample_count=100), CPU)


def evaluated(design: DeepMesh) -> Evaluation:
    design.prepare()
    generator = torch.Generator().manual_seed(5)
    return Evaluation(
        design.extract(), target=None, draw=None, sample_count=0, generator=generator, device=CPU
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["eikonal", "distances", "latent-prior"])
def test_gradient_against_central_differences(kind: str, context: TermContext) -> None:
    design = DeepMesh(blob(), 12)
    parameters = {} if kind == "latent-prior" else {"places": 200}
    term = build_term(TermSpec(kind=kind, name=kind, parameters=parameters), context)
    evaluation = evaluated(design)
    leaves = design.tensors()

    def value() -> torch.Tensor:
        evaluation.generator.manual_seed(5)
        return term.evaluate(evaluation, design)

    gradients = torch.autograd.grad(value(), list(leaves.values()), allow_unused=True)
    for leaf, gradient in zip(leaves.values(), gradients, strict=True):
        if gradient is None:
            assert kind == "latent-prior"
            continue
        for i in gradient.abs().argsort(descending=True)[:: max(1, len(leaf) // 20)].tolist():
            kept = float(leaf.detach()[i])
            sides = []
            for step in (1e-6, -1e-6):
                with torch.no_grad():
                    leaf[i] = kept + step
                sides.append(float(value().detach()))
            with torch.no_grad():
                leaf[i] = kept
            assert (sides[0] - sides[1]) / 2e-6 == pytest.approx(
                float(gradient[i]), abs=1e-6 * float(gradient.abs().max())
            )


def test_a_distance_pays_nothing_and_twice_a_distance_one(context: TermContext) -> None:
    class Exact:
        kind, resolution, cell_size, dtype = "deepmesh", 12, 2.0 / 12, torch.float64
        distance_kind = "signed"
        slope = 1.0

        def values_at(self, positions: torch.Tensor) -> torch.Tensor:
            return self.slope * (torch.linalg.vector_norm(positions, dim=1) - 0.6)

    design = Exact()
    evaluation = evaluated(DeepMesh(blob(), 12))
    eikonal = build_term(TermSpec(kind="eikonal", name="e"), context)
    assert float(eikonal.evaluate(evaluation, design).detach()) < 1e-20
    design.slope = 2.0
    assert float(eikonal.evaluate(evaluation, design).detach()) == pytest.approx(1.0)
    design.slope = 1.0
    distances = build_term(TermSpec(kind="distances", name="d"), context)
    # The target's facets lie up to 1 − cos 9° of the radius inside the sphere, of a band of two cells.
    assert float(distances.evaluate(evaluation, design).detach()) < 0.02
    design.distance_kind = "unsigned"
    assert float(distances.evaluate(evaluation, design).detach()) > 0.05
    design.values_at = lambda positions: (torch.linalg.vector_norm(positions, dim=1) - 0.6).abs()  # type: ignore
    assert float(distances.evaluate(evaluation, design).detach()) < 0.02


def test_a_handle_on_a_shape_space_moves_its_latent(context: TermContext) -> None:
    field = blob()
    space = NetworkField(field.architecture, field.parameters.detach(), field.latent.detach(), design="latent")
    design = DeepMesh(space, 16)
    evaluation = evaluated(design)
    top = evaluation.positions[evaluation.positions[:, 2].argmax()]
    wanted = (top + torch.tensor([0.0, 0.0, 0.1])).tolist()
    handle = build_term(
        TermSpec(kind="handle", name="h", parameters={"anchor": top.tolist(), "target": wanted}), context
    )
    (latent,) = design.tensors().values()
    first = None
    for _ in range(40):
        evaluation = evaluated(design)
        loss = handle.evaluate(evaluation, design)
        first = float(loss.detach()) if first is None else first
        (gradient,) = torch.autograd.grad(loss, latent)
        with torch.no_grad():
            latent -= 2.0 * gradient
    assert set(design.tensors()) == {"latent"}
    assert float(loss.detach()) < 0.5 * first


def test_they_rest_on_other_surfaces(context: TermContext) -> None:
    grid = FlexiCubes.sphere(8)
    network = DeepMesh(blob(), 8)
    for kind in ("eikonal", "distances", "latent-prior"):
        term = build_term(TermSpec(kind=kind, name=kind), context)
        assert term.fits(network) and not term.fits(grid)
