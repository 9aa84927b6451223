# mypy: ignore-errors
# Kernels are written in Warp's language, whose types mypy cannot follow.
"""Warp kernels of stable Neo-Hookean tetrahedra, float64.

A tetrahedron with the edge vectors D = [x1 − x0, x2 − x0, x3 − x0] has the deformation gradient F = D R, where R is the
inverse of its rest edge vectors; its rows are the gradients of the corners' shape functions. With J = det F,

    ψ = μ/2 (F:F − 3) − μ (J − 1) + λ/2 (J − 1)²,

the energy μ/2 (I₁ − 3) + λ/2 (J − α)² of Smith, de Goes and Kim with α = 1 + μ/λ, less what it is at rest.
"""

# Annotations must be objects: no `from __future__ import annotations`.
import warp as wp

from engine.core.kernels import register_module
from engine.simulation.positive_part import positive_part3

module = wp.get_module("formwright_solid_neo_hookean")
module.options["enable_backward"] = False
register_module(__name__, module, "Soft bodies")

zero = wp.constant(wp.float64(0.0))
half = wp.constant(wp.float64(0.5))
one = wp.constant(wp.float64(1.0))


@wp.func
def deformation(
    positions: wp.array(dtype=wp.vec3d), tets: wp.array2d(dtype=wp.int64), inverse: wp.mat33d, tet: wp.int32
):
    x0 = positions[tets[tet, 0]]
    edges = wp.matrix_from_cols(
        positions[tets[tet, 1]] - x0, positions[tets[tet, 2]] - x0, positions[tets[tet, 3]] - x0
    )
    return edges * inverse


@wp.func
def column(matrix: wp.mat33d, index: wp.int32):
    return wp.vec3d(matrix[0, index], matrix[1, index], matrix[2, index])


@wp.func
def cofactor(f: wp.mat33d):
    """∂ det F / ∂F."""
    a = column(f, 0)
    b = column(f, 1)
    c = column(f, 2)
    return wp.matrix_from_cols(wp.cross(b, c), wp.cross(c, a), wp.cross(a, b))


@wp.func
def shape_gradient(inverse: wp.mat33d, corner: wp.int32):
    if corner == 0:
        return -(inverse[0] + inverse[1] + inverse[2])
    return inverse[corner - 1]


@wp.func
def growth_beyond_trace(g: wp.mat33d):
    """J − 1 − tr G with G = F − 1: its second invariant and its determinant."""
    second = g[0, 0] * g[1, 1] - g[0, 1] * g[1, 0] + g[0, 0] * g[2, 2] - g[0, 2] * g[2, 0]
    return second + g[1, 1] * g[2, 2] - g[1, 2] * g[2, 1] + wp.determinant(g)


@wp.func
def growth(f: wp.mat33d):
    """J − 1."""
    g = f - wp.identity(n=3, dtype=wp.float64)
    return wp.trace(g) + growth_beyond_trace(g)


@wp.func
def singular_values(f: wp.mat33d):
    """F = U diag(σ) Vᵀ with rotations U and V: σ in falling order of size, the last negative where F is inverted.

    From the eigenvectors of FᵀF; where F has lost a direction, any one perpendicular to the others serves.
    """
    vectors, values = wp.eig3(wp.transpose(f) * f)
    first = 0
    last = 0
    for i in range(1, 3):
        if values[i] > values[first]:
            first = i
        if values[i] <= values[last]:
            last = i
    if first == last:
        first = 0
        last = 2
    v1 = wp.normalize(column(vectors, first))
    v2 = column(vectors, 3 - first - last)
    v2 = wp.normalize(v2 - wp.dot(v1, v2) * v1)
    v3 = wp.cross(v1, v2)
    u1 = f * v1
    if wp.length(u1) <= zero:
        u1 = wp.vec3d(one, zero, zero)
    u1 = wp.normalize(u1)
    w = f * v2
    u2 = w - wp.dot(w, u1) * u1
    if wp.length(u2) <= wp.float64(1e-12) * wp.length(f * v1) or wp.length(u2) <= zero:
        axis = wp.vec3d(one, zero, zero)
        if wp.abs(u1[0]) > wp.float64(0.6):
            axis = wp.vec3d(zero, one, zero)
        u2 = axis - wp.dot(axis, u1) * u1
    u2 = wp.normalize(u2)
    u3 = wp.cross(u1, u2)
    sigma = wp.vec3d(wp.dot(u1, f * v1), wp.dot(u2, f * v2), wp.dot(u3, f * v3))
    return wp.matrix_from_cols(u1, u2, u3), sigma, wp.matrix_from_cols(v1, v2, v3)


@wp.kernel(module=module, enable_backward=False)
def energies(
    positions: wp.array(dtype=wp.vec3d),
    tets: wp.array2d(dtype=wp.int64),
    inverses: wp.array(dtype=wp.mat33d),
    volumes: wp.array(dtype=wp.float64),
    constants: wp.array(dtype=wp.vec2d),
    result: wp.array(dtype=wp.float64),
):
    """Energy of each tetrahedron [J]. constants: μ and λ [Pa]."""
    tet = wp.tid()
    m = constants[tet]
    g = deformation(positions, tets, inverses[tet], tet) - wp.identity(n=3, dtype=wp.float64)
    beyond = growth_beyond_trace(g)
    grown = wp.trace(g) + beyond
    # F:F − 3 − 2 (J − 1) = G:G − 2 (J − 1 − tr G): nothing of first order is left to cancel.
    sheared = wp.ddot(g, g) - wp.float64(2.0) * beyond
    result[tet] = volumes[tet] * half * (m[0] * sheared + m[1] * grown * grown)


@wp.kernel(module=module, enable_backward=False)
def gradients(
    positions: wp.array(dtype=wp.vec3d),
    tets: wp.array2d(dtype=wp.int64),
    inverses: wp.array(dtype=wp.mat33d),
    volumes: wp.array(dtype=wp.float64),
    constants: wp.array(dtype=wp.vec2d),
    result: wp.array(dtype=wp.vec3d),
):
    """Adds each tetrahedron's derivative to its corners [N]: P g with P = μ (F − cof F) + λ (J − 1) cof F."""
    tet = wp.tid()
    m = constants[tet]
    f = deformation(positions, tets, inverses[tet], tet)
    grown = growth(f)
    c = cofactor(f)
    stress = volumes[tet] * (m[0] * (f - c) + (m[1] * grown) * c)
    for corner in range(4):
        wp.atomic_add(result, wp.int32(tets[tet, corner]), stress * shape_gradient(inverses[tet], corner))


@wp.kernel(module=module, enable_backward=False)
def hessians(
    positions: wp.array(dtype=wp.vec3d),
    tets: wp.array2d(dtype=wp.int64),
    inverses: wp.array(dtype=wp.mat33d),
    volumes: wp.array(dtype=wp.float64),
    constants: wp.array(dtype=wp.vec2d),
    slots: wp.array2d(dtype=wp.int32),
    result: wp.array(dtype=wp.mat33d),
):
    """Adds each tetrahedron's sixteen 3 × 3 blocks to those of the matrix [N/m]:

    μ (gₐ·g_b) 1 + λ (C gₐ)(C g_b)ᵀ − s [F (gₐ × g_b)]ₓ with C = cof F and s = λ (J − 1) − μ.

    slots : block of each pair of corners, shape (tet_count, 16)
    """
    tet = wp.tid()
    m = constants[tet]
    f = deformation(positions, tets, inverses[tet], tet)
    grown = growth(f)
    c = cofactor(f)
    s = m[1] * grown - m[0]
    for a in range(4):
        ga = shape_gradient(inverses[tet], a)
        ca = c * ga
        for b in range(4):
            gb = shape_gradient(inverses[tet], b)
            block = m[1] * wp.outer(ca, c * gb) - s * wp.skew(f * wp.cross(ga, gb))
            stiffening = m[0] * wp.dot(ga, gb)
            for i in range(3):
                block[i, i] += stiffening
            wp.atomic_add(result, slots[tet, 4 * a + b], volumes[tet] * block)


@wp.kernel(module=module, enable_backward=False)
def projected_hessians(
    positions: wp.array(dtype=wp.vec3d),
    tets: wp.array2d(dtype=wp.int64),
    inverses: wp.array(dtype=wp.mat33d),
    volumes: wp.array(dtype=wp.float64),
    constants: wp.array(dtype=wp.vec2d),
    slots: wp.array2d(dtype=wp.int32),
    result: wp.array(dtype=wp.mat33d),
):
    """As `hessians`, of the positive eigenvalues of ∂²ψ/∂F² alone.

    In the axes of F = U diag(σ) Vᵀ it falls apart (Smith, de Goes and Kim, section 4.4): into A over the diagonal of
    dF' = Uᵀ dF V, Aᵢᵢ = μ + λ cᵢ², Aᵢⱼ = λ cᵢ cⱼ + s σₖ with cₖ = σᵢ σⱼ, and, for each pair dF'ᵢⱼ and dF'ⱼᵢ, into the
    eigenvalue μ − s σₖ of their sum (a flip) and μ + s σₖ of their difference (a twist).
    """
    tet = wp.tid()
    m = constants[tet]
    f = deformation(positions, tets, inverses[tet], tet)
    s = m[1] * growth(f) - m[0]
    u, sigma, v = singular_values(f)
    c = wp.vec3d(sigma[1] * sigma[2], sigma[2] * sigma[0], sigma[0] * sigma[1])
    stretching = m[1] * wp.outer(c, c) + s * wp.mat33d(
        zero, sigma[2], sigma[1], sigma[2], zero, sigma[0], sigma[1], sigma[0], zero
    )
    own = wp.vec3d()
    swapped = wp.vec3d()
    for k in range(3):
        stretching[k, k] += m[0]
        flip = wp.max(m[0] - s * sigma[k], zero)
        twist = wp.max(m[0] + s * sigma[k], zero)
        own[k] = half * (flip + twist)
        swapped[k] = half * (flip - twist)
    stretching = positive_part3(stretching)
    for a in range(4):
        ga = wp.transpose(v) * shape_gradient(inverses[tet], a)
        for b in range(4):
            gb = wp.transpose(v) * shape_gradient(inverses[tet], b)
            block = wp.mat33d()
            for i in range(3):
                j = (i + 1) % 3
                k = (i + 2) % 3
                block[i, i] = stretching[i, i] * ga[i] * gb[i] + own[k] * ga[j] * gb[j] + own[j] * ga[k] * gb[k]
                block[i, j] = stretching[i, j] * ga[i] * gb[j] + swapped[k] * ga[j] * gb[i]
                block[j, i] = stretching[j, i] * ga[j] * gb[i] + swapped[k] * ga[i] * gb[j]
            wp.atomic_add(result, slots[tet, 4 * a + b], volumes[tet] * (u * block * wp.transpose(u)))
