"""DeepMesh (arXiv 2106.11795): a network whose level set is the surface, as a design like any other."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import ParameterError
from engine.core.leaves import Remap, State
from engine.geometry.topology import boundary_edges
from engine.surfaces.fitting import DistanceSamples, fit, samples_of_field, samples_of_mesh
from engine.surfaces.grid import Grid
from engine.surfaces.level_set import LevelSet
from engine.surfaces.network_field import NetworkField
from engine.surfaces.networks import Architecture
from engine.surfaces.resampling import distances_to
from engine.surfaces.shape_space import ShapeSpace
from engine.surfaces.surface import ExtractedSurface, Stroke, Surface
from engine.surfaces.unsigned import UnsignedSet

SWEEP_INTERVAL = 20
"""Iterations between two looks at the whole grid, where parts may have come up far from the surface."""

CONVERSION_SAMPLES = 100_000
"""Distances that a network learns another surface from."""


class DeepMesh(Surface):
    """The surface {s = level} of a network s, by marching cubes, with dv/ds = −∇s/|∇s|².

    Leaves (`tensors`), as the field's `design` says:

    * "network": all parameters of the network, shape (parameter_count,)
    * "latent": which shape of a shape space, shape (latent_size,)

    A field that is an unsigned distance gives the surface where it vanishes, open or closed.

    A network acts everywhere at once, so no place of it can be frozen: `freeze` is refused.

    Parameters
    ----------
    field : the network; it is owned from now on
    resolution : cells a side of the grid on which the surface is found
    level : the surface bounds {s < level}, in the unit of the field's values
    closed : close the surface at the border of the grid
    """

    kind: ClassVar[str] = "deepmesh"
    freezable: ClassVar[bool] = False

    _field: NetworkField
    _level_set: LevelSet | UnsignedSet
    _steps: int
    _stationary_count: int
    _found: tuple[int, ...] | None
    _extracted: tuple[Tensor, Tensor] | None
    _shared_network: np.ndarray | None

    def __init__(
        self,
        field: NetworkField,
        resolution: int,
        *,
        device: Device | None = None,
        level: float = 0.0,
        closed: bool = True,
    ) -> None:
        self.device = device or Device("cpu")
        self.dtype = field.dtype
        self.level = level
        self.closed = closed
        self._take(field, resolution)

    @classmethod
    def started(cls, field: Tensor, *, options: Mapping[str, Any], device: Device) -> DeepMesh:
        """A network that is fitted to `field`, as far as it can be."""
        seed = int(options.get("seed", 0))
        return cls._fitted(samples_of_field(field, seed=seed), field.shape[0] - 1, options, device)

    @classmethod
    def converted(cls, surface: Surface, *, options: Mapping[str, Any], device: Device) -> DeepMesh:
        """A network that is fitted to the mesh of `surface`; of one that is open, to what it is a part of."""
        vertices, triangles = surface.present_output()
        if len(boundary_edges(triangles)):
            # An open mesh has no inside of its own; what it is a part of has.
            return cls.started(distances_to(surface), options=options, device=device)
        samples = samples_of_mesh(
            vertices, triangles, CONVERSION_SAMPLES, seed=int(options.get("seed", 0)), device=device
        )
        return cls._fitted(samples, surface.resolution, options, device)

    @classmethod
    def _fitted(cls, samples: DistanceSamples, resolution: int, options: Mapping[str, Any], device: Device) -> DeepMesh:
        architecture = Architecture(
            layers=int(options.get("network_layers", 3)),
            width=int(options.get("network_width", 64)),
            frequency=float(options.get("network_frequency", 30.0)),
        )
        seed = int(options.get("seed", 0))
        parameters = architecture.initial(torch.Generator().manual_seed(seed)).to(device.torch)
        field = NetworkField(architecture, parameters)
        fit(field, samples, iterations=int(options.get("network_fitting", 400)), seed=seed)
        return cls(field, resolution, device=device, closed=bool(options.get("closed", True)))

    @classmethod
    def of_model(
        cls, space: ShapeSpace, resolution: int, *, device: Device | None = None, latent: np.ndarray | None = None
    ) -> DeepMesh:
        """A shape of a space (the mean one where there is no `latent`), whose latent is the design.

        The working frame is that of the space: a Run on it must take `space.frame`.
        """
        where = device or Device("cpu")
        return cls(space.field(latent, device=where.torch), resolution, device=where)

    @classmethod
    def blank(cls, device: Device) -> DeepMesh:
        architecture = Architecture(layers=1, width=4)
        return cls(NetworkField(architecture, architecture.initial(torch.Generator())), 8, device=device)

    @staticmethod
    def estimate_memory(resolution: int, *, start: str = "sdf") -> int:
        """Bytes that a descent takes at most, with 8 layers of 128."""
        vertices = 8.0 * resolution**2
        return int((resolution + 3) ** 3 * 24 + vertices * 8 * 128 * 4 * 3)

    def learning_rate_factors(self, *, noisy: bool) -> dict[str, float]:
        """A sine network takes steps of some 3e-4 where the field of a grid takes 0.01."""
        return {"network": 0.03, "latent": 1.0}

    @property
    def field(self) -> NetworkField:
        """The network."""
        return self._field

    @property
    def resolution(self) -> int:
        return self._level_set.grid.resolution

    @property
    def cell_size(self) -> float:
        return self._level_set.grid.cell_size

    @property
    def distance_kind(self) -> str:
        return self._field.distance

    @property
    def stationary_count(self) -> int:
        """Vertices of the last `extract` that got no gradient, for the network's own vanishes there."""
        return self._stationary_count

    def tensors(self) -> dict[str, Tensor]:
        return self._field.leaves()

    def values_at(self, positions: Tensor) -> Tensor:
        """See `engine.surfaces.surface.ImplicitField`: the surface is where it is zero."""
        return self._field.values_at(positions) - self.level

    def set_latent(self, latent: Tensor | np.ndarray) -> None:
        """Move in the shape space; raises `ParameterError` where the numbers do not fit the network."""
        values = torch.as_tensor(latent).to(self._field.latent)
        if values.shape != self._field.latent.shape or not bool(torch.isfinite(values).all()):
            raise ParameterError("latent", f"it must be {len(self._field.latent)} finite numbers.")
        with torch.no_grad():
            self._field.latent.copy_(values)

    def prepare(self) -> list[Remap]:
        self._level_set.find(sweep=self._steps % SWEEP_INTERVAL == 0)
        self._steps += 1
        self._found = self._versions()
        return []

    def extract(self) -> ExtractedSurface:
        if self._found != self._versions():
            # A line search moves the design between two preparations.
            self._level_set.find()
            self._found = self._versions()
        mesh = self._level_set.extract()
        self._stationary_count = mesh.stationary_count
        self._extracted = mesh.vertices.detach(), mesh.triangles
        return ExtractedSurface(
            vertices=mesh.vertices,
            triangles=mesh.triangles,
            cell_size=self.cell_size,
            dual_vertex_count=len(mesh.vertices),
        )

    def output(self) -> tuple[np.ndarray, np.ndarray]:
        if self._extracted is None:
            return self.present_output()
        vertices, triangles = self._extracted
        return vertices.to(torch.float32).cpu().numpy().copy(), triangles.cpu().numpy()

    def present_output(self) -> tuple[np.ndarray, np.ndarray]:
        twin = copy.copy(self)
        twin._level_set = self._new_level_set(self.resolution)
        twin._level_set.find(sweep=True)
        twin._found = twin._versions()
        with torch.no_grad():
            twin.extract()
        return twin.output()

    def resample(self, resolution: int) -> list[Remap]:
        """Another grid for the same network: the leaves stay."""
        self._level_set = self._new_level_set(resolution)
        self._steps, self._found, self._extracted = 0, None, None
        return []

    def freeze(self, stroke: Stroke) -> None:
        self.set_frozen([stroke])

    def set_frozen(self, strokes: Sequence[Stroke]) -> None:
        if any(stroke.frozen for stroke in strokes):
            raise ParameterError(
                "freeze",
                "a network shapes the whole surface at once, so no part of it can be frozen.",
                remedy="Switch to FlexiCubes to freeze, or hold the place with a handle.",
            )

    def mask_gradients(self) -> None:
        """Nothing is frozen."""

    def after_step(self) -> None:
        """Nothing is derived."""

    def state(self) -> State:
        """Plain arrays. A network that is no leaf is the same array object in every state: keep it once."""
        field = self._field
        return {
            "kind": self.kind,
            "resolution": self.resolution,
            "level": self.level,
            "closed": int(self.closed),
            "architecture": field.architecture.to_dict(),
            "design": field.design,
            "distance": field.distance,
            "placement": list(field.placement),
            "network": self._network_array(),
            "latent": field.latent.detach().cpu().numpy().copy(),
            "steps": self._steps,
            "inside": np.packbits(self._level_set.signs.cpu().numpy()) if self._steps else np.zeros(0, np.uint8),
        }

    def restore(self, state: State) -> None:
        values: dict[str, Any] = dict(state)
        if values.get("kind") != self.kind:
            raise ParameterError("surface", f"a state of {values.get('kind')!r} is no DeepMesh.")
        try:
            field = NetworkField(
                Architecture.from_dict(values["architecture"]),
                torch.from_numpy(_numbers(values, "network")).to(self.device.torch),
                torch.from_numpy(_numbers(values, "latent")).to(self.device.torch),
                design=values["design"],
                distance=values["distance"],
                placement=tuple(values["placement"]),
            )
            level, closed, steps = float(values["level"]), bool(values["closed"]), int(values["steps"])
            resolution, inside = int(values["resolution"]), np.asarray(values["inside"], np.uint8)
        except (KeyError, TypeError, ValueError) as error:
            raise ParameterError("surface", f"the state lacks {error}, or it is nothing that it can be.") from None
        count = Grid(resolution).id_count
        if steps and inside.shape != ((count + 7) // 8,):
            raise ParameterError("surface.inside", f"its signs are not of a grid of {resolution} cells.")
        self.level, self.closed, self.dtype = level, closed, field.dtype
        self._take(field, resolution)
        self._shared_network = values["network"] if field.design == "latent" else None
        self._steps = steps
        if steps:
            self._level_set.recall(torch.from_numpy(np.unpackbits(inside, count=count)))

    def _take(self, field: NetworkField, resolution: int) -> None:
        self._field = field
        self._level_set = self._new_level_set(resolution)
        self._steps = 0
        self._stationary_count = 0
        self._found = None
        self._extracted = None
        self._shared_network = None

    def _new_level_set(self, resolution: int) -> LevelSet | UnsignedSet:
        if self._field.distance == "unsigned":
            return UnsignedSet(self._field, resolution, dtype=self.dtype, device=self.device.torch)
        return LevelSet(
            self._field, resolution, dtype=self.dtype, device=self.device.torch, level=self.level, closed=self.closed
        )

    def _versions(self) -> tuple[int, ...]:
        return tuple(leaf._version for leaf in (self._field.parameters, self._field.latent))

    def _network_array(self) -> np.ndarray:
        if self._field.design != "latent":
            return self._field.parameters.detach().cpu().numpy().copy()
        if self._shared_network is None:
            self._shared_network = self._field.parameters.detach().cpu().numpy().copy()
        return self._shared_network


def _numbers(state: dict[str, Any], name: str) -> np.ndarray:
    value = state[name]
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or value.ndim != 1:
        raise ParameterError(f"surface.{name}", "it is no row of numbers.")
    return value
