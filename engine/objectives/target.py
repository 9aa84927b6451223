"""What is to be met, in the working frame: a mesh, or the points of a scan."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import GeometryError
from engine.geometry.distance import PointIndex, TriangleIndex
from engine.geometry.frame import Frame
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.poisson import one_piece, poisson_surface
from engine.geometry.sampling import morton_order, sample_mesh
from engine.geometry.segments import SegmentIndex
from engine.geometry.start import mesh_distance_field
from engine.geometry.topology import euler_and_parts
from engine.geometry.triangles import closest_weights

CREASE_ANGLE = 35.0
"""Faces that meet at more than this [degrees] make a crease."""

UNSEEN_FROM = 1.2
"""Cells: a grid node this far from every scanned point is not seen by the scan."""

FREE_BAND = 0.6
"""Cells round the closed surface behind a scan within which its points may still change a node's side."""

NECK_RADIUS = 1.5
"""Radius, in cells of the study's grid, of a bridge to a piece of a scan that would be lost between its nodes."""


@dataclass(frozen=True)
class Draw:
    """Points of the target that one iteration looks at.

    position, normal : working frame, float64, shape (n, 3)
    position32 : the same in float32, for queries
    weight : shares that sum to one, float64, shape (n,)
    normal_weight : the same for normals: zero where a point has none (on a crease)
    """

    position: Tensor
    position32: Tensor
    normal: Tensor
    weight: Tensor
    normal_weight: Tensor


class Border:
    """Where an open target ends: segments, working frame.

    ends : shape (segment_count, 2, 3), float64
    """

    def __init__(self, ends: Tensor, device: Device) -> None:
        self.index = SegmentIndex(ends, device)
        self.ends = self.index.ends
        lengths = torch.linalg.vector_norm(self.ends[:, 1] - self.ends[:, 0], dim=1)
        self._lengths = torch.cumsum(lengths, 0)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Points spread evenly along it, shape (count, 3)."""
        segment, t = along(self._lengths, count, generator)
        start, end = self.ends[segment].unbind(dim=1)
        return start + t[:, None] * (end - start)


def along(lengths: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """`count` places spread evenly over segments of running total `lengths`: segment, int64, and place in it,
    [0, 1)."""
    jitter = torch.rand(count, generator=generator, dtype=torch.float64, device=lengths.device)
    at = (torch.arange(count, device=lengths.device) + jitter) / count * lengths[-1]
    segment = torch.searchsorted(lengths, at, right=True).clamp(max=len(lengths) - 1)
    own = torch.diff(lengths, prepend=lengths.new_zeros(1))[segment]
    return segment, ((at - lengths[segment] + own) / own.clamp(min=1e-300)).clamp(0.0, 1.0)


class Target(ABC):
    """What a surface is compared with. All in the working frame.

    border : where it ends, None where it is closed
    is_scan : the target has holes and noise, so that only its points speak, not their absence
    parts : how many separate pieces it has
    """

    border: Border | None = None
    is_scan: bool
    parts: int
    device: Device

    def __init__(self, draws: list[Draw], device: Device) -> None:
        self._draws = draws
        self.device = device
        self._fields: dict[int, Tensor] = {}

    def draw(self, iteration: int) -> Draw:
        """The points for an iteration; every point comes up in turn."""
        return self._draws[iteration % len(self._draws)]

    def distance_field(self, resolution: int) -> Tensor:
        """Signed distance at the grid's nodes, shape (n+1, n+1, n+1), float32, negative inside; the last is kept."""
        if resolution not in self._fields:
            self._fields = {resolution: self._distance_field(resolution)}
        return self._fields[resolution]

    def sides(self, resolution: int) -> Tensor:
        """Side of every grid node that should stay there, shape (n+1, n+1, n+1): −1 inside, 1 outside, 0 undecided."""
        return torch.where(self.distance_field(resolution) < 0, -1.0, 1.0)

    def msdf_field(self, resolution: int) -> Tensor | None:
        """Manifold signed distance at the grid's nodes, negative where a surface round it is open, shape
        (n+1, n+1, n+1), float32; None for a target that is closed."""
        return None

    def open_sides(self, resolution: int) -> Tensor | None:
        """Sign of the mSDF that every grid node should keep, as `sides`; None for a target that is closed."""
        msdf = self.msdf_field(resolution)
        return None if msdf is None else torch.where(msdf < 0, -1.0, 1.0)

    @abstractmethod
    def _distance_field(self, resolution: int) -> Tensor: ...

    @abstractmethod
    def nearest(self, position: Tensor) -> Tensor:
        """Element (face, or point) nearest to each position (n, 3), int32, −1 where none is near."""

    @abstractmethod
    def points_at(self, element: Tensor, position: Tensor) -> Tensor:
        """The point of each of the elements that is nearest to its position, float64, shape (n, 3)."""

    @abstractmethod
    def normals_at(self, element: Tensor) -> Tensor:
        """Unit normal of elements, float64, shape (n, 3)."""


class MeshTarget(Target):
    """A triangle mesh.

    Parameters
    ----------
    mesh : the target [mm]
    frame : the working frame
    device : where queries run
    sample_count : points in one draw
    draw_count : how many different draws there are
    crease_share : share of every draw (by count and by weight) that lies on creases
    seed : of the samples
    """

    is_scan = False

    def __init__(
        self,
        mesh: Mesh,
        frame: Frame,
        device: Device,
        *,
        sample_count: int,
        draw_count: int = 16,
        crease_share: float = 0.2,
        seed: int = 0,
    ) -> None:
        if not mesh.triangle_count:
            raise GeometryError(f"{mesh.name} has no triangles to fit a surface to.")
        vertices = frame.to_working(mesh.vertices)
        self.parts = euler_and_parts(_welded(mesh.vertices)[mesh.triangles])[1]
        self.vertices = torch.from_numpy(vertices).to(device.torch)
        self.triangles = torch.from_numpy(mesh.triangles).to(device.torch).contiguous()
        self.index = TriangleIndex(self.vertices.to(torch.float32), self.triangles, device)
        edges = creases(mesh.vertices, mesh.triangles)
        draws = [
            _mesh_draw(mesh, frame, edges, sample_count, crease_share, seed * draw_count + k, device)
            for k in range(draw_count)
        ]
        super().__init__(draws, device)

    def _distance_field(self, resolution: int) -> Tensor:
        return mesh_distance_field(self.vertices, self.triangles, resolution, self.device)

    def nearest(self, position: Tensor) -> Tensor:
        return self.index.closest(position.to(torch.float32)).faces

    def points_at(self, element: Tensor, position: Tensor) -> Tensor:
        corners = self.vertices[self.triangles[element.clamp(min=0).long()].long()]
        return (corners * closest_weights(position, corners)[:, :, None]).sum(dim=1)

    @cached_property
    def _face_normals(self) -> Tensor:
        corners = self.vertices[self.triangles.long()]
        normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        return normals / torch.linalg.vector_norm(normals, dim=1, keepdim=True).clamp(min=1e-300)

    def normals_at(self, element: Tensor) -> Tensor:
        return self._face_normals.index_select(0, element.clamp(min=0).long())


class ScanTarget(Target):
    """Scanned points with normals.

    Parameters
    ----------
    points : with outward normals [mm]
    confidence : how far each point is believed, in [0, 1], shape (point_count,)
    reach : points of the surface further from every scanned point than this (working length) are left alone
    """

    is_scan = True

    def __init__(
        self,
        points: Points,
        frame: Frame,
        device: Device,
        *,
        sample_count: int,
        confidence: np.ndarray,
        reach: float,
        seed: int = 0,
    ) -> None:
        if points.normals is None:
            raise GeometryError(
                f"{points.name} has no normals.", remedy="Estimate them with engine.geometry.normals first."
            )
        positions = frame.to_working(points.positions)
        believed = np.flatnonzero(confidence > 0.0)
        if not len(believed):
            raise GeometryError(f"{points.name} has no point that fits to its neighbours.")
        self.parts = 1
        self.reach = reach
        self.positions = torch.from_numpy(positions[believed]).to(device.torch)
        self.normals = torch.from_numpy(points.normals[believed]).to(device.torch)
        self.confidence = torch.from_numpy(np.asarray(confidence, np.float64)[believed]).to(device.torch)
        self.index = PointIndex(positions[believed])
        order = np.random.default_rng(seed).permutation(len(believed))
        draw_count = max(1, len(believed) // sample_count)
        draws = []
        for part in np.array_split(order, draw_count):
            rows = part[morton_order(positions[believed][part])]
            weight = confidence[believed][rows]
            draws.append(_draw(positions[believed][rows], points.normals[believed][rows], weight, weight, device))
        super().__init__(draws, device)

    @cached_property
    def closed_surface(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertices and triangles of the smooth closed surface behind the points, working frame."""
        return poisson_surface(
            self.positions.cpu().numpy(), self.normals.cpu().numpy(), confidence=self.confidence.cpu().numpy()
        )

    def _distance_field(self, resolution: int) -> Tensor:
        field = mesh_distance_field(*self.closed_surface, resolution, self.device)
        # A neck that is thinner than the cells is lost between the nodes.
        coordinates = (self.positions.cpu().numpy() + 1.0) * (resolution / 2.0)
        joined = one_piece(field.cpu().numpy(), coordinates, self.confidence.cpu().numpy(), bridge_radius=NECK_RADIUS)
        return torch.from_numpy(joined.astype(np.float32)).to(self.device.torch)

    def sides(self, resolution: int) -> Tensor:
        """Close to the closed surface behind them the points decide themselves, where there are any."""
        distance = self.distance_field(resolution)
        cell = 2.0 / resolution
        near = torch.nonzero((distance.abs() < FREE_BAND * cell).reshape(-1))[:, 0]
        side = resolution + 1
        nodes = torch.stack([near // (side * side), near // side % side, near % side], dim=1)
        seen = self.index.nearest(nodes * cell - 1.0, max_distance=UNSEEN_FROM * cell).distances < float("inf")
        sides = super().sides(resolution).reshape(-1)
        sides[near[seen]] = 0.0
        return sides.reshape(distance.shape)

    def nearest(self, position: Tensor) -> Tensor:
        found = self.index.nearest(position, max_distance=self.reach)
        missing = found.indices >= len(self.positions)
        return found.indices.masked_fill(missing, -1).to(torch.int32)

    def points_at(self, element: Tensor, position: Tensor) -> Tensor:
        return self.positions.index_select(0, element.clamp(min=0).long())

    def normals_at(self, element: Tensor) -> Tensor:
        return self.normals.index_select(0, element.clamp(min=0).long())


def creases(vertices: np.ndarray, triangles: np.ndarray, angle: float = CREASE_ANGLE) -> np.ndarray:
    """Edges, shape (edge_count, 2), between two faces whose normals differ by more than `angle` [degrees].

    Vertices at the same place count as one, so that a mesh of loose triangles has its creases too.
    """
    welded = _welded(vertices)[triangles]
    corners = vertices[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = normals / np.maximum(lengths, 1e-300)
    edges = np.sort(welded[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    ends = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    face = np.repeat(np.arange(len(triangles)), 3)
    order = np.lexsort((edges[:, 1], edges[:, 0]))
    first, second = order[:-1], order[1:]
    twins = (edges[first] == edges[second]).all(axis=1)
    first, second = first[twins], second[twins]
    areas = (lengths[face[first], 0] > 1e-14) & (lengths[face[second], 0] > 1e-14)
    cosine = (normals[face[first]] * normals[face[second]]).sum(axis=1)
    return ends[first[(cosine < np.cos(np.radians(angle))) & areas]]


def _welded(vertices: np.ndarray) -> np.ndarray:
    """One number for all vertices at the same place, shape (vertex_count,)."""
    return np.unique(vertices, axis=0, return_inverse=True)[1].reshape(-1)


def _mesh_draw(
    mesh: Mesh, frame: Frame, edges: np.ndarray, count: int, crease_share: float, seed: int, device: Device
) -> Draw:
    """Points by area, and points on the creases `edges` by length."""
    on_creases = int(count * crease_share) if len(edges) else 0
    positions, normals, _ = sample_mesh(mesh, count - on_creases, seed)
    normal_weight = np.concatenate([np.ones(count - on_creases), np.zeros(on_creases)])
    if on_creases:
        random = np.random.default_rng(seed)
        start, end = mesh.vertices[edges[:, 0]], mesh.vertices[edges[:, 1]]
        lengths = np.linalg.norm(end - start, axis=1).cumsum()
        at = (np.arange(on_creases) + random.random(on_creases)) / on_creases * lengths[-1]
        edge = np.minimum(np.searchsorted(lengths, at), len(edges) - 1)
        t = random.random(on_creases)[:, None]
        positions = np.concatenate([positions, (1 - t) * start[edge] + t * end[edge]])
        normals = np.concatenate([normals, np.zeros((on_creases, 3))])
    rows = morton_order(positions)
    return _draw(frame.to_working(positions[rows]), normals[rows], np.ones(count), normal_weight[rows], device)


def _draw(
    position: np.ndarray, normal: np.ndarray, weight: np.ndarray, normal_weight: np.ndarray, device: Device
) -> Draw:
    def tensor(values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, np.float64)).to(device.torch)

    position64 = tensor(position)
    return Draw(
        position=position64,
        position32=position64.to(torch.float32),
        normal=tensor(normal),
        weight=tensor(weight / max(weight.sum(), 1e-300)),
        normal_weight=tensor(normal_weight / max(normal_weight.sum(), 1e-300)),
    )
