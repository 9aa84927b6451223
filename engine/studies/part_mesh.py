"""A part that was opened, as a Model sees it; and the sensitivity of its shape, as a person sees it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import GeometryError, ParameterError
from engine.core.units import MILLIMETRES_PER, unit_name
from engine.geometry.mesh import Mesh
from engine.regression.data.dataset import Sample
from engine.regression.data.folder import ANCHOR
from engine.regression.model import RegressionModel
from engine.studies.part_design import harmonic_extension
from engine.studies.sensitivity import shape_sensitivity

FLAT = 1e-9
"""Parts of its extent that a mesh in the plane may reach out of it."""


def length_unit(model: RegressionModel) -> float:
    """Millimetres in the unit of length of the Model's data; mm where they do not say."""
    unit = str(model.card.get("units", {}).get("length") or "mm")
    try:
        return MILLIMETRES_PER[unit_name(unit)]
    except ParameterError:
        raise ParameterError(
            "model", f"its data have lengths in {unit!r}, which is no unit of length.",
            remedy=f"Give the data one of {', '.join(MILLIMETRES_PER)}, and train again.",
        ) from None  # fmt: skip


def part_sample(part: Mesh, model: RegressionModel) -> Sample:
    """A part as a sample without scalars: in the unit of the Model's data, anchors by its field `anchor`.

    Raises `GeometryError` for a part that lies in no plane where the data do, or has no inside where they have one.
    """
    length = length_unit(model)
    if model.common.cells.shape[1] == 4:
        if part.tets is None:
            raise GeometryError(
                f"{part.name} is a surface, and the Model has learnt volumes.",
                remedy="Open a mesh of tetrahedra: a .vtu or .msh file.",
            )
        return Sample(
            part.name, part.all_vertices / length, part.triangles, anchors=anchors_of(part), tetrahedra=part.tets
        )
    positions = part.vertices
    if model.common.dimension == 2:
        extent = np.ptp(positions, axis=0)
        if extent[2] > FLAT * max(extent.max(), 1e-300):
            raise GeometryError(
                f"{part.name} is no part in the plane, as those are that the Model has learnt.",
                remedy="Lay it into the plane of x and y.",
            )
        positions = positions[:, :2]
    return Sample(part.name, positions / length, part.triangles, anchors=anchors_of(part))


def anchors_of(part: Mesh) -> np.ndarray:
    """Nodes that its field `anchor` numbers from 1 on, in their order."""
    field = part.fields.get(ANCHOR)
    if field is None or field.domain != "vertex" or field.values.ndim != 1:
        return np.zeros(0, np.int64)
    numbered = np.flatnonzero(field.values > 0)
    return np.asarray(numbered[np.argsort(field.values[numbered], kind="stable")], np.int64)


def border_edges(triangles: np.ndarray) -> np.ndarray:
    """Directed edges that have one triangle, on their left, shape (edge_count, 2)."""
    edges = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
    keys = np.sort(edges, axis=1)
    _, first, times = np.unique(keys, axis=0, return_index=True, return_counts=True)
    return np.asarray(edges[first[times == 1]])


def border_nodes(sample: Sample) -> np.ndarray:
    """Nodes that say what the shape is: those of the border of a part in the plane; of a surface in space all."""
    if len(sample.tetrahedra):
        raise ParameterError(
            "study.freedom", "a volume can vary as its family does, and not freely.", remedy='Choose "family".'
        )
    if sample.nodes.shape[1] == 3:
        return np.arange(sample.node_count)
    return np.unique(border_edges(sample.triangles))


class ShownSensitivity:
    """Change of the total loss per unit of outward normal motion at every node, whatever the mesh.

    In space see `shape_sensitivity`. In the plane it is the border that moves, and the inside follows harmonically:
    g = (∂L/∂x · n) / (ℓ / L), with n the outward normal of the border, ℓ the length that belongs to a node and L that
    of the whole border; inside stand the border's values, harmonically extended, so that they can be seen.
    """

    def __init__(self, sample: Sample) -> None:
        self._triangles = torch.from_numpy(sample.triangles)
        if sample.nodes.shape[1] == 3:
            return
        a, b, c = (sample.nodes[sample.triangles[:, k]] for k in range(3))
        first, second = b - a, c - a
        up = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0] > 0.0
        self._edges = border_edges(np.where(up[:, None], sample.triangles, sample.triangles[:, ::-1]))
        self._border = np.unique(self._edges)
        self._extend = harmonic_extension(sample.nodes, sample.triangles, self._border)

    def __call__(self, nodes: Tensor, gradient: Tensor) -> np.ndarray:
        """Of nodes, and the gradient of the loss on them, each (node_count, dimension): shape (node_count,)."""
        if nodes.shape[1] == 3:
            return np.asarray(shape_sensitivity(nodes, gradient, self._triangles, len(nodes)))
        places, border = nodes.numpy(), self._border
        motion = torch.zeros((len(border), 2), dtype=torch.float64, requires_grad=True)
        (force,) = torch.autograd.grad((self._extend(motion) * gradient).sum(), motion)
        way = places[self._edges[:, 1]] - places[self._edges[:, 0]]
        lengths = np.linalg.norm(way, axis=1)
        # The part is on the left of its border.
        outward = np.stack([way[:, 1], -way[:, 0]], axis=1)
        normals, shares = np.zeros((len(border), 2)), np.zeros(len(border))
        for end in (0, 1):
            place = np.searchsorted(border, self._edges[:, end])
            np.add.at(normals, place, outward)
            np.add.at(shares, place, lengths / 2.0)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
        values = (force.numpy() * normals).sum(axis=1) * shares.sum() / np.maximum(shares, 1e-300)
        return np.asarray(self._extend(torch.from_numpy(values)[:, None])[:, 0])
