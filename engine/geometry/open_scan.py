"""The border of a scan of an open surface, and where places are, seen from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from engine.core.device import Device
from engine.geometry.open_start import OpenStart, SheetPlaces, slab_reach, slab_start
from engine.geometry.start import grid_nodes

NEIGHBOURS = 30
"""Points round a point among which a gap is looked for."""

GAP = 105.0
"""Degrees without a neighbour that make a border; among thirty scattered ones inside a surface one in 800 has it."""

FOLD = 0.75
"""Spacings off its tangent plane at which two neighbours of a point show that the surface goes on over an edge."""

PLANES = 8
"""Points whose planes say how high a place is."""

SAME_PLANE = 0.95
"""Length of the mean of unit normals below which they belong to two sides of an edge."""

APART = 6.0
"""Spacings between points of one border at most."""

ENDS = 4.0
"""Spacings from the border within which a scan's point can be the last one before a place beyond it. Off a sharp edge
places have no points below them either, but those next to them are far from any border."""

COHERENCE_ROUNDS = 3
"""Looks for border points that their border does not go on from."""

BEYOND = 1.5
"""Spacings that the next point of a border may lie further out, or a corner further in."""

OPPOSED = -0.3
"""Cosine between the outward directions of two border points below which they face one another across a gap."""

LEAST_POINTS = 8
"""Of a border."""


@dataclass(frozen=True)
class ScanBorder:
    """Points on the border of a scan.

    positions : shape (count, 3); outward : along the surface and away from it, unit, shape (count, 3)
    normals : of the surface, unit, shape (count, 3)
    counts : whether it is part of an opening, not of a hole to be closed, shape (count,)
    spacing : of the scan's points
    """

    positions: np.ndarray
    outward: np.ndarray
    normals: np.ndarray
    counts: np.ndarray
    spacing: float

    @property
    def segments(self) -> np.ndarray:
        """A short piece of the border round each point that counts, shape (count, 2, 3)."""
        along = np.cross(self.normals, self.outward)[self.counts]
        half = 0.5 * self.spacing * along
        return np.stack([self.positions[self.counts] - half, self.positions[self.counts] + half], axis=1)


def scan_border(positions: np.ndarray, normals: np.ndarray, *, widest_hole: float) -> ScanBorder:
    """Where the points of a scan end.

    A point is at the border where its neighbours, seen along its normal, leave a gap of `GAP`; the border itself goes
    through the outermost of them.

    positions, normals : shape (point_count, 3), the latter unit
    widest_hole : borders whose boxes have no larger diagonal are holes, and do not count

    Source: the angle criterion of Bendels, Schnabel and Klein, *Detecting holes in point set surfaces*, 2006.
    """
    tree = cKDTree(positions)
    count = min(NEIGHBOURS, len(positions) - 1)
    distances, neighbours = map(np.asarray, tree.query(positions, range(1, count + 2)))
    spacing = float(np.median(distances[:, 1:7].mean(axis=1)))
    away = positions[neighbours[:, 1:]] - positions[:, None]
    first, second = _tangents(normals)
    x, y = (np.einsum("nkd,nd->nk", away, axis) for axis in (first, second))
    angles = np.sort(np.arctan2(y, x), axis=1)
    gaps = np.diff(angles, axis=1, append=angles[:, :1] + 2.0 * np.pi)
    widest = gaps.argmax(axis=1)
    rows = np.arange(len(positions))
    at_border = np.flatnonzero(gaps[rows, widest] > np.radians(GAP))
    middle = (angles[rows, widest] + 0.5 * gaps[rows, widest])[at_border, None]
    outward = np.cos(middle) * first[at_border] + np.sin(middle) * second[at_border]
    beyond = np.einsum("nkd,nd->nk", away[at_border], outward)
    aside = np.einsum("nkd,nd->nk", away[at_border], np.cross(normals[at_border], outward))
    within = np.abs(aside) < 0.5 * distances[at_border, -1:]
    outermost = np.maximum(np.where(within, beyond, 0.0).max(axis=1, initial=0.0), 0.0)
    # Over a fold the surface goes on where the tangent plane ends: points lie above or below it there.
    height = np.abs(np.einsum("nkd,nd->nk", away[at_border], normals[at_border]))
    folded = (within & (beyond > outermost[:, None] - spacing) & (height > FOLD * spacing)).sum(axis=1) >= 2
    at_border, outward, outermost = at_border[~folded], outward[~folded], outermost[~folded]
    places = positions[at_border] + outermost[:, None] * outward
    normals = normals[at_border]
    return ScanBorder(places, outward, normals, _openings(places, outward, normals, spacing, widest_hole), spacing)


class OpenScan:
    """A scan of an open surface, for start fields. positions, normals : working frame."""

    def __init__(self, positions: np.ndarray, normals: np.ndarray, border: ScanBorder) -> None:
        self._positions, self._normals, self.border = positions, normals, border
        self._tree = cKDTree(positions)
        self._holes = border.positions[~border.counts]
        self._opening_tree = cKDTree(border.positions[border.counts])

    def start(self, resolution: int, device: Device) -> OpenStart:
        """Template and mSDF at the grid's nodes."""
        nodes = grid_nodes(resolution).reshape(-1, 3)
        reached = np.asarray(self._tree.query(nodes.numpy(), distance_upper_bound=slab_reach(resolution))[0])
        near = torch.from_numpy(np.isfinite(reached))
        places = self.places(nodes[near].numpy().astype(np.float64), 2.0 / resolution)
        start = slab_start(places, near, resolution)
        return OpenStart(*(values.to(device.torch) for values in (start.field, start.msdf, start.inward)))

    def places(self, points: np.ndarray, cell: float) -> SheetPlaces:
        """Of `points`, shape (count, 3): the height is the mean over the planes of the nearest points."""
        count = min(PLANES, len(self._positions))
        distances, nearest = map(np.asarray, self._tree.query(points, range(1, count + 1)))
        weights = np.exp(-((distances / distances[:, -1:]) ** 2))
        weights /= weights.sum(axis=1, keepdims=True)
        normals = self._normals[nearest]
        heights = np.einsum("nkd,nkd->nk", points[:, None] - self._positions[nearest], normals)
        height = (weights * heights).sum(axis=1)
        mean = np.einsum("nk,nkd->nd", weights, normals)
        agreement = np.linalg.norm(mean, axis=1)
        foot = points - height[:, None] * mean / agreement[:, None].clip(min=1e-12)

        # Next to the border its own direction says on which side a place is; further away, whether points are there.
        count = min(4, int(self.border.counts.sum()))
        to_opening, opening = map(np.asarray, self._opening_tree.query(foot, range(1, count + 1)))
        places = self.border.positions[self.border.counts][opening]
        outward = self.border.outward[self.border.counts][opening]
        inward = np.einsum("nkd,nkd->nk", places - foot[:, None], outward).mean(axis=1)
        empty = np.asarray(self._tree.query(foot)[0]) > 1.5 * self.border.spacing
        in_hole = self._to_holes(foot) < 0.5 * to_opening[:, 0]
        ends = np.asarray(self._opening_tree.query(self._positions[nearest[:, 0]])[0]) < ENDS * self.border.spacing
        beyond = empty & ends & ~in_hole
        further = to_opening[:, 0] > 2.0 * cell
        inward = np.where(further, np.where(beyond, -to_opening[:, 0], to_opening[:, 0]), inward)
        # Behind an edge the planes of its sides are nearer than any point of them.
        behind_edge = (height < 0.0) & (agreement < SAME_PLANE)
        depth = np.where(behind_edge, np.maximum(-height, distances[:, 0] - self.border.spacing), -height)
        return SheetPlaces(*map(torch.from_numpy, (height, inward, depth)))

    def _to_holes(self, points: np.ndarray) -> np.ndarray:
        """Distance to the nearest border point that does not count, infinite where there is none."""
        if not len(self._holes):
            return np.full(len(points), np.inf)
        return np.asarray(cKDTree(self._holes).query(points)[0])


def _tangents(normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors across each normal and each other."""
    axis = np.eye(3)[np.abs(normals).argmin(axis=1)]
    first = np.cross(normals, axis)
    first /= np.linalg.norm(first, axis=1, keepdims=True).clip(min=1e-300)
    return first, np.cross(normals, first)


def _openings(
    places: np.ndarray, outward: np.ndarray, normals: np.ndarray, spacing: float, widest_hole: float
) -> np.ndarray:
    """Which border points belong to a connected border wider than `widest_hole`, shape (count,)."""
    pairs = (
        cKDTree(places).query_pairs(APART * spacing, output_type="ndarray") if len(places) else np.zeros((0, 2), int)
    )
    pairs = _going_on(places, outward, normals, pairs, spacing)
    links = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(places),) * 2)
    labels = connected_components(links, directed=False)[1]
    counts = np.zeros(len(places), bool)
    for label in np.flatnonzero(np.bincount(labels) >= LEAST_POINTS):
        members = labels == label
        counts[members] = np.linalg.norm(np.ptp(places[members], axis=0)) > widest_hole
    return counts


def _going_on(
    places: np.ndarray, outward: np.ndarray, normals: np.ndarray, pairs: np.ndarray, spacing: float
) -> np.ndarray:
    """Pairs of neighbours on one border, shape (pair_count, 2).

    A border goes on to both sides of each of its points, and its neighbours there face the same way. A gap that chance
    leaves between scattered points has neither.
    """
    along = np.cross(normals, outward)
    for _ in range(COHERENCE_ROUNDS):
        first, second = np.concatenate([pairs, pairs[:, ::-1]]).T
        away = (places[second] - places[first]) / spacing
        ahead, aside = ((away * axis[first]).sum(axis=1) for axis in (outward, along))
        fits = (ahead < BEYOND) & (np.abs(ahead) < np.abs(aside) + BEYOND)
        fits &= (outward[first] * outward[second]).sum(axis=1) > OPPOSED
        both = np.ones(len(places), bool)
        for side in (-1.0, 1.0):
            there = np.zeros(len(places), bool)
            there[first[fits & (side * aside > 0.0)]] = True
            both &= there
        pairs = pairs[both[pairs].all(axis=1)]
    return pairs
