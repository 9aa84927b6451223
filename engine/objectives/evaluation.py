"""What the Terms of one evaluation share: the surface, samples of it, and who is nearest to whom."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from engine.core import bridge
from engine.core.device import Device
from engine.geometry.distance import TriangleIndex
from engine.geometry.sampling import sample_surface
from engine.geometry.segments import SegmentIndex
from engine.geometry.vertex_clusters import clustered
from engine.objectives import kernels
from engine.objectives.mask import MaskWeight
from engine.objectives.target import Draw, Target, along
from engine.surfaces.surface import ExtractedSurface

BORDER_SHARE = 4
"""Points on the surface for one on its border."""


@dataclass(frozen=True)
class SurfacePoints:
    """Points of the moving surface: `face` int32 (n,), `barycentric` float64 (n, 3), `position` float64 (n, 3)."""

    face: Tensor
    barycentric: Tensor
    position: Tensor


@dataclass(frozen=True)
class BorderPairs:
    """Points along the border of the target, and of the moving surface, and where each is nearest to the other.

    target_points : float64, shape (n, 3); edge_of_target : row of `ExtractedSurface.boundary`, int64, shape (n,)
    edge, place : edge of the surface's border and place in it, [0, 1), shape (n,)
    segment_of_surface : of the target's border, int64, shape (n,)
    """

    target_points: Tensor
    edge_of_target: Tensor
    edge: Tensor
    place: Tensor
    segment_of_surface: Tensor


class Evaluation:
    """Lazily computed companions of one extracted surface; nothing here carries a gradient.

    surface : as extracted
    target : what it is compared with
    draw : the target's points that this iteration looks at
    sample_count : how many points of the surface are looked at
    generator : source of randomness, reset by the owner at the start of every evaluation of one iteration, so that
        all of them see the same function
    progress : of the Run, in [0, 1]
    """

    def __init__(
        self,
        surface: ExtractedSurface,
        *,
        target: Target | None,
        draw: Draw | None,
        sample_count: int,
        generator: torch.Generator,
        device: Device,
        progress: float = 0.0,
    ) -> None:
        self.surface = surface
        self.target = target
        self.draw = draw
        self.sample_count = sample_count
        self.generator = generator
        self.device = device
        self.progress = progress
        self._mask_values: dict[tuple[int, int], tuple[MaskWeight, Tensor, Tensor]] = {}
        self._sides: dict[int, tuple[Tensor, Tensor, Tensor]] = {}
        self._nearest: dict[Hashable, Tensor] = {}
        self._panels: dict[int, tuple[Tensor, Tensor]] = {}

    @property
    def vertices(self) -> Tensor:
        """With the graph, shape (vertex_count, 3)."""
        return self.surface.vertices

    @cached_property
    def positions(self) -> Tensor:
        """Vertices in float64 without graph."""
        return self.surface.vertices.detach().to(torch.float64).contiguous()

    @property
    def triangles(self) -> Tensor:
        return self.surface.triangles

    def hold_pairs(self, other: Evaluation) -> None:
        """Take over the samples and the pairs of another evaluation of the same triangles, as gradient checks need."""
        held = ["samples", "opposite_of_samples"]
        if self.target is not None:
            held += ["face_of_target", "target_of_samples"]
            if self.target.border is not None and len(self.surface.boundary):
                held.append("border_pairs")
        self.__dict__.update({name: getattr(other, name) for name in held})

    def hold_sides(self, other: Evaluation) -> None:
        """Take over what `side_of`, `faces_near` and `panels` found for another evaluation of the same triangles, as
        gradient checks need."""
        self._sides = other._sides
        self._nearest = other._nearest
        self._panels = other._panels

    def factor(self, where: MaskWeight, positions: Tensor) -> Tensor:
        """What a mask weighs places with, float64 (n,); asked once for all Terms that it weighs.

        positions : a tensor of this evaluation or of its draw, whole
        """
        key = (id(where.mask), id(positions))
        if key not in self._mask_values:
            resting = self.draw is not None and positions is self.draw.position
            values = where.mask.at_resting(positions) if resting else where.mask.at(positions)
            # Mask and tensor are kept too, lest others take their places and their ids.
            self._mask_values[key] = (where, positions, values)
        return where.of(self._mask_values[key][2])

    def faces_near(self, key: Hashable, points: Tensor) -> Tensor:
        """Face of the moving surface nearest to each of `points` (n, 3), int32. `key` names the points among all that
        are asked for in this evaluation."""
        if key not in self._nearest:
            self._nearest[key] = self.index.closest(points.to(torch.float32)).faces
        return self._nearest[key]

    def panels(self, count: int) -> tuple[Tensor, Tensor]:
        """The surface as at most `count` panels: cluster of every vertex, int64, and triangles over clusters, int32."""
        if count not in self._panels:
            made = clustered(self.positions.cpu().numpy(), self.triangles.cpu().numpy(), count)
            device = self.positions.device
            self._panels[count] = (torch.from_numpy(made.label).to(device), torch.from_numpy(made.triangles).to(device))
        return self._panels[count]

    def side_of(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Face of the moving surface nearest to each of `points` (n, 3), int32, and the side on which the point is,
        −1 inside and 1 outside, float64."""
        if id(points) not in self._sides:
            index = TriangleIndex(self.positions.to(torch.float32), self.triangles, self.device, winding=True)
            queries = points.to(torch.float32)
            outside = index.signed_distance(queries) >= 0.0
            side = torch.where(outside, 1.0, -1.0).to(torch.float64)
            self._sides[id(points)] = (points, index.closest(queries).faces, side)
        return self._sides[id(points)][1:]

    @property
    def is_empty(self) -> bool:
        return len(self.surface.triangles) == 0

    @cached_property
    def samples(self) -> SurfacePoints:
        """Points spread over the moving surface by area."""
        drawn = sample_surface(self.positions, self.triangles, self.sample_count, self.generator)
        face = drawn.faces.to(torch.int32)
        barycentric = drawn.weights.to(torch.float64).contiguous()
        position = torch.empty_like(barycentric)
        bridge.launch(
            kernels.sample_positions,
            len(face),
            [face, barycentric, self.positions, self.triangles, position],
            device=self.positions.device,
        )
        return SurfacePoints(face, barycentric, position)

    @cached_property
    def index(self) -> TriangleIndex:
        """For closest points of the moving surface, and rays through it."""
        return TriangleIndex(self.positions.to(torch.float32), self.triangles, self.device)

    @cached_property
    def opposite_of_samples(self) -> tuple[Tensor, Tensor]:
        """Where a ray from every sample against its normal leaves the surface: face, int32 (−1: nowhere), and
        barycentric, float64 (n, 3)."""
        normal = torch.nan_to_num(self.face_normals[self.samples.face.long()])
        return self.index.leaving(self.samples.position, -normal, 0.01 * self.surface.cell_size)

    @cached_property
    def face_normals(self) -> Tensor:
        """Unit normals of the faces, float64 (triangle_count, 3), without graph; not a number where there is none."""
        a, b, c = self.positions[self.triangles.long()].unbind(dim=1)
        normal = torch.linalg.cross(b - a, c - a)
        return normal / torch.linalg.vector_norm(normal, dim=1, keepdim=True)

    @cached_property
    def border_pairs(self) -> BorderPairs:
        """A point on the borders for every `BORDER_SHARE` on the surface; both must have one."""
        assert self.target is not None and self.target.border is not None
        wanted, edges = self.target.border, self.surface.boundary
        count = max(self.sample_count // BORDER_SHARE, 1)
        target_points = wanted.sample(count, self.generator)
        ends = self.positions[edges.long()]
        start, end = ends.unbind(dim=1)
        lengths = torch.linalg.vector_norm(end - start, dim=1).cumsum(0)
        edge, place = along(lengths, count, self.generator)
        points = start[edge] + place[:, None] * (end[edge] - start[edge])
        nearest = SegmentIndex(ends, self.device).nearest(target_points)
        return BorderPairs(target_points, nearest, edge, place, wanted.index.nearest(points))

    @cached_property
    def face_of_target(self) -> Tensor:
        """Face of the moving surface nearest to every point of the draw, int32."""
        assert self.draw is not None
        return self.index.closest(self.draw.position32).faces

    @cached_property
    def target_of_samples(self) -> Tensor:
        """Element of the target (face, or scanned point) nearest to every sample; −1 where none is near."""
        assert self.target is not None
        return self.target.nearest(self.samples.position)

    @cached_property
    def target_points(self) -> Tensor:
        """Where on those elements, float64 (n, 3)."""
        assert self.target is not None
        return self.target.points_at(self.target_of_samples, self.samples.position)
