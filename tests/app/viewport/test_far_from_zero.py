"""Coordinates of a map that were not shifted are drawn to the micrometre all the same."""

from __future__ import annotations

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy

from app.viewport.objects import draw_object
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.verification import sphere_mesh

ON_A_MAP = np.array([512_345_678.0, 4_512_345_123.0, 87_500.0])
"""[mm]"""


def test_objects_are_drawn_relative_to_an_origin_of_their_own() -> None:
    vertices, triangles = sphere_mesh(16, 150.0)
    for geometry in (Mesh(vertices + ON_A_MAP, triangles), Points(vertices + ON_A_MAP)):
        thing = draw_object("far", geometry, "#808080", behind=False, vertex_budget=None)
        drawn = vtk_to_numpy(thing.drawn.data.GetPoints().GetData()).astype(np.float64)[: len(vertices)] + thing.origin
        # float64 resolves a thousandth of a millimetre there, float32 250 mm.
        assert np.abs(drawn - (vertices + ON_A_MAP)).max() < 2e-4 + np.spacing(ON_A_MAP.max())
