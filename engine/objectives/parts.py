"""Parts: as many separate pieces as wanted, without floaters and without hidden cavities."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from engine.core.parameters import ParameterModel, parameter
from engine.geometry.topology import components
from engine.objectives.areas import weighted_area
from engine.objectives.evaluation import Evaluation
from engine.objectives.shape_loss import shape_loss
from engine.objectives.term import Term, register
from engine.surfaces.surface import Surface


@register
class Parts(Term):
    """Area of what is too much, relative to the whole area.

    The pieces of the surface are ranked by area; those that enclose a negative volume are cavities and no parts. The
    parts after the wanted ones shrink by the flow of their area, which is mean curvature flow, until they vanish. A
    part that is missing is not made: there is no gradient to it, and the value is zero.
    """

    kind: ClassVar[str] = "parts"
    title: ClassVar[str] = "Number of parts"
    help: ClassVar[str] = (
        "Shrinks floating specks until only the largest pieces are left, as many as you want. Where there are fewer, "
        "nothing happens."
    )
    formula: ClassVar[str] = "Σ area of the pieces beyond the N largest / whole area"
    source: ClassVar[str] = "Gradient of area: Desbrun et al., Implicit fairing, 1999"
    leaves_target: ClassVar[bool] = True

    class Parameters(ParameterModel):
        parts: int = parameter(1, title="Wanted parts", ge=1, live=True, help="How many of the largest pieces stay.")
        fill_cavities: bool = parameter(
            False, title="Fill cavities", live=True, help="Closed hollows inside the body shrink too."
        )

    parameters: Parameters

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        if evaluation.is_empty:
            return evaluation.vertices.sum() * 0.0
        unwanted = torch.from_numpy(self._unwanted_faces(evaluation)).to(evaluation.positions)
        if not bool(unwanted.any()):
            return evaluation.vertices.sum() * 0.0
        whole, of_whole = weighted_area(evaluation, torch.ones_like(unwanted))
        area, of_area = weighted_area(evaluation, unwanted)
        share = area / whole
        return shape_loss(evaluation.vertices, share, (of_area - share * of_whole) / whole, name=self.title)

    def _unwanted_faces(self, evaluation: Evaluation) -> np.ndarray:
        triangles, positions = evaluation.triangles.cpu().numpy(), evaluation.positions.cpu().numpy()
        of_vertex = components(triangles.reshape(-1), np.roll(triangles, -1, axis=1).reshape(-1), len(positions))
        part = of_vertex[triangles[:, 0]]
        a, b, c = positions[triangles].swapaxes(0, 1)
        count = int(of_vertex.max()) + 1
        area = np.bincount(part, np.linalg.norm(np.cross(b - a, c - a), axis=1), count)
        volume = np.bincount(part, np.einsum("ij,ij->i", a, np.cross(b, c)), count)
        closed = np.ones(count, bool)
        closed[of_vertex[evaluation.surface.boundary[:, 0].cpu().numpy()]] = False
        cavity = closed & (volume < 0.0)
        bodies = np.flatnonzero((area > 0.0) & ~cavity)
        ranked = bodies[np.argsort(-area[bodies], kind="stable")]
        unwanted = np.zeros(count, bool)
        unwanted[ranked[self.parameters.parts :]] = True
        if self.parameters.fill_cavities:
            unwanted |= cavity
        return unwanted[part]
