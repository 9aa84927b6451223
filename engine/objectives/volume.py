"""Volume: how much the surface encloses."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from engine.core import bridge
from engine.core.leaves import State
from engine.core.parameters import ParameterModel, parameter
from engine.objectives import kernels
from engine.objectives.evaluation import Evaluation
from engine.objectives.shape_loss import shape_loss, zeros_like_vertices
from engine.objectives.term import Term, register
from engine.surfaces.surface import Surface


def enclosed_volume(evaluation: Evaluation) -> tuple[Tensor, Tensor]:
    """Volume inside the surface (working frame) and its gradient on the vertices, by the divergence theorem."""
    gradient = zeros_like_vertices(evaluation.positions)
    values = evaluation.positions.new_zeros(len(evaluation.triangles))
    bridge.launch(
        kernels.enclosed_volume,
        len(values),
        [evaluation.positions, evaluation.triangles, values, gradient],
        device=values.device,
    )
    return values.sum(), gradient


@register
class Volume(Term):
    """Squared relative deviation of the enclosed volume from the wanted one."""

    kind: ClassVar[str] = "volume"
    title: ClassVar[str] = "Volume"
    help: ClassVar[str] = "Holds the volume inside the surface at a value of yours, or at what it is now."
    formula: ClassVar[str] = "(V / V_wanted − 1)²,  V = Σ a·(b × c) / 6"
    source: ClassVar[str] = "Divergence theorem; Zhang and Chen, Efficient feature extraction for meshes, 2001"
    leaves_target: ClassVar[bool] = True

    class Parameters(ParameterModel):
        volume: float = parameter(
            0.0, title="Wanted volume", unit="mm³", ge=0.0, live=True,
            help="Volume that the surface should enclose. 0: the volume at which this Term begins.",
        )  # fmt: skip

    parameters: Parameters
    _begun_at: float = 0.0

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        if evaluation.is_empty:
            return evaluation.vertices.sum() * 0.0
        volume, gradient = enclosed_volume(evaluation)
        if not self._begun_at:
            self._begun_at = max(float(volume), 1e-12)
        wanted = self.parameters.volume * self.context.frame.scale**3 or self._begun_at
        deviation = volume / wanted - 1.0
        return shape_loss(evaluation.vertices, deviation**2, (2.0 / wanted) * deviation * gradient, name=self.title)

    def state(self) -> State:
        return {"begun_at": self._begun_at}

    def restore(self, state: State) -> None:
        self._begun_at = float(state["begun_at"])  # type: ignore[arg-type]  # written by `state` as a float
