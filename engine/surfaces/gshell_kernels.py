"""Warp kernels of G-Shell: those of FlexiCubes with the manifold signed distance as a fourth coordinate."""

from __future__ import annotations

import torch

from engine.core.kernels import register_module
from engine.surfaces.flexicubes_kernels import flexicubes_kernels, flexicubes_module

register_module(__name__, flexicubes_module(torch.float32, 4), "G-Shell")
flexicubes_kernels(torch.float32, 4)
