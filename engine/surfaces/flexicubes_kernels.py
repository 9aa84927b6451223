# mypy: ignore-errors
# Kernels are written in Warp's language, whose types mypy cannot follow.
"""Warp kernels of FlexiCubes (arXiv 2308.05371, section 4) with hand-written adjoints, one module a precision.

A node may carry a fourth coordinate, the manifold signed distance of G-Shell (arXiv 2310.15168): it is interpolated by
the very weights that place the vertices, and so is differentiated with them.

Nodes are rows of the active set. In the table of a cell's corners a negative entry −2 − r is a virtual node outside the
grid: it lies on top of row r and has the constant value `OUTSIDE`, which no gradient reaches.
"""

# Annotations depend on the precision, so they must be objects: no `from __future__ import annotations`.
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
import warp as wp

from engine.core.kernels import register_module

OUTSIDE = 1.0
"""Value of the virtual nodes. Crossings on their edges do not depend on it, since both ends coincide."""


@dataclass(frozen=True)
class ConnectivityKernels:
    """The kernels that know signs alone."""

    classify: wp.Kernel
    build_quads: wp.Kernel


@dataclass(frozen=True)
class FlexiCubesKernels:
    """The kernels of one precision and number of coordinates."""

    dual_vertices: wp.Kernel
    dual_vertices_adjoint: wp.Kernel
    quad_centres: wp.Kernel
    quad_centres_adjoint: wp.Kernel


@lru_cache(maxsize=4)
def flexicubes_kernels(dtype: torch.dtype, coordinates: int = 3) -> FlexiCubesKernels:
    """Kernels for float32 or float64; with 4 coordinates the last is carried along and has no length."""
    scalar = wp.float64 if dtype == torch.float64 else wp.float32
    return _make(scalar, coordinates, flexicubes_module(dtype, coordinates))


def flexicubes_module(dtype: torch.dtype, coordinates: int = 3) -> wp.Module:
    """The module in which `flexicubes_kernels` are compiled."""
    surface = "flexicubes" if coordinates == 3 else "gshell"
    return wp.get_module(f"formwright_{surface}_{'float64' if dtype == torch.float64 else 'float32'}")


@lru_cache(maxsize=1)
def connectivity_kernels() -> ConnectivityKernels:
    """Kernels that find dual vertices and quads."""
    module = flexicubes_module(torch.float32)

    @wp.kernel(module=module, enable_backward=False)
    def classify(
        cells: wp.array(dtype=wp.int64),
        dense_cases: wp.array(dtype=wp.uint8),
        node_rows: wp.array(dtype=wp.int32),
        corner_offsets: wp.array(dtype=wp.int64),
        strides: wp.vec3i,
        ambiguous_face: wp.array(dtype=wp.int32),
        group_count: wp.array(dtype=wp.int32),
        slots: wp.array(dtype=wp.int32),
        cases: wp.array(dtype=wp.int32),
        counts: wp.array(dtype=wp.int32),
        corners: wp.array2d(dtype=wp.int32),
        crossed: wp.array2d(dtype=wp.uint8),
    ):
        """Case of each surface cell, rows of its corners, and which of the three edges at its lowest corner cross.

        Two cells at a face whose four edges are in one group on either side take the inverted case both, or an edge of
        the mesh would have four faces.
        """
        slot = wp.tid()
        cell = cells[slot]
        case = wp.int32(dense_cases[cell])
        effective = case
        face = ambiguous_face[case]
        if face >= 0:
            axis = face >> 1
            step = strides[axis]
            if (face & 1) == 0:
                step = -step
            if ambiguous_face[wp.int32(dense_cases[cell + wp.int64(step)])] == (face ^ 1):
                effective = 255 - case
        slots[cell] = slot
        cases[slot] = case + (effective << 8)
        counts[slot] = group_count[effective]
        for corner in range(8):
            corners[slot, corner] = node_rows[cell + corner_offsets[corner]]
        crossed[slot, 0] = wp.uint8((case ^ (case >> 1)) & 1)
        crossed[slot, 1] = wp.uint8((case ^ (case >> 2)) & 1)
        crossed[slot, 2] = wp.uint8((case ^ (case >> 4)) & 1)

    @wp.kernel(module=module, enable_backward=False)
    def build_quads(
        cells: wp.array(dtype=wp.int64),
        cases: wp.array(dtype=wp.int32),
        corners: wp.array2d(dtype=wp.int32),
        first_dual: wp.array(dtype=wp.int32),
        slots: wp.array(dtype=wp.int32),
        edge_group: wp.array2d(dtype=wp.int32),
        edges: wp.array(dtype=wp.int64),
        strides: wp.vec3i,
        centre_offset: wp.int32,
        quad_duals: wp.array2d(dtype=wp.int32),
        quad_slots: wp.array2d(dtype=wp.int32),
        triangles: wp.array2d(dtype=wp.int32),
        crossing_rows: wp.array2d(dtype=wp.int64),
    ):
        """The four cells round each crossed edge (3 · slot + axis of its lowest cell), counter-clockwise from outside.

        quad_duals, quad_slots : dual vertex and surface cell of each corner, shape (quad_count, 4)
        triangles : four a quad, round its centre `centre_offset` + quad, shape (4 · quad_count, 3)
        crossing_rows : corner entries of the two nodes of the edge, shape (quad_count, 2)
        """
        quad = wp.tid()
        edge = wp.int32(edges[quad])
        own = edge // 3
        axis = edge - 3 * own
        crossing_rows[quad, 0] = wp.int64(corners[own, 0])
        crossing_rows[quad, 1] = wp.int64(corners[own, 1 << axis])
        second = (axis + 1) % 3
        third = (axis + 2) % 3
        inside_first = cases[own] & 1
        for turn in range(4):
            i = wp.int32(0)
            j = wp.int32(0)
            if turn == 1 or turn == 2:
                i = 1
            if turn >= 2:
                j = 1
            slot = slots[cells[own] - wp.int64(i * strides[second] + j * strides[third])]
            dual = first_dual[slot] + edge_group[cases[slot] >> 8, 4 * axis + i + 2 * j]
            corner = turn
            if inside_first == 0:
                corner = 3 - turn
            quad_duals[quad, corner] = dual
            quad_slots[quad, corner] = slot
        for corner in range(4):
            triangles[4 * quad + corner, 0] = quad_duals[quad, corner]
            triangles[4 * quad + corner, 1] = quad_duals[quad, (corner + 1) % 4]
            triangles[4 * quad + corner, 2] = centre_offset + quad

    return ConnectivityKernels(classify, build_quads)


def _make(Scalar: Any, coordinates: int, module: wp.Module) -> FlexiCubesKernels:
    Vector = wp.types.vector(coordinates, Scalar)
    Distances = wp.types.vector(7, Scalar)
    # Its square, by which slopes are divided, is still a number in float32.
    tiny = Scalar(1.0e-18)
    half = Scalar(0.5)
    zero = Scalar(0.0)
    one = Scalar(1.0)
    outside = Scalar(OUTSIDE)

    if coordinates == 3:

        @wp.func
        def spatial(v: Vector):
            return v

    else:

        @wp.func
        def spatial(v: Vector):
            """Without what is carried along."""
            return Vector(v[0], v[1], v[2], zero)

    @wp.func
    def node_row(corner: wp.int32):
        """Row of a corner entry, virtual or not."""
        if corner < 0:
            return -2 - corner
        return corner

    @wp.func
    def node_value(values: wp.array(dtype=Scalar), corner: wp.int32):
        if corner < 0:
            return outside
        return values[corner]

    @wp.func
    def crossing(a: Scalar, b: Scalar):
        """Fraction of the way from the node with value a to the one with value b, of opposite signs."""
        difference = a - b
        if wp.abs(difference) < tiny:
            return half
        return a / difference

    @wp.func
    def sign(x: Scalar):
        """−1, 0 or 1: the derivative of |x|."""
        if x > zero:
            return one
        if x < zero:
            return -one
        return zero

    @wp.kernel(module=module, enable_backward=False)
    def dual_vertices(
        cases: wp.array(dtype=wp.int32),
        corners: wp.array2d(dtype=wp.int32),
        first_dual: wp.array(dtype=wp.int32),
        group_count: wp.array(dtype=wp.int32),
        group_edges: wp.array3d(dtype=wp.int32),
        edge_corners: wp.array2d(dtype=wp.int32),
        positions: wp.array(dtype=Vector),
        values: wp.array(dtype=Scalar),
        weights: wp.array2d(dtype=Scalar),
        vertices: wp.array(dtype=Vector),
        regularity: wp.array(dtype=Scalar),
    ):
        """v = Σ β_e u_e / Σ β_e with u_e the crossing of α s, and the mean absolute deviation of |u⁰_e − v|, for each
        group of each surface cell. `weights` are the activated α[8], β[12], γ of the surface cells."""
        slot = wp.tid()
        case = cases[slot] >> 8
        for group in range(group_count[case]):
            weighted = Vector()
            total = zero
            count = wp.int32(0)
            for k in range(7):
                edge = group_edges[case, group, k]
                if edge < 0:
                    break
                low = edge_corners[edge, 0]
                high = edge_corners[edge, 1]
                a = corners[slot, low]
                b = corners[slot, high]
                xa = positions[node_row(a)]
                xb = positions[node_row(b)]
                t = crossing(weights[slot, low] * node_value(values, a), weights[slot, high] * node_value(values, b))
                beta = weights[slot, 8 + edge]
                weighted += beta * (xa + t * (xb - xa))
                total += beta
                count += 1
            v = weighted / total
            distances = Distances()
            mean = zero
            for k in range(count):
                edge = group_edges[case, group, k]
                a = corners[slot, edge_corners[edge, 0]]
                b = corners[slot, edge_corners[edge, 1]]
                xa = positions[node_row(a)]
                t = crossing(node_value(values, a), node_value(values, b))
                distance = wp.length(spatial(xa + t * (positions[node_row(b)] - xa) - v))
                distances[k] = distance
                mean += distance
            mean = mean / Scalar(count)
            deviation = zero
            for k in range(count):
                deviation += wp.abs(distances[k] - mean)
            dual = first_dual[slot] + group
            vertices[dual] = v
            regularity[dual] = deviation / Scalar(count)

    @wp.kernel(module=module, enable_backward=False)
    def dual_vertices_adjoint(
        cases: wp.array(dtype=wp.int32),
        corners: wp.array2d(dtype=wp.int32),
        first_dual: wp.array(dtype=wp.int32),
        group_count: wp.array(dtype=wp.int32),
        group_edges: wp.array3d(dtype=wp.int32),
        edge_corners: wp.array2d(dtype=wp.int32),
        positions: wp.array(dtype=Vector),
        values: wp.array(dtype=Scalar),
        weights: wp.array2d(dtype=Scalar),
        vertices: wp.array(dtype=Vector),
        grad_vertices: wp.array(dtype=Vector),
        grad_regularity: wp.array(dtype=Scalar),
        has_regularity: wp.bool,
        grad_positions: wp.array(dtype=Vector),
        grad_values: wp.array(dtype=Scalar),
        grad_weights: wp.array2d(dtype=Scalar),
    ):
        """Adjoint of `dual_vertices`. With t = A/(A − B): dt/dA = −B/(A − B)², dt/dB = A/(A − B)²."""
        slot = wp.tid()
        case = cases[slot] >> 8
        for group in range(group_count[case]):
            dual = first_dual[slot] + group
            v = vertices[dual]
            grad_v = grad_vertices[dual]
            total = zero
            count = wp.int32(0)
            distances = Distances()
            mean = zero
            for k in range(7):
                edge = group_edges[case, group, k]
                if edge < 0:
                    break
                total += weights[slot, 8 + edge]
                count += 1
                if has_regularity:
                    a = corners[slot, edge_corners[edge, 0]]
                    b = corners[slot, edge_corners[edge, 1]]
                    xa = positions[node_row(a)]
                    t = crossing(node_value(values, a), node_value(values, b))
                    distance = wp.length(spatial(xa + t * (positions[node_row(b)] - xa) - v))
                    distances[k] = distance
                    mean += distance
            mean = mean / Scalar(count)

            grad_deviation = zero
            mean_sign = zero
            if has_regularity:
                grad_deviation = grad_regularity[dual] / Scalar(count)
                for k in range(count):
                    mean_sign += sign(distances[k] - mean)
                mean_sign = mean_sign / Scalar(count)
                for k in range(count):
                    edge = group_edges[case, group, k]
                    low = edge_corners[edge, 0]
                    high = edge_corners[edge, 1]
                    a = corners[slot, low]
                    b = corners[slot, high]
                    row_a = node_row(a)
                    row_b = node_row(b)
                    sa = node_value(values, a)
                    sb = node_value(values, b)
                    t = crossing(sa, sb)
                    along = positions[row_b] - positions[row_a]
                    arm = spatial(positions[row_a] + t * along - v)
                    distance = distances[k]
                    if distance > tiny:
                        grad_u = (grad_deviation * (sign(distance - mean) - mean_sign) / distance) * arm
                        grad_v -= grad_u
                        grad_t = wp.dot(grad_u, along)
                        wp.atomic_add(grad_positions, row_a, (one - t) * grad_u)
                        wp.atomic_add(grad_positions, row_b, t * grad_u)
                        difference = sa - sb
                        if wp.abs(difference) >= tiny:
                            factor = grad_t / (difference * difference)
                            if a >= 0:
                                wp.atomic_add(grad_values, row_a, -sb * factor)
                            if b >= 0:
                                wp.atomic_add(grad_values, row_b, sa * factor)

            for k in range(count):
                edge = group_edges[case, group, k]
                low = edge_corners[edge, 0]
                high = edge_corners[edge, 1]
                a = corners[slot, low]
                b = corners[slot, high]
                row_a = node_row(a)
                row_b = node_row(b)
                sa = node_value(values, a)
                sb = node_value(values, b)
                alpha_a = weights[slot, low]
                alpha_b = weights[slot, high]
                A = alpha_a * sa
                B = alpha_b * sb
                t = crossing(A, B)
                along = positions[row_b] - positions[row_a]
                u = positions[row_a] + t * along
                grad_weights[slot, 8 + edge] = wp.dot(u - v, grad_v) / total
                grad_u = (weights[slot, 8 + edge] / total) * grad_v
                grad_t = wp.dot(grad_u, along)
                wp.atomic_add(grad_positions, row_a, (one - t) * grad_u)
                wp.atomic_add(grad_positions, row_b, t * grad_u)
                difference = A - B
                if wp.abs(difference) >= tiny:
                    factor = grad_t / (difference * difference)
                    grad_A = -B * factor
                    grad_B = A * factor
                    grad_weights[slot, low] = grad_weights[slot, low] + sa * grad_A
                    grad_weights[slot, high] = grad_weights[slot, high] + sb * grad_B
                    if a >= 0:
                        wp.atomic_add(grad_values, row_a, alpha_a * grad_A)
                    if b >= 0:
                        wp.atomic_add(grad_values, row_b, alpha_b * grad_B)

    @wp.kernel(module=module, enable_backward=False)
    def quad_centres(
        quad_duals: wp.array2d(dtype=wp.int32),
        quad_slots: wp.array2d(dtype=wp.int32),
        weights: wp.array2d(dtype=Scalar),
        centre_offset: wp.int32,
        vertices: wp.array(dtype=Vector),
    ):
        """v_c = [γ0 γ2 (v0 + v2)/2 + γ1 γ3 (v1 + v3)/2] / (γ0 γ2 + γ1 γ3)."""
        quad = wp.tid()
        even = weights[quad_slots[quad, 0], 20] * weights[quad_slots[quad, 2], 20]
        odd = weights[quad_slots[quad, 1], 20] * weights[quad_slots[quad, 3], 20]
        middle_even = half * (vertices[quad_duals[quad, 0]] + vertices[quad_duals[quad, 2]])
        middle_odd = half * (vertices[quad_duals[quad, 1]] + vertices[quad_duals[quad, 3]])
        vertices[centre_offset + quad] = (even * middle_even + odd * middle_odd) / (even + odd)

    @wp.kernel(module=module, enable_backward=False)
    def quad_centres_adjoint(
        quad_duals: wp.array2d(dtype=wp.int32),
        quad_slots: wp.array2d(dtype=wp.int32),
        weights: wp.array2d(dtype=Scalar),
        centre_offset: wp.int32,
        vertices: wp.array(dtype=Vector),
        grad_vertices: wp.array(dtype=Vector),
        grad_weights: wp.array2d(dtype=Scalar),
    ):
        """Adjoint of `quad_centres`; adds to the rows of the dual vertices in `grad_vertices`."""
        quad = wp.tid()
        d0 = quad_duals[quad, 0]
        d1 = quad_duals[quad, 1]
        d2 = quad_duals[quad, 2]
        d3 = quad_duals[quad, 3]
        c0 = quad_slots[quad, 0]
        c1 = quad_slots[quad, 1]
        c2 = quad_slots[quad, 2]
        c3 = quad_slots[quad, 3]
        even = weights[c0, 20] * weights[c2, 20]
        odd = weights[c1, 20] * weights[c3, 20]
        total = even + odd
        grad = grad_vertices[centre_offset + quad]
        along = half * ((vertices[d0] + vertices[d2]) - (vertices[d1] + vertices[d3]))
        slope = wp.dot(grad, along) / (total * total)
        wp.atomic_add(grad_weights, c0, 20, slope * odd * weights[c2, 20])
        wp.atomic_add(grad_weights, c2, 20, slope * odd * weights[c0, 20])
        wp.atomic_add(grad_weights, c1, 20, -slope * even * weights[c3, 20])
        wp.atomic_add(grad_weights, c3, 20, -slope * even * weights[c1, 20])
        share_even = (half * even / total) * grad
        share_odd = (half * odd / total) * grad
        wp.atomic_add(grad_vertices, d0, share_even)
        wp.atomic_add(grad_vertices, d2, share_even)
        wp.atomic_add(grad_vertices, d1, share_odd)
        wp.atomic_add(grad_vertices, d3, share_odd)

    return FlexiCubesKernels(dual_vertices, dual_vertices_adjoint, quad_centres, quad_centres_adjoint)


register_module(__name__, flexicubes_module(torch.float32), "FlexiCubes")
connectivity_kernels()
flexicubes_kernels(torch.float32)
