"""Targets with a border: open meshes, and scans of open surfaces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import GeometryError
from engine.geometry.cleaning import drop_degenerate_triangles, drop_unreferenced_vertices, weld_vertices
from engine.geometry.frame import Frame
from engine.geometry.holes import fill_holes
from engine.geometry.mesh import Mesh
from engine.geometry.open_scan import LEAST_POINTS, OpenScan, ScanBorder, scan_border
from engine.geometry.open_start import OpenMesh, OpenStart, open_mesh_start
from engine.geometry.orienting import orient_consistently
from engine.geometry.points import Points
from engine.geometry.topology import boundary_edges, measure_topology
from engine.objectives.target import Border, MeshTarget, ScanTarget

FREE_BAND = 0.25
"""Cells round a scanned sheet within which its points may still change a node's side: their noise."""


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


class OpenScanTarget(ScanTarget):
    """Scanned points of a surface with a border, as `open_scan` finds it."""

    def __init__(self, points: Points, frame: Frame, device: Device, *, border: ScanBorder, **options: Any) -> None:
        super().__init__(points, frame, device, **options)
        self._scan = OpenScan(self.positions.cpu().numpy(), self.normals.cpu().numpy(), border)
        self.border = Border(torch.from_numpy(border.segments), device)
        self._starts: dict[int, OpenStart] = {}

    def msdf_field(self, resolution: int) -> Tensor:
        return self._start(resolution).msdf

    def sides(self, resolution: int) -> Tensor:
        """Next to the surface the points decide."""
        field = self.distance_field(resolution)
        return torch.where(field.abs() < FREE_BAND * 2.0 / resolution, 0.0, torch.sign(field))

    def open_sides(self, resolution: int) -> Tensor:
        """Within a cell of the border the points decide."""
        start = self._start(resolution)
        return torch.where(start.inward.abs() < 2.0 / resolution, 0.0, torch.sign(start.msdf))

    def _distance_field(self, resolution: int) -> Tensor:
        return self._start(resolution).field

    def _start(self, resolution: int) -> OpenStart:
        if resolution not in self._starts:
            self._starts = {resolution: self._scan.start(resolution, self.device)}
        return self._starts[resolution]


def open_scan(points: Points, confidence: np.ndarray, frame: Frame, *, widest_hole: float) -> ScanBorder | None:
    """Where a scan ends, working frame; None where nothing of it is open.

    points : with normals [mm]
    confidence : how far each is believed; those with none have no part in it
    widest_hole : gaps that are no wider are holes [mm]
    """
    assert points.normals is not None
    believed = np.flatnonzero(confidence > 0.0)
    if len(believed) < LEAST_POINTS:
        return None
    border = scan_border(
        frame.to_working(points.positions[believed]), points.normals[believed],
        widest_hole=frame.length_to_working(widest_hole),
    )  # fmt: skip
    return border if border.counts.any() else None


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
