"""Regularisers of the grid's surface: evenly built faces, few sign changes, quiet weights."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from engine.core.errors import ParameterError
from engine.core.parameters import ParameterModel, parameter
from engine.objectives.evaluation import Evaluation
from engine.objectives.term import Term, register
from engine.surfaces.surface import GridPlaces, Surface


@register
class EvenFaces(Term):
    """L_dev: how far a dual vertex is from being equally far from the crossings that it comes from."""

    kind: ClassVar[str] = "even-faces"
    surfaces: ClassVar[tuple[str, ...]] = ("flexicubes", "g-shell")
    title: ClassVar[str] = "Even faces"
    help: ClassVar[str] = (
        "Keeps the surface's vertices in the middle of what they stand for, so that faces stay regular."
    )
    formula: ClassVar[str] = "L_dev = mean over dual vertices of the mean absolute deviation of |u_e − v|"
    source: ClassVar[str] = "Shen et al., FlexiCubes, 2023, section 4.4"
    unit: ClassVar[str] = "of a side of 1.8"
    maskable: ClassVar[bool] = True

    class Parameters(ParameterModel):
        pass

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        regularity = evaluation.surface.regularity
        if self.where is not None:
            factor = evaluation.factor(self.where, evaluation.positions)[: len(regularity)]
            regularity = regularity * factor.to(regularity.dtype)
        return regularity.mean() if len(regularity) else regularity.sum()


@register
class FewSignChanges(Term):
    """Binary cross-entropy between the two ends of every sign-changing edge, fading over the first quarter."""

    kind: ClassVar[str] = "sign-changes"
    surfaces: ClassVar[tuple[str, ...]] = ("flexicubes", "g-shell")
    title: ClassVar[str] = "Few sign changes"
    help: ClassVar[str] = (
        "Closes small holes and removes specks at the beginning of a descent: strong at first, weak after the first "
        "quarter of the Run."
    )
    formula: ClassVar[str] = "mean H(σ(s_a), s_b > 0) + H(σ(s_b), s_a > 0)"
    source: ClassVar[str] = "Munkberg et al., nvdiffrec, 2022; weight 0.2 → 0.01 as in FlexiCubes"
    maskable: ClassVar[bool] = True

    class Parameters(ParameterModel):
        final_share: float = parameter(
            0.05, title="Share that stays", ge=0.0, le=1.0, live=True, advanced=True,
            help="Part of the weight that is left after the first quarter of the Run.",
        )  # fmt: skip

    parameters: Parameters

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        values = evaluation.surface.crossing_values
        if not len(values):
            return values.sum()
        # Each end is asked for the sign of the other.
        wanted = (values.detach().flip(1) > 0.0).to(values.dtype)
        weight = None
        if self.where is not None:
            weight = self.where.at(_places(design).crossing_positions()).to(values.dtype)[:, None]
        return 2.0 * binary_cross_entropy_with_logits(values, wanted, weight=weight)

    def schedule(self, progress: float) -> float:
        return max(1.0 - (1.0 - self.parameters.final_share) * 4.0 * progress, self.parameters.final_share)


@register
class QuietWeights(Term):
    """Mean magnitude of the raw cell weights: they leave neutral only where that serves another Term."""

    kind: ClassVar[str] = "quiet-weights"
    surfaces: ClassVar[tuple[str, ...]] = ("flexicubes", "g-shell")
    title: ClassVar[str] = "Quiet weights"
    help: ClassVar[str] = "Keeps the weights inside the cells near neutral where nothing asks for more."
    formula: ClassVar[str] = "mean |raw weight|"
    source: ClassVar[str] = "Shen et al., FlexiCubes, 2023"
    needs_surface: ClassVar[bool] = False
    maskable: ClassVar[bool] = True

    class Parameters(ParameterModel):
        pass

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        weights = design.tensors()["weights"]
        if not weights.numel():
            return weights.sum()
        if self.where is None:
            return weights.abs().mean()
        factor = self.where.at(_places(design).cell_positions()).to(weights.dtype)
        return (factor * weights.abs().mean(dim=1)).mean()

    def fits(self, design: Any) -> bool:
        return "weights" in design.tensors() and super().fits(design)


def _places(design: Surface) -> GridPlaces:
    if not isinstance(design, GridPlaces):
        raise ParameterError("mask", "this surface has no grid to find a place in.", remedy="Take the mask away.")
    return design
