# mypy: ignore-errors
# Kernels are written in Warp's language, whose types mypy cannot follow.
"""A Warp function that kernels share."""

# Annotations must be objects: no `from __future__ import annotations`.
import warp as wp


@wp.func
def positive_part3(matrix: wp.mat33d):
    """A symmetric matrix without its negative eigenvalues."""
    # Most have none, and finding eigenvalues is dear: the leading minors say so (J. J. Sylvester).
    minor = matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]
    if matrix[0, 0] > wp.float64(0.0) and minor > wp.float64(0.0) and wp.determinant(matrix) > wp.float64(0.0):
        return matrix
    vectors, values = wp.eig3(matrix)
    for i in range(3):
        values[i] = wp.max(values[i], wp.float64(0.0))
    return vectors * wp.diag(values) * wp.transpose(vectors)
