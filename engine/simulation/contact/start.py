"""Bodies that are inside each other before anything moves: refused, by name and place."""

from __future__ import annotations

import ipctk
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from engine.core.errors import GeometryError
from engine.simulation.contact.surface import CollisionSurface

TOUCHING = 1e-6
"""Distance over the gap below which surfaces count as touching: too little for a barrier to start from."""


class StartError(GeometryError):
    """Two bodies start inside each other.

    bodies : by name
    place : vertices there, numbers of all
    point : where [m]
    """

    def __init__(self, bodies: tuple[str, str], what: str, place: tuple[int, ...], point: np.ndarray) -> None:
        one, other = bodies
        names = f"{one!r} and {other!r} start" if one != other else f"{one!r} starts"
        where = ", ".join(f"{1e3 * value:.4g}" for value in point)
        remedy = (
            "Move them apart, by the gap of contact at least."
            if one != other
            else "Repair its mesh, welding vertices that lie on each other, or fold it open."
        )
        super().__init__(f"{names} {what}, at ({where}) mm.", place=place, remedy=remedy)
        self.bodies = bodies
        self.point = (float(point[0]), float(point[1]), float(point[2]))


def check_start(surface: CollisionSurface, positions: np.ndarray) -> None:
    """Raise `StartError` where surfaces cross or touch, or a body is inside one that is filled.

    positions : of the surfaces' vertices [m]
    """
    _refuse_touching(surface, positions)
    _refuse_crossing(surface, positions)
    _refuse_inside(surface, positions)


def _refuse_crossing(surface: CollisionSurface, positions: np.ndarray) -> None:
    if not ipctk.has_intersections(surface.mesh, positions):
        return
    broad = ipctk.LBVH()
    broad.can_vertices_collide = surface.mesh.can_collide
    broad.build(positions, surface.edges, surface.triangles, 0.0)
    for candidate in broad.detect_edge_face_candidates():
        edge, triangle = surface.edges[candidate.edge_id], surface.triangles[candidate.face_id]
        if ipctk.is_edge_intersecting_triangle(*positions[edge], *positions[triangle]):
            raise _error(surface, positions, edge, triangle, "inside each other", "through itself")
    raise GeometryError("Bodies start inside each other.", remedy="Move them apart.")


def _refuse_touching(surface: CollisionSurface, positions: np.ndarray) -> None:
    collisions = ipctk.NormalCollisions()
    reach = TOUCHING * surface.gap
    collisions.build(surface.mesh, positions, reach)
    for item in (
        *collisions.fv_collisions,
        *collisions.ee_collisions,
        *collisions.ev_collisions,
        *collisions.vv_collisions,
    ):
        ids = np.array([vertex for vertex in item.vertex_ids(surface.edges, surface.triangles) if vertex >= 0])
        if item.is_mollified() and item.mollifier(positions[ids].reshape(-1)) == 0.0:
            continue
        last = len(ids) // 2 if len(ids) == 4 and isinstance(item, ipctk.EdgeEdgeNormalCollision) else 1
        raise _error(surface, positions, ids[:last], ids[last:], "touching or inside each other", "touching itself")


def _refuse_inside(surface: CollisionSurface, positions: np.ndarray) -> None:
    """Nothing crosses: then one vertex of each piece says where the whole piece is."""
    pieces = _pieces(surface)
    for body, item in enumerate(surface.bodies):
        triangles = surface.triangles[surface.triangle_body == body]
        if not item.filled or not _closed(triangles):
            continue
        free = _first_of_pieces(surface, pieces, body)
        if not len(free):
            continue
        inside = np.abs(_winding(positions[free], positions[triangles])) > 0.5
        for vertex in free[inside]:
            others = triangles[0]
            if surface.mesh.can_collide(int(vertex), int(others[0])):
                raise _error(surface, positions, np.array([vertex]), others, "inside each other", "inside itself")


def _first_of_pieces(surface: CollisionSurface, pieces: np.ndarray, body: int) -> np.ndarray:
    """A vertex of each connected piece of other bodies."""
    other = np.flatnonzero(surface.body_of != body)
    _, first = np.unique(pieces[other], return_index=True)
    return other[first]


def _pieces(surface: CollisionSurface) -> np.ndarray:
    count = len(surface.vertices)
    ones = np.ones(len(surface.edges))
    joined = coo_array((ones, (surface.edges[:, 0], surface.edges[:, 1])), shape=(count, count))
    return np.asarray(connected_components(joined, directed=False)[1])


def _closed(triangles: np.ndarray) -> bool:
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    return bool((np.unique(edges, axis=0, return_counts=True)[1] == 2).all())


def _winding(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """How often a closed surface goes round each point (A. Van Oosterom, J. Strackee, IEEE Trans. Biomed. Eng. 30(2),
    1983), shape (point_count,)."""
    turns = []
    for point in points:
        a, b, c = (corners[:, k] - point for k in range(3))
        la, lb, lc = (np.linalg.norm(side, axis=1) for side in (a, b, c))
        volume = np.einsum("ij,ij->i", a, np.cross(b, c))
        spread = la * lb * lc
        for first, second, length in ((a, b, lc), (b, c, la), (c, a, lb)):
            spread = spread + np.einsum("ij,ij->i", first, second) * length
        turns.append(2.0 * np.arctan2(volume, spread).sum() / (4.0 * np.pi))
    return np.array(turns)


def _error(
    surface: CollisionSurface, positions: np.ndarray, one: np.ndarray, other: np.ndarray, two: str, alone: str
) -> StartError:
    names = tuple(surface.bodies[surface.body_of[int(side[0])]].name for side in (one, other))
    place = tuple(int(surface.vertices[vertex]) for vertex in (*one, *other))
    return StartError((names[0], names[1]), two if names[0] != names[1] else alone, place, positions[one].mean(axis=0))
