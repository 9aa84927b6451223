# mypy: ignore-errors
# Kernels are written in Warp's language, whose types mypy cannot follow.
"""Warp kernels of the broad phase: pairs of features whose boxes meet."""

# Annotations must be objects: no `from __future__ import annotations`.
import warp as wp

from engine.core.kernels import register_module

module = wp.get_module("formwright_contact_broad")
module.options["enable_backward"] = False
register_module(__name__, module, "Search for contacts")


@wp.kernel(module=module)
def meeting(
    tree: wp.uint64,
    ordered: wp.bool,
    lower: wp.array(dtype=wp.vec3),
    upper: wp.array(dtype=wp.vec3),
    corners: wp.array2d(dtype=wp.int32),
    others: wp.array2d(dtype=wp.int32),
    held: wp.array(dtype=wp.int32),
    found: wp.array2d(dtype=wp.int32),
    count: wp.array(dtype=wp.int32),
):
    """Boxes of the tree that meet each box, of features without a common corner and not held with all theirs.

    ordered : both are the same features, and each pair counts once
    found : as many of the pairs as there is room for, while `count` counts all of them
    """
    one = wp.tid()
    all_held = wp.int32(1)
    for i in range(corners.shape[1]):
        all_held = all_held * held[corners[one, i]]
    query = wp.bvh_query_aabb(tree, lower[one], upper[one])
    other = wp.int32(0)
    while wp.bvh_query_next(query, other):
        if ordered and other <= one:
            continue
        both_held = all_held
        apart = wp.int32(1)
        for j in range(others.shape[1]):
            both_held = both_held * held[others[other, j]]
            for i in range(corners.shape[1]):
                if corners[one, i] == others[other, j]:
                    apart = 0
        if apart == 1 and both_held == 0:
            slot = wp.atomic_add(count, 0, 1)
            if slot < found.shape[0]:
                found[slot, 0] = one
                found[slot, 1] = other
