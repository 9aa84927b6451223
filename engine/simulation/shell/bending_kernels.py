# mypy: ignore-errors
# Kernels are written in Warp's language, whose types mypy cannot follow.
"""Warp kernels of the angles between faces and the frames of their edges, and between neighbouring faces, float64.

Side: an edge from x0 to x1 with a face whose third corner is x2. e = x1 − x0, c = x2 − x0, t = e/L; c stands at
s e + h w with w perpendicular to t; n = t × w. The face's normal turns about t by the angle α, whose derivatives are,
with p = δc − s δe and u = (t̄ × t)/(1 + t̄·t) for a frame that was carried from the direction t̄ to t without twist,

    δα  = n·p / h + u·δe / L
    δ²α = −2 (n·p)(w·p)/h² − 2 (n·δe)(t·p)/(h L) − (n·δe)(w·δe)/L² − 2 (u·δe)(t·δe)/L² − (u·δe)(t̄·δe⊥)/((1 + t̄·t) L²)

The second is a sum of products of two linear forms, whose positive part is known in closed form.
"""

# Annotations must be objects: no `from __future__ import annotations`.
import math

import warp as wp

from engine.core.kernels import register_module

module = wp.get_module("formwright_shell_bending")
module.options["enable_backward"] = False
register_module(__name__, module, "Bending of thin shells")

vec9 = wp.types.vector(9, wp.float64)
mat99 = wp.types.matrix((9, 9), wp.float64)

zero = wp.constant(wp.float64(0.0))
half = wp.constant(wp.float64(0.5))
one = wp.constant(wp.float64(1.0))
turn = wp.constant(wp.float64(2.0 * math.pi))


@wp.struct
class Side:
    length: wp.float64
    height: wp.float64
    foot: wp.float64
    t: wp.vec3d
    w: wp.vec3d
    n: wp.vec3d


@wp.struct
class Forms:
    """Linear forms in the corners of an element: the derivative, and the products that the second one is made of."""

    gradient: vec9
    a1: vec9
    b1: vec9
    a2: vec9
    b2: vec9
    a3: vec9
    b3: vec9


@wp.func
def side_of(x0: wp.vec3d, x1: wp.vec3d, x2: wp.vec3d):
    side = Side()
    e = x1 - x0
    c = x2 - x0
    side.length = wp.length(e)
    side.t = e / side.length
    along = wp.dot(c, side.t)
    across = c - along * side.t
    side.foot = along / side.length
    side.height = wp.length(across)
    side.w = across / side.height
    side.n = wp.cross(side.t, side.w)
    return side


@wp.func
def carried(director: wp.vec3d, reference: wp.vec3d, t: wp.vec3d):
    """`director`, perpendicular to `reference`, turned with it to `t` by the shortest rotation."""
    return director - (wp.dot(director, t) / (one + wp.dot(reference, t))) * (reference + t)


@wp.func
def angle_of(side: Side, reference: wp.vec3d, director: wp.vec3d, sign: wp.float64, near: wp.float64):
    """Angle of the normal (sign · n) from the carried director, about t: of those that differ by whole turns the one
    nearest to `near`."""
    d = carried(director, reference, side.t)
    normal = sign * side.n
    angle = wp.atan2(wp.dot(normal, wp.cross(side.t, d)), wp.dot(normal, d))
    return angle + turn * wp.round((near - angle) / turn)


@wp.func
def twist(side: Side, reference: wp.vec3d):
    return wp.cross(reference, side.t) / (one + wp.dot(reference, side.t))


@wp.func
def place(form: vec9, corner: wp.int32, value: wp.vec3d):
    for i in range(3):
        form[3 * corner + i] = value[i]
    return form


@wp.func
def form_of(on_p: wp.vec3d, on_e: wp.vec3d, foot: wp.float64, start: wp.int32, end: wp.int32, opposite: wp.int32):
    """on_p · p + on_e · δe as a form in the corners."""
    form = vec9()
    last = on_e - foot * on_p
    form = place(form, opposite, on_p)
    form = place(form, end, last)
    return place(form, start, -on_p - last)


@wp.func
def forms_of(side: Side, reference: wp.vec3d, start: wp.int32, end: wp.int32, opposite: wp.int32):
    forms = Forms()
    none = wp.vec3d(zero, zero, zero)
    u = twist(side, reference)
    s = side.foot
    forms.gradient = form_of(side.n / side.height, u / side.length, s, start, end, opposite)
    forms.a1 = form_of(side.n, none, s, start, end, opposite)
    forms.b1 = form_of(-side.w / (side.height * side.height), none, s, start, end, opposite)
    square = side.length * side.length
    forms.a2 = form_of(none, side.n, s, start, end, opposite)
    forms.b2 = form_of(-side.t / (side.height * side.length), -half * side.w / square, s, start, end, opposite)
    across = reference - wp.dot(reference, side.t) * side.t
    scale = half / (one + wp.dot(reference, side.t))
    forms.a3 = form_of(none, u, s, start, end, opposite)
    forms.b3 = form_of(none, -(side.t + scale * across) / square, s, start, end, opposite)
    return forms


@wp.struct
class Turning:
    """What `Forms` are made of. Corner p moves p by c_p and δe by e_p of its own motion: its derivative is the row g_p,
    and the second one of corners p and q is c_p c_q A + e_p c_q B + c_p e_q Bᵀ + e_p e_q C."""

    c: wp.vec3d
    e: wp.vec3d
    g: wp.mat33d
    a: wp.mat33d
    b: wp.mat33d
    cc: wp.mat33d


@wp.func
def turning_of(side: Side, reference: wp.vec3d, start: wp.int32, end: wp.int32, opposite: wp.int32):
    turning = Turning()
    turning.c[opposite] = one
    turning.c[start] = side.foot - one
    turning.c[end] = -side.foot
    turning.e[start] = -one
    turning.e[end] = one
    u = twist(side, reference)
    turning.g = wp.outer(turning.c, side.n / side.height) + wp.outer(turning.e, u / side.length)
    across = reference - wp.dot(reference, side.t) * side.t
    scale = half / (one + wp.dot(reference, side.t))
    square = side.length * side.length
    nw = wp.outer(side.n, side.w)
    ur = wp.outer(u, side.t + scale * across)
    turning.a = (nw + wp.transpose(nw)) / (-side.height * side.height)
    turning.b = wp.outer(side.n, side.t) / (-side.height * side.length)
    turning.cc = (half * (nw + wp.transpose(nw)) + ur + wp.transpose(ur)) / -square
    return turning


@wp.func
def turned_twice(turning: Turning, p: wp.int32, q: wp.int32):
    """The second derivative of corners p and q."""
    c_p = turning.c[p]
    c_q = turning.c[q]
    e_p = turning.e[p]
    e_q = turning.e[q]
    return (
        (c_p * c_q) * turning.a
        + (e_p * c_q) * turning.b
        + (c_p * e_q) * wp.transpose(turning.b)
        + (e_p * e_q) * turning.cc
    )


@wp.func
def product(a: vec9, b: vec9, weight: wp.float64, project: wp.int32):
    """weight · (a bᵀ + b aᵀ), or its positive part."""
    if project == 0:
        m = wp.outer(a, b)
        return weight * (m + wp.transpose(m))
    lengths = wp.length(a) * wp.length(b)
    if lengths == zero:
        return mat99()
    v = wp.normalize(a) + wp.sign(weight) * wp.normalize(b)
    return wp.outer(v, v) * (half * wp.abs(weight) * lengths)


@wp.func
def products(forms: Forms, weight: wp.float64, project: wp.int32):
    return (
        product(forms.a1, forms.b1, weight, project)
        + product(forms.a2, forms.b2, weight, project)
        + product(forms.a3, forms.b3, weight, project)
    )


@wp.kernel(module=module, enable_backward=False)
def angles(
    positions: wp.array(dtype=wp.vec3d),
    triangles: wp.array2d(dtype=wp.int64),
    face_edges: wp.array2d(dtype=wp.int64),
    along: wp.array2d(dtype=wp.float64),
    sides: wp.array2d(dtype=wp.float64),
    references: wp.array(dtype=wp.vec3d),
    directors: wp.array(dtype=wp.vec3d),
    near: wp.array2d(dtype=wp.float64),
    result: wp.array2d(dtype=wp.float64),
):
    """Angle α of each side of each face, within half a turn of `near` [rad], shape (face_count, 3)."""
    face, i = wp.tid()
    start = i
    end = (i + 1) % 3
    if along[face, i] < zero:
        start = end
        end = i
    side = side_of(
        positions[triangles[face, start]], positions[triangles[face, end]], positions[triangles[face, (i + 2) % 3]]
    )
    edge = face_edges[face, i]
    result[face, i] = angle_of(side, references[edge], directors[edge], sides[face, i], near[face, i])


@wp.kernel(module=module, enable_backward=False)
def push_angles(
    positions: wp.array(dtype=wp.vec3d),
    triangles: wp.array2d(dtype=wp.int64),
    face_edges: wp.array2d(dtype=wp.int64),
    along: wp.array2d(dtype=wp.float64),
    references: wp.array(dtype=wp.vec3d),
    motion: wp.array(dtype=wp.vec3d),
    result: wp.array2d(dtype=wp.float64),
):
    """Change of the angles when the vertices move by `motion`."""
    face, i = wp.tid()
    start = i
    end = (i + 1) % 3
    if along[face, i] < zero:
        start = end
        end = i
    x0 = triangles[face, start]
    x1 = triangles[face, end]
    x2 = triangles[face, (i + 2) % 3]
    side = side_of(positions[x0], positions[x1], positions[x2])
    de = motion[x1] - motion[x0]
    p = motion[x2] - motion[x0] - side.foot * de
    u = twist(side, references[face_edges[face, i]])
    result[face, i] = wp.dot(side.n, p) / side.height + wp.dot(u, de) / side.length


@wp.kernel(module=module, enable_backward=False)
def pull_angles(
    positions: wp.array(dtype=wp.vec3d),
    triangles: wp.array2d(dtype=wp.int64),
    face_edges: wp.array2d(dtype=wp.int64),
    along: wp.array2d(dtype=wp.float64),
    references: wp.array(dtype=wp.vec3d),
    weights: wp.array2d(dtype=wp.float64),
    result: wp.array(dtype=wp.vec3d),
):
    """Adds the derivative of Σ weights · α to the vertices."""
    face, i = wp.tid()
    start = i
    end = (i + 1) % 3
    if along[face, i] < zero:
        start = end
        end = i
    x0 = triangles[face, start]
    x1 = triangles[face, end]
    x2 = triangles[face, (i + 2) % 3]
    side = side_of(positions[x0], positions[x1], positions[x2])
    on_p = (weights[face, i] / side.height) * side.n
    u = twist(side, references[face_edges[face, i]])
    last = (weights[face, i] / side.length) * u - side.foot * on_p
    wp.atomic_add(result, wp.int32(x2), on_p)
    wp.atomic_add(result, wp.int32(x1), last)
    wp.atomic_add(result, wp.int32(x0), -on_p - last)


@wp.func
def face_side(
    face: wp.int32,
    i: wp.int32,
    positions: wp.array(dtype=wp.vec3d),
    triangles: wp.array2d(dtype=wp.int64),
    along: wp.array2d(dtype=wp.float64),
):
    """A side of a face, and its corners: start, end and the one opposite."""
    start = i
    end = (i + 1) % 3
    if along[face, i] < zero:
        start = end
        end = i
    opposite = (i + 2) % 3
    side = side_of(
        positions[triangles[face, start]], positions[triangles[face, end]], positions[triangles[face, opposite]]
    )
    return side, start, end, opposite


@wp.kernel(module=module, enable_backward=False)
def hessians(
    positions: wp.array(dtype=wp.vec3d),
    triangles: wp.array2d(dtype=wp.int64),
    face_edges: wp.array2d(dtype=wp.int64),
    along: wp.array2d(dtype=wp.float64),
    references: wp.array(dtype=wp.vec3d),
    stiffness: wp.array(dtype=wp.mat33d),
    moments: wp.array(dtype=wp.vec3d),
    project: wp.int32,
    vertex_slots: wp.array2d(dtype=wp.int32),
    mixed_slots: wp.array2d(dtype=wp.int32),
    edge_slots: wp.array2d(dtype=wp.int32),
    vertex_blocks: wp.array(dtype=wp.mat33d),
    mixed_blocks: wp.array(dtype=wp.vec3d),
    edge_blocks: wp.array(dtype=wp.float64),
):
    """Adds each face's second derivative: Jᵀ K J and its moments times the second derivatives of the angles.

    stiffness, moments : K and ∂E/∂κ of the three bending angles κ = along · (rotation − α)
    vertex_slots, mixed_slots, edge_slots : blocks of corner and corner, corner and rotation, rotation and rotation,
        shape (face_count, 9)
    """
    face = wp.tid()
    signs = wp.vec3d(along[face, 0], along[face, 1], along[face, 2])
    k = wp.diag(signs) * stiffness[face] * wp.diag(signs)
    moment = wp.cw_mul(moments[face], -signs)
    side0, start0, end0, opposite0 = face_side(face, 0, positions, triangles, along)
    side1, start1, end1, opposite1 = face_side(face, 1, positions, triangles, along)
    side2, start2, end2, opposite2 = face_side(face, 2, positions, triangles, along)
    reference0 = references[face_edges[face, 0]]
    reference1 = references[face_edges[face, 1]]
    reference2 = references[face_edges[face, 2]]
    t0 = turning_of(side0, reference0, start0, end0, opposite0)
    t1 = turning_of(side1, reference1, start1, end1, opposite1)
    t2 = turning_of(side2, reference2, start2, end2, opposite2)
    y0 = k[0, 0] * t0.g + k[0, 1] * t1.g + k[0, 2] * t2.g
    y1 = k[1, 0] * t0.g + k[1, 1] * t1.g + k[1, 2] * t2.g
    y2 = k[2, 0] * t0.g + k[2, 1] * t1.g + k[2, 2] * t2.g
    h = mat99()
    if project != 0:
        h = (
            products(forms_of(side0, reference0, start0, end0, opposite0), moment[0], project)
            + products(forms_of(side1, reference1, start1, end1, opposite1), moment[1], project)
            + products(forms_of(side2, reference2, start2, end2, opposite2), moment[2], project)
        )
    for a in range(3):
        for b in range(3):
            block = wp.outer(t0.g[a], y0[b]) + wp.outer(t1.g[a], y1[b]) + wp.outer(t2.g[a], y2[b])
            if project != 0:
                for i in range(3):
                    for j in range(3):
                        block[i, j] += h[3 * a + i, 3 * b + j]
            else:
                block += moment[0] * turned_twice(t0, a, b)
                block += moment[1] * turned_twice(t1, a, b)
                block += moment[2] * turned_twice(t2, a, b)
            wp.atomic_add(vertex_blocks, vertex_slots[face, 3 * a + b], block)
            wp.atomic_add(edge_blocks, edge_slots[face, 3 * a + b], k[a, b])
        wp.atomic_add(mixed_blocks, mixed_slots[face, 3 * a], -y0[a])
        wp.atomic_add(mixed_blocks, mixed_slots[face, 3 * a + 1], -y1[a])
        wp.atomic_add(mixed_blocks, mixed_slots[face, 3 * a + 2], -y2[a])
