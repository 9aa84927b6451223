"""Named parameters of an Energy: replaced as a whole, within their limits, never written into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from engine.core.errors import FormwrightError, ParameterError


@dataclass(frozen=True)
class Limits:
    """low, high : what a value may be
    above : it must be above `low` and not only at least `low`
    infinite : it may be infinite
    """

    low: float = float("-inf")
    high: float = float("inf")
    above: bool = False
    infinite: bool = False

    def describe(self) -> str:
        bounds = []
        if self.low > float("-inf"):
            bounds.append(f"above {self.low:g}" if self.above else f"at least {self.low:g}")
        if self.high < float("inf"):
            bounds.append(f"at most {self.high:g}")
        return " and ".join(bounds) or "a number"

    def broken_by(self, values: Tensor) -> Tensor:
        """Which values are outside, or no numbers."""
        low = values > self.low if self.above else values >= self.low
        number = ~torch.isnan(values) if self.infinite else torch.isfinite(values)
        return ~(low & (values <= self.high) & number)


FREE = Limits()


class Parametrised:
    """Base of Energies with parameters. A subclass works out what depends on them in `_refresh`."""

    owner: str = "energy"

    def __init__(
        self, parameters: Mapping[str, Tensor | float], limits: Mapping[str, Limits], device: torch.device
    ) -> None:
        self._limits = dict(limits)
        self._device = device
        self._parameters = {name: self._checked(name, value) for name, value in parameters.items()}

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        return MappingProxyType(self._parameters)

    def assign(self, parameters: Mapping[str, Tensor]) -> None:
        """Replace some of the parameters; a single number stands for all elements. Nothing changes where one of them
        is refused."""
        before = self._parameters
        changed = dict(before)
        for name, value in parameters.items():
            if name not in before:
                known = ", ".join(sorted(before))
                raise ParameterError(f"{self.owner}.{name}", "there is no such parameter.", remedy=f"It has {known}.")
            checked, wanted = self._checked(name, value), before[name].shape
            if checked.shape not in (wanted, torch.Size()):
                raise ParameterError(
                    f"{self.owner}.{name}", f"has the shape {tuple(checked.shape)} instead of {tuple(wanted)}."
                )
            changed[name] = checked.expand(wanted).contiguous()
        self._parameters = changed
        try:
            self._refresh()
        except FormwrightError:
            self._parameters = before
            raise

    def _refresh(self) -> None:
        """Work out what depends on the parameters."""
        raise NotImplementedError

    def _checked(self, name: str, value: Tensor | float) -> Tensor:
        tensor = torch.as_tensor(value, dtype=torch.float64, device=self._device).detach().clone()
        limits = self._limits.get(name, FREE)
        broken = limits.broken_by(tensor)
        if broken.any():
            place = torch.nonzero(broken.reshape(-1))[0, 0]
            where = f" (entry {int(place)})" if tensor.ndim else ""
            raise ParameterError(
                f"{self.owner}.{name}",
                f"must be {limits.describe()}, and is {float(tensor.reshape(-1)[place]):g}{where}.",
            )
        return tensor
