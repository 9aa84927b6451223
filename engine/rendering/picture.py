"""Shaded pictures of meshes and scans by casting rays on the CPU or GPU: no window, no OpenGL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import warp as wp

from engine.core.atomic import atomic_write
from engine.core.errors import GeometryError
from engine.core.kernels import initialise_warp
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.rendering.camera import Camera
from engine.rendering.kernels import cast

Colour = tuple[float, float, float]

CLAY: Colour = (0.80, 0.78, 0.74)
SCAN: Colour = (0.36, 0.60, 0.86)
LIGHT: Colour = (0.965, 0.968, 0.975)
DARK: Colour = (0.118, 0.125, 0.141)

CREASE = 35.0
"""Angle [degrees] between a face and its corner's mean normal beyond which an edge is drawn sharp."""


@dataclass(frozen=True)
class RayImage:
    """What the rays saw, before it becomes a picture.

    colours : linear red, green, blue and coverage, shape (height, width, 4), float32
    depths : distance from the eye [mm], infinite where nothing is, shape (height, width), float32
    """

    colours: np.ndarray
    depths: np.ndarray


def picture(
    geometry: Mesh | Points,
    size: tuple[int, int] = (800, 600),
    *,
    view: Camera | None = None,
    colour: Colour | None = None,
    colours: np.ndarray | None = None,
    background: Colour | None = LIGHT,
    smooth: bool = True,
    samples: int = 3,
    occlusion_rays: int = 8,
    point_size: float | None = None,
    device: str = "cpu",
) -> np.ndarray:
    """A picture, shape (height, width, 3), uint8, sRGB; with a fourth channel where `background` is None.

    Parameters
    ----------
    size : width and height in pixels
    view : from where; None for the usual view of the whole
    colour : sRGB in [0, 1] of the whole
    colours : sRGB in [0, 1] of each vertex or point, shape (n, 3)
    background : sRGB, or None for transparent
    smooth : interpolate normals over edges flatter than 35°
    samples : rays along each side of a pixel
    occlusion_rays : rays a sample that look for shade in corners; 0 for none
    point_size : diameter of a point's disc [mm]; None for one that fits the spacing
    """
    width, height = size
    view = view or Camera.around(places(geometry), aspect=width / height)
    drawn = pictures(
        geometry, [view], size, colour=colour, colours=colours, background=background, smooth=smooth, samples=samples,
        occlusion_rays=occlusion_rays, point_size=point_size, device=device,
    )  # fmt: skip
    return next(drawn)


def pictures(
    geometry: Mesh | Points,
    views: Iterable[Camera],
    size: tuple[int, int] = (800, 600),
    *,
    colour: Colour | None = None,
    colours: np.ndarray | None = None,
    background: Colour | None = LIGHT,
    smooth: bool = True,
    samples: int = 3,
    occlusion_rays: int = 8,
    point_size: float | None = None,
    device: str = "cpu",
) -> Iterator[np.ndarray]:
    """A picture from each of `views`, drawn when it is asked for; parameters as for `picture`."""
    is_mesh = isinstance(geometry, Mesh)
    base = np.array([colour or (CLAY if is_mesh else SCAN)])
    caster: RayCaster | None = None
    for view in views:
        # Discs without normals turn with the camera.
        if caster is None or (isinstance(geometry, Points) and geometry.normals is None):
            if isinstance(geometry, Mesh):
                positions, triangles, shades = geometry.vertices, geometry.triangles, colours
            else:
                positions, triangles = discs(geometry, view, point_size)
                shades = None if colours is None else np.repeat(colours, len(positions) // len(colours), axis=0)
            caster = RayCaster(
                positions, triangles, base if shades is None else shades, smooth=smooth and is_mesh, device=device
            )
        image = caster.cast((size[0] * samples, size[1] * samples), view, occlusion_rays=occlusion_rays)
        yield _develop(image.colours, samples, background)


def places(geometry: Mesh | Points) -> np.ndarray:
    """Vertices or points, shape (n, 3) [mm]."""
    return geometry.vertices if isinstance(geometry, Mesh) else geometry.positions


def thumbnail(
    vertices: np.ndarray, triangles: np.ndarray, size: int = 96, *, background: Colour = LIGHT, colour: Colour = CLAY
) -> np.ndarray:
    """A quick small picture of a mesh, shape (size, size, 3), uint8; an empty mesh gives the bare background. What lies
    in the plane of x and y is seen from above."""
    if not len(triangles):
        return _develop(np.zeros((size, size, 4), np.float32), 1, background)
    flat = bool((vertices[:, 2] == vertices[0, 2]).all())
    view = Camera.around(vertices, direction=(0.0, 0.0, 1.0), up=(0.0, 1.0, 0.0)) if flat else Camera.around(vertices)
    caster = RayCaster(vertices, triangles, np.array([colour]))
    image = caster.cast((size, size), view)
    colours = image.colours.copy()
    rough = np.flatnonzero(_outline(image))
    if len(rough):
        row, column = 2 * (rough // size), 2 * (rough % size)
        picked = np.concatenate([(row + down) * 2 * size + column + side for down in (0, 1) for side in (0, 1)])
        finer = caster.cast((2 * size, 2 * size), view, picked=picked)
        colours.reshape(-1, 4)[rough] = finer.colours.reshape(4, len(rough), 4).mean(axis=0)
    return _develop(colours, 1, background)


def _outline(image: RayImage) -> np.ndarray:
    """Pixels beside a silhouette: the coverage changes, or the distance jumps by more than 4 %."""
    depth = np.where(np.isfinite(image.depths), image.depths, 1e30)
    rough = np.zeros(depth.shape, bool)
    for axis in (0, 1):
        jump = np.abs(np.diff(depth, axis=axis)) > 0.04 * np.minimum(
            *(np.take(depth, np.arange(depth.shape[axis] - 1) + step, axis) for step in (0, 1))
        )
        pad = [(0, 0), (0, 0)]
        pad[axis] = (1, 0)
        rough |= np.pad(jump, pad)
        pad[axis] = (0, 1)
        rough |= np.pad(jump, pad)
    return rough


def save_png(image: np.ndarray, path: str | Path) -> None:
    """Write a picture, shape (height, width, 3 or 4), uint8, whole or not at all."""
    from PIL import Image

    with atomic_write(path) as temporary:
        Image.fromarray(image).save(temporary, format="PNG", optimize=True)


class RayCaster:
    """A mesh ready to be looked at from anywhere.

    Parameters
    ----------
    vertices, triangles : shapes (n, 3) [mm] and (m, 3)
    colours : sRGB in [0, 1], shape (1, 3) for the whole or (n, 3)
    smooth : interpolate normals over edges flatter than 35°
    """

    def __init__(
        self,
        vertices: np.ndarray,
        triangles: np.ndarray,
        colours: np.ndarray,
        *,
        smooth: bool = True,
        device: str = "cpu",
    ) -> None:
        if not len(triangles):
            raise GeometryError("There is nothing to draw: the mesh has no triangles.")
        if len(colours) not in (1, len(vertices)):
            raise GeometryError(f"There are {len(colours)} colours for {len(vertices)} vertices.")
        initialise_warp()
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        self._centre, self._scale = (low + high) / 2.0, 2.0 / max(float((high - low).max()), 1e-30)
        local = ((vertices - self._centre) * self._scale).astype(np.float32)
        corners = np.ascontiguousarray(triangles, np.int32)
        normals = _vertex_normals(local, corners) if smooth else np.zeros_like(local)
        linear = _linear(np.asarray(colours, np.float32))
        self._device = device
        self._crease = float(np.cos(np.radians(CREASE))) if smooth else 2.0
        self._indices: Any = wp.array(corners.reshape(-1), dtype=wp.int32, device=device)
        self._normals: Any = wp.array(normals, dtype=wp.vec3, device=device)
        self._colours: Any = wp.array(linear, dtype=wp.vec3, device=device)
        points: Any = wp.array(local, dtype=wp.vec3, device=device)
        self._mesh = wp.Mesh(points=points, indices=self._indices, bvh_constructor="lbvh")

    def cast(
        self, size: tuple[int, int], view: Camera, *, occlusion_rays: int = 0, picked: np.ndarray | None = None
    ) -> RayImage:
        """One ray through the middle of each pixel, or of those `picked` by their index, shape (k,), row by row.

        size : width and height in pixels. The image of picked pixels has the shape (1, k).
        """
        width, height = size
        right, up, forward = view.axes()
        tangent = float(np.tan(np.radians(view.field_of_view) / 2.0))
        chosen = np.empty(0, np.int32) if picked is None else np.ascontiguousarray(picked, np.int32)
        count = width * height if picked is None else len(chosen)
        colours = wp.empty(count, dtype=wp.vec4, device=self._device)
        depths = wp.empty(count, dtype=wp.float32, device=self._device)
        wp.launch(
            cast,
            dim=count,
            inputs=[
                self._mesh.id,
                self._indices,
                self._normals,
                self._colours,
                self._crease,
                wp.vec3(*((np.asarray(view.position) - self._centre) * self._scale)),
                wp.vec3(*(right * tangent * width / height)),
                wp.vec3(*(up * tangent)),
                wp.vec3(*forward),
                width,
                height,
                occlusion_rays,
                wp.array(chosen, dtype=wp.int32, device=self._device),
            ],
            outputs=[colours, depths],
            device=self._device,
        )
        shape = (height, width) if picked is None else (1, count)
        return RayImage(colours.numpy().reshape(*shape, 4), depths.numpy().reshape(shape) / np.float32(self._scale))


def discs(points: Points, view: Camera, diameter: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Hexagons in place of points, across their normals or, without normals, facing the camera.

    diameter : [mm]; None for a little more than the spacing of points spread over their box
    """
    count = points.point_count
    if diameter is None:
        extent = np.sort(np.ptp(points.positions, axis=0))
        area = 2.0 * (extent[2] * extent[1] + extent[2] * extent[0] + extent[1] * extent[0])
        diameter = 1.7 * float(np.sqrt(max(area, (1e-3 * points.diagonal) ** 2) / count))
    facing = np.subtract(view.position, view.target)
    normal = np.broadcast_to(facing / np.linalg.norm(facing), (count, 3)) if points.normals is None else points.normals
    helper = np.where(np.abs(normal[:, :1]) < 0.6, np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, 1.0, 0.0]]))
    first = np.cross(normal, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(normal, first)
    angle = np.arange(6) * np.pi / 3.0
    ring = first[:, None] * np.cos(angle)[:, None] + second[:, None] * np.sin(angle)[:, None]
    vertices = (points.positions[:, None] + 0.5 * diameter * ring).reshape(-1, 3)
    fan = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 5]])
    return vertices, (np.arange(count)[:, None, None] * 6 + fan).reshape(-1, 3).astype(np.int32)


def _vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals, shape (n, 3), float32; zero where no triangle has an area."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    area = np.cross(b - a, c - a)
    sums = np.stack(
        [np.bincount(triangles.reshape(-1), np.repeat(area[:, axis], 3), len(vertices)) for axis in range(3)], axis=1
    )
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return (sums / np.where(length > 0, length, 1.0)).astype(np.float32)


def _linear(colour: np.ndarray) -> np.ndarray:
    """sRGB to linear light (IEC 61966-2-1)."""
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def _srgb(light: np.ndarray) -> np.ndarray:
    """Linear light to sRGB (IEC 61966-2-1)."""
    light = np.clip(light, 0.0, 1.0)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1.0 / 2.4) - 0.055)


def _develop(colours: np.ndarray, samples: int, background: Colour | None) -> np.ndarray:
    """Average the samples of each pixel and lay them over the background, uint8."""
    height, width = colours.shape[0] // samples, colours.shape[1] // samples
    mean = colours.reshape(height, samples, width, samples, 4).mean(axis=(1, 3), dtype=np.float32)
    coverage = mean[..., 3:]
    if background is None:
        light = mean[..., :3] / np.maximum(coverage, 1e-6)
        return np.rint(np.concatenate([_srgb(light), coverage], axis=2) * 255.0).astype(np.uint8)
    light = mean[..., :3] + (1.0 - coverage) * _linear(np.asarray(background, np.float32))
    return np.rint(_srgb(light) * 255.0).astype(np.uint8)
