"""What every study does before it builds its problem."""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch

from engine.core.device import Device
from engine.core.kernels import is_warm, warm_up

Tell = Callable[[str, float | None], None]


def prepare_device(device: Device, progress: Tell, *, share: float = 0.1, files: Collection[str] | None = None) -> None:
    """Compile what is not compiled yet, and set the number of threads.

    share : part of the whole preparation that compiling takes
    files : with the kernels that are needed; None for all
    """
    if not device.is_cuda:
        # A study's tensors are small: a second thread waits more than it works, and doubles the processor time.
        torch.set_num_threads(1)
    if not is_warm(device.name, files):
        warm_up(
            lambda title, done: progress(f"Compiling, once: {title}", share * done) if title else None,
            device=device.name,
            files=files,
        )
