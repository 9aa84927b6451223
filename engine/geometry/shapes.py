"""The shapes of a scene's bodies as triangles, in metres and in their own frame.

The World and the window take them from here: a vertex has the same number in both.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.outline import outline_sheet
from engine.geometry.primitives import ball_surface, box_surface, cylinder_surface, square
from engine.geometry.sheets import disk_sheet, regular_sheet, scattered_sheet
from engine.protocol.scene import (
    BallShape,
    BoxShape,
    CylinderShape,
    DiskShape,
    MeshShape,
    OutlineShape,
    PlaneShape,
    RectangleShape,
)

Shape = RectangleShape | DiskShape | OutlineShape | MeshShape | BoxShape | BallShape | CylinderShape | PlaneShape


def surface_of(shape: Shape, meshes: Mapping[str, Mesh]) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [m], shape (vertex_count, 3), float64, and triangles, shape (triangle_count, 3), int64.

    meshes : the inputs of mesh shapes by name [mm]. Raises `ParameterError` for one that is missing.
    """
    match shape:
        case RectangleShape(pattern="random"):
            return scattered_sheet(shape.width, shape.height, shape.columns, shape.rows, seed=shape.seed)
        case RectangleShape():
            return regular_sheet(shape.width, shape.height, shape.columns, shape.rows)
        case DiskShape():
            return disk_sheet(shape.radius, shape.spacing)
        case OutlineShape():
            return outline_sheet(np.asarray(shape.points, np.float64), shape.spacing)
        case BoxShape():
            return box_surface(shape.size, shape.cells)
        case BallShape():
            return ball_surface(shape.radius, shape.cells)
        case CylinderShape():
            return cylinder_surface(shape.radius, shape.height, shape.cells)
        case PlaneShape():
            return square(shape.size)
        case MeshShape():
            mesh = meshes.get(shape.input)
            if mesh is None:
                raise ParameterError(
                    shape.input, "this mesh is not open.", remedy="Open it, or choose another for the body's shape."
                )
            return mesh.vertices * 1e-3, mesh.triangles.astype(np.int64)
