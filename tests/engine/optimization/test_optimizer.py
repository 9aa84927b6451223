"""Optimisers: remaps of every kind, restoring, factors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.core.leaves import Remap
from engine.optimization.optimizer import Adam, Optimizer, make_optimizer
from engine.protocol.study import OptimizerSpec


def closure_of(optimizer: Optimizer):  # type: ignore[no-untyped-def]  # a Closure
    def closure() -> torch.Tensor:
        optimizer.zero_gradients()
        loss = torch.stack([((tensor - 1.0) ** 2).sum() for tensor in optimizer.tensors.values()]).sum()
        loss.backward()
        return loss.detach()

    return closure


def leaf(*shape: int) -> torch.Tensor:
    return torch.zeros(*shape, requires_grad=True)


@pytest.mark.parametrize("kind", ["adam", "l-bfgs"])
def test_a_leaf_may_be_new_empty_or_replaced_twice_in_one_iteration(kind: str) -> None:
    first = leaf(3)
    optimizer = make_optimizer(OptimizerSpec(kind=kind, learning_rate=0.1), {"a": first, "empty": leaf(0, 4)}, {})
    optimizer.step(closure_of(optimizer), 0.1)
    middle, last, fresh = leaf(4), leaf(5), leaf(2)

    def pad(moment: torch.Tensor, count: int) -> torch.Tensor:
        return torch.cat([moment, torch.zeros(count - len(moment))])

    optimizer.remap(
        [
            Remap("a", first, middle, lambda moment: pad(moment, 4)),
            Remap("a", middle, last, lambda moment: pad(moment, 5)),
            Remap("fresh", None, fresh, lambda moment: moment),
        ]
    )
    optimizer.step(closure_of(optimizer), 0.1)
    assert torch.all(last.detach() != 0.0) and torch.all(fresh.detach() != 0.0)
    assert torch.all(first.detach() == first.detach()[0]), "the old leaf is left alone"


def test_factors_scale_the_step_of_their_leaf() -> None:
    slow, fast = leaf(1), leaf(1)
    adam = Adam(OptimizerSpec(), {"slow": slow, "fast": fast}, {"slow": 0.25})
    adam.step(closure_of(adam), 0.1)
    assert slow.item() == pytest.approx(0.025) and fast.item() == pytest.approx(0.1)


def test_the_learning_rate_decays_by_the_declared_power_of_ten() -> None:
    adam = Adam(OptimizerSpec(learning_rate=0.1, decay=2.0), {"a": leaf(1)}, {})
    assert adam.learning_rate(0, 100) == pytest.approx(0.1)
    assert adam.learning_rate(50, 100) == pytest.approx(0.01)
    assert adam.learning_rate(100, 100) == pytest.approx(0.001)


def test_a_restored_state_is_no_view_of_the_saved_one() -> None:
    adam = Adam(OptimizerSpec(), {"a": leaf(3)}, {})
    adam.step(closure_of(adam), 0.1)
    saved = adam.state()
    before = np.array(saved["moments"]["a"]["exp_avg"])  # type: ignore[index,call-overload]
    again = Adam(OptimizerSpec(), {"a": leaf(3)}, {})
    again.restore(saved)
    again.step(closure_of(again), 0.1)
    assert np.array_equal(before, saved["moments"]["a"]["exp_avg"])  # type: ignore[index,call-overload]
