"""Non-manifold edges and vertices taken apart, so that every part is a surface of its own. Plain numpy.

Guéziec, Taubin, Lazarus, Horn, *Cutting and stitching: converting sets of polygons to manifold surfaces*, 2001: the
corners of a vertex that do not meet across edges become vertices of their own. Around an edge with more than two
triangles, those that bound the same wedge of material stay together.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.geometry.mesh import Mesh
from engine.geometry.quality import cone_volumes
from engine.geometry.repaired import Repaired, counted, kept_fields
from engine.geometry.topology import HalfEdges, corner_fans, half_edges, measure_topology


def split_nonmanifold(mesh: Mesh) -> Repaired:
    """Take apart edges with more than two triangles, and vertices at which surfaces only touch.

    Vertices are doubled where they are, with their Fields. Where an edge has four triangles and its ends cannot be
    taken apart, one pair gets a new vertex in the edge's middle. Triangles that name a vertex twice must be gone.
    """
    topology = measure_topology(mesh.triangles)
    edges, vertices = topology.nonmanifold_edges, topology.nonmanifold_vertices
    if not edges + vertices:
        return Repaired(mesh, "Every edge and vertex is manifold.")
    split = _with_own_vertices(mesh)
    while len(crowded := _crowded_edges(split)):
        split = _with_own_vertices(_with_middles(split, crowded))
    parts = [counted(edges, "non-manifold edge")] * (edges > 0) + [counted(vertices, "non-manifold vertex")] * (
        vertices > 0
    )
    found = " and ".join(parts)
    return Repaired(split, f"Took apart {found}.", edges + vertices, found)


def _with_own_vertices(mesh: Mesh) -> Mesh:
    """Every fan of triangles round a vertex gets that vertex for itself; the first fan keeps the old one."""
    edges = half_edges(mesh.triangles)
    double = edges.first[edges.count == 2]
    wedges = _wedges(mesh, edges)
    one = np.concatenate([edges.order[double], wedges[:, 0]])
    other = np.concatenate([edges.order[double + 1], wedges[:, 1]])
    fans = corner_fans(edges, one, other, mesh.triangle_count)
    corners = mesh.triangles.reshape(-1).astype(np.int64)
    _, first = np.unique(fans, return_index=True)
    owner = corners[first]
    order = np.argsort(first, kind="stable")
    keeps = np.zeros(len(first), bool)
    keeps[order[np.unique(owner[order], return_index=True)[1]]] = True
    number = owner.copy()
    number[~keeps] = mesh.vertex_count + np.arange(int((~keeps).sum()))
    sources = np.concatenate([np.arange(mesh.vertex_count), owner[~keeps]])
    return replace(
        mesh,
        vertices=mesh.vertices[sources],
        triangles=number[fans].reshape(-1, 3),
        fields=kept_fields(mesh, vertices=sources, faces=None),
    )


def _wedges(mesh: Mesh, edges: HalfEdges) -> np.ndarray:
    """Pairs of half-edges, shape (n, 2), of edges with more than two triangles, between which the material lies: each
    triangle with the next on its inner side, where that faces it."""
    many = edges.count > 2
    if not many.any():
        return np.empty((0, 2), np.int64)
    member = np.repeat(many, edges.count)
    half = edges.order[member]
    group = np.repeat(np.arange(int(many.sum())), edges.count[many])
    forward = edges.start[half] < edges.end[half]
    if cone_volumes(mesh.vertices, mesh.triangles).sum() < 0.0:
        forward = ~forward  # it is inside out
    half, group, forward = (
        values[np.lexsort((_angles(mesh, edges, half, group), group))] for values in (half, group, forward)
    )
    begins = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))
    sizes = np.diff(begins, append=len(group))
    before = np.arange(len(group)) - 1
    before[begins] = begins + sizes - 1
    # A triangle that runs along the edge has its material behind it, one that runs against it before it.
    pairs = np.flatnonzero(forward & ~forward[before])
    return np.stack([half[pairs], half[before[pairs]]], axis=1)


def _angles(mesh: Mesh, edges: HalfEdges, half: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Angle of each half-edge's triangle around its edge, from the edge's lower vertex to the upper one."""
    low, high = np.minimum(edges.start[half], edges.end[half]), np.maximum(edges.start[half], edges.end[half])
    apex = mesh.triangles.reshape(-1)[half - half % 3 + (half + 2) % 3]
    along = mesh.vertices[high] - mesh.vertices[low]
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-300)
    out = mesh.vertices[apex] - mesh.vertices[low]
    out -= np.einsum("ij,ij->i", out, along)[:, None] * along
    first = out[np.unique(group, return_index=True)[1]][group]
    return np.arctan2(np.einsum("ij,ij->i", np.cross(first, out), along), np.einsum("ij,ij->i", first, out)) % (
        2.0 * np.pi
    )


def _crowded_edges(mesh: Mesh) -> np.ndarray:
    """Half-edges that must leave their edge to others, two to each row (−1 where one goes alone), shape (n, 2)."""
    edges = half_edges(mesh.triangles)
    partner = {one: other for pair in _wedges(mesh, edges).tolist() for one, other in (pair, pair[::-1])}
    many = edges.count > 2
    rows: list[tuple[int, int]] = []
    taken: set[int] = set()
    for begin, count in zip(edges.first[many].tolist(), edges.count[many].tolist(), strict=True):
        group = edges.order[begin : begin + count].tolist()
        together = [(half, partner[half]) for half in group if half in partner and half < partner[half]]
        forward = [half for half in group if half not in partner and edges.start[half] < edges.end[half]]
        backward = [half for half in group if half not in partner and edges.start[half] >= edges.end[half]]
        together += zip(forward, backward, strict=False)
        left = forward[len(backward) :] + backward[len(forward) :]
        leaving = [*together, *((half, -1) for half in left)][1:]
        for one, other in leaving:
            # A triangle is cut in one place at a time; the rest waits for the next look.
            if one // 3 in taken or other // 3 in taken:
                continue
            taken |= {one // 3, other // 3} - {-1}
            rows.append((one, other))
    return np.array(rows, np.int64).reshape(-1, 2)


def _with_middles(mesh: Mesh, leaving: np.ndarray) -> Mesh:
    """Each row's triangles are cut at a new vertex in the middle of their edge."""
    triangles = mesh.triangles.astype(np.int64)
    half = leaving[:, 0]
    ends = np.stack([triangles.reshape(-1)[half], triangles[half // 3, (half + 1) % 3]], axis=1)
    middle = mesh.vertex_count + np.arange(len(leaving))
    cut = np.concatenate([half, leaving[leaving[:, 1] >= 0, 1]])
    new = np.concatenate([middle, middle[leaving[:, 1] >= 0]])
    face, side = cut // 3, cut % 3
    second = triangles[face].copy()
    second[np.arange(len(cut)), side] = new
    triangles[face, (side + 1) % 3] = new
    fields = {}
    for name, field in mesh.fields.items():
        added = field.values[face if field.domain == "face" else ends[:, 0]]
        fields[name] = replace(field, values=np.concatenate([field.values, added]))
    return replace(
        mesh,
        vertices=np.concatenate([mesh.vertices, mesh.vertices[ends].mean(axis=1)]),
        triangles=np.concatenate([triangles, second]),
        fields=fields,
    )
