"""Where a part lies on the common shape of the Model that predicts it, and what is predicted of it there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.geometry.mesh import Mesh
from engine.protocol.layers import BAND, FIELD, RESIDUAL
from engine.regression.domain import Novelty
from engine.regression.learning.features import Correspondence, correspond
from engine.regression.model import Outcome, RegressionModel
from engine.studies.part_mesh import length_unit, part_sample


class PartOnCommon:
    """A part, morphed; lengths within are in the unit of the Model's data.

    model : that predicts
    part : as it was opened [mm]
    length : that unit [mm]
    sample : the part as the Model takes it
    start : its nodes as they were opened, shape (node_count, dimension)
    """

    def __init__(self, model: RegressionModel, part: Mesh) -> None:
        self.model = model
        self.part = part
        self.length = length_unit(model)
        self.sample = part_sample(part, model)
        self.morphed = model.prepare(self.sample)
        self.start = torch.from_numpy(self.morphed.nodes)
        # Found from itself, so that it knows which triangles lie beside each other. All later ones are found from it,
        # and not from the one before: what comes of a state must not depend on how it was come by.
        with torch.no_grad():
            self._first = correspond(self.start, self.morphed.mesh, model.common, near=self.morphed.correspondence)
        self._link, self._linked_at = self._first, self.start

    # -- predicting -------------------------------------------------------------------------------------------------

    def predicted(
        self, nodes: Tensor, scalars: Tensor, *, fields: Iterable[str], outputs: Iterable[str], bands: bool
    ) -> Outcome:
        """Of the part with its nodes there, with the graph of its morph too."""
        link = correspond(nodes, self.morphed.mesh, self.model.common, near=self._first)
        found = self.model.outcome(
            nodes, self.morphed.mesh, scalars, fields=fields, scalars=outputs, bands=bands, correspondence=link
        )
        self._keep(link, nodes)
        return found

    def looked_at(self, nodes: Tensor, scalars: Tensor, fields: Iterable[str]) -> Outcome:
        """Of the part with its nodes there, without the graph of its morph."""
        link = self.link_at(nodes)
        return self.model.outcome(nodes, self.morphed.mesh, scalars, fields=fields, correspondence=link)

    def novelty(self, outcome: Outcome) -> Novelty:
        mapped = outcome.correspondence.morph
        return self.model.domain.look(
            residual=outcome.residual.numpy(), features=outcome.features.numpy(), worst_angle=mapped.worst_angle,
            flipped=mapped.flipped,
        )  # fmt: skip

    # -- places -----------------------------------------------------------------------------------------------------

    def link_at(self, nodes: Tensor) -> Correspondence:
        """Where the part with its nodes there lies on the common shape, without graph."""
        if not torch.equal(nodes, self._linked_at):
            with torch.no_grad():
                self._keep(correspond(nodes, self.morphed.mesh, self.model.common, near=self._first), nodes)
        return self._link

    def _keep(self, link: Correspondence, nodes: Tensor) -> None:
        """Remember where the part lies, without its graph."""
        mapped = replace(link.morph, positions=link.morph.positions.detach())
        there, back = (replace(each, weights=each.weights.detach()) for each in (link.to_common, link.from_common))
        self._link, self._linked_at = replace(link, morph=mapped, to_common=there, from_common=back), nodes.detach()

    def world(self, nodes: np.ndarray) -> np.ndarray:
        """Positions [mm], shape (node_count, 3), of nodes in the unit of the data."""
        world = nodes * self.length
        if world.shape[1] == 3:
            return world
        return np.column_stack([world, np.full(len(world), self.part.vertices[0, 2])])

    # -- looking ----------------------------------------------------------------------------------------------------

    def shown(self, nodes: Tensor, outcome: Outcome) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays of a Frame, at the vertices of the part, and plain values beside them, of the part with its nodes
        there; without graph."""
        link = outcome.correspondence
        residual = self.length * link.from_common.interpolate(outcome.residual.square().sum(0).sqrt())
        novelty = self.novelty(outcome)
        count = self.part.vertex_count  # of a volume its surface; what is inside comes after
        arrays = {
            "vertices": np.ascontiguousarray(self.world(nodes.numpy())[:count], np.float32),
            "triangles": self.part.triangles,
            RESIDUAL: residual.to(torch.float32).numpy()[:count],
        }
        for name, (mean, band) in outcome.fields.items():
            arrays[FIELD + name] = mean.to(torch.float32).numpy()[:count]
            arrays[BAND + name] = band.to(torch.float32).numpy()[:count]
        predicted = {
            name: [float(mean), float(band), self.model.scalars[name].unit]
            for name, (mean, band) in outcome.scalars.items()
        }
        place_of = link.to_common.interpolate(nodes)
        info: dict[str, Any] = {
            "predicted": predicted,
            "fields": {name: field.unit for name, field in self.model.fields.items()},
            "flag": {
                "is_new": bool(novelty.is_new), "score": float(novelty.score), "reason": novelty.reason,
                "measures": {name: float(value) for name, value in novelty.measures.items()},
                "place": self.world(place_of[novelty.place : novelty.place + 1].numpy())[0].tolist(),
            },
            "scalars": {
                **{f"predicted:{name}": values[0] for name, values in predicted.items()},
                **{f"band:{name}": values[1] for name, values in predicted.items()},
            },
        }  # fmt: skip
        return arrays, info
