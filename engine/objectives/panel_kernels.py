# mypy: ignore-errors
# Kernels are written in Warp's language, whose types mypy cannot follow.
"""Warp kernels of the panel method: the velocity that constant sources on flat triangles induce.

Each panel is integrated exactly (Hess and Smith, 1967; the form by edges and solid angle: Wilton et al., 1984).
"""

from __future__ import annotations

import warp as wp

from engine.core.kernels import register_module

wp.set_module_options({"enable_backward": True})


@wp.func
def of_edge(x: wp.vec3d, a: wp.vec3d, b: wp.vec3d, normal: wp.vec3d) -> wp.vec3d:
    """ν ln((|x−a| + |x−b| + l)/(|x−a| + |x−b| − l)), ν the edge's normal in the panel's plane, outward."""
    along = b - a
    length = wp.length(along)
    reach = wp.length(x - a) + wp.length(x - b)
    logarithm = wp.log((reach + length) / wp.max(reach - length, wp.float64(1.0e-14) * length))
    return (logarithm / length) * wp.cross(along, normal)


@wp.func
def source_velocity(x: wp.vec3d, a: wp.vec3d, b: wp.vec3d, c: wp.vec3d, on_panel: wp.bool) -> wp.vec3d:
    """Velocity at x of a triangle with source density 1: (n Ω + Σ ν L)/4π, Ω its signed solid angle from x.

    On the panel itself, on the outer side, Ω = 2π. Ω: van Oosterom and Strackee, 1983.
    """
    n = wp.normalize(wp.cross(b - a, c - a))
    angle = wp.float64(2.0 * 3.141592653589793)
    if not on_panel:
        ra = a - x
        rb = b - x
        rc = c - x
        la = wp.length(ra)
        lb = wp.length(rb)
        lc = wp.length(rc)
        below = la * lb * lc + wp.dot(ra, rb) * lc + wp.dot(rb, rc) * la + wp.dot(rc, ra) * lb
        angle = wp.float64(-2.0) * wp.atan2(wp.dot(ra, wp.cross(rb, rc)), below)
    flow = angle * n + of_edge(x, a, b, n) + of_edge(x, b, c, n) + of_edge(x, c, a, n)
    return flow / wp.float64(4.0 * 3.141592653589793)


@wp.func
def centroid(vertices: wp.array[wp.vec3d], triangles: wp.array2d[wp.int32], i: wp.int32) -> wp.vec3d:
    total = vertices[triangles[i, 0]] + vertices[triangles[i, 1]] + vertices[triangles[i, 2]]
    return total / wp.float64(3.0)


@wp.kernel(enable_backward=False)
def influences(vertices: wp.array[wp.vec3d], triangles: wp.array2d[wp.int32], velocity: wp.array2d[wp.vec3d]) -> None:
    """Velocity at the centroid of panel i of a unit source density on panel j."""
    i, j = wp.tid()
    velocity[i, j] = source_velocity(
        centroid(vertices, triangles, i),
        vertices[triangles[j, 0]],
        vertices[triangles[j, 1]],
        vertices[triangles[j, 2]],
        i == j,
    )


@wp.kernel
def weighted_influences(
    vertices: wp.array[wp.vec3d],
    triangles: wp.array2d[wp.int32],
    weight: wp.array[wp.vec3d],
    density: wp.array[wp.float64],
    value: wp.array[wp.float64],
) -> None:
    """Σ_ij w_i · u_ij σ_j, u_ij as in `influences`: its adjoint is the derivative in the vertices."""
    i, j = wp.tid()
    flow = source_velocity(
        centroid(vertices, triangles, i),
        vertices[triangles[j, 0]],
        vertices[triangles[j, 1]],
        vertices[triangles[j, 2]],
        i == j,
    )
    wp.atomic_add(value, 0, density[j] * wp.dot(weight[i], flow))


register_module(__name__, wp.get_module(__name__), "Flow round a body")
