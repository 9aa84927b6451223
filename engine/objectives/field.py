"""Field samples: the grid's field against the target's signed distance, value and sign."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.core.leaves import State
from engine.core.parameters import ParameterModel, parameter
from engine.objectives.evaluation import Evaluation
from engine.objectives.term import Term, register
from engine.surfaces.fitting import clamped_errors
from engine.surfaces.surface import GridField, Surface


@register
class FieldSamples(Term):
    """Mean difference between the field and the target's signed distance d, cut off at `band` cells.

    Within the band |s − d| counts; beyond it only that s lies beyond the band too, on the right side. So a start that
    knows nothing of the target finds its inside and outside everywhere, and no floaters are left.
    """

    kind: ClassVar[str] = "field"
    needs_target: ClassVar[bool] = True
    surfaces: ClassVar[tuple[str, ...]] = ("flexicubes", "g-shell")
    title: ClassVar[str] = "Inside and outside"
    help: ClassVar[str] = (
        "Tells every grid node whether it lies inside the target and how far from its surface. It leads at the "
        "beginning of starts from a sphere or from noise, so that they find the right topology, and then fades away; "
        "a start whose signs are right does without."
    )
    formula: ClassVar[str] = "mean |s − d| / τ,  one-sided where |d| ≥ τ"
    source: ClassVar[str] = "SDF supervision: Park et al., DeepSDF, 2019, equation 4 (clamped)"

    class Parameters(ParameterModel):
        band: float = parameter(
            2.0, title="Band", unit="cells", gt=0.0, le=32.0, live=True, advanced=True,
            help="Up to this distance from the target the values themselves count, beyond only their signs.",
        )  # fmt: skip
        leads_until: float = parameter(
            0.08, title="Leads until", ge=0.0, le=1.0, live=True, advanced=True,
            help="Up to this part of the Run the Terms on the surface wait for it: a surface of noise is not worth "
            "fitting.",
        )  # fmt: skip
        fades_from: float = parameter(
            0.15, title="Fades from", ge=0.0, le=1.0, live=True, help="Part of the Run after which it begins to fade."
        )
        fades_to: float = parameter(
            0.3, title="Gone at", ge=0.0, le=1.0, live=True, help="Part of the Run after which it is gone."
        )

    parameters: Parameters
    needs_surface: ClassVar[bool] = False
    _resolution: int = 0
    _index: Tensor | None = None
    _wanted: Tensor | None = None

    def prepare(self, design: Surface, progress: float) -> None:
        grid = _grid_field(design)
        if self._fading(progress) <= 0.0 or grid.resolution == self._resolution:
            return
        if self._index is not None and not len(self._index):
            # It rests since the start: whatever a finer grid disagrees on is for the other Terms, which it would halt.
            self._resolution = grid.resolution
            return
        distance = self._distances(grid.resolution)
        now = grid.field().to(torch.float32).reshape(-1)
        wrong = (now < 0) != (distance < 0)
        if bool(wrong.any()):
            wrong |= distance.abs() < self._cut(grid.resolution)
        index = torch.nonzero(wrong)[:, 0]
        self._take(index, grid.resolution)
        grid.activate_nodes(index)

    def surface_changed(self) -> None:
        if self._index is not None and len(self._index):
            self._resolution = 0  # its nodes are asked for anew

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        grid = _grid_field(design)
        if self._index is None or self._wanted is None or not len(self._index):
            return design.tensors()["field"].sum() * 0.0
        cut = self._cut(grid.resolution)
        values = grid.node_values(self._index)
        return clamped_errors(values, self._wanted.to(values.dtype), cut).mean() / cut

    def leads(self, progress: float) -> bool:
        return progress < self.parameters.leads_until

    def schedule(self, progress: float) -> float:
        if self._index is not None and not len(self._index):
            return 0.0
        return self._fading(progress)

    def _fading(self, progress: float) -> float:
        begin, end = self.parameters.fades_from, max(self.parameters.fades_to, self.parameters.fades_from + 1e-9)
        return min(1.0, max(0.0, (end - progress) / (end - begin)))

    def state(self) -> State:
        if self._index is None:
            return {}
        return {"resolution": self._resolution, "index": self._index.cpu().numpy().astype(np.int32)}

    def restore(self, state: State) -> None:
        self._resolution, self._index, self._wanted = 0, None, None
        if state:
            index = torch.from_numpy(np.array(state["index"], np.int64)).to(self.context.device.torch)
            self._take(index, int(np.asarray(state["resolution"])))

    def _take(self, index: Tensor, resolution: int) -> None:
        self._index, self._resolution = index, resolution
        self._wanted = self._distances(resolution)[index]

    def _distances(self, resolution: int) -> Tensor:
        return self.context.require_target(self.title).distance_field(resolution).reshape(-1)

    def _cut(self, resolution: int) -> float:
        return self.parameters.band * 2.0 / resolution


def _grid_field(design: Surface) -> GridField:
    if not isinstance(design, GridField):
        raise ParameterError("field", "this surface has no field on a grid.", remedy="Remove this Term.")
    return design
