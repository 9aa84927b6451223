"""Which compute device does the work: CUDA where there is one, else the CPU."""

from __future__ import annotations

import os
from dataclasses import dataclass

import psutil
import torch
import warp as wp

from engine.core.errors import DeviceError, MemoryLimitError
from engine.core.kernels import initialise_warp

VARIABLE = "FORMWRIGHT_DEVICE"
"""The environment variable that "auto" follows where it is set."""


@dataclass(frozen=True)
class Device:
    """One device under the names that torch and Warp give it."""

    name: str

    @property
    def torch(self) -> torch.device:
        return torch.device(self.name)

    @property
    def warp(self) -> wp.Device:
        return wp.get_device(self.name)

    @property
    def is_cuda(self) -> bool:
        return self.name.startswith("cuda")

    def describe(self) -> str:
        """What a person calls it: "NVIDIA RTX 4090 (cuda:0)", "cpu"."""
        return f"{torch.cuda.get_device_name(self.torch)} ({self.name})" if self.is_cuda else self.name

    def free_memory(self) -> int:
        """Bytes that can be allocated now."""
        if self.is_cuda:
            return int(torch.cuda.mem_get_info(self.torch)[0])
        return int(psutil.virtual_memory().available)

    def synchronize(self) -> None:
        """Wait for all work on the device (for benchmarks and before shared reads)."""
        if self.is_cuda:
            torch.cuda.synchronize(self.torch)


def choose_device(name: str = "auto") -> Device:
    """The device called `name` ("auto", "cpu", "cuda", "cuda:1"); raises `DeviceError` when it is not there."""
    initialise_warp()  # before Warp starts by itself, which greets on stdout
    if name in ("auto", ""):
        name = os.environ.get(VARIABLE, "auto")
    if name in ("auto", ""):
        name = "cuda" if torch.cuda.is_available() and wp.is_cuda_available() else "cpu"
    if name == "cpu":
        return Device("cpu")
    if name.partition(":")[0] != "cuda":
        raise DeviceError(f"{name!r} is no compute device.", remedy="Use auto, cpu, cuda or cuda:N.")
    if not (torch.cuda.is_available() and wp.is_cuda_available()):
        raise DeviceError("There is no CUDA device for torch and Warp.", remedy="Choose cpu, or check the driver.")
    index = int(name.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        raise DeviceError(f"There is no {name}.", remedy=f"This machine has {torch.cuda.device_count()} CUDA devices.")
    return Device(f"cuda:{index}")


def require_memory(needed: int, device: Device, *, what: str, remedy: str) -> None:
    """Refuse work that would need more than 80 % of the free memory; `remedy` says what would fit."""
    free = device.free_memory()
    if needed > 0.8 * free:
        raise MemoryLimitError(
            f"{what} needs about {needed / 2**30:.1f} GiB, and {device.describe()} has {free / 2**30:.1f} GiB free.",
            remedy=remedy,
        )
