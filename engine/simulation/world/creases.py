"""Creases: lines of edges that fold by laws of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from engine.geometry.crease_path import edge_path
from engine.protocol.scene import Crease, Sheet
from engine.simulation.shell.topology import ShellTopology
from engine.simulation.world.bodies import Body
from engine.simulation.world.errors import BodyError, named, point_of


@dataclass(frozen=True)
class CreaseLine:
    """One crease of a sheet.

    name : "sheet/crease"
    vertices : along it, numbers of all
    edges : of the sheet's topology (and so entries of "sheet.bending.rest_angles"), in the order of the line
    """

    name: str
    item: Crease
    vertices: np.ndarray
    edges: np.ndarray


def crease_lines(sheet: Sheet, body: Body, topology: ShellTopology) -> tuple[CreaseLine, ...]:
    """All creases of a sheet; raises `BodyError` for one that is not along its inner edges."""
    numbers = {
        (int(min(edge)), int(max(edge))): number
        for number, edge in enumerate(topology.edges - body.first)
        if not topology.boundary[number]
    }
    found = []
    for number, crease in enumerate(sheet.creases):
        name = crease.name or f"crease-{number + 1}"
        path = _path(sheet, crease, name, body)
        steps = [(min(a, b), max(a, b)) for a, b in pairwise(path.tolist())]
        lost = [step for step in steps if step not in numbers]
        if lost or not steps:
            place = list(lost[0]) if lost else [int(vertex) for vertex in path]
            raise BodyError(
                sheet.name,
                f"the crease {name!r} is not along edges within it"
                + (f": there is none between vertices {place[0]} and {place[1]}." if lost else "."),
                place=place,
                point=point_of(body.start, place),
                remedy="Draw it across the sheet.",
            )
        edges = np.asarray([numbers[step] for step in steps], np.int64)
        found.append(CreaseLine(f"{sheet.name}/{name}", crease, path + body.first, edges))
    return tuple(found)


def crease_parameters(sheet: Sheet, lines: Sequence[CreaseLine], topology: ShellTopology) -> dict[str, Tensor | float]:
    """What of the bending energy's numbers the creases change: one number an edge, or a face (the stiffness)."""
    values: dict[str, Tensor | float] = {}
    material, edges = sheet.material, topology.edge_count
    if any(line.item.angle != 0.0 for line in lines):
        angles = torch.zeros(edges, dtype=torch.float64)
        for line in lines:
            angles[line.edges] = line.item.angle
        values["rest_angles"] = angles
    if any(line.item.stiffness != 1.0 for line in lines):
        factor = torch.full((topology.face_count,), material.bending_factor, dtype=torch.float64)
        for line in lines:
            beside = topology.edge_faces[line.edges].reshape(-1)
            factor[np.unique(beside[beside >= 0])] = material.bending_factor * line.item.stiffness
        values["stiffness"] = factor
    if any(line.item.yield_angle is not None or line.item.hardening is not None for line in lines):
        # Elsewhere the sheet yields as its material does, or never.
        yields = torch.full((edges,), material.yield_angle if material.creases else math.inf, dtype=torch.float64)
        hardens = torch.full((edges,), material.hardening, dtype=torch.float64)
        for line in lines:
            own, slope = line.item.yield_angle, line.item.hardening
            yields[line.edges] = material.yield_angle if own is None else own
            hardens[line.edges] = material.hardening if slope is None else slope
        values |= {"yield_angle": yields, "hardening": hardens}
    return values


def _path(sheet: Sheet, crease: Crease, name: str, body: Body) -> np.ndarray:
    if crease.vertices:
        path = np.asarray(crease.vertices, np.int64)
        if path.min() < 0 or path.max() >= body.count:
            raise BodyError(sheet.name, f"the crease {name!r} names a vertex that does not exist.")
        return path
    if len(crease.line) < 2:
        raise BodyError(sheet.name, f"the crease {name!r} has no line.", remedy="Give it two points or more.")
    with named(sheet.name, body.start):
        return edge_path(np.asarray(crease.line, np.float64), body.start, body.own_triangles)
