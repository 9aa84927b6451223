"""A sheet within a polygon: triangles about as large as wished, none of them slender where the outline allows it.

Delaunay refinement (J. Ruppert: A Delaunay refinement algorithm for quality 2-dimensional mesh generation, Journal of
Algorithms 18, 1995): sides of the outline are halved until they are edges of the Delaunay triangulation, and the
middles of the circles round bad triangles are put in, unless they come too close to a side, which is then halved.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import Delaunay, cKDTree

from engine.core.errors import GeometryError
from engine.geometry.sheets import MAX_POINTS

BAD_ANGLE = 25.0
"""Triangles with a smaller angle [degrees] are refined, except at corners of the outline that are sharp themselves."""

SHARP = 60.0
"""Corners of the outline below this angle [degrees] are left as they are: refining them would not end."""

ROUNDS = 60


def outline_sheet(points: np.ndarray, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """A flat sheet in the plane z = 0 whose border is the polygon, with normals along z.

    points : corners of the outline in either sense, shape (corner_count, 2); concave ones too
    spacing : length of the triangles' sides, about

    Returns positions, shape (vertex_count, 3), the outline's corners first, and triangles, shape (triangle_count, 3).
    Raises `GeometryError` for an outline that crosses or touches itself, has fewer than three corners or no area.
    """
    corners = _checked(np.asarray(points, np.float64).reshape(-1, 2))
    area = abs(_area(corners))
    if area > 0.5 * MAX_POINTS * spacing**2:
        raise GeometryError("The sheet would have too many triangles.", remedy="Use a larger spacing.")
    border, sides = _divided(corners, spacing)
    inner = _lattice(corners, border, spacing)
    positions = np.concatenate([border, inner])
    sharp = _sharp_corners(corners)
    positions, sides, triangles = _conforming(positions, sides, corners)
    for _ in range(ROUNDS):
        more, halved = _refinement(positions, triangles, sides, sharp)
        if not len(more) and not len(halved):
            break
        positions, sides = _halve(positions, sides, halved)
        positions, sides, triangles = _conforming(np.concatenate([positions, more]), sides, corners)
    return np.concatenate([positions, np.zeros((len(positions), 1))], axis=1), triangles


def _checked(corners: np.ndarray) -> np.ndarray:
    """The corners without doubles, counter-clockwise."""
    if not np.isfinite(corners).all():
        raise GeometryError("A point of the outline is not a number.")
    corners = corners[(corners != np.roll(corners, 1, axis=0)).any(axis=1)] if len(corners) > 1 else corners
    if len(corners) < 3:
        raise GeometryError("An outline needs three different points.")
    size = float(np.ptp(corners, axis=0).max())
    _refuse_crossings(corners)
    if abs(_area(corners)) < 1e-9 * size**2:
        raise GeometryError("The outline encloses no area.")
    return corners if _area(corners) > 0.0 else np.concatenate([corners[:1], corners[:0:-1]])


def _refuse_crossings(corners: np.ndarray) -> None:
    """Raise `GeometryError` where two sides cross or touch that are no neighbours."""
    count = len(corners)
    after = np.roll(corners, -1, axis=0)
    for i in range(count):
        a, b = corners[i], after[i]
        others = np.array([j for j in range(i + 2, count) if (j + 1) % count != i], np.int64)
        if len(others):
            c, d = corners[others], after[others]
            apart = _cross(b - a, c - a) * _cross(b - a, d - a) > 0.0
            apart |= _cross(d - c, a - c) * _cross(d - c, b - c) > 0.0
            low, high = np.minimum(a, b), np.maximum(a, b)
            apart |= (np.maximum(c, d) < low).any(axis=1) | (np.minimum(c, d) > high).any(axis=1)
            if not apart.all():
                found = int(others[np.flatnonzero(~apart)[0]])
                raise GeometryError(
                    f"The outline crosses itself: side {i + 1} and side {found + 1} meet.",
                    place=(i, found),
                    remedy="Move its points apart.",
                )


def _divided(corners: np.ndarray, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Points of the outline, its corners first, and its sides in parts of `spacing` or less, shape (side_count, 2)."""
    points, sides = [corners], []
    first = len(corners)
    for i, (start, end) in enumerate(zip(corners, np.roll(corners, -1, axis=0), strict=True)):
        count = max(1, int(np.ceil(np.linalg.norm(end - start) / spacing - 1e-9)))
        points.append(start + (np.arange(1, count) / count)[:, None] * (end - start))
        chain = np.array([i, *range(first, first + count - 1), (i + 1) % len(corners)])
        sides.append(np.stack([chain[:-1], chain[1:]], axis=1))
        first += count - 1
    return np.concatenate(points), np.concatenate(sides)


def _lattice(corners: np.ndarray, border: np.ndarray, spacing: float) -> np.ndarray:
    """Points of a lattice of equilateral triangles inside the outline, none close to it."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    rows = np.arange(low[1] + 0.5 * spacing, high[1], spacing * np.sqrt(0.75))
    points = []
    for number, y in enumerate(rows):
        x = np.arange(low[0] + (0.25 + 0.5 * (number % 2)) * spacing, high[0], spacing)
        points.append(np.stack([x, np.full(len(x), y)], axis=1))
    lattice = np.concatenate(points) if points else np.zeros((0, 2))
    far = cKDTree(border).query(lattice)[0] > 0.6 * spacing if len(lattice) else np.zeros(0, bool)
    lattice = lattice[far]
    lattice = lattice[_inside(lattice, corners)]
    return np.asarray(lattice[_distance_to_sides(lattice, corners) > 0.55 * spacing])


def _conforming(
    positions: np.ndarray, sides: np.ndarray, corners: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The Delaunay triangulation within the outline, with sides halved until they are edges of it."""
    for _ in range(ROUNDS):
        triangles = np.asarray(Delaunay(positions).simplices, np.int64)
        a, b, c = positions[triangles].transpose(1, 0, 2)
        turned = _cross(b - a, c - a) < 0.0
        triangles[turned] = triangles[turned][:, ::-1]
        edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        known = np.unique(edges[:, 0] * len(positions) + edges[:, 1])
        ordered = np.sort(sides, axis=1)
        missing = np.flatnonzero(~np.isin(ordered[:, 0] * len(positions) + ordered[:, 1], known))
        if not len(missing):
            within = triangles[_inside(positions[triangles].mean(axis=1), corners)]
            # Three points of one straight side have no area between them.
            size = np.linalg.norm(positions[within] - positions[np.roll(within, 1, axis=1)], axis=2).max(axis=1)
            return positions, sides, np.asarray(within[_areas(positions, within) > 1e-9 * size**2])
        positions, sides = _halve(positions, sides, missing)
        if len(positions) > MAX_POINTS:
            break
    raise GeometryError("The outline is too narrow somewhere to be filled.", remedy="Move its points apart.")


def _refinement(
    positions: np.ndarray, triangles: np.ndarray, sides: np.ndarray, sharp: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points to put in for triangles that are too slender, and sides to halve instead."""
    none = np.zeros((0, 2)), np.zeros(0, np.int64)
    corners = positions[triangles]
    lengths = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
    areas = _areas(positions, triangles)
    radius = lengths.prod(axis=1) / (4.0 * areas)
    sine = lengths.min(axis=1) / (2.0 * radius)
    bad = np.flatnonzero((sine < np.sin(np.radians(BAD_ANGLE))) & ~np.isin(triangles, sharp).any(axis=1))
    if not len(bad):
        return none
    bad = bad[np.argsort(sine[bad])]
    middles = _circle_middles(corners[bad])
    # Not two in the same circle at once.
    chosen: list[int] = []
    tree = cKDTree(middles)
    free = np.ones(len(bad), bool)
    for i in range(len(bad)):
        if free[i]:
            chosen.append(i)
            free[tree.query_ball_point(middles[i], radius[bad[i]])] = False
    middles = middles[chosen]
    ends = positions[sides]
    centres, halves = ends.mean(axis=1), 0.5 * np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    # A side is halved where a point would fall into the circle over it, and then the point is not put in.
    close = cKDTree(centres).query_ball_point(middles, 1.001 * halves.max())
    touched = [
        [side for side in found if np.linalg.norm(middle - centres[side]) < 1.001 * halves[side]]
        for middle, found in zip(middles, close, strict=True)
    ]
    put = np.array([not found for found in touched], bool)
    halved = {side for found in touched for side in found if not np.isin(sides[side], sharp).any()}
    return middles[put], np.array(sorted(halved), np.int64)


def _halve(positions: np.ndarray, sides: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sides with a point in their middle."""
    number = len(positions) + np.arange(len(which))
    middles = positions[sides[which]].mean(axis=1)
    second = np.stack([number, sides[which, 1]], axis=1)
    sides = sides.copy()
    sides[which, 1] = number
    return np.concatenate([positions, middles]), np.concatenate([sides, second])


def _sharp_corners(corners: np.ndarray) -> np.ndarray:
    before, after = np.roll(corners, 1, axis=0) - corners, np.roll(corners, -1, axis=0) - corners
    angle = np.degrees(np.arctan2(_cross(after, before), (after * before).sum(axis=1))) % 360.0
    return np.flatnonzero(angle < SHARP)


def _circle_middles(corners: np.ndarray) -> np.ndarray:
    """Middles of the circles through the corners of triangles, shape (n, 2)."""
    b, c = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    bb, cc = (b * b).sum(axis=1), (c * c).sum(axis=1)
    offset = np.stack([c[:, 1] * bb - b[:, 1] * cc, b[:, 0] * cc - c[:, 0] * bb], axis=1)
    return np.asarray(corners[:, 0] + offset / (2.0 * _cross(b, c))[:, None])


def _inside(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Which points the polygon encloses: an odd number of its sides is to their right."""
    within = np.zeros(len(points), bool)
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if a[1] == b[1]:
            continue
        between = (a[1] > points[:, 1]) != (b[1] > points[:, 1])
        within ^= between & (points[:, 0] < a[0] + (points[:, 1] - a[1]) * (b[0] - a[0]) / (b[1] - a[1]))
    return within


def _distance_to_sides(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    nearest = np.full(len(points), np.inf)
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        along = b - a
        share = np.clip((points - a) @ along / (along @ along), 0.0, 1.0)
        nearest = np.minimum(nearest, np.linalg.norm(points - a - share[:, None] * along, axis=1))
    return nearest


def _area(corners: np.ndarray) -> float:
    return 0.5 * float(_cross(corners, np.roll(corners, -1, axis=0)).sum())


def _areas(positions: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = positions[triangles].transpose(1, 0, 2)
    return np.asarray(0.5 * _cross(b - a, c - a))


def _cross(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray(one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0])
