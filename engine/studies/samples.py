"""Inputs to try things on: scans made from the data that PyVista's wheel ships, and parts generated from formulas."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.core.errors import FormwrightError
from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.volume import Volume
from engine.io.isosurface import isosurface
from engine.io.registry import read
from engine.studies.sample_models import vase_scan

FROG_STEP = 3.0
"""Grid step [mm] at which the frog is wrapped."""
FROG_WRAP = 14.0
"""Gaps between bones and organs up to twice this [mm] are bridged."""


@dataclass(frozen=True)
class Sample:
    """One input of the gallery: `make` gives it, `view` is the direction from which it shows best."""

    name: str
    title: str
    description: str
    make: Callable[[], Mesh | Points]
    view: tuple[float, float, float] = (-1.0, -1.6, 1.0)


def noisy_scan(
    mesh: Mesh,
    *,
    noise: float = 0.005,
    outliers: float = 0.05,
    holes: int = 3,
    hole_radius: float = 0.07,
    points: int = 20_000,
    normals: bool = True,
    seed: int = 0,
) -> Points:
    """What a poor scanner would see of a mesh.

    Parameters
    ----------
    noise : standard deviation of every coordinate, in parts of the bounding box's diagonal
    outliers : share of the points that lie anywhere in a box one fifth larger
    holes : how many round patches are missing
    hole_radius : of each, in parts of the diagonal
    points : how many points there are, outliers included
    normals : whether they carry outward normals, off by about 8°
    """
    rng = np.random.default_rng(seed)
    corners = mesh.vertices[mesh.triangles]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.linalg.norm(area, axis=1)
    share = np.cumsum(size) / size.sum()

    def on_surface(count: int) -> tuple[np.ndarray, np.ndarray]:
        faces = np.minimum(np.searchsorted(share, rng.random(count)), len(share) - 1)
        a, b = np.sqrt(rng.random(count)), rng.random(count)
        weights = np.stack([1.0 - a, a * (1.0 - b), a * b], axis=1)
        return np.einsum("ij,ijk->ik", weights, corners[faces]), area[faces] / size[faces, None]

    stray = round(points * outliers)
    centres = on_surface(holes)[0]
    seen, directions = np.empty((0, 3)), np.empty((0, 3))
    while len(seen) < points - stray:
        batch, outward = on_surface(points)
        distance = np.linalg.norm(batch[:, None] - centres[None], axis=2)
        visible = (distance > hole_radius * mesh.diagonal).all(axis=1)
        seen, directions = np.concatenate([seen, batch[visible]]), np.concatenate([directions, outward[visible]])
    seen, directions = seen[: points - stray], directions[: points - stray]
    seen = seen + rng.normal(scale=noise * mesh.diagonal, size=seen.shape)
    low, high = mesh.bounds
    margin = 0.1 * (high - low)
    positions = np.concatenate([seen, rng.uniform(low - margin, high + margin, (stray, 3))])
    directions = np.concatenate(
        [directions + rng.normal(scale=0.1, size=directions.shape), rng.normal(size=(stray, 3))]
    )
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return Points(positions, directions if normals else None, name=f"{mesh.name} scan", unit=mesh.unit)


def demo_scan() -> Points:
    """The scan that `make demo` reconstructs."""
    return nut_scan()


def nut_scan(*, points: int = 20_000, seed: int = 0) -> Points:
    """A noisy, incomplete scan of a hexagon nut (PyVista's `nut.ply`)."""
    return noisy_scan(nut_mesh(), points=points, seed=seed)


def frog_scan(*, points: int = 40_000, seed: int = 0) -> Points:
    """A noisy, incomplete scan of a frog (PyVista's segmented `frog_tissues.vti`)."""
    return noisy_scan(frog_mesh(), noise=0.0025, hole_radius=0.05, points=points, seed=seed)


def nut_mesh() -> Mesh:
    """PyVista's `nut.ply`: an M-sized hexagon nut, 46 mm across, away from the origin."""
    found = read(pyvista_file("nut.ply"))
    assert isinstance(found, Mesh)
    return found


def frog_mesh() -> Mesh:
    """A frog's outer shape, back up.

    The file labels bones and organs but no skin, so all tissues together are wrapped: grown by `FROG_WRAP`, filled,
    and shrunk by as much. Takes about four seconds.
    """
    from scipy import ndimage

    volume = read(pyvista_file("frog_tissues.vti"))
    assert isinstance(volume, Volume)
    tissue = volume.field().values.reshape(volume.shape[::-1]) > 0
    steps = [max(1, round(FROG_STEP / length)) for length in volume.spacing[::-1]]
    tissue = np.pad(tissue, [(0, -size % step) for size, step in zip(tissue.shape, steps, strict=True)])
    blocks = [part for size, step in zip(tissue.shape, steps, strict=True) for part in (size // step, step)]
    coarse = np.pad(tissue.reshape(blocks).any(axis=(1, 3, 5)), round(FROG_WRAP / FROG_STEP) + 2)
    grown = ndimage.binary_fill_holes(ndimage.distance_transform_edt(~coarse) * FROG_STEP <= FROG_WRAP)
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(grown) * FROG_STEP - (FROG_WRAP - FROG_STEP), 1.0)
    parts, _ = ndimage.label(depth > 0.0)
    largest = int(np.bincount(parts.reshape(-1))[1:].argmax()) + 1
    depth = np.where((parts == largest) | (parts == 0), depth, -FROG_STEP)
    mesh = surface_of(depth, (0.0, 0.0, 0.0), FROG_STEP, "frog")
    turned = mesh.vertices * (1.0, -1.0, -1.0)
    return replace(mesh, vertices=turned - turned.min(axis=0))


def bracket_mesh(step: float = 0.8) -> Mesh:
    """A machined angle bracket with a bore, two mounting holes, a rib and fillets, 80 × 50 × 60 mm."""
    x, y, z = _grid((-44.0, -29.0, -4.0), (44.0, 29.0, 64.0), step)
    base = _box(x, y, z - 5.0, (40.0, 25.0, 5.0), 2.0)
    wall = _box(x, y - 19.0, z - 28.0, (24.0, 6.0, 28.0), 2.0)
    boss = _common(np.hypot(x, z - 40.0) - 18.0, np.abs(y - 17.0) - 10.0, 3.0)
    slope = ((z - 10.0) - 0.75 * (y + 17.0)) / 1.25
    rib = np.maximum.reduce([_common(np.abs(x) - 3.5, slope, 3.0), 1.0 - z, np.abs(y) - 17.0])
    solid = _blend(_blend(_blend(base, wall, 5.0), boss, 4.0), rib, 3.0)
    bore = np.maximum(np.hypot(x, z - 40.0) - 10.5, np.abs(y - 17.0) - 30.0)
    for side in (-1.0, 1.0):
        hole = np.hypot(x - side * 30.0, y + 10.0) - 5.0
        counterbore = np.maximum(np.hypot(x - side * 30.0, y + 10.0) - 7.5, 7.0 - z)
        bore = np.minimum(bore, np.minimum(hole, counterbore))
    solid = _common(solid, -bore, 2.0)
    return surface_of(-solid, (-44.0, -29.0, -4.0), step, "bracket")


def knot_mesh(step: float = 1.0) -> Mesh:
    """A smooth trefoil knot whose thickness swells and thins along the way, about 100 mm across."""
    from scipy.spatial import cKDTree

    turn = np.linspace(0.0, 2.0 * np.pi, 3000, endpoint=False)
    ring = 30.0 + 13.0 * np.cos(3.0 * turn)
    curve = np.stack([ring * np.cos(2.0 * turn), ring * np.sin(2.0 * turn), 17.0 * np.sin(3.0 * turn)], axis=1)
    thickness = 7.2 + 1.8 * np.cos(5.0 * turn)
    low, high = curve.min(axis=0) - 12.0, curve.max(axis=0) + 12.0
    x, y, z = _grid(tuple(low), tuple(high), step)
    distance, nearest = cKDTree(curve).query(np.stack([x, y, z], axis=-1).reshape(-1, 3))
    field = (thickness[nearest] - distance).reshape(x.shape)
    return surface_of(field, (float(low[0]), float(low[1]), float(low[2])), step, "knot")


def shirt_mesh(step: float = 8.0) -> Mesh:
    """A shirt with short sleeves, 560 mm wide: a sheet without thickness, open at the neck, the hem and both cuffs."""
    x, y, z = _grid((-340.0, -150.0, -60.0), (340.0, 150.0, 720.0), step)
    width = 185.0 + 25.0 * np.exp(-(((z - 560.0) / 120.0) ** 2)) + 12.0 * np.sin(z / 90.0)
    depth = 95.0 + 10.0 * np.cos(6.0 * np.arctan2(y, x)) * np.clip(1.0 - z / 350.0, 0.0, 1.0)  # folds towards the hem
    torso = (np.hypot(x / width, y / depth) - 1.0) * depth
    torso = _common(torso, z - 620.0, 60.0)
    below = np.abs(x) * 0.42 + (z - 555.0) * 0.91 - 75.0  # across the sleeve, which hangs down a little
    sleeve = np.maximum(np.hypot(y, below) - 66.0, 60.0 - np.abs(x))
    neck = np.maximum(np.sqrt((x / 1.15) ** 2 + (y - 5.0) ** 2) - 72.0, 540.0 - z)
    cloth = surface_of(-_blend(_blend(torso, sleeve, 60.0), neck, 50.0), (-340.0, -150.0, -60.0), step, "shirt")
    x, y, z = cloth.vertices.T
    openings = [z, 655.0 + 0.25 * y - z, 280.0 - np.abs(x)]
    return kept_part(cloth, np.minimum.reduce(openings))


def block_mesh(step: float = 2.0) -> Mesh:
    """A blunt body with rounded edges, 100 × 44 × 40 mm, as a transporter is."""
    x, y, z = _grid((-54.0, -26.0, -24.0), (54.0, 26.0, 24.0), step)
    return surface_of(-_box(x, y, z, (50.0, 22.0, 20.0), 7.0), (-54.0, -26.0, -24.0), step, "block")


def kept_part(mesh: Mesh, level: np.ndarray) -> Mesh:
    """The part of a mesh where `level` (vertex_count,), linear on its triangles, is not negative; cut clean."""
    import torch

    from engine.surfaces.cutting import cut_connectivity

    cut = cut_connectivity(torch.from_numpy(level), torch.from_numpy(mesh.triangles), mesh.vertex_count)
    one, other = cut.edges.numpy().T
    share = (level[one] / (level[one] - level[other]))[:, None]
    added = mesh.vertices[one] + share * (mesh.vertices[other] - mesh.vertices[one])
    vertices = cut.place(torch.from_numpy(mesh.vertices[cut.kept.numpy()]), torch.from_numpy(added)).numpy()
    return replace(mesh, vertices=vertices, triangles=cut.triangles.numpy(), fields={})


GALLERY: tuple[Sample, ...] = (
    Sample("nut", "Hexagon nut", "A noisy scan of a machined part, with holes in it", nut_scan),
    Sample("frog", "Frog", "A noisy scan of an animal, from a segmented volume", frog_scan, (0.9, -1.4, 1.9)),
    Sample("bracket", "Bracket", "A machined part with bores and fillets", bracket_mesh, (-1.0, -1.5, 1.1)),
    Sample("knot", "Knot", "A smooth closed tube in a trefoil knot", knot_mesh, (-0.5, -1.2, 1.6)),
    Sample("shirt", "Shirt", "A sheet without thickness, open at neck, hem and cuffs", shirt_mesh, (-0.6, -1.6, 0.5)),
    Sample("block", "Block", "A blunt body with rounded edges", block_mesh, (-1.0, -1.4, 0.8)),
    Sample("vase", "Vase", "One side of a vase, scanned: the rest is to be guessed", vase_scan, (1.0, -0.6, 0.5)),
)


def sample_named(name: str) -> Sample:
    """The input called `name`; raises `FormwrightError`."""
    for sample in GALLERY:
        if sample.name == name:
            return sample
    known = ", ".join(item.name for item in GALLERY)
    raise FormwrightError(f"There is no sample {name!r}.", remedy=f"There are {known}.")


def pyvista_file(name: str) -> Path:
    """A data file that PyVista's wheel ships, found without importing PyVista."""
    found = importlib.util.find_spec("pyvista")
    folder = Path(found.origin).parent / "examples" if found is not None and found.origin else None
    if folder is None or not (folder / name).is_file():
        raise FormwrightError(
            f"The demo data {name} are missing.", remedy="Install PyVista again: pip install --force-reinstall pyvista."
        )
    return folder / name


def surface_of(values: np.ndarray, origin: tuple[float, float, float], step: float, name: str) -> Mesh:
    """The surface where `values`, shape (nz, ny, nx), pass through zero, positive inside."""
    depth, height, width = values.shape
    field = Field("inside", values.reshape(-1), "node")
    grid = Volume((width, height, depth), origin, (step, step, step), {"inside": field}, name=name)
    return isosurface(grid, level=0.0)


def _grid(low: tuple[float, ...], high: tuple[float, ...], step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y, z = (np.arange(start, end + step, step) for start, end in zip(low, high, strict=True))
    z, y, x = np.meshgrid(z, y, x, indexing="ij")
    return x, y, z


def _box(x: np.ndarray, y: np.ndarray, z: np.ndarray, half: tuple[float, float, float], radius: float) -> np.ndarray:
    """Signed distance of a box with rounded edges."""
    reach = [np.abs(axis) - (side - radius) for axis, side in zip((x, y, z), half, strict=True)]
    outside = np.sqrt(sum(np.maximum(axis, 0.0) ** 2 for axis in reach))
    return np.asarray(outside + np.minimum(np.maximum.reduce(reach), 0.0) - radius)


def _common(one: np.ndarray, other: np.ndarray, radius: float) -> np.ndarray:
    """Intersection of two signed distances with a rounded edge."""
    return -_blend(-one, -other, radius)


def _blend(one: np.ndarray, other: np.ndarray, radius: float) -> np.ndarray:
    """Union of two signed distances with a fillet (polynomial smooth minimum)."""
    mix = np.maximum(radius - np.abs(one - other), 0.0) / radius
    return np.minimum(one, other) - mix**2 * radius / 4.0
