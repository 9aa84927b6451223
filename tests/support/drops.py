"""Drops of many numbers with the pressure in them, which their surface's bend decides, in closed form."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Tensor

from engine.regression.data.dataset import Sample
from engine.regression.generation.known_bodies import known_blob

POWERS = np.array(
    [each for each in itertools.product(range(4), range(4), range(2)) if 1 <= sum(each) <= 3], dtype=np.float64
)
"""Of x, y and z in the monomials that bend a drop: 15 that tell shapes on a sphere apart."""


def drop(index: int, nodes: int = 500) -> Sample:
    """Radius 10 exp(Σ c m(direction)) over monomials m; the pressure is load · (κ₁ + κ₂), as Young and Laplace have
    it, from the gradient and the second derivatives of the radius; on a mesh of its own, anchors as on `known_blob`."""
    generator = np.random.default_rng([7, index])
    weights = torch.from_numpy(0.12 * generator.normal(size=len(POWERS)) / POWERS.sum(axis=1))
    blob = known_blob(index, nodes=nodes)
    directions = torch.from_numpy(blob.nodes / np.linalg.norm(blob.nodes, axis=1, keepdims=True))

    def above(place: Tensor) -> Tensor:
        """Zero on the surface, positive outside."""
        length = place.norm()
        return length.log() - (weights * _monomials(place / length)).sum()

    radius = 10.0 * torch.exp(_monomials(directions) @ weights)
    places = directions * radius[:, None]
    way = torch.func.vmap(torch.func.grad(above))(places)
    bend = torch.func.vmap(torch.func.hessian(above))(places)
    steep, trace = way.norm(dim=1), bend.diagonal(dim1=1, dim2=2).sum(1)
    along = torch.einsum("ni,nij,nj->n", way, bend, way)
    pressure = blob.inputs["load"] * ((steep**2 * trace - along) / steep**3).numpy()
    return Sample(
        f"drop {index}", places.numpy(), blob.triangles, {"pressure": pressure}, blob.inputs,
        {"highest": float(pressure.max())}, blob.anchors,
    )  # fmt: skip


def _monomials(directions: Tensor) -> Tensor:
    """Shape (…, monomial_count); a power of nought is one, and has no slope."""
    columns = []
    for x, y, z in POWERS.astype(int).tolist():
        a, b, c = directions.unbind(-1)
        columns.append(a**x * b**y * c**z)
    return torch.stack(columns, dim=-1)
