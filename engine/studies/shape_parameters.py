"""A set of shapes as the parameters of G-Shell on one grid, in one `.npz`: data for models that generate shapes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.core.atomic import atomic_write
from engine.core.errors import ParameterError
from engine.surfaces.gshell import GShell

FORMAT = "formwright-shapes-1"


def dense_parameters(surface: GShell) -> dict[str, np.ndarray]:
    """All parameters of a surface on its whole grid, float32; what the surface has not touched is neutral.

    Returns
    -------
    field, msdf : at the nodes, shape (n + 1, n + 1, n + 1), indexed (x, y, z), working lengths
    offsets : raw, at the nodes, shape (n + 1, n + 1, n + 1, 3)
    weights : raw α[8], β[12], γ of the cells, shape (n, n, n, 21); zero for a template of tetrahedra
    """
    n = surface.resolution
    leaves = {name: leaf.detach().cpu() for name, leaf in surface.tensors().items()}
    nodes, cells = surface.active_nodes().cpu(), surface.active_cells().cpu()
    offsets = torch.zeros((n + 1) ** 3, 3)
    offsets[nodes] = leaves["offsets"].to(torch.float32)
    weights = torch.zeros(n**3, 21)
    if "weights" in leaves:
        real = cells >= 0
        weights[cells[real]] = leaves["weights"][real].to(torch.float32)
    return {
        "field": surface.field().to(torch.float32).cpu().numpy(),
        "msdf": surface.msdf_at_nodes().to(torch.float32).cpu().numpy(),
        "offsets": offsets.reshape(n + 1, n + 1, n + 1, 3).numpy(),
        "weights": weights.reshape(n, n, n, 21).numpy(),
    }


def surface_of(parameters: dict[str, np.ndarray], *, template: str = "flexicubes") -> GShell:
    """The surface of `dense_parameters`."""
    surface = GShell(parameters["field"], parameters["msdf"], template=template)
    leaves = surface.tensors()
    offsets = torch.from_numpy(parameters["offsets"]).reshape(-1, 3)
    weights = torch.from_numpy(parameters["weights"]).reshape(-1, 21)
    with torch.no_grad():
        leaves["offsets"].copy_(offsets[surface.active_nodes()])
        if "weights" in leaves:
            cells = surface.active_cells()
            leaves["weights"].copy_(torch.where((cells >= 0)[:, None], weights[cells.clamp(min=0)], 0.0))
    return surface


def save_shapes(
    surfaces: Sequence[GShell],
    path: Path,
    *,
    names: Sequence[str] = (),
    scales: Sequence[float] = (),
    origins: Sequence[tuple[float, float, float]] = (),
    progress: Callable[[str, float | None], None] = lambda message, fraction: None,
) -> None:
    """Write the parameters of shapes on one grid as a `.npz`.

    Arrays: those of `dense_parameters` with the shape as first axis; "names", shape (count,); "origin" [mm], shape
    (count, 3), and "scale", shape (count,): working = scale · (world − origin); "format" says what it is, as JSON.

    Raises `ParameterError` where the shapes differ in grid or template, or there is none.
    """
    if not surfaces:
        raise ParameterError("shapes", "there is none to write.")
    first = surfaces[0]
    for surface in surfaces:
        if (surface.resolution, surface.template) != (first.resolution, first.template):
            raise ParameterError(
                "shapes",
                f"one has {surface.resolution} cells ({surface.template}), another {first.resolution} "
                f"({first.template}).",
                remedy="Give them one resolution and one template.",
            )
    count = len(surfaces)
    rows = []
    for done, surface in enumerate(surfaces):
        progress("Collecting shapes", done / count)
        rows.append(dense_parameters(surface))
    card = {"format": FORMAT, "resolution": first.resolution, "template": first.template, "range": [-1.0, 1.0]}
    arrays: dict[str, Any] = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            **arrays,
            names=np.array(list(names) or [f"shape-{number}" for number in range(count)]),
            scale=np.array(list(scales) or [1.0] * count, np.float64),
            origin=np.array(list(origins) or [(0.0, 0.0, 0.0)] * count, np.float64),
            format=np.array(json.dumps(card)),
        )


def load_shapes(path: Path) -> list[GShell]:
    """The surfaces of a file that `save_shapes` wrote; raises `ParameterError` where it is none."""
    with np.load(path, allow_pickle=False) as file:
        if "format" not in file or json.loads(str(file["format"])).get("format") != FORMAT:
            raise ParameterError(path.name, "it holds no shapes of this program.")
        card = json.loads(str(file["format"]))
        arrays = {name: file[name] for name in ("field", "msdf", "offsets", "weights")}
    return [
        surface_of({name: array[number] for name, array in arrays.items()}, template=card["template"])
        for number in range(len(arrays["field"]))
    ]
