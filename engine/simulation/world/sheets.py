"""A sheet of a scene as energies and mass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.protocol.scene import Sheet
from engine.simulation.energy import Energy, Unknowns
from engine.simulation.mass import ShellMass
from engine.simulation.shell.bending import HELD, Bending
from engine.simulation.shell.hinges import HingeBending
from engine.simulation.shell.membrane import Membrane
from engine.simulation.shell.topology import ShellTopology, shell_topology
from engine.simulation.world.bodies import Body
from engine.simulation.world.creases import CreaseLine, crease_lines, crease_parameters
from engine.simulation.world.errors import BodyError, named


@dataclass(frozen=True)
class SheetPlan:
    """What is known of a sheet before there are any unknowns.

    topology : over the numbers of all vertices
    rotations : unknowns of its edges
    creases : its lines
    """

    item: Sheet
    body: Body
    topology: ShellTopology
    creases: tuple[CreaseLine, ...]

    @property
    def rotations(self) -> int:
        return self.topology.edge_count if self.item.bending == "midedge" else 0


def plan_sheet(item: Sheet, body: Body) -> SheetPlan:
    """Raises `BodyError` for what is no surface, and for a crease that lies nowhere on it."""
    if item.rest == "curved" and item.bending == "hinges":
        raise BodyError(item.name, "hinges have no curved rest shape.", remedy='Choose the bending "midedge".')
    # What is wrong is told with the sheet's own numbers, as its file has them.
    with named(item.name, body.start):
        topology = shell_topology(body.triangles - body.first, body.local, name=item.name).among(body.first)
    return SheetPlan(item, body, topology, crease_lines(item, body, topology))


def sheet_parts(
    plan: SheetPlan, unknowns: Unknowns, held: Tensor, start: Tensor, first_rotation: int
) -> tuple[dict[str, Energy], ShellMass]:
    """Energies by kind ("membrane", "bending"), and the mass.

    held : which vertices of all are held, bool, shape (vertex_count,)
    start : of all vertices [m], shape (vertex_count, 3); its device is that of the energies
    first_rotation : of the sheet, among all rotations
    """
    item, body = plan.item, plan.body
    rest = rest_positions(plan, unknowns, start.device)
    triangles = torch.as_tensor(body.triangles, device=start.device)
    material = item.material
    with named(item.name, body.start, body.first):
        elastic: dict[str, Any] = dict(material.membrane_parameters())
        if material.woven:
            elastic["direction"] = torch.tensor(item.direction, dtype=torch.float64, device=start.device)
        membrane = Membrane(unknowns, triangles, rest, law=material.law, **elastic)
        bending = _bending(plan, unknowns, rest, held, start, first_rotation)
        mass = ShellMass(unknowns, triangles, rest, density=material.density, thickness=material.thickness)
    return {"membrane": membrane, "bending": bending}, mass


def rest_positions(plan: SheetPlan, unknowns: Unknowns, device: torch.device) -> Tensor:
    """The sheet's own coordinates among zeros for all other bodies [m], shape (vertex_count, 3)."""
    rest = torch.zeros(unknowns.vertex_count, 3, dtype=torch.float64, device=device)
    rest[plan.body.vertices] = torch.as_tensor(plan.body.local, device=device)
    return rest


def bending_values(plan: SheetPlan, held: Tensor) -> dict[str, Tensor | float]:
    """Numbers of the bending energy that follow from the material, the creases and what is held.

    The stiffness is one a face: the creases' factor beside them, and a very large one where a face is held, so that
    what is clamped over a width leaves it at a right angle.
    """
    values: dict[str, Tensor | float] = dict(plan.item.material.bending_parameters())
    if plan.item.bending == "hinges":
        values.pop("shear", None)
    values |= crease_parameters(plan.item, plan.creases, plan.topology)
    clamped = _clamped(plan, held)
    if bool(clamped.any()):
        factor = torch.where(clamped, HELD, 1.0).to(torch.float64)
        values["stiffness"] = torch.as_tensor(values["stiffness"], device=held.device) * factor
    return values


def _bending(
    plan: SheetPlan, unknowns: Unknowns, rest: Tensor, held: Tensor, start: Tensor, first_rotation: int
) -> Energy:
    item = plan.item
    values: dict[str, Any] = dict(bending_values(plan, held))
    flat = item.rest != "mesh"
    if item.bending == "hinges":
        return HingeBending(unknowns, plan.topology, rest, flat=flat, **values)
    if item.rest == "curved" or item.material.woven:
        values["direction"] = torch.tensor(item.direction, dtype=torch.float64, device=rest.device)
    if item.rest == "curved":
        curvature = torch.tensor(item.curvature, dtype=torch.float64, device=rest.device)
        # What is clamped keeps its shape: the sheet beside it starts along it, and not as it would be bent.
        values["rest_curvature"] = torch.where(_clamped(plan, held)[:, None], 0.0, curvature)
    return Bending(unknowns, plan.topology, rest, flat=flat, positions=start, first_rotation=first_rotation, **values)


def _clamped(plan: SheetPlan, held: Tensor) -> Tensor:
    """Which faces have all their vertices held, shape (face_count,)."""
    return held[torch.as_tensor(plan.body.triangles, device=held.device)].all(dim=1)
