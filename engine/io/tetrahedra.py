"""From tetrahedra as they stand in a file to their outer surface and what is inside."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from engine.core.errors import FileError
from engine.geometry.fields import Field
from engine.geometry.tet_mesh import FACES, boundary_faces, tet_volumes
from engine.io.assemble import weld
from engine.io.format import Raw


def raw_tetrahedra(path: Path, positions: np.ndarray, tets: np.ndarray, fields: dict[str, Field]) -> Raw:
    """The surface of tetrahedra, with its vertices first, and the tetrahedra.

    positions : shape (n, 3), float64; tets : indices, shape (m, 4), m > 0
    fields : on positions ("vertex") and on tetrahedra ("face"); those of the surface remain

    Where the file has all of them the other way round, they are turned; a single inverted one is left as it is. Raises
    `FileError` for tetrahedra that refer to what is not there or no number, or name a vertex twice.
    """
    _require_sense(path, positions, tets)
    notes = [f"{len(tets):,} tetrahedra fill it; this is their outer surface."]
    tets, faces = _connected(positions, tets, notes)
    if tet_volumes(positions, tets).sum() < 0.0:
        tets = tets[:, [0, 2, 1, 3]]
        faces = boundary_faces(tets)
        notes.append("Its tetrahedra are numbered the other way round, and were turned.")
    triangles = tets[:, FACES].reshape(-1, 3)[faces]
    outer = np.unique(triangles)
    order = np.concatenate([outer, np.setdiff1d(tets, outer)])
    number = np.zeros(len(positions), np.int64)
    number[order] = np.arange(len(order))
    kept = {"vertex": outer, "face": faces // len(FACES)}
    return Raw(
        positions[outer],
        number[triangles],
        fields={
            name: dataclasses.replace(field, values=field.values[kept[field.domain]]) for name, field in fields.items()
        },
        notes=notes,
        inner=positions[order[len(outer) :]],
        tets=number[tets],
    )


def _require_sense(path: Path, positions: np.ndarray, tets: np.ndarray) -> None:
    if not (tets.min() >= 0 and tets.max() < len(positions)):
        raise FileError(path, "a tetrahedron refers to a point that does not exist.", remedy="Export it again.")
    sides = np.sort(tets, axis=1)
    twice = np.flatnonzero((sides[:, 1:] == sides[:, :-1]).any(axis=1))
    if len(twice):
        raise FileError(path, f"tetrahedron {twice[0]} names a vertex twice.", remedy="Make the mesh anew.")
    lost = np.flatnonzero(~np.isfinite(positions[tets]).all(axis=(1, 2)))
    if len(lost):
        raise FileError(
            path, f"tetrahedron {lost[0]} has a corner that is not a number.", remedy="Export it again."
        )  # fmt: skip


def _connected(positions: np.ndarray, tets: np.ndarray, notes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The tetrahedra, and their faces on the surface; coincident vertices are merged where that closes a gap."""
    faces = boundary_faces(tets)
    kept, inverse = weld(positions)
    if len(kept) == len(positions):
        return tets, faces
    merged = kept[inverse[tets]]
    sides = np.sort(merged, axis=1)
    if not (sides[:, 1:] == sides[:, :-1]).any() and len(closed := boundary_faces(merged)) < len(faces):
        notes.append(f"{len(positions) - len(kept):,} vertices doubled between tetrahedra were merged.")
        return merged, closed
    return tets, faces
