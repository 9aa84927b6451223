"""Networks whose level set is a surface: a sine network for one shape, a decoder with a latent for many.

A network is an `Architecture` (plain data) and one flat tensor of its parameters, so that a design has one leaf, and a
Model one array. Layers are fully connected; the last one is linear and has one output.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor

from engine.core.errors import ParameterError

Activation = Literal["sine", "softplus", "silu"]
SHARPNESS = 100.0
"""Beta of softplus: close to a ramp, yet with a second derivative, which the eikonal Term needs."""


@dataclass(frozen=True)
class Architecture:
    """What a network looks like.

    layers : hidden layers
    width : neurons of a hidden layer
    activation : "sine" (SIREN, Sitzmann et al. 2020), "softplus" (beta 100) or "silu"
    frequency : of the first layer and all others where the activation is sine (omega_0)
    octaves : positional encoding sin and cos of 2^k π x, k < octaves, beside x itself (0: x alone)
    latent_size : numbers that say which shape (0: one shape)
    """

    layers: int = 3
    width: int = 64
    activation: Activation = "sine"
    frequency: float = 30.0
    octaves: int = 0
    latent_size: int = 0

    def __post_init__(self) -> None:
        limits = {"layers": (1, 16), "width": (4, 1024), "octaves": (0, 12), "latent_size": (0, 1024)}
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if not isinstance(value, int) or not least <= value <= most:
                raise ParameterError(name, f"{value!r} does not fit a network.", remedy=f"Use {least} to {most}.")
        if self.activation not in ("sine", "softplus", "silu"):
            raise ParameterError("activation", f"{self.activation!r} is unknown.", remedy="Use sine, softplus or silu.")
        if not 0.0 < self.frequency <= 1000.0:
            raise ParameterError("frequency", f"{self.frequency!r} is none.", remedy="Use a number up to 1000.")

    @property
    def input_size(self) -> int:
        """Numbers that enter: position, its encoding, and the latent."""
        return 3 + 6 * self.octaves + self.latent_size

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of every layer."""
        sizes = [self.input_size, *[self.width] * self.layers, 1]
        return list(pairwise(sizes))

    @property
    def parameter_count(self) -> int:
        return sum((inputs + 1) * outputs for inputs, outputs in self.shapes)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Architecture:
        """Raises `ParameterError` where the values do not make one."""
        try:
            return Architecture(**values)
        except TypeError:
            raise ParameterError("architecture", f"{sorted(values)} do not describe a network.") from None

    def initial(self, generator: torch.Generator, *, dtype: torch.dtype = torch.float32) -> Tensor:
        """Random parameters to start from, shape (parameter_count,).

        Source: Sitzmann et al., *Implicit neural representations with periodic activation functions*, 2020, section
        3.2 for sine; He et al., 2015, for the others.
        """
        parts = []
        for index, (inputs, outputs) in enumerate(self.shapes):
            weights = torch.rand(inputs, outputs, generator=generator, dtype=torch.float64) * 2.0 - 1.0
            bias = torch.rand(outputs, generator=generator, dtype=torch.float64) * 2.0 - 1.0
            if self.activation == "sine":
                # Of the first layer's inputs only the three of the position span [-1, 1].
                bound = 1.0 / 3.0 if index == 0 else math.sqrt(6.0 / inputs) / self.frequency
                parts += [weights * bound, bias * bound]
            else:
                last = index == self.layers
                parts += [weights * math.sqrt((1.0 if last else 6.0) / inputs), bias * 0.0]
        return torch.cat([part.reshape(-1) for part in parts]).to(dtype)

    def evaluate(self, parameters: Tensor, positions: Tensor, latent: Tensor | None = None) -> Tensor:
        """Values at `positions` (n, 3), shape (n,), with graph in everything that asks for it.

        parameters : shape (parameter_count,)
        latent : one for all positions, shape (latent_size,), or k of them, shape (k, latent_size), each for n / k
            positions that follow one another
        """
        hidden = self._first_layer(parameters, positions, latent)
        start = (self.input_size + 1) * self.width
        for inputs, outputs in self.shapes[1:]:
            weights = parameters[start : start + inputs * outputs].view(inputs, outputs)
            bias = parameters[start + inputs * outputs : start + (inputs + 1) * outputs]
            hidden = torch.addmm(bias, self._activated(hidden), weights)
            start += (inputs + 1) * outputs
        return hidden[:, 0]

    def _first_layer(self, parameters: Tensor, positions: Tensor, latent: Tensor | None) -> Tensor:
        """Its outputs before the activation; one latent for all is a bias, and costs nothing at each position."""
        size, width = self.input_size, self.width
        weights = parameters[: size * width].view(size, width)
        bias = parameters[size * width : (size + 1) * width]
        encoded = self._encoded(positions)
        spatial = encoded.shape[1]
        if self.latent_size:
            if latent is None or latent.shape[-1] != self.latent_size:
                raise ParameterError("latent", f"the network asks for {self.latent_size} numbers.")
            shift = latent @ weights[spatial:]
            if latent.ndim == 2:
                grouped = (encoded @ weights[:spatial]).view(len(latent), -1, width)
                return (grouped + (shift + bias)[:, None]).view(-1, width)
            bias = bias + shift
        return torch.addmm(bias, encoded, weights[:spatial])

    def _encoded(self, positions: Tensor) -> Tensor:
        if not self.octaves:
            return positions
        factors = math.pi * 2.0 ** torch.arange(self.octaves, dtype=positions.dtype, device=positions.device)
        angles = (positions[:, :, None] * factors).flatten(1)
        return torch.cat([positions, torch.sin(angles), torch.cos(angles)], dim=1)

    def _activated(self, hidden: Tensor) -> Tensor:
        if self.activation == "sine":
            return torch.sin(self.frequency * hidden)
        if self.activation == "silu":
            return torch.nn.functional.silu(hidden)
        return torch.nn.functional.softplus(hidden, beta=SHARPNESS)
