"""The bodies of a scene: which vertices of all are whose, where they stand, and their surfaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.geometry.mesh import Mesh
from engine.geometry.regions import region_vertices
from engine.geometry.shapes import surface_of
from engine.geometry.stuffing import tetrahedralise
from engine.geometry.tet_mesh import TetMesh
from engine.geometry.tetrahedral import ball_tets, box_tets, cylinder_tets
from engine.protocol.scene import (
    BallShape,
    BoxShape,
    CylinderShape,
    Gripper,
    Obstacle,
    Pose,
    RectangleShape,
    Region,
    Scene,
    Sheet,
    Solid,
)
from engine.simulation.rigid.gripper import fingers
from engine.simulation.rigid.poses import placed
from engine.simulation.world.errors import BodyError, named, point_of

Kind = Literal["sheet", "solid", "obstacle", "gripper"]

MESH_CELLS = 20
"""Cells along a soft mesh's longest side."""


@dataclass(frozen=True)
class Body:
    """One body among all.

    kind : "sheet", "solid", "obstacle" or "gripper"
    vertices : which of all vertices are its own
    triangles : of its surface, numbers of all vertices, int64, shape (n, 3)
    local : its vertices in its own frame, scaled [m], shape (n, 3)
    start : in the world [m], shape (n, 3)
    tets : of a solid, numbers of all vertices, int64, shape (n, 4); None elsewhere
    """

    name: str
    kind: Kind
    vertices: slice
    triangles: np.ndarray
    local: np.ndarray
    start: np.ndarray
    tets: np.ndarray | None = None

    @property
    def first(self) -> int:
        return int(self.vertices.start)

    @property
    def count(self) -> int:
        return len(self.start)

    @property
    def own_triangles(self) -> np.ndarray:
        """Of its surface, by its own numbers."""
        return self.triangles - self.first


def scene_bodies(scene: Scene, meshes: Mapping[str, Mesh]) -> dict[str, Body]:
    """All bodies, sheets first, then solids, obstacles and grippers, numbered one after the other.

    meshes : inputs of mesh shapes [mm] by name. Raises `BodyError` that names the body.
    """
    bodies: dict[str, Body] = {}
    first = 0
    for item in scene.bodies():
        with named(item.name):
            body = _body(item, meshes, first)
        bodies[item.name] = body
        first += body.count
    return bodies


def region_of(region: Region, item: Sheet | Solid | Obstacle | Gripper, body: Body, *, part: str) -> np.ndarray:
    """Numbers of all vertices in a region of a body, ascending; raises `BodyError` where there is none.

    part : what the region is of, for messages ("the pin 'left'")
    """
    rectangle = isinstance(item, Sheet) and isinstance(item.shape, RectangleShape)
    with named(body.name, body.start, part=part):
        local = body.local if rectangle else None
        return body.first + region_vertices(region, body.start, body.own_triangles, local=local)


def _body(item: Sheet | Solid | Obstacle | Gripper, meshes: Mapping[str, Mesh], first: int) -> Body:
    if isinstance(item, Gripper):
        return _gripper(item, first)
    if isinstance(item, Solid):
        filled = _filled(item, meshes)
        local, start = _place(filled.vertices, item.pose)
        return _numbered(item.name, "solid", first, local, start, filled.surface, filled.tets)
    vertices, triangles = surface_of(item.shape, meshes)
    local, start = _place(vertices, item.pose)
    kind: Kind = "sheet" if isinstance(item, Sheet) else "obstacle"
    _refuse_unused(item.name, start, triangles)
    return _numbered(item.name, kind, first, local, start, triangles)


def _filled(item: Solid, meshes: Mapping[str, Mesh]) -> TetMesh:
    match item.shape:
        case BoxShape(size=size, cells=cells):
            return box_tets(size, cells)
        case BallShape(radius=radius, cells=cells):
            return ball_tets(radius, cells)
        case CylinderShape(radius=radius, height=height, cells=cells):
            return cylinder_tets(radius, height, cells)
        case shape:
            surface = surface_of(shape, meshes)
            mesh = meshes[shape.input]
            if mesh.tets is None:
                return tetrahedralise(*surface, MESH_CELLS, name=item.name)
            vertices = 1e-3 * mesh.all_vertices
            with named(item.name, placed(vertices, item.pose)):
                return TetMesh(vertices, mesh.tets, item.name)


def _gripper(item: Gripper, first: int) -> Body:
    if not item.fingers:
        none = np.zeros((0, 3))
        return _numbered(item.name, "gripper", first, none, none, np.zeros((0, 3), np.int64))
    points, triangles = fingers(item)
    start = points.points.numpy()
    return _numbered(item.name, "gripper", first, start - np.asarray(item.pose.translation), start, triangles)


def _place(vertices: np.ndarray, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    return pose.scale * vertices, placed(vertices, pose)


def _numbered(
    name: str,
    kind: Kind,
    first: int,
    local: np.ndarray,
    start: np.ndarray,
    triangles: np.ndarray,
    tets: np.ndarray | None = None,
) -> Body:
    return Body(
        name,
        kind,
        slice(first, first + len(start)),
        np.asarray(triangles, np.int64) + first,
        local,
        start,
        None if tets is None else np.asarray(tets, np.int64) + first,
    )


def _refuse_unused(name: str, start: np.ndarray, triangles: np.ndarray) -> None:
    used = np.zeros(len(start), bool)
    used[triangles.reshape(-1)] = True
    lost = np.flatnonzero(~used)
    if len(lost):
        raise BodyError(
            name,
            f"{len(lost)} of its vertices belong to no triangle, vertex {lost[0]} first.",
            place=lost[:1].tolist(),
            point=point_of(start, lost[:1].tolist()),
            remedy="Repair the mesh.",
            repairs=("drop-unused",),
        )
