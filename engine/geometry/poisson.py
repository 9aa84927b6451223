"""A closed surface behind noisy, incomplete, oriented points: the level set of a smoothed indicator function.

The gradient of the indicator of a solid is its surface's normals. So the points' normals, spread over a grid, are a
vector field V whose divergence is the Laplacian of the indicator: ∇²χ = ∇·V (Kazhdan, Bolitho and Hoppe, *Poisson
surface reconstruction*, 2006), which a Fourier transform inverts on a periodic grid (Kazhdan, *Reconstruction of
solid models from oriented point sets*, 2005).
"""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage
from scipy.spatial import cKDTree

from engine.core.errors import GeometryError
from engine.geometry.contour import closed_contour

GRID = 96
HALF_SIDE = 1.25
"""Half the side of the periodic grid: room between a target of side 1.8 and its images."""

SMOOTHING = 0.8
"""Standard deviation, in cells, of the Gaussian that the normals are spread with."""

SIGN_ROUNDS = 6

PIECE_SHARE = 0.005
"""A separate piece is part of the object when so much of the points' weight lies round it."""

BRIDGE_RADIUS = 3.0
"""Radius, in cells, of the bridge to a piece that was cut off."""


def poisson_surface(
    positions: np.ndarray,
    normals: np.ndarray,
    *,
    confidence: np.ndarray | None = None,
    grid: int = GRID,
    smoothing: float = SMOOTHING,
    trust_signs: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """The one closed surface that fits oriented points in the working frame: vertices and triangles.

    positions, normals : shape (n, 3); normals point out
    confidence : weight of each point in [0, 1], shape (n,)
    grid : cells along a side of the box [-1.25, 1.25]^3
    smoothing : width of the smoothing, in cells; noise calls for more
    trust_signs : keep the normals' signs; else scattered ones that disagree with the indicator are turned, a few times
        over (after Hou et al., *Iterative Poisson surface reconstruction for unoriented points*, 2022)

    Specks and cavities are dropped. A piece that a hole of the scan has cut off is joined by the shortest bridge.
    Raises `GeometryError` where the points enclose nothing.
    """
    positions = np.asarray(positions, np.float64)
    normals = np.array(normals, np.float64)
    weights = np.ones(len(positions)) if confidence is None else np.asarray(confidence, np.float64).copy()
    weights[(np.abs(positions) > 1.1 * HALF_SIDE / 1.25).any(axis=1)] = 0.0
    kept = weights > 0.0
    if kept.sum() < 4:
        raise GeometryError("There are too few trustworthy points to find a surface.")
    positions, normals, weights = positions[kept], normals[kept], weights[kept]
    weights = weights * _areas(positions)
    for _ in range(1 if trust_signs else SIGN_ROUNDS):
        indicator = _indicator(positions, normals * weights[:, None], grid, smoothing)
        slope = _at_points(np.stack(np.gradient(indicator)), positions)
        wrong = np.einsum("di,id->i", slope, normals) > 0.0
        if trust_signs or wrong.mean() < 1e-3:
            break
        normals[wrong] *= -1.0
    level = _weighted_median(_at_points(indicator[None], positions)[0], weights)
    field = one_piece(level - indicator, _grid_coordinates(positions, grid), weights)
    vertices, triangles = closed_contour(field)
    return vertices * (2.0 * HALF_SIDE / grid) - HALF_SIDE, triangles


def _areas(positions: np.ndarray, neighbours: int = 16) -> np.ndarray:
    """Area that each point stands for: π r² / k, with r the distance of its k-th neighbour."""
    count = min(neighbours + 1, len(positions))
    distances = np.asarray(cKDTree(positions).query(positions, k=count)[0])
    areas = np.pi * distances[:, -1] ** 2 / max(count - 1, 1)
    # Lone points would stand for large areas.
    return np.minimum(areas, 3.0 * np.median(areas))


def _grid_coordinates(positions: np.ndarray, grid: int) -> np.ndarray:
    return (positions + HALF_SIDE) * (grid / (2.0 * HALF_SIDE))


def _indicator(positions: np.ndarray, vectors: np.ndarray, grid: int, smoothing: float) -> np.ndarray:
    """Smoothed indicator (larger inside) on the periodic grid, up to a constant, shape (grid, grid, grid)."""
    cell = 2.0 * HALF_SIDE / grid
    spread = _splat(_grid_coordinates(positions, grid), vectors, grid) / cell**3
    spectrum = [fft.rfftn(component) for component in spread]
    frequency = 2.0 * np.pi * np.fft.fftfreq(grid, cell)
    x, y, z = frequency[:, None, None], frequency[None, :, None], 2.0 * np.pi * np.fft.rfftfreq(grid, cell)
    squared = x * x + y * y + z * z
    divergence = 1j * (x * spectrum[0] + y * spectrum[1] + z * spectrum[2])
    squared[0, 0, 0] = 1.0
    # ∇²χ = −∇·V, for the indicator falls along the outward normal.
    solution = divergence / squared * np.exp(-0.5 * squared * (smoothing * cell) ** 2)
    solution[0, 0, 0] = 0.0
    return np.asarray(fft.irfftn(solution, s=(grid, grid, grid)))


def _splat(coordinates: np.ndarray, vectors: np.ndarray, grid: int) -> np.ndarray:
    """Trilinear sums of vectors at the nodes of the periodic grid, shape (3, grid, grid, grid)."""
    base = np.floor(coordinates).astype(np.int64)
    fraction = coordinates - base
    result = np.zeros((3, grid**3))
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(np.array(corner) == 1, fraction, 1.0 - fraction), axis=1)
        node = np.ravel_multi_index(tuple(((base + corner) % grid).T), (grid, grid, grid))
        for axis in range(3):
            result[axis] += np.bincount(node, weights=weight * vectors[:, axis], minlength=grid**3)
    return result.reshape(3, grid, grid, grid)


def _at_points(fields: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Values of each of the fields at the points, shape (field_count, n)."""
    coordinates = _grid_coordinates(positions, fields.shape[-1]).T
    return np.stack([ndimage.map_coordinates(field, coordinates, order=1, mode="grid-wrap") for field in fields])


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    running = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(running, 0.5 * running[-1])])


def one_piece(
    field: np.ndarray, coordinates: np.ndarray, weights: np.ndarray, *, bridge_radius: float = BRIDGE_RADIUS
) -> np.ndarray:
    """A field on a grid with one inside, without specks and cavities; what touches the border is outside.

    field : negative inside, shape (n, n, n)
    bridge_radius : of the bridges between pieces, in cells
    coordinates, weights : of the points, in cells. Pieces round which `PIECE_SHARE` of their weight lies stay; each is
        joined to the larger ones where it is nearest to them.
    """
    field = field.copy()
    for axis in range(3):
        border = np.moveaxis(field, axis, 0)
        border[0] = np.abs(border[0])
        border[-1] = np.abs(border[-1])
    inside, count = ndimage.label(field < 0.0)
    if count == 0:
        raise GeometryError("The points enclose nothing.", remedy="Check their normals, or start from a sphere.")
    around = ndimage.maximum_filter(inside, size=3)
    node = np.rint(coordinates).astype(int).clip(0, len(field) - 1)
    claims = np.bincount(around[tuple(node.T)], weights, minlength=count + 1)[1:]
    largest = int(np.argmax(np.bincount(inside.reshape(-1))[1:]))
    pieces = [largest, *(p for p in np.argsort(-claims) if p != largest and claims[p] > PIECE_SHARE * claims.sum())]
    bridges = np.full(field.shape, np.inf)
    solid = inside == 1 + largest
    for piece in pieces[1:]:
        part = inside == 1 + piece
        bridges = np.minimum(bridges, _distance_to_segment(field.shape, *_nearest_nodes(solid, part)))
        solid |= part
    solid = ndimage.binary_fill_holes(solid)
    # Where a speck or a cavity is taken away the field must not come near zero.
    single = np.where(solid, -np.abs(field), np.abs(field))
    slope = float(np.median(np.abs(field[around > 0])))
    return np.minimum(single, slope * (bridges - bridge_radius))


def _nearest_nodes(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two nodes, shape (3,), where two sets of nodes are nearest to each other."""
    nodes, others = np.argwhere(one), np.argwhere(other)
    distances, nearest = (np.asarray(found) for found in cKDTree(nodes).query(others))
    closest = int(np.argmin(distances))
    return nodes[int(nearest[closest])], others[closest]


def _distance_to_segment(shape: tuple[int, ...], start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distance of every node to a segment, in cells."""
    nodes = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1) - start
    way = (end - start).astype(np.float64)
    t = np.clip(nodes @ way / max(float(way @ way), 1e-300), 0.0, 1.0)
    return np.asarray(np.linalg.norm(nodes - t[..., None] * way, axis=-1))
