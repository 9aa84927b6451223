"""Area of the moving surface, or of some of its faces, with its gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.core import bridge
from engine.objectives import shape_kernels
from engine.objectives.evaluation import Evaluation
from engine.objectives.shape_loss import zeros_like_vertices


def weighted_area(evaluation: Evaluation, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Σ w A over the faces (working frame) and its gradient on the vertices; weight : float64 (triangle_count,)."""
    values, gradient = torch.zeros_like(weight), zeros_like_vertices(evaluation.positions)
    bridge.launch(
        shape_kernels.weighted_areas,
        len(weight),
        [evaluation.positions, evaluation.triangles, weight, values, gradient],
        device=weight.device,
    )
    return values.sum(), gradient
