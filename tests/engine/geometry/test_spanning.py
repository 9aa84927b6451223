"""Signs carried along trees agree with walking every path."""

from __future__ import annotations

import numpy as np

from engine.geometry.spanning import carry_signs, part_roots, spanning_forest


def test_signs_are_the_parity_of_the_path_to_the_root() -> None:
    random = np.random.default_rng(0)
    count = 500
    # Each node hangs on an earlier one, save every hundredth, which begins a tree.
    parents = np.array([node if node % 100 == 0 else random.integers(node // 100 * 100, node) for node in range(count)])
    differs = random.random(count) < 0.5
    turned = carry_signs(parents, differs)
    for node in range(count):
        walk, parity = node, False
        while parents[walk] != walk:
            parity ^= bool(differs[walk])
            walk = int(parents[walk])
        assert turned[node] == parity


def test_a_long_chain_and_no_nodes_at_all() -> None:
    chain = np.maximum(np.arange(10000) - 1, 0)
    assert carry_signs(chain, np.ones(10000, bool)).tolist() == [node % 2 == 1 for node in range(10000)]
    assert len(carry_signs(np.zeros(0, np.int64), np.zeros(0, bool))) == 0


def test_forest_of_two_rings_and_a_lone_node() -> None:
    ring = np.arange(6)
    first = np.concatenate([ring, ring + 6])
    second = np.concatenate([(ring + 1) % 6, (ring + 1) % 6 + 6])
    roots, labels = part_roots(first, second, 13)
    assert len(roots) == 3 and len(set(labels.tolist())) == 3
    parents = spanning_forest(first, second, roots, 13)
    assert (parents[roots] == roots).all() and (parents == np.arange(13)).sum() == 3
    linked = {frozenset(edge) for edge in zip(first.tolist(), second.tolist(), strict=True)}
    assert all(frozenset((n, int(p))) in linked for n, p in enumerate(parents) if n != p)
