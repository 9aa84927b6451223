# mypy: ignore-errors
# Kernels are written in Warp's language, whose types mypy cannot follow.
"""Warp kernels of distance queries and self-intersection. Positions are in the frame of the BVH (origin subtracted)."""

from __future__ import annotations

import warp as wp

from engine.core.kernels import register_module

wp.set_module_options({"enable_backward": False})
register_module(__name__, wp.get_module(__name__), "Distance queries")

WINDING_THRESHOLD = 0.5
"""A point is inside where the winding number is above this (Jacobson et al. 2013)."""


@wp.kernel
def closest_points(
    mesh: wp.uint64,
    points: wp.array[wp.vec3],
    limits: wp.array[wp.float32],
    faces: wp.array[wp.int32],
    weights: wp.array[wp.vec3],
    positions: wp.array[wp.vec3],
    distances: wp.array[wp.float32],
) -> None:
    """Closest point on the mesh within `limits` (one for all points, or one each)."""
    i = wp.tid()
    p = points[i]
    limit = limits[wp.min(i, limits.shape[0] - 1)]
    query = wp.mesh_query_point_no_sign(mesh, p, limit)
    if query.result:
        q = wp.mesh_eval_position(mesh, query.face, query.u, query.v)
        faces[i] = query.face
        weights[i] = wp.vec3(query.u, query.v, 1.0 - query.u - query.v)
        positions[i] = q
        distances[i] = wp.length(p - q)
    else:
        faces[i] = -1
        weights[i] = wp.vec3(0.0, 0.0, 0.0)
        positions[i] = p
        distances[i] = wp.inf


@wp.kernel
def leaving_faces(
    mesh: wp.uint64,
    points: wp.array[wp.vec3],
    directions: wp.array[wp.vec3],
    clearance: wp.float32,
    faces: wp.array[wp.int32],
    weights: wp.array[wp.vec3],
) -> None:
    """Where the ray from each point leaves the mesh: the first face from within beyond `clearance`, if none is entered
    before."""
    i = wp.tid()
    d = directions[i]
    faces[i] = -1
    weights[i] = wp.vec3(0.0, 0.0, 0.0)
    query = wp.mesh_query_ray(mesh, points[i] + clearance * d, d, 1.0e30)
    if query.result and wp.dot(query.normal, d) > 0.0:
        faces[i] = query.face
        weights[i] = wp.vec3(query.u, query.v, 1.0 - query.u - query.v)


@wp.kernel
def signed_distances(
    mesh: wp.uint64,
    points: wp.array[wp.vec3],
    accuracy: wp.float32,
    distances: wp.array[wp.float32],
) -> None:
    """Distance to the mesh, negative where the fast winding number (Barill et al. 2018) is above one half."""
    i = wp.tid()
    p = points[i]
    query = wp.mesh_query_point_sign_winding_number(mesh, p, 1.0e30, accuracy, WINDING_THRESHOLD)
    distances[i] = wp.inf
    if query.result:
        distances[i] = query.sign * wp.length(p - wp.mesh_eval_position(mesh, query.face, query.u, query.v))


@wp.kernel
def winding_numbers(
    points: wp.array[wp.vec3],
    vertices: wp.array[wp.vec3],
    triangles: wp.array[wp.int32],
    values: wp.array[wp.float32],
) -> None:
    """Winding number by the sum of all triangles' solid angles over 4π (Van Oosterom and Strackee 1983)."""
    i = wp.tid()
    p = points[i]
    total = wp.float32(0.0)
    for t in range(triangles.shape[0] // 3):
        a = vertices[triangles[3 * t]] - p
        b = vertices[triangles[3 * t + 1]] - p
        c = vertices[triangles[3 * t + 2]] - p
        la = wp.length(a)
        lb = wp.length(b)
        lc = wp.length(c)
        numerator = wp.dot(a, wp.cross(b, c))
        denominator = la * lb * lc + wp.dot(a, b) * lc + wp.dot(b, c) * la + wp.dot(c, a) * lb
        total += 2.0 * wp.atan2(numerator, denominator)
    values[i] = total / (4.0 * wp.pi)


@wp.func
def side_of(a: wp.vec3d, b: wp.vec3d, c: wp.vec3d, p: wp.vec3d) -> wp.float64:
    """Six times the volume of the tetrahedron a, b, c, p: positive where p is above the triangle."""
    return wp.dot(wp.cross(b - a, c - a), p - a)


@wp.func
def segment_crosses_triangle(
    p: wp.vec3d, q: wp.vec3d, a: wp.vec3d, b: wp.vec3d, c: wp.vec3d, tolerance: wp.float64
) -> wp.bool:
    """Whether p and q lie on different sides of the triangle's plane, farther than the tolerance, and the line between
    them runs through it."""
    zero = wp.float64(0.0)
    least = tolerance * wp.length(wp.cross(b - a, c - a))
    above = side_of(a, b, c, p)
    below = side_of(a, b, c, q)
    if not ((above > least and below < -least) or (above < -least and below > least)):
        return False
    u = side_of(p, q, a, b)
    v = side_of(p, q, b, c)
    w = side_of(p, q, c, a)
    return (u > zero and v > zero and w > zero) or (u < zero and v < zero and w < zero)


@wp.func
def is_corner(vertex: wp.int32, a: wp.int32, b: wp.int32, c: wp.int32) -> wp.bool:
    found = vertex == a
    if vertex == b:
        found = True
    if vertex == c:
        found = True
    return found


@wp.kernel
def self_intersections(
    mesh: wp.uint64,
    vertices: wp.array[wp.vec3d],
    triangles: wp.array[wp.int32],
    padding: wp.float32,
    tolerance: wp.float64,
    intersecting: wp.array[wp.int32],
) -> None:
    """Mark triangles one of whose edges runs through a triangle with which it has no edge in common, or the reverse.

    An edge that ends at a vertex of the other triangle is never on both sides of its plane, so triangles with a vertex
    in common count only where the edge opposite to it runs through the other.
    """
    i = wp.tid()
    ia = triangles[3 * i]
    ib = triangles[3 * i + 1]
    ic = triangles[3 * i + 2]
    a = vertices[ia]
    b = vertices[ib]
    c = vertices[ic]
    low = wp.vec3(wp.min(wp.min(a, b), c)) - wp.vec3(padding, padding, padding)
    high = wp.vec3(wp.max(wp.max(a, b), c)) + wp.vec3(padding, padding, padding)
    query = wp.mesh_query_aabb(mesh, low, high)
    j = wp.int32(0)
    while wp.mesh_query_aabb_next(query, j):
        if j > i:
            ja = triangles[3 * j]
            jb = triangles[3 * j + 1]
            jc = triangles[3 * j + 2]
            common = wp.int32(0)
            if is_corner(ja, ia, ib, ic):
                common += 1
            if is_corner(jb, ia, ib, ic):
                common += 1
            if is_corner(jc, ia, ib, ic):
                common += 1
            if common < 2:
                d = vertices[ja]
                e = vertices[jb]
                f = vertices[jc]
                if (
                    segment_crosses_triangle(a, b, d, e, f, tolerance)
                    or segment_crosses_triangle(b, c, d, e, f, tolerance)
                    or segment_crosses_triangle(c, a, d, e, f, tolerance)
                    or segment_crosses_triangle(d, e, a, b, c, tolerance)
                    or segment_crosses_triangle(e, f, a, b, c, tolerance)
                    or segment_crosses_triangle(f, d, a, b, c, tolerance)
                ):
                    intersecting[i] = 1
                    intersecting[j] = 1
