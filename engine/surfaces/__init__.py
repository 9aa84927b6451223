"""Differentiable surfaces: a design of tensors and the mesh it stands for."""
