"""Values on vertices, for colours: strain, bending energy, contact pressure, friction."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from engine.simulation.shell.bending import Bending
from engine.simulation.shell.hinges import HingeBending
from engine.simulation.shell.membrane import Membrane
from engine.simulation.shell.rest import face_areas
from engine.simulation.solid.neo_hookean import NeoHookean
from engine.simulation.system import System
from engine.simulation.world.bodies import Body


def strain(system: System, bodies: Mapping[str, Body], q: Tensor) -> Tensor:
    """The largest principal Green strain of the faces (or tetrahedra) round each vertex, their mean; NaN elsewhere."""
    result = q.new_full((system.unknowns.vertex_count,), torch.nan)
    for name in bodies:
        membrane, elastic = system.energies.get(f"{name}.membrane"), system.energies.get(f"{name}.elastic")
        if isinstance(membrane, Membrane):
            result = _mean(result, membrane.triangles, largest_plane_strain(membrane.strains(q)))
        elif isinstance(elastic, NeoHookean):
            deformed = elastic.deformation_gradients(q)
            green = 0.5 * (deformed.transpose(1, 2) @ deformed - torch.eye(3, dtype=q.dtype, device=q.device))
            result = _mean(result, elastic.tets, torch.linalg.eigvalsh(green)[:, -1])
    return result


def bending_energy(system: System, bodies: Mapping[str, Body], q: Tensor) -> Tensor:
    """Over the area at rest [J/m²], the mean of the faces round each vertex by their areas; NaN on what is no sheet."""
    result = q.new_full((system.unknowns.vertex_count,), torch.nan)
    for name in bodies:
        bending = system.energies.get(f"{name}.bending")
        if isinstance(bending, Bending | HingeBending):
            triangles = torch.as_tensor(bending.topology.triangles, device=q.device)
            areas = face_areas(bending.parameters["rest_positions"], triangles)
            energies = bending.face_energies(q)
            result = _mean(result, triangles, energies / areas, areas)
    return result


def contact_pressure(system: System, triangles: np.ndarray, q: Tensor, pressing: Tensor) -> Tensor:
    """Size of the contact force on a vertex over its share of the surface [Pa]; NaN within bodies.

    pressing : forces [N], shape (vertex_count, 3)
    """
    faces = torch.as_tensor(triangles, device=q.device)
    areas = face_areas(system.unknowns.positions(q), faces)
    share = q.new_zeros(len(pressing)).index_add_(0, faces.reshape(-1), (areas / 3.0).repeat_interleave(3))
    size = torch.linalg.vector_norm(pressing, dim=1)
    return torch.where(share > 0.0, size / share.clamp(min=torch.finfo(q.dtype).tiny), torch.nan)


def on_deformable(values: Tensor, bodies: Mapping[str, Body]) -> Tensor:
    """The same, with NaN on obstacles and grippers: a few large triangles there would take on the colour of a spot."""
    result = values.clone()
    for body in bodies.values():
        if body.kind in ("obstacle", "gripper"):
            result[body.vertices] = torch.nan
    return result


def largest_plane_strain(strains: Tensor) -> Tensor:
    """The larger principal value of (E11, E22, 2 E12), shape (n, 3)."""
    middle, half = 0.5 * (strains[:, 0] + strains[:, 1]), 0.5 * (strains[:, 0] - strains[:, 1])
    return middle + torch.sqrt(half * half + 0.25 * strains[:, 2] ** 2)


def _mean(result: Tensor, elements: Tensor, values: Tensor, weights: Tensor | None = None) -> Tensor:
    """`result` with the weighted mean of `values` at the corners of `elements`, shape (n, k)."""
    weights = torch.ones_like(values) if weights is None else weights
    corners, each = elements.reshape(-1), elements.shape[1]
    total = values.new_zeros(len(result)).index_add_(0, corners, (weights * values).repeat_interleave(each))
    share = values.new_zeros(len(result)).index_add_(0, corners, weights.repeat_interleave(each))
    return torch.where(share > 0.0, total / share, result)
