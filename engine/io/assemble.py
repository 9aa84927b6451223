"""From what stands in a file to a Geometry: checks, repairs that were asked for, units, topology."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from engine.core.errors import FileError
from engine.core.units import MILLIMETRES_PER
from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.volume import Volume
from engine.io.format import Raw
from engine.io.shift import NO_SHIFT, Neighbour, Shift, Vector, choose_shift, describe_shift, is_far

FARTHEST = 1e12
"""Coordinates beyond this many millimetres (a million kilometres) are taken for damage."""

REPAIRS = ("drop-non-finite", "drop-invalid-triangles")
"""What `read(..., repairs=)` understands: leave out vertices and points that are no numbers, with their triangles;
leave out triangles that refer to vertices which do not exist."""


@dataclasses.dataclass(frozen=True)
class Place:
    """How lengths of a file become those of the world.

    unit : of the lengths in the file
    assumed : nobody said the unit
    shift : what to take away, and `beside` what is open already (see `engine.io.shift`)
    """

    unit: str = "mm"
    assumed: bool = False
    shift: Shift = "auto"
    beside: tuple[Neighbour, ...] = ()

    @property
    def millimetres(self) -> float:
        return MILLIMETRES_PER[self.unit]


def assemble(path: Path, raw: Raw, place: Place, *, repairs: tuple[str, ...] = ()) -> Mesh | Points:
    """The checked Geometry in millimetres; raises `FileError`, with the repairs that would help."""
    if raw.triangles is not None and not len(raw.triangles):
        raw.triangles = None
        if raw.soup or not len(raw.positions):
            raise FileError(path, "it holds no triangles.", remedy="Export the part again, as a mesh.")
    if not len(raw.positions):
        raise FileError(path, "it holds no points.", remedy="Export it again.")
    if raw.triangles is not None:
        _check_indices(path, raw, repairs)
    _check_finite(path, raw, repairs)
    if not len(raw.positions) or (raw.triangles is not None and not len(raw.triangles)):
        raise FileError(path, "nothing is left of it after the repair.", remedy="Export it again.")
    blocks = [block for block in (raw.positions, raw.inner) if block is not None and len(block)]
    if max(np.abs(block).max() for block in blocks) * place.millimetres > FARTHEST:
        raise FileError(
            path, f"it has coordinates beyond {FARTHEST:.0e} mm.", remedy="Check its unit, or export it again."
        )
    if raw.triangles is None:
        return _points(path, raw, place)
    return _mesh(path, raw, place)


def placed_volume(path: Path, volume: Volume, place: Place) -> Volume:
    """The Volume, read in lengths of the file, in millimetres."""
    notes: list[str] = []
    shift = _shift(volume.bounds, place, notes)
    factor = place.millimetres
    x, y, z = (np.asarray(volume.origin) * factor - shift).tolist()
    spacing = (volume.spacing[0] * factor, volume.spacing[1] * factor, volume.spacing[2] * factor)
    return dataclasses.replace(
        volume, origin=(x, y, z), spacing=spacing, name=path.stem, unit=place.unit, notes=tuple(notes), shift=shift,
        unit_assumed=place.assumed,
    )  # fmt: skip


def weld(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Merge equal positions.

    Returns
    -------
    kept : index of the first of each group, in order of appearance, shape (unique_count,)
    inverse : which of the kept ones each position became, shape (n,)
    """
    bits = np.ascontiguousarray(positions + 0.0).view(np.uint64).reshape(-1, 3)
    key = bits[:, 0] * np.uint64(0x9E3779B97F4A7C15)
    key ^= bits[:, 1] * np.uint64(0xC2B2AE3D27D4EB4F)
    key ^= bits[:, 2] * np.uint64(0x165667B19E3779F9)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    if not (bits[first[inverse]] == bits).all():
        _, first, inverse = np.unique(bits, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse.reshape(-1)]


def edge_uses(triangles: np.ndarray) -> np.ndarray:
    """How many triangles each edge has, one entry an edge."""
    corners = np.asarray(triangles, np.int64)
    edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    edges.sort(axis=1)
    return np.unique(edges[:, 0] * (int(corners.max()) + 1) + edges[:, 1], return_counts=True)[1]


def _check_indices(path: Path, raw: Raw, repairs: tuple[str, ...]) -> None:
    assert raw.triangles is not None
    in_range = np.logical_and(raw.triangles >= 0, raw.triangles < len(raw.positions))
    valid = np.asarray(in_range.all(axis=1))
    if valid.all():
        return
    count = int((~valid).sum())
    if "drop-invalid-triangles" not in repairs:
        raise FileError(
            path,
            f"{count} of its triangles refer to vertices that do not exist.",
            remedy="The file is damaged; export it again, or open it without these triangles.",
            repairs=("drop-invalid-triangles",),
        )
    _keep_triangles(raw, valid)
    raw.notes.append(f"{count} triangles that refer to missing vertices were left out.")


def _check_finite(path: Path, raw: Raw, repairs: tuple[str, ...]) -> None:
    finite = np.isfinite(raw.positions).all(axis=1)
    if finite.all():
        return
    what = "points" if raw.triangles is None else "vertices"
    count = int((~finite).sum())
    if count == len(finite):
        raise FileError(path, f"none of its {what} is a number.", remedy="Export it again.")
    if "drop-non-finite" not in repairs:
        raise FileError(
            path,
            f"{count} of its {len(finite)} {what} are not a number.",
            remedy=f"Export it again, or open it without these {what}.",
            repairs=("drop-non-finite",),
        )
    if raw.triangles is not None:
        _keep_triangles(raw, finite[raw.triangles].all(axis=1))
    _keep_vertices(raw, finite)
    raw.notes.append(f"{count} {what} that are not a number were left out.")


def _keep_triangles(raw: Raw, keep: np.ndarray) -> None:
    assert raw.triangles is not None
    raw.triangles = raw.triangles[keep]
    raw.fields = {
        name: dataclasses.replace(field, values=field.values[keep]) if field.domain == "face" else field
        for name, field in raw.fields.items()
    }


def _keep_vertices(raw: Raw, keep: np.ndarray) -> None:
    if raw.triangles is not None:
        raw.triangles = (np.cumsum(keep) - 1)[raw.triangles]
    _take_vertices(raw, np.flatnonzero(keep))


def _take_vertices(raw: Raw, indices: np.ndarray) -> None:
    raw.positions = raw.positions[indices]
    raw.normals = None if raw.normals is None else raw.normals[indices]
    raw.fields = {
        name: field if field.domain == "face" else dataclasses.replace(field, values=field.values[indices])
        for name, field in raw.fields.items()
    }


def _points(path: Path, raw: Raw, place: Place) -> Points:
    normals = raw.normals
    if normals is not None:
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        if np.isfinite(length).all() and (length > 0).all():
            normals /= length
        else:
            normals = None
            raw.notes.append("Some normals are zero or no numbers, so none are used; they will be estimated.")
    fields = {name: _on_points(field) for name, field in raw.fields.items()}
    positions, shift = _world(raw, place)
    return Points(
        positions, normals, fields, path.stem, place.unit, tuple(raw.notes), shift=shift, unit_assumed=place.assumed
    )


def _on_points(field: Field) -> Field:
    return dataclasses.replace(field, domain="point")


def _mesh(path: Path, raw: Raw, place: Place) -> Mesh:
    if raw.tets is None:
        _tidy(path, raw)
    assert raw.triangles is not None
    _note_topology(raw)
    vertices, shift = _world(raw, place)
    inner = None if raw.inner is None else (raw.inner - np.asarray(shift) / place.millimetres) * place.millimetres
    return Mesh(
        vertices, raw.triangles, raw.fields, path.stem, place.unit, tuple(raw.notes), shift=shift,
        unit_assumed=place.assumed, inner=inner, tets=raw.tets,
    )  # fmt: skip


def _tidy(path: Path, raw: Raw) -> None:
    """Merge seams, and leave out triangles without an area and vertices of none."""
    _merge_seams(raw)
    triangles = raw.triangles
    assert triangles is not None
    degenerate: np.ndarray = (triangles - np.roll(triangles, 1, axis=1) == 0).any(axis=1)
    if degenerate.all():
        raise FileError(path, "all its triangles are collapsed to a line or a point.", remedy="Export it again.")
    if degenerate.any():
        _keep_triangles(raw, ~degenerate)
        raw.notes.append(f"{int(degenerate.sum())} triangles with two equal corners were left out.")
    used = np.zeros(len(raw.positions), bool)
    used[raw.triangles] = True
    if not used.all():
        raw.notes.append(f"{int((~used).sum())} vertices that no triangle uses were left out.")
        _keep_vertices(raw, used)


def _world(raw: Raw, place: Place) -> tuple[np.ndarray, Vector]:
    """Positions in the world [mm], and their shift [mm]. They take the place of those that were read."""
    shift = _shift(np.stack([raw.positions.min(axis=0), raw.positions.max(axis=0)]), place, raw.notes)
    positions = raw.positions if raw.positions.flags.writeable else raw.positions.copy()
    # The difference of two numbers of like size is exact, and writing adds the same number again.
    positions -= np.asarray(shift) / place.millimetres
    positions *= place.millimetres
    return positions, shift


def _shift(bounds: np.ndarray, place: Place, notes: list[str]) -> Vector:
    """The shift [mm] of what lies in a box, given in the file's unit; says so where there is one."""
    box = bounds * place.millimetres
    shift = choose_shift(box, millimetres=place.millimetres, asked=place.shift, beside=place.beside)
    if shift != NO_SHIFT:
        notes.append(
            f"Its coordinates lie far from the origin: {describe_shift(shift, place.unit, place.millimetres)} were "
            "taken away here, and exports give them back."
        )
    elif is_far(box):
        notes.append("It lies far from the origin compared with its size.")
    return shift


def _merge_seams(raw: Raw) -> None:
    """Merge coincident vertices: always for triangles written one by one, else where it closes a seam.

    Vertices that coincide without a seam between them (two solids that touch) stay apart.
    """
    assert raw.triangles is not None
    kept, inverse = weld(raw.positions)
    if len(kept) == len(raw.positions):
        return
    merged = inverse[raw.triangles]
    if not raw.soup:
        before, after = edge_uses(raw.triangles), edge_uses(merged)
        if (after == 1).sum() >= (before == 1).sum() or (after > 2).sum() > (before > 2).sum():
            return
        raw.notes.append(f"{len(raw.positions) - len(kept)} vertices doubled along seams were merged.")
    else:
        raw.notes.append(f"{len(raw.positions):,} corners of single triangles were merged into {len(kept):,} vertices.")
    raw.triangles = merged
    _take_vertices(raw, kept)


def _note_topology(raw: Raw) -> None:
    assert raw.triangles is not None
    uses = edge_uses(raw.triangles)
    if (uses > 2).any():
        raw.notes.append(f"The surface is not manifold: {int((uses > 2).sum())} edges have more than two triangles.")
    if (uses == 1).any():
        raw.notes.append(f"The surface is open: {int((uses == 1).sum())} edges have only one triangle.")
