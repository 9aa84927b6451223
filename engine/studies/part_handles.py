"""What handles hold of a part: for each the node where it was put."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.objectives.handle import Handle
from engine.protocol.study import TermSpec
from engine.studies.part_design import PartDesign
from engine.studies.term_set import TermSet

Hold = tuple[int, Tensor, float]
"""Number of a node, its target (dimension,), and how far around it the pull is felt, in the unit of the data."""


class PartHandles:
    """The handles among the Terms of a study; those that are switched off, or weigh nothing, hold nothing.

    length : of the unit of the data [mm]
    nodes : held by each, by the name of its Term
    """

    def __init__(self, terms: TermSet, dimension: int, length: float) -> None:
        self._terms = terms
        self._dimension = dimension
        self._length = length
        self.nodes: dict[str, int] = {}

    def check(self, spec: TermSpec, world: Callable[[], np.ndarray], design: PartDesign) -> None:
        """Raises `ParameterError` where a handle that is to come would hold what cannot be pulled. As `look`."""
        if spec.kind == Handle.kind:
            anchor = Handle.Parameters.parse(spec.parameters, owner=spec.name).anchor
            distance = np.linalg.norm(world() - anchor, axis=1)
            if not design.moves(design.anchor(int(distance.argmin()))):
                raise ParameterError(
                    spec.name, "the shapes that the Model has learnt are all alike here.",
                    remedy='Drag a place where they differ, or begin a run whose Shape is free (freedom = "free").',
                )  # fmt: skip

    def look(self, world: Callable[[], np.ndarray], design: PartDesign) -> None:
        """Find the node that each new handle holds: the nearest to where it was put on the part as it is.

        world : positions of the nodes [mm], shape (node_count, 3)
        """
        handles = self._present()
        self.nodes = {name: node for name, node in self.nodes.items() if name in handles}
        for name, handle in handles.items():
            if name not in self.nodes:
                distance = np.linalg.norm(world() - handle.parameters.anchor, axis=1)
                self.nodes[name] = design.anchor(int(distance.argmin()))

    def holds(self) -> list[Hold]:
        """What they hold, and where it is to be."""
        return [
            (
                self.nodes[name],
                torch.tensor(handle.parameters.target[: self._dimension], dtype=torch.float64) / self._length,
                handle.parameters.radius / self._length,
            )
            for name, handle in self._present().items()
            if name in self.nodes
        ]

    def _present(self) -> Mapping[str, Handle]:
        found = {spec.name: self._terms[spec.name] for spec in self._terms.specs() if spec.enabled and spec.weight}
        return {name: term for name, term in found.items() if isinstance(term, Handle)}
