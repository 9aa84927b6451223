"""Repairs that leave something out or merge it: what is no number, doubles, crumbs. Plain numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.geometry.mesh import Mesh
from engine.geometry.quality import triangle_areas
from engine.geometry.repaired import Repaired, counted, keep, kept_fields
from engine.geometry.topology import part_labels


def finite_mesh(vertices: np.ndarray, triangles: np.ndarray, *, name: str = "mesh", unit: str = "mm") -> Repaired:
    """A Mesh of arrays that may hold NaN or infinity, without such vertices and their triangles.

    It takes arrays, for a Mesh cannot hold what is not finite.
    """
    positions = np.asarray(vertices, np.float64).reshape(-1, 3)
    faces = np.asarray(triangles, np.int32).reshape(-1, 3)
    finite = np.isfinite(positions).reshape(-1, 3).sum(axis=1) == 3
    whole = np.where(finite[:, None], positions, 0.0)
    mesh = keep(Mesh(whole, faces, name=name, unit=unit), finite[faces].all(axis=1), finite)
    lost = int((~finite).sum())
    found = f"{counted(lost, 'vertex')} that are not numbers"
    return Repaired(mesh, f"Dropped {found}.", lost, found)


def weld_vertices(mesh: Mesh, tolerance: float = 0.0) -> Repaired:
    """Merge vertices at the same place, or within a cell of `tolerance` [mm]; the first one's Fields stay."""
    if not mesh.vertex_count:
        return Repaired(mesh, "There are no vertices to weld.")
    place = mesh.vertices + 0.0 if tolerance <= 0.0 else np.round((mesh.vertices - mesh.bounds[0]) / tolerance)
    _, first, inverse = np.unique(place, axis=0, return_index=True, return_inverse=True)
    if len(first) == mesh.vertex_count:
        return Repaired(mesh, "No two vertices coincide.")
    # In the order of the first vertex at each place, so that an untouched mesh keeps its numbering.
    rank = np.argsort(np.argsort(first))
    kept = np.sort(first)
    triangles = rank[inverse.reshape(-1)][mesh.triangles]
    welded = replace(
        mesh,
        vertices=mesh.vertices[kept],
        triangles=triangles,
        fields=kept_fields(mesh, vertices=kept, faces=None),
        inner=None,
        tets=None,
    )
    lost = mesh.vertex_count - len(kept)
    found = counted(lost, "duplicate vertex")
    return Repaired(welded, f"Welded {found}.", lost, found)


def drop_degenerate_triangles(mesh: Mesh) -> Repaired:
    """Drop triangles that name a vertex twice or have no area, and repeated ones."""
    a, b, c = mesh.triangles.T
    longest = np.zeros(mesh.triangle_count)
    for p, q in ((a, b), (b, c), (c, a)):
        longest = np.maximum(longest, np.linalg.norm(mesh.vertices[p] - mesh.vertices[q], axis=1))
    sound = (a != b) & (b != c) & (c != a)
    sound &= triangle_areas(mesh.vertices, mesh.triangles) > 1e-14 * longest**2
    _, first = np.unique(np.sort(mesh.triangles, axis=1), axis=0, return_index=True)
    single = np.zeros(mesh.triangle_count, bool)
    single[first] = True
    return _dropped(mesh, sound & single, "triangle", "without area or given twice")


def drop_unreferenced_vertices(mesh: Mesh) -> Repaired:
    """Drop vertices that no triangle refers to."""
    used = np.zeros(mesh.vertex_count, bool)
    used[mesh.triangles] = True
    lost = int((~used).sum())
    if not lost:
        return Repaired(mesh, "Every vertex is used.")
    kept = keep(mesh, np.ones(mesh.triangle_count, bool), used)
    found = f"{counted(lost, 'vertex')} that no triangle uses"
    return Repaired(kept, f"Dropped {found}.", lost, found)


def remove_specks(mesh: Mesh, smallest: float = 0.01) -> Repaired:
    """Drop parts whose area is less than the fraction `smallest` of the largest part's."""
    if not mesh.triangle_count:
        return Repaired(mesh, "There are no parts.")
    labels = part_labels(mesh.triangles)
    areas = np.bincount(labels, weights=triangle_areas(mesh.vertices, mesh.triangles))
    kept = (areas >= smallest * areas.max())[labels]
    lost = int((areas < smallest * areas.max()).sum())
    if not lost:
        return Repaired(mesh, "There are no specks.")
    faces = keep(mesh, kept, np.ones(mesh.vertex_count, bool))
    found = counted(lost, "speck")
    return Repaired(drop_unreferenced_vertices(faces).mesh, f"Removed {found}.", lost, found)


def _dropped(mesh: Mesh, kept: np.ndarray, noun: str, why: str) -> Repaired:
    lost = int((~kept).sum())
    if not lost:
        return Repaired(mesh, f"There is no {noun} {why}.")
    found = f"{counted(lost, noun)} {why}"
    return Repaired(keep(mesh, kept, np.ones(mesh.vertex_count, bool)), f"Dropped {found}.", lost, found)
