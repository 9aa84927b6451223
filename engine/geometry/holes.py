"""Holes in a surface, filled with patches that go on with its curvature.

A hole is triangulated with the least area (Barequet and Sharir 1995), refined to the edge length of its border, and
made smooth: the thin-plate energy of patch and border is least (Liepa, *Filling holes in meshes*, 2003). Only a hole
with a flat border, as a cut leaves it, is closed flat.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.geometry.hole_patch import Patch, least_area, refine, smoothed
from engine.geometry.mesh import Mesh
from engine.geometry.repaired import Repaired, counted
from engine.geometry.topology import boundary_edges, half_edges

LARGEST = 128
"""Edges of the largest hole that is filled when nothing else is said."""
FLAT = 1e-3
"""A border is flat where it reaches less across its plane than this part of its width."""


def openings(mesh: Mesh, wider_than: float) -> int:
    """How many boundary loops have a box with a diagonal of more than `wider_than` [mm]; vertices are told apart as
    the triangles do."""
    widths = [np.linalg.norm(np.ptp(mesh.vertices[loop], axis=0)) for loop in holes(mesh, np.inf)]
    return int(np.sum(np.asarray(widths) > wider_than))


def fill_holes(mesh: Mesh, largest: float = LARGEST, *, widest: float = np.inf) -> Repaired:
    """Close boundary loops of at most `largest` edges, whose boxes have a diagonal of at most `widest` [mm].

    The patches agree with their triangles' winding. Values on them are unknown: the mesh loses its Fields.
    """
    loops = [loop for loop in holes(mesh, largest) if np.linalg.norm(np.ptp(mesh.vertices[loop], axis=0)) <= widest]
    if not loops:
        return Repaired(mesh, "There is no hole small enough to fill.")
    present = half_edges(mesh.triangles)
    rim = np.zeros(mesh.vertex_count, bool)
    rim[[vertex for loop in loops for vertex in loop]] = True
    near = rim[present.start] | rim[present.end]
    links = np.stack([present.start[near], present.end[near]], axis=1)
    edges = set(map(tuple, links[rim[links].all(axis=1)].tolist()))
    around = mesh.triangles[rim[mesh.triangles].any(axis=1)]
    vertices, triangles, count = [mesh.vertices], [mesh.triangles], mesh.vertex_count
    for loop in loops:
        patch = _patch(mesh, loop, edges, around)
        place = np.concatenate([np.asarray(loop), count + np.arange(len(patch.vertices) - len(loop))])
        vertices.append(patch.vertices[len(loop) :])
        triangles.append(place[patch.triangles])
        count += len(patch.vertices) - len(loop)
        # Another hole at the same vertices may not be cut along the same chord.
        edges.update((one, other) for a, b, c in triangles[-1].tolist() for one, other in ((a, b), (b, c), (c, a)))
    filled = replace(
        mesh, vertices=np.concatenate(vertices), triangles=np.concatenate(triangles), fields={}, inner=None, tets=None
    )
    found = counted(len(loops), "hole")
    return Repaired(filled, f"Filled {found}.", len(loops), found)


def holes(mesh: Mesh, largest: float = LARGEST) -> list[list[int]]:
    """Boundary loops of three to `largest` edges, as vertices against their triangles; a lone triangle has none."""
    loops = [loop for loop in _simple_loops(boundary_edges(mesh.triangles)) if 3 <= len(loop) <= largest]
    small = [vertex for loop in loops if len(loop) == 3 for vertex in loop]
    if not small:
        return loops
    among = np.isin(mesh.triangles, small).all(axis=1)
    present = set(map(tuple, np.sort(mesh.triangles[among], axis=1).tolist()))
    return [loop for loop in loops if len(loop) > 3 or tuple(sorted(loop)) not in present]


def _patch(mesh: Mesh, loop: list[int], edges: set[tuple[int, int]], around: np.ndarray) -> Patch:
    """The patch of one loop; its first vertices are the loop's.

    edges : between vertices of loops, as they are already
    around : triangles at vertices of loops
    """
    border = mesh.vertices[loop]
    centre = border.mean(axis=0)
    taken = np.zeros((len(loop), len(loop)), bool)
    for i, start in enumerate(loop):
        for j, end in enumerate(loop):
            taken[i, j] = (start, end) in edges or (end, start) in edges
    triangles = least_area(border - centre, taken)
    if len(loop) == 3 and triangles is not None:
        return Patch(border, triangles)
    if triangles is None:  # every way to cut it would double an edge of the mesh
        middle = np.concatenate([border, [centre]])
        ring = np.arange(len(loop))
        flat = Patch(middle - centre, np.stack([ring, np.roll(ring, -1), np.full(len(loop), len(loop))], axis=1))
    else:
        flat = Patch(border - centre, triangles)
    patch = refine(flat, taken)
    if _is_flat(border - centre):
        return Patch(patch.vertices + centre, patch.triangles)
    near = around[np.isin(around, loop).any(axis=1)]
    beyond = np.setdiff1d(near, loop)
    number = np.concatenate([np.asarray(loop), beyond])
    order = np.argsort(number)
    local = np.concatenate([np.arange(len(loop)), len(patch.vertices) + np.arange(len(beyond))])
    ring = local[order[np.searchsorted(number[order], near)]]
    whole = smoothed(
        np.concatenate([patch.vertices, mesh.vertices[beyond] - centre]),
        np.concatenate([patch.triangles, ring]),
        free=slice(len(loop), len(patch.vertices)),
        bent=slice(0, len(patch.vertices)),
    )
    return Patch(whole[: len(patch.vertices)] + centre, patch.triangles)


def _is_flat(border: np.ndarray) -> bool:
    """Whether a border (about zero) lies in a plane, as where something was cut off."""
    extent = np.linalg.svd(border, compute_uv=False)
    return bool(extent[2] <= FLAT * extent[1])


def _simple_loops(border: np.ndarray) -> list[list[int]]:
    """Loops of vertices along boundary edges, against their triangles so that a patch agrees with them. Loops that meet
    in a vertex come apart there."""
    following: dict[int, list[int]] = {}
    for start, end in border.tolist():
        following.setdefault(end, []).append(start)
    loops = []
    for origin in list(following):
        path, place = [origin], {origin: 0}
        while following.get(path[-1]):
            vertex = following[path[-1]].pop()
            if vertex in place:
                loop = path[place[vertex] :]
                loops.append(loop)
                del path[place[vertex] + 1 :]
                for gone in loop[1:]:
                    del place[gone]
            else:
                place[vertex] = len(path)
                path.append(vertex)
    return loops
