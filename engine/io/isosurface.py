"""The surface inside a Volume: around chosen labels of a segmented scan, or where a field has a value."""

from __future__ import annotations

from typing import Literal

import numpy as np

from engine.core.errors import GeometryError, QuestionError
from engine.geometry.contour import closed_contour
from engine.geometry.mesh import Mesh
from engine.geometry.volume import Volume

Sign = Literal["auto", "negative", "positive"]
Axes = Literal["auto", "xyz", "zyx"]


def isosurface(
    volume: Volume,
    *,
    field: str = "",
    labels: tuple[int, ...] | None = None,
    level: float | None = None,
    smoothing: float = 1.0,
    sign: Sign = "auto",
    axes: Axes = "auto",
) -> Mesh:
    """A closed surface of the volume, by marching cubes (VTK's flying edges).

    Parameters
    ----------
    field : which Field; the first where none is named
    labels : for a segmented field, the labels inside; None for all but 0
    level : for a scalar field, the value at the surface; None for zero where the field is a signed distance, else for
        halfway
    smoothing : standard deviation [grid steps] of the Gaussian that rounds the steps between labels
    sign : of a scalar field less its level, inside; "auto" looks at the border of the volume where the field is a
        signed distance, and takes larger values for the inside elsewhere
    axes : which axes the file has, where it does not say ("zyx": its first is z)

    Raises
    ------
    GeometryError : no such field or label, or no surface at this level
    QuestionError : sign or axes may be read in two ways
    """
    from scipy.ndimage import gaussian_filter

    volume = _with_axes(volume, field, axes)
    chosen = volume.field(field)
    grid = volume.grid(field)
    if labels is not None or (level is None and volume.is_segmented(chosen.name)):
        known = volume.labels(chosen.name)
        wanted = tuple(label for label in known if label) if labels is None else labels
        missing = [label for label in wanted if label not in known]
        if missing or not wanted:
            raise GeometryError(
                f"{volume.name}: field {chosen.name!r} has no label {', '.join(map(str, missing)) or 'but 0'}.",
                remedy=f"It has {', '.join(map(str, known))}.",
            )
        inside = np.pad(np.isin(grid, wanted).astype(np.float32), 3)
        values, threshold = gaussian_filter(inside, smoothing) if smoothing > 0 else inside, 0.5
    else:
        finite = grid[np.isfinite(grid)].astype(np.float64)
        if not finite.size:
            raise GeometryError(f"{volume.name}: field {chosen.name!r} holds no numbers.")
        threshold = _level(grid, volume, sign) if level is None else level
        if not finite.min() < threshold < finite.max():
            raise GeometryError(
                f"{volume.name}: field {chosen.name!r} does not reach {threshold:g}.",
                remedy=f"It lies between {finite.min():g} and {finite.max():g}.",
            )
        above = grid - threshold
        if sign == "auto":
            sign = _sign_inside(above, volume)
        if sign == "negative":
            above = -above
        outside = float(above[np.isfinite(above)].min())
        values = np.pad(np.where(np.isfinite(above), above, outside).astype(np.float64), 3, constant_values=outside)
        threshold = 0.0
    vertices, triangles = closed_contour(values, threshold)
    if not len(triangles):
        raise GeometryError(f"{volume.name}: there is no surface at this level.")
    positions = np.asarray(volume.origin) + (vertices - 3.0) * np.asarray(volume.spacing)
    return Mesh(
        positions, triangles, name=volume.name, unit=volume.unit, shift=volume.shift, unit_assumed=volume.unit_assumed
    )


def _with_axes(volume: Volume, field: str, axes: Axes) -> Volume:
    """The volume with x, y and z where they belong."""
    if not volume.axes_assumed or axes == "xyz":
        return volume
    if axes == "zyx":
        return volume.reversed_axes()
    grid = volume.grid(field)
    if grid.shape == grid.T.shape and np.array_equal(grid, grid.T):
        return volume
    raise QuestionError(
        "axes",
        f"{volume.name}: the file does not say which of its axes is x.",
        {"xyz": "its first axis is x, its last z", "zyx": "its first axis is z, its last x, as in stacks of pictures"},
    )


def _level(grid: np.ndarray, volume: Volume, sign: Sign) -> float:
    """Zero for a signed field, where the sign is said or the field is a distance; else halfway."""
    finite = grid[np.isfinite(grid)]
    signed = grid.dtype.kind == "f" and finite.min() < 0.0 < finite.max()
    if signed and (sign != "auto" or _is_distance(grid, volume)):
        return 0.0
    return float(finite.min()) / 2.0 + float(finite.max()) / 2.0


def _is_distance(above: np.ndarray, volume: Volume) -> bool:
    """Whether a field crosses zero and is as steep everywhere near it, as a signed distance is in whatever unit."""
    if above.dtype.kind != "f" or not np.isfinite(above).all() or not above.min() < 0.0 < above.max():
        return False
    steps = np.asarray(volume.spacing)
    steep = np.sqrt(sum(slope**2 for slope in np.gradient(above.astype(np.float64), *steps)))
    near = steep[np.abs(above) < 2.0 * steps.max() * np.median(steep)]
    if not near.size:
        return False
    low, middle, high = np.quantile(near, [0.1, 0.5, 0.9])
    return bool(high - low < 0.4 * middle)


def _sign_inside(above: np.ndarray, volume: Volume) -> Sign:
    """The sign inside, by what the border of the volume has outside; raises `QuestionError` in doubt."""
    border = np.concatenate([np.take(above, end, axis).reshape(-1) for axis in range(3) for end in (0, -1)])
    positive = border > 0.0
    if _is_distance(above, volume):
        if positive.all():
            return "negative"
        if not positive.any():
            return "positive"
    elif not positive.all():
        return "positive"
    raise QuestionError(
        "sign",
        f"{volume.name}: it is not clear on which side of the surface the inside is.",
        {"negative": "smaller values are inside, as of a signed distance", "positive": "larger values are inside"},
    )
