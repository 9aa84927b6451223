# mypy: ignore-errors
# Kernels are written in Warp's language, whose types mypy cannot follow.
"""Warp kernels that cast the rays of a picture. Positions are in the frame of the BVH, whose longest side is 2."""

from __future__ import annotations

import warp as wp

from engine.core.kernels import register_module

wp.set_module_options({"enable_backward": False})
register_module(__name__, wp.get_module(__name__), "Pictures")

FAR = 1.0e6


@wp.func
def ray_direction(
    pixel: wp.int32,
    width: wp.int32,
    height: wp.int32,
    right: wp.vec3,
    up: wp.vec3,
    forward: wp.vec3,
) -> wp.vec3:
    """Unit direction through the middle of a pixel; `right` and `up` reach from the centre to the picture's edges."""
    x = (wp.float32(pixel % width) + 0.5) / wp.float32(width) * 2.0 - 1.0
    y = 1.0 - (wp.float32(pixel // width) + 0.5) / wp.float32(height) * 2.0
    return wp.normalize(forward + x * right + y * up)


@wp.func
def shading_normal(
    face: wp.int32,
    u: wp.float32,
    v: wp.float32,
    flat: wp.vec3,
    crease: wp.float32,
    triangles: wp.array[wp.int32],
    normals: wp.array[wp.vec3],
) -> wp.vec3:
    """Interpolated vertex normal; a corner whose normal leaves the face's by more than the crease angle stays flat."""
    a = normals[triangles[3 * face]]
    b = normals[triangles[3 * face + 1]]
    c = normals[triangles[3 * face + 2]]
    if wp.dot(a, flat) < crease:
        a = flat
    if wp.dot(b, flat) < crease:
        b = flat
    if wp.dot(c, flat) < crease:
        c = flat
    return wp.normalize(u * a + v * b + (1.0 - u - v) * c)


@wp.func
def openness(mesh: wp.uint64, point: wp.vec3, normal: wp.vec3, rays: wp.int32, seed: wp.int32) -> wp.float32:
    """Fraction of cosine-weighted rays that leave the surroundings of `point` (ambient occlusion)."""
    state = wp.rand_init(7919, seed)
    free = wp.float32(0.0)
    for _ray in range(rays):
        direction = wp.normalize(normal + wp.sample_unit_sphere_surface(state))
        query = wp.mesh_query_ray(mesh, point, direction, 0.9)
        if query.result:
            free += wp.min(query.t / 0.9, 1.0) * 0.6
        else:
            free += 1.0
    return free / wp.float32(rays)


@wp.kernel
def cast(
    mesh: wp.uint64,
    triangles: wp.array[wp.int32],
    normals: wp.array[wp.vec3],
    colours: wp.array[wp.vec3],
    crease: wp.float32,
    eye: wp.vec3,
    right: wp.vec3,
    up: wp.vec3,
    forward: wp.vec3,
    width: wp.int32,
    height: wp.int32,
    occlusion_rays: wp.int32,
    picked: wp.array[wp.int32],
    pixels: wp.array[wp.vec4],
    depths: wp.array[wp.float32],
) -> None:
    """Colour (linear, with coverage) and distance from the eye of what the middle of each picked pixel sees.

    No picked pixels means all of them.

    Diffuse light of a key lamp (upper left) and a fill lamp (right) that go with the camera, light of the sky
    by the normal's height, and a Blinn–Phong highlight of the key lamp.
    """
    i = wp.tid()
    pixel = i
    if picked.shape[0] > 0:
        pixel = picked[i]
    direction = ray_direction(pixel, width, height, right, up, forward)
    query = wp.mesh_query_ray(mesh, eye, direction, FAR)
    pixels[i] = wp.vec4(0.0, 0.0, 0.0, 0.0)
    depths[i] = wp.inf
    if query.result:
        flat = query.normal
        normal = shading_normal(query.face, query.u, query.v, flat, crease, triangles, normals)
        albedo = colours[0]
        if colours.shape[0] > 1:
            albedo = (
                query.u * colours[triangles[3 * query.face]]
                + query.v * colours[triangles[3 * query.face + 1]]
                + (1.0 - query.u - query.v) * colours[triangles[3 * query.face + 2]]
            )
        if wp.dot(flat, direction) > 0.0:
            flat = -flat
            normal = -normal
            albedo = wp.cw_mul(albedo, wp.vec3(0.55, 0.5, 0.55))
        side = wp.normalize(right)
        above = wp.normalize(up)
        key = wp.normalize(above * 0.75 - side * 0.55 - forward * 0.75)
        fill = wp.normalize(side * 0.9 + above * 0.05 - forward * 0.5)
        half_way = wp.normalize(key - direction)
        diffuse = 0.62 * wp.max(wp.dot(normal, key), 0.0) + 0.2 * wp.max(wp.dot(normal, fill), 0.0)
        sky = 0.2 + 0.12 * normal[2]
        light = wp.float32(1.0)
        if occlusion_rays > 0:
            point = eye + direction * query.t + flat * 1.0e-3
            light = openness(mesh, point, normal, occlusion_rays, pixel)
        gloss = 0.1 * wp.pow(wp.max(wp.dot(normal, half_way), 0.0), 48.0)
        seen = albedo * (sky * light + diffuse * (0.35 + 0.65 * light)) + wp.vec3(gloss, gloss, gloss) * light
        pixels[i] = wp.vec4(seen[0], seen[1], seen[2], 1.0)
        depths[i] = query.t
