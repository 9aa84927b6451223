"""G-Shell (Liu et al., ICLR 2024, arXiv 2310.15168): an open surface as the part of a closed one where a second field
is not negative."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.bridge import apply
from engine.core.device import Device
from engine.core.errors import GeometryError, ParameterError
from engine.core.leaves import State
from engine.geometry.distance import TriangleIndex
from engine.geometry.topology import boundary_edges
from engine.surfaces.cutting import Cut, cut_connectivity, cut_quads, cut_share, interpolate_cut
from engine.surfaces.extraction import Extraction
from engine.surfaces.flexicubes import FlexiCubes
from engine.surfaces.grid import Grid
from engine.surfaces.resampling import near_surface, node_positions, sample_nodes
from engine.surfaces.saved_state import FLEXICUBES_LEAVES, LeafSpec
from engine.surfaces.starts import random_field, sphere_field
from engine.surfaces.surface import ExtractedSurface, Surface
from engine.surfaces.tetrahedral_template import (
    TetrahedralConnectivity,
    connect_tetrahedra,
    tetrahedral_vertices,
)

CLOSED_MSDF = 0.1
"""mSDF of a surface that is closed, in working lengths."""

TEMPLATES = ("flexicubes", "tetrahedra")

GSHELL_LEAVES: dict[str, dict[str, LeafSpec]] = {
    "flexicubes": {**FLEXICUBES_LEAVES, "msdf": LeafSpec(())},
    "tetrahedra": {name: LeafSpec(shape) for name, shape in (("field", ()), ("offsets", (3,)), ("msdf", ()))},
}


class GShell(FlexiCubes):
    """A field s with a manifold signed distance ν (mSDF) at the nodes: the part ν >= 0 of the closed surface {s = 0},
    its template.

    The leaves are those of `FlexiCubes` and

    * "msdf": ν at the nodes, working lengths, shape (node_count,)

    ν at a vertex of the template comes from the weights that place the vertex: crossing, dual vertex, middle of a quad.
    Its values on the surface are all that matters; a surface whose ν is nowhere negative is the template itself.

    Parameters
    ----------
    values : field at the nodes, shape (n + 1, n + 1, n + 1), indexed (x, y, z), negative inside, working lengths
    msdf : ν at the nodes, same shape; None: closed
    template : "flexicubes", or "tetrahedra" for marching tetrahedra, which have no leaf "weights"
    device, dtype, closed : as of `FlexiCubes`
    """

    kind = "g-shell"
    can_open = True

    _template_msdf: Tensor
    _cut: Cut | None
    _tetrahedra: TetrahedralConnectivity | None

    def __init__(
        self,
        values: np.ndarray | Tensor,
        msdf: np.ndarray | Tensor | None = None,
        *,
        template: str = "flexicubes",
        device: Device | None = None,
        dtype: torch.dtype = torch.float32,
        closed: bool = True,
    ) -> None:
        self.template = _known(template)
        shape = torch.as_tensor(values).shape
        opened = torch.full(shape, CLOSED_MSDF) if msdf is None else torch.as_tensor(msdf)
        if opened.shape != shape:
            raise GeometryError(
                f"The mSDF has shape {tuple(opened.shape)} and the field {tuple(shape)}; they must be the same."
            )
        self._begin({"field": values, "msdf": opened}, device=device, dtype=dtype, closed=closed)

    @classmethod
    def started(cls, field: Tensor, *, options: Mapping[str, Any], device: Device) -> GShell:
        return cls.started_open(field, torch.full_like(field, CLOSED_MSDF), options=options, device=device)

    @classmethod
    def started_open(cls, field: Tensor, msdf: Tensor, *, options: Mapping[str, Any], device: Device) -> GShell:
        template = str(options.get("template", "flexicubes"))
        return cls(field, msdf, template=template, device=device, closed=bool(options.get("closed", True)))

    @classmethod
    def converted(cls, surface: Surface, *, options: Mapping[str, Any], device: Device) -> Surface:
        template = _known(str(options.get("template", "flexicubes")))
        if template != "flexicubes" or not isinstance(surface, FlexiCubes) or isinstance(surface, GShell):
            return super(FlexiCubes, cls).converted(surface, options=options, device=device)
        state = surface.state()
        made = cls.blank(device)
        made.restore(
            {
                **state,
                "kind": cls.kind,
                "template": template,
                "msdf": np.full_like(np.asarray(state["field"]), CLOSED_MSDF),
                "msdf_base": np.full_like(np.asarray(state["base"]), CLOSED_MSDF),
            }
        )
        return made

    @classmethod
    def sphere(cls, resolution: int, *, radius: float = 0.6, **options: Any) -> GShell:
        """Start from a closed sphere round the origin."""
        return cls(sphere_field(resolution, radius=radius), **options)

    @classmethod
    def random(cls, resolution: int, *, seed: int, inside_fraction: float = 0.1, **options: Any) -> GShell:
        """Start from independent random values of both fields; half of the surface is open."""
        msdf = random_field(resolution, seed=seed + 1, inside_fraction=0.5)
        return cls(random_field(resolution, seed=seed, inside_fraction=inside_fraction), msdf, **options)

    def extract(self) -> ExtractedSurface:
        connectivity = self.connectivity
        tetrahedra = self._tetrahedra
        leaves = self._leaves
        if tetrahedra is None:
            operation = Extraction(connectivity, self._tables, self._activation, self._frame)
            vertices, regularity, crossing_values, nu = apply(
                operation, leaves["field"], leaves["offsets"], leaves["weights"], leaves["msdf"]
            )
            triangles, first_count = connectivity.triangles, connectivity.dual_count
        else:
            vertices, nu = self._tetrahedral(tetrahedra)
            regularity = vertices.new_zeros(0)
            crossing_values = leaves["field"][connectivity.crossing_rows]
            triangles, first_count = tetrahedra.triangles, len(tetrahedra.ends)
        self._extracted = vertices.detach()[:, :3]
        self._template_msdf = vertices.detach()[:, 3]
        cut = self._cut = cut_connectivity(
            self._template_msdf, triangles, first_count, referenced=self._referenced(len(vertices), triangles)
        )
        share = cut_share(cut, vertices[:, 3])
        shown = interpolate_cut(cut, vertices[:, :3], share)
        self._shown = shown.detach()
        return ExtractedSurface(
            vertices=shown,
            triangles=cut.triangles,
            cell_size=self.cell_size,
            dual_vertex_count=cut.shared_count,
            regularity=regularity[cut.kept[: cut.kept_first]] if len(regularity) else regularity,
            crossing_values=crossing_values,
            boundary=cut.boundary if self.closed else _boundary(cut.triangles),
            msdf=interpolate_cut(cut, nu, share.detach()),
            template_msdf=nu,
            template_vertices=self._extracted,
        )

    def extract_tetrahedra(self) -> Any:
        """An open surface has no inside: raises `GeometryError`."""
        raise GeometryError("An open surface has no inside to fill.", remedy="Make it a FlexiCubes surface first.")

    def output(self) -> tuple[np.ndarray, np.ndarray]:
        if self._extracted is None:
            return self.present_output()
        connectivity = self.connectivity
        cut = self._cut
        assert cut is not None
        triangles = cut.triangles
        if self._tetrahedra is None:
            triangles = cut_quads(cut, connectivity.quad_duals, self._template_msdf, self._whole_mesh()[1])
        vertices = self._shown[: cut.shared_count].to(torch.float32)
        return vertices.cpu().numpy().copy(), triangles.cpu().numpy()

    def msdf_at_nodes(self) -> Tensor:
        """ν as it is now at all nodes, detached, shape (n + 1, n + 1, n + 1)."""
        return self._grid.unpad(self._dense("msdf")).clone()

    def set_msdf(self, index: Tensor | np.ndarray, values: Tensor) -> None:
        """Overwrite ν at nodes (counted as in `activate_nodes`), as `set_field` does."""
        self._overwrite("msdf", index, values)

    def gradient_lengths(self) -> Tensor:
        """|∇s| in the middle of each cell that the surface passes through, with graph, shape (cell_count,): the mean
        difference of the four edges along each axis of the undeformed cell."""
        corners = self.connectivity.corners
        corners = corners[(corners >= 0).all(dim=1)].to(torch.int64)
        values = self._leaves["field"][corners].reshape(-1, 2, 2, 2)
        slopes = [values.select(axis, 1).mean((1, 2)) - values.select(axis, 0).mean((1, 2)) for axis in (1, 2, 3)]
        return torch.linalg.vector_norm(torch.stack(slopes), dim=0) / self.cell_size

    def state(self) -> State:
        return {**super().state(), "template": self.template}

    def restore(self, state: State) -> None:
        before = self.template
        self.template = _known(str(state.get("template", before)))
        try:
            super().restore(state)
        except ParameterError:
            self.template = before
            raise

    @property
    def _leaf_specs(self) -> dict[str, LeafSpec]:
        return GSHELL_LEAVES[self.template]

    def _reset(self, grid: Grid, bases: dict[str, Tensor]) -> None:
        super()._reset(grid, bases)
        self._cut, self._tetrahedra = None, None

    def _find_surface(self) -> None:
        before = self._connectivity
        super()._find_surface()
        if self.template == "tetrahedra" and (self._tetrahedra is None or self._connectivity is not before):
            cells = self.connectivity.cells
            self._tetrahedra = connect_tetrahedra(cells, self._occupancy, self._active)

    def _tetrahedral(self, tetrahedra: TetrahedralConnectivity) -> tuple[Tensor, Tensor]:
        """Vertices of the template with ν as a fourth column, and ν with a gradient in itself alone."""
        leaves = self._leaves
        places = torch.addcmul(self._frame.positions, self._frame.reach, torch.tanh(leaves["offsets"]))
        nodes = torch.cat([places, leaves["msdf"][:, None]], dim=1)
        vertices, _ = tetrahedral_vertices(tetrahedra, nodes, leaves["field"])
        alone, _ = tetrahedral_vertices(tetrahedra, leaves["msdf"][:, None], leaves["field"].detach())
        return vertices, alone[:, 0]

    def _whole_mesh(self) -> tuple[Tensor, Tensor]:
        if self._tetrahedra is None:
            return super()._whole_mesh()
        assert self._extracted is not None
        return self._extracted.to(torch.float32), self._tetrahedra.triangles

    def _on_cap(self) -> Tensor:
        return super()._on_cap() if self._tetrahedra is None else self._tetrahedra.on_cap

    def _referenced(self, vertex_count: int, triangles: Tensor) -> Tensor | None:
        """Whether each vertex of the template is in a triangle; None where all are."""
        if self.closed or self._tetrahedra is not None:
            return None
        referenced = torch.zeros(vertex_count, dtype=torch.bool, device=triangles.device)
        referenced[triangles.reshape(-1).to(torch.int64)] = True
        return referenced

    def _resampled_bases(self, grid: Grid) -> dict[str, Tensor]:
        """ν on another grid: near the surface that of its nearest point, elsewhere interpolated."""
        bases = super()._resampled_bases(grid)
        positions = node_positions(grid, self._template_msdf)
        msdf = sample_nodes(self._grid, self._dense("msdf"), positions)
        near = torch.nonzero(near_surface(self._grid, self.connectivity.cells, positions))[:, 0]
        vertices, triangles = self._whole_mesh()
        if self.closed and len(near):
            nearest = TriangleIndex(vertices, triangles, self.device).closest(positions[near])
            corners = triangles[nearest.faces.to(torch.int64)].to(torch.int64)
            msdf[near] = (self._template_msdf[corners] * nearest.weights.to(msdf)).sum(dim=1)
        return {**bases, "msdf": grid.pad(msdf.reshape((grid.resolution + 1,) * 3), CLOSED_MSDF)}


def _boundary(triangles: Tensor) -> Tensor:
    """Edges with one triangle: of a template that is itself open at the grid's border, not cut points alone."""
    edges = boundary_edges(triangles.cpu().numpy())
    return torch.from_numpy(edges.astype(np.int32)).to(triangles.device)


def _known(template: str) -> str:
    if template not in TEMPLATES:
        raise ParameterError(
            "template", f"there is no template {template!r}.", remedy=f"There are {' and '.join(TEMPLATES)}."
        )
    return template
