"""Carrying a sign through the parts of a graph: what turns normals and triangles so that neighbours agree."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components


def spanning_forest(first: np.ndarray, second: np.ndarray, roots: np.ndarray, count: int) -> np.ndarray:
    """Parent of each of `count` nodes along breadth-first trees, shape (count,); a root is its own parent.

    first, second : the ends of the edges, any direction, shape (edge_count,)
    roots : one node of each connected part
    """
    # One node more, joined to every root, makes one tree of the forest: one search however many parts there are.
    rows = np.concatenate([first, roots])
    columns = np.concatenate([second, np.full(len(roots), count)])
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(count + 1, count + 1)).tocsr()
    parents = np.array(breadth_first_order(graph, count, directed=False)[1][:count], np.int64)
    parents[roots] = roots
    return parents


def part_roots(first: np.ndarray, second: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """One node of each connected part, and the part of each node."""
    graph = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(count, count))
    labels = np.asarray(connected_components(graph, directed=False)[1])
    return np.unique(labels, return_index=True)[1], labels


def carry_signs(parents: np.ndarray, differs: np.ndarray) -> np.ndarray:
    """Whether each node ends up turned, when it is turned against its parent where `differs`; shape (count,), bool.

    Pointers jump twice as far every round, so that a path of length d takes log2 d of them.
    """
    turned = differs & (parents != np.arange(len(parents)))
    ancestors = parents
    while True:
        # Roots are never turned, so paths that have reached theirs add nothing more.
        turned = turned ^ turned[ancestors]
        further = ancestors[ancestors]
        if np.array_equal(further, ancestors):
            return turned
        ancestors = further
