"""The surface inside a Volume: around chosen labels of a segmented scan, or where a field has a value."""

from __future__ import annotations

import numpy as np

from engine.core.errors import GeometryError
from engine.geometry.contour import closed_contour
from engine.geometry.mesh import Mesh
from engine.geometry.volume import Volume


def isosurface(
    volume: Volume,
    *,
    field: str = "",
    labels: tuple[int, ...] | None = None,
    level: float | None = None,
    smoothing: float = 1.0,
) -> Mesh:
    """A closed surface of the volume, by marching cubes (VTK's flying edges).

    Parameters
    ----------
    field : which Field; the first where none is named
    labels : for a segmented field, the labels inside; None for all but 0
    level : for a scalar field, the value at the surface, larger values inside; None for halfway
    smoothing : standard deviation [grid steps] of the Gaussian that rounds the steps between labels

    Raises
    ------
    GeometryError : no such field or label, or no surface at this level
    """
    from scipy.ndimage import gaussian_filter

    chosen = volume.field(field)
    if chosen.values.ndim != 1:
        raise GeometryError(f"{volume.name}: field {chosen.name!r} has several components; a surface needs one value.")
    grid = chosen.values.reshape(volume.shape[::-1])
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
        threshold = float(finite.min() + finite.max()) / 2.0 if level is None else level
        if not finite.min() < threshold < finite.max():
            raise GeometryError(
                f"{volume.name}: field {chosen.name!r} does not reach {threshold:g}.",
                remedy=f"It lies between {finite.min():g} and {finite.max():g}.",
            )
        filled = np.where(np.isfinite(grid), grid, finite.min()).astype(np.float64)
        values = np.pad(filled, 3, constant_values=float(finite.min()))
    vertices, triangles = closed_contour(values.transpose(), threshold)
    if not len(triangles):
        raise GeometryError(f"{volume.name}: there is no surface at this level.")
    positions = np.asarray(volume.origin) + (vertices - 3.0) * np.asarray(volume.spacing)
    return Mesh(
        positions, triangles, name=volume.name, unit=volume.unit, shift=volume.shift, unit_assumed=volume.unit_assumed
    )
