"""Polygons to triangles: fans where they are convex or have four corners, VTK's ear cutting for the others.

VTK is given the corners of one polygon at a time, already checked: its filters over whole files follow indices
that do not exist. trimesh (5.2) makes a fan of every polygon, so that concave ones turn over.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.core.errors import FileError

_STRAIGHT = 1e-9
"""A corner that turns back by less than this part of its polygon's area counts as straight."""


def triangulate(path: Path, positions: np.ndarray, counts: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Triangles of polygons, `counts - 2` of each, in the polygons' order and with their orientation.

    Parameters
    ----------
    positions : shape (n, 3), may hold NaN
    counts : corners of each polygon, shape (polygon_count,); those with fewer than three give none
    corners : indices of positions, one polygon after the other, shape (counts.sum(),), may be out of range

    Returns
    -------
    shape (sum of counts − 2, 3), int64. A polygon that crosses itself, or has corners that do not exist, is a fan.
    """
    counts, corners = np.asarray(counts, np.int64), np.asarray(corners, np.int64)
    if counts.size and (counts.min() < 0 or int(counts.sum()) != len(corners)):
        raise FileError(path, "its list of faces is cut short.", remedy="Export it again.")
    starts = np.cumsum(counts) - counts
    pieces = np.maximum(counts - 2, 0)
    ends = np.cumsum(pieces)
    first = np.repeat(starts, pieces)
    step = np.arange(pieces.sum()) - np.repeat(ends - pieces, pieces)
    triangles = np.stack([corners[first], corners[first + step + 1], corners[first + step + 2]], axis=1).reshape(-1, 3)
    begins = ends - pieces
    quads, shift, others = _concave(positions, counts, starts, corners)
    rings = corners[starts[quads, None] + (shift[:, None] + np.arange(4)) % 4]
    triangles[begins[quads]], triangles[begins[quads] + 1] = rings[:, [0, 1, 2]], rings[:, [0, 2, 3]]
    for polygon in others.tolist():
        ring = corners[starts[polygon] : starts[polygon] + counts[polygon]]
        ears = _cut_ears(positions[ring])
        if len(ears) == pieces[polygon]:
            triangles[begins[polygon] : ends[polygon]] = ring[ears]
    return triangles


def _concave(
    positions: np.ndarray, counts: np.ndarray, starts: np.ndarray, corners: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Polygons with a corner that turns against the others, and of which all corners exist.

    Returns
    -------
    quads : which polygons have four corners, one of them pushed in
    shift : the place of that corner in each of them: the fan around it is right
    others : which have more corners
    """
    large = np.flatnonzero(counts > 3)
    if not len(large) or not len(positions):
        return large[:0], large[:0], large[:0]
    sizes = counts[large]
    begins = np.cumsum(sizes) - sizes
    owner = np.repeat(np.arange(len(large)), sizes)
    place = np.arange(len(owner)) - begins[owner]
    ring = corners[starts[large][owner] + place]
    exists = np.logical_and.reduceat((ring >= 0) & (ring < len(positions)), begins)
    points = positions[np.where(exists[owner], ring, 0)]
    with np.errstate(invalid="ignore", over="ignore"):
        points = points - points[begins][owner]
        after = points[begins[owner] + (place + 1) % sizes[owner]]
        before = points[begins[owner] + (place - 1) % sizes[owner]]
        area = np.add.reduceat(np.cross(points, after), begins)[owner]
        turn = np.einsum("ij,ij->i", np.cross(points - before, after - points), area)
        backwards = (turn < -_STRAIGHT * np.einsum("ij,ij->i", area, area)) & exists[owner]
    inward = np.add.reduceat(backwards.astype(np.int64), begins)
    quads = (sizes == 4) & (inward == 1)
    return large[quads], place[backwards & quads[owner]], large[(sizes > 4) & (inward > 0)]


def _cut_ears(points: np.ndarray) -> np.ndarray:
    """Triangles of one polygon as places in it, shape (any, 3); none where VTK finds that it crosses itself."""
    from vtkmodules.vtkCommonCore import vtkIdList
    from vtkmodules.vtkCommonDataModel import vtkPolygon

    polygon, places = vtkPolygon(), vtkIdList()
    polygon.GetPoints().SetNumberOfPoints(len(points))
    polygon.GetPointIds().SetNumberOfIds(len(points))
    for place, point in enumerate((points - points[0]).tolist()):
        polygon.GetPoints().SetPoint(place, point)
        polygon.GetPointIds().SetId(place, place)
    if not polygon.TriangulateLocalIds(0, places):
        return np.empty((0, 3), np.int64)
    return np.array([places.GetId(i) for i in range(places.GetNumberOfIds())], np.int64).reshape(-1, 3)
