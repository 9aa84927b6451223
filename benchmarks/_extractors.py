"""What `benchmarks/extraction.py` compares: ways from a field on a grid to a mesh, and back to a gradient."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import warp as wp
from torch import Tensor

from engine.core.device import Device
from engine.surfaces.deepmesh import DeepMesh
from engine.surfaces.flexicubes import FlexiCubes
from engine.surfaces.gshell import GShell
from engine.surfaces.implicit import ImplicitFunction
from engine.surfaces.level_set import LevelSet
from engine.surfaces.network_field import NetworkField

Call = Callable[[], object]


@dataclass(frozen=True)
class Extractor:
    """One way from a field to a mesh.

    forward : finds the surface and makes its mesh, as if a sign had changed
    both : the same with a gradient; None where there is none
    network_seconds : spent in a network since it was asked last
    """

    forward: Call
    both: Call | None = None
    network_seconds: Callable[[], float] = field(default=lambda: 0.0)


def link(resolution: int, device: Device) -> Tensor:
    """Signed distance to a ring with a ball in it, shape (n + 1, n + 1, n + 1): some 9,500 surface cells at 64³."""
    axis = torch.linspace(-1.0, 1.0, resolution + 1, device=device.torch)
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
    ring = ((torch.sqrt(x * x + y * y) - 0.61) ** 2 + z * z).sqrt() - 0.227
    return torch.minimum(ring, torch.sqrt(x * x + y * y + z * z) - 0.28)


def flexicubes(values: Tensor, device: Device) -> Extractor:
    return on_grid(FlexiCubes(values, device=device))


def gshell(values: Tensor, device: Device, template: str = "flexicubes") -> Extractor:
    """Open: a plane across the grid hides half of the surface."""
    axis = torch.linspace(-1.0, 1.0, len(values), device=device.torch)
    plane = (axis + 0.013)[:, None, None].expand_as(values).contiguous()
    return on_grid(GShell(values, plane, template=template, device=device))


def gshell_of_tetrahedra(values: Tensor, device: Device) -> Extractor:
    return gshell(values, device, "tetrahedra")


def without_intersections(values: Tensor, device: Device) -> Extractor:
    return on_grid(FlexiCubes(values, device=device, no_intersections=True))


def on_grid(surface: FlexiCubes) -> Extractor:
    """The training mesh of a surface on a grid."""
    mesh = surface.extract()
    pull, even = _pull(mesh.vertices), torch.full_like(mesh.regularity, 0.01)

    def forward() -> Any:
        surface._connectivity = None  # as if a sign had changed
        surface.prepare()
        return surface.extract()

    def both() -> None:
        _forget_gradients(surface)
        now = forward()
        if len(even):
            torch.autograd.backward([now.vertices, now.regularity], [pull, even])
        else:
            now.vertices.backward(pull)

    return Extractor(forward, both)


def filled(values: Tensor, device: Device) -> Extractor:
    """The inside of FlexiCubes in tetrahedra."""
    surface = FlexiCubes(values, device=device)
    pull = _pull(surface.extract_tetrahedra().vertices)

    def forward() -> Any:
        surface._connectivity = None
        surface.prepare()
        return surface.extract_tetrahedra()

    def both() -> None:
        _forget_gradients(surface)
        forward().vertices.backward(pull)

    return Extractor(forward, both)


def deepmesh(values: Tensor, device: Device) -> Extractor:
    """A network near the same surface, which is followed from one design to the next as in most iterations."""
    watched = _WatchedField(network(device), device)
    level_set = LevelSet(watched, len(values) - 1, dtype=torch.float32, device=device.torch)
    level_set.find()
    pull = _pull(level_set.extract().vertices)

    def forward() -> Any:
        level_set.find()
        return level_set.extract()

    def both() -> None:
        watched.field.parameters.grad = None
        vertices = forward().vertices
        (pulled,) = torch.autograd.grad(vertices, [watched.values], pull)
        watched.timed(torch.autograd.backward, [watched.values], [pulled])

    return Extractor(forward, both, watched.take_seconds)


@lru_cache(maxsize=1)
def network(device: Device) -> NetworkField:
    """A sine network that was fitted to the link."""
    return DeepMesh.started(link(32, device), options={"network_fitting": 150}, device=device).field


class _WatchedField(ImplicitFunction):
    """A network that says how long it took."""

    values: Tensor

    def __init__(self, network: NetworkField, device: Device) -> None:
        self.field = network
        self._device = device
        self._seconds = 0.0

    def leaves(self) -> dict[str, Tensor]:
        return self.field.leaves()

    def values_at(self, positions: Tensor) -> Tensor:
        return self.field.values_at(positions)

    def plain_values(self, positions: Tensor) -> Tensor:
        return self.timed(self.field.plain_values, positions)

    def values_and_gradients(self, positions: Tensor, *, differentiable: bool = False) -> tuple[Tensor, Tensor]:
        self.values, gradients = self.timed(self.field.values_and_gradients, positions, differentiable=differentiable)
        return self.values, gradients

    def timed(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        start = seconds(self._device)
        found = call(*arguments, **options)
        self._seconds += seconds(self._device) - start
        return found

    def take_seconds(self) -> float:
        taken, self._seconds = self._seconds, 0.0
        return taken


def skimage_marching_cubes(values: Tensor, device: Device) -> Extractor:
    from skimage.measure import marching_cubes

    plain = values.numpy()
    return Extractor(lambda: marching_cubes(plain, 0.0))


def vtk_flying_edges(values: Tensor, device: Device) -> Extractor:
    """Without normals, gradients and scalars, which the others do not make either."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonCore import vtkSMPTools
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

    vtkSMPTools.Initialize(1)
    image = vtkImageData()
    image.SetDimensions(*values.shape)
    image.GetPointData().SetScalars(numpy_to_vtk(values.numpy().transpose(2, 1, 0).ravel()))
    contour = vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, 0.0)
    contour.ComputeNormalsOff()
    contour.ComputeGradientsOff()
    contour.ComputeScalarsOff()

    def forward() -> int:
        contour.Modified()
        contour.Update()
        return int(contour.GetOutput().GetNumberOfCells())

    assert forward()
    return Extractor(forward)


def warp_marching_cubes(values: Tensor, device: Device) -> Extractor:
    """Warp's extraction without and with its adjoint."""
    place = getattr(wp, "geometry", wp)
    extractor: Any = getattr(place, "IsoSurfaceMarchingCubes", None) or wp.MarchingCubes
    numbers = values.cpu().numpy()
    plain: Any = wp.array(numbers, dtype=wp.float32, device=device.warp)
    leaf: Any = wp.array(numbers, dtype=wp.float32, device=device.warp, requires_grad=True)

    def forward() -> Any:
        return extractor.extract(plain, 0.0)

    def both() -> None:
        with wp.Tape() as tape:
            vertices, _ = extractor.extract(leaf, 0.0)
        tape.backward(grads={vertices: wp.ones_like(vertices)})
        tape.zero()

    return Extractor(forward, both)


Maker = Callable[[Tensor, Device], Extractor]

SURFACES: dict[str, Maker] = {
    "FlexiCubes": flexicubes,
    "G-Shell on FlexiCubes": gshell,
    "G-Shell on tetrahedra": gshell_of_tetrahedra,
    "DeepMesh": deepmesh,
}
VARIANTS: dict[str, Maker] = {
    "FlexiCubes, filled with tetrahedra": filled,
    "FlexiCubes without intersections": without_intersections,
}
PEERS: dict[str, Maker] = {
    "skimage marching cubes": skimage_marching_cubes,
    "VTK flying edges": vtk_flying_edges,
    "Warp marching cubes": warp_marching_cubes,
}


def seconds(device: Device) -> float:
    """Processor seconds of this process; on a GPU, whose work the processor does not see, those of the clock."""
    if not device.is_cuda:
        return time.process_time()
    device.synchronize()
    wp.synchronize_device(device.warp)
    return time.perf_counter()


def _pull(vertices: Tensor) -> Tensor:
    """Some gradient with respect to the vertices, the same in every run."""
    pull = np.random.default_rng(0).standard_normal(tuple(vertices.shape), dtype=np.float32)
    return torch.from_numpy(pull).to(vertices.device)


def _forget_gradients(surface: FlexiCubes) -> None:
    for leaf in surface.tensors().values():
        leaf.grad = None
