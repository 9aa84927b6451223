"""The one bridge between torch and Warp: zero-copy views, launches on a tensor's device, autograd over kernels.

An `Operation` computes outputs from tensors with kernels and hands gradients back with kernels of its own (written by
hand, or Warp's generated adjoints through `launch_adjoint`). `apply` puts it into torch's graph.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, cast

import torch
import warp as wp
from torch import Tensor

from engine.core.errors import NotDifferentiableError
from engine.core.kernels import initialise_warp

READY = (ctypes.Structure, int, float)
"""Arguments that need no conversion."""
MAX_DESCRIPTORS = 10_000


def view(tensor: Tensor, dtype: Any = None) -> wp.array:
    """`tensor` as a Warp array over the same memory: no copy, no gradient. `dtype` (`wp.vec3`) folds the last axis.

    Convert what lives long once and keep the view; `launch` converts what it is given.
    """
    initialise_warp()
    return cast(wp.array, wp.from_torch(tensor.detach(), dtype=dtype, requires_grad=False))


def launch(kernel: wp.Kernel, dim: int | Sequence[int], arguments: Sequence[Any], *, device: torch.device) -> None:
    """Run `kernel` over `dim` threads on `device`, in torch's current stream; tensors become views of the type that
    the kernel declares. Nothing happens when `dim` is zero."""
    if _is_empty(dim):
        return
    repeated = _known.launches.get((kernel, device))
    if repeated is not None:
        repeated.launch(dim, arguments)
        return
    initialise_warp()
    stream = _stream(device)
    given = _arguments(kernel, arguments)
    command = wp.launch(kernel, dim=dim, inputs=given, device=str(device), stream=stream, record_cmd=True)
    _known.launches[kernel, device] = _Launch(kernel, device, command)
    command.launch(stream)


def launch_adjoint(
    kernel: wp.Kernel,
    dim: int | Sequence[int],
    arguments: Sequence[Any],
    adjoints: Sequence[Any],
    *,
    device: torch.device,
) -> None:
    """Run Warp's generated adjoint of `kernel`.

    arguments : as in the forward launch (inputs and outputs in the kernel's order)
    adjoints : one a argument: the incoming gradient of an output, a zeroed buffer that receives the gradient of an
        input, or None for what has none. Pass a copy of a gradient that torch owns: the adjoint may overwrite it.
    """
    if _is_empty(dim):
        return
    initialise_warp()
    stream = _stream(device)
    # Warp wants a number where the argument is a number; its adjoint is lost.
    slots = [
        argument if adjoint is None and not isinstance(argument, Tensor) else adjoint
        for argument, adjoint in zip(arguments, adjoints, strict=True)
    ]
    wp.launch(
        kernel,
        dim=dim,
        inputs=_arguments(kernel, arguments),
        adj_inputs=_arguments(kernel, slots),
        device=str(device),
        stream=stream,
        adjoint=True,
        record_tape=False,
    )


class Operation(ABC):
    """One differentiable computation. An instance serves one `apply`: it may keep what its adjoint needs."""

    name: str = "this operation"

    @abstractmethod
    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Outputs of `inputs` (detached)."""

    @abstractmethod
    def backward(self, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Gradient of each input from the gradient of each output (None: the output was not used).

        It may be called more than once, must give the same every time, and must not write into `gradients`.
        """


def apply(operation: Operation, *inputs: Tensor) -> tuple[Tensor, ...]:
    """Outputs of `operation` with torch's graph behind them.

    Integer outputs carry no graph. Differentiating a gradient again raises `NotDifferentiableError`.
    """
    outputs: tuple[Tensor, ...] = _KernelFunction.apply(operation, *inputs)
    return outputs


class _KernelFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, operation: Operation, *inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.operation = operation
        ctx.set_materialize_grads(False)
        outputs = operation.forward(*(tensor.detach() for tensor in inputs))
        ctx.mark_non_differentiable(*(tensor for tensor in outputs if not tensor.is_floating_point()))
        return outputs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        detached = (None if gradient is None else gradient.detach().contiguous() for gradient in gradients)
        with torch.no_grad():
            results = ctx.operation.backward(*detached)
        if torch.is_grad_enabled():
            results = tuple(
                None if result is None else _refuse_second_derivative(ctx.operation.name, result, gradients)
                for result in results
            )
        return None, *results


class _FirstDerivative(torch.autograd.Function):
    """The identity, whose derivative does not exist."""

    @staticmethod
    def forward(ctx: Any, name: str, gradient: Tensor, *sources: Tensor) -> Tensor:
        ctx.name = name
        return gradient.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        raise NotDifferentiableError(
            f"{ctx.name} has first derivatives only.", remedy="Call backward without create_graph."
        )


def _refuse_second_derivative(name: str, gradient: Tensor, sources: Sequence[Tensor | None]) -> Tensor:
    # A gradient of a leaf depends on that leaf too, so the refusal must not hinge on the incoming gradients' graphs.
    marker = torch.zeros((), device=gradient.device, requires_grad=True)
    result: Tensor = _FirstDerivative.apply(
        name, gradient, marker, *(source for source in sources if source is not None)
    )
    return result


def _stream(device: torch.device) -> wp.Stream | None:
    """torch's current one of a GPU."""
    return wp.stream_from_torch(torch.cuda.current_stream(device)) if device.type == "cuda" else None


def _is_empty(dim: int | Sequence[int]) -> bool:
    return dim == 0 if isinstance(dim, int) else 0 in dim


def _arguments(kernel: wp.Kernel, arguments: Sequence[Any]) -> list[Any]:
    """Tensors as Warp array descriptors of the type that the kernel declares, all else as it is."""
    declared: Sequence[Any] = kernel.adj.args
    return [
        _descriptor(argument, parameter.type.dtype) if isinstance(argument, Tensor) else argument
        for argument, parameter in zip(arguments, declared, strict=True)
    ]


def _descriptor(tensor: Tensor, dtype: Any) -> Any:
    """What Warp knows of an array: it follows from these numbers."""
    key = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype, dtype)
    known = _known.descriptors
    found = known.get(key)
    if found is None:
        if len(known) >= MAX_DESCRIPTORS:
            known.clear()
        found = wp.from_torch(tensor, dtype=dtype, requires_grad=False, return_ctype=True)
        found._ref = None  # Warp would keep the tensor with it, and so its memory as long as the descriptor is known
        known[key] = found
    return found


class _Launch:
    """A recorded launch, which is repeated much faster than Warp prepares one anew. A solver makes hundreds in a
    second, mostly of arrays as those before but for their places and lengths, so no more than these are written."""

    def __init__(self, kernel: wp.Kernel, device: torch.device, command: wp.Launch) -> None:
        self._command = command
        self._device = device
        self._dim: int | Sequence[int] | None = None
        self._dtypes = [getattr(parameter.type, "dtype", None) for parameter in kernel.adj.args]
        self._slots: list[_Slot | None] = [None] * len(self._dtypes)

    def launch(self, dim: int | Sequence[int], arguments: Sequence[Any]) -> None:
        command = self._command
        if dim != self._dim:
            command.set_dim(dim if isinstance(dim, int) else tuple(dim))
            self._dim = dim
        for index, (argument, slot) in enumerate(zip(arguments, self._slots, strict=True)):
            if slot is not None and slot.take(argument):
                continue
            if isinstance(argument, Tensor):
                slot = _Slot(argument, self._dtypes[index])
                command.set_param_at_index_from_ctype(index, slot.descriptor)
                self._slots[index] = slot
            elif isinstance(argument, READY):
                command.set_param_at_index_from_ctype(index, argument)
            else:
                command.set_param_at_index(index, argument)
                self._slots[index] = None
        command.launch(_stream(self._device))


class _Slot:
    """A descriptor of its own, for one argument after another that differ in place and length alone.

    tensor : the first one
    dtype : Warp's, which the kernel declares
    """

    def __init__(self, tensor: Tensor, dtype: Any) -> None:
        self.descriptor: Any = wp.from_torch(tensor, dtype=dtype, requires_grad=False, return_ctype=True)
        self.descriptor._ref = None  # Warp would keep the tensor with it, and so its memory
        # Where all axes are folded into the type, Warp makes up an axis of its own.
        self._lasting = tensor.ndim > 0 and self.descriptor.shape[0] == tensor.shape[0]
        self._dtype, self._stride, self._inner = tensor.dtype, tensor.stride(), tensor.shape[1:]
        self._seen = weakref.ref(tensor)

    def take(self, argument: Any) -> bool:
        """Whether the descriptor is that of `argument` now."""
        if self._seen() is argument:
            return True  # half of all arguments never change; no tensor gets another memory
        if (
            not isinstance(argument, Tensor)
            or argument.dtype != self._dtype
            or argument.stride() != self._stride
            or not self._lasting
        ):
            return False
        shape = argument.shape
        if shape[1:] != self._inner:
            return False
        self.descriptor.data = argument.data_ptr()
        self.descriptor.shape[0] = shape[0]
        self._seen = weakref.ref(argument)
        return True


class _Known(threading.local):
    """What launches repeat: a thread's own, for it is written into."""

    def __init__(self) -> None:
        self.launches: dict[tuple[wp.Kernel, torch.device], _Launch] = {}
        self.descriptors: dict[Any, Any] = {}


_known = _Known()
