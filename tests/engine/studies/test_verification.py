"""The checks of studies through a simulation find gradients that are wrong (that they pass: tests/house)."""

from __future__ import annotations

import pytest
from torch import Tensor

from engine.studies import verification
from engine.studies.hold import HoldProblem
from engine.studies.identify import IdentifyProblem


def test_a_number_whose_gradient_is_cut_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    value = IdentifyProblem._value

    def cut(self: IdentifyProblem, name: str, number: Tensor) -> Tensor:
        return value(self, name, number.detach() + 0.0 * number if name.endswith("density") else number)

    monkeypatch.setattr(IdentifyProblem, "_value", cut)
    assert not verification.identify_gradient(steps=3).passed


def test_a_way_whose_gradient_is_cut_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    path = HoldProblem._path

    def cut(self: HoldProblem, name: str) -> Tensor:
        way = path(self, name)
        return way.detach() + 0.99 * (way - way.detach())

    monkeypatch.setattr(HoldProblem, "_path", cut)
    assert not verification.hold_gradient(steps=3).passed
