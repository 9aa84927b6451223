"""Plane strain of metals by finite elements: von Mises plasticity with isotropic hardening on quadratic triangles.

Simo and Hughes, Computational Inelasticity, 1998, box 3.2 (radial return) and section 3.3.2 (consistent tangent). The
elements, their quadrature and the assembly are scikit-fem's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix, csc_matrix
from scipy.sparse.linalg import splu

from engine.core.errors import FormwrightError
from engine.regression.data.border import anchored_loop, border_loops
from engine.regression.data.dataset import Sample
from engine.regression.generation.optional import require_skfem

LEAST_RESIDUAL = 1e-9
"""Of the force that is out of balance, in parts of the reaction, at which a load step has converged."""

MOST_ITERATIONS = 60
MOST_HALVINGS = 6
COMPONENTS = ("xx", "yy", "zz", "xy")
DEVIATOR = np.eye(4) - np.outer([1, 1, 1, 0], [1, 1, 1, 0]) / 3.0
"""On stresses (xx, yy, zz, xy)."""


@dataclass(frozen=True)
class Metal:
    """young_modulus, yield_stress, hardening [MPa]; hardening is the slope of yield stress over plastic strain."""

    young_modulus: float
    poisson_ratio: float
    yield_stress: float
    hardening: float

    def elasticity(self) -> np.ndarray:
        """Stress of strain (xx, yy, zz, engineering xy), shape (4, 4) [MPa]."""
        lame = self.young_modulus * self.poisson_ratio / ((1 + self.poisson_ratio) * (1 - 2 * self.poisson_ratio))
        shear = self.shear_modulus
        matrix = lame * np.outer([1.0, 1, 1, 0], [1.0, 1, 1, 0]) + 2.0 * shear * np.diag([1.0, 1, 1, 0.5])
        return matrix

    @property
    def shear_modulus(self) -> float:
        return self.young_modulus / (2.0 * (1.0 + self.poisson_ratio))


@dataclass(frozen=True)
class Solution:
    """Of a plate at its last load step, on linear triangles: four to each quadratic one, over its six nodes.

    nodes, triangles : shapes (node_count, 2) [mm] and (triangle_count, 3), int32; the first nodes are the vertices
    displacement : of every node [mm], shape (node_count, 2)
    stress : at every node, smoothed from the quadrature points [MPa], shape (node_count, 4) as `COMPONENTS`
    plastic_strain : accumulated, at every node, shape (node_count,)
    reaction : pull at the top per thickness [N/mm]
    """

    nodes: np.ndarray
    triangles: np.ndarray
    displacement: np.ndarray
    stress: np.ndarray
    plastic_strain: np.ndarray
    reaction: float


def return_to_yield(
    strain: np.ndarray, plastic: np.ndarray, accumulated: np.ndarray, metal: Metal
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Stress, plastic strain, accumulated plastic strain and consistent tangent of a strain.

    strain : (xx, yy, zz, engineering xy), shape (..., 4); `plastic` likewise, of the step before
    accumulated : of the step before, shape (...)

    Returns stress (..., 4) [MPa], plastic strain (..., 4), accumulated (...), tangent (..., 4, 4) [MPa]
    """
    elasticity = metal.elasticity()
    shear = metal.shear_modulus
    trial = (strain - plastic) @ elasticity
    deviator = trial @ DEVIATOR
    norm = np.sqrt((deviator[..., :3] ** 2).sum(-1) + 2.0 * deviator[..., 3] ** 2)
    radius = np.sqrt(2.0 / 3.0) * (metal.yield_stress + metal.hardening * accumulated)
    over = norm - radius
    yields = over > 0.0
    safe = np.where(norm > 0.0, norm, 1.0)
    direction = deviator / safe[..., None]
    increment = np.where(yields, over / (2.0 * shear + 2.0 / 3.0 * metal.hardening), 0.0)
    stress = trial - 2.0 * shear * increment[..., None] * direction
    flow = direction * np.array([1.0, 1.0, 1.0, 2.0])
    new_plastic = plastic + increment[..., None] * flow
    new_accumulated = accumulated + np.sqrt(2.0 / 3.0) * increment
    theta = np.where(yields, 1.0 - 2.0 * shear * increment / safe, 1.0)
    slope = np.where(yields, 1.0 / (1.0 + metal.hardening / (3.0 * shear)) - (1.0 - theta), 0.0)
    project = DEVIATOR @ np.diag([1.0, 1.0, 1.0, 0.5])
    bulk = metal.young_modulus / (3.0 * (1.0 - 2.0 * metal.poisson_ratio))
    tangent = (
        bulk * np.outer([1.0, 1, 1, 0], [1.0, 1, 1, 0])
        + 2.0 * shear * theta[..., None, None] * project
        - 2.0 * shear * slope[..., None, None] * direction[..., :, None] * direction[..., None, :]
    )
    return stress, new_plastic, new_accumulated, tangent


def pull_plate(
    vertices: np.ndarray, triangles: np.ndarray, corners: np.ndarray, metal: Metal, *, elongation: float, steps: int = 8
) -> Solution:
    """Hold a plate at its bottom, pull it at its top, and solve.

    vertices, triangles : of straight quadratic triangles, shapes (vertex_count, 2) [mm] and (triangle_count, 3)
    corners : vertices at bottom left, bottom right, top right and top left, shape (4,)
    elongation : of the top, which moves as it is and cannot narrow [mm]
    steps : of the load

    Raises `FormwrightError` when a step does not converge.
    """
    skfem = require_skfem()
    mesh = skfem.MeshTri(np.ascontiguousarray(vertices.T), np.ascontiguousarray(triangles.T))
    basis = skfem.Basis(mesh, skfem.ElementVector(skfem.ElementTriP2()), intorder=2)
    elements = basis.element_dofs.T
    of_node = np.concatenate([basis.nodal_dofs, basis.facet_dofs], axis=1)
    loop, at = anchored_loop(
        Sample("The plate", vertices, triangles, anchors=corners), border_loops(triangles)[0], corners
    )
    held, pulled_nodes = (_on_side(mesh, loop[begin : end + 1]) for begin, end in ((0, at[1]), (at[2], at[3])))
    pulled = of_node[1, pulled_nodes]
    free = np.setdiff1d(np.arange(basis.N), of_node[:, held | pulled_nodes])
    strain_rows = _strain_rows(basis)
    pattern = _Pattern(elements, free, basis.N)
    weighted = strain_rows * basis.dx[:, :, None, None]
    plastic, accumulated = np.zeros((*basis.dx.shape, 4)), np.zeros(basis.dx.shape)
    solution = np.zeros(basis.N)
    # Far above yield Newton's method would not find back: the first answer is that of a metal that never yields.
    unyielding = replace(metal, yield_stress=np.inf)

    def respond(law: Metal) -> tuple[np.ndarray, _Response]:
        """Forces on all unknowns, and what the metal does."""
        strain = np.einsum("eqai,ei->eqa", strain_rows, solution[elements], optimize=True)
        response = _Response(*return_to_yield(strain, plastic, accumulated, law))
        local = np.einsum("eqai,eqa->ei", weighted, response.stress, optimize=True)
        return np.bincount(elements.ravel(), local.ravel(), minlength=basis.N), response

    for step in range(1, steps + 1):
        if step > 1:
            solution *= step / (step - 1)  # the load goes on in proportion: so may the answer
        solution[pulled] = elongation * step / steps
        force, response = respond(unyielding if step == 1 else metal)
        for _iteration in range(MOST_ITERATIONS):
            stiffness = np.matmul(np.swapaxes(weighted, -1, -2), np.matmul(response.tangent, strain_rows)).sum(axis=1)
            way = -splu(pattern.matrix(stiffness)).solve(force[free])
            slope, length, begin = force[free] @ way, 1.0, solution[free]
            # The energy of a step is convex: half of the way where it rises steeply again, and so on.
            for _ in range(MOST_HALVINGS):
                solution[free] = begin + length * way
                force, response = respond(metal)
                if abs(force[free] @ way) <= 0.5 * abs(slope):
                    break
                length /= 2.0
            if np.abs(force[free]).max() <= LEAST_RESIDUAL * np.abs(force[pulled]).sum():
                break
        else:
            raise FormwrightError(
                f"A plate does not come into balance at load step {step} of {steps}.",
                remedy="Pull less, or take more load steps.",
            )
        plastic, accumulated = response.plastic, response.accumulated
    smooth = _smoothed(skfem, mesh, np.concatenate([response.stress, accumulated[..., None]], axis=-1))
    return Solution(
        nodes=basis.doflocs[:, of_node[0]].T.copy(),
        triangles=_refined(mesh),
        displacement=solution[of_node].T.copy(),
        stress=smooth[:, :4],
        plastic_strain=smooth[:, 4],
        reaction=float(force[pulled].sum()),
    )


@dataclass(frozen=True)
class _Response:
    """What `return_to_yield` gives."""

    stress: np.ndarray
    plastic: np.ndarray
    accumulated: np.ndarray
    tangent: np.ndarray


class _Pattern:
    """Where the numbers of elements go in the matrix of the free unknowns: found once."""

    def __init__(self, elements: np.ndarray, free: np.ndarray, size: int) -> None:
        place = np.full(size, -1)
        place[free] = np.arange(len(free))
        rows = np.repeat(elements[:, :, None], elements.shape[1], axis=2)
        columns = np.swapaxes(rows, 1, 2)
        self._kept = (place[rows] >= 0) & (place[columns] >= 0)
        self._indices = place[rows[self._kept]], place[columns[self._kept]]
        self._shape = (len(free), len(free))

    def matrix(self, stiffness: np.ndarray) -> csc_matrix:
        return coo_matrix((stiffness[self._kept], self._indices), shape=self._shape).tocsc()


def _strain_rows(basis: Any) -> np.ndarray:
    """Strain (xx, yy, zz, engineering xy) at the quadrature points by the element's numbers: (e, q, 4, dof)."""
    found = []
    for function in basis.basis:
        gradient = function[0].grad
        zero = np.zeros_like(gradient[0, 0])
        found.append(np.stack([gradient[0, 0], gradient[1, 1], zero, gradient[0, 1] + gradient[1, 0]], axis=-1))
    return np.stack(found, axis=-1)


def _on_side(mesh: Any, vertices: np.ndarray) -> np.ndarray:
    """Which vertices, and middles of edges after them, lie on the side of the border with these vertices."""
    chosen = np.zeros(mesh.p.shape[1], bool)
    chosen[vertices] = True
    along = chosen[mesh.facets].all(axis=0)
    along[np.setdiff1d(np.arange(len(along)), mesh.boundary_facets())] = False
    return np.concatenate([chosen, along])


def _smoothed(skfem: Any, mesh: Any, values: np.ndarray) -> np.ndarray:
    """Averages round the vertices of values at quadrature points (e, q, n), by lumped L2 projection; in the middles
    of edges the mean of their ends, shape (node_count, n)."""
    basis = skfem.Basis(mesh, skfem.ElementTriP1(), intorder=2)
    shape = np.stack([np.asarray(function[0]) * np.ones_like(basis.dx) for function in basis.basis], axis=-1)
    weights = shape * basis.dx[..., None]
    corners = basis.element_dofs.T.ravel()
    lumped = np.bincount(corners, weights.sum(axis=1).ravel(), minlength=basis.N)
    moments = np.einsum("eqi,eqn->ein", weights, values, optimize=True).reshape(len(corners), -1)
    columns = [np.bincount(corners, column, minlength=basis.N) for column in moments.T]
    at_vertices = np.stack(columns, axis=1) / lumped[:, None]
    return np.concatenate([at_vertices, at_vertices[mesh.facets].mean(axis=0)])


def _refined(mesh: Any) -> np.ndarray:
    """Four linear triangles of each quadratic one, counter-clockwise, over its vertices and middles of edges."""
    a, b, c = mesh.t
    # scikit-fem counts edges as (0, 1), (1, 2), (0, 2).
    ab, bc, ca = mesh.t2f + mesh.p.shape[1]
    parts = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    triangles = np.stack([np.stack(part, axis=1) for part in parts], axis=1).reshape(-1, 3)
    nodes = np.concatenate([mesh.p.T, mesh.p.T[mesh.facets].mean(axis=0)])
    first, second = (nodes[triangles[:, k]] - nodes[triangles[:, 0]] for k in (1, 2))
    turned = first[:, 0] * second[:, 1] < first[:, 1] * second[:, 0]
    triangles[turned] = triangles[turned][:, ::-1]
    return triangles.astype(np.int32)
