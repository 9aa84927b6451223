"""What VTK draws: a mesh and a point cloud whose arrays are made once and written in place."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  (registers the OpenGL classes that draw)
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import mutable, vtkFloatArray, vtkPoints, vtkTypeInt32Array, vtkUnsignedCharArray
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData, vtkStaticCellLocator
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkProperty

from app.viewport.colours import blended, rgb

FARTHEST = 0.999
"""Depth at which what has stepped back begins: the last thousandth is its own, so that it still hides itself."""


class DrawnMesh:
    """Triangles on the screen. Positions are relative to `actor`'s place, in float32."""

    def __init__(self) -> None:
        self._positions = _array(vtkFloatArray, 3)
        self._normals = _array(vtkFloatArray, 3)
        self._colours = _array(vtkUnsignedCharArray, 3)
        self._offsets = _array(vtkTypeInt32Array, 1)
        self._corners = _array(vtkTypeInt32Array, 1)
        points = vtkPoints()
        points.SetData(self._positions)
        self._cells = vtkCellArray()
        self.data = vtkPolyData()
        self.data.SetPoints(points)
        self.data.SetPolys(self._cells)
        self.mapper = vtkPolyDataMapper()
        self.mapper.SetInputData(self.data)
        self.mapper.SetColorModeToDirectScalars()
        self.mapper.ScalarVisibilityOff()
        self.actor = vtkActor()
        self.actor.SetMapper(self.mapper)
        self._slack = 0.0
        self._locator: Any = None  # VTK's stubs know no reference to a number, which its ray queries need

    @property
    def vertices(self) -> np.ndarray:
        return vtk_to_numpy(self._positions)

    @property
    def normals(self) -> np.ndarray:
        return vtk_to_numpy(self._normals)

    @property
    def triangles(self) -> np.ndarray:
        return vtk_to_numpy(self._corners).reshape(-1, 3)

    def write(self, vertices: np.ndarray, triangles: np.ndarray, normals: np.ndarray) -> None:
        """Draw these from now on: (n, 3), (k, 3) and (n, 3)."""
        _fill(self._positions, vertices)
        _fill(self._normals, normals)
        _fill(self._corners, triangles.reshape(-1, 1))
        if self._offsets.GetNumberOfTuples() != len(triangles) + 1:
            _fill(self._offsets, np.arange(0, 3 * len(triangles) + 1, 3, dtype=np.int32)[:, None])
        self._cells.SetData(self._offsets, self._corners)
        self._cells.Modified()
        self.data.DeleteCells()  # an index that picking made of the cells before; it would be read past its end
        self.data.GetPointData().SetNormals(self._normals)
        self.data.GetPoints().Modified()
        self.data.Modified()
        self._locator = None

    def write_colours(self, colours: np.ndarray | None) -> None:
        """Colour every vertex, (n, 3) uint8; None: the actor's own colour."""
        if colours is None:
            self.mapper.ScalarVisibilityOff()
            return
        _fill(self._colours, colours)
        self.data.GetPointData().SetScalars(self._colours)
        self.mapper.ScalarVisibilityOn()

    def show_inside(self, colour: str | None) -> None:
        """Draw the inside of the surface in a colour of its own; None: as the outside."""
        if colour is None:
            self.actor.SetBackfaceProperty(None)  # type: ignore[arg-type]  # VTK takes it for "none", its stubs do not
            return
        look = vtkProperty()
        look.DeepCopy(self.actor.GetProperty())
        look.SetColor(*rgb(colour))
        self.actor.SetBackfaceProperty(look)

    def step_back(self) -> None:
        """Be seen only where nothing else is, whatever lies in front: two surfaces that all but coincide would show
        through each other in blotches."""
        self.actor.GetShaderProperty().AddFragmentShaderReplacement(
            "//VTK::Depth::Impl", True, f"gl_FragDepth = mix({FARTHEST}, 1.0, gl_FragCoord.z);", False
        )

    def hit(self, start: np.ndarray, direction: np.ndarray, length: float) -> tuple[float, int] | None:
        """Distance and triangle where a ray (relative to the actor) first meets the mesh, or None."""
        if not self.data.GetNumberOfCells():
            return None
        if self._locator is None:
            self._locator = vtkStaticCellLocator()
            self._locator.SetDataSet(self.data)
            self._locator.BuildLocator()
            # Without some slack a ray that meets an edge or a corner exactly passes between the triangles.
            self._slack = 1e-6 * self.data.GetLength()
        place, within, where = mutable(0.0), [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
        part, cell = mutable(0), mutable(-1)
        end = start + direction * length
        if not self._locator.IntersectWithLine(start, end, self._slack, place, where, within, part, cell):
            return None
        return float(np.dot(np.asarray(where) - start, direction)), int(cell)

    def normal(self, triangle: int) -> np.ndarray:
        """Unit normal of a drawn triangle, shape (3,)."""
        a, b, c = self.vertices[self.triangles[triangle]].astype(np.float64)
        normal = np.cross(b - a, c - a)
        return normal / (np.linalg.norm(normal) or 1.0)


class DrawnPoints:
    """Points on the screen: small round dots, or square ones, which cost software OpenGL a third.

    Square dots carry their shade in their colour, from a light that stands still above them.
    """

    def __init__(self, positions: np.ndarray, normals: np.ndarray | None, size: float, *, round_dots: bool) -> None:
        self._positions = _array(vtkFloatArray, 3)
        _fill(self._positions, positions)
        self._shade = None if round_dots or normals is None else half_lambert(normals)
        count = len(positions)
        points = vtkPoints()
        points.SetData(self._positions)
        offsets, corners = _array(vtkTypeInt32Array, 1), _array(vtkTypeInt32Array, 1)
        _fill(offsets, np.arange(count + 1, dtype=np.int32)[:, None])
        _fill(corners, np.arange(count, dtype=np.int32)[:, None])
        cells = vtkCellArray()
        cells.SetData(offsets, corners)
        self.data = vtkPolyData()
        self.data.SetPoints(points)
        self.data.SetVerts(cells)
        if normals is not None and round_dots:
            self._normals = _array(vtkFloatArray, 3)
            _fill(self._normals, normals)
            self.data.GetPointData().SetNormals(self._normals)
        self._colours = _array(vtkUnsignedCharArray, 3)
        self.mapper = vtkPolyDataMapper()
        self.mapper.SetInputData(self.data)
        self.mapper.SetColorModeToDirectScalars()
        self.mapper.ScalarVisibilityOff()
        self.actor = vtkActor()
        self.actor.SetMapper(self.mapper)
        look = self.actor.GetProperty()
        look.SetPointSize(size)
        look.SetRenderPointsAsSpheres(round_dots)
        if normals is None or not round_dots:
            look.LightingOff()

    @property
    def vertices(self) -> np.ndarray:
        return vtk_to_numpy(self._positions)

    def paint(self, colour: str, tints: list[tuple[np.ndarray, str]]) -> None:
        """Colour the dots, each by its shade. tints : values (n,) in [0, 1] and a colour, laid over it in order"""
        paint(self.actor, colour)
        if self._shade is None and not tints:
            self.mapper.ScalarVisibilityOff()
            return
        colours: np.ndarray = blended(colour, len(self.vertices), tints)
        if self._shade is not None:
            colours = np.minimum(np.rint(self._shade[:, None] * colours), 255.0).astype(np.uint8)
        _fill(self._colours, colours)
        self.data.GetPointData().SetScalars(self._colours)
        self.mapper.ScalarVisibilityOn()


def half_lambert(normals: np.ndarray) -> np.ndarray:
    """Brightness in [0.6, 1.15] of points with these normals (n, 3) under a light from above, to the left and in front.

    Half-Lambert: what is turned away is dim, not black (Mitchell, McTaggart and Green 2006). Shape (n,).
    """
    light = np.array([-0.35, -0.55, 0.76])
    return 0.6 + 0.55 * (0.5 + 0.5 * (normals @ (light / np.linalg.norm(light)))) ** 2


def paint(actor: Any, colour: str, opacity: float = 1.0) -> None:
    """Give an actor its colour, and the house's calm, slightly satin material."""
    look = actor.GetProperty()
    look.SetColor(*rgb(colour))
    look.SetOpacity(opacity)
    look.SetAmbient(0.16)
    look.SetDiffuse(0.84)
    look.SetSpecular(0.10)
    look.SetSpecularPower(18.0)
    look.SetInterpolationToPhong()


def _array(kind: Any, components: int) -> Any:
    array = kind()
    array.SetNumberOfComponents(components)
    return array


def _fill(array: Any, values: np.ndarray) -> None:
    array.SetNumberOfTuples(len(values))
    if len(values):
        view = vtk_to_numpy(array)
        view[...] = values.reshape(view.shape)
    array.Modified()
