import gc
import weakref
from typing import Any

import pytest
import torch
import warp as wp
from torch import Tensor

from engine.core.bridge import Operation, apply, launch, launch_adjoint, view
from engine.core.errors import NotDifferentiableError

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@wp.kernel
def weighted_square(x: wp.array[wp.float64], w: wp.array[wp.float64], s: wp.float64, y: wp.array[wp.float64]) -> None:
    i = wp.tid()
    y[i] = s * w[i] * x[i] * x[i]


class WeightedSquare(Operation):
    """y = s w x², with Warp's generated adjoint."""

    name = "weighted square"

    def __init__(self, scale: float) -> None:
        self.scale = wp.float64(scale)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        self.x, self.w = inputs
        self.y = torch.empty_like(self.x)
        launch(weighted_square, len(self.x), [self.x, self.w, self.scale, self.y], device=self.x.device)
        return (self.y,)

    def backward(self, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        (grad_y,) = gradients
        if grad_y is None:
            return None, None
        grad_x, grad_w = torch.zeros_like(self.x), torch.zeros_like(self.w)
        launch_adjoint(
            weighted_square,
            len(self.x),
            [self.x, self.w, self.scale, self.y],
            [grad_x, grad_w, None, grad_y.clone()],
            device=self.x.device,
        )
        return grad_x, grad_w


@pytest.fixture(params=DEVICES)
def inputs(request: Any) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x, w = (torch.randn(7, generator=generator, dtype=torch.float64).to(request.param) for _ in range(2))
    return x.requires_grad_(), w.requires_grad_()


def test_gradient_by_the_generated_adjoint(inputs: tuple[Tensor, Tensor]) -> None:
    assert torch.autograd.gradcheck(lambda x, w: apply(WeightedSquare(1.5), x, w)[0], inputs)


def test_two_backwards_in_a_row_give_the_same(inputs: tuple[Tensor, Tensor]) -> None:
    x, w = inputs
    (y,) = apply(WeightedSquare(0.5), x, w)
    incoming = torch.ones_like(y)
    first = torch.autograd.grad(y, [x, w], incoming, retain_graph=True)
    second = torch.autograd.grad(y, [x, w], incoming)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert torch.equal(incoming, torch.ones_like(y))
    assert torch.allclose(first[0], x * w)


def test_a_second_derivative_is_refused_when_it_is_asked_for(inputs: tuple[Tensor, Tensor]) -> None:
    x, w = inputs
    (y,) = apply(WeightedSquare(0.5), x, w)
    (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    assert torch.allclose(slope, x * w)
    with pytest.raises(NotDifferentiableError, match="weighted square"):
        slope.sum().backward()


def test_a_view_shares_memory_and_folds_vectors() -> None:
    tensor = torch.zeros(4, 3)
    array = view(tensor, wp.vec3)
    assert array.shape == (4,)
    tensor[2, 1] = 5.0
    assert array.numpy()[2, 1] == 5.0


def test_a_launch_keeps_none_of_its_tensors() -> None:
    """What is remembered of a launch must not hold the memory of every iteration."""
    tensors = [torch.ones(4, dtype=torch.float64) for _ in range(3)]
    x, w, y = tensors
    launch(weighted_square, 4, [x, w, wp.float64(2.0), y], device=x.device)
    assert y.tolist() == [2.0] * 4
    kept = [weakref.ref(tensor) for tensor in tensors]
    del x, w, y, tensors
    gc.collect()
    assert [ref() for ref in kept] == [None] * 3


def test_repeated_launches_follow_place_length_order_and_type_of_what_they_are_given() -> None:
    """A launch is recorded once; what differs the next time must not be what was recorded."""
    every_other = torch.arange(12, dtype=torch.float64)[::2]
    given = [torch.arange(3.0, dtype=torch.float64), torch.ones(1, dtype=torch.float64), every_other]
    for x in [*given, *given[::-1]]:
        y = torch.full_like(x, -1.0)
        arguments = [x, torch.full_like(x, 2.0), wp.float64(0.5), y]
        launch(weighted_square, len(x), arguments, device=x.device)
        assert torch.equal(y, x * x)
        arguments[0] = view(-3.0 * x)
        launch(weighted_square, len(x), arguments, device=x.device)
        assert torch.equal(y, 9.0 * x * x)
    with pytest.raises((RuntimeError, TypeError)):
        launch(weighted_square, 3, [given[0].to(torch.float32), *arguments[1:]], device=torch.device("cpu"))


def test_a_tensor_that_is_given_again_is_taken_as_it_is_then() -> None:
    short, long = torch.arange(3.0, dtype=torch.float64), torch.arange(5.0, dtype=torch.float64)
    for x in (short, short, long, long, short):
        x += 1.0
        y = torch.empty_like(x)
        launch(weighted_square, len(x), [x, torch.ones_like(x), wp.float64(1.0), y], device=x.device)
        assert torch.equal(y, x * x)


def test_an_empty_launch_does_nothing() -> None:
    empty = torch.zeros(0, dtype=torch.float64)
    launch(weighted_square, 0, [empty, empty, wp.float64(1.0), empty], device=torch.device("cpu"))


def test_a_tensor_of_the_wrong_type_is_refused() -> None:
    single = torch.zeros(3)
    with pytest.raises((RuntimeError, TypeError)):
        launch(weighted_square, 3, [single, single, wp.float64(1.0), single], device=torch.device("cpu"))
