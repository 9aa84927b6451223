"""Terms on a field that can be asked anywhere, as a network's: it should be a distance, and that to the target."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from engine.core.parameters import ParameterModel, parameter
from engine.geometry.start import EXACT_CELLS, grid_nodes
from engine.objectives.evaluation import Evaluation
from engine.objectives.term import Term, register
from engine.surfaces.fitting import clamped_errors
from engine.surfaces.surface import ImplicitField

NEAR_SHARE = 0.8
"""Part of the places that lies near the surface, where a distance means most."""

SPREAD = 2.0
"""Cells: standard deviation of places round the surface."""


@register
class Eikonal(Term):
    """Mean of (|∇s| − 1)² at places round the surface and all over the cube."""

    kind: ClassVar[str] = "eikonal"
    title: ClassVar[str] = "Distance field"
    help: ClassVar[str] = (
        "Keeps a network's field a distance: one more for every step away from the surface. It smooths what the data "
        "leave open, and keeps the surface easy to move."
    )
    formula: ClassVar[str] = "mean (|∇s| − 1)²"
    source: ClassVar[str] = "Gropp et al., Implicit geometric regularization, 2020, equation 2"
    surfaces: ClassVar[tuple[str, ...]] = ("deepmesh",)

    class Parameters(ParameterModel):
        places: int = parameter(
            2000, title="Places", ge=10, le=1000000, soft_max=20000, live=True, advanced=True,
            help="Places that are looked at in every iteration, drawn anew each time.",
        )  # fmt: skip

    parameters: Parameters

    def evaluate(self, evaluation: Evaluation, design: Any) -> Tensor:
        places = _round_surface(evaluation, self.parameters.places).requires_grad_()
        values = design.values_at(places)
        (gradients,) = torch.autograd.grad(values.sum(), places, create_graph=True)
        return ((torch.linalg.vector_norm(gradients, dim=1) - 1.0) ** 2).mean()

    def fits(self, design: Any) -> bool:
        return isinstance(design, ImplicitField) and design.distance_kind != "occupancy" and super().fits(design)


@register
class Distances(Term):
    """Mean |s − d| against the target's signed distance d at nodes of the grid; beyond `band` cells only the side
    counts."""

    kind: ClassVar[str] = "distances"
    needs_target: ClassVar[bool] = True
    title: ClassVar[str] = "Distances round the target"
    help: ClassVar[str] = (
        "Compares a network's field with the distance to the target all over the grid. So nothing comes up far from "
        "the target, and a network finds parts that its surface does not have yet."
    )
    formula: ClassVar[str] = "mean |s − d| / τ,  one-sided where |d| ≥ τ"
    source: ClassVar[str] = "Park et al., DeepSDF, 2019, equation 4"
    surfaces: ClassVar[tuple[str, ...]] = ("deepmesh",)
    needs_surface: ClassVar[bool] = False

    class Parameters(ParameterModel):
        band: float = parameter(
            2.0, title="Band", unit="cells", gt=0.0, le=32.0, live=True, advanced=True,
            help="Of distances beyond only the side counts.",
        )  # fmt: skip
        places: int = parameter(
            4000, title="Places", ge=10, le=1000000, soft_max=20000, live=True, advanced=True,
            help="Places that are looked at in every iteration, drawn anew each time.",
        )  # fmt: skip

    parameters: Parameters
    _resolution: int = 0
    _distances: Tensor
    _near: Tensor
    _nodes: Tensor

    def evaluate(self, evaluation: Evaluation, design: Any) -> Tensor:
        self._look_up(design.resolution)
        cut = self.parameters.band * design.cell_size
        near = int(self.parameters.places * NEAR_SHARE)
        index = torch.cat(
            [
                self._near[_drawn(near, len(self._near), evaluation)],
                _drawn(self.parameters.places - near, len(self._distances), evaluation),
            ]
        )
        values = design.values_at(self._nodes[index].to(design.dtype))
        wanted = self._distances[index].to(values.dtype)
        if design.distance_kind == "unsigned":
            wanted = wanted.abs()
        return clamped_errors(values, wanted, cut).mean() / cut

    def fits(self, design: Any) -> bool:
        return isinstance(design, ImplicitField) and design.distance_kind != "occupancy" and super().fits(design)

    def _look_up(self, resolution: int) -> None:
        if resolution == self._resolution:
            return
        target = self.context.require_target(self.title)
        self._distances = target.distance_field(resolution).reshape(-1)
        self._nodes = grid_nodes(resolution, self._distances.device).reshape(-1, 3)
        near = self._distances.abs() <= EXACT_CELLS * 2.0 / resolution
        self._near = torch.nonzero(near)[:, 0] if bool(near.any()) else torch.arange(len(near), device=near.device)
        self._resolution = resolution


@register
class LatentPrior(Term):
    """Mean square of the components of a latent whose components vary by one over what was learnt."""

    kind: ClassVar[str] = "latent-prior"
    title: ClassVar[str] = "Stay among what was learnt"
    help: ClassVar[str] = (
        "Keeps a shape of a Model close to those that it was learnt from: where the data say little, the usual shape "
        "is taken."
    )
    formula: ClassVar[str] = "|z|² / n"
    source: ClassVar[str] = "Park et al., DeepSDF, 2019, equation 10"
    surfaces: ClassVar[tuple[str, ...]] = ("deepmesh",)
    needs_surface: ClassVar[bool] = False

    def evaluate(self, evaluation: Evaluation, design: Any) -> Tensor:
        latent = design.tensors()["latent"]
        return (latent * latent).mean()

    def fits(self, design: Any) -> bool:
        return super().fits(design) and "latent" in design.tensors()


def _round_surface(evaluation: Evaluation, count: int) -> Tensor:
    """Places of no graph, most of them round the surface, shape (count, 3), in its dtype."""
    like = evaluation.vertices
    near = 0 if evaluation.is_empty else int(count * NEAR_SHARE)
    options: dict[str, Any] = {"generator": evaluation.generator, "device": like.device, "dtype": like.dtype}
    everywhere = torch.rand(count - near, 3, **options) * 2.0 - 1.0
    if not near:
        return everywhere
    chosen = _drawn(near, len(like), evaluation)
    noise = torch.randn(near, 3, **options) * (SPREAD * evaluation.surface.cell_size)
    return torch.cat([like.detach()[chosen] + noise, everywhere])


def _drawn(count: int, limit: int, evaluation: Evaluation) -> Tensor:
    generator = evaluation.generator
    return torch.randint(0, limit, (count,), generator=generator, device=generator.device)
