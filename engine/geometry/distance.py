"""Exact closest points and signed distances to triangles, and oriented distances to points.

Nothing here carries a gradient: a tensor that requires one raises `NotDifferentiableError`. A Term asks for faces and
barycentric weights and evaluates the position again from the vertices, with its graph.

How the BVH was chosen (one CPU thread, ms, build + 8000 queries at the surface, best leaf size of each constructor):

    ========  ==========  ==========  ==========
    triangles      4,272      17,088      69,451
    ========  ==========  ==========  ==========
    sah        2.0 + 6.3   7.1 + 7.9   36 + 10.8
    median     1.3 + 7.9   6.3 + 9.3   28 + 13.3
    cubql      0.9 + 6.7   3.0 + 8.7   15 + 11.3
    ========  ==========  ==========  ==========

(lbvh is CUDA only and falls back to sah on a CPU). A refit takes 0.1, 0.4 and 2 ms. Queries in Morton order
(`engine.geometry.sampling.morton_order`) save up to a tenth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import warp as wp
from scipy.spatial import cKDTree
from torch import Tensor

from engine.core.bridge import launch, view
from engine.core.device import Device
from engine.core.errors import GeometryError, NotDifferentiableError
from engine.core.kernels import initialise_warp
from engine.geometry import distance_kernels as kernels
from engine.geometry.triangles import closest_weights

LEAF_SIZE = 4


@dataclass(frozen=True)
class ClosestPoints:
    """Closest points on a mesh, one for each query point.

    faces : triangle, shape (n,), int32; −1 where nothing lies within the maximum distance
    weights : barycentric weights of the triangle's three vertices, shape (n, 3); zero where nothing was found
    positions : shape (n, 3), in the frame of the mesh; the query point itself where nothing was found
    distances : shape (n,); infinite where nothing was found
    """

    faces: Tensor
    weights: Tensor
    positions: Tensor
    distances: Tensor


@dataclass(frozen=True)
class NearestPoints:
    """Nearest points of a cloud: `indices` int64 and `distances`, both of shape (n,) or (n, count)."""

    indices: Tensor
    distances: Tensor


class TriangleIndex:
    """A bounding-volume hierarchy over a mesh in any frame, for exact distance queries.

    The hierarchy is float32. Coordinates given in float64 are first moved to the centre of their box in float64, and
    closest points are evaluated again in float64 on the triangle that was found, so that a mesh far from the origin
    loses nothing.

    Parameters
    ----------
    vertices : positions, shape (vertex_count, 3), tensor or array
    triangles : vertex indices, shape (triangle_count, 3); there may be none
    device : where the queries run
    winding : also prepare `signed_distance` (dearer to build)
    """

    def __init__(
        self, vertices: Tensor | np.ndarray, triangles: Tensor | np.ndarray, device: Device, *, winding: bool = False
    ) -> None:
        initialise_warp()
        self.device = device
        self.winding = winding
        self.rebuild(vertices, triangles)

    @property
    def triangle_count(self) -> int:
        return len(self._triangles)

    def rebuild(self, vertices: Tensor | np.ndarray, triangles: Tensor | np.ndarray) -> None:
        """Replace the mesh."""
        indices = _plain(triangles, "triangles").to(self.device.torch, torch.int32).contiguous().reshape(-1, 3)
        positions = _plain(vertices, "vertices").to(self.device.torch).reshape(-1, 3)
        if indices.numel() and not (int(indices.min()) >= 0 and int(indices.max()) < len(positions)):
            raise GeometryError("A triangle refers to a vertex that does not exist.")
        self._triangles = indices
        self._local = self._place(positions)
        self._mesh: wp.Mesh | None = None
        if len(indices):
            # cuBQL builds fastest on a CPU, but has no winding numbers; CUDA keeps Warp's own choice.
            constructor = None if self.device.is_cuda else ("sah" if self.winding else "cubql")
            self._mesh = wp.Mesh(
                points=view(self._local, wp.vec3),
                indices=view(indices.reshape(-1)),
                support_winding_number=self.winding,
                bvh_constructor=constructor,
                bvh_leaf_size=None if self.device.is_cuda else LEAF_SIZE,
            )

    def refit(self, vertices: Tensor | np.ndarray) -> None:
        """Move the vertices; the triangles stay. Ten times cheaper than `rebuild`, good for small motions."""
        positions = _plain(vertices, "vertices").to(self.device.torch).reshape(-1, 3)
        if len(positions) != len(self._vertices):
            raise GeometryError(f"{len(positions)} vertices cannot replace {len(self._vertices)}: rebuild the index.")
        if self._mesh is None:
            return
        self._local.copy_(self._place(positions))
        self._mesh.refit()

    def closest(self, points: Tensor | np.ndarray, max_distance: float | Tensor = math.inf) -> ClosestPoints:
        """The closest point of the mesh to each of `points`, shape (n, 3).

        `max_distance` bounds the search: one length, or one for each point, shape (n,) (a bound that is known from
        the last iteration makes the search cheaper). Results have the dtype of `points`.
        """
        queries = _plain(points, "points").to(self.device.torch).reshape(-1, 3)
        dtype = queries.dtype if queries.dtype == torch.float64 else torch.float32
        count = len(queries)
        faces = torch.empty(count, dtype=torch.int32, device=queries.device)
        weights = torch.empty(count, 3, dtype=torch.float32, device=queries.device)
        positions = torch.empty(count, 3, dtype=torch.float32, device=queries.device)
        distances = torch.empty(count, dtype=torch.float32, device=queries.device)
        if self._mesh is None or not count:
            faces.fill_(-1)
            return ClosestPoints(
                faces, weights.zero_().to(dtype), queries.to(dtype), distances.fill_(math.inf).to(dtype)
            )
        limits = self._limits(max_distance, count)
        launch(
            kernels.closest_points,
            count,
            [self._mesh.id, self._to_local(queries), limits, faces, weights, positions, distances],
            device=self.device.torch,
        )
        if dtype == torch.float64 or self._origin is not None:
            return self._refine(queries.to(torch.float64), faces, dtype)
        return ClosestPoints(faces, weights, positions, distances)

    def leaving(self, points: Tensor, directions: Tensor, clearance: float) -> tuple[Tensor, Tensor]:
        """Where rays from inside leave the mesh: faces, int32 (n,), −1 for none, and barycentric weights, float64.

        points, directions : shape (n, 3), the latter of unit length
        clearance : what lies nearer than this is passed over, as the face that a ray begins on
        """
        count = len(points)
        faces = torch.full((count,), -1, dtype=torch.int32, device=self.device.torch)
        weights = torch.zeros(count, 3, dtype=torch.float32, device=self.device.torch)
        if self._mesh is not None:
            rays = [self._to_local(points), directions.to(torch.float32).contiguous()]
            launch(
                kernels.leaving_faces, count,
                [self._mesh.id, *rays, float(clearance), faces, weights], device=self.device.torch,
            )  # fmt: skip
        return faces, weights.to(torch.float64)

    def signed_distance(self, points: Tensor | np.ndarray, *, accuracy: float = 2.0) -> Tensor:
        """Distance of each of `points`, shape (n,), negative where the winding number is above one half.

        Holes and a few flipped triangles do no harm; an open sheet has no inside. `accuracy` is the opening ratio of
        the fast winding number (Barill et al., *Fast winding numbers for soups and clouds*, 2018).
        """
        if not self.winding:
            raise GeometryError("This index was built without winding numbers.", remedy="Pass winding=True.")
        queries = _plain(points, "points").to(self.device.torch).reshape(-1, 3)
        distances = torch.empty(len(queries), dtype=torch.float32, device=queries.device)
        if self._mesh is None or not len(queries):
            return distances.fill_(math.inf)
        launch(
            kernels.signed_distances,
            len(queries),
            [self._mesh.id, self._to_local(queries), float(accuracy), distances],
            device=self.device.torch,
        )
        return distances.to(queries.dtype) if queries.dtype == torch.float64 else distances

    def winding_number(self, points: Tensor | np.ndarray) -> Tensor:
        """Winding number at each of `points`, shape (n,), float32, by the exact sum over all triangles (slow)."""
        queries = _plain(points, "points").to(self.device.torch).reshape(-1, 3)
        values = torch.zeros(len(queries), dtype=torch.float32, device=queries.device)
        if len(queries) and self._mesh is not None:
            launch(
                kernels.winding_numbers,
                len(queries),
                [self._to_local(queries), self._local, self._triangles.reshape(-1), values],
                device=self.device.torch,
            )
        return values

    def _place(self, positions: Tensor) -> Tensor:
        """Keep the vertices; returns a float32 copy of them about an origin, which float64 coordinates have."""
        # A copy: the BVH reads its points at every query, and the caller may overwrite its own.
        self._vertices = positions.clone()
        self._origin: Tensor | None = None
        if positions.dtype == torch.float64 and len(positions):
            self._origin = (positions.amin(dim=0) + positions.amax(dim=0)) / 2.0
            positions = positions - self._origin
        return positions.to(torch.float32).clone(memory_format=torch.contiguous_format)

    def _to_local(self, points: Tensor) -> Tensor:
        if self._origin is not None:
            points = points.to(torch.float64) - self._origin
        return points.to(torch.float32).contiguous()

    def _limits(self, max_distance: float | Tensor, count: int) -> Tensor:
        # Warp takes no infinity here.
        if isinstance(max_distance, Tensor):
            limits = _plain(max_distance, "max_distance").to(self.device.torch, torch.float32).reshape(-1)
            if len(limits) not in (1, count):
                raise GeometryError(f"{len(limits)} maximum distances for {count} points.")
            return limits.clamp(max=1e30).contiguous()
        return torch.tensor([min(max_distance, 1e30)], dtype=torch.float32, device=self.device.torch)

    def _refine(self, points: Tensor, faces: Tensor, dtype: torch.dtype) -> ClosestPoints:
        """Closest points in float64 on triangles that are known."""
        found = faces >= 0
        corners = self._vertices.to(torch.float64)[self._triangles[faces.clamp(min=0).long()].long()]
        weights = closest_weights(points, corners)
        positions = (corners * weights[:, :, None]).sum(dim=1)
        distances = torch.linalg.vector_norm(points - positions, dim=1)
        weights = torch.where(found[:, None], weights, 0.0)
        positions = torch.where(found[:, None], positions, points)
        distances = torch.where(found, distances, math.inf)
        return ClosestPoints(faces, weights.to(dtype), positions.to(dtype), distances.to(dtype))


class PointIndex:
    """Nearest points of a cloud, and the distance along their normals.

    positions : shape (point_count, 3), tensor or array, any frame
    normals : unit outward normals, the same shape, or None (then there is no `oriented_distance`)
    """

    def __init__(self, positions: Tensor | np.ndarray, normals: Tensor | np.ndarray | None = None) -> None:
        self._positions = _array(positions, "positions").reshape(-1, 3)
        self._normals = None if normals is None else _array(normals, "normals").reshape(-1, 3)
        if not len(self._positions):
            raise GeometryError("There are no points to search.")
        if self._normals is not None and self._normals.shape != self._positions.shape:
            raise GeometryError(f"{len(self._normals)} normals for {len(self._positions)} points.")
        self._tree = cKDTree(self._positions)

    def nearest(
        self, points: Tensor | np.ndarray, count: int = 1, *, max_distance: float = math.inf, workers: int = 1
    ) -> NearestPoints:
        """The `count` nearest points to each of `points`, nearest first; shape (n,) for one, else (n, count).

        Where there are not so many within `max_distance` the index is `point_count` and the distance infinite.
        """
        queries = _array(points, "points").reshape(-1, 3)
        found = self._tree.query(queries, k=count, distance_upper_bound=max_distance, workers=workers)
        distances, indices = np.asarray(found[0], np.float64), np.asarray(found[1], np.int64)
        like = _tensor_like(points)
        return NearestPoints(
            torch.as_tensor(indices, device=like.device),
            torch.as_tensor(distances, dtype=like.dtype, device=like.device),
        )

    def oriented_distance(self, points: Tensor | np.ndarray, count: int = 8) -> Tensor:
        """Signed distance, shape (n,), positive outside: the mean of n_i · (x − p_i) over the `count` nearest points,
        with Gaussian weights of the width of the neighbourhood (implicit moving least squares, Kolluri 2008)."""
        if self._normals is None:
            raise GeometryError(
                "An oriented distance needs normals.", remedy="Estimate them with engine.geometry.normals."
            )
        queries = _array(points, "points").reshape(-1, 3)
        count = min(count, len(self._positions))
        found = self._tree.query(queries, k=count)
        squared = np.asarray(found[0], np.float64).reshape(len(queries), count) ** 2
        indices = np.asarray(found[1], np.int64).reshape(len(queries), count)
        # Relative to the nearest, so that far away not every weight underflows.
        spread = np.maximum(squared.mean(axis=1, keepdims=True) - squared[:, :1], 1e-300)
        weights = np.exp(-(squared - squared[:, :1]) / spread)
        planes = np.einsum("nki,nki->nk", queries[:, None] - self._positions[indices], self._normals[indices])
        like = _tensor_like(points)
        values = (weights * planes).sum(axis=1) / weights.sum(axis=1)
        return torch.as_tensor(values, dtype=like.dtype, device=like.device)


def _plain(values: Tensor | np.ndarray, name: str) -> Tensor:
    if isinstance(values, Tensor):
        if values.requires_grad:
            raise NotDifferentiableError(
                f"Distance queries have no gradient, and {name} asks for one.",
                remedy="Pass it detached, and evaluate positions again from faces and weights.",
            )
        return values
    return torch.from_numpy(np.ascontiguousarray(values))


def _array(values: Tensor | np.ndarray, name: str) -> np.ndarray:
    return np.asarray(_plain(values, name).cpu().numpy(), np.float64)


def _tensor_like(values: Tensor | np.ndarray) -> Tensor:
    return values if isinstance(values, Tensor) else torch.zeros(0, dtype=torch.float64)
