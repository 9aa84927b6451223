"""Steady conduction of heat in the plane by quadratic triangles: a flux through one part of the border, convection on
the rest. The elements, their quadrature and the assembly are scikit-fem's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import splu

from engine.core.errors import FormwrightError
from engine.regression.generation.optional import require_skfem


@dataclass(frozen=True)
class Heat:
    """Above the surroundings.

    temperature : at the vertices [K], shape (vertex_count,)
    flux : its magnitude there, averaged from the quadrature points [W/mm²], shape (vertex_count,)
    heated_mean : mean temperature of the heated border [K]
    entering, leaving : heat per thickness through the heated and through the cooled border [W/mm]
    """

    temperature: np.ndarray
    flux: np.ndarray
    heated_mean: float
    entering: float
    leaving: float


def conduct(
    vertices: np.ndarray, triangles: np.ndarray, heated: np.ndarray, *, conductivity: float, convection: float,
    flux: float,
) -> Heat:  # fmt: skip
    """Solve −div(k grad T) = 0.

    vertices, triangles : shapes (vertex_count, 2) [mm] and (triangle_count, 3)
    heated : vertices along the heated part of the border; edges of the border with both ends among them are heated
    conductivity : k [W/(mm K)]
    convection : from the rest of the border to the surroundings, k ∂T/∂n = −convection · T [W/(mm² K)]
    flux : through the heated border [W/mm²]

    Raises `FormwrightError` where nothing is heated or cooled, or a value is not positive.
    """
    if not (conductivity > 0.0 and convection > 0.0):
        raise FormwrightError("Conductivity and convection must be above 0.")
    skfem = require_skfem()
    mesh = skfem.MeshTri(np.ascontiguousarray(vertices.T), np.ascontiguousarray(triangles.T))
    border = mesh.boundary_facets()
    chosen = np.isin(mesh.facets[:, border], heated).all(axis=0)
    if not chosen.any() or chosen.all():
        raise FormwrightError("The part needs a border that is heated and one that is cooled.")
    element = skfem.ElementTriP2()
    basis = skfem.Basis(mesh, element, intorder=2)
    warm, cool = (skfem.FacetBasis(mesh, element, facets=border[each], intorder=4) for each in (chosen, ~chosen))

    @skfem.BilinearForm
    def stiffness(u, v, w):  # type: ignore[no-untyped-def]  # scikit-fem calls it with its own fields
        return conductivity * (u.grad[0] * v.grad[0] + u.grad[1] * v.grad[1])

    @skfem.BilinearForm
    def cooling(u, v, w):  # type: ignore[no-untyped-def]
        return convection * u * v

    @skfem.LinearForm
    def one(v, w):  # type: ignore[no-untyped-def]
        return v

    matrix = (stiffness.assemble(basis) + cooling.assemble(cool)).tocsc()
    length = one.assemble(warm)
    solution = splu(matrix).solve(flux * length)
    gradient = basis.interpolate(solution).grad
    magnitude = conductivity * np.hypot(gradient[0], gradient[1])
    # Averages round the vertices, weighted by area.
    share = basis.dx.sum(axis=1)
    mean = (magnitude * basis.dx).sum(axis=1)
    corners = mesh.t.ravel()
    weight = np.bincount(corners, np.tile(share, 3), minlength=len(vertices))
    return Heat(
        temperature=solution[basis.nodal_dofs[0]],
        flux=np.bincount(corners, np.tile(mean, 3), minlength=len(vertices)) / weight,
        heated_mean=float(length @ solution / length.sum()),
        entering=float(flux * length.sum()),
        leaving=float(convection * (one.assemble(cool) @ solution)),
    )
