"""Measures of triangles and of the surface that they make: areas, angles, normals, volume, curvature. Plain numpy.

vertices : positions, shape (vertex_count, 3), float64, any unit of length
triangles : vertex indices, shape (triangle_count, 3), counter-clockwise from outside
"""

from __future__ import annotations

import numpy as np


def area_vectors(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Normal of each triangle times its area, shape (triangle_count, 3)."""
    a, b, c = _corners(vertices, triangles)
    return 0.5 * np.cross(b - a, c - a)


def triangle_areas(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Area of each triangle, shape (triangle_count,)."""
    return np.linalg.norm(area_vectors(vertices, triangles), axis=1)


def surface_area(vertices: np.ndarray, triangles: np.ndarray) -> float:
    """Sum of the triangles' areas."""
    return float(triangle_areas(vertices, triangles).sum())


def enclosed_volume(vertices: np.ndarray, triangles: np.ndarray) -> float:
    """Volume inside a closed, outward surface (divergence theorem); of an open one, with cones to its middle."""
    return float(cone_volumes(vertices, triangles).sum())


def cone_volumes(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Signed volume of the tetrahedron of each triangle and the middle of the mesh's box, shape (triangle_count,)."""
    a, b, c = _corners(vertices, triangles)
    return np.einsum("ij,ij->i", a, np.cross(b, c)) / 6.0


def triangle_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normal of each triangle, shape (triangle_count, 3); zero for degenerate ones."""
    return _unit(area_vectors(vertices, triangles))


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normal of each vertex, shape (vertex_count, 3): the area-weighted mean of its triangles' (Gouraud 1971);
    zero where there is none."""
    return _unit(_sum_at_vertices(np.repeat(area_vectors(vertices, triangles), 3, axis=0), vertices, triangles))


def triangle_angles(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Angles at the three corners of each triangle [rad], shape (triangle_count, 3); zero at corners of no length."""
    a, b, c = _corners(vertices, triangles)
    angles = np.empty((len(a), 3))
    for corner, (p, q, r) in enumerate(((a, b, c), (b, c, a), (c, a, b))):
        # atan2 is exact for needles, where acos is not.
        sine = np.linalg.norm(np.cross(q - p, r - p), axis=1)
        angles[:, corner] = np.arctan2(sine, np.einsum("ij,ij->i", q - p, r - p))
    return angles


def smallest_angle(vertices: np.ndarray, triangles: np.ndarray) -> float:
    """The smallest angle of all triangles [degrees]; 0 when there are none."""
    return float(np.degrees(triangle_angles(vertices, triangles).min())) if len(triangles) else 0.0


def aspect_ratios(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Longest side over the height on it, 1 for equilateral triangles, infinite for degenerate ones."""
    a, b, c = _corners(vertices, triangles)
    longest = np.max([np.linalg.norm(q - p, axis=1) for p, q in ((a, b), (b, c), (c, a))], axis=0)
    areas = triangle_areas(vertices, triangles)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = longest**2 * (np.sqrt(3.0) / 4.0) / areas
    return np.where(areas > 0.0, ratio, np.inf)


def angle_defects(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """2π minus the sum of the angles at each vertex, shape (vertex_count,): the integral of Gaussian curvature over
    the vertex's surroundings. On a closed surface they sum to 2π times the Euler characteristic (Gauss–Bonnet)."""
    angles = triangle_angles(vertices, triangles).reshape(-1)
    indices = np.asarray(triangles).reshape(-1)
    sums = np.bincount(indices, weights=angles, minlength=len(vertices))
    used = np.bincount(indices, minlength=len(vertices)) > 0
    return np.where(used, 2.0 * np.pi - sums, 0.0)


def _corners(vertices: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners about the middle of the box, so that large coordinates cancel before they are multiplied."""
    positions = np.asarray(vertices, np.float64).reshape(-1, 3)
    if len(positions):
        positions = positions - (positions.min(axis=0) + positions.max(axis=0)) / 2.0
    a, b, c = positions[np.asarray(triangles).reshape(-1, 3)].transpose(1, 0, 2)
    return a, b, c


def _sum_at_vertices(values: np.ndarray, vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    indices = np.asarray(triangles).reshape(-1)
    columns = [np.bincount(indices, weights=column, minlength=len(vertices)) for column in values.T]
    return np.stack(columns, axis=1).astype(np.float64, copy=False)  # without triangles bincount counts in integers


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0.0)
