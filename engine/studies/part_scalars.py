"""The scalars that a Model needs of a part: set by hand, or found with its shape."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.regression.model import RegressionModel


class PartScalars:
    """Values in the Model's order.

    leaf : what is optimised: standardised, shape (input_count,), float64
    first : as they were at the start, in their units, shape (input_count,)
    """

    def __init__(self, model: RegressionModel, inputs: Mapping[str, float]) -> None:
        """inputs : by name; those that are missing begin at the mean of the samples"""
        self._names = model.input_names
        self._units = model.card.get("units", {})
        count = model.domain.shape_count
        self._middle, self._spread = (
            torch.from_numpy(np.asarray(values[count:], np.float64)) for values in (model.centre, model.spread)
        )
        self._low, self._high = torch.from_numpy(model.domain.low), torch.from_numpy(model.domain.high)
        self._given = torch.zeros(len(self._names), dtype=torch.float64)
        self.leaf = self._given.clone().requires_grad_()
        self.take(inputs)
        self.first = self.raw().detach().clone()

    def raw(self) -> Tensor:
        """In their units, with graph."""
        return self._middle + self._spread * self.leaf

    def values(self) -> dict[str, float]:
        """The same by name."""
        return dict(zip(self._names, self.raw().tolist(), strict=True))

    def require(self, names: Collection[str], owner: str) -> None:
        """Raise `ParameterError` for names that the Model does not know."""
        for name in names:
            if name not in self._names:
                known = f"It needs {', '.join(self._names)}." if self._names else "It needs none."
                raise ParameterError(owner, f"the Model knows no input {name!r}.", remedy=known)

    def take(self, inputs: Mapping[str, float]) -> None:
        """Set scalars; those that are not named stay as they are. Raises `ParameterError`."""
        self.require(inputs, "study.inputs")
        with torch.no_grad():
            for place, name in enumerate(self._names):
                if name in inputs:
                    self.leaf[place] = (inputs[name] - self._middle[place]) / self._spread[place]
        self.hold()

    def hold(self) -> None:
        """Those that do not vary stay where they are now."""
        self._given = self.leaf.detach().clone()

    def mask_gradient(self, vary: Collection[str]) -> None:
        if self.leaf.grad is not None:
            self.leaf.grad.mul_(self._varying(vary))

    def put_back(self, vary: Collection[str]) -> None:
        """Those that vary stay within what was learnt; the others are where they were, for momentum moves them."""
        with torch.no_grad():
            inside = torch.minimum(torch.maximum(self.leaf, self._low), self._high)
            self.leaf.copy_(torch.where(self._varying(vary), inside, self._given))

    def told(self, vary: Collection[str]) -> dict[str, dict[str, Any]]:
        """Value, range and mean of the samples, and unit, by name."""
        low, high = ((self._middle + self._spread * limit).tolist() for limit in (self._low, self._high))
        values, means = self.raw().tolist(), self._middle.tolist()
        return {
            name: {
                "value": values[k], "low": low[k], "high": high[k], "mean": means[k],
                "unit": self._units.get(name, ""), "varies": name in vary,
            }
            for k, name in enumerate(self._names)
        }  # fmt: skip

    def state(self) -> dict[str, Any]:
        return {"leaf": self.leaf.detach().numpy().copy(), "given": self._given.numpy().copy()}

    def restore(self, values: Mapping[str, Any]) -> None:
        self.leaf = torch.from_numpy(np.array(values["leaf"], np.float64)).requires_grad_()
        self._given = torch.from_numpy(np.array(values["given"], np.float64))

    def _varying(self, vary: Collection[str]) -> Tensor:
        return torch.tensor([name in vary for name in self._names], dtype=torch.bool)
