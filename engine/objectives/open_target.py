"""Targets with a border: open meshes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import GeometryError
from engine.geometry.cleaning import drop_degenerate_triangles, drop_unreferenced_vertices, weld_vertices
from engine.geometry.frame import Frame
from engine.geometry.holes import fill_holes
from engine.geometry.mesh import Mesh
from engine.geometry.open_start import OpenMesh, OpenStart, open_mesh_start
from engine.geometry.orienting import orient_consistently
from engine.geometry.topology import boundary_edges, measure_topology
from engine.objectives.target import Border, MeshTarget


class OpenMeshTarget(MeshTarget):
    """A triangle mesh with a border, as `open_mesh` gives it.

    Its `distance_field` is that of a closed template that runs through it.
    """

    def __init__(self, mesh: Mesh, frame: Frame, device: Device, **options: Any) -> None:
        super().__init__(mesh, frame, device, **options)
        self._sheet = OpenMesh(self.vertices, self.triangles, device)
        self.border = Border(self.vertices[self._sheet.border], device)
        self._starts: dict[int, OpenStart] = {}

    def msdf_field(self, resolution: int) -> Tensor:
        return self._start(resolution).msdf

    def _distance_field(self, resolution: int) -> Tensor:
        return self._start(resolution).field

    def _start(self, resolution: int) -> OpenStart:
        if resolution not in self._starts:
            self._starts = {resolution: open_mesh_start(self._sheet, resolution, self.device)}
        return self._starts[resolution]


def open_mesh(mesh: Mesh, *, widest_hole: float) -> Mesh | None:
    """The mesh with neighbours that agree, ready for `OpenMeshTarget`; None where it is closed.

    widest_hole : openings that are no wider are holes, and are filled [mm]

    Raises `GeometryError` for a mesh with one side, or with edges of more than two triangles.
    """
    welded = drop_unreferenced_vertices(drop_degenerate_triangles(weld_vertices(mesh).mesh).mesh).mesh
    if not len(boundary_edges(welded.triangles)):
        return None
    if not measure_topology(welded.triangles).consistent_winding:
        welded = orient_consistently(welded).mesh
    filled = fill_holes(welded, widest=widest_hole).mesh
    found = measure_topology(filled.triangles)
    if not found.edge_manifold:
        raise GeometryError(
            f"{mesh.name} has {found.nonmanifold_edges} edges with more than two triangles.",
            remedy="Repair it first: an open surface is found from its border.",
        )
    if not found.consistent_winding:
        raise GeometryError(
            f"{mesh.name} has one side only, like a Möbius strip.", remedy="No part of a closed surface has its shape."
        )
    if not found.boundary_edges:
        return None
    return replace(filled, triangles=np.ascontiguousarray(filled.triangles, np.int32))
