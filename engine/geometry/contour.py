"""Where values on a regular grid cross a level: a closed surface."""

from __future__ import annotations

import numpy as np


def closed_contour(values: np.ndarray, level: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The surface at which `values`, indexed [x, y, z], cross `level`; all values on the border lie on one side.

    Returns
    -------
    vertices : in grid steps from the first node, float64, shape (n, 3)
    triangles : counter-clockwise from outside, int32, shape (m, 3); none where the level is not crossed

    Source: marching cubes, by VTK's flying edges (Schroeder, Maynard and Geveci, *Flying edges*, 2015).
    """
    # VTK takes a fifth of a second to import, and few need a contour.
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

    image = vtkImageData()
    image.SetDimensions(*values.shape)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ravel(values, order="F"), deep=True))
    contour = vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, level)
    contour.ComputeNormalsOff()
    contour.ComputeScalarsOff()
    contour.Update()
    surface = contour.GetOutput()
    if not surface.GetNumberOfPolys():
        return np.empty((0, 3)), np.empty((0, 3), np.int32)
    vertices = vtk_to_numpy(surface.GetPoints().GetData()).astype(np.float64)
    triangles = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int32)
    corner = vertices[triangles]
    volume = np.einsum("ij,ij->", corner[:, 0], np.cross(corner[:, 1], corner[:, 2]))
    return vertices, triangles if volume > 0 else np.ascontiguousarray(triangles[:, ::-1])
