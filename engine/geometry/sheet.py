"""The quality sheet: what a mesh is worth as a model, and how far it is from what it should be."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engine.core.device import Device
from engine.geometry.distance import TriangleIndex
from engine.geometry.intersection import intersecting_triangles
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.quality import enclosed_volume, smallest_angle, surface_area
from engine.geometry.sampling import morton_order, sample_mesh, thin
from engine.geometry.topology import measure_topology


@dataclass(frozen=True)
class Distances:
    """Point-to-surface distances [mm]: mean, 95th percentile and maximum, and the mean as part of the reference's
    bounding-box diagonal."""

    mean: float
    percentile_95: float
    maximum: float
    mean_of_diagonal: float
    samples: int

    def describe(self) -> str:
        return (
            f"mean {self.mean:.4g} mm ({100.0 * self.mean_of_diagonal:.3g} % of the diagonal), "
            f"95 % within {self.percentile_95:.4g} mm, largest {self.maximum:.4g} mm"
        )


@dataclass(frozen=True)
class QualitySheet:
    """Measures of a mesh [mm, mm², mm³, degrees]; see `engine.geometry.topology` for the counts.

    volume : None where the mesh is not watertight or not wound consistently, and so has none
    surface_to_reference : distances of samples of this mesh to the reference; None for a scan, whose holes and
        outliers would spoil it, or without a reference
    reference_to_surface : distances of the reference's samples (a scan's own points) to this mesh
    """

    name: str
    vertices: int
    triangles: int
    watertight: bool
    edge_manifold: bool
    vertex_manifold: bool
    consistent_winding: bool
    euler_characteristic: int
    parts: int
    boundary_loops: int
    nonmanifold_edges: int
    nonmanifold_vertices: int
    flipped_edges: int
    degenerate_triangles: int
    intersecting_triangles: int
    smallest_angle: float
    area: float
    volume: float | None
    size: tuple[float, float, float]
    reference: str = ""
    surface_to_reference: Distances | None = None
    reference_to_surface: Distances | None = None

    @property
    def printable(self) -> bool:
        """A solid that a slicer takes as it is."""
        return (
            self.watertight
            and self.vertex_manifold
            and self.consistent_winding
            and (self.volume or 0.0) > 0.0
            and not self.intersecting_triangles
        )

    @property
    def verdict(self) -> tuple[str, ...]:
        """Plain sentences, the most important first."""
        if not self.triangles:
            return ("Empty: there is no surface.",)
        found = []
        if self.boundary_loops:
            found.append(f"{_count(self.boundary_loops, 'boundary loop')}: not printable as is.")
        if self.nonmanifold_edges:
            found.append(f"{_count(self.nonmanifold_edges, 'edge')} with more than two triangles: not a solid.")
        if self.nonmanifold_vertices:
            found.append(f"{_count(self.nonmanifold_vertices, 'vertex')} where the surface only touches itself.")
        if self.flipped_edges:
            found.append(f"{_count(self.flipped_edges, 'edge')} between triangles that face opposite ways.")
        if self.volume is not None and self.volume < 0.0:
            found.append("Inside out: the triangles face inwards.")
        if self.intersecting_triangles:
            found.append(f"{_count(self.intersecting_triangles, 'triangle')} running through others.")
        if self.degenerate_triangles:
            found.append(f"{_count(self.degenerate_triangles, 'triangle')} without area.")
        if self.parts > 1:
            found.append(f"{self.parts} separate parts.")
        if self.watertight:
            found.insert(0, "Watertight." if not found else "Watertight, but:")
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values, `verdict` and `printable` included."""
        return {**asdict(self), "size": list(self.size), "printable": self.printable, "verdict": list(self.verdict)}

    def to_text(self) -> str:
        """The sheet for a terminal or a dialog."""
        yes = {True: "yes", False: "no"}
        rows = [
            ("Vertices, triangles", f"{self.vertices:,}, {self.triangles:,}"),
            ("Size", " × ".join(f"{side:.4g}" for side in self.size) + " mm"),
            ("Area", f"{self.area:.6g} mm²"),
            ("Volume", "none (not a closed solid)" if self.volume is None else f"{self.volume:.6g} mm³"),
            ("Watertight", yes[self.watertight]),
            ("Manifold", yes[self.edge_manifold and self.vertex_manifold]),
            ("Consistent winding", yes[self.consistent_winding]),
            ("Euler characteristic", str(self.euler_characteristic)),
            ("Parts", str(self.parts)),
            ("Boundary loops", str(self.boundary_loops)),
            ("Intersecting triangles", str(self.intersecting_triangles)),
            ("Smallest angle", f"{self.smallest_angle:.3g}°"),
        ]
        if self.surface_to_reference:
            rows.append((f"To {self.reference}", self.surface_to_reference.describe()))
        if self.reference_to_surface:
            rows.append((f"From {self.reference}", self.reference_to_surface.describe()))
        width = max(len(label) for label, _ in rows)
        return "\n".join([self.name, *self.verdict, "", *(f"{label:<{width}}  {value}" for label, value in rows)])


def quality_sheet(
    mesh: Mesh,
    reference: Mesh | Points | None = None,
    *,
    samples: int = 100_000,
    seed: int = 0,
    device: Device | None = None,
) -> QualitySheet:
    """Measure a mesh, and its distance to a reference where there is one.

    Distances are exact from each sample to the other surface: both ways between meshes, from the points of a scan to
    the mesh otherwise. `samples` bounds how many are taken, by area and with a seed.
    """
    device = device or Device("cpu")
    topology = measure_topology(mesh.triangles)
    closed = topology.watertight and topology.consistent_winding
    crossing = intersecting_triangles(mesh.vertices, mesh.triangles, device)
    forward, backward = None, None
    if reference is not None and topology.triangles:
        forward, backward = _compare(mesh, reference, samples, seed, device)
    size = (mesh.bounds[1] - mesh.bounds[0]).tolist() if mesh.vertex_count else [0.0, 0.0, 0.0]
    return QualitySheet(
        name=mesh.name,
        vertices=mesh.vertex_count,
        triangles=mesh.triangle_count,
        watertight=topology.watertight,
        edge_manifold=topology.edge_manifold,
        vertex_manifold=topology.vertex_manifold,
        consistent_winding=topology.consistent_winding,
        euler_characteristic=topology.euler_characteristic,
        parts=topology.parts,
        boundary_loops=topology.boundary_loops,
        nonmanifold_edges=topology.nonmanifold_edges,
        nonmanifold_vertices=topology.nonmanifold_vertices,
        flipped_edges=topology.flipped_edges,
        degenerate_triangles=mesh.triangle_count - topology.triangles,
        intersecting_triangles=len(crossing),
        smallest_angle=smallest_angle(mesh.vertices, mesh.triangles),
        area=surface_area(mesh.vertices, mesh.triangles),
        volume=enclosed_volume(mesh.vertices, mesh.triangles) if closed else None,
        size=(size[0], size[1], size[2]),
        reference="" if reference is None else reference.name,
        surface_to_reference=forward,
        reference_to_surface=backward,
    )


def _compare(
    mesh: Mesh, reference: Mesh | Points, samples: int, seed: int, device: Device
) -> tuple[Distances | None, Distances | None]:
    index = TriangleIndex(mesh.vertices, mesh.triangles, device)
    if isinstance(reference, Points):
        return None, _distances(index, thin(reference, samples, seed).positions, reference.diagonal)
    if not reference.triangle_count:
        return None, None
    opposite = TriangleIndex(reference.vertices, reference.triangles, device)
    return (
        _distances(opposite, sample_mesh(mesh, samples, seed)[0], reference.diagonal),
        _distances(index, sample_mesh(reference, samples, seed + 1)[0], reference.diagonal),
    )


def _distances(index: TriangleIndex, positions: np.ndarray, diagonal: float) -> Distances | None:
    if not len(positions):
        return None
    found = index.closest(positions[morton_order(positions)]).distances.cpu().numpy()
    mean = math.fsum(found) / len(found)
    return Distances(
        mean=mean,
        percentile_95=float(np.percentile(found, 95)),
        maximum=float(found.max()),
        mean_of_diagonal=mean / diagonal if diagonal > 0 else 0.0,
        samples=len(found),
    )


def _count(number: int, noun: str) -> str:
    plural = {"vertex": "vertices"}.get(noun, noun + "s")
    return f"{number:,} {noun if number == 1 else plural}"
