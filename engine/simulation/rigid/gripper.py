"""Two fingers with six degrees of freedom and a width, and what they carry."""

from __future__ import annotations

import numpy as np
import torch

from engine.geometry.primitives import box_surface
from engine.protocol.scene import Gripper
from engine.simulation.rigid.poses import RigidPoints, orientation, placed


def fingers(gripper: Gripper, cells: int = 1) -> tuple[RigidPoints, np.ndarray]:
    """Both fingers, and their triangles, wound outwards, shape (m, 3).

    The gripper's origin is the middle between the fingers. Each stands half the width from it along the gripper's x
    axis and moves along it; y and z are centred. The scale of the pose is that of the fingers, not of the width.
    """
    vertices, triangles = box_surface(gripper.finger, cells)
    sides = np.array([-1.0, 1.0])
    away = 0.5 * gripper.pose.scale * gripper.finger[0] + 0.5 * gripper.width
    axis = orientation(gripper.pose)[:, 0]
    points = np.concatenate([placed(vertices, gripper.pose) + side * away * axis for side in sides])
    opening = np.repeat(0.5 * sides[:, None] * axis, len(vertices), axis=0)
    origin = torch.tensor(gripper.pose.translation, dtype=torch.float64)
    moving = RigidPoints(torch.as_tensor(points), origin, torch.as_tensor(opening), gripper.width)
    return moving, np.concatenate([triangles, triangles + len(vertices)])


def carried(gripper: Gripper, points: np.ndarray) -> RigidPoints:
    """Points [m], shape (n, 3), that move with the gripper as a whole, whatever its width."""
    origin = torch.tensor(gripper.pose.translation, dtype=torch.float64)
    return RigidPoints(torch.as_tensor(points, dtype=torch.float64), origin)
