# mypy: ignore-errors
# Kernels are written in Warp's language, whose types mypy cannot follow.
"""Warp kernels of the angle between two faces, float64: the difference of two angles of `bending_kernels`.

A hinge has the vertices x0, x1 of its edge, and x2, x3 across it in the first and second face. What depends on the
edge's frame is the same in both faces and cancels.
"""

# Annotations must be objects: no `from __future__ import annotations`.
import warp as wp

from engine.core.kernels import register_module
from engine.simulation.shell.bending_kernels import Forms, forms_of, products, side_of, turn

module = wp.get_module("formwright_shell_hinges")
module.options["enable_backward"] = False
register_module(__name__, module, "Hinges of thin shells")

vec12 = wp.types.vector(12, wp.float64)
mat99 = wp.types.matrix((9, 9), wp.float64)
mat1212 = wp.types.matrix((12, 12), wp.float64)


@wp.func
def corner(local: wp.int32, face: wp.int32):
    """Vertex of a hinge that is corner `local` (start, end, opposite) of its first or second face."""
    if local == 2:
        return 2 + face
    return local


@wp.func
def forms_at(positions: wp.array(dtype=wp.vec3d), hinges: wp.array2d(dtype=wp.int64), hinge: wp.int32, face: wp.int32):
    side = side_of(positions[hinges[hinge, 0]], positions[hinges[hinge, 1]], positions[hinges[hinge, 2 + face]])
    return forms_of(side, side.t, 0, 1, 2)


@wp.func
def derivative(one: Forms, other: Forms):
    result = vec12()
    for a in range(3):
        for i in range(3):
            result[3 * corner(a, 1) + i] += other.gradient[3 * a + i]
            result[3 * corner(a, 0) + i] -= one.gradient[3 * a + i]
    return result


@wp.func
def add_block(matrix: mat1212, block: mat99, face: wp.int32):
    for a in range(3):
        for b in range(3):
            for i in range(3):
                for j in range(3):
                    matrix[3 * corner(a, face) + i, 3 * corner(b, face) + j] += block[3 * a + i, 3 * b + j]
    return matrix


@wp.kernel(module=module, enable_backward=False)
def angles(
    positions: wp.array(dtype=wp.vec3d),
    hinges: wp.array2d(dtype=wp.int64),
    near: wp.array(dtype=wp.float64),
    result: wp.array(dtype=wp.float64),
):
    """Angle between the faces' normals [rad]: of those that differ by whole turns the one nearest to `near`."""
    hinge = wp.tid()
    start = positions[hinges[hinge, 0]]
    axis = wp.normalize(positions[hinges[hinge, 1]] - start)
    one = wp.cross(axis, positions[hinges[hinge, 2]] - start)
    other = wp.cross(positions[hinges[hinge, 3]] - start, axis)
    angle = wp.atan2(wp.dot(axis, wp.cross(one, other)), wp.dot(one, other))
    result[hinge] = angle + turn * wp.round((near[hinge] - angle) / turn)


@wp.kernel(module=module, enable_backward=False)
def push_angles(
    positions: wp.array(dtype=wp.vec3d),
    hinges: wp.array2d(dtype=wp.int64),
    motion: wp.array(dtype=wp.vec3d),
    result: wp.array(dtype=wp.float64),
):
    """Change of the angles when the vertices move by `motion`."""
    hinge = wp.tid()
    gradient = derivative(forms_at(positions, hinges, hinge, 0), forms_at(positions, hinges, hinge, 1))
    total = wp.float64(0.0)
    for a in range(4):
        for i in range(3):
            total += gradient[3 * a + i] * motion[hinges[hinge, a]][i]
    result[hinge] = total


@wp.kernel(module=module, enable_backward=False)
def pull_angles(
    positions: wp.array(dtype=wp.vec3d),
    hinges: wp.array2d(dtype=wp.int64),
    weights: wp.array(dtype=wp.float64),
    result: wp.array(dtype=wp.vec3d),
):
    """Adds the derivative of Σ weights · angle to the vertices."""
    hinge = wp.tid()
    gradient = weights[hinge] * derivative(forms_at(positions, hinges, hinge, 0), forms_at(positions, hinges, hinge, 1))
    for a in range(4):
        part = wp.vec3d(gradient[3 * a], gradient[3 * a + 1], gradient[3 * a + 2])
        wp.atomic_add(result, wp.int32(hinges[hinge, a]), part)


@wp.kernel(module=module, enable_backward=False)
def hessians(
    positions: wp.array(dtype=wp.vec3d),
    hinges: wp.array2d(dtype=wp.int64),
    stiffness: wp.array(dtype=wp.float64),
    moments: wp.array(dtype=wp.float64),
    project: wp.int32,
    slots: wp.array2d(dtype=wp.int32),
    blocks: wp.array(dtype=wp.mat33d),
):
    """Adds each hinge's second derivative. slots : block of each pair of its vertices, shape (hinge_count, 16)"""
    hinge = wp.tid()
    one = forms_at(positions, hinges, hinge, 0)
    other = forms_at(positions, hinges, hinge, 1)
    gradient = derivative(one, other)
    h = stiffness[hinge] * wp.outer(gradient, gradient)
    h = add_block(h, products(one, -moments[hinge], project), 0)
    h = add_block(h, products(other, moments[hinge], project), 1)
    for a in range(4):
        for b in range(4):
            block = wp.mat33d()
            for i in range(3):
                for j in range(3):
                    block[i, j] = h[3 * a + i, 3 * b + j]
            wp.atomic_add(blocks, slots[hinge, 4 * a + b], block)
