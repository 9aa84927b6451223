# mypy: ignore-errors
# Kernels are written in Warp's language, whose types mypy cannot follow.
"""Warp kernels that look for contacts: features whose boxes meet, where they are nearest, and which of them count."""

# Annotations must be objects: no `from __future__ import annotations`.
import warp as wp

from engine.core.kernels import register_module

module = wp.get_module("formwright_contact_search")
module.options["enable_backward"] = False
register_module(__name__, module, "Search for contacts")

FIRST, SECOND, INSIDE = 0, 1, 2
"""Of a segment: which end is nearest, or what is between."""
FACE = 6
"""Of a triangle: corners are 0 to 2, sides (01, 12, 20) are 3 to 5."""
CROSSING = 8
"""Of two edges: both insides. What is below is in the order of `stencils.EDGE_EDGE`."""
VERTEX_VERTEX, VERTEX_EDGE, VERTEX_FACE, FIRST_EDGE_EDGE = 0, 1, 2, 3
"""Rows of `stencils.KINDS`."""
EARLIER = -1_000_000
"""A count far below any: an earlier triangle has what is counted, and has counted it."""

DEGENERATE = wp.constant(wp.float64(1e-20))
"""Squared sine below which an angle is rounding: of a triangle without area, or of parallel edges."""
zero = wp.constant(wp.float64(0.0))
unit = wp.constant(wp.float64(1.0))


@wp.func
def segment_part(point: wp.vec3d, first: wp.vec3d, second: wp.vec3d):
    """Which part of a segment is nearest to a point, and its squared distance."""
    along = second - first
    apart = point - first
    length = wp.dot(along, along)
    share = zero
    if length > zero:
        share = wp.clamp(wp.dot(apart, along) / length, zero, unit)
    part = INSIDE
    if share <= zero:
        part = FIRST
    elif share >= unit:
        part = SECOND
    way = apart - share * along
    return part, wp.dot(way, way)


@wp.func
def triangle_part(point: wp.vec3d, a: wp.vec3d, b: wp.vec3d, c: wp.vec3d):
    """Likewise of a triangle."""
    found, squared = segment_part(point, a, b)
    part = wp.where(found == INSIDE, 3, found)
    found_next, squared_next = segment_part(point, b, c)
    if squared_next < squared:
        part = wp.where(found_next == INSIDE, 4, 1 + found_next)
        squared = squared_next
    found_last, squared_last = segment_part(point, c, a)
    if squared_last < squared:
        part = wp.where(found_last == INSIDE, 5, wp.where(found_last == FIRST, 2, 0))
        squared = squared_last
    u = b - a
    v = c - a
    apart = point - a
    normal = wp.cross(u, v)
    area = wp.dot(normal, normal)
    if area > DEGENERATE * wp.dot(u, u) * wp.dot(v, v):
        second = wp.dot(wp.cross(apart, v), normal) / area
        third = wp.dot(wp.cross(u, apart), normal) / area
        if second >= zero and third >= zero and second + third <= unit:
            part = FACE
            squared = wp.dot(apart, normal) * wp.dot(apart, normal) / area
    return part, squared


@wp.func
def edges_part(a: wp.vec3d, b: wp.vec3d, c: wp.vec3d, d: wp.vec3d):
    """Which parts of the edges ab and cd are nearest, and their squared distance."""
    found, squared = segment_part(a, c, d)
    part = wp.where(found == INSIDE, 6, found)
    found_b, squared_b = segment_part(b, c, d)
    if squared_b < squared:
        part = wp.where(found_b == INSIDE, 7, 2 + found_b)
        squared = squared_b
    found_c, squared_c = segment_part(c, a, b)
    if squared_c < squared:
        part = wp.where(found_c == INSIDE, 4, 2 * found_c)
        squared = squared_c
    found_d, squared_d = segment_part(d, a, b)
    if squared_d < squared:
        part = wp.where(found_d == INSIDE, 5, 2 * found_d + 1)
        squared = squared_d
    u = b - a
    v = d - c
    apart = a - c
    normal = wp.cross(u, v)
    crossing = wp.dot(normal, normal)
    if crossing > DEGENERATE * wp.dot(u, u) * wp.dot(v, v):
        along_one = wp.dot(wp.cross(v, apart), normal) / crossing
        along_other = wp.dot(wp.cross(u, apart), normal) / crossing
        if along_one > zero and along_one < unit and along_other > zero and along_other < unit:
            part = CROSSING
            squared = wp.dot(apart, normal) * wp.dot(apart, normal) / crossing
    return part, squared


@wp.kernel(module=module)
def nearest_on_triangles(
    positions: wp.array(dtype=wp.vec3d),
    points: wp.array(dtype=wp.int32),
    corners: wp.array2d(dtype=wp.int32),
    part: wp.array(dtype=wp.int32),
    squared: wp.array(dtype=wp.float64),
):
    """Of triangles to points, by numbers of vertices."""
    i = wp.tid()
    found, distance = triangle_part(
        positions[points[i]], positions[corners[i, 0]], positions[corners[i, 1]], positions[corners[i, 2]]
    )
    part[i] = found
    squared[i] = distance


@wp.kernel(module=module)
def nearest_of_edges(
    positions: wp.array(dtype=wp.vec3d),
    first: wp.array2d(dtype=wp.int32),
    second: wp.array2d(dtype=wp.int32),
    part: wp.array(dtype=wp.int32),
    squared: wp.array(dtype=wp.float64),
):
    """Of pairs of edges, by numbers of vertices."""
    i = wp.tid()
    found, distance = edges_part(
        positions[first[i, 0]], positions[first[i, 1]], positions[second[i, 0]], positions[second[i, 1]]
    )
    part[i] = found
    squared[i] = distance


@wp.func
def found_with(
    a: wp.int32,
    b: wp.int32,
    c: wp.int32,
    d: wp.int32,
    kind: wp.int32,
    weight: wp.float64,
    parallel: wp.float64,
    rows: wp.array2d(dtype=wp.int32),
    weights: wp.array2d(dtype=wp.float64),
    count: wp.array(dtype=wp.int32),
):
    """Write one pair down where there is room for it."""
    slot = wp.atomic_add(count, 0, 1)
    if slot < rows.shape[0]:
        rows[slot, 0] = a
        rows[slot, 1] = b
        rows[slot, 2] = c
        rows[slot, 3] = d
        rows[slot, 4] = kind
        weights[slot, 0] = weight
        weights[slot, 1] = parallel


@wp.func
def found_vertex(
    vertex: wp.int32,
    other: wp.int32,
    weight: wp.float64,
    rows: wp.array2d(dtype=wp.int32),
    weights: wp.array2d(dtype=wp.float64),
    count: wp.array(dtype=wp.int32),
):
    first = wp.min(vertex, other)
    found_with(first, wp.max(vertex, other), first, first, VERTEX_VERTEX, weight, zero, rows, weights, count)


@wp.func
def found_edge(
    vertex: wp.int32,
    edge: wp.int32,
    edges: wp.array2d(dtype=wp.int32),
    weight: wp.float64,
    rows: wp.array2d(dtype=wp.int32),
    weights: wp.array2d(dtype=wp.float64),
    count: wp.array(dtype=wp.int32),
):
    found_with(vertex, edges[edge, 0], edges[edge, 1], vertex, VERTEX_EDGE, weight, zero, rows, weights, count)


@wp.kernel(module=module)
def count_faces(
    positions: wp.array(dtype=wp.vec3d),
    starts: wp.array(dtype=wp.int32),
    near: wp.array2d(dtype=wp.int32),
    triangles: wp.array2d(dtype=wp.int32),
    sides: wp.array2d(dtype=wp.int32),
    edges: wp.array2d(dtype=wp.int32),
    squared_gap: wp.float64,
    active: wp.array(dtype=wp.int32),
    surplus: wp.array2d(dtype=wp.int32),
    rows: wp.array2d(dtype=wp.int32),
    weights: wp.array2d(dtype=wp.float64),
    count: wp.array(dtype=wp.int32),
):
    """What pushes a vertex: all triangles near it, less the edges and plus the corners that they have in common.

    starts : first row in `near` of each vertex that has any, and their number
    near : vertices and triangles that may be nearer than the gap, by vertices
    active, surplus : scratch, a number and three a row
    """
    mine = wp.tid()
    begin = starts[mine]
    end = starts[mine + 1]
    vertex = near[begin, 0]
    point = positions[vertex]
    for i in range(begin, end):
        face = near[i, 1]
        a = triangles[face, 0]
        b = triangles[face, 1]
        c = triangles[face, 2]
        part, squared = triangle_part(point, positions[a], positions[b], positions[c])
        active[i] = wp.where(squared < squared_gap, 1, 0)
        if active[i] == 1:
            if part == FACE:
                found_with(vertex, a, b, c, VERTEX_FACE, unit, zero, rows, weights, count)
            elif part >= 3:
                found_edge(vertex, sides[face, part - 3], edges, unit, rows, weights, count)
            else:
                found_vertex(vertex, triangles[face, part], unit, rows, weights, count)
    # How often each edge is part of the triangles that the vertex is near, less once; at the first of them.
    for i in range(begin, end):
        for side in range(3):
            surplus[i, side] = 0
            if active[i] == 1:
                edge = sides[near[i, 1], side]
                others = wp.int32(0)
                for j in range(begin, end):
                    face = near[j, 1]
                    shared = sides[face, 0] == edge or sides[face, 1] == edge or sides[face, 2] == edge
                    if active[j] == 1 and j != i and shared:
                        others = wp.where(j < i, EARLIER, others + 1)
                if others > 0:
                    surplus[i, side] = others
                    weight = -wp.float64(others)
                    part, squared = segment_part(point, positions[edges[edge, 0]], positions[edges[edge, 1]])
                    if squared < squared_gap:
                        if part == INSIDE:
                            found_edge(vertex, edge, edges, weight, rows, weights, count)
                        else:
                            found_vertex(vertex, edges[edge, part], weight, rows, weights, count)
    for i in range(begin, end):
        for corner in range(3):
            if active[i] == 1:
                other = triangles[near[i, 1], corner]
                share = wp.int32(1)
                for j in range(begin, end):
                    if active[j] == 1:
                        face = near[j, 1]
                        if triangles[face, 0] == other or triangles[face, 1] == other or triangles[face, 2] == other:
                            share = wp.where(j < i, EARLIER, share - 1)
                            for side in range(3):
                                if triangles[face, side] == other:
                                    # The sides that end there are this one and the one before.
                                    share = share + surplus[j, side] + surplus[j, (side + 2) % 3]
                if share > EARLIER / 2 and share != 0:
                    apart = point - positions[other]
                    if wp.dot(apart, apart) < squared_gap:
                        found_vertex(vertex, other, wp.float64(share), rows, weights, count)


@wp.kernel(module=module)
def count_edges(
    positions: wp.array(dtype=wp.vec3d),
    near: wp.array2d(dtype=wp.int32),
    edges: wp.array2d(dtype=wp.int32),
    squared_length: wp.array(dtype=wp.float64),
    squared_gap: wp.float64,
    parallel: wp.float64,
    rows: wp.array2d(dtype=wp.int32),
    weights: wp.array2d(dtype=wp.float64),
    count: wp.array(dtype=wp.int32),
):
    """Pairs of edges nearer than the gap, as what of them is nearest; those that fade as parallel stay whole."""
    i = wp.tid()
    first = near[i, 0]
    second = near[i, 1]
    a = edges[first, 0]
    b = edges[first, 1]
    c = edges[second, 0]
    d = edges[second, 1]
    part, squared = edges_part(positions[a], positions[b], positions[c], positions[d])
    if squared < squared_gap:
        limit = parallel * squared_length[first] * squared_length[second]
        cross = wp.cross(positions[b] - positions[a], positions[d] - positions[c])
        if part == CROSSING or wp.dot(cross, cross) < limit:
            found_with(a, b, c, d, FIRST_EDGE_EDGE + part, unit, limit, rows, weights, count)
        elif part < 4:
            found_vertex(edges[first, part / 2], edges[second, part % 2], unit, rows, weights, count)
        elif part < 6:
            found_edge(edges[second, part - 4], first, edges, unit, rows, weights, count)
        else:
            found_edge(edges[first, part - 6], second, edges, unit, rows, weights, count)


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
