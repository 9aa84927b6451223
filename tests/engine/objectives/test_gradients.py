"""Every Term on the surface against central differences in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.core.checks import CheckResult
from engine.geometry.points import Points
from engine.objectives import verification
from engine.objectives.target import MeshTarget, ScanTarget, Target
from engine.objectives.term import TermContext, build_term, term_entries
from engine.objectives.verification import (
    CPU,
    UNIT,
    cube,
    evaluation_of,
    extracted,
    relative_gradient_error,
    sphere,
)
from engine.protocol.study import TermSpec


def mesh_target() -> MeshTarget:
    return MeshTarget(cube(1.2), UNIT, CPU, sample_count=500, draw_count=1)


def scan_target() -> ScanTarget:
    mesh = sphere(0.8, 16)
    normals = mesh.vertices / np.linalg.norm(mesh.vertices, axis=1, keepdims=True)
    return ScanTarget(
        Points(mesh.vertices, normals), UNIT, CPU, sample_count=200,
        confidence=np.linspace(0.2, 1.0, mesh.vertex_count), reach=0.5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "make_target", "parameters"),
    [
        ("fit", mesh_target, {}),
        ("fit", mesh_target, {"softness": 2.0, "surface_share": 0.5}),
        ("fit", mesh_target, {"outlier_distance": 5.0}),
        ("fit", scan_target, {"softness": 1.0, "outlier_distance": 20.0}),
        ("normals", mesh_target, {}),
        ("normals", scan_target, {}),
        ("smoothness", None, {}),
        ("volume", None, {"volume": 1.7}),
    ],
)
def test_gradient_is_the_derivative_of_the_value(
    kind: str, make_target: Callable[[], Target] | None, parameters: dict[str, float]
) -> None:
    target = None if make_target is None else make_target()
    term = build_term(TermSpec(kind=kind, name=kind, parameters=parameters), TermContext(UNIT, target, CPU))
    assert relative_gradient_error(term, target) < 1e-6


def test_requerying_the_nearest_faces_gives_the_same_derivative() -> None:
    """The envelope theorem: pairs may change without changing the derivative of the distance."""
    target = MeshTarget(cube(1.2), UNIT, CPU, sample_count=2000, draw_count=1)
    spec = TermSpec(kind="fit", name="fit", parameters={"surface_share": 0.0})
    term = build_term(spec, TermContext(UNIT, target, CPU))
    surface = extracted(sphere(0.7, 12), jitter=0.01)
    term.evaluate(evaluation_of(surface, target), None).backward()
    start = surface.vertices.detach().clone()
    direction = torch.randn(start.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    step = 1e-5
    values = [
        float(term.evaluate(evaluation_of(replace(surface, vertices=start + sign * step * direction), target), None))
        for sign in (1.0, -1.0)
    ]
    expected = (values[0] - values[1]) / (2 * step)
    assert surface.vertices.grad is not None
    # Kinks between the step's two ends cost accuracy of the difference, not of the gradient.
    assert float((surface.vertices.grad * direction).sum()) == pytest.approx(expected, rel=1e-3)


def test_handle_moves_its_patch_as_one() -> None:
    surface = extracted(sphere(0.6, 12))
    spec = TermSpec(
        kind="handle", name="handle", parameters={"anchor": (0, 0, 0.6), "target": (0.2, 0.1, 0.9), "radius": 0.3}
    )
    term = build_term(spec, TermContext(UNIT, None, CPU))
    loss = term.evaluate(evaluation_of(surface), None)
    (gradient,) = torch.autograd.grad(loss, surface.vertices)
    anchor = np.array(term.anchor)
    pull = anchor - [0.2, 0.1, 0.9]
    assert loss.item() == pytest.approx(0.5 * float(pull @ pull), rel=1e-12)
    # Translating everything moves the anchor by as much: dL = pull · dt.
    np.testing.assert_allclose(gradient.sum(dim=0).numpy(), pull, rtol=1e-12)
    outside = np.linalg.norm(surface.vertices.detach().numpy() - anchor, axis=1) > 0.3
    assert not gradient.numpy()[outside].any()
    assert (gradient.numpy()[~outside][:, 2] < 0.0).sum() > 3


def test_two_backwards_in_a_row_give_the_same_gradient() -> None:
    target = mesh_target()
    term = build_term(TermSpec(kind="fit", name="fit"), TermContext(UNIT, target, CPU))
    surface = extracted(sphere(0.7, 8))
    gradients = []
    for _ in range(2):
        value = term.evaluate(evaluation_of(surface, target), None)
        gradients.append(torch.autograd.grad(value, surface.vertices)[0])
    assert torch.equal(*gradients)
    assert bool(gradients[0].any())


@pytest.mark.parametrize(
    "registered",
    [
        verification.fit_gradient,
        verification.normals_gradient,
        verification.smoothness_gradient,
        verification.volume_gradient,
        verification.masked_gradients,
        verification.no_go_gradient,
        verification.no_go_sphere,
        verification.fit_offset_sphere,
        verification.volume_cube,
    ],
)
def test_checks_against_theory_pass(registered: Callable[[], CheckResult]) -> None:
    result = registered()
    assert result.passed, result


def test_every_kind_of_term_has_words_and_a_schema() -> None:
    entries = term_entries()
    assert {"fit", "normals", "field", "even-faces", "smoothness", "volume", "handle", "no-go"} <= {
        e.kind for e in entries
    }
    for entry in entries:
        assert entry.title and entry.formula and entry.help.rstrip().endswith(".")
        assert entry.schema_["type"] == "object"
