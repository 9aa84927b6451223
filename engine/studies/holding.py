"""Nodes of the grid that stay on their side of the target while a surface descends."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.objectives.target import Target
from engine.surfaces.surface import GridField

LEAST_VALUE = 0.01
"""Cells: a node that is held on its side keeps at least this value."""


class HeldSides:
    """Signs that a step may not change: of the field, and of the manifold signed distance of a surface with a border.

    target : says which side of it every node belongs to (`Target.sides`, `Target.open_sides`)
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._resolution = 0
        self._wanted: dict[str, Tensor] = {}
        self._held: dict[str, tuple[Tensor, Tensor]] = {}

    def forget(self) -> None:
        """Hold nothing until the next `hold`."""
        self._held = {}

    def hold(self, surface: GridField, leaves: dict[str, Tensor], *, all_nodes: bool, border: bool) -> None:
        """Hold the nodes that are on the target's side now, or all of them wherever they are; of the manifold signed
        distance only where the `border` is held."""
        if not all_nodes and self._resolution != surface.resolution:
            opened = self._target.open_sides(surface.resolution)
            self._wanted = {"field": self._target.sides(surface.resolution)}
            if opened is not None:
                self._wanted["msdf"] = opened
            self._resolution = surface.resolution
        self._held = {}
        nodes = surface.active_nodes()
        for name in ("field", "msdf") if border and "msdf" in leaves else ("field",):
            values = leaves[name].detach()
            if all_nodes:
                rows = torch.arange(len(values), device=values.device)
                self._held[name] = rows, torch.where(values < 0, -1.0, 1.0).to(values.dtype)
            elif name in self._wanted:
                sides = self._wanted[name].reshape(-1)[nodes].to(values.dtype)
                rows = torch.nonzero(sides * values > 0)[:, 0]
                self._held[name] = rows, sides[rows]

    def put_back(self, leaves: dict[str, Tensor], cell_size: float) -> None:
        """Move the nodes that a step has taken across back to their side."""
        least = LEAST_VALUE * cell_size
        with torch.no_grad():
            for name, (rows, side) in self._held.items():
                leaves[name][rows] = side * torch.clamp(side * leaves[name][rows], min=least)
