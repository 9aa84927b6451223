# mypy: ignore-errors
# Kernels are written in Warp's language, whose types mypy cannot follow.
"""Warp kernels of the Terms on a shape by itself: developability, thickness, overhangs, symmetry, areas.

Each computes a loss and its gradient on the vertices, in float64. A face without area has no normal and adds nothing.
"""

from __future__ import annotations

import warp as wp

from engine.core.kernels import register_module
from engine.objectives.kernels import closest_barycentric, corners_of, point_of, robust, spread

wp.set_module_options({"enable_backward": False})

SMALLEST_AREA = wp.constant(wp.float64(1.0e-14))
"""Twice the area under which a face has no normal."""


@wp.func
def spread_area_vector(gradient: wp.array[wp.vec3d], corners: wp.vec3i, e1: wp.vec3d, e2: wp.vec3d, g: wp.vec3d):
    """Hand the gradient g on N = e1 × e2 to the corners: dL/db = e2 × g, dL/dc = g × e1."""
    gb = wp.cross(e2, g)
    gc = wp.cross(g, e1)
    wp.atomic_add(gradient, corners[0], -gb - gc)
    wp.atomic_add(gradient, corners[1], gb)
    wp.atomic_add(gradient, corners[2], gc)


@wp.kernel
def normal_covariances(
    vertices: wp.array[wp.vec3d], triangles: wp.array2d[wp.int32], covariance: wp.array[wp.mat33d]
) -> None:
    """Σ θ n nᵀ of every vertex over its faces, θ the angle of the face at the vertex (Stein et al. 2018, eq. 5)."""
    i = wp.tid()
    corners = corners_of(triangles, i)
    area_vector = wp.cross(vertices[corners[1]] - vertices[corners[0]], vertices[corners[2]] - vertices[corners[0]])
    size = wp.length(area_vector)
    if size <= SMALLEST_AREA:
        return
    n = area_vector / size
    for k in range(3):
        a = vertices[corners[k]]
        u = vertices[corners[(k + 1) % 3]] - a
        v = vertices[corners[(k + 2) % 3]] - a
        wp.atomic_add(covariance, corners[k], wp.atan2(size, wp.dot(u, v)) * wp.outer(n, n))


@wp.func
def rotated(m: wp.mat33d, p: wp.int32, q: wp.int32) -> wp.mat33d:
    """The rotation J in the plane (p, q) for which (Jᵀ m J)_pq = 0 (Golub and Van Loan, section 8.5)."""
    one = wp.float64(1.0)
    j = wp.identity(n=3, dtype=wp.float64)
    if wp.abs(m[p, q]) > wp.float64(1.0e-300):
        tau = (m[q, q] - m[p, p]) / (wp.float64(2.0) * m[p, q])
        t = one / (wp.abs(tau) + wp.sqrt(one + tau * tau))
        if tau < wp.float64(0.0):
            t = -t
        c = one / wp.sqrt(one + t * t)
        j[p, p] = c
        j[q, q] = c
        j[p, q] = t * c
        j[q, p] = -t * c
    return j


@wp.kernel
def smallest_eigenvalues(
    covariance: wp.array[wp.mat33d],
    weight: wp.array[wp.float64],
    value: wp.array[wp.float64],
    direction: wp.array[wp.vec3d],
) -> None:
    """w λ of every vertex, λ the smallest eigenvalue, and a unit eigenvector; by cyclic Jacobi rotations.

    Where the smallest eigenvalue is not simple, any of its eigenvectors gives an element of the generalised gradient.
    """
    i = wp.tid()
    m = covariance[i]
    basis = wp.identity(n=3, dtype=wp.float64)
    for _sweep in range(5):
        for pair in range(3):
            p = wp.where(pair == 2, 1, 0)
            q = wp.where(pair == 0, 1, 2)
            j = rotated(m, p, q)
            m = wp.transpose(j) * m * j
            basis = basis * j
    least = wp.where(m[1, 1] < m[0, 0], 1, 0)
    least = wp.where(m[2, 2] < m[least, least], 2, least)
    value[i] = weight[i] * m[least, least]
    direction[i] = wp.vec3d(basis[0, least], basis[1, least], basis[2, least])


@wp.kernel
def smallest_eigenvalue_gradient(
    vertices: wp.array[wp.vec3d],
    triangles: wp.array2d[wp.int32],
    weight: wp.array[wp.float64],
    direction: wp.array[wp.vec3d],
    gradient: wp.array[wp.vec3d],
) -> None:
    """Of Σ w λ, with x the eigenvector: dλ = Σ (x·n)² dθ + 2 θ (x·n) x·dn.

    With u, v the sides of a face at the vertex: dθ/dv = n × v/|v|² and dθ/du = −n × u/|u|².
    """
    i = wp.tid()
    corners = corners_of(triangles, i)
    e1 = vertices[corners[1]] - vertices[corners[0]]
    e2 = vertices[corners[2]] - vertices[corners[0]]
    area_vector = wp.cross(e1, e2)
    size = wp.length(area_vector)
    if size <= SMALLEST_AREA:
        return
    n = area_vector / size
    on_normal = wp.vec3d()
    for k in range(3):
        here = corners[k]
        a = vertices[here]
        u = vertices[corners[(k + 1) % 3]] - a
        v = vertices[corners[(k + 2) % 3]] - a
        along = wp.dot(direction[here], n)
        theta = wp.atan2(size, wp.dot(u, v))
        on_normal += (wp.float64(2.0) * weight[here] * theta * along) * direction[here]
        on_angle = weight[here] * along * along
        gu = (-on_angle / wp.dot(u, u)) * wp.cross(n, u)
        gv = (on_angle / wp.dot(v, v)) * wp.cross(n, v)
        wp.atomic_add(gradient, corners[(k + 1) % 3], gu)
        wp.atomic_add(gradient, corners[(k + 2) % 3], gv)
        wp.atomic_add(gradient, here, -gu - gv)
    spread_area_vector(gradient, corners, e1, e2, (on_normal - wp.dot(on_normal, n) * n) / size)


@wp.kernel
def weighted_areas(
    vertices: wp.array[wp.vec3d],
    triangles: wp.array2d[wp.int32],
    weight: wp.array[wp.float64],
    value: wp.array[wp.float64],
    gradient: wp.array[wp.vec3d],
) -> None:
    """w A of every face."""
    i = wp.tid()
    corners = corners_of(triangles, i)
    e1 = vertices[corners[1]] - vertices[corners[0]]
    e2 = vertices[corners[2]] - vertices[corners[0]]
    area_vector = wp.cross(e1, e2)
    size = wp.length(area_vector)
    half = wp.float64(0.5) * weight[i]
    value[i] = half * size
    if size > SMALLEST_AREA:
        spread_area_vector(gradient, corners, e1, e2, (half / size) * area_vector)


@wp.kernel
def overhangs(
    vertices: wp.array[wp.vec3d],
    triangles: wp.array2d[wp.int32],
    weight: wp.array[wp.float64],
    up: wp.vec3d,
    limit: wp.float64,
    softness: wp.float64,
    value: wp.array[wp.float64],
    gradient: wp.array[wp.vec3d],
) -> None:
    """w A h(−n·up − limit) of every face, h(s) = √(s² + δ²) − δ for s > 0, else 0.

    With N the area vector (|N| = 2 A): d/dN = w (h n − h' (up − n (n·up)))/2.
    """
    i = wp.tid()
    corners = corners_of(triangles, i)
    e1 = vertices[corners[1]] - vertices[corners[0]]
    e2 = vertices[corners[2]] - vertices[corners[0]]
    area_vector = wp.cross(e1, e2)
    size = wp.length(area_vector)
    if size <= SMALLEST_AREA or weight[i] <= wp.float64(0.0):
        return
    n = area_vector / size
    height = wp.dot(n, up)
    steep = -height - limit
    if steep <= wp.float64(0.0):
        return
    root = wp.sqrt(steep * steep + softness * softness)
    half = wp.float64(0.5) * weight[i]
    value[i] = half * size * (root - softness)
    g = half * ((root - softness) * n - (steep / root) * (up - height * n))
    spread_area_vector(gradient, corners, e1, e2, g)


@wp.kernel
def thin_places(
    face: wp.array[wp.int32],
    barycentric: wp.array[wp.vec3d],
    weight: wp.array[wp.float64],
    opposite_face: wp.array[wp.int32],
    opposite_barycentric: wp.array[wp.vec3d],
    vertices: wp.array[wp.vec3d],
    triangles: wp.array2d[wp.int32],
    wanted: wp.float64,
    softness: wp.float64,
    value: wp.array[wp.float64],
    gradient: wp.array[wp.vec3d],
) -> None:
    """w h(T − |p − q|) of pairs of points fixed to their faces, h(s) = √(s² + δ²) − δ for s > 0, else 0."""
    i = wp.tid()
    f = opposite_face[i]
    if f < 0:
        return
    here = corners_of(triangles, face[i])
    there = corners_of(triangles, f)
    away = point_of(vertices, here, barycentric[i]) - point_of(vertices, there, opposite_barycentric[i])
    distance = wp.length(away)
    lack = wanted - distance
    if lack <= wp.float64(0.0) or distance <= wp.float64(1.0e-12):
        return
    root = wp.sqrt(lack * lack + softness * softness)
    value[i] = weight[i] * (root - softness)
    g = (-weight[i] * lack / (root * distance)) * away
    spread(gradient, here, barycentric[i], g)
    spread(gradient, there, opposite_barycentric[i], -g)


@wp.func
def mirrored(p: wp.vec3d, point: wp.vec3d, normal: wp.vec3d) -> wp.vec3d:
    return p - (wp.float64(2.0) * wp.dot(p - point, normal)) * normal


@wp.kernel
def mirror_distances(
    face: wp.array[wp.int32],
    barycentric: wp.array[wp.vec3d],
    weight: wp.array[wp.float64],
    nearest_face: wp.array[wp.int32],
    point: wp.vec3d,
    normal: wp.vec3d,
    vertices: wp.array[wp.vec3d],
    triangles: wp.array2d[wp.int32],
    softness: wp.float64,
    value: wp.array[wp.float64],
    gradient: wp.array[wp.vec3d],
) -> None:
    """w ρ(|q − M p|), p a point of the surface, M the mirror, q the point of a given face nearest to M p; both move."""
    i = wp.tid()
    f = nearest_face[i]
    if f < 0:
        return
    here = corners_of(triangles, face[i])
    there = corners_of(triangles, f)
    image = mirrored(point_of(vertices, here, barycentric[i]), point, normal)
    w = closest_barycentric(image, vertices[there[0]], vertices[there[1]], vertices[there[2]])
    away = point_of(vertices, there, w) - image
    distance = wp.length(away)
    rho = robust(distance, softness, wp.float64(0.0))
    value[i] = weight[i] * rho[0]
    if distance > wp.float64(0.0):
        g = (weight[i] * rho[1] / distance) * away
        spread(gradient, there, w, g)
        spread(gradient, here, barycentric[i], mirrored(-g, wp.vec3d(), normal))


register_module(__name__, wp.get_module(__name__), "Losses of printing and symmetry")
