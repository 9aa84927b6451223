"""How the shape of a part may vary: as a family of learnt shapes does, or freely. Both are linear in their numbers.

Lengths are in the unit of the Model's data.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from scipy.sparse import coo_matrix, csc_matrix, diags, identity
from scipy.sparse.linalg import splu
from torch import Tensor
from torch.autograd.function import once_differentiable

from engine.core.errors import ParameterError
from engine.regression.learning.features import coordinates
from engine.regression.model import MorphedMesh, RegressionModel

HOLDS_WITHIN = 0.02
"""How exactly a held node stays where it is wanted, in parts of how far such nodes differ among the learnt shapes."""

LEAST_MOVABLE = 0.1
"""How far the learnt shapes differ at least at a node that can be pulled, in parts of how far nodes differ."""

RIDGE = 1e-9
"""Relative: two places that are pulled and nearly fall together."""


class PartDesign(ABC):
    """Displacements of a part's nodes from where they began.

    leaf : the numbers that are optimised, float64; zero at the start
    start : nodes to begin with, shape (node_count, dimension), float64
    """

    leaf: Tensor
    start: Tensor

    @abstractmethod
    def motion(self, numbers: Tensor) -> Tensor:
        """How far such numbers move the nodes, shape (node_count, dimension); linear, with graph."""

    def moved(self) -> Tensor:
        """Nodes of the design as it is, without what holds them, shape (node_count, dimension), with graph."""
        return self.start + self.motion(self.leaf)

    @abstractmethod
    def held(self, nodes: Tensor, holds: Sequence[tuple[int, Tensor, float]]) -> Tensor:
        """`nodes` after the smallest change of shape that brings nodes to targets; linear in `nodes`, with graph.

        holds : number of a node, its target (dimension,), and how far around it the pull is felt
        """

    def anchor(self, node: int) -> int:
        """The node that can be held, at or near `node`."""
        return node

    def moves(self, node: int) -> bool:
        """Whether a change of shape that makes sense brings a node to another place."""
        return True

    def freeze(self, nodes: Tensor, frozen: np.ndarray) -> None:
        """Let nodes (node_count,), bool, stay where they are in `nodes`; raises `ParameterError` where none can."""
        raise ParameterError(
            "freeze", "the shapes of a family move as a whole, and no part of them can be kept.",
            remedy='Let the shape be free: start a run with freedom = "free".',
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        return {"leaf": self.leaf.detach().numpy().copy()}

    def restore(self, values: dict[str, Any]) -> None:
        self.leaf = torch.from_numpy(np.array(values["leaf"], np.float64)).requires_grad_()


class FamilyDesign(PartDesign):
    """Along the modes in which the learnt shapes differ; 1 in the leaf is a standard deviation of theirs.

    first : coefficients of the start in the same units: 0 is the mean shape, shape (mode_count,)
    """

    def __init__(self, model: RegressionModel, morphed: MorphedMesh) -> None:
        scalars = torch.from_numpy(model.centre[model.shape.mode_count :])
        with torch.no_grad():
            seen = coordinates(torch.from_numpy(morphed.nodes), morphed.correspondence)
            self.first = model.features(seen, scalars)[: model.shape.mode_count]
        self.start = torch.from_numpy(morphed.nodes)
        count, dimension = model.shape.mode_count, model.common.dimension
        spread = torch.from_numpy(model.spread[:count])
        modes = torch.from_numpy(model.shape.modes).reshape(count, dimension, -1)
        at_nodes = morphed.correspondence.from_common.interpolate(modes.permute(2, 1, 0))
        self._ways = (at_nodes * spread).contiguous()
        self._usual = float(self._ways.square().sum((1, 2)).mean().sqrt())
        self._tolerance = HOLDS_WITHIN * self._usual
        self.leaf = torch.zeros(count, dtype=torch.float64, requires_grad=True)

    def motion(self, numbers: Tensor) -> Tensor:
        return self._ways @ numbers

    def moves(self, node: int) -> bool:
        """Elsewhere a little way there would be many standard deviations of everything else."""
        return float(self._ways[node].norm()) >= LEAST_MOVABLE * self._usual

    def latent(self) -> list[float]:
        """Coefficients of the shape, without what holds it."""
        return [float(value) for value in (self.first + self.leaf.detach())]

    def set_latent(self, values: Sequence[float]) -> None:
        """Raises `ParameterError` for too many or too few."""
        if len(values) != len(self.leaf) or not np.isfinite(values).all():
            raise ParameterError("latent", f"the Model's shapes have {len(self.leaf)} finite numbers.")
        with torch.no_grad():
            self.leaf.copy_(torch.tensor(values, dtype=torch.float64) - self.first)

    def held(self, nodes: Tensor, holds: Sequence[tuple[int, Tensor, float]]) -> Tensor:
        """Of all changes that do it, the most likely one among the learnt shapes: that of the smallest coefficients."""
        if not holds:
            return nodes
        index = torch.tensor([node for node, _, _ in holds])
        rows = self._ways[index].reshape(-1, len(self.leaf))
        missing = torch.stack([target for _, target, _ in holds]) - nodes[index]
        inner = rows @ rows.T + self._tolerance**2 * torch.eye(len(rows), dtype=rows.dtype)
        return nodes + self._ways @ (rows.T @ torch.linalg.solve(inner, missing.reshape(-1)))


class FreeDesign(PartDesign):
    """Every node of the border goes where it likes, smoothed along it, and the inside follows harmonically; of a
    closed surface, or one in space, every node. 1 in the leaf is a hundredth of the part's diagonal.

    border : nodes that are designed, in the order of the leaf's rows
    """

    def __init__(self, nodes: np.ndarray, triangles: np.ndarray, border: np.ndarray, smoothing: float) -> None:
        """smoothing : length over which motions are smoothed"""
        self.start = torch.from_numpy(np.ascontiguousarray(nodes, np.float64))
        self.border = np.asarray(border, np.int64)
        self._unit = float(np.linalg.norm(np.ptp(nodes, axis=0))) / 100.0
        self._inside = harmonic_extension(nodes, triangles, self.border)
        self._stiff = identity(len(self.border), format="csc") + smoothing**2 * line_laplacian(
            nodes, triangles, self.border
        )
        self._base = torch.zeros((len(self.border), nodes.shape[1]), dtype=torch.float64)
        self._frozen = np.zeros(len(self.border), bool)
        self._make_smoother()
        self.leaf = torch.zeros_like(self._base).requires_grad_()

    def _make_smoother(self) -> None:
        free = np.flatnonzero(~self._frozen)
        factors = splu(csc_matrix(self._stiff[free][:, free])) if len(free) else None
        back = splu(csc_matrix(self._stiff[free][:, free].T)) if len(free) else None

        def smooth(values: np.ndarray, solver: Any) -> np.ndarray:
            found = np.zeros_like(values)
            if solver is not None:
                found[free] = solver.solve(solver.solve(np.ascontiguousarray(values[free])))
            return found

        self._smooth = lambda values: linear(
            values, lambda given: smooth(given, factors), lambda given: smooth(given, back)
        )

    def motion(self, numbers: Tensor) -> Tensor:
        return self._unit * self._inside(self._smooth(numbers))

    def moved(self) -> Tensor:
        return self.start + self._inside(self._base) + self.motion(self.leaf)

    def anchor(self, node: int) -> int:
        places = self.start[torch.from_numpy(self.border)]
        return int(self.border[int((places - self.start[node]).norm(dim=1).argmin())])

    def held(self, nodes: Tensor, holds: Sequence[tuple[int, Tensor, float]]) -> Tensor:
        if not holds:
            return nodes
        index = torch.tensor([node for node, _, _ in holds])
        along = self.start[torch.from_numpy(self.border)]
        patches = torch.stack(
            [
                (1.0 - ((along - self.start[node]).square().sum(1) / radius**2)).clamp_min(0.0).square()
                for node, _, radius in holds
            ],
            dim=1,
        )
        with torch.no_grad():
            ways = self._inside(self._smooth(patches))
        pull = ways[index]
        # By least squares: a place that is frozen stays.
        ridge = RIDGE * float(pull.square().sum()) + 1e-300
        inner = pull @ pull.T + ridge * torch.eye(len(holds), dtype=pull.dtype)
        missing = torch.stack([target for _, target, _ in holds]) - nodes[index]
        return nodes + ways @ (pull.T @ torch.linalg.solve(inner, missing))

    def freeze(self, nodes: Tensor, frozen: np.ndarray) -> None:
        """Begin anew from where the nodes are: what becomes frozen stays, and nothing else has moved."""
        border = torch.from_numpy(self.border)
        self._base = (nodes.detach() - self.start)[border]
        self._frozen = frozen[self.border]
        self._make_smoother()
        with torch.no_grad():
            self.leaf.zero_()

    def state(self) -> dict[str, Any]:
        return {**super().state(), "base": self._base.numpy().copy(), "frozen": self._frozen.astype(np.uint8)}

    def restore(self, values: dict[str, Any]) -> None:
        super().restore(values)
        self._base = torch.from_numpy(np.array(values["base"], np.float64))
        self._frozen = np.array(values["frozen"]).astype(bool)
        self._make_smoother()


def linear(values: Tensor, forward: Callable[[np.ndarray], np.ndarray], adjoint: Callable[..., np.ndarray]) -> Tensor:
    """A linear function of `values` that numpy computes, with its graph."""
    result: Tensor = _Linear.apply(values, forward, adjoint)
    return result


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: Tensor, forward: Any, adjoint: Any) -> Tensor:
        context.adjoint = adjoint
        return torch.from_numpy(forward(values.detach().numpy()))

    @staticmethod
    @once_differentiable
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return torch.from_numpy(context.adjoint(gradients[0].numpy())), None, None


def harmonic_extension(nodes: np.ndarray, triangles: np.ndarray, border: np.ndarray) -> Callable[[Tensor], Tensor]:
    """What gives values (border_count, …) at border nodes to all nodes (node_count, …): Δu = 0 inside, with linear
    elements; with its graph."""
    count = len(nodes)
    inner = np.setdiff1d(np.arange(count), border)
    stiffness = stiffness_matrix(nodes, triangles)
    factors = splu(csc_matrix(stiffness[inner][:, inner])) if len(inner) else None
    pull = -stiffness[inner][:, border]

    def forward(values: np.ndarray) -> np.ndarray:
        found = np.zeros((count, values.shape[1]))
        found[border] = values
        if factors is not None:
            found[inner] = factors.solve(pull @ values)
        return found

    def adjoint(gradient: np.ndarray) -> np.ndarray:
        result = gradient[border]
        if factors is not None:
            result = result + pull.T @ factors.solve(np.ascontiguousarray(gradient[inner]))  # symmetric
        return np.ascontiguousarray(result)

    return lambda values: linear(values, forward, adjoint)


def stiffness_matrix(nodes: np.ndarray, triangles: np.ndarray) -> Any:
    """∫ ∇φ_i · ∇φ_j of linear elements in the plane or in space (cotangents), shape (node_count, node_count)."""
    rows, columns, entries = [], [], []
    for corner in range(3):
        i, j, k = (triangles[:, (corner + step) % 3].astype(np.int64) for step in range(3))
        to_i, to_j = nodes[i] - nodes[k], nodes[j] - nodes[k]
        dot = (to_i * to_j).sum(1)
        cross = np.sqrt(np.maximum((to_i**2).sum(1) * (to_j**2).sum(1) - dot**2, 1e-300))
        half = 0.5 * dot / cross
        rows += [i, j, i, j]
        columns += [j, i, i, j]
        entries += [-half, -half, half, half]
    at = np.concatenate(rows), np.concatenate(columns)
    return coo_matrix((np.concatenate(entries), at), shape=(len(nodes),) * 2).tocsr()


def line_laplacian(nodes: np.ndarray, triangles: np.ndarray, chosen: np.ndarray) -> Any:
    """Positive Laplacian by length on the edges between chosen nodes, with lumped masses: those of the border alone
    where they are its nodes, else of the whole mesh."""
    place = np.full(len(nodes), -1)
    place[chosen] = np.arange(len(chosen))
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64), axis=1)
    unique, times = np.unique(edges, axis=0, return_counts=True)
    if len(chosen) < len(nodes):
        unique = unique[times == 1]
    unique = unique[(place[unique] >= 0).all(axis=1)]
    one, other = place[unique].T
    lengths = np.linalg.norm(nodes[unique[:, 0]] - nodes[unique[:, 1]], axis=1)
    count = len(chosen)
    joined = coo_matrix((1.0 / lengths, (one, other)), shape=(count, count))
    both = (joined + joined.T).tocsr()
    mass = 0.5 * (np.bincount(one, lengths, count) + np.bincount(other, lengths, count))
    laplacian = diags(np.asarray(both.sum(axis=1)).ravel()) - both
    return diags(1.0 / np.maximum(mass, 1e-300)) @ laplacian
