"""A soft body of a scene as energy and mass."""

from __future__ import annotations

import torch

from engine.protocol.scene import Solid
from engine.simulation.energy import Energy, Unknowns
from engine.simulation.solid.mass import SolidMass
from engine.simulation.solid.neo_hookean import NeoHookean
from engine.simulation.world.bodies import Body
from engine.simulation.world.errors import named


def solid_parts(
    item: Solid, body: Body, unknowns: Unknowns, device: torch.device
) -> tuple[dict[str, Energy], SolidMass]:
    """Energies by kind ("elastic"), and the mass."""
    rest = torch.zeros(unknowns.vertex_count, 3, dtype=torch.float64, device=device)
    rest[body.vertices] = torch.as_tensor(body.local, device=device)
    tets = torch.as_tensor(body.tets, device=device)
    material = item.material
    with named(item.name, body.start, body.first):
        elastic = NeoHookean(unknowns, tets, rest, young=material.young, poisson=material.poisson)
        mass = SolidMass(unknowns, tets, rest, density=material.density)
    return {"elastic": elastic}, mass
