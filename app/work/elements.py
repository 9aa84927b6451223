"""What can be selected of one thing: its vertices or points, and what a gesture of the selection tool makes of them.

All of it may run in any thread, one at a time: what is slow for large geometry is made when first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from app.document.project import RESULT, SceneObject, Selection
from app.viewport.records import SelectionGesture, SelectOperation
from engine.geometry.mesh import Mesh
from engine.geometry.neighbours import Neighbours
from engine.geometry.points import Points
from engine.geometry.selection import brush, brush_along, connected, transfer
from engine.geometry.topology import measure_topology
from engine.protocol.snapshot import Snapshot

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

FOLLOWS = 0.1
"""How far, in diagonals of what was selected on, a selection on the result finds the surface that has moved on."""


class Elements:
    """Vertices or points of an object where it stands, or of the Run's surface.

    of : the object's name, or "result"; count : of them
    source : what they come from: other elements with the very same are the same
    geometry : gives the geometry where it stands [mm, world]; called once, and not before it is needed: to place ten
        million points takes long, and belongs to the work
    moves : the vertices come and go: a selection keeps their positions
    """

    def __init__(
        self,
        of: str,
        count: int,
        source: tuple[object, ...],
        geometry: Callable[[], Mesh | Points],
        *,
        moves: bool = False,
    ) -> None:
        self.of = of
        self.count = count
        self.moves = moves
        self._source = source
        self._geometry = geometry

    @staticmethod
    def of_object(item: SceneObject) -> Elements:
        geometry = item.geometry
        count = geometry.vertex_count if isinstance(geometry, Mesh) else geometry.point_count
        return Elements(item.name, count, (geometry, item.placement), lambda: item.placed)

    @staticmethod
    def of_result(snapshot: Snapshot) -> Elements:
        """Those of the Run's surface; the Snapshot's memory is its own."""
        vertices, triangles = snapshot.arrays["vertices"], snapshot.arrays["triangles"]
        origin = np.asarray(snapshot.origin, np.float64)
        return Elements(RESULT, len(vertices), (snapshot,), lambda: Mesh(vertices + origin, triangles), moves=True)

    def same_as(self, other: Elements) -> bool:
        return self.of == other.of and all(a is b for a, b in zip(self._source, other._source, strict=True))

    @cached_property
    def geometry(self) -> Mesh | Points:
        return self._geometry()

    @property
    def positions(self) -> np.ndarray:
        """[mm, world], shape (count, 3)."""
        return self.geometry.vertices if isinstance(self.geometry, Mesh) else self.geometry.positions

    @cached_property
    def graph(self) -> Neighbours:
        return Neighbours.of(self.geometry)

    @cached_property
    def tree(self) -> cKDTree:
        from scipy.spatial import cKDTree  # slow to load

        return cKDTree(self.positions)

    @cached_property
    def normals(self) -> np.ndarray | None:
        """Of the vertices of a closed mesh, not of unit length, or of a scan that has them, shape (count, 3). None for
        an open mesh, of which one may see both sides."""
        if isinstance(self.geometry, Points):
            return self.geometry.normals
        mesh = self.geometry
        topology = measure_topology(mesh.triangles)
        if not (topology.watertight and topology.consistent_winding):
            return None
        corners = mesh.vertices[mesh.triangles]
        faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        volume = float(np.einsum("ij,ij->", corners[:, 0] - corners[0, 0], faces))
        of_vertices = np.stack(
            [np.bincount(mesh.triangles.ravel(), np.repeat(faces[:, axis], 3), self.count) for axis in range(3)], axis=1
        )
        return of_vertices if volume > 0.0 else -of_vertices

    def carried(self, selection: Selection | None) -> np.ndarray:
        """An earlier selection on these elements: none where it was of something else."""
        if selection is None or selection.of != self.of:
            return np.zeros(self.count, np.float32)
        if selection.points is None:
            fits = len(selection.values) == self.count
            return selection.values if fits else np.zeros(self.count, np.float32)
        return transfer(selection.points, selection.values, reach_of(selection.points), self.positions)

    def selection(self, values: np.ndarray) -> Selection:
        """Values on these elements as the working selection."""
        return Selection("", self.of, values, self.positions if self.moves else None)

    def after(self, values: np.ndarray, gesture: SelectionGesture) -> np.ndarray:
        """Values (count,) that a gesture leaves of `values`."""
        return joined(values, self._gestured(gesture), gesture.operation)

    def _gestured(self, gesture: SelectionGesture) -> np.ndarray:
        if gesture.outline is not None:
            return gesture.outline.inside(self.positions, self.normals).astype(np.float32)
        if not len(gesture.positions):
            return np.zeros(self.count, np.float32)
        if gesture.mode == "geodesic" or (gesture.mode == "brush" and isinstance(self.geometry, Mesh)):
            return brush_along(self.graph, gesture.positions, max(gesture.radius, 1e-9), gesture.profile)
        if gesture.mode == "brush":
            return brush(self.tree, gesture.positions, gesture.radius, gesture.profile)
        nearest = np.atleast_1d(self.tree.query(gesture.positions)[1])
        if gesture.mode == "connected":
            return connected(self.graph, nearest)
        clicked = np.zeros(self.count, np.float32)
        clicked[nearest] = 1.0
        return clicked


def joined(values: np.ndarray, new: np.ndarray, operation: SelectOperation) -> np.ndarray:
    """What a selection becomes: `new`, as well as that, or all but that."""
    if operation == "replace":
        return new
    return np.maximum(values, new) if operation == "add" else np.minimum(values, 1.0 - new)


def reach_of(points: np.ndarray) -> float:
    """How far [mm] what is drawn may lie from the points of a selection and still show it."""
    return max(FOLLOWS * float(np.linalg.norm(points.max(axis=0) - points.min(axis=0))), 1e-6) if len(points) else 1e-6
