"""A network as an implicit function: what of it is optimised, where it lies, and what its values mean."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.surfaces.implicit import ImplicitFunction
from engine.surfaces.networks import Architecture

Design = Literal["network", "latent", "both"]
DistanceKind = Literal["signed", "occupancy", "unsigned"]

OCCUPANCY_WIDTH = 0.02
"""Working lengths over which an occupancy falls from 0.73 to 0.27, where the network's output is a distance."""


class NetworkField(ImplicitFunction):
    """A network's output as a field in the working frame.

    Parameters
    ----------
    architecture : of the network
    parameters : shape (architecture.parameter_count,)
    latent : shape (architecture.latent_size,)
    design : which of them are leaves, "network", "latent", or "both"; the others stay as they are
    distance : what the values are: a "signed" distance, 1/2 − "occupancy", or an "unsigned" distance
    placement : (scale, x, y, z) that takes working positions to those that the network was trained in:
        network = scale · working + (x, y, z); distances are scaled back
    """

    def __init__(
        self,
        architecture: Architecture,
        parameters: Tensor,
        latent: Tensor | None = None,
        *,
        design: Design = "network",
        distance: DistanceKind = "signed",
        placement: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0),
    ) -> None:
        if parameters.shape != (architecture.parameter_count,):
            raise ParameterError(
                "network", f"{tuple(parameters.shape)} numbers where the network has {architecture.parameter_count}."
            )
        if not architecture.latent_size and design != "network":
            raise ParameterError("design", "a network of one shape has no latent.", remedy="Optimise the network.")
        given = torch.zeros(architecture.latent_size) if latent is None else latent
        if given.shape != (architecture.latent_size,):
            raise ParameterError("latent", f"it has {given.numel()} numbers for {architecture.latent_size}.")
        if distance not in ("signed", "occupancy", "unsigned"):
            raise ParameterError("distance", f"{distance!r} is none.", remedy="Use signed, occupancy or unsigned.")
        if not placement[0] > 0.0:
            raise ParameterError("placement", f"a scale of {placement[0]} is none.", remedy="Give a positive number.")
        self.architecture = architecture
        self.design = design
        self.distance = distance
        self.placement = placement
        self.parameters = parameters.detach().clone().requires_grad_(design != "latent")
        self.latent = given.detach().to(parameters).clone().requires_grad_(design != "network")

    @property
    def dtype(self) -> torch.dtype:
        return self.parameters.dtype

    def leaves(self) -> dict[str, Tensor]:
        every = {"network": self.parameters, "latent": self.latent}
        return {name: leaf for name, leaf in every.items() if leaf.requires_grad}

    def values_at(self, positions: Tensor) -> Tensor:
        scale, *offset = self.placement
        if self.placement != (1.0, 0.0, 0.0, 0.0):
            positions = positions * scale + positions.new_tensor(offset)
        latent = self.latent if self.architecture.latent_size else None
        values = self.architecture.evaluate(self.parameters, positions, latent) / scale
        if self.distance == "occupancy":
            return 0.5 - torch.sigmoid(-values / OCCUPANCY_WIDTH)
        # An unsigned distance is what the network says: folding it at zero would make sheets that no data ask for.
        return values
