"""Regularisers of an open surface: how much of it is open, and where a person says that it should be.

They see the manifold signed distance ν (mSDF) alone: the surface's position stays as it is under them.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import huber_loss

from engine.core.errors import ParameterError
from engine.core.parameters import ParameterModel, parameter
from engine.objectives.evaluation import Evaluation
from engine.objectives.term import Term, register
from engine.surfaces.surface import ExtractedSurface, Surface

SOURCE = "Liu et al., Ghost on the Shell, ICLR 2024, arXiv 2310.15168, section 5"

MARGIN = 1e-3
"""ε of the paper, working lengths: beyond it on its side, ν pulls no more."""

REFERENCE_RESOLUTION = 64
"""Cells a side of the grid that the paper's weights are for."""


EIKONAL_SHARES = ((0.4, 1.0 / 30.0), (0.1, 1.0 / 3.0), (0.0, 1.0))
"""Part of a Run from which the template's distance counts so much, last first: 0.3, from iteration 500 of 5000 on 0.1,
from 2000 on 0.01."""


def resolution_scale(surface: ExtractedSurface) -> float:
    """(64/n)³ for a grid of n cells a side."""
    return float((REFERENCE_RESOLUTION * surface.cell_size / 2.0) ** 3)


@register
class Opening(Term):
    """Pushes ν down everywhere on the template, so that what nothing asks for opens."""

    kind: ClassVar[str] = "open"
    title: ClassVar[str] = "Open what is not needed"
    help: ClassVar[str] = (
        "A weak pull towards open everywhere: of a surface that begins closed, the parts that no data hold go away."
    )
    formula: ClassVar[str] = "(64/n)³ Σ Huber(max(ν, −ε) + ε)"
    source: ClassVar[str] = SOURCE
    surfaces: ClassVar[tuple[str, ...]] = ("g-shell",)
    maskable: ClassVar[bool] = True

    class Parameters(ParameterModel):
        pass

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        msdf = evaluation.surface.template_msdf
        wanted = torch.full_like(msdf, -MARGIN)
        values = huber_loss(msdf.clamp(min=-MARGIN), wanted, reduction="none")
        if self.where is not None:
            values = values * self.where.at(evaluation.surface.template_vertices).to(values.dtype)
        return values.sum() * resolution_scale(evaluation.surface)


@register
class Closing(Term):
    """Pushes ν up along the border, so that openings shrink until the data stop them."""

    kind: ClassVar[str] = "close"
    title: ClassVar[str] = "Close what is open"
    help: ClassVar[str] = "A weak pull outward along the border, against openings that no data ask for."
    formula: ClassVar[str] = "(64/n)³ Σ_border Huber(min(ν, ε) − ε)"
    source: ClassVar[str] = SOURCE
    surfaces: ClassVar[tuple[str, ...]] = ("g-shell",)
    maskable: ClassVar[bool] = True

    class Parameters(ParameterModel):
        pass

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        surface = evaluation.surface
        border = torch.unique(surface.boundary).to(torch.int64)
        msdf = surface.msdf[border] if len(surface.msdf) else surface.vertices.new_zeros(0)
        values = huber_loss(msdf.clamp(max=MARGIN), torch.full_like(msdf, MARGIN), reduction="none")
        if self.where is not None:
            values = values * self.where.at(surface.vertices.detach()[border]).to(values.dtype)
        return values.sum() * resolution_scale(surface)


@register
class TemplateEikonal(Term):
    """Mean of (|∇s| − 1)² in the cells that the template passes through; strong at first, as in the paper."""

    kind: ClassVar[str] = "template-distance"
    title: ClassVar[str] = "Keep the template a distance"
    help: ClassVar[str] = (
        "Keeps the field of the closed surface, of which the open one is a part, one more for every step away from it: "
        "what is hidden stays smooth and easy to move."
    )
    formula: ClassVar[str] = "mean (|∇s| − 1)²"
    source: ClassVar[str] = SOURCE + "; weight 0.3 → 0.1 → 0.01"
    surfaces: ClassVar[tuple[str, ...]] = ("g-shell",)
    needs_surface: ClassVar[bool] = False

    class Parameters(ParameterModel):
        pass

    def schedule(self, progress: float) -> float:
        return next(share for begin, share in EIKONAL_SHARES if progress >= begin)

    def evaluate(self, evaluation: Evaluation, design: Any) -> Tensor:
        lengths = design.gradient_lengths()
        return ((lengths - 1.0) ** 2).mean() if len(lengths) else lengths.sum()


class Painted(Term):
    """The mean over a mask of how far ν is from being `margin` cells on one side."""

    surfaces: ClassVar[tuple[str, ...]] = ("g-shell",)
    source: ClassVar[str] = "one-sided distance to a painted side"
    unit: ClassVar[str] = "cells"
    maskable: ClassVar[bool] = True
    needs_mask: ClassVar[bool] = True
    side: ClassVar[float]

    class Parameters(ParameterModel):
        margin: float = parameter(
            1.0, title="Margin", unit="cells", gt=0.0, le=100.0, soft_max=5.0, live=True, advanced=True,
            help="How far from the border the painted places should be.",
        )  # fmt: skip

    parameters: Parameters

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        surface = evaluation.surface
        if self.where is None:
            raise ParameterError(self.kind, "it needs a mask that says where.", remedy="Paint a mask and choose it.")
        painted = self.where.at(surface.template_vertices).to(surface.template_msdf.dtype)
        short = (self.parameters.margin - self.side * surface.template_msdf / surface.cell_size).clamp(min=0.0)
        return (painted * short).sum() / painted.sum().clamp(min=1e-12)


@register
class OpenHere(Painted):
    """Opens the surface where a mask is painted."""

    kind: ClassVar[str] = "open-here"
    title: ClassVar[str] = "Open here"
    help: ClassVar[str] = "Opens the surface where the mask is painted, and keeps it open."
    formula: ClassVar[str] = "mean over the mask of max(m + ν/h, 0)"
    side: ClassVar[float] = -1.0


@register
class ClosedHere(Painted):
    """Closes the surface where a mask is painted."""

    kind: ClassVar[str] = "closed-here"
    title: ClassVar[str] = "Closed here"
    help: ClassVar[str] = "Lets the surface go on where the mask is painted, over holes that its template spans."
    formula: ClassVar[str] = "mean over the mask of max(m − ν/h, 0)"
    side: ClassVar[float] = 1.0
