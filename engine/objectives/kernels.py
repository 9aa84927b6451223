# mypy: ignore-errors
# Kernels are written in Warp's language, whose types mypy cannot follow.
"""Warp kernels of the Terms: each computes a loss and its gradient on the vertices in one pass.

Nearest faces are found in float32 (Warp's BVH); everything else is evaluated in float64, so that a gradient check runs
the very code that a Run runs. The derivative of a distance to a nearest point needs no derivative of that point's
barycentric coordinates (envelope theorem).
"""

from __future__ import annotations

import warp as wp

from engine.core.kernels import register_module

wp.set_module_options({"enable_backward": False})


@wp.func
def closest_barycentric(p: wp.vec3d, a: wp.vec3d, b: wp.vec3d, c: wp.vec3d) -> wp.vec3d:
    """Barycentric coordinates of the point of triangle (a, b, c) nearest to p (Ericson 2005, section 5.1.5)."""
    zero = wp.float64(0.0)
    one = wp.float64(1.0)
    tiny = wp.float64(1.0e-300)
    ab = b - a
    ac = c - a
    d1 = wp.dot(ab, p - a)
    d2 = wp.dot(ac, p - a)
    if d1 <= zero and d2 <= zero:
        return wp.vec3d(one, zero, zero)
    d3 = wp.dot(ab, p - b)
    d4 = wp.dot(ac, p - b)
    if d3 >= zero and d4 <= d3:
        return wp.vec3d(zero, one, zero)
    d5 = wp.dot(ab, p - c)
    d6 = wp.dot(ac, p - c)
    if d6 >= zero and d5 <= d6:
        return wp.vec3d(zero, zero, one)
    vc = d1 * d4 - d3 * d2
    if vc <= zero and d1 >= zero and d3 <= zero:
        v = d1 / wp.max(d1 - d3, tiny)
        return wp.vec3d(one - v, v, zero)
    vb = d5 * d2 - d1 * d6
    if vb <= zero and d2 >= zero and d6 <= zero:
        w = d2 / wp.max(d2 - d6, tiny)
        return wp.vec3d(one - w, zero, w)
    va = d3 * d6 - d5 * d4
    if va <= zero and d4 - d3 >= zero and d5 - d6 >= zero:
        w = (d4 - d3) / wp.max((d4 - d3) + (d5 - d6), tiny)
        return wp.vec3d(zero, one - w, w)
    total = wp.max(va + vb + vc, tiny)
    return wp.vec3d(one - (vb + vc) / total, vb / total, vc / total)


@wp.func
def corners_of(triangles: wp.array2d[wp.int32], face: wp.int32) -> wp.vec3i:
    return wp.vec3i(triangles[face, 0], triangles[face, 1], triangles[face, 2])


@wp.func
def point_of(vertices: wp.array[wp.vec3d], corners: wp.vec3i, w: wp.vec3d) -> wp.vec3d:
    """The point of a triangle with barycentric coordinates w."""
    return w[0] * vertices[corners[0]] + w[1] * vertices[corners[1]] + w[2] * vertices[corners[2]]


@wp.func
def spread(gradient: wp.array[wp.vec3d], corners: wp.vec3i, w: wp.vec3d, g: wp.vec3d):
    """Hand the gradient g on a point of a triangle to its corners."""
    wp.atomic_add(gradient, corners[0], w[0] * g)
    wp.atomic_add(gradient, corners[1], w[1] * g)
    wp.atomic_add(gradient, corners[2], w[2] * g)


@wp.func
def robust(distance: wp.float64, softness: wp.float64, truncation: wp.float64) -> wp.vec2d:
    """Loss and derivative: r = √(d² + δ²) − δ (L1 beyond δ, squared below); then c (1 − e^(−r/c)) where c > 0 (Welsch),
    so that what is much further than c does not pull."""
    root = wp.sqrt(distance * distance + softness * softness)
    value = root - softness
    slope = distance / wp.max(root, wp.float64(1.0e-300))
    if truncation > wp.float64(0.0):
        fade = wp.exp(-value / truncation)
        value = truncation * (wp.float64(1.0) - fade)
        slope = slope * fade
    return wp.vec2d(value, slope)


@wp.kernel
def sample_positions(
    face: wp.array[wp.int32],
    barycentric: wp.array[wp.vec3d],
    vertices: wp.array[wp.vec3d],
    triangles: wp.array2d[wp.int32],
    position: wp.array[wp.vec3d],
) -> None:
    """Positions of points that are given by face and barycentric coordinates."""
    i = wp.tid()
    position[i] = point_of(vertices, corners_of(triangles, face[i]), barycentric[i])


@wp.kernel
def points_to_surface(
    points: wp.array[wp.vec3d],
    weight: wp.array[wp.float64],
    face: wp.array[wp.int32],
    vertices: wp.array[wp.vec3d],
    triangles: wp.array2d[wp.int32],
    softness: wp.float64,
    truncation: wp.float64,
    value: wp.array[wp.float64],
    gradient: wp.array[wp.vec3d],
) -> None:
    """w ρ(|p − q|), q the point of the given face of the *moving* surface nearest to the fixed point p."""
    i = wp.tid()
    f = face[i]
    if f < 0:
        return
    corners = corners_of(triangles, f)
    w = closest_barycentric(points[i], vertices[corners[0]], vertices[corners[1]], vertices[corners[2]])
    away = point_of(vertices, corners, w) - points[i]
    distance = wp.length(away)
    rho = robust(distance, softness, truncation)
    value[i] = weight[i] * rho[0]
    if distance > wp.float64(0.0):
        g = (weight[i] * rho[1] / distance) * away
        spread(gradient, corners, w, g)


@wp.kernel
def surface_to_faces(
    face: wp.array[wp.int32],
    barycentric: wp.array[wp.vec3d],
    weight: wp.array[wp.float64],
    target_face: wp.array[wp.int32],
    target_vertices: wp.array[wp.vec3d],
    target_triangles: wp.array2d[wp.int32],
    vertices: wp.array[wp.vec3d],
    triangles: wp.array2d[wp.int32],
    softness: wp.float64,
    truncation: wp.float64,
    value: wp.array[wp.float64],
    gradient: wp.array[wp.vec3d],
) -> None:
    """w ρ(|p − q|), p a point of the moving surface, q the nearest point of a given face of the fixed target."""
    i = wp.tid()
    t = target_face[i]
    if t < 0:
        return
    corners = corners_of(triangles, face[i])
    w = barycentric[i]
    p = point_of(vertices, corners, w)
    ends = corners_of(target_triangles, t)
    u = closest_barycentric(p, target_vertices[ends[0]], target_vertices[ends[1]], target_vertices[ends[2]])
    away = p - point_of(target_vertices, ends, u)
    distance = wp.length(away)
    rho = robust(distance, softness, truncation)
    value[i] = weight[i] * rho[0]
    if distance > wp.float64(0.0):
        g = (weight[i] * rho[1] / distance) * away
        spread(gradient, corners, w, g)


@wp.kernel
def surface_to_planes(
    face: wp.array[wp.int32],
    barycentric: wp.array[wp.vec3d],
    weight: wp.array[wp.float64],
    point: wp.array[wp.vec3d],
    normal: wp.array[wp.vec3d],
    vertices: wp.array[wp.vec3d],
    triangles: wp.array2d[wp.int32],
    softness: wp.float64,
    truncation: wp.float64,
    value: wp.array[wp.float64],
    gradient: wp.array[wp.vec3d],
) -> None:
    """w ρ(|(p − q)·n|), p a point of the moving surface, (q, n) a scanned point with its normal."""
    i = wp.tid()
    if weight[i] <= wp.float64(0.0):
        return
    corners = corners_of(triangles, face[i])
    w = barycentric[i]
    p = point_of(vertices, corners, w)
    height = wp.dot(p - point[i], normal[i])
    rho = robust(wp.abs(height), softness, truncation)
    value[i] = weight[i] * rho[0]
    g = (weight[i] * rho[1] * wp.sign(height)) * normal[i]
    spread(gradient, corners, w, g)


@wp.kernel
def normal_deviation(
    face: wp.array[wp.int32],
    weight: wp.array[wp.float64],
    normal: wp.array[wp.vec3d],
    vertices: wp.array[wp.vec3d],
    triangles: wp.array2d[wp.int32],
    value: wp.array[wp.float64],
    gradient: wp.array[wp.vec3d],
) -> None:
    """w (1 − n·t), n the normal of a face of the moving surface and t the target's.

    With N = (b − a) × (c − a), n = N/|N|: dL/dN = −w (t − n (n·t))/|N|, dL/db = (c − a) × dL/dN and
    dL/dc = dL/dN × (b − a).
    """
    i = wp.tid()
    f = face[i]
    if f < 0 or weight[i] <= wp.float64(0.0):
        return
    ia = triangles[f, 0]
    ib = triangles[f, 1]
    ic = triangles[f, 2]
    e1 = vertices[ib] - vertices[ia]
    e2 = vertices[ic] - vertices[ia]
    area_vector = wp.cross(e1, e2)
    size = wp.length(area_vector)
    if size <= wp.float64(1.0e-14):
        return
    n = area_vector / size
    cosine = wp.dot(n, normal[i])
    value[i] = weight[i] * (wp.float64(1.0) - cosine)
    g = (-weight[i] / size) * (normal[i] - cosine * n)
    gb = wp.cross(e2, g)
    gc = wp.cross(g, e1)
    wp.atomic_add(gradient, ia, -gb - gc)
    wp.atomic_add(gradient, ib, gb)
    wp.atomic_add(gradient, ic, gc)


@wp.kernel
def enclosed_volume(
    vertices: wp.array[wp.vec3d],
    triangles: wp.array2d[wp.int32],
    value: wp.array[wp.float64],
    gradient: wp.array[wp.vec3d],
) -> None:
    """a·(b × c)/6 of every triangle (divergence theorem), with its gradient."""
    i = wp.tid()
    ia = triangles[i, 0]
    ib = triangles[i, 1]
    ic = triangles[i, 2]
    a = vertices[ia]
    b = vertices[ib]
    c = vertices[ic]
    sixth = wp.float64(1.0) / wp.float64(6.0)
    bc = wp.cross(b, c)
    value[i] = sixth * wp.dot(a, bc)
    wp.atomic_add(gradient, ia, sixth * bc)
    wp.atomic_add(gradient, ib, sixth * wp.cross(c, a))
    wp.atomic_add(gradient, ic, sixth * wp.cross(a, b))


@wp.kernel
def neighbour_sums(
    vertices: wp.array[wp.vec3d],
    triangles: wp.array2d[wp.int32],
    total: wp.array[wp.vec3d],
    count: wp.array[wp.float64],
) -> None:
    """Sum and number of the neighbours of every vertex: a closed surface has each directed edge once."""
    i = wp.tid()
    for corner in range(3):
        tail = triangles[i, corner]
        head = triangles[i, (corner + 1) % 3]
        wp.atomic_add(total, tail, vertices[head])
        wp.atomic_add(count, tail, wp.float64(1.0))


@wp.kernel
def laplacian_energy(
    vertices: wp.array[wp.vec3d],
    total: wp.array[wp.vec3d],
    count: wp.array[wp.float64],
    weight: wp.array[wp.float64],
    value: wp.array[wp.float64],
    offset: wp.array[wp.vec3d],
    gradient: wp.array[wp.vec3d],
) -> None:
    """w |x − mean of the neighbours|² of every vertex; the share of the vertex itself in the gradient."""
    i = wp.tid()
    if count[i] <= wp.float64(0.0):
        return
    delta = vertices[i] - total[i] / count[i]
    value[i] = weight[i] * wp.dot(delta, delta)
    offset[i] = (wp.float64(2.0) * weight[i] / count[i]) * delta
    wp.atomic_add(gradient, i, wp.float64(2.0) * weight[i] * delta)


@wp.kernel
def laplacian_neighbours(
    triangles: wp.array2d[wp.int32], offset: wp.array[wp.vec3d], gradient: wp.array[wp.vec3d]
) -> None:
    """The share of the neighbours in the gradient of `laplacian_energy`."""
    i = wp.tid()
    for corner in range(3):
        tail = triangles[i, corner]
        head = triangles[i, (corner + 1) % 3]
        wp.atomic_sub(gradient, head, offset[tail])


register_module(__name__, wp.get_module(__name__), "Losses and their gradients")
