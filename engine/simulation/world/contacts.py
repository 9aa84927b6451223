"""What of a scene touches what, and how it rubs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from engine.protocol.scene import Scene
from engine.simulation.contact.contact import Contact, make_contact
from engine.simulation.contact.start import StartError
from engine.simulation.contact.surface import ContactBody
from engine.simulation.energy import Unknowns
from engine.simulation.mass import Mass
from engine.simulation.world.bodies import Body
from engine.simulation.world.errors import BodyError
from engine.simulation.world.pins import Held


def scene_contact(
    scene: Scene,
    bodies: Mapping[str, Body],
    groups: Sequence[Held],
    unknowns: Unknowns,
    start: Tensor,
    held: Tensor,
    masses: Mapping[str, Mass],
) -> Contact | None:
    """Contact between all bodies and of each with itself, or None where the scene wants none.

    start : of all vertices [m], shape (vertex_count, 3)
    held : the held unknowns

    Raises `BodyError` for bodies that start inside each other.
    """
    given = scene.contact
    if given.mode == "none":
        return None
    contact = make_contact(
        unknowns,
        [ContactBody(body.name, body.triangles, filled=body.kind != "sheet") for body in bodies.values()],
        start,
        held=held,
        masses=torch.stack([mass.masses() for mass in masses.values()]).sum(dim=0),
        gap=given.gap,
        mode=given.mode,
        stiffness=given.stiffness,
        friction=_pairs(scene),
        default_friction=given.friction,
        friction_speed=given.friction_speed,
        step_size=scene.time.step,
        scheme=scene.time.scheme,
        apart=_carried(bodies, groups),
        always_friction=True,  # its coefficients may change while it runs
    )
    try:
        contact.check_start(start)
    except StartError as error:
        x, y, z = error.point
        body = bodies[error.bodies[0]]
        place = [vertex - body.first for vertex in error.place if 0 <= vertex - body.first < body.count]
        raise BodyError(
            body.name, error.message, place=place, point=(1e3 * x, 1e3 * y, 1e3 * z), remedy=error.remedy
        ) from None
    return contact


def friction_values(contact: Contact, scene: Scene) -> Tensor:
    """The coefficients as the scene has them now."""
    return contact.coefficients(scene.contact.friction, _pairs(scene))


def _pairs(scene: Scene) -> dict[tuple[str, str], float]:
    return {pair.between: pair.coefficient for pair in scene.friction}


def _carried(bodies: Mapping[str, Body], groups: Sequence[Held]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Vertices that a gripper carries, with those around them, and those of its fingers: they do not push each
    other."""
    pairs = []
    for group in groups:
        hand = bodies.get(group.mover)
        if hand is not None and hand.count and group.pin:
            triangles = bodies[group.body].triangles
            near = np.unique(triangles[np.isin(triangles, group.vertices).any(axis=1)])
            pairs.append((np.union1d(group.vertices, near), np.arange(hand.vertices.start, hand.vertices.stop)))
    return pairs
