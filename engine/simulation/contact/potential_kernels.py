# mypy: ignore-errors
# Kernels are written in Warp's language, whose types mypy cannot follow.
"""Warp kernels of contact and friction, one contact a thread, float64: values, gradients and blocks of the Hessian.

A contact is the vector r(β) = Σ c_i(β) x_i of `engine.simulation.contact.stencils`, whose formulas these are.
"""

# Annotations must be objects: no `from __future__ import annotations`.
import warp as wp

from engine.core.kernels import register_module

module = wp.get_module("formwright_contact_potential")
module.options["enable_backward"] = False
register_module(__name__, module, "Contact and friction")

BARRIER, PENALTY = 0, 1

zero = wp.constant(wp.float64(0.0))
half = wp.constant(wp.float64(0.5))
unit = wp.constant(wp.float64(1.0))
two = wp.constant(wp.float64(2.0))
four = wp.constant(wp.float64(4.0))


@wp.struct
class Way:
    """first, second : e₁, e₂, zero where there is no such parameter
    a, b, c : G⁻¹ = ((a, b), (b, c))
    one, other : β
    r : the shortest way
    """

    first: wp.vec3d
    second: wp.vec3d
    a: wp.float64
    b: wp.float64
    c: wp.float64
    one: wp.float64
    other: wp.float64
    r: wp.vec3d


@wp.func
def shortest_way(
    positions: wp.array(dtype=wp.vec3d),
    vertices: wp.array2d(dtype=wp.int64),
    fixed: wp.array2d(dtype=wp.float64),
    slopes: wp.array3d(dtype=wp.float64),
    i: wp.int32,
):
    way = Way()
    start = wp.vec3d()
    has_first = zero
    has_second = zero
    for corner in range(vertices.shape[1]):
        x = positions[vertices[i, corner]]
        start += fixed[i, corner] * x
        way.first += slopes[i, corner, 0] * x
        way.second += slopes[i, corner, 1] * x
        has_first += wp.abs(slopes[i, corner, 0])
        has_second += wp.abs(slopes[i, corner, 1])
    first = wp.where(has_first > zero, wp.dot(way.first, way.first), unit)
    second = wp.where(has_second > zero, wp.dot(way.second, way.second), unit)
    both = wp.dot(way.first, way.second)
    determinant = first * second
    if has_first > zero and has_second > zero:
        # first · second − both², without its loss of digits where edges are nearly parallel.
        cross = wp.cross(way.first, way.second)
        determinant = wp.dot(cross, cross)
    way.a = second / determinant
    way.b = -both / determinant
    way.c = first / determinant
    way.one = -(way.a * wp.dot(way.first, start) + way.b * wp.dot(way.second, start))
    way.other = -(way.b * wp.dot(way.first, start) + way.c * wp.dot(way.second, start))
    way.r = start + way.one * way.first + way.other * way.second
    return way


@wp.func
def share(
    fixed: wp.array2d(dtype=wp.float64), slopes: wp.array3d(dtype=wp.float64), way: Way, i: wp.int32, corner: wp.int32
):
    """c of a corner."""
    return fixed[i, corner] + slopes[i, corner, 0] * way.one + slopes[i, corner, 1] * way.other


@wp.func
def barrier(distance: wp.float64, gap: wp.float64):
    """Value, slope and curvature of −(d − ĝ)² ln(d/ĝ)."""
    ratio = wp.min(distance / gap, unit)
    log = wp.log(ratio)
    past = ratio - unit
    value = -gap * gap * past * past * log
    slope = -gap * (two * past * log + past * past / ratio)
    curvature = -(two * log + four * past / ratio - past * past / (ratio * ratio))
    return value, slope, curvature


@wp.func
def law(mode: wp.int32, distance: wp.float64, gap: wp.float64):
    """Value, slope and curvature of `engine.simulation.contact.laws`."""
    if mode == BARRIER:
        value, slope, curvature = barrier(distance, gap)
        return value, slope, curvature
    sunk = wp.min(distance - gap, zero)
    stop, stop_slope, stop_curvature = barrier(distance, half * gap)
    return (
        half * sunk * sunk + stop,
        sunk + stop_slope,
        wp.where(distance < gap, unit, zero) + stop_curvature,
    )


@wp.kernel(module=module)
def evaluate_law(
    mode: wp.int32, gap: wp.float64, distance: wp.array(dtype=wp.float64), result: wp.array(dtype=wp.vec3d)
):
    """Value, slope and curvature."""
    i = wp.tid()
    value, slope, curvature = law(mode, distance[i], gap)
    result[i] = wp.vec3d(value, slope, curvature)


@wp.func
def edge_vectors(positions: wp.array(dtype=wp.vec3d), vertices: wp.array2d(dtype=wp.int64), i: wp.int32):
    """Of the two edges of a contact."""
    return (
        positions[vertices[i, 1]] - positions[vertices[i, 0]],
        positions[vertices[i, 3]] - positions[vertices[i, 2]],
    )


@wp.func
def fading(u: wp.vec3d, v: wp.vec3d, parallel: wp.float64):
    """Its value, and its first and second derivative by |u × v|²."""
    value = unit
    slope = zero
    curvature = zero
    if parallel > zero:
        cross = wp.cross(u, v)
        ratio = wp.dot(cross, cross) / parallel
        if ratio < unit:
            value = (two - ratio) * ratio
            slope = two * (unit - ratio) / parallel
            curvature = -two / (parallel * parallel)
    return value, slope, curvature


@wp.func
def crossing_gradient(u: wp.vec3d, v: wp.vec3d):
    """Of |u × v|² by u and by v."""
    uv = wp.dot(u, v)
    return two * (wp.dot(v, v) * u - uv * v), two * (wp.dot(u, u) * v - uv * u)


@wp.func
def crossing_hessian(u: wp.vec3d, v: wp.vec3d, by_first: wp.bool, by_second: wp.bool):
    """Of |u × v|² by u (True) or v, twice."""
    identity = wp.identity(3, dtype=wp.float64)
    if by_first and by_second:
        return two * (wp.dot(v, v) * identity - wp.outer(v, v))
    if not by_first and not by_second:
        return two * (wp.dot(u, u) * identity - wp.outer(u, u))
    mixed = four * wp.outer(u, v) - two * wp.outer(v, u) - two * wp.dot(u, v) * identity
    if by_first:
        return mixed
    return wp.transpose(mixed)


@wp.kernel(module=module)
def distances(
    positions: wp.array(dtype=wp.vec3d),
    vertices: wp.array2d(dtype=wp.int64),
    fixed: wp.array2d(dtype=wp.float64),
    slopes: wp.array3d(dtype=wp.float64),
    result: wp.array(dtype=wp.float64),
):
    """Of each contact [m]."""
    i = wp.tid()
    result[i] = wp.length(shortest_way(positions, vertices, fixed, slopes, i).r)


@wp.kernel(module=module)
def normal_values(
    mode: wp.int32,
    gap: wp.float64,
    positions: wp.array(dtype=wp.vec3d),
    vertices: wp.array2d(dtype=wp.int64),
    fixed: wp.array2d(dtype=wp.float64),
    slopes: wp.array3d(dtype=wp.float64),
    weight: wp.array(dtype=wp.float64),
    parallel: wp.array(dtype=wp.float64),
    result: wp.array(dtype=wp.float64),
):
    """w f φ(d) of each contact."""
    i = wp.tid()
    way = shortest_way(positions, vertices, fixed, slopes, i)
    value, _slope, _curvature = law(mode, wp.length(way.r), gap)
    u, v = edge_vectors(positions, vertices, i)
    shown, _first, _second = fading(u, v, parallel[i])
    result[i] = weight[i] * shown * value


@wp.kernel(module=module)
def normal_gradient(
    mode: wp.int32,
    gap: wp.float64,
    positions: wp.array(dtype=wp.vec3d),
    vertices: wp.array2d(dtype=wp.int64),
    fixed: wp.array2d(dtype=wp.float64),
    slopes: wp.array3d(dtype=wp.float64),
    weight: wp.array(dtype=wp.float64),
    parallel: wp.array(dtype=wp.float64),
    numbers: wp.array(dtype=wp.int64),
    result: wp.array(dtype=wp.vec3d),
):
    """Of the sum of `normal_values`, added to `result` at the vertices that `numbers` tells."""
    i = wp.tid()
    way = shortest_way(positions, vertices, fixed, slopes, i)
    distance = wp.length(way.r)
    value, slope, _curvature = law(mode, distance, gap)
    u, v = edge_vectors(positions, vertices, i)
    shown, fade, _second = fading(u, v, parallel[i])
    pushed = weight[i] * shown * slope / distance * way.r
    by_u, by_v = crossing_gradient(u, v)
    faded = weight[i] * value * fade
    for corner in range(vertices.shape[1]):
        sign = wp.where(corner % 2 == 0, -unit, unit)
        along = wp.where(corner < 2, by_u, by_v)
        push = share(fixed, slopes, way, i, corner) * pushed + sign * faded * along
        wp.atomic_add(result, numbers[vertices[i, corner]], push)


@wp.kernel(module=module)
def normal_blocks(
    mode: wp.int32,
    gap: wp.float64,
    factor: wp.float64,
    whole: wp.array(dtype=wp.int32),
    positions: wp.array(dtype=wp.vec3d),
    vertices: wp.array2d(dtype=wp.int64),
    fixed: wp.array2d(dtype=wp.float64),
    slopes: wp.array3d(dtype=wp.float64),
    weight: wp.array(dtype=wp.float64),
    parallel: wp.array(dtype=wp.float64),
    result: wp.array3d(dtype=wp.mat33d),
):
    """`factor` times the second derivative of each contact's potential, blocks of corners; of contacts that are not
    `whole` no more than w φ″ ∇d ∇dᵀ, where that is positive."""
    i = wp.tid()
    way = shortest_way(positions, vertices, fixed, slopes, i)
    distance = wp.length(way.r)
    value, slope, curvature = law(mode, distance, gap)
    u, v = edge_vectors(positions, vertices, i)
    shown, fade, fade_twice = fading(u, v, parallel[i])
    by_u, by_v = crossing_gradient(u, v)
    scale = factor * weight[i]
    if whole[i] == 0:
        stiffness = wp.max(scale * shown * curvature, zero) / (distance * distance)
        for p in range(vertices.shape[1]):
            for q in range(vertices.shape[1]):
                both = share(fixed, slopes, way, i, p) * share(fixed, slopes, way, i, q)
                result[i, p, q] = (stiffness * both) * wp.outer(way.r, way.r)
        return
    # φ by r: slope r/d, and (φ″ − φ′/d) r rᵀ/d² + φ′/d (I − sliding).
    across = scale * shown * (curvature - slope / distance) / (distance * distance)
    along = scale * shown * slope / distance
    identity = wp.identity(3, dtype=wp.float64)
    pull = scale * slope / distance * fade
    for p in range(vertices.shape[1]):
        c_p = share(fixed, slopes, way, i, p)
        p_first = slopes[i, p, 0]
        p_second = slopes[i, p, 1]
        sign_p = wp.where(p % 2 == 0, -unit, unit)
        fade_p = sign_p * wp.where(p < 2, by_u, by_v)
        for q in range(vertices.shape[1]):
            c_q = share(fixed, slopes, way, i, q)
            q_first = slopes[i, q, 0]
            q_second = slopes[i, q, 1]
            sign_q = wp.where(q % 2 == 0, -unit, unit)
            fade_q = sign_q * wp.where(q < 2, by_u, by_v)
            # V G⁻¹ Vᵀ with V_j = B_j r + c e_j, whose rows are (B_j r + c e_j)ᵀ.
            rr = (
                way.a * p_first * q_first
                + way.b * (p_first * q_second + p_second * q_first)
                + way.c * p_second * q_second
            )
            re = c_q * (
                (way.a * p_first + way.b * p_second) * way.first + (way.b * p_first + way.c * p_second) * way.second
            )
            er = c_p * (
                (way.a * q_first + way.b * q_second) * way.first + (way.b * q_first + way.c * q_second) * way.second
            )
            ee = way.a * wp.outer(way.first, way.first) + way.c * wp.outer(way.second, way.second)
            ee += way.b * (wp.outer(way.first, way.second) + wp.outer(way.second, way.first))
            sliding = wp.outer(rr * way.r + er, way.r) + wp.outer(way.r, re) + (c_p * c_q) * ee
            block = (across * c_p * c_q) * wp.outer(way.r, way.r) + along * ((c_p * c_q) * identity - sliding)
            if fade != zero:
                block += pull * (c_p * wp.outer(way.r, fade_q) + c_q * wp.outer(fade_p, way.r))
                bent = crossing_hessian(u, v, p < 2, q < 2)
                block += (scale * value) * (fade_twice * wp.outer(fade_p, fade_q) + fade * sign_p * sign_q * bent)
            result[i, p, q] = block


@wp.func
def sliding(
    positions: wp.array(dtype=wp.vec3d),
    vertices: wp.array2d(dtype=wp.int64),
    shares: wp.array2d(dtype=wp.float64),
    plane: wp.mat33d,
    start: wp.array2d(dtype=wp.vec3d),
    i: wp.int32,
):
    """u of `engine.simulation.contact.friction`."""
    moved = wp.vec3d()
    for corner in range(vertices.shape[1]):
        moved += shares[i, corner] * (positions[vertices[i, corner]] - start[i, corner])
    return plane * moved


@wp.func
def over_size(size: wp.float64, stick: wp.float64):
    """f₁(|u|/stick) / |u|."""
    if size < stick:
        return (two - size / stick) / stick
    return unit / size


@wp.kernel(module=module)
def friction_values(
    stick: wp.float64,
    positions: wp.array(dtype=wp.vec3d),
    vertices: wp.array2d(dtype=wp.int64),
    shares: wp.array2d(dtype=wp.float64),
    plane: wp.array(dtype=wp.mat33d),
    strength: wp.array(dtype=wp.float64),
    start: wp.array2d(dtype=wp.vec3d),
    result: wp.array(dtype=wp.float64),
):
    """μ N f₀(|u|) of each contact."""
    i = wp.tid()
    size = wp.length(sliding(positions, vertices, shares, plane[i], start, i))
    path = size
    if size < stick:
        ratio = size / stick
        path = stick * (ratio * ratio - ratio * ratio * ratio / wp.float64(3.0) + unit / wp.float64(3.0))
    result[i] = strength[i] * path


@wp.kernel(module=module)
def friction_gradient(
    stick: wp.float64,
    positions: wp.array(dtype=wp.vec3d),
    vertices: wp.array2d(dtype=wp.int64),
    shares: wp.array2d(dtype=wp.float64),
    plane: wp.array(dtype=wp.mat33d),
    strength: wp.array(dtype=wp.float64),
    start: wp.array2d(dtype=wp.vec3d),
    numbers: wp.array(dtype=wp.int64),
    result: wp.array(dtype=wp.vec3d),
):
    """Of the sum of `friction_values`, added to `result` at the vertices that `numbers` tells."""
    i = wp.tid()
    u = sliding(positions, vertices, shares, plane[i], start, i)
    pulled = strength[i] * over_size(wp.length(u), stick) * u
    for corner in range(vertices.shape[1]):
        wp.atomic_add(result, numbers[vertices[i, corner]], shares[i, corner] * pulled)


@wp.kernel(module=module)
def friction_blocks(
    stick: wp.float64,
    factor: wp.float64,
    project: wp.int32,
    positions: wp.array(dtype=wp.vec3d),
    vertices: wp.array2d(dtype=wp.int64),
    shares: wp.array2d(dtype=wp.float64),
    plane: wp.array(dtype=wp.mat33d),
    strength: wp.array(dtype=wp.float64),
    start: wp.array2d(dtype=wp.vec3d),
    result: wp.array3d(dtype=wp.mat33d),
):
    """`factor` times the second derivative of `friction_values`: positive semi-definite but where the strength is
    negative, which `project` takes as none."""
    i = wp.tid()
    u = sliding(positions, vertices, shares, plane[i], start, i)
    size = wp.length(u)
    # d(f₁/|u|)/d|u| over |u|
    change = zero
    if size >= stick:
        change = -unit / (size * size * size)
    elif size > zero:
        change = -unit / (stick * stick * size)
    strong = factor * strength[i]
    if project == 1:
        strong = wp.max(strong, zero)
    inner = strong * (over_size(size, stick) * plane[i] + change * wp.outer(u, u))
    for p in range(vertices.shape[1]):
        for q in range(vertices.shape[1]):
            result[i, p, q] = (shares[i, p] * shares[i, q]) * inner
