"""How much a selection holds, in words."""

from __future__ import annotations

import numpy as np

from app.document.project import RESULT, Project, Selection
from engine.geometry.mesh import Mesh
from engine.geometry.quality import triangle_areas

LARGE = 500_000
"""Triangles from which on the area is not said: it would keep the window waiting."""


def describe(project: Project, selection: Selection) -> str:
    """ "1,240 of 12,480 vertices of bracket, 152 mm²"."""
    item = project.object(selection.of)
    of = "the result" if selection.of == RESULT else selection.of
    noun = "vertices" if item is None or isinstance(item.geometry, Mesh) else "points"
    text = f"{selection.count:,} of {len(selection.values):,} {noun} of {of}"
    if item is None or selection.points is not None or not isinstance(item.geometry, Mesh):
        return text
    if item.geometry.triangle_count > LARGE or len(selection.values) != item.geometry.vertex_count:
        return text
    placed = item.placed
    assert isinstance(placed, Mesh)
    return f"{text}, {_spoken(selected_area(placed, selection.values))}"


def selected_area(mesh: Mesh, values: np.ndarray) -> float:
    """Area of the surface [mm²], each triangle weighed with the mean of its corners' values, shape (vertex_count,)."""
    weight = np.asarray(values, np.float64)[mesh.triangles].mean(axis=1)
    return float(triangle_areas(mesh.vertices, mesh.triangles) @ weight)


def _spoken(area: float) -> str:
    return f"{area / 1e6:.4g} m²" if area >= 1e6 else f"{area / 100:.4g} cm²" if area >= 1e4 else f"{area:.4g} mm²"
