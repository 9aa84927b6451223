"""Which way triangles face. Plain numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.geometry.mesh import Mesh
from engine.geometry.quality import cone_volumes
from engine.geometry.repaired import Repaired, counted
from engine.geometry.spanning import carry_signs, part_roots, spanning_forest
from engine.geometry.topology import half_edges, measure_topology


def orient_consistently(mesh: Mesh) -> Repaired:
    """Turn triangles so that neighbours agree, and closed parts so that they face out.

    Signs spread over edges with two triangles. A surface with one side, like a Möbius strip, keeps a seam.
    """
    if not mesh.triangle_count:
        return Repaired(mesh, "There are no triangles to orient.")
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
        return Repaired(mesh, "The triangles agree already.")
    found = f"{counted(turned, 'triangle')} facing the wrong way"
    return Repaired(replace(mesh, triangles=triangles), f"Turned {counted(turned, 'triangle')}.", turned, found)


def facing_out(mesh: Mesh) -> Mesh:
    """The mesh turned where it is inside out as a whole, and oriented first where its triangles disagree.

    The shell of a cavity, which faces into it, stays as it is in a mesh that agrees.
    """
    if not measure_topology(mesh.triangles).consistent_winding:
        mesh = orient_consistently(mesh).mesh
    if cone_volumes(mesh.vertices, mesh.triangles).sum() >= 0.0:
        return mesh
    return replace(mesh, triangles=np.ascontiguousarray(mesh.triangles[:, ::-1]))


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
