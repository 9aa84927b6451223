"""Whether anything has passed through anything."""

from __future__ import annotations

import ipctk
from torch import Tensor

from engine.simulation.contact.contact import Contact


def crosses(contact: Contact | None, positions: Tensor) -> bool:
    """Whether an edge of any surface is in a triangle, at `positions` of all vertices [m]."""
    assert contact is not None
    surface = contact.surface
    return bool(ipctk.has_intersections(surface.mesh, surface.on_surface(positions)))
