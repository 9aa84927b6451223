"""Checks of the Terms on simulations: gradients against central differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.core.checks import CheckResult, check, compare
from engine.core.device import Device
from engine.geometry.frame import Frame
from engine.geometry.mesh import Mesh
from engine.objectives.moving import MotionContext, MotionEvaluation, MovingBody, Pattern, vertex_shares
from engine.objectives.recorded import RecordedMotion
from engine.objectives.target_shape import TargetShape
from engine.objectives.term import build_term, find_kind
from engine.protocol.study import TermSpec

CPU = Device("cpu")
SOURCE = "central differences, float64"


@dataclass(frozen=True)
class _Scene:
    """A rough sheet that moves, and what can be varied of it."""

    body: MovingBody
    motion: Tensor
    poses: Tensor
    pattern: Tensor
    angles: Tensor

    def evaluation(self, given: Mapping[str, Tensor]) -> MotionEvaluation:
        return MotionEvaluation(
            given["motion"],
            0.01,
            {"cloth": self.body},
            {"gripper": given["poses"]},
            Pattern(self.pattern, given["pattern"], self.body.triangles),
            given["angles"],
        )


def _scene(cells: int = 4, steps: int = 5) -> _Scene:
    """Vertices of a grid of 0.2 m, all of them a little off their places."""
    side = np.linspace(0.0, 0.2, cells + 1)
    flat = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    corner = (np.arange(cells)[:, None] * (cells + 1) + np.arange(cells)).reshape(-1)
    below = np.stack([corner, corner + cells + 1, corner + cells + 2], axis=1)
    above = np.stack([corner, corner + cells + 2, corner + 1], axis=1)
    generator = torch.Generator().manual_seed(4)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    start = torch.from_numpy(np.column_stack([flat, np.zeros(len(flat))]))
    motion = start + 0.004 * noise(steps + 1, len(flat), 3)
    poses = 0.3 * noise(steps + 1, 7)
    triangles = torch.from_numpy(np.concatenate([below, above]))
    return _Scene(
        MovingBody(slice(0, len(flat)), triangles, vertex_shares(start, triangles)),
        motion, poses, torch.from_numpy(flat), 0.5 * noise(3),
    )  # fmt: skip


def _contexts(scene: _Scene) -> Mapping[str, MotionContext]:
    """By study; targets and recordings lie beside the sheet, where nearest places are beyond doubt."""
    count = scene.motion.shape[1]
    generator = torch.Generator().manual_seed(5)
    beside = scene.motion[-1] + 0.02 * torch.randn(count, 3, generator=generator, dtype=torch.float64)
    target = Mesh(1e3 * beside.numpy(), scene.body.triangles.numpy().astype(np.int32))
    times = torch.linspace(0.004, 0.046, count, dtype=torch.float64)
    recording = RecordedMotion(times, beside, torch.arange(count))
    common = (Frame((0.0, 0.0, 0.0), 1e-3), None, CPU)
    return {
        study: MotionContext(*common, study, {"cloth": scene.body}, recording, TargetShape(target, CPU))
        for study in ("identify", "hold", "flat-pattern", "fold")
    }


def gradient_error(spec: TermSpec, study: str, *, step: float = 1e-7, directions: int = 4) -> float:
    """Largest difference between a Term's gradient and central differences of fourth order along random directions of
    all that it may look at, over the largest derivative."""
    scene = _scene()
    term = build_term(spec, _contexts(scene)[study])
    pattern = scene.pattern + 0.006 * torch.randn(
        scene.pattern.shape, generator=torch.Generator().manual_seed(6), dtype=torch.float64
    )
    inputs = {"motion": scene.motion, "poses": scene.poses, "pattern": pattern, "angles": scene.angles}
    leaves = {name: value.clone().requires_grad_() for name, value in inputs.items()}
    gradients = torch.autograd.grad(
        term.evaluate(scene.evaluation(leaves), None), list(leaves.values()), allow_unused=True
    )
    generator = torch.Generator().manual_seed(7)
    measured, expected = [], []
    for _ in range(directions):
        ways = {
            name: torch.randn(value.shape, generator=generator, dtype=torch.float64) for name, value in inputs.items()
        }

        def at(size: float, ways: Mapping[str, Tensor] = ways) -> float:
            moved = {name: value + size * step * ways[name] for name, value in inputs.items()}
            return float(term.evaluate(scene.evaluation(moved), None))

        expected.append((8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * step))
        measured.append(
            sum(
                float((gradient * way).sum())
                for gradient, way in zip(gradients, ways.values(), strict=True)
                if gradient is not None
            )
        )
    difference = np.abs(np.array(measured) - np.array(expected)).max()
    return float(difference / max(np.abs(expected).max(), 1e-300))


CASES: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "recorded-vertices": ("identify", {}),
    "recorded-surface": ("identify", {}),
    "end-shape": ("hold", {}),
    "end-point": ("fold", {"vertex": 7, "target": (10.0, 20.0, 30.0)}),
    "calm-motion": ("hold", {}),
    "speed-limit": ("hold", {"limit": 5.0}),
    "even-pattern": ("flat-pattern", {}),
    "gentle-folds": ("fold", {}),
}
"""Study and parameters of each kind of Term."""


def _register(kind: str, study: str, parameters: Mapping[str, object]) -> Callable[[], CheckResult]:
    case = f"objectives.{kind}-gradient"

    @check(case, title=f"{find_kind(kind).title}: the gradient agrees with central differences", source=SOURCE)
    def gradient() -> CheckResult:
        spec = TermSpec(kind=kind, name=kind, weight=1.0, parameters=dict(parameters))
        return compare(case, gradient_error(spec, study), 0.0, 1e-6)

    return gradient


CHECKS = [_register(kind, study, parameters) for kind, (study, parameters) in CASES.items()]


@check(
    "objectives.end-shape-vertices-gradient",
    title="Shape at the end, vertex by vertex: the gradient agrees with central differences",
    source=SOURCE,
)
def end_shape_vertices_gradient() -> CheckResult:
    spec = TermSpec(kind="end-shape", name="end-shape", weight=1.0, parameters={"pairing": "vertices"})
    return compare("objectives.end-shape-vertices-gradient", gradient_error(spec, "hold"), 0.0, 1e-6)
