# mypy: ignore-errors
# Kernels are written in Warp's language, whose types mypy cannot follow.
"""Warp kernels of the constant-strain membrane, float64.

A triangle with the edge vectors D = [x1 − x0, x2 − x0] has the deformation gradient F = D R, where R is the inverse of
its rest edge vectors in the plane, and the Green strain E = (FᵀF − 1)/2 in the order (E11, E22, 2 E12). Every law gives
the stress S = ∂ψ/∂E and the tangent T = ∂S/∂E.
"""

# Annotations must be objects: no `from __future__ import annotations`.
import warp as wp

from engine.core.kernels import register_module
from engine.simulation.positive_part import positive_part3

module = wp.get_module("formwright_shell_membrane")
module.options["enable_backward"] = False
register_module(__name__, module, "Stretching of thin shells")

ST_VENANT_KIRCHHOFF = 0
NEO_HOOKEAN = 1

mat32 = wp.types.matrix((3, 2), wp.float64)
vec6 = wp.types.vector(6, wp.float64)
vec4 = wp.types.vector(4, wp.float64)

zero = wp.constant(wp.float64(0.0))
half = wp.constant(wp.float64(0.5))
one = wp.constant(wp.float64(1.0))
two = wp.constant(wp.float64(2.0))


@wp.func
def deformation(x0: wp.vec3d, x1: wp.vec3d, x2: wp.vec3d, inverse: vec4):
    """Columns of the deformation gradient."""
    a = x1 - x0
    b = x2 - x0
    return a * inverse[0] + b * inverse[2], a * inverse[1] + b * inverse[3]


@wp.func
def linear_stress(moduli: vec6, strain: wp.vec3d):
    """moduli: T11, T22, T33, T12, T13, T23."""
    return wp.vec3d(
        moduli[0] * strain[0] + moduli[3] * strain[1] + moduli[4] * strain[2],
        moduli[3] * strain[0] + moduli[1] * strain[1] + moduli[5] * strain[2],
        moduli[4] * strain[0] + moduli[5] * strain[1] + moduli[2] * strain[2],
    )


@wp.func
def neo_hookean_stress(moduli: vec6, strain: wp.vec3d):
    """Stable Neo-Hookean in plane stress; moduli: μ and r = 1 − 2ν. S = μ (1, 1, 0) − β cof C."""
    c = wp.vec3d(one + two * strain[1], one + two * strain[0], -strain[2])
    s = moduli[1] + c[0] * c[1] - c[2] * c[2]
    beta = moduli[0] * (one + moduli[1]) * (one + moduli[1]) / (s * s)
    return wp.vec3d(moduli[0], moduli[0], zero) - beta * c


@wp.func
def neo_hookean_tangent(moduli: vec6, strain: wp.vec3d):
    c = wp.vec3d(one + two * strain[1], one + two * strain[0], -strain[2])
    s = moduli[1] + c[0] * c[1] - c[2] * c[2]
    beta = moduli[0] * (one + moduli[1]) * (one + moduli[1]) / (s * s)
    return wp.outer(c, c) * (wp.float64(4.0) * beta / s) + beta * wp.mat33d(
        zero, -two, zero, -two, zero, zero, zero, zero, one
    )


@wp.func
def stress_of(law: wp.int32, moduli: vec6, strain: wp.vec3d):
    if law == NEO_HOOKEAN:
        return neo_hookean_stress(moduli, strain)
    return linear_stress(moduli, strain)


@wp.func
def tangent_of(law: wp.int32, moduli: vec6, strain: wp.vec3d):
    if law == NEO_HOOKEAN:
        return neo_hookean_tangent(moduli, strain)
    return wp.mat33d(
        moduli[0],
        moduli[3],
        moduli[4],
        moduli[3],
        moduli[1],
        moduli[5],
        moduli[4],
        moduli[5],
        moduli[2],
    )


@wp.func
def green_strain(f1: wp.vec3d, f2: wp.vec3d):
    return wp.vec3d(half * (wp.dot(f1, f1) - one), half * (wp.dot(f2, f2) - one), wp.dot(f1, f2))


@wp.func
def shape_gradient(inverse: vec4, corner: wp.int32):
    """Gradient of a corner's shape function in the rest plane."""
    if corner == 1:
        return wp.vec2d(inverse[0], inverse[1])
    if corner == 2:
        return wp.vec2d(inverse[2], inverse[3])
    return wp.vec2d(-inverse[0] - inverse[2], -inverse[1] - inverse[3])


@wp.func
def strain_gradient(f1: wp.vec3d, f2: wp.vec3d, g: wp.vec2d):
    """Rows: derivative of the three strains in the position of the corner with the shape gradient g."""
    mixed = g[1] * f1 + g[0] * f2
    return wp.mat33d(
        g[0] * f1[0],
        g[0] * f1[1],
        g[0] * f1[2],
        g[1] * f2[0],
        g[1] * f2[1],
        g[1] * f2[2],
        mixed[0],
        mixed[1],
        mixed[2],
    )


@wp.func
def positive_part2(a: wp.float64, b: wp.float64, c: wp.float64):
    """The symmetric matrix [[a, c], [c, b]] without its negative eigenvalues, as (a, b, c)."""
    mean = half * (a + b)
    radius = wp.sqrt(wp.float64(0.25) * (a - b) * (a - b) + c * c)
    low = mean - radius
    high = mean + radius
    if low >= zero:
        return wp.vec3d(a, b, c)
    if high <= zero:
        return wp.vec3d(zero, zero, zero)
    # high · v vᵀ, with v vᵀ = (M − low) / (high − low)
    scale = high / (high - low)
    return wp.vec3d(scale * (a - low), scale * (b - low), scale * c)


@wp.kernel(module=module, enable_backward=False)
def energies(
    positions: wp.array(dtype=wp.vec3d),
    triangles: wp.array2d(dtype=wp.int64),
    inverses: wp.array(dtype=vec4),
    volumes: wp.array(dtype=wp.float64),
    moduli: wp.array(dtype=vec6),
    law: wp.int32,
    result: wp.array(dtype=wp.float64),
):
    """Energy of each triangle [J]. volumes: rest area times thickness."""
    face = wp.tid()
    f1, f2 = deformation(
        positions[triangles[face, 0]], positions[triangles[face, 1]], positions[triangles[face, 2]], inverses[face]
    )
    strain = green_strain(f1, f2)
    m = moduli[face]
    if law == NEO_HOOKEAN:
        # Trace t less (1 + r) d / 2 (1 + r + d), brought together: nothing of first order is left to cancel.
        t = strain[0] + strain[1]
        q = wp.float64(4.0) * strain[0] * strain[1] - strain[2] * strain[2]
        d = two * t + q
        result[face] = volumes[face] * m[0] * (t * d - half * (one + m[1]) * q) / (one + m[1] + d)
    else:
        result[face] = volumes[face] * half * wp.dot(strain, linear_stress(m, strain))


@wp.kernel(module=module, enable_backward=False)
def gradients(
    positions: wp.array(dtype=wp.vec3d),
    triangles: wp.array2d(dtype=wp.int64),
    inverses: wp.array(dtype=vec4),
    volumes: wp.array(dtype=wp.float64),
    moduli: wp.array(dtype=vec6),
    law: wp.int32,
    result: wp.array(dtype=wp.vec3d),
):
    """Adds each triangle's derivative to its corners [N]."""
    face = wp.tid()
    f1, f2 = deformation(
        positions[triangles[face, 0]], positions[triangles[face, 1]], positions[triangles[face, 2]], inverses[face]
    )
    s = volumes[face] * stress_of(law, moduli[face], green_strain(f1, f2))
    p1 = s[0] * f1 + s[2] * f2
    p2 = s[2] * f1 + s[1] * f2
    g1 = shape_gradient(inverses[face], 1)
    g2 = shape_gradient(inverses[face], 2)
    a = g1[0] * p1 + g1[1] * p2
    b = g2[0] * p1 + g2[1] * p2
    wp.atomic_add(result, wp.int32(triangles[face, 0]), -a - b)
    wp.atomic_add(result, wp.int32(triangles[face, 1]), a)
    wp.atomic_add(result, wp.int32(triangles[face, 2]), b)


@wp.kernel(module=module, enable_backward=False)
def predicted_stresses(
    positions: wp.array(dtype=wp.vec3d),
    triangles: wp.array2d(dtype=wp.int64),
    inverses: wp.array(dtype=vec4),
    volumes: wp.array(dtype=wp.float64),
    moduli: wp.array(dtype=vec6),
    law: wp.int32,
    motion: wp.array(dtype=wp.vec3d),
    result: wp.array(dtype=wp.vec3d),
):
    """Stress of each triangle after `motion`, to first order: S + T δE [Pa]."""
    face = wp.tid()
    a = triangles[face, 0]
    b = triangles[face, 1]
    c = triangles[face, 2]
    f1, f2 = deformation(positions[a], positions[b], positions[c], inverses[face])
    d1, d2 = deformation(motion[a], motion[b], motion[c], inverses[face])
    strain = green_strain(f1, f2)
    change = wp.vec3d(wp.dot(f1, d1), wp.dot(f2, d2), wp.dot(f1, d2) + wp.dot(d1, f2))
    m = moduli[face]
    result[face] = stress_of(law, m, strain) + tangent_of(law, m, strain) * change


@wp.kernel(module=module, enable_backward=False)
def hessians(
    positions: wp.array(dtype=wp.vec3d),
    triangles: wp.array2d(dtype=wp.int64),
    inverses: wp.array(dtype=vec4),
    volumes: wp.array(dtype=wp.float64),
    moduli: wp.array(dtype=vec6),
    law: wp.int32,
    stresses: wp.array(dtype=wp.vec3d),
    project: wp.int32,
    slots: wp.array2d(dtype=wp.int32),
    result: wp.array(dtype=wp.mat33d),
):
    """Adds each triangle's nine 3 × 3 blocks BᵀTB + (gᵀ S g) 1 to those of the matrix [N/m].

    With `project` the tangent T and the stress S lose their negative eigenvalues: both terms are then semi-definite.
    stresses : S [Pa], shape (face_count,): those of `predicted_stresses`
    slots : block of each pair of corners, shape (face_count, 9)
    """
    face = wp.tid()
    f1, f2 = deformation(
        positions[triangles[face, 0]], positions[triangles[face, 1]], positions[triangles[face, 2]], inverses[face]
    )
    strain = green_strain(f1, f2)
    s = stresses[face]
    tangent = tangent_of(law, moduli[face], strain)
    if project != 0:
        s = positive_part2(s[0], s[1], s[2])
        if law == NEO_HOOKEAN:
            tangent = positive_part3(tangent)
    s = volumes[face] * s
    tangent = volumes[face] * tangent
    for a in range(3):
        ga = shape_gradient(inverses[face], a)
        ba = wp.transpose(strain_gradient(f1, f2, ga)) * tangent
        sa = wp.vec2d(s[0] * ga[0] + s[2] * ga[1], s[2] * ga[0] + s[1] * ga[1])
        for b in range(3):
            gb = shape_gradient(inverses[face], b)
            block = ba * strain_gradient(f1, f2, gb)
            stiffening = wp.dot(sa, gb)
            for i in range(3):
                block[i, i] += stiffening
            wp.atomic_add(result, slots[face, 3 * a + b], block)
