"""A space of shapes: one decoder and a latent for each shape, learnt together from distances (DeepSDF's auto-decoder).

Source: Park et al., *DeepSDF*, CVPR 2019, section 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import FileError, FormwrightError, NonFiniteError, ParameterError
from engine.geometry.frame import Frame
from engine.io.model_file import read_model
from engine.surfaces.fitting import CUT, DistanceSamples, clamped_errors, descend
from engine.surfaces.network_field import NetworkField
from engine.surfaces.networks import Architecture

KIND = "shape-space"
"""Of a Model's card."""

SHAPES_AT_ONCE = 16
"""Shapes that one step of the training looks at."""

LATENT_RATE = 3.0
"""Step size of the latents over that of the network."""

LEAST_VARIANCE = 1.0e-4
"""Directions of the latents with less than this part of the largest variance say nothing, and go."""


@dataclass(frozen=True)
class ShapeSpace:
    """What a shape space is.

    The latents are whitened: over the training shapes every component has mean 0 and variance 1 and is independent of
    the others; the first one varies most in what was learnt. 0 is the mean shape.

    architecture, parameters : the decoder, on the cube of `frame`; parameters float32, shape (parameter_count,)
    latents : of the training shapes, float32, shape (shape_count, latent_size)
    names : of the training shapes
    frame : from millimetres to the cube that it was trained in
    """

    architecture: Architecture
    parameters: np.ndarray
    latents: np.ndarray
    names: tuple[str, ...]
    frame: Frame

    @property
    def latent_size(self) -> int:
        return self.architecture.latent_size

    def latent_of(self, shape: str | np.ndarray) -> np.ndarray:
        """The latent of a training shape by its name, or one that is given; raises `ParameterError`."""
        if isinstance(shape, str):
            if shape not in self.names:
                raise ParameterError("shape", f"{shape!r} is not among what was learnt: {', '.join(self.names)}.")
            return self.latents[self.names.index(shape)]
        latent = np.asarray(shape, np.float32)
        if latent.shape != (self.latent_size,) or not np.isfinite(latent).all():
            raise ParameterError("latent", f"it must be {self.latent_size} finite numbers.")
        return latent

    def field(self, latent: str | np.ndarray | None = None, *, device: torch.device | None = None) -> NetworkField:
        """The decoder with a latent (the mean shape's where there is none) as its only leaf."""
        chosen = np.zeros(self.latent_size, np.float32) if latent is None else self.latent_of(latent)
        return NetworkField(
            self.architecture,
            torch.from_numpy(np.array(self.parameters)).to(device),
            torch.from_numpy(np.array(chosen)).to(device),
            design="latent",
        )

    def details(self) -> dict[str, Any]:
        """What a Model's card says of it, beside its arrays "network" and "latents"."""
        return {
            "architecture": self.architecture.to_dict(),
            "origin": list(self.frame.origin),
            "scale": self.frame.scale,
        }

    @staticmethod
    def from_arrays(arrays: dict[str, np.ndarray], names: Sequence[str], details: dict[str, Any]) -> ShapeSpace:
        """Back from `details` and arrays; raises `ParameterError` where they do not fit each other."""
        try:
            architecture = Architecture.from_dict(details["architecture"])
            x, y, z = (float(value) for value in details["origin"])
            frame = Frame((x, y, z), float(details["scale"]))
            parameters, latents = arrays["network"], arrays["latents"]
        except (KeyError, TypeError, ValueError) as error:
            raise ParameterError("model", f"its card or its arrays lack {error}.") from error
        if parameters.shape != (architecture.parameter_count,) or latents.shape != (
            len(names), architecture.latent_size,
        ):  # fmt: skip
            raise ParameterError("model", "its arrays do not fit the network on its card.")
        return ShapeSpace(architecture, parameters, latents, tuple(names), frame)


@dataclass
class Training:
    """A training under way: it can be taken up from these arrays bit for bit.

    parameters, latents : and the moments of Adam of both, "…_mean" and "…_square"
    iteration : how many are done
    """

    architecture: Architecture
    arrays: dict[str, Tensor]
    iteration: int = 0

    @staticmethod
    def begun(architecture: Architecture, shape_count: int, *, seed: int) -> Training:
        generator = torch.Generator().manual_seed(seed)
        parameters = architecture.initial(generator)
        latents = 0.1 * torch.randn(shape_count, architecture.latent_size, generator=generator)
        leaves = {"parameters": parameters, "latents": latents}
        moments = {f"{name}_{kind}": torch.zeros_like(leaf) for name, leaf in leaves.items() for kind in _MOMENTS}
        return Training(architecture, {**leaves, **moments})

    def run(
        self,
        shapes: Sequence[DistanceSamples],
        *,
        iterations: int,
        batch: int = 512,
        learning_rate: float = 2e-3,
        latent_weight: float = 1e-4,
        seed: int = 0,
        after: Callable[[Training, float], None] | None = None,
    ) -> float:
        """Go on until `iterations` are done; returns the mean error over the last steps [working lengths].

        batch : places of each shape in one step
        latent_weight : of the mean squared norm of the latents
        after : called after every step with this and the step's error; it may raise, and the training can be taken up
        """
        parameters, latents = (self.arrays[name].requires_grad_() for name in ("parameters", "latents"))
        counts = {name: torch.tensor(float(self.iteration)) for name in ("parameters", "latents")}
        recent = float("nan")
        while self.iteration < iterations:
            # Every step has its own seed, so that a training which is taken up draws what it would have drawn.
            generator = torch.Generator().manual_seed(seed * 1_000_003 + self.iteration)
            chosen = torch.randperm(len(shapes), generator=generator)[:SHAPES_AT_ONCE]
            rows = [torch.randint(0, len(shapes[i]), (batch,), generator=generator) for i in chosen.tolist()]
            pairs = list(zip(chosen.tolist(), rows, strict=True))
            positions = torch.cat([shapes[i].positions[row] for i, row in pairs])
            wanted = torch.cat([shapes[i].values[row] for i, row in pairs])
            taken = latents[chosen]
            values = self.architecture.evaluate(parameters, positions, taken)
            error = clamped_errors(values, wanted, CUT).mean()
            loss = error + latent_weight * (taken * taken).sum(dim=1).mean()
            if not bool(torch.isfinite(loss.detach())):
                raise NonFiniteError("The training's error", self.iteration)
            gradients = torch.autograd.grad(loss, [parameters, latents])
            rate = learning_rate * 0.5 * (1.0 + math.cos(math.pi * self.iteration / iterations))
            for name, gradient, factor in zip(counts, gradients, (1.0, LATENT_RATE), strict=True):
                mean, square = (self.arrays[f"{name}_{kind}"] for kind in _MOMENTS)
                descend(self.arrays[name], gradient, mean, square, counts[name], rate * factor)
            value = float(error.detach())
            recent = value if math.isnan(recent) else 0.95 * recent + 0.05 * value
            self.iteration += 1
            if after is not None:
                after(self, recent)
        return recent

    def space(self, names: Sequence[str], frame: Frame) -> ShapeSpace:
        """What has been learnt so far, with its latents whitened."""
        plain = {name: self.arrays[name].detach() for name in ("parameters", "latents")}
        space = ShapeSpace(
            self.architecture, plain["parameters"].numpy().copy(), plain["latents"].numpy().copy(), tuple(names), frame
        )
        return whitened(space)


_MOMENTS = ("mean", "square")


def load_shape_space(path: str | Path) -> ShapeSpace:
    """The shape space of a Model; raises `FileError` for another file."""
    card, arrays = read_model(path, kind=KIND)
    try:
        return ShapeSpace.from_arrays(arrays, card.data, card.details)
    except FormwrightError as error:
        raise FileError(path, error.message, remedy="Train it again.") from error


def whitened(space: ShapeSpace) -> ShapeSpace:
    """The same shapes with latents of mean 0 and variance 1: the change of coordinates goes into the first layer."""
    latents = space.latents.astype(np.float64)
    mean = latents.mean(axis=0)
    _, spread, axes = np.linalg.svd(latents - mean, full_matrices=False)
    spread = spread / math.sqrt(len(latents))
    kept = spread**2 > LEAST_VARIANCE * spread[0] ** 2 if len(spread) and spread[0] > 0 else spread > 0
    kept[:1] = True
    scaled = axes[kept] * np.maximum(spread[kept], 1e-12)[:, None]
    old, width = space.architecture, space.architecture.width
    new = replace(old, latent_size=int(kept.sum()))
    inputs = old.input_size - old.latent_size
    first = space.parameters[: (old.input_size + 1) * width].astype(np.float64).reshape(-1, width)
    weights, by_latent, bias = first[:inputs], first[inputs:-1], first[-1]
    layer = np.concatenate([weights, scaled @ by_latent, (bias + mean @ by_latent)[None]])
    rest = space.parameters[(old.input_size + 1) * width :]
    whole = np.concatenate([layer.reshape(-1).astype(np.float32), rest])
    coordinates = (latents - mean) @ np.linalg.pinv(scaled)
    return replace(space, architecture=new, parameters=whole, latents=coordinates.astype(np.float32))
