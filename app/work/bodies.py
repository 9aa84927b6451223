"""The bodies of a scene as they stand before anything is simulated: their triangles, made once for each shape, and
where they stand. Lengths that leave here are world millimetres."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.document.placement import Placement
from app.document.project import Project
from app.document.scene_items import Body
from engine.core.errors import FormwrightError, GeometryError
from engine.geometry.mesh import Mesh
from engine.protocol.scene import Gripper, MeshShape, Pose

MILLIMETRES = 1000.0
"""In a metre: a Scene is in metres, what is drawn and picked in millimetres."""

MARKER = 0.004
"""Radius [m] of what stands for a gripper without fingers."""


class BodyShapes:
    """Meshes of bodies in their own frames, remembered while shape and input stay the same."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Any, Mesh | None, Mesh | FormwrightError]] = {}

    def mesh(self, body: Body, meshes: Mapping[str, Mesh]) -> Mesh:
        """[mm], before its pose; raises `FormwrightError` for a shape that cannot be made."""
        shape = (body.width, body.fingers, body.finger, body.pose.scale) if isinstance(body, Gripper) else body.shape
        given = None
        if not isinstance(body, Gripper) and isinstance(body.shape, MeshShape):
            given = meshes.get(body.shape.input)
        known = self._made.get(body.name)
        if known is None or known[0] != shape or known[1] is not given:
            known = shape, given, _made(body, meshes)
            self._made[body.name] = known
        if isinstance(known[2], FormwrightError):
            raise known[2]
        return known[2]


def mesh_inputs(project: Project) -> dict[str, Mesh]:
    """Open meshes that play a role in the study, where they stand, by role."""
    found = {role: project.object(name) for role, name in project.roles.items()}
    placed = {role: item.placed for role, item in found.items() if item is not None}
    return {role: geometry for role, geometry in placed.items() if isinstance(geometry, Mesh)}


def placement(pose: Pose) -> Placement:
    """Where a pose puts a body, in millimetres."""
    x, y, z = (MILLIMETRES * value for value in pose.translation)
    return Placement((x, y, z), pose.rotation, (pose.scale, pose.scale, pose.scale))


def pose(placement: Placement) -> Pose:
    """The pose that puts a body there."""
    x, y, z = (float(f"{value / MILLIMETRES:.9g}") for value in placement.translation)
    a, b, c = (float(f"{value:.9g}") for value in placement.rotation)
    return Pose(translation=(x, y, z), rotation=(a, b, c), scale=abs(placement.scale[0]))


def _made(body: Body, meshes: Mapping[str, Mesh]) -> Mesh | FormwrightError:
    from engine.geometry.shapes import surface_of  # with scipy, for which no first picture should wait

    try:
        if isinstance(body, Gripper):
            vertices, triangles = _fingers(body)
        else:
            vertices, triangles = surface_of(body.shape, meshes)
        if not len(triangles):
            raise GeometryError(
                _tr("{0} has no triangles.").format(body.name), remedy=_tr("Choose another shape or a finer spacing.")
            )
        return Mesh(vertices * MILLIMETRES, triangles, name=body.name)
    except FormwrightError as error:
        return error


def _tr(text: str) -> str:
    return QCoreApplication.translate("Bodies", text)


def _fingers(gripper: Gripper) -> tuple[np.ndarray, np.ndarray]:
    """Both fingers in the gripper's frame, or a ball that can be taken hold of."""
    from engine.geometry.primitives import ball_surface, box_surface

    if not gripper.fingers:
        return ball_surface(MARKER, 3)
    vertices, triangles = box_surface(gripper.finger, 1)
    away = np.array([0.5 * gripper.finger[0] + 0.5 * gripper.width / gripper.pose.scale, 0.0, 0.0])
    return np.concatenate([vertices - away, vertices + away]), np.concatenate([triangles, triangles + len(vertices)])
