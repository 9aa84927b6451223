"""A small study with an analytic solution: a sphere of vertices whose radii descend to a target radius.

Its leaf covers only the rings that are "touched"; more rings join while it descends, as cells join an active set.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import GeometryError, ParameterError
from engine.core.leaves import Remap, State
from engine.geometry.mesh import Mesh
from engine.protocol import edits as edit_kinds
from engine.protocol.edits import Edit
from engine.protocol.study import Study, TermSpec

SEGMENTS = 16


class SphereProblem:
    """radius_i -> target, with a noisy Term and a Term "bomb" that becomes NaN at one iteration, if the mean radius is
    above `bomb_above` then: smaller steps may help."""

    def __init__(
        self,
        *,
        rings: int = 12,
        active: int | None = None,
        grow: int = 0,
        seed: int = 0,
        bomb_at: int = -1,
        bomb: str = "value",
        bomb_above: float = 0.0,
        sleep: float = 0.0,
        noise: float = 1.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.device = Device("cpu")
        self.iterations = 50
        self.rings, self.grow, self.sleep, self.dtype = rings, grow, sleep, dtype
        self.bomb_at, self.bomb, self.bomb_above = bomb_at, bomb, bomb_above
        self.generator = torch.Generator().manual_seed(seed)
        self.target = 2.0
        self.radii = torch.ones((active or rings) * SEGMENTS, dtype=dtype, requires_grad=True)
        self.frozen = torch.zeros(rings * SEGMENTS, dtype=torch.bool)
        self.specs = [
            TermSpec(kind="fit", name="fit", weight=1.0),
            TermSpec(kind="noise", name="noise", weight=0.1 * noise),
        ]
        if bomb_at >= 0:
            self.specs.append(TermSpec(kind="bomb", name="bomb", weight=1.0))
        self.iteration = 0
        self.evaluations = 0
        self.wanted_rings = rings
        self.samples = torch.rand(rings * SEGMENTS, generator=self.generator, dtype=dtype)

    def tensors(self) -> dict[str, Tensor]:
        return {"radii": self.radii}

    def learning_rate_factors(self) -> dict[str, float]:
        return {}

    def prepare(self, iteration: int, iterations: int) -> list[Remap]:
        if self.sleep:
            time.sleep(self.sleep)
        self.iteration = iteration
        wanted = self.wanted_rings * SEGMENTS
        grown = min(len(self.radii) + self.grow * SEGMENTS, wanted) if self.wanted_rings == self.rings else wanted
        remaps = []
        if grown != len(self.radii):
            remaps = [self._resize(grown)]
        self.rings = self.wanted_rings
        if len(self.frozen) != self.rings * SEGMENTS:
            self.frozen = torch.zeros(self.rings * SEGMENTS, dtype=torch.bool)
        self.samples = torch.rand(self.rings * SEGMENTS, generator=self.generator, dtype=self.dtype)
        return remaps

    def _resize(self, count: int) -> Remap:
        old = self.radii

        def pad(tensor: Tensor, fill: float) -> Tensor:
            padded = torch.full((count,), fill, dtype=tensor.dtype)
            shared = min(len(tensor), count)
            padded[:shared] = tensor.detach()[:shared]
            return padded

        self.radii = pad(old, 1.0).requires_grad_()
        return Remap("radii", old, self.radii, lambda moment: pad(moment, 0.0))

    def evaluate(self) -> dict[str, Tensor]:
        self.evaluations += 1
        values = {}
        for spec in self.specs:
            if not spec.enabled:
                continue
            if spec.kind == "fit":
                values[spec.name] = ((self.radii - self.target) ** 2).mean()
            elif spec.kind == "noise":
                values[spec.name] = (self.samples[: len(self.radii)] * self.radii**2).mean()
            elif spec.kind == "pull":
                values[spec.name] = (self.radii[0] - spec.parameters["radius"]) ** 2
            elif spec.kind == "bomb":
                values[spec.name] = self._bomb()
        return values

    def _bomb(self) -> Tensor:
        zero = (self.radii * 0.0).sum()
        if self.iteration != self.bomb_at or float(self.radii.detach().mean()) <= self.bomb_above:
            return zero
        if self.bomb == "raise":
            raise RuntimeError("a fault inside a Term")
        if self.bomb == "gradient":
            return torch.sqrt((self.radii * 0.0).sum())
        return zero + float("nan")

    def weights(self) -> dict[str, float]:
        return {spec.name: spec.weight for spec in self.specs if spec.enabled}

    def elsewhere(self, count: int) -> None:
        return None

    def mask_gradients(self) -> None:
        if self.radii.grad is not None:
            self.radii.grad[self.frozen[: len(self.radii)]] = 0.0

    def after_step(self) -> None:
        with torch.no_grad():
            self.radii.clamp_(min=0.1)

    def terms(self) -> list[TermSpec]:
        return list(self.specs)

    def apply(self, edit: Edit) -> Edit | None:
        names = [spec.name for spec in self.specs]
        match edit:
            case edit_kinds.SetWeight():
                if edit.term not in names:
                    raise ParameterError(edit.term, "there is no such Term.")
                spec = self.specs[names.index(edit.term)]
                inverse = edit_kinds.SetWeight(term=edit.term, weight=spec.weight)
                spec.weight = edit.weight
                return inverse
            case edit_kinds.SetParameter(owner="study", name="rings"):
                inverse = edit.model_copy(update={"value": self.rings})
                self.wanted_rings = int(edit.value)
                return inverse
            case edit_kinds.AddTerm():
                self.specs.append(edit.spec)
                return edit_kinds.RemoveTerm(term=edit.spec.name)
            case edit_kinds.RemoveTerm():
                spec = self.specs.pop(names.index(edit.term))
                return edit_kinds.AddTerm(spec=spec)
            case edit_kinds.PaintFreeze():
                self.frozen[: SEGMENTS // 2] = edit.frozen
                return edit.model_copy(update={"frozen": not edit.frozen})
        raise ParameterError("edit", "this study does not know it.")

    def state(self) -> State:
        return {
            "radii": self.radii.detach().numpy().copy(),
            "rings": self.rings,
            "wanted_rings": self.wanted_rings,
            "frozen": self.frozen.numpy().copy(),
            "samples": self.samples.numpy().copy(),
            "generator": self.generator.get_state().numpy().copy(),
            "terms": [spec.model_dump(mode="json") for spec in self.specs],
        }

    def restore(self, state: State) -> None:
        values: dict[str, Any] = dict(state)
        self.radii = torch.tensor(values["radii"], dtype=self.dtype).requires_grad_()
        self.rings, self.wanted_rings = values["rings"], values["wanted_rings"]
        self.frozen = torch.tensor(values["frozen"])
        self.samples = torch.tensor(values["samples"])
        self.generator.set_state(torch.tensor(values["generator"]))
        self.specs = [TermSpec.model_validate(spec) for spec in values["terms"]]

    def view(self) -> tuple[tuple[float, float, float], dict[str, np.ndarray], dict[str, Any]]:
        vertices, triangles = self._surface()
        arrays = {
            "vertices": vertices.astype(np.float32),
            "triangles": triangles,
            "sensitivity": np.linalg.norm(vertices, axis=1).astype(np.float32),
        }
        return (1000.0, 0.0, 0.0), arrays, {"vertex_count": len(vertices), "triangle_count": len(triangles)}

    def topology(self) -> tuple[int, int]:
        return 0, 1

    def result_mesh(self) -> Mesh:
        vertices, triangles = self._surface()
        return Mesh(vertices + np.array([1000.0, 0.0, 0.0]), triangles)

    def quality_sheet(self) -> dict[str, Any]:
        return {"watertight": False, "mean_radius": float(self.radii.detach().mean())}

    @property
    def notes(self) -> tuple[str, ...]:
        return ()

    def thumbnail(self, size: int = 96) -> np.ndarray:
        return np.full((size, size, 3), int(self.radii.detach().mean() * 50), dtype=np.uint8)

    def _surface(self) -> tuple[np.ndarray, np.ndarray]:
        """A tube of rings on the sphere, open at the poles."""
        rings = len(self.radii) // SEGMENTS
        polar = np.linspace(0.1, np.pi - 0.1, rings)[:, None]
        azimuth = np.linspace(0.0, 2.0 * np.pi, SEGMENTS, endpoint=False)[None, :]
        unit = np.stack(
            [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar) + 0.0 * azimuth], axis=-1
        )
        first = np.arange((rings - 1) * SEGMENTS).reshape(rings - 1, SEGMENTS)
        right, below = np.roll(first, -1, axis=1), first + SEGMENTS
        corner = np.roll(below, -1, axis=1)
        triangles = np.concatenate([np.stack([first, below, right], -1), np.stack([right, below, corner], -1)])
        vertices = unit.reshape(-1, 3) * self.radii.detach().numpy().astype(np.float64)[:, None]
        return vertices, triangles.reshape(-1, 3).astype(np.int32)


def build(study: Study, inputs: dict[str, Any], progress: Callable[[str, float | None], None]) -> SphereProblem:
    """The study's factory. Parameters `fault` ("build", "geometry", "exit") make it fail in a chosen way."""
    parameters = dict(study.parameters)
    parameters.pop("iterations", None)
    fault = parameters.pop("fault", "")
    steps = int(parameters.pop("steps", 2))
    for step in range(steps):
        progress("Preparing the sphere", step / steps)
        time.sleep(float(parameters.get("sleep", 0.0)))
    if fault == "build":
        raise RuntimeError("the factory has a fault")
    if fault == "geometry":
        raise GeometryError("target is empty: it has no points.", remedy="Open another file.")
    return SphereProblem(**parameters)
