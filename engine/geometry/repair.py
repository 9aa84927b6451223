"""Named repairs of meshes, which error messages can offer. Each returns a new Mesh and says what it did. Plain numpy.

What a repair leaves of vertices and triangles keeps its Fields.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.core.errors import ParameterError
from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh
from engine.geometry.quality import cone_volumes, triangle_areas
from engine.geometry.spanning import carry_signs, part_roots, spanning_forest
from engine.geometry.topology import boundary_edges, half_edges, measure_topology, part_labels


@dataclass(frozen=True)
class Repaired:
    """A repaired mesh, and in words what was done; `changed` is False where nothing had to be."""

    mesh: Mesh
    done: str
    changed: bool


def apply_repair(name: str, mesh: Mesh) -> Repaired:
    """The repair called `name` (a key of `REPAIRS`) on `mesh`; raises `ParameterError` for an unknown name."""
    if name not in REPAIRS:
        raise ParameterError(
            "repair", f"there is no repair called {name!r}.", remedy=f"There are {', '.join(REPAIRS)}."
        )
    return REPAIRS[name](mesh)


def suggest_repairs(mesh: Mesh) -> tuple[str, ...]:
    """Names of the repairs that would change `mesh`, in the order in which they are best applied."""
    suggested = []
    for name, repair in REPAIRS.items():
        repaired = repair(mesh)
        if repaired.changed:
            suggested.append(name)
            mesh = repaired.mesh
    return tuple(suggested)


def finite_mesh(vertices: np.ndarray, triangles: np.ndarray, *, name: str = "mesh", unit: str = "mm") -> Repaired:
    """A Mesh of arrays that may hold NaN or infinity, without such vertices and their triangles.

    It takes arrays, for a Mesh cannot hold what is not finite.
    """
    positions = np.asarray(vertices, np.float64).reshape(-1, 3)
    faces = np.asarray(triangles, np.int32).reshape(-1, 3)
    finite = np.isfinite(positions).reshape(-1, 3).sum(axis=1) == 3
    whole = np.where(finite[:, None], positions, 0.0)
    mesh = _keep(Mesh(whole, faces, name=name, unit=unit), finite[faces].all(axis=1), finite)
    lost = int((~finite).sum())
    return Repaired(mesh, f"Dropped {_count(lost, 'vertex')} that are not numbers.", lost > 0)


def weld_vertices(mesh: Mesh, tolerance: float = 0.0) -> Repaired:
    """Merge vertices at the same place, or within a cell of `tolerance` [mm]; the first one's Fields stay."""
    if not mesh.vertex_count:
        return Repaired(mesh, "There are no vertices to weld.", False)
    place = mesh.vertices + 0.0 if tolerance <= 0.0 else np.round((mesh.vertices - mesh.bounds[0]) / tolerance)
    _, first, inverse = np.unique(place, axis=0, return_index=True, return_inverse=True)
    if len(first) == mesh.vertex_count:
        return Repaired(mesh, "No two vertices coincide.", False)
    # In the order of the first vertex at each place, so that an untouched mesh keeps its numbering.
    rank = np.argsort(np.argsort(first))
    kept = np.sort(first)
    triangles = rank[inverse.reshape(-1)][mesh.triangles]
    welded = replace(
        mesh, vertices=mesh.vertices[kept], triangles=triangles, fields=_fields(mesh, vertices=kept, faces=None)
    )
    return Repaired(welded, f"Welded {_count(mesh.vertex_count - len(kept), 'duplicate vertex')}.", True)


def drop_degenerate_triangles(mesh: Mesh) -> Repaired:
    """Drop triangles that name a vertex twice or have no area, and repeated ones."""
    a, b, c = mesh.triangles.T
    longest = np.zeros(mesh.triangle_count)
    for p, q in ((a, b), (b, c), (c, a)):
        longest = np.maximum(longest, np.linalg.norm(mesh.vertices[p] - mesh.vertices[q], axis=1))
    sound = (a != b) & (b != c) & (c != a)
    sound &= triangle_areas(mesh.vertices, mesh.triangles) > 1e-14 * longest**2
    _, first = np.unique(np.sort(mesh.triangles, axis=1), axis=0, return_index=True)
    single = np.zeros(mesh.triangle_count, bool)
    single[first] = True
    return _dropped(mesh, sound & single, "triangle", "without area or given twice")


def drop_unreferenced_vertices(mesh: Mesh) -> Repaired:
    """Drop vertices that no triangle refers to."""
    used = np.zeros(mesh.vertex_count, bool)
    used[mesh.triangles] = True
    lost = int((~used).sum())
    if not lost:
        return Repaired(mesh, "Every vertex is used.", False)
    kept = _keep(mesh, np.ones(mesh.triangle_count, bool), used)
    return Repaired(kept, f"Dropped {_count(lost, 'vertex')} that no triangle uses.", True)


def orient_consistently(mesh: Mesh) -> Repaired:
    """Turn triangles so that neighbours agree, and closed parts so that they face out.

    Signs spread over edges with two triangles. A surface with one side, like a Möbius strip, keeps a seam.
    """
    if not mesh.triangle_count:
        return Repaired(mesh, "There are no triangles to orient.", False)
    edges = half_edges(mesh.triangles)
    double = edges.first[edges.count == 2]
    one, other = edges.order[double], edges.order[double + 1]
    same = (edges.start[one] < edges.end[one]) == (edges.start[other] < edges.end[other])
    one, other = one // 3, other // 3
    roots, labels = part_roots(one, other, mesh.triangle_count)
    parents = spanning_forest(one, other, roots, mesh.triangle_count)
    flip = carry_signs(parents, _differs_from_parent(parents, one, other, same))

    seams = one[same ^ flip[one] ^ flip[other]]
    single = edges.order[np.repeat(edges.count != 2, edges.count)] // 3
    closed = np.ones(len(roots), bool)
    closed[labels[seams]] = False
    closed[labels[single]] = False
    volumes = cone_volumes(mesh.vertices, mesh.triangles) * np.where(flip, -1.0, 1.0)
    inward = np.bincount(labels, weights=volumes) < 0.0
    # An open part has no outside: most of its triangles stay as they were.
    mostly = np.bincount(labels, weights=flip) > 0.5 * np.bincount(labels)
    flip ^= np.where(closed, inward, mostly)[labels]
    triangles = np.where(flip[:, None], mesh.triangles[:, ::-1], mesh.triangles)
    turned = int(flip.sum())
    if not turned:
        return Repaired(mesh, "The triangles agree already.", False)
    return Repaired(replace(mesh, triangles=triangles), f"Turned {_count(turned, 'triangle')}.", True)


def facing_out(mesh: Mesh) -> Mesh:
    """The mesh turned where it is inside out as a whole, and oriented first where its triangles disagree.

    The shell of a cavity, which faces into it, stays as it is in a mesh that agrees.
    """
    if not measure_topology(mesh.triangles).consistent_winding:
        mesh = orient_consistently(mesh).mesh
    if cone_volumes(mesh.vertices, mesh.triangles).sum() >= 0.0:
        return mesh
    return replace(mesh, triangles=np.ascontiguousarray(mesh.triangles[:, ::-1]))


def fill_holes(mesh: Mesh, largest: int = 64) -> Repaired:
    """Close boundary loops of at most `largest` edges with a fan about their middle (a triangle for three edges)."""
    patches: list[list[int]] = []
    centres: list[np.ndarray] = []
    closed = 0
    for loop in _simple_loops(boundary_edges(mesh.triangles)):
        if not 3 <= len(loop) <= largest:
            continue
        closed += 1
        if len(loop) == 3:
            patches.append(loop)
            continue
        middle = mesh.vertex_count + len(centres)
        centres.append(mesh.vertices[loop].mean(axis=0))
        patches.extend([p, q, middle] for p, q in zip(loop, [*loop[1:], loop[0]], strict=True))
    if not closed:
        return Repaired(mesh, "There is no hole small enough to fill.", False)
    vertices = np.concatenate([mesh.vertices, np.reshape(centres, (-1, 3))])
    triangles = np.concatenate([mesh.triangles, np.array(patches, np.int32)])
    # Values on the patch are unknown; Fields of the old elements no longer fit.
    filled = replace(mesh, vertices=vertices, triangles=triangles, fields={})
    return Repaired(filled, f"Filled {_count(closed, 'hole')}.", True)


def remove_specks(mesh: Mesh, smallest: float = 0.01) -> Repaired:
    """Drop parts whose area is less than the fraction `smallest` of the largest part's."""
    if not mesh.triangle_count:
        return Repaired(mesh, "There are no parts.", False)
    labels = part_labels(mesh.triangles)
    areas = np.bincount(labels, weights=triangle_areas(mesh.vertices, mesh.triangles))
    kept = (areas >= smallest * areas.max())[labels]
    lost = int((areas < smallest * areas.max()).sum())
    if not lost:
        return Repaired(mesh, "There are no specks.", False)
    faces = _keep(mesh, kept, np.ones(mesh.vertex_count, bool))
    return Repaired(drop_unreferenced_vertices(faces).mesh, f"Removed {_count(lost, 'speck')}.", True)


def _drop_non_finite(mesh: Mesh) -> Repaired:
    """A Mesh is finite by construction: only what a loader reads can need `finite_mesh`."""
    return Repaired(mesh, "Every vertex is a number.", False)


REPAIRS: dict[str, Callable[[Mesh], Repaired]] = {
    "drop-non-finite": _drop_non_finite,
    "weld": weld_vertices,
    "drop-degenerate": drop_degenerate_triangles,
    "drop-unreferenced": drop_unreferenced_vertices,
    "remove-specks": remove_specks,
    "orient": orient_consistently,
    "fill-holes": fill_holes,
}
"""Every repair by the name that errors offer, in the order in which they are best applied."""


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


def _differs_from_parent(parents: np.ndarray, one: np.ndarray, other: np.ndarray, same: np.ndarray) -> np.ndarray:
    """Whether each triangle runs through an edge in the same direction as its parent, which it should not."""
    count = len(parents)
    pairs = np.minimum(one, other).astype(np.int64) * count + np.maximum(one, other)
    order = np.argsort(pairs)
    nodes = np.arange(count)
    wanted = np.minimum(nodes, parents) * count + np.maximum(nodes, parents)
    differs = np.zeros(count, bool)
    children = nodes != parents
    differs[children] = same[order[np.searchsorted(pairs[order], wanted[children])]]
    return differs


def _dropped(mesh: Mesh, kept: np.ndarray, noun: str, why: str) -> Repaired:
    lost = int((~kept).sum())
    if not lost:
        return Repaired(mesh, f"There is no {noun} {why}.", False)
    return Repaired(_keep(mesh, kept, np.ones(mesh.vertex_count, bool)), f"Dropped {_count(lost, noun)} {why}.", True)


def _keep(mesh: Mesh, faces: np.ndarray, vertices: np.ndarray) -> Mesh:
    """The mesh of the marked faces and vertices."""
    renumbered = np.cumsum(vertices) - 1
    return replace(
        mesh,
        vertices=mesh.vertices[vertices],
        triangles=renumbered[mesh.triangles[faces]],
        fields=_fields(mesh, vertices=vertices, faces=faces),
    )


def _fields(mesh: Mesh, vertices: np.ndarray, faces: np.ndarray | None) -> dict[str, Field]:
    kept = {"vertex": vertices, "face": faces}
    return {
        name: field if kept.get(field.domain) is None else replace(field, values=field.values[kept[field.domain]])
        for name, field in mesh.fields.items()
    }


def _count(number: int, noun: str) -> str:
    plural = noun[:-2] + "ices" if noun.endswith("vertex") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"
